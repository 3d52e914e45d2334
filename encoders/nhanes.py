"""A folder of CDC's own NHANES tables (SAS transport, or the same as CSV) -> one table of people with a cohort's columns.

Codes and units: CDC's codebooks of 2007-2012 (DEMO, BMX, BPX, GHB, TCHOL, HDL, TRIGLY, BIOPRO, COTNAL, SMQ, MCQ, DIQ, BPQ, SPX,
SPXRAW). Yes/no answers are 1 and 2; 7/9, 77/99 and 777/999 are refused and don't know and become missing. Several cycles may
stand in one folder (DEMO_E, DEMO_F, ...). A table that is absent leaves its columns empty; DEMO alone is needed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from encoders.faults import InputError

TABLES = ("DEMO", "BMX", "BPX", "GHB", "TCHOL", "HDL", "TRIGLY", "BIOPRO", "COTNAL", "SMQ", "MCQ", "DIQ", "BPQ", "SPX", "SPXRAW")
_FILE = re.compile(rf"({'|'.join(sorted(TABLES, key=len, reverse=True))})(_[A-Z])?\.(XPT|SAS7BDAT|CSV(\.GZ)?)", re.IGNORECASE)
_FRESH = 1e-70  # pandas reads SAS's zero as 5.4e-79
_CURVES_AT_ONCE = 2000

# our column: table, CDC's name, what divides it to our unit (CDC's spirometry is in mL and mL/s)
_MEASURED = {
    "height_cm": ("BMX", "BMXHT", 1.0), "weight_kg": ("BMX", "BMXWT", 1.0), "bmi_kg_m2": ("BMX", "BMXBMI", 1.0), "waist_cm": ("BMX", "BMXWAIST", 1.0),
    "cotinine_ng_ml": ("COTNAL", "LBXCOT", 1.0), "hba1c_percent": ("GHB", "LBXGH", 1.0), "total_cholesterol_mg_dl": ("TCHOL", "LBXTC", 1.0),
    "hdl_cholesterol_mg_dl": ("HDL", "LBDHDD", 1.0), "triglycerides_mg_dl": ("TRIGLY", "LBXTR", 1.0), "creatinine_mg_dl": ("BIOPRO", "LBXSCR", 1.0),
    "glucose_mg_dl": ("BIOPRO", "LBXSGL", 1.0),
}  # fmt: skip
_SPIROMETRY = {
    "fvc_l": ("SPXNFVC", 1000.0), "fev1_l": ("SPXNFEV1", 1000.0), "pef_l_s": ("SPXNPEF", 1000.0), "fef25_75_l_s": ("SPXNF257", 1000.0),
    "bev_ml": ("SPXNEV", 1.0), "fet_s": ("SPXNFET", 1.0),
}  # fmt: skip
_ACCEPTABLE = ("A", "B")  # exceeds or meets ATS data collection standards (SPX_E codebook); C to F do not
_TOLD = {
    "asthma_ever": ("MCQ", "MCQ010"), "emphysema": ("MCQ", "MCQ160G"), "chronic_bronchitis": ("MCQ", "MCQ160K"), "diabetes": ("DIQ", "DIQ010"),
    "hypertension": ("BPQ", "BPQ020"), "myocardial_infarction": ("MCQ", "MCQ160E"), "stroke": ("MCQ", "MCQ160F"), "heart_failure": ("MCQ", "MCQ160B"),
    "coronary_heart_disease": ("MCQ", "MCQ160C"), "angina": ("MCQ", "MCQ160D"), "arthritis": ("MCQ", "MCQ160A"), "gout": ("MCQ", "MCQ160N"),
    "thyroid_disease": ("MCQ", "MCQ160M"), "liver_disease": ("MCQ", "MCQ160L"), "cancer": ("MCQ", "MCQ220"),
}  # fmt: skip
_ETHNICITY = {1.0: "mexican", 2.0: "hispanic", 3.0: "white", 4.0: "black", 5.0: "other"}


class NhanesError(InputError):
    """A folder that does not hold CDC's tables. One plain sentence."""


def read_folder(folder: Path) -> pd.DataFrame:
    """Everyone of DEMO, joined by SEQN, with a cohort's columns in our units; ``curve_ml_10ms`` where SPXRAW is there.

    Age in quarters of a year, from months where CDC gives them, else completed years (capped at 80). Blood pressure: the first
    reading, zero (none heard) is missing. Pack-years: years smoked x cigarettes a day / 20 (age started SMD030, last smoked
    SMD055, a day SMD057 when stopped or SMD650 now); never smokers 0. Spirometry: the baseline test where both quality
    letters are A or B. Diabetes: borderline is missing. Raises NhanesError.
    """
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if found := _FILE.fullmatch(path.name):
            files.setdefault(found[1].upper(), []).append(path)
    if "DEMO" not in files:
        raise NhanesError(f"{folder.name} holds no DEMO table of NHANES; give a CSV file, or a folder with CDC's files such as DEMO_E.xpt and BMX_E.xpt")
    tables = {name: _joined(paths) for name, paths in files.items() if name != "SPXRAW"}
    people = tables["DEMO"].index

    def get(table: str, column: str) -> pd.Series:
        """A column for every person, as numbers; missing where the table or the column is absent."""
        if table not in tables or column not in tables[table]:
            return pd.Series(np.nan, index=people)
        values = pd.to_numeric(tables[table][column], errors="coerce").reindex(people)
        return values.mask(values.abs() < _FRESH, 0.0)

    def told(table: str, column: str) -> pd.Series:
        return get(table, column).map({1.0: 1.0, 2.0: 0.0})  # all other codes: refused, don't know, borderline

    months = get("DEMO", "RIDAGEMN").fillna(get("DEMO", "RIDEXAGM"))
    years = get("DEMO", "RIDAGEYR")
    usable = months.notna() & (months / 12 >= years - 0.01)  # RIDEXAGM and RIDAGEMN cover only the young from 2011 on
    out = pd.DataFrame({"seqn": people.astype(int)}, index=people)
    out["sex"] = get("DEMO", "RIAGENDR").map({1.0: "male", 2.0: "female"})
    out["age_years"] = ((months / 3).round() / 4).where(usable, years)
    out["ethnicity"] = get("DEMO", "RIDRETH1").map(_ETHNICITY)
    for name, (table, column, divisor) in _MEASURED.items():
        out[name] = get(table, column) / divisor
    for name, column in (("systolic_bp_mmhg", "BPXSY1"), ("diastolic_bp_mmhg", "BPXDI1")):
        pressure = get("BPX", column)
        out[name] = pressure.mask(pressure <= 0)
    out["smoking_status"], out["pack_years"] = _smoking(get, out["age_years"])
    letters = _letters(tables.get("SPX"), people)
    for name, (column, divisor) in _SPIROMETRY.items():
        out[name] = (get("SPX", column) / divisor).where(letters)
    out["fev1_fvc"] = out["fev1_l"] / out["fvc_l"]
    for name, (table, column) in _TOLD.items():
        out[name] = told(table, column)
    out["asthma_current"] = told("MCQ", "MCQ035").where(out["asthma_ever"] != 0.0, 0.0)
    out["copd"] = out[["emphysema", "chronic_bronchitis"]].max(axis=1)
    if "SPXRAW" in files:
        curves = best_curves(files["SPXRAW"])
        out["curve_ml_10ms"] = pd.Series(curves, dtype=object).reindex(people).where(letters)
    return out.reset_index(drop=True)


def _smoking(get: object, age: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Status and pack-years from SMQ (see ``read_folder``)."""
    assert callable(get)

    def known(column: str, *codes: int) -> pd.Series:
        values: pd.Series = get("SMQ", column)
        return values.mask(values.isin(codes))

    ever, now = get("SMQ", "SMQ020"), get("SMQ", "SMQ040")
    started = known("SMD030", 0, 777, 999)  # 0: never smoked regularly
    status = pd.Series(None, index=age.index, dtype=object)
    packs = pd.Series(np.nan, index=age.index)
    never, former, current = ever == 2, (ever == 1) & (now == 3), (ever == 1) & now.isin([1, 2])
    status[never], status[former], status[current] = "never", "former", "current"
    packs[never] = 0.0
    packs[former] = ((known("SMD055", 777, 999) - started) * known("SMD057", 777, 999) / 20)[former]
    packs[current] = ((age - started) * known("SMD650", 777, 999) / 20)[current]
    return status, packs.clip(lower=0.0)


def _letters(spx: pd.DataFrame | None, people: pd.Index) -> pd.Series:
    """Whether both quality letters of the baseline test are good enough; where SPX gives none, nothing is held against a curve."""
    if spx is None or not {"SPXNQFVC", "SPXNQFV1"} <= set(spx.columns):
        return pd.Series(True, index=people)
    both = [spx[column].astype("string").str.strip().isin(_ACCEPTABLE) for column in ("SPXNQFVC", "SPXNQFV1")]
    return (both[0] & both[1]).reindex(people, fill_value=False).astype(bool)


def _joined(paths: list[Path]) -> pd.DataFrame:
    """One table of all cycles, by SEQN."""
    parts = [pd.concat(list(_chunks(path, None))) for path in paths]
    table = pd.concat(parts, ignore_index=True)
    if "SEQN" not in table:
        raise NhanesError(f"{paths[0].name} has no column SEQN; download it again from CDC")
    twice = table["SEQN"].duplicated()
    if twice.any():
        raise NhanesError(f"{paths[0].name}: the person {table['SEQN'][twice].iloc[0]:g} stands twice; keep one file of each cycle")
    return table.set_index(table["SEQN"].astype(int)).drop(columns="SEQN").rename_axis(None)


def _chunks(path: Path, rows: int | None) -> Iterator[pd.DataFrame]:
    """The file as data frames of ``rows`` rows (None: one), names in capitals."""
    try:
        text = path.suffix.lower() in (".csv", ".gz")
        for chunk in pd.read_csv(path, chunksize=rows or 1_000_000, low_memory=False) if text else _sas(path, rows):
            yield chunk.rename(columns=lambda name: str(name).strip().upper())
    except NhanesError:
        raise
    except (OSError, EOFError, ValueError, KeyError, IndexError, pd.errors.ParserError) as error:
        raise NhanesError(f"{path.name} cannot be read ({type(error).__name__}); download it again from CDC") from error


def _sas(path: Path, rows: int | None) -> Iterator[pd.DataFrame]:
    """Transport files of version 5 and data sets by pandas; of version 8 by our own reader."""
    with path.open("rb") as file:
        eight = b"LIBV8" in file.read(80)
    if eight:
        from encoders.spirogram.nhanes import xpt_rows
        from encoders.spirogram.read import CurveError

        try:
            names, *cells = xpt_rows(path.read_bytes(), path.name)
        except CurveError as error:
            raise NhanesError(str(error)) from error
        yield pd.DataFrame(cells, columns=names).replace("", None)
        return
    kind = "xport" if path.suffix.lower() == ".xpt" else "sas7bdat"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas announces another default encoding; ours is given
        with pd.read_sas(path, format=kind, encoding="latin-1", chunksize=rows or 1_000_000) as reader:  # type: ignore[call-overload]
            yield from reader


def best_curves(paths: list[Path]) -> dict[int, str]:
    """SPXRAW -> one curve a person as cumulative mL every 10 ms: the baseline blow with the largest FEV1 + FVC.

    The changes of SPXRAW are summed and times SPAFACT (BTPS). Rows are read in chunks: only the best blow so far is kept.
    """
    best: dict[int, tuple[float, str]] = {}
    for path in paths:
        for chunk in _chunks(path, _CURVES_AT_ONCE):
            if not {"SEQN", "SPXRAW", "SPAFACT"} <= set(chunk.columns):
                raise NhanesError(f"{path.name} lacks SEQN, SPAFACT or SPXRAW; download it again from CDC")
            before = chunk["SPATTYPE"].astype("string").str.strip().str.lower().str.startswith("pre") if "SPATTYPE" in chunk else pd.Series(True, chunk.index)
            for seqn, factor, text in chunk.loc[before.fillna(False), ["SEQN", "SPAFACT", "SPXRAW"]].itertuples(index=False):
                try:
                    changes = np.array([float(cell) for cell in re.split(r"[,;\s]+", str(text).strip(" ,;"))]) * float(factor)
                except ValueError:
                    continue  # CDC releases these unedited
                volume = np.cumsum(changes)
                if len(volume) < 100 or not np.isfinite(volume).all() or volume.max() < 100:
                    continue
                start = int(np.argmax(volume > 0.03 * volume.max()))
                size = float(volume.max() + volume[min(start + 100, len(volume) - 1)])
                if size > best.get(int(seqn), (0.0, ""))[0]:
                    best[int(seqn)] = (size, " ".join(f"{value:.0f}" for value in volume))
    return {seqn: curve for seqn, (_, curve) in best.items()}
