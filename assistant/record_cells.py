"""A cell of a record -> a field of Patient in its own unit: the words that name fields, the units that are read, the ranges that are possible."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

from assistant.guardrails import clean
from encoders.faults import InputError
from encoders.record import QUANTITY, Sex, Smoking
from encoders.spirogram.formats import number


class IntakeError(InputError):
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
LISTS = ("conditions", "medications", "symptoms")
EMPTY = {"", "na", "n/a", "nan", "none", "null", "-", "--", "unknown", "not measured", "not done", "missing", "?"}
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
_MICRO = str.maketrans("\u00b5\u03bc", "uu")  # the micro sign, and the Greek letter that looks like it
_PER_MINUTE = {"bpm", "/min", "1/min", "min-1", "beats/min", "breaths/min", "per minute", "beats per minute", "breaths per minute"}
# ranges of values that are certainly in another unit when no unit is named: (from, to, unit)
_GUESS: dict[str, tuple[float, float, str]] = {
    "hba1c_percent": (21.0, 200.0, "mmol/mol"), "total_cholesterol_mg_dl": (0.5, 25.0, "mmol/l"), "creatinine_mg_dl": (20.0, 2000.0, "umol/l"),
    "hdl_cholesterol_mg_dl": (0.1, 6.0, "mmol/l"), "triglycerides_mg_dl": (0.1, 19.99, "mmol/l"), "glucose_mg_dl": (0.5, 19.99, "mmol/l"), "fev1_l": (100.0, 12000.0, "ml"), "fvc_l": (100.0, 12000.0, "ml"), "fev1_fvc": (1.5, 100.0, "%"),
}  # fmt: skip
# what may be either: a low sugar in mg/dL, a high one in mmol/L
_EITHER: dict[str, tuple[float, float, str]] = {"glucose_mg_dl": (20.0, 53.99, "mg/dL or mmol/L")}
REPORTED = ("fev1_l", "fvc_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "fet_s")
_RANGE = {
    "fev1_l": (0.1, 9.0),
    "fvc_l": (0.1, 12.0),
    "fev1_fvc": (0.05, 1.0),
    "pef_l_s": (0.2, 20.0),
    "fef25_75_l_s": (0.02, 12.0),
    "bev_l": (0.0, 3.0),
    "fet_s": (0.1, 60.0),
}


def field_of(header: str) -> tuple[str | None, str]:
    """The field that a header names, and the unit in it."""
    text = re.sub(r"[_\s]+", " ", header[:100].strip().lower().strip("\"'")).translate(_MICRO)
    if text in _BY_ALIAS:
        own = _BY_ALIAS[text]
        named = own in _GUESS and own in QUANTITY and text == own.replace("_", " ")  # glucose_mg_dl, as our own tables name it: nothing to guess
        return own, QUANTITY[own].unit.lower() if named else ""
    text = re.sub(r"\b(mmol|umol|mg|ng|g|l) (l|dl|ml|mol|s|min)$", r"\1/\2", text)  # hdl_mmol_l, as columns of tables are named
    match = re.match(rf"^(.*?)\s*[\[(,]?\s*({_UNITS})\s*[\])]?$", text)
    if match and match.group(1).strip(" -:") in _BY_ALIAS:
        return _BY_ALIAS[match.group(1).strip(" -:")], match.group(2)
    return _BY_ALIAS.get(re.sub(r"[^a-z0-9/ ]", "", text).strip()), ""


def value_of(field: str, cell: str, unit: str, name: str, notes: list[str]) -> Any:
    if field == "sex":
        if cell.lower() not in _SEX:
            raise IntakeError(f"{name}: sex is {cell[:20]!r}; write female or male, or leave it empty")
        return _SEX[cell.lower()]
    if field == "smoking_status":
        if cell.lower() not in _SMOKING:
            raise IntakeError(f"{name}: smoking status is {cell[:20]!r}; write never, former or current, or leave it empty")
        return _SMOKING[cell.lower()]
    if field in LISTS:
        return tuple(part.strip()[:80] for part in re.split(r"[;,|\n]", cell.lstrip("=+@")) if part.strip() and part.strip().lower() not in EMPTY)[:20]
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
    unit = unit.translate(_MICRO)
    unit = _SAME_UNIT.get(unit, unit)
    own = QUANTITY[field].unit.lower() if field in QUANTITY else {"fev1_fvc": "fraction"}.get(field, "l/s" if field.endswith("_l_s") else field[-1])
    if (field.endswith("_bpm") and unit in _PER_MINUTE) or (field == "pack_years" and unit == "years"):
        unit = own
    if unit and unit != own and unit not in convert:
        raise IntakeError(f"{name}: {label} in {clean(unit)[:20]} is not read; give it {'as a fraction' if own == 'fraction' else 'in ' + own}")
    if not unit and field in _EITHER and _EITHER[field][0] <= value <= _EITHER[field][1]:
        raise IntakeError(f"{name}: {label} {value:g} may be in {_EITHER[field][2]}; name the unit, in the header or beside the value")
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


def name_of(field: str) -> str:
    """What a field with a unit is called."""
    return QUANTITY[field].label if field in QUANTITY else field.rsplit("_l", 1)[0].replace("_", "/").upper()


def unit_of(field: str) -> str:
    """A field's own unit, as it is written."""
    return (
        QUANTITY[field].unit
        if field in QUANTITY
        else {"fev1_fvc": "fraction"}.get(field, "L/s" if field.endswith("_l_s") else field[-1].upper().replace("S", "s"))
    )


def units_of(field: str) -> list[str]:
    """A field's own unit, then those that are converted into it, each once."""
    found: dict[float, str] = {}
    for unit, convert in _CONVERT.get(field, {}).items():
        found.setdefault(round(convert(1.0), 9), unit)
    return [unit_of(field), *found.values()]
