"""FHIR R4 -> Patient: liberal in what it takes, exact in what it says, and nothing is made up. Writing is in ``fhir_export``.

A resource that does not follow R4 (judged by fhir.resources) is left out and counted; it never sinks the bundle.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from assistant.fhir_codes import AGE_UNITS, FIELD_OF, SMOKING_OF, SMOKING_STATUS, SPIROMETRY_OF, SYMPTOM
from assistant.fhir_elements import (
    Resource,
    any_codes,
    codes_of,
    date_of,
    dicts,
    id_of,
    label_of,
    moment_of,
    number_of,
    phase_of,
    plain,
    tail_of,
    text_of,
    unit_of,
)  # fmt: skip
from assistant.fhir_export import write_bundle
from assistant.guardrails import clean
from assistant.record_cells import IntakeError, in_own_unit
from encoders.record import QUANTITY, Patient, ReportedSpirometry, Sex, Smoking
from encoders.spirogram.formats import sampled_data_blow
from encoders.spirogram.read import Blow, CurveError

__all__ = ["read_bundle", "write_bundle"]

MAX_ENTRIES, MAX_CURVES, MAX_WORDS, MAX_SAID = 20_000, 60, 20, 6
_READ = {"Patient", "Observation", "Condition", "MedicationRequest", "MedicationStatement", "Medication", "DiagnosticReport"}
_WRONG = {"entered-in-error", "cancelled", "registered", "unknown"}  # Observation.status: no result, or one that was taken back
_SEMANTIC_TAG = re.compile(r"\s*\((?:disorder|finding|situation|procedure|morphologic abnormality|event|product|substance)\)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class _Value:
    """One number of an Observation: the field's own unit, when it was taken, and which Observation it came from."""

    field: str
    state: str | None
    value: float
    moment: dt.datetime
    date: dt.date | None
    source: frozenset[str]
    derived: frozenset[str]


def read_bundle(document: dict[str, Any], name: str) -> Patient:
    """A FHIR R4 Bundle about one person -> Patient.

    The latest value of each measurement counts; dated spirometry is kept as a series in date order, its ratio 0-1; curves
    (``valueSampledData``) become blows. Litres that are not there stay None. What was converted, left out or reckoned stands
    in ``assumptions``. Raises IntakeError for something that is no bundle, for two people, and for an impossible body.
    """
    said: list[str] = []
    resources = _resources(document, name, said)
    kept, broken = [], 0
    for ids, resource in resources:
        if not _concerns(resource):
            continue
        if _follows_r4(resource):
            kept.append((ids, resource))
        else:
            broken += 1
            if resource["resourceType"] == "Patient":  # without it there is no sex and no age: what is plain in it is read
                kept.append((ids, resource))
    if broken:
        said.append(f"{broken} {'resource does' if broken == 1 else 'resources do'} not follow FHIR R4 and {'was' if broken == 1 else 'were'} left out")
    person = _one_person(kept, name, said)
    observations = [(ids, one) for ids, one in kept if one["resourceType"] == "Observation" and one.get("status") not in _WRONG]
    lost: list[str] = []
    blows, curve_ids = _curves(observations, name, lost)
    values = [value for ids, one in observations for value in _values(ids, one, name, said, lost)]
    reported = _tests([v for v in values if v.field not in QUANTITY and not v.derived & curve_ids], kept, lost)
    latest: dict[str, _Value] = {}
    for value in values:
        if value.field in QUANTITY and (value.field not in latest or value.moment >= latest[value.field].moment):
            latest[value.field] = value
    fields: dict[str, Any] = {field: value.value for field, value in latest.items()}
    tested = [test.date for test in reported if test.date] + [dt.date.fromisoformat(blow.date) for blow in blows if blow.date]
    dated = tested or [value.date for value in values if value.date]
    fields |= _about(person, max(dated, default=None), bool(tested), name, said)
    last = max(dated, default=None)
    old = [f"{label_of(v.field)} ({v.date})" for v in latest.values() if v.date and last and (last - v.date).days > 365 and v.field != "age_years"]
    if old:
        said.append(f"more than a year older than the latest test or observation: {', '.join(old)}")
    fields |= _told([one for _, one in observations], said)
    fields["conditions"] = _words((one.get("code") for _, one in kept if one["resourceType"] == "Condition" and _is_active(one)), "conditions", said)
    fields["medications"] = _words(_medicines(kept), "medicines", said)
    if not reported and not blows:
        said.append("the bundle holds no spirometry")
    if lost:
        said += [f"left out: {text}" for text in dict.fromkeys(lost[:MAX_SAID])]
        said += [f"left out: {len(lost) - MAX_SAID} more values that could not be read"] if len(lost) > MAX_SAID else []
    patient = Patient(**fields, reported=reported, blows=blows, assumptions=tuple(dict.fromkeys(said)))
    bmi = QUANTITY["bmi_kg_m2"]
    if patient.bmi_kg_m2 is not None and not bmi.low <= patient.bmi_kg_m2 <= bmi.high:
        raise IntakeError(f"{name}: height and weight give a body mass index of {patient.bmi_kg_m2:.0f}, which is not possible; check their units")
    return patient


# the bundle ----------------------------------------------------------------------------------------------------------
def _resources(document: Any, name: str, said: list[str]) -> list[tuple[frozenset[str], Resource]]:
    """The resources that may matter, each with the ids by which others refer to it."""
    kind = clean(str(document.get("resourceType", "")))[:20] if isinstance(document, dict) else ""
    if kind != "Bundle":
        raise IntakeError(f"{name} is a FHIR {kind or 'document without a type'}; give a Bundle with one Patient and the Observations")
    entries = document.get("entry")
    if not isinstance(entries, list) or not entries:
        raise IntakeError(f"{name} is a FHIR Bundle without entries; export it again with the Patient and the Observations")
    if len(entries) > MAX_ENTRIES:
        raise IntakeError(f"{name} holds {len(entries):,} entries; at most {MAX_ENTRIES:,} are read: export one person")
    if any(link.get("relation") == "next" for link in dicts(document.get("link"))):
        said.append("the bundle is one page of several; what stands on the others was not read")
    found, odd = [], 0
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            odd += 1
            continue
        if resource["resourceType"] in _READ:
            found.append((frozenset(filter(None, (tail_of(entry.get("fullUrl")), tail_of(resource.get("id"))))), resource))
    if odd:
        said.append(f"{odd} {'entry holds' if odd == 1 else 'entries hold'} no resource")
    return found


def _concerns(resource: Resource) -> bool:
    """Whether anything of it would be read: only then is it judged."""
    if resource["resourceType"] != "Observation":
        return True
    parts = (resource, *dicts(resource.get("component")))
    return any("valueSampledData" in part or any(code in _KNOWN for code in codes_of(part.get("code"))) for part in parts)


_KNOWN = {*FIELD_OF, *SPIROMETRY_OF, SMOKING_STATUS, SYMPTOM, "ancestry"}


def _follows_r4(resource: Resource) -> bool:
    from fhir.resources.R4B import get_fhir_model_class  # R4B: the same as R4 in the resources that are read here

    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except Exception:  # validators fail in ways of their own (type, value, recursion): whatever it is, the resource is not R4
        return False
    return True


def _one_person(kept: list[tuple[frozenset[str], Resource]], name: str, said: list[str]) -> Resource:
    """The one Patient ({} where the bundle has none). Two people, by resource or by reference, are refused."""
    people = [(ids, one) for ids, one in kept if one["resourceType"] == "Patient"]
    if len(people) > 1 and not frozenset.intersection(*(ids for ids, _ in people)):
        raise IntakeError(f"{name} holds {len(people)} patients; give a bundle about one person")
    others = {id_ for ids, one in kept if one["resourceType"] != "Patient" for id_ in ids}
    subjects = set()
    for _, one in kept:
        for key in ("subject", "patient"):
            reference = one.get(key)
            if (
                isinstance(reference, dict)
                and isinstance(reference.get("reference"), str)
                and not re.search(r"(?:Group|Device|Location)/", reference["reference"])
            ):
                subjects.add(tail_of(reference["reference"]))
    known = {id_ for ids, _ in people for id_ in ids}
    strangers = subjects - known - others - {""}
    if len(strangers) > (0 if known else 1):
        raise IntakeError(f"{name} holds results of more than one person; give a bundle about one person")
    if not people:
        said.append("the bundle holds no Patient, so sex and age are known only where an observation states them")
    return people[0][1] if people else {}


def _about(person: Resource, last: dt.date | None, tested: bool, name: str, said: list[str]) -> dict[str, Any]:
    """Name, sex, and the age at the latest test (else observation, else today)."""
    fields: dict[str, Any] = {}
    names = dicts(person.get("name"))
    if names:
        one = next((n for n in names if n.get("use") == "official"), names[0])
        given = [part for part in one.get("given") or [] if isinstance(part, str)] if isinstance(one.get("given"), list) else []
        text = plain(one.get("text") or " ".join([*given, str(one.get("family") or "")]), 60)
        if text:
            fields["label"] = text
    gender = person.get("gender")
    if gender in ("female", "male"):
        fields["sex"] = Sex(gender)
    elif person:
        birth_sex = [e.get("valueCode") for e in dicts(person.get("extension")) if str(e.get("url", "")).endswith("us-core-birthsex")]
        if birth_sex and birth_sex[0] in ("F", "M"):
            fields["sex"] = Sex.FEMALE if birth_sex[0] == "F" else Sex.MALE
            said.append("sex is that at birth, as the bundle states it")
        elif gender is not None:
            said.append(f"the gender is {plain(gender, 20)!r}; reference values need female or male")
    birth = date_of(person.get("birthDate"))
    if birth is None:
        return fields
    at = last or dt.date.today()
    age = (at - birth).days / 365.25
    if not 0 <= age <= 120:
        raise IntakeError(f"{name}: the date of birth gives an age of {age:.0f} years on {at.isoformat()}; 0 to 120 is possible")
    fields["age_years"] = round(age, 2)
    to = f"the {'latest test' if tested else 'latest observation'} on {at.isoformat()}" if last else "today, as nothing in the bundle is dated"
    said.append(f"age was reckoned from the date of birth to {to}")
    if len(str(person.get("birthDate"))) < 10:
        said.append("only the year or month of birth is given; the age may be off by up to a year")
    return fields


# observations --------------------------------------------------------------------------------------------------------
def _values(ids: frozenset[str], observation: Resource, name: str, said: list[str], lost: list[str]) -> Iterator[_Value]:
    """The numbers of an Observation and of its components, in our units; what cannot be read is said in ``lost``."""
    moment, date = moment_of(observation)
    derived = frozenset(tail_of(r.get("reference")) for r in dicts(observation.get("derivedFrom")))
    for part in (observation, *dicts(observation.get("component"))):
        code = next((code for code in codes_of(part.get("code")) if code in FIELD_OF or code in SPIROMETRY_OF), None)
        quantity = part.get("valueQuantity")
        if code is None or not isinstance(quantity, dict):
            continue
        field, state = SPIROMETRY_OF.get(code, (FIELD_OF.get(code, ""), None))
        number, unit = number_of(quantity.get("value")), unit_of(quantity)
        if number is None or quantity.get("comparator"):
            lost.append(f"a value of {label_of(field)} that is not one number")
            continue
        try:
            if field == "age_years" and unit in AGE_UNITS:
                number, unit = number * AGE_UNITS[unit], "years"
            if field == "pack_years" and unit == "fraction":
                unit = ""  # pack-years are often sent as a bare number
            value = in_own_unit(field, number, unit, name, said)
        except IntakeError as error:
            lost.append(str(error).removeprefix(f"{name}: "))
            continue
        yield _Value(field, state or phase_of(text_of(part.get("code")) or text_of(observation.get("code"))), value, moment, date, ids, derived)


def _tests(values: list[_Value], kept: list[tuple[frozenset[str], Resource]], lost: list[str]) -> tuple[ReportedSpirometry, ...]:
    """Spirometric values -> tests in date order: those of one report, else of one day, before and after a bronchodilator apart."""
    report_of: dict[str, str] = {}
    for place, (_, one) in enumerate(kept):
        if one["resourceType"] == "DiagnosticReport":
            report_of |= {tail_of(result.get("reference")): f"report {place}" for result in dicts(one.get("result"))}
    groups: dict[str, dict[str | None, dict[str, _Value]]] = {}
    for value in sorted(values, key=lambda v: v.moment):
        key = next((report_of[id_] for id_ in sorted(value.source) if id_ in report_of), f"day {value.date}")
        groups.setdefault(key, {}).setdefault(value.state, {})[value.field] = value
    found: list[tuple[dt.datetime, ReportedSpirometry]] = []
    for states in groups.values():
        if "pre" in states and not states.get(None, {}).keys() & states["pre"].keys():
            states["pre"] |= states.pop(None, {})  # 19926-5 and the flows have no code of their own before a bronchodilator
        for state, fields in states.items():
            dates = [value.date for value in fields.values() if value.date]
            test = ReportedSpirometry(**{field: value.value for field, value in fields.items()}, date=max(dates, default=None), bronchodilator=state)
            if test.fev1_l and test.fvc_l and test.fev1_l > test.fvc_l:
                lost.append(f"the test of {test.date or 'an unknown day'}, as its FEV1 {test.fev1_l:g} L is larger than its FVC {test.fvc_l:g} L")
                continue
            found.append((max(value.moment for value in fields.values()), test))
    return tuple(test for _, test in sorted(found, key=lambda pair: (pair[1].date or dt.date.min, pair[0])))


def _curves(observations: list[tuple[frozenset[str], Resource]], name: str, lost: list[str]) -> tuple[tuple[Blow, ...], frozenset[str]]:
    """The blows, and the ids of the Observations they came from."""
    blows: list[Blow] = []
    ids: set[str] = set()
    for own, observation in observations:
        if not any("valueSampledData" in part for part in (observation, *dicts(observation.get("component")))):
            continue
        try:
            blows.append(replace(sampled_data_blow(observation, name), id=id_of(observation)))
            ids |= own
        except CurveError as error:
            lost.append(f"a curve, as {error}")
    if len(blows) > MAX_CURVES:
        raise IntakeError(f"{name} holds {len(blows)} curves; at most {MAX_CURVES} of one person are read")
    return tuple(blows), frozenset(ids)


def _told(observations: list[Resource], said: list[str]) -> dict[str, Any]:
    """Smoking status (the latest that is known), symptoms and the GLI-2012 group where we wrote it."""
    smoking: tuple[dt.datetime, Smoking] | None = None
    symptoms: list[str] = []
    fields: dict[str, Any] = {}
    for one in observations:
        codes = codes_of(one.get("code"))
        concept = one.get("valueCodeableConcept")
        if SMOKING_STATUS in codes:
            status, (moment, _) = _smoking(concept), moment_of(one)
            if status is not None and (smoking is None or moment >= smoking[0]):
                smoking = (moment, status)
        elif SYMPTOM in codes:
            symptoms.append(plain(one.get("valueString") or text_of(concept), 80))
        elif "ancestry" in codes and isinstance(one.get("valueString"), str):
            fields["ancestry"] = plain(one["valueString"], 60)
    if smoking is not None:
        fields["smoking_status"] = smoking[1]
    fields["symptoms"] = tuple(dict.fromkeys(filter(None, symptoms)))[:MAX_WORDS]
    return fields


def _smoking(concept: Any) -> Smoking | None:
    """By its words where they say that it is not known, then by code, then by words."""
    text = text_of(concept).lower()
    if "unknown" in text or "passive" in text:
        return None
    by_code = next((SMOKING_OF[code] for code in any_codes(concept) if code in SMOKING_OF), None)
    words = ((r"\bnever\b|\bnon-?smoker", Smoking.NEVER), (r"\bformer|\bex-|\bex smoker|\bquit\b|\bpast\b", Smoking.FORMER))
    return by_code or next((status for pattern, status in words if re.search(pattern, text)), Smoking.CURRENT if "smoker" in text else None)


# conditions and medicines --------------------------------------------------------------------------------------------
def _is_active(condition: Resource) -> bool:
    """Active by its status; without one, as long as no end is stated. Refuted and mistaken entries are not."""
    if {"refuted", "entered-in-error"} & set(any_codes(condition.get("verificationStatus"))):
        return False
    status = any_codes(condition.get("clinicalStatus"))
    if status:
        return bool({"active", "recurrence", "relapse"} & set(status))
    return not any(key.startswith("abatement") for key in condition)


def _medicines(kept: list[tuple[frozenset[str], Resource]]) -> Iterator[Any]:
    """The codes of medicines that are taken now, by statement or by order."""
    known = {id_: one.get("code") for ids, one in kept if one["resourceType"] == "Medication" for id_ in ids}
    for _, one in kept:
        ordered = one["resourceType"] == "MedicationRequest" and one.get("intent") not in ("proposal", "plan", "option") and one.get("doNotPerform") is not True
        if one.get("status") != "active" or not (ordered or one["resourceType"] == "MedicationStatement"):
            continue
        reference = one.get("medicationReference")
        if isinstance(reference, dict):
            inside = {tail_of(c.get("id")): c.get("code") for c in dicts(one.get("contained"))}
            yield (inside | known).get(tail_of(reference.get("reference"))) or {"text": reference.get("display")}
        else:
            yield one.get("medicationCodeableConcept")


def _words(concepts: Iterator[Any], what: str, said: list[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (plain(_SEMANTIC_TAG.sub("", text_of(concept)), 120) for concept in concepts))))
    if len(found) > MAX_WORDS:
        said.append(f"of {len(found)} active {what} the first {MAX_WORDS} were read")
    return found[:MAX_WORDS]
