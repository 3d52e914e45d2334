"""Reference values: GLI Global 2022 (Bowerman et al., doi 10.1164/rccm.202205-0963OC) and GLI-2012 (Quanjer et al.,
doi 10.1183/09031936.00080312), evaluated from the tables that the package pyspiro carries.

L = q0 + q1 ln(age) + Lspline; M = exp(a0 + a1 ln(height) + a2 ln(age) + Mspline + group); S = exp(p0 + p1 ln(age) + Sspline +
group); z = ((x/M)^L - 1)/(L S); LLN = M (1 - 1.645 L S)^(1/L). Splines are interpolated between the table's quarter years.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from encoders.faults import InputError
from encoders.spirogram.interpret import WORDS, pattern_of
from encoders.spirogram.results import LLN_Z, Reference, Statement

MEASURES = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1FVC", "fef25_75": "FEF25_75"}
ANCESTRIES = ("caucasian", "african_american", "north_east_asian", "south_east_asian", "other")
_GROUP = {"african_american": 3, "north_east_asian": 4, "south_east_asian": 5, "other": 6}  # a3..a6; p2..p5
TABLES = {"gli-global-2022": "bowerman_2022", "gli-2012": "gli_2012"}
NAMES = {"gli-global-2022": "GLI Global 2022", "gli-2012": "GLI-2012"}
YOUNGEST, OLDEST = 3.0, 95.0  # years, both sets
SHORTEST_CM, TALLEST_CM = 75.0, 230.0  # ours, against metres and inches; the sets name no limits of height
SOURCE = "GLI Global 2022, doi 10.1164/rccm.202205-0963OC; GLI-2012, doi 10.1183/09031936.00080312"
LABELS = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1/FVC", "fef25_75": "FEF25-75"}


class ReferenceRangeError(InputError):
    """Something the equations do not cover. One plain sentence."""


@lru_cache(maxsize=2)
def _table(reference: str) -> tuple[dict[str, dict[str, float]], NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Coefficients by column and name, the ages of the splines, the splines by column."""
    spec = find_spec("pyspiro")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pyspiro is not installed; it carries the reference tables")
    folder = Path(spec.origin).parent / "data"

    def rows(kind: str) -> list[dict[str, str]]:
        with open(folder / f"{TABLES[reference]}_{kind}.csv", encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))

    coefficients: dict[str, dict[str, float]] = {}
    for row in rows("coefficients"):
        for column, value in row.items():
            if column not in ("", "var") and value not in ("", None):
                coefficients.setdefault(column, {})[row["var"]] = float(value)
    spline_rows = rows("splines")
    ages = np.array([float(row["age"]) for row in spline_rows])
    splines = {
        column: np.array([float(row[column]) if row[column] else np.nan for row in spline_rows])
        for column in spline_rows[0]
        if column not in ("", "age") and column is not None
    }
    return coefficients, ages, splines


def lms(
    measure: str, *, male: ArrayLike, age_years: ArrayLike, height_cm: ArrayLike, reference: str = "gli-global-2022",
    ancestry: Sequence[str | None] | str | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """L, M and S for arrays of people, each (n,). Nothing is checked here; outside the tables the result is nan."""
    coefficients, ages, splines = _table(reference)
    is_male, age, height = np.atleast_1d(male), np.atleast_1d(np.asarray(age_years, float)), np.atleast_1d(np.asarray(height_cm, float))
    groups = np.full(len(age), ancestry, object) if ancestry is None or isinstance(ancestry, str) else np.asarray(ancestry, object)
    result = np.full((3, len(age)), np.nan)
    for sex, chosen in (("males", is_male.astype(bool)), ("females", ~is_male.astype(bool))):
        if not chosen.any():
            continue
        column = f"{MEASURES[measure]}_{sex}"
        c = coefficients[column]
        a, h = age[chosen], height[chosen]
        known = {kind: ~np.isnan(splines[f"{column}_{kind}spline"]) for kind in "LMS"}
        spline = {kind: np.interp(a, ages[known[kind]], splines[f"{column}_{kind}spline"][known[kind]], left=np.nan, right=np.nan) for kind in "LMS"}
        shift_m, shift_s = np.zeros(len(a)), np.zeros(len(a))
        if reference == "gli-2012":
            mine = groups[chosen]
            for group, number in _GROUP.items():
                here = mine == group
                shift_m[here], shift_s[here] = c[f"a{number}"], c[f"p{number - 1}"]
        log_age = np.log(np.where(a > 0, a, np.nan))
        result[0, chosen] = c["q0"] + c.get("q1", 0.0) * log_age + spline["L"]
        result[1, chosen] = np.exp(c["a0"] + c["a1"] * np.log(h) + c["a2"] * log_age + shift_m + spline["M"])
        result[2, chosen] = np.exp(c["p0"] + c["p1"] * log_age + shift_s + spline["S"])
    return result[0], result[1], result[2]


def evaluate(
    measure: str, value: float | None, *, sex: str, age_years: float, height_cm: float, reference: str = "gli-global-2022",
    ancestry: str | None = None,
) -> Reference:  # fmt: skip
    """One value against the reference population; litres (the ratio 0-1, FEF25-75 in L/s).

    Raises ReferenceRangeError outside 3 to 95 years, for an impossible height, an unknown set, or GLI-2012 without a group.
    """
    check(measure, sex=sex, age_years=age_years, height_cm=height_cm, reference=reference, ancestry=ancestry)
    skew, median, spread = (
        float(x[0]) for x in lms(measure, male=sex == "male", age_years=age_years, height_cm=height_cm, reference=reference, ancestry=ancestry)
    )
    if np.isnan(median):
        raise ReferenceRangeError(f"{NAMES[reference]} has no {measure} at {age_years:g} years")
    lln = float(_value_at(LLN_Z, skew, median, spread))
    if value is None or not value > 0:
        return Reference(None if value is None or np.isnan(value) else value, median, lln, None, None)
    if measure == "fev1_fvc" and value > 2.0:
        raise ReferenceRangeError(f"a ratio of {value:g} is not possible; give FEV1/FVC as a fraction of 1, for example {value / 100:.2f}")
    return Reference(float(value), median, lln, float(_z_of(value, skew, median, spread)), 100.0 * float(value) / median)


def _z_of(value: Any, skew: Any, median: Any, spread: Any) -> Any:
    """z = ((x/M)^L - 1)/(L S); as L goes to 0 this becomes ln(x/M)/S, which expm1 meets without loss."""
    log = np.log(np.asarray(value) / median)
    small = np.abs(skew) < 1e-9
    skew = np.where(small, 1.0, skew)
    return np.where(small, log, np.expm1(skew * log) / skew) / spread


def _value_at(z: float, skew: Any, median: Any, spread: Any) -> Any:
    """The value with this z-score: M (1 + z L S)^(1/L)."""
    small = np.abs(skew) < 1e-9
    skew = np.where(small, 1.0, skew)
    return median * np.exp(np.where(small, z * spread, np.log1p(z * skew * spread) / skew))


def check(measure: str, *, sex: str, age_years: float, height_cm: float, reference: str, ancestry: str | None) -> None:
    """Refuse what the equations do not cover."""
    if reference not in TABLES:
        raise ReferenceRangeError(f"unknown reference {reference!r}; choose gli-global-2022 or gli-2012")
    if measure not in MEASURES or (measure == "fef25_75" and reference == "gli-global-2022"):
        raise ReferenceRangeError(f"{NAMES[reference]} has no {measure}; FEF25-75 needs gli-2012")
    if str(sex) not in ("female", "male"):
        raise ReferenceRangeError(f"the reference values need sex female or male; got {sex!r}")
    if not YOUNGEST <= age_years <= OLDEST:
        raise ReferenceRangeError(f"{NAMES[reference]} covers ages 3 to 95 years; got {age_years:g}")
    if not SHORTEST_CM <= height_cm <= TALLEST_CM:
        raise ReferenceRangeError(f"a height of {height_cm:g} cm is not plausible; give it in centimetres, from 75 to 230")
    if reference == "gli-2012" and ancestry not in ANCESTRIES:
        raise ReferenceRangeError(f"GLI-2012 needs an ancestry group, one of {', '.join(ANCESTRIES)}; got {ancestry}")


def evaluate_frame(table: Any, measure: str, *, reference: str = "gli-global-2022") -> Any:
    """The same for a pandas table with the columns sex, age_years, height_cm, the measure's own (and ancestry for GLI-2012).

    Returns a table with predicted, lln, z, percent_predicted on the same index. A row that ``evaluate`` would refuse (age,
    height, sex or group not covered) is nan throughout; a value that is missing or not above 0 leaves z and percent nan.
    Raises ReferenceRangeError for an unknown set, a measure it does not have, or a column that is not there.
    """
    import pandas as pd

    check(measure, sex="female", age_years=YOUNGEST, height_cm=SHORTEST_CM, reference=reference, ancestry=ANCESTRIES[0])
    needed = ("sex", "age_years", "height_cm", measure, *(("ancestry",) if reference == "gli-2012" else ()))
    lacking = [name for name in needed if name not in table.columns]
    if lacking:
        raise ReferenceRangeError(f"the table lacks the column {lacking[0]}; {NAMES[reference]} needs {', '.join(needed)}")
    age, height = table["age_years"].to_numpy(float), table["height_cm"].to_numpy(float)
    male, female = (table["sex"].isin([sex]).to_numpy(bool) for sex in ("male", "female"))
    covered = (male | female) & (age >= YOUNGEST) & (age <= OLDEST) & (height >= SHORTEST_CM) & (height <= TALLEST_CM)
    ancestry = None
    if reference == "gli-2012":
        ancestry = table["ancestry"].to_numpy(object)
        covered = covered & table["ancestry"].isin(ANCESTRIES).to_numpy(bool)
    skew, median, spread = lms(measure, male=male, age_years=np.where(covered, age, np.nan), height_cm=height, reference=reference, ancestry=ancestry)
    value = table[measure].to_numpy(float)
    value = np.where(value > 0, value, np.nan)
    lln, z = _value_at(LLN_Z, skew, median, spread), _z_of(value, skew, median, spread)
    return pd.DataFrame({"predicted": median, "lln": lln, "z": z, "percent_predicted": 100.0 * value / median}, index=table.index)


# both sets beside each other -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Beside:
    """One measure by both sets; ``race_neutral`` (GLI Global 2022) is None where that set lacks the measure (FEF25-75)."""

    measure: str
    race_neutral: Reference | None
    by_group: Reference  # GLI-2012


@dataclass(frozen=True)
class SideBySide:
    """GLI Global 2022 and GLI-2012 for one person, the pattern by each (None where a measure is missing), and what changes."""

    ancestry: str
    rows: tuple[Beside, ...]
    pattern_global: str | None
    pattern_2012: str | None
    statements: tuple[Statement, ...]


def side_by_side(values: Mapping[str, float | None], *, sex: str, age_years: float, height_cm: float, ancestry: str | None) -> SideBySide:
    """One person's values by GLI Global 2022 and by GLI-2012, and in words what the choice of the set changes.

    ``values``: any of fev1, fvc (L), fev1_fvc (0-1), fef25_75 (L/s); those that are None are left out. ``ancestry`` is the
    GLI-2012 group as the person stated it. Raises ReferenceRangeError as ``evaluate`` does, also without a group.
    """
    body: dict[str, Any] = {"sex": sex, "age_years": age_years, "height_cm": height_cm}
    rows = tuple(
        Beside(
            name, evaluate(name, values[name], **body) if name != "fef25_75" else None,
            evaluate(name, values[name], reference="gli-2012", ancestry=ancestry, **body),
        )
        for name in MEASURES if values.get(name) is not None
    )  # fmt: skip
    check("fev1", reference="gli-2012", ancestry=ancestry, **body)  # an empty table of values is refused by the same rules
    said = [statement for row in rows for statement in [_what_changes(row)] if statement is not None]
    patterns: dict[str, str | None] = {}
    for side in ("race_neutral", "by_group"):
        z = {row.measure: ref.z for row in rows for ref in [getattr(row, side)] if ref is not None}
        fev1, fvc, ratio = (z.get(name) for name in ("fev1", "fvc", "fev1_fvc"))
        patterns[side] = pattern_of(fev1, fvc, ratio) if fev1 is not None and fvc is not None and ratio is not None else None
    new, old = patterns["race_neutral"], patterns["by_group"]
    if new is not None and old is not None:
        text = f"The pattern is the same by both sets: {WORDS[new]}." if new == old else (
            f"The pattern changes from {WORDS[old]} by GLI-2012 to {WORDS[new]} by GLI Global 2022."
        )  # fmt: skip
        said.append(Statement(text, SOURCE))
    return SideBySide(str(ancestry), rows, new, old, tuple(said))


def _what_changes(row: Beside) -> Statement | None:
    """Whether a value lies on the other side of the lower limit by the other set, and how far its z-score moves."""
    new, old, name = row.race_neutral, row.by_group, LABELS[row.measure]
    if old.z is None:
        return None
    if new is None or new.z is None:
        return Statement(f"{name} is only in GLI-2012: z {old.z:.2f}.", SOURCE, {"z_gli_2012": old.z})
    before, after = ("low" if z < LLN_Z else "normal" for z in (old.z, new.z))
    numbers = {"z_gli_2012": old.z, "z_gli_global_2022": new.z, "lln_gli_2012": old.lln, "lln_gli_global_2022": new.lln}
    shown = f"z {old.z:.2f} by GLI-2012 and {new.z:.2f} by GLI Global 2022, lower limits {old.lln:.2f} and {new.lln:.2f}"
    if before == after:
        return Statement(f"{name} is {after} by both sets ({shown}).", SOURCE, numbers)
    verb = "falls" if after == "low" else "rises"
    return Statement(f"{name} {verb} from {before} by GLI-2012 to {after} by GLI Global 2022 ({shown}).", SOURCE, numbers)
