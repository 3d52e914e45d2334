"""Conversations about people, drawn from the teacher and packed into batches: what the language model is taught by."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from encoders import teacher
from encoders.batch import Batch, Encoded, Person
from encoders.cases import Taught
from encoders.conversation import system_message, user_message
from encoders.multimodal import MultimodalLM
from encoders.passages import Passage
from encoders.record import FACT_NAMES, write_out
from encoders.teacher.chat import ChatTeacher


@dataclass
class Lessons:
    """Draws conversations about people, as encoded rows."""

    people: Sequence[Taught]
    library: Sequence[Passage]
    rng: random.Random
    names_facts: bool = True
    chat: ChatTeacher | None = None  # another teacher for rationales; what it writes is checked before it is learned

    @cached_property
    def unread(self) -> tuple[Taught, ...]:
        """People whose test names no pattern: too few to learn from if they were drawn as they come."""
        return tuple(one for one in self.people if one.spirometry is None or one.spirometry.interpretation is None)

    def conversation(
        self, *, curve: bool, turns: int, drill: float = 0.0, seen: float = 0.0, reasons: float = 0.0, step: str = "both"
    ) -> tuple[list[dict[str, str]], Person]:  # fmt: skip
        unread = self.rng.random() < 0.2 and self.unread
        one = self.rng.choice(unread or self.people)
        if not curve and one.spirometry is not None:
            one = replace(one, spirometry=replace(one.spirometry, shape=()))
        case = teacher.Case(one.patient, one.spirometry, one.facts)
        intents = teacher.SEEN if self.rng.random() < seen else None
        if self.rng.random() < reasons:
            taught = tuple(teacher.rationales(case, self.rng, step) for _ in range(self.rng.randint(1, 2)))
        elif self.rng.random() < drill:
            taught = tuple(teacher.drills(case, self.rng) for _ in range(self.rng.randint(1, 4)))
        else:
            taught = teacher.converse(case, self.library, self.rng, turns=turns, intents=intents)
        if self.chat is not None:
            taught = tuple(
                replace(turn, answer=self.chat.rationale(case, turn.question, turn.answer)) if turn.intent in teacher.RATIONALES else turn for turn in taught
            )
        has_curve = curve and one.person.curve is not None
        known = {fact.name for fact in one.facts}
        missing = tuple(name for name in FACT_NAMES if name not in known and not name.startswith("risk_"))
        shown = missing if self.names_facts else missing[:12]
        messages = [system_message(one.facts, shown, curve=has_curve, by_token=self.names_facts)]
        for turn in taught:
            topic = turn.intent if self.rng.random() < 0.9 else "unknown"
            answer = turn.answer if self.names_facts else write_out(turn.answer, one.facts)
            messages += [user_message(turn.question, turn.passages, topic, one.facts, by_token=self.names_facts), {"role": "assistant", "content": answer}]
        return messages, replace_curve(one.person, has_curve)


def replace_curve(person: Person, keep: bool) -> Person:
    return person if keep else Person(person.table, None)


def conversations(
    model: MultimodalLM, lessons: Lessons, tokens: int, *, at_once: int, curve: bool, seen: float, done: Callable[[], float], reasons: float = 0.0
) -> Iterator[Batch]:  # fmt: skip
    """Batches of about ``tokens``, ``at_once`` conversations drawn together, from short to long as ``done()`` goes from 0 to 1; a share ``seen`` is about the curve.

    A share ``reasons`` asks for rationales, in steps: from the text, from the curve, then of all kinds (as ClinRaGen).
    """
    while True:
        progress = done()
        rows = []
        for _ in range(at_once):
            most = 1 if progress < 0.35 else 2 if progress < 0.6 else 4
            drill = 0.5 * (1.0 - progress) + 0.08
            step = ("text", "curve", "both")[min(2, int(3 * progress))]
            turns = lessons.rng.randint(1, most)
            messages, person = lessons.conversation(curve=curve, turns=turns, drill=drill, seen=seen, reasons=reasons, step=step)
            rows.append((model.encode(messages), person))
        fitting = [row for row in rows if len(row[0].ids) <= 1536] or [min(rows, key=lambda row: len(row[0].ids))]
        batches = list(packed(fitting, tokens))
        lessons.rng.shuffle(batches)
        for batch in batches:
            yield model.batch([row for row, _ in batch], [person for _, person in batch])


def packed(rows: Sequence[tuple[Encoded, Person]], tokens: int) -> Iterator[list[tuple[Encoded, Person]]]:
    """Batches of about ``tokens`` padded tokens, rows of like length together."""
    batch: list[tuple[Encoded, Person]] = []
    for row in sorted(rows, key=lambda row: len(row[0].ids)):
        if batch and (len(batch) + 1) * len(row[0].ids) > tokens:
            yield batch
            batch = []
        batch.append(row)
    yield batch
