"""What questions may ask: the wordings of every intent, and questions as people put them beside a result, as the reader is taught them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache

from assistant.slips import plain
from assistant.told_by_code import WORDINGS, load_wordings
from encoders.passages import PassageError
from prompts import load_questions

OF_PASSAGES = WORDINGS / "of_passages.tsv"  # questions that single sentences of the library answer: passage, number of the sentence (0: none of it), question
NATURAL = WORDINGS / "natural.tsv"  # questions beside people's results: author, what would answer, question, and those before where it goes on from them
UNKNOWN = "unknown"  # of the library, of nothing, or no question: taught with wordings like any intent
NOTHING = "NONE"  # nothing of ours answers it


@dataclass(frozen=True)
class Natural:
    """A question as somebody put it, and what would answer: the main thing first, where it asks for two.

    ``sentences``: the passage and the number of its sentence, where the library answers; ``answered``: whether anything does. ``before``: the one or two
    questions that it goes on from, without which it may not be understood; empty where it stands alone.
    """

    author: str
    text: str
    intents: tuple[str, ...]
    sentences: tuple[tuple[str, int], ...]
    answered: bool
    before: str = ""


@cache
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


@cache
def read_natural() -> tuple[Natural, ...]:
    """The questions of NATURAL. A label is an intent, "passage:number" for a sentence of the library, or NONE; two are joined by " + ".

    Raises PassageError for a line that is none such.
    """
    found = []
    for line in NATURAL.read_text(encoding="utf-8").splitlines():
        author, _, rest = line.partition("\t")
        label, _, asked = rest.partition("\t")
        text, _, before = asked.partition("\t")
        labels = label.split(" + ")
        sentences = [one.rpartition(":") for one in labels if "/" in one]
        if not text or not all(number.isdigit() for _, _, number in sentences):
            raise PassageError(f"{NATURAL.name} has the line {line[:60]!r}; a line is an author, what would answer, a question, and perhaps the one before it")
        intents = tuple(dict.fromkeys(UNKNOWN if "/" in one or one == NOTHING else one for one in labels))
        found.append(Natural(author, text, intents, tuple((name, int(number)) for name, _, number in sentences), labels[0] != NOTHING, before))
    return tuple(found)


def fingerprint() -> str:
    """Of all wordings and questions: another one where any has changed."""
    return hashlib.sha256((json.dumps(load_taught()) + NATURAL.read_text(encoding="utf-8")).encode()).hexdigest()[:16]
