"""Scripted conversations: whom they are about and what is asked, drawn with a seed. No model, no answers."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.intake import read
from encoders.cases import simulated
from encoders.faults import InputError
from encoders.passages import GUIDELINES
from encoders.record import Patient
from encoders.spirogram.read import Blow, read_curves

WORDINGS = GUIDELINES.parent / "benchmarks" / "dialogue.jsonl"
EXAMPLES = GUIDELINES.parent / "patients"
ANSWERED = ("record", "guidance", "correction", "next", "diagnosis")  # kinds that have an answer of their own
FOLLOW_UPS = ("bad", "why", "shorter", "plain")
DECLINED = ("dose", "off_topic", "absent", "absent_value", "other_person", "injection")  # kinds that must be declined
_CHANCES = {  # of each kind where it may come
    "record": 34, "guidance": 20, "bad": 6, "why": 6, "shorter": 3, "plain": 3, "correction": 4, "next": 2, "diagnosis": 2, "dose": 4, "off_topic": 3,
    "absent": 4, "absent_value": 2, "other_person": 1, "injection": 2, "emergency": 7, "look_alike": 7,
}  # fmt: skip
_FIRST = ("record", "guidance", "next", "diagnosis", "emergency", "look_alike", "dose")
_SPELT_AS_WRITTEN = ("emergency", "look_alike", "shorter", "plain", "bad", "why")  # these carry the slips of their own hand
_EVERY_EXAMPLE, _EVERY_REAL = 4, 10


@dataclass(frozen=True)
class Line:
    """One question: its kind, the facts it asks for, the topics of passages that answer it, and whether it asks how a value compares."""

    question: str
    kind: str
    about: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    compares: bool = False


@dataclass(frozen=True)
class Script:
    """One conversation to be held. ``source``: "simulated", "real blow" or "example NAME"."""

    number: int
    source: str
    patient: Patient
    lines: tuple[Line, ...]


class ScriptError(InputError):
    """What was asked for cannot be scripted. One plain sentence."""


def read_wordings(path: Path = WORDINGS) -> dict[str, tuple[Line, ...]]:
    """The wordings by kind; none of them stands among those the assistant was built with."""
    found: dict[str, list[Line]] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(text)
        line = Line(one["question"], one["kind"], tuple(one.get("about", ())), tuple(one.get("topics", ())), bool(one.get("compares", False)))
        found.setdefault(line.kind, []).append(line)
    return {kind: tuple(lines) for kind, lines in found.items()}


class _Deck:
    """The wordings of one kind, shuffled; each comes once before any comes twice."""

    def __init__(self, lines: Sequence[Line], rng: random.Random) -> None:
        self.lines, self.rng = tuple(lines), rng
        self.left: list[Line] = []

    def draw(self) -> Line:
        if not self.left:
            self.left = self.rng.sample(self.lines, len(self.lines))
        return self.left.pop()


def draw(count: int, seed: int, curves: Sequence[Path] = ()) -> tuple[Script, ...]:
    """``count`` conversations of three to six turns; every fourth about an example patient, every tenth about a real blow where ``curves`` are given.

    Raises ScriptError for a curve that is not there, CurveError for one that cannot be read.
    """
    for path in curves:
        if not path.is_file():
            raise ScriptError(f"{path.name} does not exist or is not a file; give a curve as `breathwise measure` takes it")
    rng = random.Random(seed)
    real = [tuple(read_curves(path)) for path in curves]
    decks = {kind: _Deck(lines, rng) for kind, lines in read_wordings().items()}
    scripts = []
    for number in range(count):
        source, patient = person(number, seed, real)
        scripts.append(Script(number, source, patient, _lines(decks, rng)))
    return tuple(scripts)


def person(number: int, seed: int, real: Sequence[tuple[Blow, ...]] = ()) -> tuple[str, Patient]:
    """Whom conversation ``number`` is about: a made-up person, an example patient, or a made-up record beside a real blow."""
    if real and number % _EVERY_REAL == 1:
        chosen = real[number // _EVERY_REAL % len(real)]
        return "real blow", replace(_tall_adult(seed * 1_000_003 + number), blows=chosen)
    if number % _EVERY_EXAMPLE == 0:
        folders = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())
        folder = folders[number // _EVERY_EXAMPLE % len(folders)]
        return f"example {folder.name}", read(sorted(folder.iterdir()))
    return "simulated", made_up(seed * 1_000_003 + number)


def made_up(seed: int) -> Patient:
    """A simulated person with the blows of the test, so that everything is measured anew."""
    found = simulated(seed)
    blows = tuple(one.blow for one in found.spirometry.maneuvers) if found.spirometry is not None else ()
    return replace(found.patient, blows=blows)


def _tall_adult(seed: int) -> Patient:
    """A record that may belong to a large blow: a child's would make it absurd."""
    for step in range(10_000):
        patient = simulated(seed + 7919 * step).patient
        if patient.sex is not None and (patient.age_years or 0.0) >= 18 and (patient.height_cm or 0.0) >= 165:
            return patient
    raise AssertionError("one simulated person in three is a tall adult")


def _lines(decks: dict[str, _Deck], rng: random.Random) -> tuple[Line, ...]:
    lines: list[Line] = []
    for _ in range(rng.randint(3, 6)):
        before = lines[-1].kind if lines else ""
        kinds = [kind for kind in _CHANCES if _may_come(kind, before)]
        line = decks[rng.choices(kinds, [_CHANCES[kind] for kind in kinds])[0]].draw()
        lines.append(line if line.kind in _SPELT_AS_WRITTEN else replace(line, question=_typed(line.question, rng)))
    return tuple(lines)


def _may_come(kind: str, before: str) -> bool:
    """Follow-ups need an answer before them, a correction a question about the record."""
    if not before:
        return kind in _FIRST
    if kind in FOLLOW_UPS:
        return before in ANSWERED or (before in FOLLOW_UPS and kind != before)
    return before == "record" if kind == "correction" else True


def _typed(text: str, rng: random.Random) -> str:
    """One question in four as a hurried person types it: two letters swapped, one dropped or one doubled, in a word of six or more."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
    if not long or rng.random() > 0.25:
        return text
    place = rng.choice(long)
    word, at = words[place], rng.randrange(1, len(words[place]) - 2)
    words[place] = rng.choice((word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]))
    return " ".join(words)
