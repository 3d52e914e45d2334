"""What the teacher says from the library: a lead-in, then a passage's own sentence with its number."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache

from encoders.passages import Passage
from encoders.teacher.themes import OPENINGS, THEMES, change_topics
from encoders.teacher.view import Reply, View

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a passage."""
    return tuple(part.strip() for part in _SENTENCE.split(text.strip()) if part.strip())


_STOP = frozenset(
    "what whats with about have does should could would will when which there that this they from into your "
    "mine much many good well best better help helps advice tell explain please need want know mean means more "
    "most some make makes than then the and for are can how why who was has had not you get got use any all "
    "out lung lungs breathing breath general information bad keep take long often also people person people's "
    "adult adults like feel one two ".split()
)
_WORD = re.compile(r"[a-z]{3,}")


@lru_cache(maxsize=65536)
def stems(text: str) -> frozenset[str]:
    """The beginnings (five letters) of the words of a text that carry meaning."""
    return frozenset(word[:5] for word in _WORD.findall(text.lower()) if word not in _STOP)


@lru_cache(maxsize=65536)
def quotation(text: str, keys: tuple[str, ...], asked: frozenset[str] = frozenset()) -> tuple[str, int]:
    """The sentence of a passage that answers best, and its score.

    Words shared with the question count most, then a word of the theme; the first of equals; 4 to 40 words.
    """
    best, score = "", -1
    for sentence in sentences(text):
        lower = sentence.lower()
        points = 2 * min(3, len(asked & stems(sentence))) + (1 if any(key in lower for key in keys) else 0)
        if 3 <= sentence.count(" ") < 40 and points > score:
            best, score = sentence, points
    return best, score


def cited(sentence: str, number: int) -> str:
    """The sentence with its citation before the final stop."""
    return f"{sentence[:-1]} [{number}]{sentence[-1]}" if sentence[-1] in ".!?" else f"{sentence} [{number}]."


def fits(passage: Passage, intent: str) -> bool:
    """Whether a passage supports an answer to this intent."""
    theme = THEMES[intent]
    if passage.topic not in theme.topics:
        return False
    best, score = quotation(passage.text, theme.keys)
    return bool(best) and (score > 0 or (intent != "breathing_exercises" and passage.topic == theme.topics[0]))


def guidance(intent: str, view: View, passages: Sequence[Passage], rng: random.Random, question: str = "") -> Reply:
    """Lead-in, then the words of the passage that fits best (the first of equals); else that the library has none."""
    theme = THEMES[intent]
    lead = theme.lead(view)
    wanted = change_topics(view) if intent == "what_would_change" else theme.topics
    asked = stems(question)
    found: tuple[int, str] | None = None
    top = -1
    for n, passage in enumerate(passages, 1):
        if passage.topic in wanted and fits(passage, intent):
            sentence, points = quotation(passage.text, theme.keys, asked)
            if points > top:
                found, top = (n, sentence), points
    if found is None:
        nothing = f"The library has no passage on {theme.name}, so I cannot give guidance on it."
        known = f" {lead}" if "<|" in lead and not lead.startswith("Yes") else ""
        return Reply(
            f"{nothing}{known} A clinician can advise you.",
            short=nothing,
            plain=nothing,
            subject="no_guidance",
        )
    quote = cited(found[1], found[0])
    child = " As you are under eighteen, check this with your clinician." if view.child else ""
    opening = rng.choice(OPENINGS.get(intent, ("",)))
    subject = next((name for name in theme.facts if view.has(name)), "guidance")
    return Reply(f"{opening}{lead} {quote}{child}", "library", short=quote, plain=quote, subject=subject)
