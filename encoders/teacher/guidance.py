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
    [
        "what",
        "whats",
        "with",
        "about",
        "have",
        "does",
        "should",
        "could",
        "would",
        "will",
        "when",
        "which",
        "there",
        "that",
        "this",
        "they",
        "from",
        "into",
        "your",
        "mine",
        "much",
        "many",
        "good",
        "well",
        "best",
        "better",
        "help",
        "helps",
        "advice",
        "tell",
        "explain",
        "please",
        "need",
        "want",
        "know",
        "mean",
        "means",
        "more",
        "most",
        "some",
        "make",
        "makes",
        "than",
        "then",
        "the",
        "and",
        "for",
        "are",
        "can",
        "how",
        "why",
        "who",
        "was",
        "has",
        "had",
        "not",
        "you",
        "get",
        "got",
        "use",
        "any",
        "all",
        "out",
        "lung",
        "lungs",
        "breathing",
        "breath",
        "general",
        "information",
        "bad",
        "keep",
        "take",
        "long",
        "often",
        "also",
        "people",
        "person",
        "people's",
        "adult",
        "adults",
        "like",
        "feel",
        "one",
        "two",
        "quit",
    ]
)
_WORD = re.compile(r"[a-z]{3,}")


@lru_cache(maxsize=65536)
def stems(text: str) -> frozenset[str]:
    """The beginnings (five letters) of the words of a text that carry meaning."""
    return frozenset(word[:5] for word in _WORD.findall(text.lower()) if word not in _STOP)


_HANGING = re.compile(
    r"^(It|They|These|This|That|Those|Their|There|Between|The (benefit|average|grade|cure))\b"
    r"|\b(therefore|it|them|then)\b"
)


@lru_cache(maxsize=65536)
def quotation(text: str, asked: frozenset[str] = frozenset()) -> str:
    """The sentence of a passage that answers best: the first, unless a later one shares more words with the question.

    A later sentence must stand by itself (nothing in it may point back); every sentence has 4 to 40 words.
    """
    best, top = "", -1
    for sentence in quotable(text):
        shared = len(asked & stems(sentence))
        if shared > top:
            best, top = sentence, shared
    return best


@lru_cache(maxsize=8192)
def quotable(text: str) -> tuple[str, ...]:
    """The sentences of a passage that can stand by themselves."""
    return tuple(one for n, one in enumerate(sentences(text)) if 3 <= one.count(" ") < 40 and not (n and _HANGING.search(one)))


@lru_cache(maxsize=65536)
def relevance(passage: Passage, intent: str, question: str) -> int:
    """How well a passage answers: words shared with the question beyond the theme's own, then the theme's keys."""
    theme = THEMES[intent]
    shared = meant(question, intent) & stems(f"{passage.title} {passage.text}")
    return 3 * len(shared) + any(key in passage.text.lower() for key in theme.keys)


@lru_cache(maxsize=8192)
def meant(question: str, intent: str) -> frozenset[str]:
    """The words of a question that say more than its theme."""
    return stems(question) - stems(f"{intent.replace('_', ' ')} {THEMES[intent].name}")


def cited(sentence: str, number: int) -> str:
    """The sentence with its citation before the final stop."""
    return f"{sentence[:-1]} [{number}]{sentence[-1]}" if sentence[-1] in ".!?" else f"{sentence} [{number}]."


def fits(passage: Passage, intent: str) -> bool:
    """Whether a passage supports an answer to this intent."""
    theme = THEMES[intent]
    if passage.topic not in theme.topics:
        return False
    if intent == "breathing_exercises" and not any(key in passage.text.lower() for key in theme.keys):
        return False
    return bool(quotation(passage.text))


_ASKS = re.compile(r"(?:^|[,:] )(?:should|can|may|is|does|will|would|do) ")
_DOUBTS = re.compile(r"danger|stop|problem|marathon|enough|best|out of breath|gym or|how ")


def _without_yes(lead: str) -> str:
    """A lead for a question that "yes" does not answer."""
    for start in ("Yes. ", "Yes, but ", "Yes, for most people. "):
        if lead.startswith(start):
            return lead[len(start)].upper() + lead[len(start) + 1 :]
    return lead


def guidance(intent: str, view: View, passages: Sequence[Passage], rng: random.Random, question: str = "") -> Reply:
    """Lead-in, then the words of the passage that fits best (the first of equals); else that the library has none."""
    theme = THEMES[intent]
    lead = theme.lead(view)
    if lead.startswith("Yes") and not (_ASKS.search(question.lower()) and not _DOUBTS.search(question.lower())):
        lead = _without_yes(lead)
    wanted = change_topics(view) if intent == "what_would_change" else theme.topics
    found: tuple[int, Passage] | None = None
    top = -1
    for n, passage in enumerate(passages, 1):
        if passage.topic in wanted and fits(passage, intent) and relevance(passage, intent, question) > top:
            found, top = (n, passage), relevance(passage, intent, question)
    if found is None:
        nothing = f"The library has no passage on {theme.name}, so I cannot give guidance on it."
        known = f" {lead}" if "<|" in lead and not lead.startswith("Yes") else ""
        return Reply(
            f"{nothing}{known} A clinician can advise you.",
            short=nothing,
            plain=nothing,
            subject="no_guidance",
        )
    quote = cited(quotation(found[1].text, meant(question, intent)), found[0])
    child = " As you are under eighteen, check this with your clinician." if view.child else ""
    opening = rng.choice(OPENINGS.get(intent, ("",)))
    subject = next((name for name in theme.facts if view.has(name)), "guidance")
    return Reply(f"{opening}{lead} {quote}{child}", "library", short=quote, plain=quote, subject=subject)
