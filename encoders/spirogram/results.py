"""What the wing finds out about a test: the typed results its rooms hand to one another and to the rest of the house."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from encoders.spirogram.read import Blow

if TYPE_CHECKING:
    from encoders.spirogram.visits import Visits

LLN_Z = -1.645  # the lower limit of normal: the fifth percentile of healthy people
PATTERNS = (
    "normal", "obstruction", "possible_mixed", "possible_restriction", "preserved_ratio_impaired", "possible_dysanapsis",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A fault of one blow: an ATS/ERS code, one plain sentence with its numbers, and where on the curve (seconds)."""

    code: str
    text: str
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True)
class Maneuver:
    """One blow, measured and judged. Litres, litres per second, seconds; the ratio is 0-1; None cannot be measured."""

    blow: Blow
    fvc_l: float | None = None
    fev1_l: float | None = None
    fev1_fvc: float | None = None
    pef_l_s: float | None = None
    fef25_75_l_s: float | None = None
    bev_l: float | None = None
    time_zero_s: float | None = None
    fet_s: float | None = None
    fivc_l: float | None = None
    more: dict[str, float | None] = field(default_factory=dict)  # fev05_l, fev3_l, fev6_l, fef50_l_s, pif_l_s, ...
    acceptable_fev1: bool = False
    acceptable_fvc: bool = False
    usable_fev1: bool = False
    usable_fvc: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Best:
    """The visit's values: largest FEV1 and FVC over usable blows (also from different ones), the ratio of those two."""

    fev1_l: float | None
    fvc_l: float | None
    fev1_fvc: float | None
    fev1_grade: str  # A..F, U
    fvc_grade: str
    grade_reasons: tuple[str, ...] = ()
    pef_l_s: float | None = None
    fef25_75_l_s: float | None = None
    bev_l: float | None = None
    fet_s: float | None = None
    chosen: int | None = None  # index of the blow with the largest FEV1 + FVC


@dataclass(frozen=True)
class Reference:
    """A measured value against the reference population: litres (the ratio 0-1), z, percent of predicted."""

    measured: float | None
    predicted: float
    lln: float
    z: float | None
    percent_predicted: float | None


@dataclass(frozen=True)
class Statement:
    """One sentence of interpretation, with the standard it comes from and the numbers it rests on."""

    text: str
    source: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Interpretation:
    pattern: str  # one of PATTERNS
    severity: str | None  # mild, moderate, severe; None where nothing is impaired
    statements: tuple[Statement, ...]
    borderline: tuple[str, ...] = ()  # measures within 0.2 z of a limit


@dataclass(frozen=True)
class Response:
    """Bronchodilator response, ERS/ATS 2022: (post - pre) x 100 / predicted."""

    fev1_change_percent_predicted: float | None
    fvc_change_percent_predicted: float | None
    significant: bool
    text: str


@dataclass(frozen=True)
class Spirometry:
    """Everything found about one visit's test. ``shape`` are words for the look of the loop, from the curve alone."""

    maneuvers: tuple[Maneuver, ...]
    best: Best | None  # pre-bronchodilator (or the only) session
    post: Best | None
    reference_name: str | None
    references: dict[str, Reference]  # keys fev1, fvc, fev1_fvc (and fef25_75 for GLI-2012)
    interpretation: Interpretation | None
    response: Response | None
    shape: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # why there is no reference or no interpretation
    visits: Visits | None = None  # where the files hold tests of several dates
