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
from encoders.spirogram.visits import follow


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
class Checks:
    """What code verified in an answer after it was written."""

    numbers_supported: bool = True
    unsupported_numbers: tuple[str, ...] = ()
    citations_valid: bool = True
    notes: tuple[str, ...] = ()
    written_by: str = "model"  # "model", "model, second try" or "code": sentences that facts and passages do not give are not shown


@dataclass(frozen=True)
class Triage:
    """A red flag: the rule that fired, "emergency" or "urgent", and the fixed wording that answers it."""

    rule: str
    level: str
    text: str


@dataclass(frozen=True)
class Timings:
    first_token_s: float = 0.0
    written_s: float = 0.0  # until the model's answer was there
    total_s: float = 0.0  # until it was checked, and written again where it had to be
    new_tokens: int = 0


@dataclass(frozen=True)
class Seen:
    """What the model saw for a turn: nothing is hidden from the person who asks."""

    prompt: str = ""
    raw: str = ""  # the answer as the model first wrote it, fact tokens not yet written out
    said: str = ""  # the answer that was given, fact tokens not yet written out
    intent: str = ""
    passages: tuple[tuple[str, float], ...] = ()  # passage id, score
    facts: tuple[str, ...] = ()
    model: str = ""
    cached_tokens: int = 0


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
    """One question and its answer. While it streams, ``answer`` grows and ``done`` is False."""

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
    done: bool = False


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


def examine(patient: Patient) -> Spirometry | None:
    """The patient's blows measured and judged, or the values of the record where there is no curve."""
    body: dict[str, Any] = {
        "sex": patient.sex.value if patient.sex else None, "age_years": patient.age_years, "height_cm": patient.height_cm,
    }  # fmt: skip
    if patient.blows:
        found = analyse(patient.blows, **body)
    elif patient.reported:
        place = latest_reported(patient.reported)
        found = analyse_reported(patient.reported[-1 if place is None else place], **body)
    else:
        return None
    return replace(found, visits=follow(patient.blows, patient.reported, **body))


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
    """A turn as ``breathwise ask --json`` prints it."""
    return {
        "question": turn.question, "answer": turn.answer, "citations": [asdict(citation) for citation in turn.citations],
        "checks": {
            "numbers_supported": turn.checks.numbers_supported, "unsupported_numbers": list(turn.checks.unsupported_numbers),
            "citations_valid": turn.checks.citations_valid, "notes": list(turn.checks.notes),
            "written_by": turn.checks.written_by,
        },
        "triage": asdict(turn.triage) if turn.triage else None, "evidence": turn.evidence, "soft_tokens": turn.soft_tokens,
        "plot": turn.plot, "mark_l": turn.mark_l, "reasons": to_rows(turn.reasons),
        "timings": {"first_token_s": round(turn.timings.first_token_s, 4), "written_s": round(turn.timings.written_s, 4), "total_s": round(turn.timings.total_s, 4), "new_tokens": turn.timings.new_tokens},
    }  # fmt: skip
