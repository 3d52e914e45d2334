"""Several questions in one message: their answers as one turn, a paragraph each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.session import Checks, Citation, Turn
from encoders.teacher.sayable import sentences

_CITED = re.compile(r"\[(\d+)\]")


def together(question: str, done: Sequence[Turn]) -> Turn:
    """One turn of several answers: a paragraph each, passages numbered on."""
    answers: list[str] = []
    citations: list[Citation] = []
    before = 0  # passages of the answers before: numbers that were shown stay
    for turn in done:
        answers.append(_unsaid(_CITED.sub(lambda found, more=before: f"[{int(found[1]) + more}]", turn.answer), answers))  # type: ignore[misc]
        citations += [replace(one, n=one.n + before) for one in turn.citations]
        before += len(turn.seen.passages)
    last, hands = done[-1], [turn.checks.written_by for turn in done]
    grades = [turn.checks.reading_grade for turn in done if turn.checks.reading_grade is not None]
    checks = Checks(
        all(turn.checks.numbers_supported for turn in done), tuple(n for turn in done for n in turn.checks.unsupported_numbers),
        all(turn.checks.citations_valid for turn in done), tuple(note for turn in done for note in turn.checks.notes),
        next((hand for hand in ("code", "model, second try") if hand in hands), "model"), tuple(one for turn in done for one in turn.checks.sentences),
        max(grades, default=None),
    )  # fmt: skip
    evidence = [turn.evidence for turn in done]
    first = next((turn for turn in done if turn.timings.first_text_s), last)
    return Turn(
        question, "\n\n".join(answer for answer in answers if answer), tuple(citations), checks,
        evidence=next((one for one in ("library", "record") if one in evidence), "none"), soft_tokens=max(turn.soft_tokens for turn in done),
        timings=replace(last.timings, first_token_s=first.timings.first_token_s, first_text_s=first.timings.first_text_s, new_tokens=sum(t.timings.new_tokens for t in done)),
        plot=next((turn.plot for turn in done if turn.plot), None), mark_l=next((turn.mark_l for turn in done if turn.plot), None),
        reasons=next((turn.reasons for turn in done if turn.reasons), ()),
        seen=replace(
            last.seen, prompt="\n\n".join(turn.seen.prompt for turn in done if turn.seen.prompt), raw="\n\n".join(t.seen.raw for t in done if t.seen.raw),
            said="\n\n".join(turn.seen.said for turn in done if turn.seen.said), passages=tuple(one for turn in done for one in turn.seen.passages),
            facts=next((turn.seen.facts for turn in done if turn.seen.facts), ()), model=next((turn.seen.model for turn in done if turn.seen.model), ""),
        ),
        parts=tuple(done),
    )  # fmt: skip


def _unsaid(answer: str, before: Sequence[str]) -> str:
    """An answer without the sentences that the answers before it hold, unless nothing else is in it."""
    said = {sentence for one in before for sentence in sentences(one)}
    return answer if "\n" in answer else " ".join(one for one in sentences(answer) if one not in said) or answer
