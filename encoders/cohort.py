"""A table of people (NHANES columns) -> patients and rebuilt curves; who belongs to which fold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from encoders.faults import InputError
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
ASKED_FROM_YEARS = 20.0  # the traits were asked of adults only
ID_AS_TEXT = {name: str for name in ("seqn", "id", "SEQN", "ID", "Seqn", "Id")}  # 007 stays 007
NUMBERS = tuple(name for name in QUANTITY if name not in ("heart_rate_bpm", "respiratory_rate_bpm", "spo2_percent", "temperature_c"))
_SEED = "breathwise-1"


class CohortError(InputError):
    """A table of people that cannot be read. One plain sentence."""


def read_cohort(path: Path) -> pd.DataFrame:
    """The table at ``path``, or the people of a folder of CDC's own files (``encoders.nhanes``); see ``tidy`` for what is checked."""
    if Path(path).is_dir():
        from encoders.nhanes import NhanesError, read_folder

        try:
            return tidy(read_folder(Path(path)))
        except NhanesError as error:
            raise CohortError(str(error)) from error
    try:
        table = pd.read_csv(path, low_memory=False, dtype=ID_AS_TEXT)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CohortError(f"{Path(path).name} cannot be read as a table ({type(error).__name__}); give a CSV file with a header row") from error
    return tidy(table)


def pieces(path: Path, rows: int = 500) -> Iterator[pd.DataFrame]:
    """A cohort of any length as tables of ``rows`` people, not yet tidy; a folder of CDC's files is read at once. Raises CohortError."""
    if path.is_dir():
        table = read_cohort(path).rename(columns={"id": "seqn"})
        yield from (table.iloc[start : start + rows] for start in range(0, len(table), rows))
        return
    try:
        yield from pd.read_csv(path, chunksize=rows, low_memory=False, dtype=ID_AS_TEXT)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CohortError(f"{path.name} cannot be read as a table; give a CSV file with a header row") from error


def tidy_pieces(path: Path, rows: int = 500) -> Iterator[tuple[str, pd.DataFrame]]:
    """``pieces``, each tidy and without the columns of the traits, and the name of the id column. Raises CohortError."""
    seen: set[str] = set()
    for piece in pieces(path, rows):
        piece = piece.drop(columns=[name for name in piece.columns if str(name).strip().lower() in (*TRAITS, *HELD_OUT)])
        key = next((str(name) for name in piece.columns if str(name).strip().lower() in ("seqn", "id")), "id")
        table = tidy(piece)
        again = seen & set(table["id"])
        if again:
            raise CohortError(f"the id {min(again)} stands twice in the table; every person needs one of their own")
        seen |= set(table["id"])
        yield key, table


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Known columns as numbers, absent ones as missing, ``id`` as text. Raises CohortError for text where a number belongs.

    A stray impossible value becomes missing; ``attrs["set_aside"]`` says how many in which column.
    """
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
    set_aside: dict[str, int] = {}
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
            if beyond.any():
                set_aside[name] = int(beyond.sum())
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
    for name in ("curve_ml_10ms", "ethnicity"):  # not asked for: a curve instead of indices; groups for evaluation
        if name in table:
            clean[name] = table[name]
    tidied = pd.DataFrame(clean)
    tidied.attrs["set_aside"] = set_aside
    return tidied


def adults(table: pd.DataFrame) -> pd.DataFrame:
    """People of ``ASKED_FROM_YEARS`` and over."""
    return table[table["age_years"] >= ASKED_FROM_YEARS]


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
    bev = number("bev_ml")
    bev_l = None if bev is None else bev / 1000.0
    return patient, rebuilt_blow(number("fev1_l"), number("fvc_l"), number("pef_l_s"), number("fef25_75_l_s"), bev_l, number("fet_s"))


def rebuilt_blow(
    fev1_l: float | None, fvc_l: float | None, pef_l_s: float | None, fef25_75_l_s: float | None, bev_l: float | None, fet_s: float | None
) -> Blow | None:
    """A curve that measures to these indices, see ``simulate.rebuild``; None where FEV1 or FVC is missing or impossible."""
    from encoders.spirogram.simulate import rebuild

    return rebuild(fev1_l, fvc_l, pef_l_s, fef25_75_l_s, bev_l, fet_s) if fev1_l is not None and fvc_l is not None and 0.1 < fev1_l <= fvc_l else None


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


# log-odds of each trait of a simulated person: intercept, then weights of standard scores (see ``simulated_cohort``)
_SIMULATED_RISKS: dict[str, dict[str, float]] = {
    "asthma_current": {"": -1.3, "ratio": -0.9, "fev1": -0.5, "age": -0.3},
    "copd": {"": -1.8, "ratio": -1.1, "packs": 0.6, "age": 0.5},
    "diabetes": {"": -1.8, "hba1c_percent": 1.3, "bmi_kg_m2": 0.4, "age": 0.3},
    "hypertension": {"": -0.8, "systolic_bp_mmhg": 0.9, "age": 0.6, "bmi_kg_m2": 0.3},
    "myocardial_infarction": {"": -2.0, "age": 0.8, "male": 0.8, "packs": 0.4, "hdl_cholesterol_mg_dl": -0.4},
    "stroke": {"": -2.1, "age": 0.9, "systolic_bp_mmhg": 0.6},
    "heart_failure": {"": -2.1, "age": 0.7, "fvc": -0.7, "creatinine_mg_dl": 0.5},
    "coronary_heart_disease": {"": -2.0, "age": 0.8, "male": 0.6, "total_cholesterol_mg_dl": 0.4, "fev1": -0.4},
}


def simulated_cohort(count: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Made-up adults with a cohort's columns, traits drawn from known risks: the table and those risks, (count, TRAITS).

    No model can rank people better than these risks do (the Bayes limit): traits are drawn from them, and they depend on
    nothing but what stands in the table. Spirometry follows GLI Global 2022: z-scores of FVC and the ratio are drawn, the risks
    of lungs depend on them and on FEV1 as a share of the median, so sex, age, height and curve must be read together.
    """
    from encoders.spirogram.reference import lms

    rng = np.random.default_rng(seed)
    male = rng.random(count) < 0.5
    age = np.round(rng.uniform(20, 79.9, count), 1)
    height = np.round(np.clip(np.where(male, 176.0, 163.0) + rng.normal(0, 6.5, count), 140, 205), 1)
    smoker = rng.choice(["never", "former", "current"], count, p=[0.5, 0.25, 0.25])
    packs = np.where(smoker == "never", 0.0, np.round(rng.gamma(1.5, 0.3 * (age - 15)), 1))
    z_ratio = rng.normal(-0.3, 1.0, count) - 0.012 * packs - np.where(rng.random(count) < 0.15, rng.exponential(1.2, count), 0.0)
    z_fvc = rng.normal(0.0, 1.0, count)

    def value(measure: str, z: np.ndarray) -> np.ndarray:
        skew, median, spread = lms(measure, male=male, age_years=age, height_cm=height)
        return np.asarray(median * np.maximum(1.0 + z * skew * spread, 0.05) ** (1.0 / skew))

    fvc, ratio = value("fvc", z_fvc), np.clip(value("fev1_fvc", z_ratio), 0.3, 0.95)
    fev1 = fvc * ratio
    own: dict[str, Any] = {"id": [f"simulated-{seed}-{index}" for index in range(count)], "sex": np.where(male, "male", "female"), "age_years": age}
    own |= {"height_cm": height, "smoking_status": smoker, "pack_years": packs}
    standard = {
        "": np.ones(count), "age": (age - 50) / 17, "male": male - 0.5, "packs": np.clip((packs - 10) / 15, -1, 4),
        "ratio": z_ratio, "fvc": z_fvc, "fev1": (fev1 / (value("fvc", np.zeros(count)) * value("fev1_fvc", np.zeros(count))) - 1.0) / 0.15,
    }  # fmt: skip
    for name, mean, sd, decimals in (
        ("bmi_kg_m2", 28.5, 6.0, 1), ("systolic_bp_mmhg", 122.0, 17.0, 0), ("hba1c_percent", 5.7, 0.6, 1), ("total_cholesterol_mg_dl", 197.0, 40.0, 0),
        ("hdl_cholesterol_mg_dl", 52.0, 14.0, 0), ("creatinine_mg_dl", 0.9, 0.2, 2),
    ):  # fmt: skip
        low, high = mean - 2.2 * sd, mean + 3.5 * sd
        own[name] = np.round(np.clip(mean + sd * rng.normal(size=count), low, high), decimals)
        standard[name] = (own[name] - mean) / sd
    own |= {"weight_kg": np.round(own["bmi_kg_m2"] * (height / 100) ** 2, 1), "fvc_l": fvc, "fev1_l": fev1, "fev1_fvc": ratio}
    own |= {
        "pef_l_s": fev1 * rng.uniform(2.3, 3.0, count),
        "bev_ml": np.round(rng.uniform(20, 80, count)),
        "fet_s": np.round(np.where(ratio < 0.65, 10.0, 7.0), 1),
    }
    own["fef25_75_l_s"] = fvc * 0.763 * np.exp(4.7 * (ratio - 0.8))
    log_odds = np.stack([sum(weight * standard[name] for name, weight in _SIMULATED_RISKS[trait].items()) for trait in TRAITS], axis=1)
    bayes = 1.0 / (1.0 + np.exp(-log_odds))
    drawn = (rng.random(bayes.shape) < bayes).astype(float)
    return tidy(pd.DataFrame(own | {trait: drawn[:, index] for index, trait in enumerate(TRAITS)})), bayes
