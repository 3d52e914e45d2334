"""An upload -> Patient: finds the format, limits the size, and refuses in one plain sentence."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.guardrails import clean
from encoders.record import PATIENT_FIELDS, QUANTITY, Patient, ReportedSpirometry, Sex, Smoking
from encoders.spirogram.formats import check_workbook, kind_of, number
from encoders.spirogram.nhanes import XPT_MARK
from encoders.spirogram.read import Blow, CurveError, decode, once, read_curves

MAX_MB, MAX_FILES, MAX_ROWS, MAX_CELL, MAX_UNPACKED_MB = 20, 30, 5000, 400, 100


class IntakeError(ValueError):
    """An upload that cannot be taken. One plain sentence: what was wrong, what is allowed, what to do."""


# header words (without units) -> field; longer names first where one contains another
ALIASES: dict[str, tuple[str, ...]] = {
    "sex": ("sex", "gender"),
    "age_years": ("age", "age years", "age at test"),
    "birth_date": ("dob", "date of birth", "birth date", "birthdate"),
    "height_cm": ("height", "height cm", "standing height", "stature", "ht"),
    "weight_kg": ("weight", "weight kg", "body weight", "wt"),
    "bmi_kg_m2": ("bmi", "body mass index", "bmi kg m2"),
    "waist_cm": ("waist", "waist circumference"),
    "smoking_status": ("smoking", "smoking status", "smoker", "tobacco"),
    "pack_years": ("pack years", "packyears"),
    "cotinine_ng_ml": ("cotinine",),
    "systolic_bp_mmhg": ("systolic", "systolic bp", "sbp", "systolic blood pressure", "systolic bp mmhg"),
    "diastolic_bp_mmhg": ("diastolic", "diastolic bp", "dbp", "diastolic blood pressure", "diastolic bp mmhg"),
    "blood_pressure": ("blood pressure", "bp"),
    "heart_rate_bpm": ("heart rate", "pulse", "hr", "heart rate bpm"),
    "respiratory_rate_bpm": ("respiratory rate", "breathing rate", "rr", "respiratory rate bpm"),
    "spo2_percent": ("spo2", "oxygen saturation", "o2 saturation", "sao2", "spo2 percent", "sats"),
    "temperature_c": ("temperature", "temp", "body temperature"),
    "hba1c_percent": ("hba1c", "a1c", "glycated haemoglobin", "hba1c percent"),
    "total_cholesterol_mg_dl": ("cholesterol", "total cholesterol", "chol"),
    "hdl_cholesterol_mg_dl": ("hdl", "hdl cholesterol"),
    "triglycerides_mg_dl": ("triglycerides", "trigs", "tg"),
    "creatinine_mg_dl": ("creatinine", "serum creatinine"),
    "glucose_mg_dl": ("glucose", "fasting glucose", "blood glucose", "blood sugar"),
    "conditions": ("conditions", "diagnoses", "comorbidities", "medical history", "history", "problems"),
    "medications": ("medications", "medicines", "medication", "drugs", "treatment"),
    "symptoms": ("symptoms", "complaints"),
    "ancestry": ("ancestry", "gli group"),
    "label": ("name", "patient", "patient name", "label", "id", "patient id"),
    "fev1_l": ("fev1",), "fvc_l": ("fvc",), "fev1_fvc": ("fev1 fvc", "fev1/fvc", "ratio", "fev1 fvc ratio", "tiffeneau"),
    "pef_l_s": ("pef", "peak flow", "peak expiratory flow"), "fef25_75_l_s": ("fef25 75", "mmef", "fef25-75"),
    "fet_s": ("fet", "forced expiratory time"), "bev_l": ("bev", "back extrapolated volume"),
    "bronchodilator": ("bronchodilator", "pre post"), "test_date": ("date", "test date", "date of test"),
}  # fmt: skip
_UNITS = r"(?:kg/?m\^?2|kg m2|years?|yrs?|cm|mm ?hg|mmol/mol|mmol/l|umol/l|mg/dl|ng/ml|g/l|kg|lbs?|pounds?|inch(?:es)?|feet|ft|m|in|%|percent|bpm|beats/min|l/s|l/min|ml|l|litres?|liters?|s|sec|c|f|°c|°f|fraction)"
_BY_ALIAS = {alias: name for name, aliases in ALIASES.items() for alias in (*aliases, name.replace("_", " "))}
_EMPTY = {"", "na", "n/a", "nan", "none", "null", "-", "--", "unknown", "not measured", "not done", "missing", "?"}
_SEX = {"f": Sex.FEMALE, "female": Sex.FEMALE, "woman": Sex.FEMALE, "girl": Sex.FEMALE, "m": Sex.MALE, "male": Sex.MALE, "man": Sex.MALE, "boy": Sex.MALE}
_SMOKING = {
    "never": Smoking.NEVER, "no": Smoking.NEVER, "non-smoker": Smoking.NEVER, "never smoker": Smoking.NEVER, "nonsmoker": Smoking.NEVER,
    "former": Smoking.FORMER, "ex": Smoking.FORMER, "ex-smoker": Smoking.FORMER, "past": Smoking.FORMER, "quit": Smoking.FORMER, "former smoker": Smoking.FORMER,
    "current": Smoking.CURRENT, "yes": Smoking.CURRENT, "smoker": Smoking.CURRENT, "current smoker": Smoking.CURRENT, "daily": Smoking.CURRENT,
}  # fmt: skip
# factors into the field's own unit; mmol/L by the molar masses of cholesterol (386.65), triglycerides (885.4), glucose (180.16), creatinine (113.12)
_CONVERT: dict[str, dict[str, Callable[[float], float]]] = {
    "height_cm": {"m": lambda v: v * 100, "in": lambda v: v * 2.54, "inch": lambda v: v * 2.54, "inches": lambda v: v * 2.54, "ft": lambda v: v * 30.48, "feet": lambda v: v * 30.48},
    "waist_cm": {"m": lambda v: v * 100, "in": lambda v: v * 2.54, "inch": lambda v: v * 2.54, "inches": lambda v: v * 2.54},
    "weight_kg": {"g": lambda v: v / 1000, "lb": lambda v: v * 0.45359237, "lbs": lambda v: v * 0.45359237, "pounds": lambda v: v * 0.45359237, "pound": lambda v: v * 0.45359237},
    "temperature_c": {"f": lambda v: (v - 32) / 1.8, "°f": lambda v: (v - 32) / 1.8},
    "hba1c_percent": {"mmol/mol": lambda v: v / 10.929 + 2.15},
    "total_cholesterol_mg_dl": {"mmol/l": lambda v: v * 38.665}, "hdl_cholesterol_mg_dl": {"mmol/l": lambda v: v * 38.665},
    "triglycerides_mg_dl": {"mmol/l": lambda v: v * 88.54}, "glucose_mg_dl": {"mmol/l": lambda v: v * 18.016},
    "creatinine_mg_dl": {"umol/l": lambda v: v / 88.4},
    "fev1_l": {"ml": lambda v: v / 1000}, "fvc_l": {"ml": lambda v: v / 1000}, "bev_l": {"ml": lambda v: v / 1000},
    "pef_l_s": {"l/min": lambda v: v / 60}, "fev1_fvc": {"%": lambda v: v / 100, "percent": lambda v: v / 100},
}  # fmt: skip
# other spellings of a unit
_SAME_UNIT = {
    "year": "years", "yr": "years", "yrs": "years", "y": "years", "cms": "cm", "kgs": "kg", "kg/m^2": "kg/m2", "kg m2": "kg/m2", "kg/m\u00b2": "kg/m2", "mm hg": "mmhg",
    "percent": "%", "\u00b0c": "c", "celsius": "c", "\u00b0f": "f", "fahrenheit": "f", "litre": "l", "litres": "l", "liter": "l", "liters": "l", "sec": "s", "seconds": "s",
    "l/sec": "l/s", "pack years": "pack-years", "pack-year": "pack-years", "metres": "m", "meters": "m", "centimetres": "cm", "centimeters": "cm", "ratio": "fraction",
}  # fmt: skip
_PER_MINUTE = {"bpm", "/min", "1/min", "min-1", "beats/min", "breaths/min", "per minute", "beats per minute", "breaths per minute"}
# ranges of values that are certainly in another unit when no unit is named: (from, to, unit)
_GUESS: dict[str, tuple[float, float, str]] = {
    "hba1c_percent": (21.0, 200.0, "mmol/mol"), "total_cholesterol_mg_dl": (0.5, 25.0, "mmol/l"), "creatinine_mg_dl": (31.0, 2000.0, "umol/l"),
    "glucose_mg_dl": (0.5, 9.99, "mmol/l"), "fev1_l": (100.0, 12000.0, "ml"), "fvc_l": (100.0, 12000.0, "ml"), "fev1_fvc": (1.5, 100.0, "%"),
}  # fmt: skip
_REPORTED = ("fev1_l", "fvc_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "fet_s")
_RANGE = {
    "fev1_l": (0.1, 9.0),
    "fvc_l": (0.1, 12.0),
    "fev1_fvc": (0.05, 1.0),
    "pef_l_s": (0.2, 20.0),
    "fef25_75_l_s": (0.02, 12.0),
    "bev_l": (0.0, 3.0),
    "fet_s": (0.1, 60.0),
}


def read(paths: Sequence[Path]) -> Patient:
    """Files that describe one person -> Patient. Raises IntakeError; nothing of a file's content is in any log."""
    if not paths:
        raise IntakeError("no file was given; drop a record (CSV, XLSX, JSON) and a curve (CSV, JSON, UK Biobank string)")
    if len(paths) > MAX_FILES:
        raise IntakeError(f"{len(paths)} files are too many for one person; at most {MAX_FILES} are read")
    fields: dict[str, Any] = {}
    said: list[str] = []
    blows: list[Blow] = []
    for path in paths:
        name = " ".join(clean(Path(path).name).split())[:60]
        raw = _bytes(Path(path), name)
        try:
            found = _one_file(raw, name)
        except CurveError as error:
            raise IntakeError(" ".join(clean(f"{name}: {error}").split())) from error
        if isinstance(found, tuple):
            blows += [replace(blow, id=clean(blow.id).strip() or "1") for blow in found]
            continue
        if isinstance(found, Patient):
            blows += found.blows
            found = [_fields_of(found), list(found.assumptions)]
        record, notes = found
        for key, value in record.items():
            if key in fields and fields[key] != value and key != "label":
                raise IntakeError(f"{name}: {key.replace('_', ' ')} differs from that in another file; upload files of one person only")
            fields.setdefault(key, value)
        said += notes
    patient = _patient(fields, said)
    if not blows and not fields.keys() - {"label", "test_date", "bronchodilator"}:
        raise IntakeError("nothing about a person was found in these files; a record needs columns such as sex, age and height")
    blows = list(once(tuple(blows)))
    said += [f"curve {blow.id}: {note}" for blow in blows for note in (*blow.assumptions, *blow.warnings)]
    return replace(patient, blows=tuple(blows), assumptions=tuple(dict.fromkeys(said)))


def _bytes(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_MB * 1_000_000:
            raise IntakeError(f"{name} has {size / 1e6:.0f} MB; at most {MAX_MB} MB are read")
        raw = path.read_bytes()
    except OSError as error:
        raise IntakeError(f"{name} cannot be opened; check that it exists and may be read") from error
    if not raw.strip():
        raise IntakeError(f"{name} is empty; export it again")
    return raw


def _one_file(raw: bytes, name: str) -> Any:
    """A file's blows (a tuple of Blow), its record ([fields, notes] as a list), or the Patient of a FHIR bundle."""
    if raw.startswith(XPT_MARK):
        return read_curves(raw, name)
    if raw[:2] == b"PK":
        rows = _xlsx_rows(raw, name)
        if _looks_like_a_curve("\n".join("\t".join(row) for row in rows[:40])):
            return read_curves(raw, name)
        return _record(rows, name)
    text = decode(raw, name).lstrip("\ufeff").strip()
    if text[:1] in "{[":
        return _json(text, name)
    if re.match(r"blow\d+,\d+,", text) or _looks_like_a_curve(text):
        return read_curves(text, name)
    return _record(_csv_rows(text, name), name)


def _looks_like_a_curve(text: str) -> bool:
    for index, line in enumerate([line for line in text.splitlines()[:40] if line.strip()]):
        cells = [cell.strip() for cell in re.split(r"[;\t,|]", line)]
        kinds = {kind_of(cell) for cell in cells if not re.match(r"^-?\d", cell)}
        if "changes" in kinds:  # NHANES SPXRAW
            return True
        if not kinds & {"volume", "flow"} or any(_field_of(cell)[0] not in (None, "label", "bronchodilator", "test_date") for cell in cells):
            continue  # "peak flow" is a line of a record
        if index == 0 or len(kinds & {"time", "volume", "flow"}) > 1:
            return True
    return False


def _csv_rows(text: str, name: str) -> list[list[str]]:
    lines = text.splitlines()
    if len(lines) > MAX_ROWS:
        raise IntakeError(f"{name} has {len(lines):,} rows; a record of one person has at most {MAX_ROWS:,}")
    head = next((line for line in lines if line.strip()), "")
    mark = max(",;\t|", key=head.count)
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=mark) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise IntakeError(f"{name} is not a readable table; save it as CSV with one row of headers") from error


def _xlsx_rows(raw: bytes, name: str) -> list[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED_MB * 1_000_000:
                raise IntakeError(f"{name} unpacks to more than {MAX_UNPACKED_MB} MB; save the record as CSV")
        check_workbook(raw, name)
        sheet = load_workbook(io.BytesIO(raw), read_only=True, data_only=False).worksheets[0]
        rows = []
        for row in sheet.iter_rows(max_row=MAX_ROWS, max_col=300, values_only=True):
            cells = ["" if cell is None else cell.date().isoformat() if isinstance(cell, dt.datetime) else str(cell).strip() for cell in row]
            if any(cells):
                rows.append(cells)
        return rows
    except (IntakeError, CurveError):
        raise
    except Exception as error:  # a broken workbook fails in openpyxl, zipfile, zlib or the XML parser, each with errors of its own
        raise IntakeError(f"{name} is not a readable XLSX workbook; save it again or use CSV") from error


def _json(text: str, name: str) -> Any:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IntakeError(f"{name} is not valid JSON; export it again") from error
    if isinstance(document, dict) and "resourceType" in document:
        from assistant.fhir import read_bundle

        return read_bundle(document, name)
    sample = document[0] if isinstance(document, list) and document else document
    if isinstance(sample, dict) and (
        "blows" in sample or any(kind_of(str(key)) in ("volume", "flow") and isinstance(value, list) for key, value in sample.items())
    ):
        return read_curves(text, name)
    if isinstance(document, list):
        if len(document) != 1:
            raise IntakeError(f"{name} holds {len(document)} people; give a record of one person")
        document = document[0]
    if not isinstance(document, dict):
        raise IntakeError(f'{name} holds no record; give an object such as {{"sex": "female", "age": 61}}')
    rows = [
        [str(key), ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)]
        for key, value in document.items()
        if not isinstance(value, dict)
    ]
    return _record([["field", "value"], *rows], name)


# rows -> fields ------------------------------------------------------------------------------------------------------
def _record(rows: list[list[str]], name: str) -> list[Any]:
    """A table of one person, as ``field, value`` rows or as one row under headers -> [fields, notes]."""
    if not rows:
        raise IntakeError(f"{name} is empty; a record needs columns such as sex, age and height")
    if any(len(cell) > MAX_CELL for row in rows for cell in row):
        raise IntakeError(f"{name} has a cell of more than {MAX_CELL} characters; shorten it or leave it out")
    upright = _field_of(rows[0][0])[0] is not None and sum(_field_of(cell)[0] is not None for cell in rows[0]) < 2
    is_pairs = (
        rows[0][0].lower() in ("field", "name", "item", "variable", "parameter") and len(rows[0]) >= 2 and rows[0][1].lower() in ("value", "result", "values")
    )
    pairs: list[tuple[str, str, str]]
    if is_pairs or (upright and len(rows[0]) >= 2):
        body = rows[1:] if is_pairs else rows
        has_units = not is_pairs or (len(rows[0]) > 2 and rows[0][2].lower() in ("unit", "units"))
        pairs = [(row[0], row[1] if len(row) > 1 else "", row[2] if has_units and len(row) > 2 else "") for row in body]
        width = {len([cell for cell in row if cell]) for row in body}
        if width and max(width) > 3:
            raise IntakeError(f"{name} seems to hold several people side by side; give a record of one person")
        if any(re.fullmatch(r"[-+]?\d[\d.,]*", row[2].strip()) for row in body if len(row) > 2):
            raise IntakeError(f"{name} seems to hold several people side by side; the third column may only hold units")
    else:
        if len(rows) < 2:
            raise IntakeError(f"{name} has no row under its headers; a record has a row of headers and one row of values")
        if len(rows) > 2:
            raise IntakeError(f"{name} holds {len(rows) - 1} people; give a record of one person, one row under the headers")
        if len(rows[1]) > len(rows[0]):
            raise IntakeError(f"{name} has more cells than headers; check the separators")
        pairs = [(head, value, "") for head, value in zip(rows[0], rows[1], strict=False)]
    fields: dict[str, Any] = {}
    notes: list[str] = []
    ignored = []
    for head, cell, unit in pairs:
        field, in_header = _field_of(head)
        value = clean(cell).strip()
        if field is None:
            if value:
                ignored.append(clean(head)[:30])
            continue
        if value.lower() in _EMPTY:
            continue
        if field in fields:
            raise IntakeError(f"{name} gives {field.replace('_', ' ')} twice; give a record of one person, each field once")
        fields[field] = _value(field, value, (unit.strip().lower() or in_header), name, notes)
    if not fields:
        raise IntakeError(f"{name} holds no known field; name the columns, for example sex, age, height_cm, weight_kg, smoking_status")
    if ignored:
        notes.append(f"not read, as not known: {', '.join(ignored[:8])}")
    return [fields, notes]


def _field_of(header: str) -> tuple[str | None, str]:
    """The field that a header names, and the unit in it."""
    text = re.sub(r"[_\s]+", " ", header[:100].strip().lower().strip("\"'"))
    if text in _BY_ALIAS:
        own = _BY_ALIAS[text]
        return own, ""
    match = re.match(rf"^(.*?)\s*[\[(,]?\s*({_UNITS})\s*[\])]?$", text)
    if match and match.group(1).strip(" -:") in _BY_ALIAS:
        return _BY_ALIAS[match.group(1).strip(" -:")], match.group(2)
    return _BY_ALIAS.get(re.sub(r"[^a-z0-9/ ]", "", text).strip()), ""


def _value(field: str, cell: str, unit: str, name: str, notes: list[str]) -> Any:
    if field == "sex":
        if cell.lower() not in _SEX:
            raise IntakeError(f"{name}: sex is {cell[:20]!r}; write female or male, or leave it empty")
        return _SEX[cell.lower()]
    if field == "smoking_status":
        if cell.lower() not in _SMOKING:
            raise IntakeError(f"{name}: smoking status is {cell[:20]!r}; write never, former or current, or leave it empty")
        return _SMOKING[cell.lower()]
    if field in ("conditions", "medications", "symptoms"):
        return tuple(part.strip()[:80] for part in re.split(r"[;,|\n]", cell.lstrip("=+@")) if part.strip() and part.strip().lower() not in _EMPTY)[:20]
    if field in ("label", "bronchodilator", "ancestry"):
        return cell.lstrip("=+@")[:60]
    if field in ("birth_date", "test_date"):
        try:
            return dt.date.fromisoformat(cell[:10])
        except ValueError as error:
            raise IntakeError(f"{name}: {field.replace('_', ' ')} is {cell[:20]!r}; write it as YYYY-MM-DD") from error
    if field == "blood_pressure":
        match = re.fullmatch(r"(\d{2,3})\s*/\s*(\d{2,3})(?:\s*mm ?hg)?", cell.lower())
        if not match:
            raise IntakeError(f"{name}: blood pressure is {cell[:20]!r}; write it as 128/82")
        return tuple(_quantity(part, match.group(place), "", name, notes) for place, part in ((1, "systolic_bp_mmhg"), (2, "diastolic_bp_mmhg")))
    return _quantity(field, cell, unit, name, notes)


def _quantity(field: str, cell: str, unit: str, name: str, notes: list[str]) -> float:
    label = QUANTITY[field].label if field in QUANTITY else field.rsplit("_l", 1)[0].replace("_", " ").upper()
    if cell[:1] in "=@":
        raise IntakeError(f"{name}: {label} holds a formula; give the value itself")
    match = re.fullmatch(rf"([-+]?[\d.,]+(?:e[-+]?\d+)?)\s*({_UNITS})?", cell.lower())
    feet = re.fullmatch(r"(\d)\s*(?:'|ft|feet)\s*(\d{1,2})?\s*(?:\"|''|in|inches)?", cell.lower())
    if feet and field == "height_cm":
        value, unit = int(feet.group(1)) * 12.0 + int(feet.group(2) or 0), "inches"
    elif match:
        try:
            value = number(match.group(1), comma=match.group(1).count(",") == 1 and "." not in match.group(1))
        except ValueError as error:
            raise IntakeError(f"{name}: {label} is {cell[:20]!r}; a number is needed, or leave it empty") from error
        unit = match.group(2) or unit
    else:
        raise IntakeError(f"{name}: {label} is {cell[:20]!r}; a number is needed, or leave it empty if it was not measured")
    if not math.isfinite(value):
        raise IntakeError(f"{name}: {label} is not finite; leave it empty if it was not measured")
    return round(in_own_unit(field, value, unit, name, notes), 6)


def in_own_unit(field: str, value: float, unit: str, name: str, notes: list[str]) -> float:
    """A finite number in ``unit`` ("" where none is named) in the field's own unit; what was converted or guessed goes to ``notes``.

    Raises IntakeError for a unit that is not read and for a value that no person has.
    """
    label = QUANTITY[field].label if field in QUANTITY else field.rsplit("_l", 1)[0].replace("_", " ").upper()
    convert = _CONVERT.get(field, {})
    unit = unit.replace("\u00b5", "u").replace("\u03bc", "u")  # the micro sign, and the Greek letter that looks like it
    unit = _SAME_UNIT.get(unit, unit)
    own = QUANTITY[field].unit.lower() if field in QUANTITY else {"fev1_fvc": "fraction"}.get(field, "l/s" if field.endswith("_l_s") else field[-1])
    if (field.endswith("_bpm") and unit in _PER_MINUTE) or (field == "pack_years" and unit == "years"):
        unit = own
    if unit and unit != own and unit not in convert:
        raise IntakeError(f"{name}: {label} in {clean(unit)[:20]} is not read; give it {'as a fraction' if own == 'fraction' else 'in ' + own}")
    if not unit and field in _GUESS and _GUESS[field][0] <= value <= _GUESS[field][1]:
        unit = _GUESS[field][2]
        notes.append(f"{label} {value:g} was taken to be in {unit}")
    if unit in convert:
        notes.append(f"{label} was converted from {unit}")
        value = convert[unit](value)
    if field == "height_cm" and not unit and value < 3.0:
        raise IntakeError(f"{name}: a height of {value:g} looks like metres; give it in centimetres (for example {value * 100:.0f}) or name the unit, height_m")
    low, high = (QUANTITY[field].low, QUANTITY[field].high) if field in QUANTITY else _RANGE[field]
    if not low <= value <= high:
        said = (
            QUANTITY[field].unit
            if field in QUANTITY
            else {"fev1_fvc": "as a fraction"}.get(field, "L" if field.endswith("_l") else "L/s" if field.endswith("s") and field != "fet_s" else "s")
        )
        raise IntakeError(f"{name}: {label} is {value:g}; {low:g} to {high:g} {said} is possible: check the value and its unit")
    return value


def _fields_of(patient: Patient) -> dict[str, Any]:
    """What a bundle says about a person, as a record's fields; a body mass index that follows from the others is left out."""
    empty = Patient()
    found = {name: value for name in PATIENT_FIELDS if name not in ("blows", "assumptions") and (value := getattr(patient, name)) != getattr(empty, name)}
    if found.get("bmi_kg_m2") == replace(patient, bmi_kg_m2=None).bmi_kg_m2:
        found.pop("bmi_kg_m2", None)
    return found


def _patient(fields: dict[str, Any], notes: list[str]) -> Patient:
    fields = dict(fields)
    birth, tested = fields.pop("birth_date", None), fields.pop("test_date", None)
    if birth is not None and "age_years" not in fields:
        age = ((tested or dt.date.today()) - birth).days / 365.25
        if not 0 <= age <= 120:
            raise IntakeError(f"the date of birth gives an age of {age:.0f} years; 0 to 120 is possible")
        fields["age_years"] = round(age, 1)
        notes.append("age was reckoned from the date of birth" + ("" if tested else " to today"))
    pressure = fields.pop("blood_pressure", None)
    if pressure is not None:
        for field, value in zip(("systolic_bp_mmhg", "diastolic_bp_mmhg"), pressure, strict=True):
            fields.setdefault(field, value)
    phase = str(fields.pop("bronchodilator", "")).lower()
    values = {name: fields.pop(name) for name in _REPORTED if name in fields}
    if values.get("fev1_l") and values.get("fvc_l") and values["fev1_l"] > values["fvc_l"]:
        raise IntakeError(f"FEV1 {values['fev1_l']:g} L is larger than FVC {values['fvc_l']:g} L, which is not possible; check whether they were swapped")
    if values:
        state = "post" if "post" in phase else "pre" if "pre" in phase else None
        tests = (*fields.get("reported", ()), ReportedSpirometry(**values, date=tested, bronchodilator=state))
        fields["reported"] = tuple(sorted(tests, key=lambda test: test.date or dt.date.min))
    ancestry = fields.pop("ancestry", None)
    if ancestry:
        fields["ancestry"] = re.sub(r"[\s-]+", "_", str(ancestry).lower())
    patient = Patient(**fields)
    if patient.bmi_kg_m2 is not None and not QUANTITY["bmi_kg_m2"].low <= patient.bmi_kg_m2 <= QUANTITY["bmi_kg_m2"].high:
        raise IntakeError(
            f"height and weight give a body mass index of {patient.bmi_kg_m2:.0f}, which is not possible; check their units, or name them: height_cm, weight_kg"
        )
    return patient
