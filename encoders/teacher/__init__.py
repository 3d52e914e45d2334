"""The code teacher: gold conversations about a patient, in plain sentences that cannot state what is not known.

Every value of the patient is written as its fact's token; every sentence from a passage carries that passage's number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from encoders.passages import Passage
from encoders.teacher import results, words
from encoders.teacher.follow import FOLLOW_UPS, follow
from encoders.teacher.guidance import fits, guidance, relevance
from encoders.teacher.numbers import LABELS, missing_data, number
from encoders.teacher.rationale import KINDS, asked_kind
from encoders.teacher.risk import risks, why_risk
from encoders.teacher.small_talk import SMALL_TALK, dose, off_topic
from encoders.teacher.themes import THEMES, change_topics
from encoders.teacher.varied import fictional
from encoders.teacher.view import Case, Reply, View

__all__ = ["INTENTS", "Case", "TaughtTurn", "answer", "converse", "drills", "fictional", "rationales"]


@dataclass(frozen=True)
class TaughtTurn:
    """One gold turn. ``passages`` stand numbered from 1 in its prompt; ``evidence``: library, record or none."""

    question: str
    intent: str
    passages: tuple[Passage, ...]
    answer: str
    evidence: str


FROM_RECORD: dict[str, Callable[[View, random.Random], Reply]] = {
    "explain_result": results.explain_result,
    "quality": results.quality,
    "curve_shape": results.curve_shape,
    "next_steps": results.next_steps,
    "bronchodilator": results.bronchodilator,
    "lung_volumes": results.lung_volumes,
    "show_flow_volume": results.show("loop"),
    "show_volume_time": results.show("time"),
    "missing_data": missing_data,
    **{name: words.definition(name) for name in words.WORDS},
}
ASKED = {
    "pattern": results.pattern,
    "why_pattern": results.why_pattern,
    "do_i_have_asthma": results.diagnosis,
    "my_numbers": number,
    "why_risk": why_risk,
    "risks": risks,
    "dose": dose,
    "off_topic": off_topic,
}
INTENTS: tuple[str, ...] = (*FROM_RECORD, *ASKED, *THEMES, *SMALL_TALK, *FOLLOW_UPS)
_HEAVY = {
    "explain_result": 14.0,
    "quality": 12.0,
    "what_is_zscore": 8.0,
    "exercise": 14.0,
    "stop_smoking": 16.0,
    "blood_pressure": 16.0,
    "do_i_have_asthma": 8.0,
    "dose": 3.0,
    "off_topic": 3.0,
    "curve_shape": 4.0,
    "pattern": 4.0,
    "my_numbers": 8.0,
    "missing_data": 5.0,
    "next_steps": 3.5,
    "bronchodilator": 3.5,
    "lung_volumes": 3.5,
    "why_risk": 5.0,
    "why_pattern": 5.0,
    "risks": 4.0,
}
_FIRST = tuple(intent for intent in INTENTS if intent not in FOLLOW_UPS)
_WEIGHTS = tuple(_HEAVY.get(intent, 1.0) for intent in _FIRST)
RATIONALES = ("why_risk", "why_pattern")  # answers that give reasons for and against
_STEPS = {"text": ("text",), "curve": ("curve",), "both": KINDS}  # the last step keeps what the first two taught
SEEN = ("curve_shape", "show_flow_volume", "explain_result", "pattern")  # answers that say how the loop looks
_FOLLOW = ("is_it_bad", "why", "shorter", "plain_words")


@lru_cache(maxsize=1)
def _questions() -> dict[str, tuple[str, ...]]:
    from prompts import load_questions

    return load_questions()


@lru_cache(maxsize=16)
def _shelves(
    library: tuple[Passage, ...],
) -> tuple[dict[str, tuple[Passage, ...]], dict[str, tuple[Passage, ...]]]:
    """For each guidance intent the passages that fit, and those of other topics."""
    good = {intent: tuple(p for p in library if fits(p, intent)) for intent in THEMES}
    other = {intent: tuple(p for p in library if p.topic not in THEMES[intent].topics) for intent in THEMES}
    return good, other


def _typing(text: str, rng: random.Random) -> str:
    """A wording as hurried people type it, one time in five: lower case, no full stop, letters swapped or dropped."""
    if rng.random() > 0.2:
        return text
    if rng.random() < 0.5:
        text = text.lower()
    if rng.random() < 0.4:
        text = text.rstrip("?.! ")
    elif rng.random() < 0.3:
        text = text.rstrip("?.! ") + rng.choice((" ??", "...", "!", " ?"))
    if rng.random() < 0.5 and len(text) > 8:
        i = rng.randrange(1, len(text) - 2)
        if text[i].isalpha() and text[i + 1].isalpha():
            text = text[:i] + text[i + 1] + text[i] + text[i + 2 :] if rng.random() < 0.5 else text[:i] + text[i + 1 :]
    return text


_BEFORE = ("Please, ", "ok, ", "So, ", "Doctor, ", "One more question: ", "hm, ", "Sorry, ", "And ", "Now, ")
_AFTER = (" please", " please?", " for me?", ", please", " now?", ", thanks")


def wording(intent: str, rng: random.Random) -> str:
    """A human wording of an intent, one in five with a word of address before or after it."""
    text = rng.choice(_questions()[intent])
    chance = rng.random()
    if chance < 0.1:
        return rng.choice(_BEFORE) + (text if text[:2] == "I " or text[1:2].isupper() else text[:1].lower() + text[1:])
    return text.rstrip("?.! ") + rng.choice(_AFTER) if chance < 0.2 else text


def rationales(case: Case, rng: random.Random, step: str) -> TaughtTurn:
    """One question for reasons, as the step asks: from the text, from the curve, or of all kinds (``step`` both)."""
    intent, kinds = rng.choice(RATIONALES), _STEPS[step]
    kind = rng.choice(kinds)
    question = rng.choice([text for text in _questions()[intent] if asked_kind(text) == kind])
    reply = answer(intent, question, View(case), (), rng)
    return TaughtTurn(_typing(question, rng), intent, (), reply.text, reply.evidence)


def answer(
    intent: str,
    question: str,
    view: View,
    passages: Sequence[Passage],
    rng: random.Random,
) -> Reply:
    """The gold answer to a first question (not a follow-up)."""
    if intent in THEMES:
        return guidance(intent, view, passages, rng, question)
    if intent in FROM_RECORD:
        return FROM_RECORD[intent](view, rng)
    if intent in ASKED:
        return ASKED[intent](view, rng, question)
    return SMALL_TALK[intent](view, rng)


def _passages(intent: str, question: str, view: View, library: tuple[Passage, ...], rng: random.Random, *, closed: bool) -> tuple[Passage, ...]:
    """What the search brought: for guidance a fitting passage among others (unless ``closed``), else any or none."""
    if not library:
        return ()
    if intent not in THEMES:
        count = rng.choice((0, 0, 0, 0, 1, 2))
        return tuple(rng.sample(library, min(count, len(library))))
    good, other = (shelf[intent] for shelf in _shelves(library))
    if intent == "what_would_change":
        good = tuple(one for one in good if one.topic in change_topics(view))
    if closed or not good:
        return tuple(rng.sample(other, min(rng.randrange(3), len(other))))
    best = max(relevance(one, intent, question) for one in good)
    near = [one for one in good if relevance(one, intent, question) == best] if rng.random() < 0.85 else good
    chosen = [rng.choice(near)]
    if len(good) > 1 and rng.random() < 0.35:
        chosen += [one for one in (rng.choice(good),) if one is not chosen[0]]
    if rng.random() < 0.5:
        chosen = [fictional(one, rng) for one in chosen]
    chosen += rng.sample(other, min(rng.randrange(4 - len(chosen)), len(other)))
    rng.shuffle(chosen)
    return tuple(chosen)


def converse(case: Case, library: Sequence[Passage], rng: random.Random, turns: int = 3, intents: Sequence[str] | None = None) -> tuple[TaughtTurn, ...]:
    """A conversation of ``turns`` turns about one person; follow-ups refer to the turn before, with its passages.

    ``intents``: first questions are drawn from these alone.
    """
    view, shelf = View(case), tuple(library)
    done: list[TaughtTurn] = []
    before: Reply | None = None
    while len(done) < turns:
        if before is not None and before.short and rng.random() < 0.4:
            intent = rng.choice(_FOLLOW)
            question, passages = wording(intent, rng), done[-1].passages
            reply = follow(intent, before, view, rng)
        else:
            intent = "greeting" if not done and rng.random() < 0.04 else rng.choice(intents) if intents else rng.choices(_FIRST, _WEIGHTS)[0]
            question = wording(intent, rng)
            passages = _passages(intent, question, view, shelf, rng, closed=rng.random() < 0.1)
            reply = answer(intent, question, view, passages, rng)
        done.append(TaughtTurn(_typing(question, rng), intent, passages, " ".join(reply.text.split()), reply.evidence))
        before = reply
    return tuple(done)


_LOOKUPS = (
    "what is my {}?",
    "My {}?",
    "tell me my {}",
    "What about my {}?",
    "how is my {}",
    "{}?",
    "What's my {}",
)
_JUDGED = (
    "is my {} ok?",
    "Is my {} normal?",
    "is my {} high?",
    "is my {} low?",
    "how good is my {}",
)


_WORDS = ("smoking_status", "conditions", "medications", "sex")


def drills(case: Case, rng: random.Random) -> TaughtTurn:
    """One look-up: a single value asked for, answered by its token and its status word, or "not measured"."""
    view = View(case)
    known = [name for name in LABELS if view.has(name)]
    worded = [name for name in _WORDS if name in known]
    chance = rng.random()
    # a word of the record is copied less surely than a number, so it is asked for more often
    name = rng.choice(worded if worded and chance < 0.25 else known if known and chance < 0.8 else tuple(LABELS))
    frame = rng.choice(_JUDGED if view.status(name) and rng.random() < 0.4 else _LOOKUPS)
    question = _typing(frame.format(LABELS[name]), rng)
    reply = number(view, rng, frame.format(LABELS[name]))
    return TaughtTurn(question, "my_numbers", (), reply.text, reply.evidence)
