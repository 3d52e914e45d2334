"""A conversation about one patient, as frozen data: to and from JSON, no input or output of its own."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from encoders.record import Fact, Patient, ReportedSpirometry, facts
from encoders.spirogram import analyse, analyse_reported
from encoders.spirogram import facts as spirometry_facts
from encoders.spirogram.results import Spirometry
from encoders.spirogram.visits import age_on, days_of, follow


@dataclass(frozen=True)
class Citation:
    """A passage as a turn cites it; ``n`` is the number in the answer's brackets."""

    n: int
    id: str
    title: str
    section: str
    source: str
    url: str
    text: str


@dataclass(frozen=True)
class Written:
    """A sentence of an answer and whose it is: "model", "model, second try" or "code"; "record" where a value that the question names is told after an answer."""

    text: str
    by: str


@dataclass(frozen=True)
class Checks:
    """What code verified in an answer, each sentence before it was shown."""

    numbers_supported: bool = True
    unsupported_numbers: tuple[str, ...] = ()
    citations_valid: bool = True
    notes: tuple[str, ...] = ()
    written_by: str = "model"  # the last hand that was needed: "model", "model, second try" or "code"
    sentences: tuple[Written, ...] = ()
    reading_grade: float | None = None  # years of school, where plain words were asked for


@dataclass(frozen=True)
class Triage:
    """A red flag: the rule that fired, "emergency" or "urgent", and the fixed wording that answers it."""

    rule: str
    level: str
    text: str


@dataclass(frozen=True)
class Timings:
    first_token_s: float = 0.0
    first_text_s: float = 0.0  # until the first checked sentence was shown
    written_s: float = 0.0  # until the model's answer was there
    total_s: float = 0.0  # until it was checked, and written again where it had to be
    new_tokens: int = 0


@dataclass(frozen=True)
class Seen:
    """What the model saw for a turn: nothing is hidden from the person who asks."""

    prompt: str = ""
    system: str = ""  # the message before all turns: soft-token places and the facts
    turns_in_full: int = 0  # how many turns before stood in the prompt as they were put
    turns_in_short: int = 0  # and how many as their question and the first sentence of their answer
    raw: str = ""  # the answer as the model first wrote it, up to the first sentence that failed; fact tokens not yet written out
    said: str = ""  # the answer that was given, fact tokens not yet written out
    intent: str = ""
    about: str = ""  # where the intent only says how an answer was wanted ("explain my result in plain words"): of what
    passages: tuple[tuple[str, float], ...] = ()  # passage id, score
    facts: tuple[str, ...] = ()
    model: str = ""
    cached_tokens: int = 0
    versions: tuple[tuple[str, str], ...] = ()  # of what answered: software, weights, library, reference values


WHAT_A_RISK_IS = (
    "The chance of having been told of the condition, learned from one American survey. The interval is that of the calibration: how far one person may lie "
    "from it is not known."
)


@dataclass(frozen=True)
class RiskEstimate:
    """A calibrated probability of one trait, with an interval and what stands beside it. All are 0-1 or None."""

    trait: str
    label: str
    probability: float
    low: float
    high: float
    population: float | None = None  # people of the same sex and age group in the training cohort
    classical: float | None = None  # logistic regression on the same fields
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contribution:
    """``log_odds``: what one thing adds to the trait's log-odds. ``stretch_l``: which litres of the curve, for a stretch."""

    name: str
    label: str
    log_odds: float
    stretch_l: tuple[float, float] | None = None


@dataclass(frozen=True)
class Turn:
    """One question and its answer. While it streams, ``answer`` grows and ``done`` is False; while it waits, ``before`` counts who comes first."""

    question: str
    answer: str = ""
    citations: tuple[Citation, ...] = ()
    checks: Checks = field(default_factory=Checks)
    triage: Triage | None = None
    evidence: str = "none"  # library, record or none
    soft_tokens: int = 0
    timings: Timings = field(default_factory=Timings)
    plot: str | None = None  # "flow_volume" or "volume_time" where a plot was asked for
    mark_l: tuple[float, float] | None = None  # the litres of the loop that the answer speaks of
    reasons: tuple[Contribution, ...] = ()  # what the risk that the answer speaks of rests on
    seen: Seen = field(default_factory=Seen)
    parts: tuple[Turn, ...] = ()  # where one message asked several things: an answer to each, from its own look-up
    done: bool = False
    before: int = 0


@dataclass(frozen=True)
class Session:
    """One patient, what was found, and the turns so far.

    ``memory`` is the language model's kept prefix for this session alone (never shared, never written out). ``explained``
    keeps what each risk rests on, by trait, once it was asked for.
    """

    patient: Patient
    spirometry: Spirometry | None = None
    facts: tuple[Fact, ...] = ()
    risks: tuple[RiskEstimate, ...] = ()
    turns: tuple[Turn, ...] = ()
    memory: Any = field(default=None, repr=False, compare=False)
    explained: dict[str, tuple[Contribution, ...]] = field(default_factory=dict, repr=False, compare=False)

    def add(self, turn: Turn) -> Session:
        """The session after ``turn``."""
        return replace(self, turns=(*self.turns, turn))

    @property
    def told(self) -> tuple[Turn, ...]:
        """The turns, parts apart, in which something was said that a later question may refer to."""
        return tuple(part for turn in self.turns for part in turn.parts or (turn,) if part.seen.said)


def examine(
    patient: Patient, *, reference: str = "gli-global-2022", ancestry: str | None = None, bronchodilator: str | None = None
) -> Spirometry | None:  # fmt: skip
    """The patient's blows measured and judged, or the values of the record where there is no curve.

    The patient's age holds at the latest dated test; one before it is compared at the age that the person had then.
    ``bronchodilator`` ("pre" or "post") is for blows that do not say it themselves.
    """
    if not (patient.blows or patient.reported):
        return None
    looked, day = None, max(days_of(patient.blows, ()), default=None)
    if not patient.blows:
        place = latest_reported(patient.reported)
        looked = patient.reported[-1 if place is None else place]
        day = looked.date
    days = days_of(patient.blows, patient.reported)
    age = age_on(day, days, patient.age_years)
    body: dict[str, Any] = {"sex": patient.sex.value if patient.sex else None, "height_cm": patient.height_cm, "reference": reference, "ancestry": ancestry}
    if looked is not None:
        found = analyse_reported(looked, age_years=age, **body)
    else:
        found = analyse(patient.blows, bronchodilator=bronchodilator, age_years=age, **body)
    if age is not None and patient.age_years is not None and patient.age_years - age > 0.1:
        note = f"the test of {day} is compared at the age of {age:.1f} years, since the record holds a later one of {days[-1]}"
        found = replace(found, notes=(*found.notes, note))
    return replace(found, visits=follow(patient.blows, patient.reported, bronchodilator=bronchodilator, age_years=patient.age_years, **body))


def latest_reported(reported: Sequence[ReportedSpirometry]) -> int | None:
    """The place of the test to interpret: the latest with litres or a ratio (a peak flow alone is no spirometry)."""
    places = [place for place, one in enumerate(reported) if one.fev1_fvc is not None or one.fev1_l is not None or one.fvc_l is not None]
    return max(places, key=lambda place: (reported[place].date or dt.date.min, place)) if places else None


def begin(patient: Patient) -> Session:
    """A session with everything that needs no model: the measurement, its comparison and the facts; no risks."""
    spirometry = examine(patient)
    return Session(patient, spirometry, (*(spirometry_facts(spirometry) if spirometry else ()), *facts(patient)))


def to_rows(found: Sequence[Contribution]) -> list[dict[str, Any]]:
    """For JSON and tables; odds are multiplied by ``odds_ratio`` because of the thing."""
    return [
        {"name": one.name, "label": one.label, "log_odds": round(one.log_odds, 4), "odds_ratio": round(math.exp(one.log_odds), 3), "stretch_l": one.stretch_l}
        for one in found
    ]  # fmt: skip


def turn_json(turn: Turn) -> dict[str, Any]:
    """A turn as ``breathwise ask --json`` prints it: answer, checks, timings and what the model saw."""
    checks, timings = asdict(turn.checks), asdict(turn.timings)
    return {
        "question": turn.question, "answer": turn.answer, "citations": [asdict(citation) for citation in turn.citations], "checks": checks,
        "triage": asdict(turn.triage) if turn.triage else None, "evidence": turn.evidence, "soft_tokens": turn.soft_tokens,
        "timings": {name: value if name == "new_tokens" else round(value, 4) for name, value in timings.items()},
        "seen": asdict(turn.seen) | {"versions": dict(turn.seen.versions), "passages": [{"id": name, "score": score} for name, score in turn.seen.passages]},
        "parts": [turn_json(part) for part in turn.parts],
        "plot": turn.plot, "mark_l": turn.mark_l, "reasons": to_rows(turn.reasons),
    }  # fmt: skip
