"""A passage of guideline knowledge, as the library holds it and as a prompt cites it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from encoders.faults import InputError

GUIDELINES = Path(__file__).resolve().parent.parent / "assets" / "guidelines"


@dataclass(frozen=True)
class Passage:
    """A few sentences in our own words, with the source they rest on. ``text`` has at most about 80 words.

    ``strength`` is how strongly the source recommends what the passage says, in the source's own grades, or that sources differ;
    empty where nothing is graded. The one field that a header may leave out.
    """

    id: str
    title: str
    section: str
    source: str
    year: int
    url: str
    licence: str
    topic: str
    text: str
    strength: str = ""

    @property
    def local(self) -> bool:
        """Whether a clinic added it to its own copy; such a passage is marked wherever it is shown."""
        return self.id.startswith("local/")


class PassageError(InputError):
    """A passage file that cannot be read. One plain sentence."""


def read_passages(folder: Path = GUIDELINES) -> tuple[Passage, ...]:
    """Every ``*.md`` under ``folder``: a header of ``name: value`` lines between ``---`` lines, then the text."""
    return tuple(read_passage(path) for path in sorted(folder.rglob("*.md")) if path.name != "README.md")


def read_passage(path: Path) -> Passage:
    """One file -> Passage. Raises PassageError that names the file and what its header lacks."""
    try:
        parts = path.read_text(encoding="utf-8-sig").split("---\n", 2)
    except (OSError, UnicodeDecodeError) as error:
        raise PassageError(f"{path.name} cannot be read ({type(error).__name__}); it must be a text file in UTF-8") from error
    if len(parts) != 3 or parts[0].strip():
        raise PassageError(f"{path.name} has no header; it must begin with --- and name: value lines")
    header = dict(line.split(": ", 1) for line in parts[1].splitlines() if ": " in line)
    wanted = {item.name for item in fields(Passage)} - {"text", "strength"}
    lacking = sorted(name for name in wanted if not header.get(name, "").strip())
    if lacking:
        raise PassageError(f"the header of {path.name} lacks {', '.join(lacking)}")
    text = " ".join(parts[2].split())
    if not text:
        raise PassageError(f"{path.name} has a header but no text")
    try:
        year = int(header["year"])
    except ValueError as error:
        raise PassageError(f"the year of {path.name} is not a number: {header['year']!r}") from error
    return Passage(**{name: header[name].strip() for name in wanted - {"year"}}, year=year, text=text, strength=header.get("strength", "").strip())
