"""What may be said of a patient: every sentence of an answer is one that the facts or a cited passage give, or it is not said.

The code teacher can write out all that it could say of one person. A sentence of an answer that is not among that, and
that no cited passage holds, cannot be shown to be true, whatever it looks like.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from encoders.passages import Passage
from encoders.record import RISK_TRAITS
from encoders.teacher.view import Case, Reply, View

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9<\[(])")
_TOKEN = re.compile(r"<\|\w+\|>")
_CITED = re.compile(r"\s*\[(\d+)\]")
_DRAWS = 6  # the teacher has few wordings for one thing: six draws find nearly all, and a missed one costs a rewording


@dataclass(frozen=True)
class Asked:
    """A question as it was understood, with the passages that were given for it."""

    intent: str
    question: str
    passages: tuple[Passage, ...] = ()


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of an answer, blanks evened out."""
    return tuple(part for part in SENTENCE_END.split(" ".join(text.split())) if part)


def compose(case: Case, turns: Sequence[Asked], draw: int = 0) -> Reply | None:
    """The teacher's own answer to the last of these turns; None where it does not know what was asked."""
    from encoders.teacher import FOLLOW_UPS, INTENTS, answer, follow

    view, reply = View(case), None
    if turns and turns[0].intent in FOLLOW_UPS:  # "why?" of someone who has the result before them
        turns = [Asked("explain_result", ""), *turns]
    for turn in turns:
        if turn.intent not in INTENTS:
            reply = None if turn is turns[-1] else reply
        elif turn.intent in FOLLOW_UPS:
            reply = follow(turn.intent, reply, view, random.Random(draw)) if reply is not None else None
        else:
            reply = answer(turn.intent, turn.question, view, turn.passages, random.Random(draw))
    return reply


def quote(question: str, passages: Sequence[Passage]) -> str:
    """The sentence of the first passage that answers best, with its number; empty where there is none."""
    from encoders.teacher.guidance import cited, quotation, stems

    for n, passage in enumerate(passages, 1):
        words = quotation(passage.text, stems(question))
        if words:
            return cited(words, n)
    return ""


class Sayable:
    """What may be said to one question about one person: worked out once, then asked a sentence at a time (facts as tokens)."""

    def __init__(self, case: Case, turns: Sequence[Asked]) -> None:
        self.case, self.turns = case, turns
        self.passages = turns[-1].passages if turns else ()

    @cached_property
    def replies(self) -> tuple[Reply, ...]:
        """The teacher's own answers, in a few draws."""
        return tuple(reply for reply in (compose(self.case, self.turns, draw) for draw in range(_DRAWS)) if reply is not None and reply.text)

    @cached_property
    def _mine(self) -> frozenset[str]:
        return frozenset(_even(sentence) for reply in self.replies for sentence in sentences(reply.text))

    @cached_property
    def _starts(self) -> frozenset[str]:
        return frozenset(_even(sentences(reply.text)[0]) for reply in self.replies)

    @cached_property
    def _everything(self) -> frozenset[str]:
        return frozenset(_even(sentence) for sentence in _all(self.case))

    def supports(self, sentence: str) -> bool:
        """Whether the facts or the passage that it cites give this sentence."""
        return _quoted(sentence, self.passages) or _even(sentence) in self._mine or _even(sentence) in self._everything

    def begins(self, sentence: str) -> bool:
        """Whether an answer that starts with this sentence is one to what was asked: a first sentence of the teacher's own.

        "Why?" may be taken in more than one way, so that a true sentence from this person's facts is enough for it.
        """
        if self.turns and self.turns[-1].intent == "why" and "<|" in sentence:
            return True
        return not self._starts or _even(sentence) in self._starts

    def beside(self, sentence: str) -> bool:
        """Whether a true sentence has nothing to do with what was asked: no fact, no citation, and the teacher would not say it here."""
        return bool(self._starts) and not _TOKEN.search(sentence) and not _CITED.search(sentence) and _even(sentence) not in self._mine

    def unsaid(self, said: Sequence[str]) -> tuple[str, ...]:
        """What the teacher would still say after these sentences, of its answer that shares most with them; nothing twice."""
        told, named = {_even(sentence) for sentence in said}, set(_TOKEN.findall(" ".join(said)))
        cites = any(_CITED.search(sentence) for sentence in said)
        best: tuple[str, ...] = ()
        most = -1
        for reply in self.replies:
            parts = sentences(reply.text)
            shared = sum(_even(part) in told for part in parts)
            if shared > most:
                most = shared
                best = tuple(
                    part for part in parts
                    if _even(part) not in told and not (cites and _CITED.search(part)) and not (_TOKEN.search(part) and set(_TOKEN.findall(part)) <= named)
                )  # fmt: skip
        return best


def unsupported(answer: str, case: Case, turns: Sequence[Asked]) -> tuple[str, ...]:
    """Sentences of an answer (facts as tokens) that neither the facts nor a cited passage give, in their order."""
    sayable = Sayable(case, turns)
    return tuple(sentence for sentence in sentences(answer) if not sayable.supports(sentence))


def _even(sentence: str) -> str:
    """A sentence in small letters, its citation after one blank: a wrong number makes it another sentence."""
    return _CITED.sub(r" [\1]", sentence).strip().lower()


def _quoted(sentence: str, passages: Sequence[Passage]) -> bool:
    """Whether the passage that a sentence cites holds it word for word (with or without a few words before it)."""
    numbers = [int(n) for n in _CITED.findall(sentence)]
    if len(numbers) != 1 or not 1 <= numbers[0] <= len(passages):
        return False
    return _CITED.sub("", sentence).strip().lower().rstrip(".!?") in " ".join(passages[numbers[0] - 1].text.lower().split())


def _all(case: Case) -> Iterator[str]:
    """Every sentence the teacher has for this person without a passage, follow-ups included."""
    from encoders.teacher import FOLLOW_UPS, INTENTS, answer, follow
    from encoders.teacher.numbers import LABELS

    view = View(case)
    questions = [(intent, "") for intent in INTENTS if intent not in FOLLOW_UPS]
    questions += [("my_numbers", f"what is my {label}") for label in LABELS.values()]
    questions += [(intent, words) for intent in ("risks", "why_risk") for _, words in RISK_TRAITS]
    questions += [("why_risk", f"{words} {hint}") for _, words in RISK_TRAITS for hint in ("record", "curve")]
    questions += [("why_pattern", hint) for hint in ("record", "curve")]
    questions += [("do_i_have_asthma", name) for name in ("asthma", "COPD", "lung cancer", "emphysema", "chronic bronchitis", "lung fibrosis")]
    for intent, question in questions:
        for draw in range(3):
            reply = answer(intent, question, view, (), random.Random(draw))
            if reply.subject == "no_guidance":  # true only of the passages at hand
                text = reply.text.partition("so I cannot give guidance on it.")[2]
                yield from sentences(text)
                continue
            for text in (reply.text, reply.short, reply.plain):
                yield from sentences(text)
            for kind in FOLLOW_UPS:
                if reply.short:
                    yield from sentences(follow(kind, reply, view, random.Random(draw)).text)
