"""What questions may ask: the wordings of every intent, as the reader is taught them."""

from __future__ import annotations

import hashlib
import json

from assistant.slips import plain
from assistant.told_by_code import WORDINGS, load_wordings
from prompts import load_questions

OF_PASSAGES = WORDINGS / "of_passages.tsv"  # questions that single sentences of the library answer: passage, number of the sentence (0: none of it), question
UNKNOWN = "unknown"  # of the library, of nothing, or no question: taught with wordings like any intent


def load_taught() -> dict[str, tuple[str, ...]]:
    """All wordings: intent -> lines. One that several intents have is the first one's."""
    found: dict[str, dict[str, None]] = {}
    seen: set[str] = set()
    for wordings in (load_questions(), load_wordings()):
        for intent, texts in wordings.items():
            for text in texts:
                if plain(text) not in seen:
                    seen.add(plain(text))
                    found.setdefault(intent, {})[text] = None
    return {intent: tuple(texts) for intent, texts in found.items()}


def fingerprint() -> str:
    """Of all wordings: another one where any has changed."""
    return hashlib.sha256(json.dumps(load_taught()).encode()).hexdigest()[:16]
