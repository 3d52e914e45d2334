"""An answer as it comes into being: a sentence is shown once it has passed its checks, and is never taken back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from assistant import guardrails
from assistant.answering import Fitting, quotes
from assistant.session import Checks, Written
from encoders.passages import Passage
from encoders.record import Fact, write_out
from encoders.teacher import Case
from encoders.teacher.sayable import SENTENCE_END, Asked, Sayable, compose, quote, sentences
from encoders.teacher.themes import OPENINGS, THEMES

MOST_SENTENCES = 12
AGAIN = 0.7  # the temperature at which a sentence is written a second time
NO_ANSWER = "I cannot answer that: neither this record nor the library says anything on it. I can explain the breathing test, the values in the record and general guidance on lung health."
COURTESIES = frozenset(words.strip() for opening in OPENINGS.values() for words in opening if words)  # taught, but out of place before most answers
_CITED = re.compile(r"\[\d+\]")
_NO_PASSAGE = re.compile(r"^The library has no passage on ")

Write = Callable[[str, float, int], Iterator[str]]  # (the answer so far, temperature, seed) -> pieces of what follows


@dataclass
class Draft:
    """An answer in the making, facts as tokens: what was accepted, by whom, and what was not and why."""

    said: list[Written] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: str = ""

    @property
    def text(self) -> str:
        return " ".join(one.text for one in self.said)

    @property
    def written_by(self) -> str:
        """The last hand that was needed."""
        hands = {one.by for one in self.said}
        return next((hand for hand in ("code", "model, second try") if hand in hands), "model")


class Judge:
    """What a sentence must pass before it is shown, for one question."""

    def __init__(self, case: Case, asked: Sequence[Asked], fitting: Sequence[Fitting] = ()) -> None:
        """``fitting``: the sentences of passages to quote; where there are any, no other is quoted."""
        self.sayable, self.asked, self.fitting = Sayable(case, asked), asked, fitting
        self.facts, self.passages = case.facts, asked[-1].passages

    def fault(self, sentence: str, said: Sequence[Written]) -> str:
        """Why a sentence may not follow what was said; empty where it may."""
        shown = write_out(sentence, self.facts)
        found = guardrails.check(shown, self.facts, self.passages)
        if found.unsupported_numbers or not found.citations_valid or found.notes:
            return f"numbers, citations or words against the facts: {shown!r}"
        if not self.sayable.supports(sentence):
            return f"not given by the facts or a cited passage: {shown!r}"
        if self.fitting and _CITED.search(sentence) and not quotes(sentence, self.fitting):
            return f"of a passage, but beside the question: {shown!r}"
        if self.fitting and _NO_PASSAGE.search(sentence):
            return f"denies a passage that is there: {shown!r}"
        if said:
            return f"beside the question: {shown!r}" if self.sayable.beside(sentence) else ""
        if self.asked[-1].intent == "unknown" and not _CITED.search(sentence):
            return f"true, but an answer to what? {shown!r}"
        return "" if self.sayable.begins(sentence) else f"not an answer to what was asked: {shown!r}"

    def rest(self, said: Sequence[Written]) -> tuple[str, ...]:
        """What code says in the model's place: a whole answer, or what is still unsaid of one."""
        whole = self._quoting(sentences(composed(self.sayable.case, self.asked, self.fitting)))
        found = self._quoting(self.sayable.unsaid([one.text for one in said])) if said else whole
        found = tuple(one for one in dict.fromkeys(found) if not any(_same(one, before.text) for before in said))
        return tuple(one for one in found if not guardrails.check(write_out(one, self.facts), self.facts, self.passages).notes) or (() if said else found)

    def unquoted(self, said: Sequence[Written]) -> tuple[str, ...]:
        """What is still to be quoted, where an answer quotes at all or is on a theme of guidance."""
        text = " ".join(one.text for one in said).lower()
        return (
            tuple(one.cited for one in self.fitting if one.sentence.lower().rstrip(".!?") not in text)
            if _CITED.search(text) or self.asked[-1].intent in THEMES
            else ()
        )

    def _quoting(self, found: Sequence[str]) -> tuple[str, ...]:
        """Sentences with what is to be quoted in the place of other quotations, and without courtesies."""
        kept: list[str] = []
        for one in found:
            if one in COURTESIES:
                continue
            kept += [fit.cited for fit in self.fitting] if self.fitting and _CITED.search(one) else [one]
        return tuple(dict.fromkeys(kept))


def composed(case: Case, asked: Sequence[Asked], fitting: Sequence[Fitting] = ()) -> str:
    """What code says in the model's place: composed from the facts, else the passage's own sentence, else that there is no answer."""
    reply = compose(case, asked)
    if reply is not None and not (fitting and _NO_PASSAGE.search(reply.text)):
        return reply.text
    if fitting:
        return " ".join(one.cited for one in fitting)
    return quote(asked[-1].question, asked[-1].passages) or NO_ANSWER


def speak(write: Write, judge: Judge, stop: threading.Event | None = None, temperature: float = 0.0, seed: int = 0) -> Iterator[Draft]:
    """Yield the draft after each sentence that is accepted.

    One that fails is written again once, from what was accepted; fails it again, code says what is still unsaid. After a stop
    only what had passed is left.
    """
    draft, tries = Draft(), 0
    while len(draft.said) < MOST_SENTENCES:
        fault = ""
        accepted = False
        for sentence in whole_sentences(_kept(write(draft.text, AGAIN if tries else temperature, seed + tries), draft if not draft.notes else None)):
            if stop is not None and stop.is_set() and sentence[-1] not in ".!?":
                return
            if any(_same(sentence, one.text) for one in draft.said):
                draft.notes.append("a repeated sentence was taken out")
                continue
            if sentence in COURTESIES:  # "Gladly." to a worried question is out of place
                continue
            fault = judge.fault(sentence, draft.said)
            if fault:
                break
            draft.said.append(Written(sentence, "model, second try" if tries else "model"))
            accepted = True
            yield draft
            if tries:
                break  # written again: what follows is written as before
        if stop is not None and stop.is_set():
            return
        if fault:
            draft.notes.append(fault)
            tries += 1
        elif accepted and tries:
            tries = 0
        elif draft.said:
            for sentence in judge.unquoted(draft.said):
                draft.said.append(Written(sentence, "code"))
                yield draft
            return
        else:
            tries = 2  # nothing was written
        if tries == 2:
            for sentence in judge.rest(draft.said):
                draft.said.append(Written(sentence, "code"))
                yield draft
            return


def _kept(pieces: Iterable[str], draft: Draft | None) -> Iterator[str]:
    """The pieces of the first try are kept as the model's own words."""
    for piece in pieces:
        if draft is not None:
            draft.raw += piece
        yield piece


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def whole_sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Sentences out of pieces, each as soon as the next has begun; the last may be unfinished."""
    held = ""
    for piece in pieces:
        held += piece
        while (end := SENTENCE_END.search(held)) is not None:
            yield " ".join(held[: end.start()].split())
            held = held[end.end() :]
    if held.strip():
        yield " ".join(held.split())


def checked(answer: str, known: Sequence[Fact], passages: Sequence[Passage]) -> tuple[str, tuple[str, ...]]:
    """For a model that writes freely: take out sentences that say twice the same or contradict a fact; each removal is noted."""
    kept: list[str] = []
    notes: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\[])", answer):
        if sentence in kept:
            notes.append("a repeated sentence was taken out")
            continue
        found: Checks = guardrails.check(sentence, known, passages)
        if found.notes and len(answer) > len(sentence):
            notes += [f"a sentence was taken out: {note}" for note in found.notes]
            continue
        kept.append(sentence)
    return " ".join(kept), tuple(notes)
