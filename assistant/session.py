"""A conversation about one patient, as frozen data: to and from JSON, no input or output of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from encoders.record import Fact, Patient
from encoders.spirogram.results import Spirometry


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
    total_s: float = 0.0
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
    seen: Seen = field(default_factory=Seen)
    done: bool = False


@dataclass(frozen=True)
class Session:
    """One patient, what was found, and the turns so far.

    ``memory`` is the language model's kept prefix for this session alone (never shared, never written out).
    """

    patient: Patient
    spirometry: Spirometry | None = None
    facts: tuple[Fact, ...] = ()
    risks: tuple[RiskEstimate, ...] = ()
    turns: tuple[Turn, ...] = ()
    memory: Any = field(default=None, repr=False, compare=False)

    def add(self, turn: Turn) -> Session:
        """The session after ``turn``."""
        return replace(self, turns=(*self.turns, turn))
