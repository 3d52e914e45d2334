"""A table of people (NHANES columns) -> patients and rebuilt curves; who belongs to which fold."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from encoders.record import QUANTITY, RISK_TRAITS, Patient, Sex, Smoking
from encoders.spirogram.read import Blow

TRAITS: tuple[str, ...] = tuple(name for name, _ in RISK_TRAITS)
HELD_OUT: tuple[str, ...] = ("angina", "emphysema", "chronic_bronchitis", "arthritis", "gout", "thyroid_disease", "liver_disease", "cancer")
SPIROMETRY = ("fvc_l", "fev1_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_ml", "fet_s")
# what an adult's or a child's blow can give: label, unit, lowest, highest
_PLAUSIBLE = {
    "fvc_l": ("FVC", "L", 0.05, 12.0), "fev1_l": ("FEV1", "L", 0.05, 10.0), "fev1_fvc": ("FEV1/FVC", "parts of one, not percent", 0.0, 1.0), "pef_l_s": ("PEF", "L/s", 0.0, 25.0),
    "fef25_75_l_s": ("FEF25-75", "L/s", 0.0, 15.0), "bev_ml": ("The back-extrapolated volume", "mL", 0.0, 3000.0), "fet_s": ("Forced expiratory time", "s", 0.0, 60.0),
} | {name: (QUANTITY[name].label, QUANTITY[name].unit, QUANTITY[name].low, QUANTITY[name].high) for name in QUANTITY}  # fmt: skip
ID_AS_TEXT = {name: str for name in ("seqn", "id", "SEQN", "ID", "Seqn", "Id")}  # 007 stays 007
NUMBERS = tuple(name for name in QUANTITY if name not in ("heart_rate_bpm", "respiratory_rate_bpm", "spo2_percent", "temperature_c"))
_SEED = "breathwise-1"


class CohortError(ValueError):
    """A table of people that cannot be read. One plain sentence."""


def read_cohort(path: Path) -> pd.DataFrame:
    """The table at ``path``; see ``tidy`` for what is checked."""
    try:
        table = pd.read_csv(path, low_memory=False, dtype=ID_AS_TEXT)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CohortError(f"{Path(path).name} cannot be read as a table ({type(error).__name__}); give a CSV file with a header row") from error
    return tidy(table)


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Known columns as numbers, absent ones as missing, ``id`` as text. Raises CohortError for text where a number belongs."""
    table = table.rename(columns=lambda name: str(name).strip().lower())
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise CohortError(f"the table has two columns named {twice[0]}; keep one (capitals and spaces do not tell them apart)")
    key = next((name for name in ("seqn", "id") if name in table), None)
    if key is None:
        raise CohortError("the table has no id column; name one seqn or id")
    ids = table[key].astype("string").str.strip().str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    if (ids.isna() | (ids == "")).any() or ids.duplicated().any():
        raise CohortError(f"the column {key} has empty or repeated ids; every person needs one of their own")
    clean: dict[str, Any] = {"id": ids.astype(object)}
    for name in (*NUMBERS, *SPIROMETRY, *TRAITS, *HELD_OUT):
        column = table[name] if name in table else pd.Series(np.nan, index=table.index)
        number = pd.to_numeric(column, errors="coerce")
        wrong = number.isna() & column.notna() & (column.astype(str).str.strip() != "")
        if wrong.any():
            raise CohortError(f"the column {name} holds {column[wrong].iloc[0]!r} where a number belongs; leave a cell empty if it was not measured")
        if name in _PLAUSIBLE:
            label, unit, low, high = _PLAUSIBLE[name]
            beyond = (number < low) | (number > high)
            if beyond.sum() > 0.02 * number.notna().sum():  # more than stray values: another unit
                raise CohortError(f"the column {name} holds {number[beyond].iloc[0]:g}; {label} is given in {unit}, from {low:g} to {high:g}")
            number = number.mask(beyond)
        elif (number.notna() & ~number.isin([0, 1])).any():
            raise CohortError(f"the column {name} holds {number[number.notna() & ~number.isin([0, 1])].iloc[0]:g}; use 1 for yes, 0 for no, or leave it empty")
        clean[name] = number
    for name, words in (("sex", {"female", "male"}), ("smoking_status", {"never", "former", "current"})):
        given = table[name] if name in table else pd.Series(pd.NA, index=table.index)
        text = given.astype("string").str.strip().str.lower()
        text = text.mask(text == "")
        unknown = set(text.dropna().unique()) - words
        if unknown:
            raise CohortError(f"the column {name} holds {sorted(unknown)[0]!r}; use {', '.join(sorted(words))} or leave it empty")
        clean[name] = text
    if "curve_ml_10ms" in table:
        clean["curve_ml_10ms"] = table["curve_ml_10ms"]
    return pd.DataFrame(clean)


def adults(table: pd.DataFrame) -> pd.DataFrame:
    """People of 20 years and over: the traits were asked of adults only."""
    return table[table["age_years"] >= 20.0]


def split_of(identity: object) -> str:
    """ "train" (70 %), "validation" (15 %) or "test" (15 %): by a hash of the id, the same for ever."""
    share = int(hashlib.sha256(f"{_SEED}:{identity}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return "train" if share < 0.70 else "validation" if share < 0.85 else "test"


def patient_of(row: Any) -> tuple[Patient, Blow | None]:
    """One row of a tidy table -> the record and the curve: the given one, or one rebuilt from the indices."""

    def number(name: str) -> float | None:
        value = row.get(name)
        return None if value is None or pd.isna(value) else float(value)

    def text(name: str) -> str | None:
        value = row.get(name)
        return None if value is None or pd.isna(value) else str(value)

    sex, smoking = text("sex"), text("smoking_status")
    patient = Patient(
        label=str(row.get("id", "")), sex=Sex(sex) if sex else None, smoking_status=Smoking(smoking) if smoking else None,
        **{name: number(name) for name in NUMBERS},  # type: ignore[arg-type]
    )  # fmt: skip
    curve = text("curve_ml_10ms")
    if curve:
        return patient, _given(curve)
    fev1, fvc = number("fev1_l"), number("fvc_l")
    if fev1 is None or fvc is None or not 0.1 < fev1 <= fvc:
        return patient, None
    from encoders.spirogram.simulate import rebuild

    bev = number("bev_ml")
    return patient, rebuild(fev1, fvc, number("pef_l_s"), number("fef25_75_l_s"), None if bev is None else bev / 1000.0, number("fet_s"))


def _given(curve: str) -> Blow:
    """Cumulative millilitres every 10 ms, separated by spaces, commas or semicolons."""
    try:
        volume = np.array([float(value) for value in curve.replace(";", " ").replace(",", " ").split()]) / 1000.0
    except ValueError as error:
        raise CohortError("the column curve_ml_10ms must hold numbers separated by spaces or commas") from error
    if not np.isfinite(volume).all():
        raise CohortError("the column curve_ml_10ms holds a value that is not a finite number; leave the whole cell empty if the curve is damaged")
    if len(volume) < 20:
        raise CohortError("a curve in curve_ml_10ms needs at least 20 values, one every 10 ms")
    time = np.arange(len(volume), dtype=np.float64) * 0.01
    return Blow(time, volume, np.gradient(volume, time))
