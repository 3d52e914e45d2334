"""Every text a model reads, as files, and the two ways to read them."""

from __future__ import annotations

import string
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent


@lru_cache(maxsize=64)
def _template(name: str) -> tuple[str, frozenset[str]]:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return text, frozenset(field for _, field, _, _ in string.Formatter().parse(text) if field)


def render(name: str, **values: str) -> str:
    """The prompt ``name`` with its values. Raises ValueError that names what is missing or unused."""
    text, wanted = _template(name)
    missing, unused = wanted - set(values), set(values) - wanted
    if missing or unused:
        raise ValueError(f"prompt {name!r}: missing {sorted(missing)}, unused {sorted(unused)}")
    return text.format(**values)


@lru_cache(maxsize=1)
def load_questions() -> dict[str, tuple[str, ...]]:
    """Human wordings of each intent: intent -> lines of prompts/questions/<intent>.txt."""
    return {
        path.stem: tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
        for path in sorted((FOLDER / "questions").glob("*.txt"))
    }
