"""What may be said of a patient: every sentence of an answer is one that the facts or a cited passage give, or it is not said.

The code teacher can write out all that it could say of one person. A sentence of an answer that is not among that, and
that no cited passage holds, cannot be shown to be true, whatever it looks like.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from encoders.passages import Passage
from encoders.record import RISK_TRAITS
from encoders.teacher.view import Case, Reply, View

_END = re.compile(r"(?<=[.!?])\s+")
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
    return tuple(part for part in _END.split(" ".join(text.split())) if part)


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


def unsupported(answer: str, case: Case, turns: Sequence[Asked]) -> tuple[str, ...]:
    """Sentences of an answer (facts as tokens) that neither the facts nor a cited passage give, in their order."""
    said = sentences(answer)
    passages = turns[-1].passages if turns else ()
    open_ = [sentence for sentence in said if not _quoted(sentence, passages)]
    if not open_:
        return ()
    mine = {sentence for reply in (compose(case, turns, draw) for draw in range(_DRAWS)) if reply for sentence in sentences(reply.text)}
    if all(_even(sentence) in map(_even, mine) for sentence in open_):
        return ()
    everything = {_even(sentence) for sentence in (*mine, *_all(case))}
    return tuple(sentence for sentence in open_ if _even(sentence) not in everything)


def begins_as(answer: str, case: Case, turns: Sequence[Asked]) -> bool:
    """Whether the answer starts with what the question asks for: a first sentence of the teacher's own for this turn.

    A follow-up may be taken in more than one way, so that a true answer from this person's facts is enough for it.
    """
    from encoders.teacher import FOLLOW_UPS

    if turns and turns[-1].intent in FOLLOW_UPS and "<|" in answer:
        return True
    replies = [reply for reply in (compose(case, turns, draw) for draw in range(_DRAWS)) if reply]
    starts = {_even(sentences(reply.text)[0]) for reply in replies if reply.text}
    said = sentences(answer)
    return not starts or (bool(said) and _even(said[0]) in starts)


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
