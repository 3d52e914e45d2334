"""An upload -> Patient: finds the format, limits the size, and refuses in one plain sentence."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.guardrails import clean
from assistant.record_cells import EMPTY, LISTS, REPORTED, IntakeError, field_of, value_of
from encoders.record import PATIENT_FIELDS, QUANTITY, Patient, ReportedSpirometry
from encoders.spirogram.formats import check_workbook, kind_of
from encoders.spirogram.nhanes import XPT_MARK
from encoders.spirogram.read import Blow, CurveError, decode, once, read_curves
from encoders.spirogram.visits import GROWN_YEARS, date_of

MAX_MB, MAX_FILES, MAX_ROWS, MAX_CELL, MAX_UNPACKED_MB = 20, 30, 5000, 400, 100
UNUSUAL_BMI = (13.0, 50.0)  # in adults: pounds taken for kilograms look like this


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
    patient = _patient(fields, blows, said)
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
        if not kinds & {"volume", "flow"} or any(field_of(cell)[0] not in (None, "label", "bronchodilator", "test_date") for cell in cells):
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
    upright = field_of(rows[0][0])[0] is not None and sum(field_of(cell)[0] is not None for cell in rows[0]) < 2
    is_pairs = (
        rows[0][0].lower() in ("field", "name", "item", "variable", "parameter") and len(rows[0]) >= 2 and rows[0][1].lower() in ("value", "result", "values")
    )
    pairs: list[tuple[str, str, str]]
    if is_pairs or (upright and len(rows[0]) >= 2):
        body = rows[1:] if is_pairs else rows
        has_units = not is_pairs or (len(rows[0]) > 2 and rows[0][2].lower() in ("unit", "units"))
        if not is_pairs or len(rows[0]) == 2:
            body = [_one_cell(row) for row in body]
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
        field, in_header = field_of(head)
        value = clean(cell).strip()
        if field is None:
            if value:
                ignored.append(clean(head)[:30])
            continue
        if value.lower() in EMPTY:
            continue
        if field in fields:
            raise IntakeError(f"{name} gives {field.replace('_', ' ')} twice; give a record of one person, each field once")
        fields[field] = value_of(field, value, (unit.strip().lower() or in_header), name, notes)
    if not fields:
        raise IntakeError(f"{name} holds no known field; name the columns, for example sex, age, height_cm, weight_kg, smoking_status")
    if ignored:
        notes.append(f"not read, as not known: {', '.join(ignored[:8])}")
    return [fields, notes]


def _one_cell(row: list[str]) -> list[str]:
    """A row whose list was written with the table's own separator, ``symptoms,wheeze,chest tightness``, with its values in one cell."""
    return [row[0], ", ".join(cell for cell in row[1:] if cell)] if len(row) > 2 and field_of(row[0])[0] in LISTS else row


def _fields_of(patient: Patient) -> dict[str, Any]:
    """What a bundle says about a person, as a record's fields; a body mass index that follows from the others is left out."""
    empty = Patient()
    found = {name: value for name in PATIENT_FIELDS if name not in ("blows", "assumptions") and (value := getattr(patient, name)) != getattr(empty, name)}
    if found.get("bmi_kg_m2") == replace(patient, bmi_kg_m2=None).bmi_kg_m2:
        found.pop("bmi_kg_m2", None)
    return found


def _patient(fields: dict[str, Any], blows: Sequence[Blow], notes: list[str]) -> Patient:
    """The person, at the age of the latest test where only the date of birth is known."""
    fields = dict(fields)
    birth, reported = fields.pop("birth_date", None), fields.pop("test_date", None)
    tested = max((day for day in (reported, *map(date_of, blows)) if day is not None), default=None)
    if birth is not None and "age_years" not in fields:
        age = ((tested or dt.date.today()) - birth).days / 365.25
        if not 0 <= age <= 120:
            raise IntakeError(f"the date of birth gives an age of {age:.0f} years; 0 to 120 is possible")
        fields["age_years"] = round(age, 1)
        notes.append(f"age was reckoned from the date of birth to {tested or 'today'}")
    pressure = fields.pop("blood_pressure", None)
    if pressure is not None:
        for field, value in zip(("systolic_bp_mmhg", "diastolic_bp_mmhg"), pressure, strict=True):
            fields.setdefault(field, value)
    phase = str(fields.pop("bronchodilator", "")).lower()
    values = {name: fields.pop(name) for name in REPORTED if name in fields}
    if values.get("fev1_l") and values.get("fvc_l") and values["fev1_l"] > values["fvc_l"]:
        raise IntakeError(f"FEV1 {values['fev1_l']:g} L is larger than FVC {values['fvc_l']:g} L, which is not possible; check whether they were swapped")
    if values:
        state = "post" if "post" in phase else "pre" if "pre" in phase else None
        tests = (*fields.get("reported", ()), ReportedSpirometry(**values, date=reported, bronchodilator=state))
        fields["reported"] = tuple(sorted(tests, key=lambda test: test.date or dt.date.min))
    ancestry = fields.pop("ancestry", None)
    if ancestry:
        fields["ancestry"] = re.sub(r"[\s-]+", "_", str(ancestry).lower())
    patient = Patient(**fields)
    bmi = patient.bmi_kg_m2
    if bmi is not None and not UNUSUAL_BMI[0] <= bmi <= UNUSUAL_BMI[1] and patient.weight_kg is not None and (patient.age_years or 0.0) >= GROWN_YEARS:
        notes.append(f"a weight of {patient.weight_kg:.0f} kg gives a body mass index of {bmi:.0f}, which is unusual: check the units of weight and height")
    if patient.bmi_kg_m2 is not None and not QUANTITY["bmi_kg_m2"].low <= patient.bmi_kg_m2 <= QUANTITY["bmi_kg_m2"].high:
        raise IntakeError(
            f"height and weight give a body mass index of {patient.bmi_kg_m2:.0f}, which is not possible; check their units, or name them: height_cm, weight_kg"
        )
    return patient
