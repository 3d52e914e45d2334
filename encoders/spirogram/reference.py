"""Reference values: GLI Global 2022 (Bowerman et al., doi 10.1164/rccm.202205-0963OC) and GLI-2012 (Quanjer et al.,
doi 10.1183/09031936.00080312), evaluated from the tables that the package pyspiro carries.

L = q0 + q1 ln(age) + Lspline; M = exp(a0 + a1 ln(height) + a2 ln(age) + Mspline + group); S = exp(p0 + p1 ln(age) + Sspline +
group); z = ((x/M)^L - 1)/(L S); LLN = M (1 - 1.645 L S)^(1/L). Splines are interpolated between the table's quarter years.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from encoders.spirogram.results import Reference

MEASURES = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1FVC", "fef25_75": "FEF25_75"}
ANCESTRIES = ("caucasian", "african_american", "north_east_asian", "south_east_asian", "other")
_GROUP = {"african_american": 3, "north_east_asian": 4, "south_east_asian": 5, "other": 6}  # a3..a6; p2..p5
TABLES = {"gli-global-2022": "bowerman_2022", "gli-2012": "gli_2012"}
NAMES = {"gli-global-2022": "GLI Global 2022", "gli-2012": "GLI-2012"}
LLN_Z = 1.645  # fifth percentile


class ReferenceRangeError(ValueError):
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
    groups = [ancestry] * len(age) if ancestry is None or isinstance(ancestry, str) else list(ancestry)
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
            mine = [group for group, keep in zip(groups, chosen, strict=True) if keep]
            shift_m = np.array([c[f"a{_GROUP[g]}"] if g in _GROUP else 0.0 for g in mine])
            shift_s = np.array([c[f"p{_GROUP[g] - 1}"] if g in _GROUP else 0.0 for g in mine])
        log_age = np.log(a)
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
    lln = median * (1.0 - LLN_Z * skew * spread) ** (1.0 / skew)
    if value is None or not value > 0:
        return Reference(value, median, float(lln), None, None)
    z = ((value / median) ** skew - 1.0) / (skew * spread)
    return Reference(float(value), median, float(lln), float(z), 100.0 * float(value) / median)


def check(measure: str, *, sex: str, age_years: float, height_cm: float, reference: str, ancestry: str | None) -> None:
    """Refuse what the equations do not cover."""
    if reference not in TABLES:
        raise ReferenceRangeError(f"unknown reference {reference!r}; choose gli-global-2022 or gli-2012")
    if measure not in MEASURES or (measure == "fef25_75" and reference == "gli-global-2022"):
        raise ReferenceRangeError(f"{NAMES[reference]} has no {measure}; FEF25-75 needs gli-2012")
    if str(sex) not in ("female", "male"):
        raise ReferenceRangeError(f"the reference values need sex female or male; got {sex!r}")
    if not 3.0 <= age_years <= 95.0:
        raise ReferenceRangeError(f"{NAMES[reference]} covers ages 3 to 95 years; got {age_years:g}")
    if not 75.0 <= height_cm <= 230.0:
        raise ReferenceRangeError(f"a height of {height_cm:g} cm is not plausible; give it in centimetres, from 75 to 230")
    if reference == "gli-2012" and ancestry not in ANCESTRIES:
        raise ReferenceRangeError(f"GLI-2012 needs an ancestry group, one of {', '.join(ANCESTRIES)}; got {ancestry}")


def evaluate_frame(table: Any, measure: str, *, reference: str = "gli-global-2022") -> Any:
    """The same for a pandas table with the columns sex, age_years, height_cm, the measure's own (and ancestry for GLI-2012).

    Returns a table with predicted, lln, z, percent_predicted; rows outside the equations are nan.
    """
    import pandas as pd

    ancestry = list(table["ancestry"]) if reference == "gli-2012" else None
    skew, median, spread = lms(
        measure, male=(table["sex"] == "male").to_numpy(), age_years=table["age_years"].to_numpy(float),
        height_cm=table["height_cm"].to_numpy(float), reference=reference, ancestry=ancestry,
    )  # fmt: skip
    value = table[measure].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        lln = median * (1.0 - LLN_Z * skew * spread) ** (1.0 / skew)
        z = ((value / median) ** skew - 1.0) / (skew * spread)
    return pd.DataFrame({"predicted": median, "lln": lln, "z": z, "percent_predicted": 100.0 * value / median}, index=table.index)
