"""Several dated tests of one person: how fast they change, and how much of that is age.

Sources. Two visits: 95 % of the differences between two screening visits of the Lung Health Study lay within 0.240 L in women
and 0.320 L in men (Enright et al. 1995, doi 10.1164/ajrccm.151.2.7842199). From year to year 15 % or more is beyond the usual
scatter: ATS/ERS 2005, table 12 (Pellegrino et al., doi 10.1183/09031936.05.00035205). FEV1Q: FEV1 over the first percentile of
adults with lung disease, 0.5 L in men, 0.4 L in women (Miller and Pedersen 2010, ERJ 35:873; ERS/ATS 2022, box 3), not for children.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.spirogram.measure import measure
from encoders.spirogram.quality import best_of, judge_all
from encoders.spirogram.read import Blow
from encoders.spirogram.reference import LABELS, NAMES, ReferenceRangeError, check, evaluate
from encoders.spirogram.results import LLN_Z, Maneuver, Reference, Statement

if TYPE_CHECKING:
    from encoders.record import ReportedSpirometry

TWO_VISITS = "Lung Health Study, Enright et al. 1995, doi 10.1164/ajrccm.151.2.7842199"
YEAR_TO_YEAR = "ATS/ERS 2005, table 12, doi 10.1183/09031936.05.00035205"
QUOTIENT = "Miller and Pedersen 2010, ERJ 35:873; ERS/ATS 2022, box 3"
LEAST_SQUARES = "ordinary least squares over the visits"
QUALITY = "ATS/ERS 2019, doi 10.1164/rccm.201908-1590ST"
BETWEEN_VISITS_L = {"female": 0.240, "male": 0.320}  # FEV1; no figure was found for FVC, for which the same is assumed
YEAR_TO_YEAR_PERCENT = 15.0
FIRST_PERCENTILE_L = {"female": 0.4, "male": 0.5}
GROWN_YEARS = 18.0  # before, height changes, and only the latest height is known
DAYS = 365.25
SHORT_YEARS = 0.5  # ours: under half a year a yearly rate mostly multiplies noise
MEASURES = ("fev1", "fvc", "fev1_fvc")


@dataclass(frozen=True)
class Visit:
    """One day's test. Litres, the ratio 0-1; grades are empty for values without a curve; None was not measured."""

    date: dt.date
    age_years: float | None
    fev1_l: float | None
    fvc_l: float | None
    fev1_fvc: float | None
    fev1_grade: str = ""
    fvc_grade: str = ""
    bronchodilator: str | None = None
    fev1q: float | None = None
    references: dict[str, Reference] = field(default_factory=dict)  # fev1, fvc, fev1_fvc
    maneuvers: tuple[Maneuver, ...] = ()

    def value(self, name: str) -> float | None:
        """fev1 and fvc in litres, fev1_fvc 0-1."""
        return {"fev1": self.fev1_l, "fvc": self.fvc_l, "fev1_fvc": self.fev1_fvc}[name]

    def z(self, name: str) -> float | None:
        return self.references[name].z if name in self.references else None


@dataclass(frozen=True)
class Change:
    """How one measure changed: a year's change with its 95 % interval, in ``unit`` ("mL/year", for the ratio "per year").

    ``low`` and ``high`` are None where nothing is known about the scatter. ``expected_per_year`` is the change of the
    predicted value of the same person over the same dates; ``z_first`` and ``z_last`` are those of the first and last visit.
    """

    measure: str
    unit: str
    visits: int
    years: float
    first: float
    last: float
    per_year: float
    low: float | None
    high: float | None
    method: str
    expected_per_year: float | None = None
    z_first: float | None = None
    z_last: float | None = None
    usual_half: float | None = None  # half the interval if the visits scattered as BETWEEN_VISITS_L; None for the ratio

    @property
    def too_narrow(self) -> bool:
        """Whether the visits lie closer to a line than half of what tests usually scatter, as a few may by chance."""
        return self.usual_half is not None and self.high is not None and self.high - self.per_year < 0.5 * self.usual_half

    @property
    def percent(self) -> float:
        return 100.0 * (self.last - self.first) / self.first

    @property
    def z_change(self) -> float | None:
        return None if self.z_first is None or self.z_last is None else self.z_last - self.z_first


@dataclass(frozen=True)
class Visits:
    """The visits in order of date, what changed by measure (only those measured twice), and what is said of it."""

    visits: tuple[Visit, ...]
    changes: dict[str, Change]
    statements: tuple[Statement, ...]
    reference_name: str | None = None
    notes: tuple[str, ...] = ()


def date_of(blow: Blow) -> dt.date | None:
    """The day of a blow; None where the file names none that is understood."""
    try:
        return dt.date.fromisoformat((blow.date or "")[:10])
    except ValueError:
        return None


def days_of(blows: Sequence[Blow], reported: Sequence[ReportedSpirometry]) -> list[dt.date]:
    """The dates of blows and of values, each once, in order."""
    return sorted({day for day in [*map(date_of, blows), *(one.date for one in reported)] if day is not None})


def age_on(day: dt.date | None, days: Sequence[dt.date], age_years: float | None) -> float | None:
    """Years of age on one of ``days`` (in order), where ``age_years`` holds at the latest of them; as given for a test without a date."""
    return age_years if age_years is None or day is None else age_years - (days[-1] - day).days / DAYS


def follow(
    blows: Sequence[Blow] = (), reported: Sequence[ReportedSpirometry] = (), *, sex: str | None = None, age_years: float | None = None,
    height_cm: float | None = None, reference: str = "gli-global-2022", ancestry: str | None = None,
    bronchodilator: str | None = None,
) -> Visits | None:  # fmt: skip
    """Dated blows and dated values of one person -> the visits and their trend; None with fewer than two dates.

    ``age_years`` holds at the latest visit. Blows of a date are one session, judged and
    graded as such; a record's values of the same date fill in only where there is no curve. Litres that are not there stay
    None. Raises ReferenceRangeError as ``evaluate`` does for a set or group asked for by name.
    """
    days = days_of(blows, reported)
    if len(days) < 2:
        return None
    notes: list[str] = []
    undated = sum(date_of(blow) is None for blow in blows) + sum(one.date is None for one in reported)
    if undated:
        notes.append(f"{undated} without a date {'was' if undated == 1 else 'were'} left out of the trend")
    if reference != "gli-global-2022" and sex is not None:
        check("fev1", sex=sex, age_years=40.0, height_cm=170.0, reference=reference, ancestry=ancestry)
    phase = _common_phase(blows, reported, days, bronchodilator)
    found: list[Visit] = []
    for day in days:
        age = age_on(day, days, age_years)
        mine = [blow for blow in blows if date_of(blow) == day]
        visit = _of_blows(day, age, mine, phase, bronchodilator) if mine else None
        if visit is None or (visit.fev1_l is None and visit.fvc_l is None):
            told = [one for one in reported if one.date == day]
            visit = _of_record(day, age, told, phase) if told else visit
        assert visit is not None
        child = age is not None and age < GROWN_YEARS and day != days[-1]
        found.append(_compared(visit, sex, None if child else height_cm, reference, ancestry, notes))
        if child and height_cm is not None:
            notes.append(f"no reference values for {day}: the height at the age of {age:.0f} is not known")
    visits = tuple(found)
    changes = {name: change for name in MEASURES if (change := change_of(name, visits, sex)) is not None}
    named = NAMES[reference] if any(visit.references for visit in visits) else None
    return Visits(visits, changes, tuple(_say(visits, changes, named, sex)), named, tuple(dict.fromkeys(notes)))


# one visit -------------------------------------------------------------------------------------------------------------
def _common_phase(blows: Sequence[Blow], reported: Sequence[ReportedSpirometry], days: Sequence[dt.date], given: str | None) -> str | None:
    """ "post" where every visit holds a test after a bronchodilator and one of them nothing else; else not "post"."""
    states: dict[dt.date, set[bool]] = {day: set() for day in days}
    for blow in blows:
        if (day := date_of(blow)) is not None:
            states[day].add((blow.bronchodilator or given) == "post")
    for one in reported:
        if one.date is not None:
            states[one.date].add(one.bronchodilator == "post")
    return "post" if all(True in seen for seen in states.values()) and any(False not in seen for seen in states.values()) else None


def _of_blows(day: dt.date, age: float | None, blows: Sequence[Blow], phase: str | None, given: str | None) -> Visit:
    states = [blow.bronchodilator or given for blow in blows]
    wanted = [index for index, state in enumerate(states) if (state == "post") == (phase == "post")] or list(range(len(blows)))
    maneuvers = judge_all([measure(blows[index]) for index in wanted], age)
    best = best_of(maneuvers, age)
    state = "post" if all(states[index] == "post" for index in wanted) else "pre" if any(states[index] == "pre" for index in wanted) else None
    if best is None:
        return Visit(day, age, None, None, None, "F", "F", state, maneuvers=maneuvers)
    return Visit(day, age, best.fev1_l, best.fvc_l, best.fev1_fvc, best.fev1_grade, best.fvc_grade, state, maneuvers=maneuvers)


def _of_record(day: dt.date, age: float | None, told: Sequence[ReportedSpirometry], phase: str | None) -> Visit:
    """The record's values of one day; of several the largest, as from several blows."""
    mine = [one for one in told if (one.bronchodilator == "post") == (phase == "post")] or list(told)
    fev1, fvc = (max((v for v in values if v is not None), default=None) for values in ([o.fev1_l for o in mine], [o.fvc_l for o in mine]))
    ratios = [one.fev1_fvc for one in mine if one.fev1_fvc is not None]
    ratio = fev1 / fvc if fev1 and fvc else ratios[-1] if ratios else None
    return Visit(day, age, fev1, fvc, ratio, bronchodilator=mine[-1].bronchodilator)


def _compared(visit: Visit, sex: str | None, height_cm: float | None, reference: str, ancestry: str | None, notes: list[str]) -> Visit:
    """The visit with its references and FEV1Q, as far as sex, age and height are known and covered."""
    from dataclasses import replace

    refs: dict[str, Reference] = {}
    age = visit.age_years
    if sex is not None and age is not None and height_cm is not None:
        body: dict[str, Any] = {"sex": sex, "age_years": age, "height_cm": height_cm, "reference": reference, "ancestry": ancestry}
        try:
            refs = {name: evaluate(name, visit.value(name), **body) for name in MEASURES}
        except ReferenceRangeError as error:
            notes.append(f"{visit.date}: {error}")
    grown = age is not None and age >= GROWN_YEARS
    quotient = visit.fev1_l / FIRST_PERCENTILE_L[sex] if grown and visit.fev1_l is not None and sex in FIRST_PERCENTILE_L else None
    return replace(visit, references=refs, fev1q=quotient)


# the trend -------------------------------------------------------------------------------------------------------------
def slope_of(years: Sequence[float], values: Sequence[float]) -> tuple[float, float | None]:
    """Least-squares slope and the half width of its 95 % t-interval; None for the width with fewer than three points."""
    from scipy.special import stdtrit

    x, y = np.asarray(years, float), np.asarray(values, float)
    centred = x - x.mean()
    spread = float((centred**2).sum())
    slope = float((centred * y).sum() / spread)
    if len(x) < 3:
        return slope, None
    left = y - y.mean() - slope * centred
    error = float(np.sqrt((left**2).sum() / (len(x) - 2) / spread))
    return slope, float(stdtrit(len(x) - 2, 0.975)) * error


def change_of(name: str, visits: Sequence[Visit], sex: str | None = None) -> Change | None:
    """The change of fev1, fvc (mL/year) or fev1_fvc (per year) over the visits that measured it; None with fewer than two."""
    used = [(visit, value) for visit in visits if (value := visit.value(name)) is not None]
    if len(used) < 2:
        return None
    scale, unit = (1.0, "per year") if name == "fev1_fvc" else (1000.0, "mL/year")
    first, last = used[0][0], used[-1][0]
    years = [(visit.date - first.date).days / DAYS for visit, _ in used]
    slope, half = slope_of(years, [scale * value for _, value in used])
    limit = BETWEEN_VISITS_L.get(sex or "", max(BETWEEN_VISITS_L.values()))
    # a difference of two values reaches the limit with 95 %, a single one the limit over root two; for two visits this is limit / years
    usual = None if name == "fev1_fvc" else scale * limit / float(np.sqrt(2.0 * ((np.asarray(years) - np.mean(years)) ** 2).sum()))
    method = LEAST_SQUARES
    if half is None:
        half, method = (
            usual,
            "two visits give no interval for a ratio" if usual is None else f"two visits, assuming that 95 % of repeats differ by at most {limit:.2f} L",
        )
    compared = [(year, visit.references[name].predicted) for year, (visit, _) in zip(years, used, strict=True) if name in visit.references]
    expected = slope_of([year for year, _ in compared], [scale * value for _, value in compared])[0] if len(compared) >= 2 else None
    return Change(
        name, unit, len(used), years[-1], used[0][1], used[-1][1], slope, None if half is None else slope - half,
        None if half is None else slope + half, method, expected, first.z(name), last.z(name), usual,
    )  # fmt: skip


# in words --------------------------------------------------------------------------------------------------------------
def _say(visits: Sequence[Visit], changes: Mapping[str, Change], reference_name: str | None, sex: str | None) -> list[Statement]:
    said = [_quality(visits)]
    states = {visit.bronchodilator == "post" for visit in visits}
    if len(states) > 1:
        said.append(Statement("Some visits were measured after a bronchodilator and others not, so a part of the change may be its effect.", QUALITY))
    for name, change in changes.items():
        said += [_rate(change), *_ageing(change, reference_name or "")]
        if name == "fev1":
            said += [*_year_to_year(visits), *_quotient(visits, sex)]
    span = (visits[-1].date - visits[0].date).days
    if changes and span < SHORT_YEARS * DAYS:
        said.append(Statement(f"All visits lie within {span} days: a yearly rate from so short a time means little.", YEAR_TO_YEAR, {"days": float(span)}))
    return said


def _quality(visits: Sequence[Visit]) -> Statement:
    def grade(visit: Visit) -> str:
        return f"{visit.date} FEV1 {visit.fev1_grade}, FVC {visit.fvc_grade}" if visit.fev1_grade else f"{visit.date} not known (no curve)"

    if not any(visit.fev1_grade for visit in visits):
        return Statement("Quality: the values come without curves, so their quality is not known.", QUALITY)
    return Statement(f"Quality by visit: {'; '.join(map(grade, visits))}. A change is no firmer than the weaker of its tests.", QUALITY)


def _rate(change: Change) -> Statement:
    label, volume = LABELS[change.measure], change.unit == "mL/year"
    places, unit, value_unit = (0, " mL a year", " L") if volume else (3, " a year", "")
    interval = ""
    if change.low is not None and change.high is not None:
        interval = f" (95 % interval {change.low:+.{places}f} to {change.high:+.{places}f})"
    text = (
        f"{label} changed by {change.per_year:+.{places}f}{unit}{interval} over {change.visits} visits in {change.years:.1f} years, "
        f"from {change.first:.2f} to {change.last:.2f}{value_unit}; {change.method}."
    )
    if change.too_narrow:
        text += (
            " The visits lie closer to a line than tests usually repeat, so the interval may be too narrow: with the usual scatter it would reach "
            f"{change.usual_half:.0f} mL to either side."
        )
    numbers = {"per_year": change.per_year, "years": change.years, "visits": float(change.visits), "first": change.first, "last": change.last}
    if change.low is not None and change.high is not None:
        numbers |= {"low": change.low, "high": change.high}
    return Statement(text, LEAST_SQUARES if change.method == LEAST_SQUARES else TWO_VISITS, numbers)


def _ageing(change: Change, reference_name: str) -> list[Statement]:
    """Against the change that age alone would bring, and in z-scores."""
    said, label = [], LABELS[change.measure]
    places, unit = (0, " mL a year") if change.unit == "mL/year" else (3, " a year")
    expected = change.expected_per_year
    if expected is not None:
        verdict = ""
        if change.low is not None and change.high is not None:
            reach = (change.usual_half or 0.0) if change.too_narrow else change.high - change.per_year
            if change.per_year + reach < expected:
                verdict = "; the measured change is below that by more than the uncertainty"
            elif change.per_year - reach > expected:
                verdict = "; the measured change is above that by more than the uncertainty"
            else:
                verdict = "; the uncertainty includes it, so nothing beyond ageing is shown"
        text = f"From age alone {label} would change by {expected:+.{places}f}{unit} (its predicted value over the same dates, {reference_name}){verdict}."
        said.append(Statement(text, reference_name, {"expected_per_year": expected, "per_year": change.per_year}))
    if change.z_first is not None and change.z_last is not None and change.z_change is not None:
        before, after = ("low" if z < LLN_Z else "normal" for z in (change.z_first, change.z_last))
        side = f"{after} at both ends" if before == after else f"from {before} to {after}"
        text = f"The z-score of {label} went from {change.z_first:.2f} to {change.z_last:.2f} ({change.z_change:+.2f}), {side}; who ages as expected keeps the same z-score."
        said.append(Statement(text, reference_name, {"z_first": change.z_first, "z_last": change.z_last}))
    return said


def _year_to_year(visits: Sequence[Visit]) -> list[Statement]:
    """The latest two FEV1, where they lie about a year apart or less."""
    used = [(visit.date, visit.fev1_l) for visit in visits if visit.fev1_l]
    (before, first), (after, last) = used[-2:]
    if (after - before).days > 1.5 * DAYS:
        return []
    percent = 100.0 * (last - first) / first
    verdict = "reaches" if abs(percent) >= YEAR_TO_YEAR_PERCENT else "does not reach"
    text = (
        f"From {before} to {after} FEV1 changed by {percent:+.0f} %; this {verdict} the {YEAR_TO_YEAR_PERCENT:.0f} % beyond which a change from one year to "
        "the next is more than the usual scatter."
    )
    return [Statement(text, YEAR_TO_YEAR, {"percent": percent, "limit_percent": YEAR_TO_YEAR_PERCENT})]


def _quotient(visits: Sequence[Visit], sex: str | None) -> list[Statement]:
    used = [visit for visit in visits if visit.fev1q is not None]
    if not used or sex is None:
        return []
    last, lowest = used[-1], FIRST_PERCENTILE_L[sex]
    assert last.fev1q is not None
    earlier = f", {used[0].fev1q:.1f} on {used[0].date}" if len(used) > 1 else ""
    people = "women" if sex == "female" else "men"
    text = (
        f"FEV1Q is {last.fev1q:.1f} on {last.date}{earlier}: FEV1 over {lowest} L, the first percentile of {people} with lung disease; "
        "the higher the better, and no reference values are needed."
    )
    return [Statement(text, QUOTIENT, {"fev1q": last.fev1q, "first_percentile_l": lowest})]


# out -------------------------------------------------------------------------------------------------------------------
def trend_json(trend: Visits | None) -> dict[str, Any]:
    """``{"visits": [...], "trend": {...} | None}`` of the command line's document; null where nothing was measured."""
    if trend is None:
        return {"visits": [], "trend": None}

    def short(value: float | None, digits: int = 4) -> float | None:
        return None if value is None else round(value, digits)

    visits = [
        {
            "date": visit.date.isoformat(), "age_years": short(visit.age_years, 2), "fev1_l": short(visit.fev1_l), "fvc_l": short(visit.fvc_l),
            "fev1_fvc": short(visit.fev1_fvc), "fev1_grade": visit.fev1_grade or None, "fvc_grade": visit.fvc_grade or None,
            "bronchodilator": visit.bronchodilator, "fev1q": short(visit.fev1q, 2), "blows": len(visit.maneuvers),
            "findings": sorted({finding.code for m in visit.maneuvers for finding in m.findings}),
            "reference": {
                name: {"predicted": short(ref.predicted), "lln": short(ref.lln), "z": short(ref.z), "percent_predicted": short(ref.percent_predicted, 1)}
                for name, ref in visit.references.items()
            } or None,
        }
        for visit in trend.visits
    ]  # fmt: skip
    changes = {
        name: {
            "unit": one.unit, "visits": one.visits, "years": short(one.years, 2), "first": short(one.first), "last": short(one.last),
            "percent": short(one.percent, 1), "per_year": short(one.per_year), "low": short(one.low), "high": short(one.high), "method": one.method,
            "expected_per_year": short(one.expected_per_year), "z_first": short(one.z_first), "z_last": short(one.z_last), "z_change": short(one.z_change),
        }
        for name, one in trend.changes.items()
    }  # fmt: skip
    said = [{"text": one.text, "source": one.source, "numbers": {key: short(value) for key, value in one.numbers.items()}} for one in trend.statements]
    return {
        "visits": visits,
        "trend": {
            **changes, "reference": trend.reference_name, "statements": [one["text"] for one in said], "sources": said, "notes": list(trend.notes),
        },
    }  # fmt: skip
