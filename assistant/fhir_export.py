"""Patient and result -> a FHIR R4 Bundle that ``fhir.read_bundle`` reads back equal. Nothing is made up: no birth date, no name.

The ratio is written as a fraction (UCUM 1), curves to 0.1 mL and 0.1 mL/s.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from assistant.fhir_codes import (
    CLINICAL_STATUS,
    CURVE,
    INTERPRETATION,
    LOINC,
    OWN,
    PANEL,
    PERCENT_PREDICTED,
    PRESSURE_PANEL,
    QUANTITY_CODES,
    SERVICE,
    SMOKING_CODES,
    SMOKING_STATUS,
    SNOMED,
    SPIROMETRY_CODES,
    SYMPTOM,
    UCUM,
    UNITS,
)  # fmt: skip
from assistant.session import Session, latest_reported
from encoders.record import QUANTITIES, QUANTITY, Patient, ReportedSpirometry, Smoking
from encoders.spirogram.read import Blow
from encoders.spirogram.results import Best, Reference, Spirometry

NOTICE = "Research and education only. Not a diagnosis, a prescription or a dose."
STEP_L = 0.0001  # 0.1 mL: finer than any spirometer, so that a curve comes back as it was
_LABELS = {
    "fev1_l": "FEV1", "fvc_l": "FVC", "fev1_fvc": "FEV1/FVC", "pef_l_s": "PEF", "fet_s": "Forced expiratory time", "fef25_75_l_s": "FEF25-75",
    "bev_l": "Back-extrapolated volume",
}  # fmt: skip
_WHEN = {None: "", "pre": " before a bronchodilator", "post": " after a bronchodilator"}
_SMOKING_WORDS = {Smoking.NEVER: "Never smoker", Smoking.FORMER: "Former smoker", Smoking.CURRENT: "Smoker"}
Resource = dict[str, Any]


class _Writer:
    """The entries of one bundle, each about the same subject."""

    def __init__(self) -> None:
        self.entries: list[Resource] = []
        self.subject = ""

    def add(self, resource: Resource) -> Resource:
        """Append a resource and return the reference to it."""
        url = f"urn:uuid:{uuid.uuid4()}"
        about = {"subject": {"reference": self.subject}} if self.subject else {}
        self.entries.append({"fullUrl": url, "resource": resource | about})
        return {"reference": url}

    def observe(self, code: str, label: str, value: Resource, date: str | None = None, **more: Any) -> Resource:
        """Append an Observation; ``value`` is its value[x], empty where components hold it."""
        when = {"effectiveDateTime": date} if date else {}
        return self.add({"resourceType": "Observation", "status": "final", "code": _concept(code, label), **when, **value, **more})


def write_bundle(source: Session | Patient, spirometry: Spirometry | None = None) -> dict[str, Any]:
    """A Session, or a Patient with what was found about the test -> a FHIR R4 Bundle (type collection).

    Patient, one DiagnosticReport per test (conclusion: quality, then interpretation), Observations with LOINC and UCUM (limits
    as referenceRange), each curve as SampledData, Conditions and MedicationStatements. Values that were computed from a curve
    say so (``derivedFrom``), so that a reader does not take them for values of their own.
    """
    patient = source.patient if isinstance(source, Session) else source
    result = spirometry or (source.spirometry if isinstance(source, Session) else None)
    writer = _Writer()
    named = {"name": [{"text": patient.label}]} if patient.label not in ("", Patient.label) else {}
    writer.subject = writer.add({"resourceType": "Patient", **named, **({"gender": patient.sex.value} if patient.sex else {})})["reference"]
    _write_record(writer, patient)
    interpreted = latest_reported(patient.reported) if not patient.blows else None
    for place, test in enumerate(patient.reported):
        _write_test(writer, _values(test), test.bronchodilator, test.date.isoformat() if test.date else None, (), result if place == interpreted else None)
    curves = [(blow.bronchodilator, _write_curve(writer, blow)) for blow in patient.blows]
    if result is not None and patient.blows:
        _write_measured(writer, patient.blows, curves, result)
    return {
        "resourceType": "Bundle", "type": "collection", "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "meta": {"tag": [{"system": "urn:breathwise:notice", "code": "research-and-education-only", "display": NOTICE}]}, "entry": writer.entries,
    }  # fmt: skip


# the record ----------------------------------------------------------------------------------------------------------
def _write_record(writer: _Writer, patient: Patient) -> None:
    for quantity in QUANTITIES:
        value = getattr(patient, quantity.name)
        if value is not None and not quantity.name.endswith("olic_bp_mmhg"):
            writer.observe(QUANTITY_CODES[quantity.name][0], quantity.label, {"valueQuantity": _amount(quantity.name, value)})
    pressures = [name for name in ("systolic_bp_mmhg", "diastolic_bp_mmhg") if getattr(patient, name) is not None]
    if pressures:
        parts = [
            {"code": _concept(QUANTITY_CODES[name][0], QUANTITY[name].label), "valueQuantity": _amount(name, getattr(patient, name))} for name in pressures
        ]
        writer.observe(PRESSURE_PANEL, "Blood pressure", {}, component=parts)
    if patient.smoking_status is not None:
        words = _SMOKING_WORDS[patient.smoking_status]
        answer = {"coding": [{"system": SNOMED, "code": SMOKING_CODES[patient.smoking_status][0]}], "text": words}
        writer.observe(SMOKING_STATUS, "Tobacco smoking status", {"valueCodeableConcept": answer})
    if patient.ancestry:
        writer.observe("ancestry", "Group of the GLI-2012 equations", {"valueString": patient.ancestry})
    for symptom in patient.symptoms:
        writer.observe(SYMPTOM, "Symptom", {"valueString": symptom})
    for condition in patient.conditions:
        active = {"coding": [{"system": CLINICAL_STATUS, "code": "active"}]}
        writer.add({"resourceType": "Condition", "clinicalStatus": active, "code": {"text": condition}})
    for medicine in patient.medications:
        writer.add({"resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": {"text": medicine}})


# the test ------------------------------------------------------------------------------------------------------------
def _write_measured(writer: _Writer, blows: tuple[Blow, ...], curves: list[tuple[str | None, Resource]], result: Spirometry) -> None:
    """What was measured on the curves: the test, and the one after a bronchodilator apart."""
    states = {blow.bronchodilator for blow in blows}
    before, after = ([curve for state, curve in curves if (state == "post") == later] for later in (False, True))
    main = "post" if states == {"post"} else "pre" if states & {"pre", "post"} else None
    if result.best is not None:
        _write_test(writer, _values(result.best), main, _date_of(blows, main == "post"), before or after, result)
    if result.post is not None:
        _write_test(writer, _values(result.post), "post", _date_of(blows, True), after, result, is_second=True)


def _date_of(blows: tuple[Blow, ...], after: bool) -> str | None:
    return max((blow.date for blow in blows if blow.date and (blow.bronchodilator == "post") == after), default=None)


def _values(test: ReportedSpirometry | Best) -> dict[str, float]:
    """Values of a record as they stand; of a curve to 0.1 mL."""
    found = {name: getattr(test, name) for name in SPIROMETRY_CODES}
    return {name: value if isinstance(test, ReportedSpirometry) else round(value, 4) for name, value in found.items() if value is not None}


def _write_test(
    writer: _Writer, values: dict[str, float], state: str | None, date: str | None, curves: Iterable[Resource], result: Spirometry | None,
    *, is_second: bool = False,
) -> None:  # fmt: skip
    """One test: its Observations and the DiagnosticReport that holds them together."""
    derived = {"derivedFrom": list(curves)} if curves else {}
    references = result.references if result is not None else {}
    written: list[Resource] = []
    for name, value in values.items():
        ref = references.get(name.removesuffix("_l").removesuffix("_l_s"))
        limits = _limits(name, value, ref, result.reference_name or "") if ref is not None and result is not None else {}
        unsaid, before, after = SPIROMETRY_CODES[name]
        codes = {"pre": before, "post": after}.get(state or "", ()) or unsaid
        written.append(writer.observe(codes[0], _LABELS[name] + _WHEN[state], {"valueQuantity": _amount(name, value)}, date, **derived, **limits))
    for name, code in PERCENT_PREDICTED.items():
        measured, ref = values.get(f"{name}_l"), references.get(name)
        if measured is not None and ref is not None:
            percent = {"valueQuantity": _quantity(round(100 * measured / ref.predicted, 1), "%", "%")}
            written.append(writer.observe(code, f"{name.upper()} measured/predicted{_WHEN[state]}", percent, date, **derived))
    said = _conclusion(result, is_second)
    writer.add({
        "resourceType": "DiagnosticReport", "status": "final", "category": [{"coding": [{"system": SERVICE, "code": "PF"}]}],
        "code": _concept(PANEL, f"Spirometry{_WHEN[state]}"), **({"effectiveDateTime": date} if date else {}),
        **({"result": written} if written else {}), "conclusion": " ".join(said),
        "text": {"status": "generated", "div": f"<div xmlns=\"http://www.w3.org/1999/xhtml\">{''.join(f'<p>{escape(line)}</p>' for line in said)}</div>"},
    })  # fmt: skip


def _conclusion(result: Spirometry | None, is_second: bool) -> list[str]:
    """Quality first, then the interpretation, then what this is not."""
    said: list[str] = []
    best = None if result is None else result.post if is_second else result.best
    if result is not None and best is not None:
        said += [f"Quality: FEV1 grade {best.fev1_grade}, FVC grade {best.fvc_grade}."] if best.fev1_grade else []
        said += [reason[:1].upper() + reason[1:].rstrip(".") + "." for reason in best.grade_reasons]
        if is_second:
            said += [result.response.text] if result.response else []
        else:
            said += [f"{one.text} ({one.source})" for one in result.interpretation.statements] if result.interpretation else []
            said += [note[:1].upper() + note[1:].rstrip(".") + "." for note in result.notes]
    return [*said, NOTICE]


def _limits(name: str, value: float, ref: Reference, reference_name: str) -> Resource:
    """The lower limit of normal, low or normal by it, and what else was compared."""
    low = value < ref.lln
    parts = [{"code": _concept("predicted", "Predicted"), "valueQuantity": _amount(name, round(ref.predicted, 4))}]
    if ref.z is not None:
        parts.append({"code": _concept("z_score", "z-score"), "valueQuantity": _quantity(round(ref.z, 4), "z-score", "{z-score}")})
    return {
        "referenceRange": [{"low": _amount(name, round(ref.lln, 4)), "text": f"{reference_name}: lower limit of normal (5th percentile)"}],
        "interpretation": [{"coding": [{"system": INTERPRETATION, "code": "L" if low else "N", "display": "Low" if low else "Normal"}]}],
        "component": parts,
    }  # fmt: skip


def _write_curve(writer: _Writer, blow: Blow) -> Resource:
    """The volume, and the flow beside it where the device measured it (else it follows from the volume)."""
    more: Resource = {"identifier": [{"system": "urn:breathwise:blow", "value": blow.id or "1"}]}
    if re.fullmatch(r"[A-Za-z0-9.-]{1,64}", blow.id):  # what FHIR allows as an id
        more["id"] = blow.id
    if not np.allclose(blow.flow_l_s, np.gradient(blow.volume_l, blow.time_s), rtol=0.0, atol=1e-6):
        more["component"] = [{"code": _concept("flow", "Flow"), "valueSampledData": _sampled(blow.flow_l_s, "L/s", blow)}]
    notes = [{"text": text} for text in (*blow.assumptions, *blow.warnings)]
    more |= {"note": notes} if notes else {}
    label = f"Volume of a forced expiration{_WHEN[blow.bronchodilator]}"
    return writer.observe(CURVE, label, {"valueSampledData": _sampled(blow.volume_l, "L", blow)}, blow.date, **more)


def _sampled(points: np.ndarray, unit: str, blow: Blow) -> Resource:
    period = round(1000.0 / blow.sampling_hz, 9)
    data = " ".join(map(str, np.rint(points / STEP_L).astype(np.int64).tolist()))
    return {"origin": _quantity(0, unit, unit), "period": period, "factor": STEP_L, "dimensions": 1, "data": data}


# the small parts -----------------------------------------------------------------------------------------------------
def _concept(code: str, label: str) -> Resource:
    return {"coding": [{"system": LOINC if code[:1].isdigit() else OWN, "code": code}], "text": label}


def _amount(name: str, value: float) -> Resource:
    said, code = UNITS.get(name) or (QUANTITY[name].unit, QUANTITY[name].unit)
    return _quantity(value, said, code)


def _quantity(value: float, unit: str, code: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": code}
