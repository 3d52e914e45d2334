"""The shapes in which curves arrive: UK Biobank strings, JSON, FHIR SampledData; tables are read in ``columns``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from encoders.spirogram.columns import MAX_BLOWS, rows_blows, table_blows
from encoders.spirogram.grid import MAX_POINTS, build
from encoders.spirogram.headers import FACTORS, date_of, kind_of, phase_of, unit_of
from encoders.spirogram.read import Array, Blow, CurveError
from encoders.spirogram.tables import number
from encoders.spirogram.workbook import check_workbook, xlsx_blows

_RATE_KEYS = re.compile(r"^(?:sampl\w*|fs|rate|frequency)[_ ]?(?:rate|freq\w*)?[_ ]?(?:hz|hertz)?$|_hz$")
_STEP_KEYS = re.compile(r"^(?:step|dt|interval|period|sampl\w*[_ ](?:interval|period|step|time))[_ ]?(ms|s)?$")
_LISTS = ("blows", "curves", "maneuvers", "manoeuvres", "trials", "efforts")


def ukb_blows(text: str, name: str) -> tuple[Blow, ...]:
    """UK Biobank field 3066: ``blowN,count,v1,v2,...`` cumulative mL every 10 ms, one blow a line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_BLOWS:
        raise CurveError(f"the file holds {len(lines):,} blows; at most {MAX_BLOWS} are read")
    blows = []
    for line in lines:
        if line.count(",") > MAX_POINTS + 100:
            raise CurveError(f"{line.count(','):,} points are more than one blow can have; at most {MAX_POINTS:,} are read")
        cells = [cell for cell in line.split(",") if cell]
        try:
            values = np.array([number(cell) for cell in cells[2:]])
            count = int(cells[1])
        except (ValueError, IndexError) as error:
            raise CurveError(f"the blow {line[:12]} holds something that is not a number; each line is blowN,count,values in mL") from error
        if len(values) < count:  # a longer line is padded with zeros on the left
            raise CurveError(f"{cells[0][:12]} announces {count} values but holds {len(values)}; the string was cut, export it again")
        blows.append(build(None, values, None, {"time": "s", "volume": "ml"}, id_=cells[0].removeprefix("blow")[:20], file=name, step_s=0.01))
    return tuple(blows)


# JSON ----------------------------------------------------------------------------------------------------------------
def parse_json(text: str, name: str) -> tuple[Blow, ...]:
    if text.count("{") > 300_000 or text.count("[") > 300_000:
        raise CurveError(f"{name or 'the file'} holds more objects than a curve can have; give lists of numbers, one for each column")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CurveError(f"{name or 'the file'} is not valid JSON; export it again") from error
    if isinstance(document, dict) and "resourceType" in document:
        return fhir_blows(document, name)
    return json_blows(document, name)


def json_blows(document: Any, name: str) -> tuple[Blow, ...]:
    """``{"time_s": [...], "volume_l": [...], "flow_l_s": [...]}`` or ``{"sampling_hz": 100, "volume_ml": [...]}``, a list of such,
    {"blows": [...]}, or rows such as [{"time_s": 0, "volume_l": 0}, ...]."""
    shared: dict[str, Any] = {}
    items = document
    if isinstance(document, dict):
        key = next((key for key in _LISTS if key in document), None)
        items = document[key] if key else [document]
        shared = {other: value for other, value in document.items() if other != key and not isinstance(value, list | dict)} if key else {}
    if not isinstance(items, list) or not items:
        raise CurveError('this JSON holds no curve; give {"time_s": [...], "volume_l": [...]} or a list of them')
    if _are_rows(items):
        names = list(dict.fromkeys(str(key) for item in items for key in item))[:50]
        return rows_blows([names, *(["" if item.get(key) is None else str(item[key]) for key in names] for item in items)], name)
    if len(items) > MAX_BLOWS:
        raise CurveError(f"the JSON holds {len(items):,} blows; at most {MAX_BLOWS} are read")
    people = {
        str(item[key]) for item in items if isinstance(item, dict) for key in item if kind_of(str(key)) == "person" and not isinstance(item[key], list | dict)
    }
    if len(people) > 1:
        raise CurveError(f"the JSON holds curves of {len(people)} people; a file of curves may hold one person: keep the blows of one of them")
    blows = []
    for index, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise CurveError("each blow in JSON must be an object with time_s and volume_l or flow_l_s")
        blows.append(_json_blow({**shared, **item}, index, name))
    return tuple(blows)


def _are_rows(items: list[Any]) -> bool:
    first = items[0]
    return len(items) >= 20 and all(isinstance(item, dict) for item in items) and any(
        kind_of(str(key)) in ("volume", "flow") and isinstance(value, int | float | str) for key, value in first.items()
    )  # fmt: skip


def _json_blow(item: dict[str, Any], index: int, name: str) -> Blow:
    columns: dict[str, Array] = {}
    units: dict[str, str] = {}
    step = None
    for key, value in item.items():
        key = str(key)
        kind = kind_of(key)
        if isinstance(value, list) and kind in ("time", "volume", "flow"):
            if kind in columns:
                raise CurveError(f"more than one list looks like {kind}; leave one of each in a blow")
            columns[kind] = _numbers(value, key)
            units[kind] = unit_of(key)
        elif isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
            if _RATE_KEYS.search(key.lower()):
                step = 1.0 / value
            elif named_step := _STEP_KEYS.match(key.lower()):
                step = value * (0.001 if named_step[1] == "ms" or (named_step[1] is None and value >= 1) else 1.0)
    for kind in columns:  # {"volume": [...], "volume_unit": "mL"} or {"units": {"volume": "mL"}}
        named = item.get(f"{kind}_unit") or (item.get("units") or {}).get(kind, "") if isinstance(item.get("units") or {}, dict) else ""
        units[kind] = units[kind] or unit_of(f"{kind} [{named}]" if isinstance(named, str) else "")
    phase = next((str(value) for key, value in item.items() if kind_of(str(key)) == "phase" and not isinstance(value, list | dict)), "")
    date = next((found for key, value in item.items() if isinstance(value, str) and kind_of(str(key)) == "date" and (found := date_of(value))), None)
    return build(
        columns.get("time"), columns.get("volume"), columns.get("flow"), units, id_=str(item.get("id", item.get("trial", index)))[:20], file=name,
        bronchodilator=phase_of(phase), step_s=step if "time" not in columns else None, date=date,
    )  # fmt: skip


def _numbers(values: list[Any], key: str) -> Array:
    if any(isinstance(value, list | dict) for value in values[:1]):
        raise CurveError(f"{key[:20]} holds lists within a list; give one number a point")
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise CurveError(f"{key[:20]} holds something that is not a number") from error
    if found.ndim != 1:
        raise CurveError(f"{key[:20]} holds lists within a list; give one number a point")
    return found


# FHIR ----------------------------------------------------------------------------------------------------------------
def fhir_blows(resource: dict[str, Any], name: str) -> tuple[Blow, ...]:
    """The sampled curves of a FHIR Observation, or of all Observations of a Bundle. Raises CurveError where there is none."""
    entries = resource.get("entry")
    found = [entry.get("resource") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else [resource]
    curves = [item for item in found if isinstance(item, dict) and item.get("resourceType") == "Observation" and _channels(item)]
    kind = str(resource.get("resourceType"))[:20]
    if not curves:
        raise CurveError(f"this FHIR {kind} holds no curve; an Observation with valueSampledData in L, mL, L/s or L/min is needed")
    if len(curves) > MAX_BLOWS:
        raise CurveError(f"this FHIR {kind} holds {len(curves):,} curves; at most {MAX_BLOWS} are read")
    people = {str(subject.get("reference")) for item in curves if isinstance(subject := item.get("subject"), dict) and subject.get("reference")}
    if len(people) > 1:
        raise CurveError(f"this FHIR {kind} holds curves of {len(people)} people; keep the Observations of one of them")
    return tuple(sampled_data_blow(item, name) for item in curves)


def sampled_data_blow(observation: dict[str, Any], name: str = "") -> Blow:
    """One FHIR R4 Observation with valueSampledData (its own, or in components: volume and flow) -> Blow.

    ``origin.unit`` (or its UCUM code) is L, mL, L/s, L/min or mL/s; ``period`` milliseconds; value = origin + factor x data. U and L
    become the stated limits, E (an error) is bridged where few are; both are said. Raises CurveError.
    """
    channels = _channels(observation)
    if not channels:
        raise CurveError("this FHIR Observation holds no curve; valueSampledData in L, mL, L/s or L/min is needed")
    columns: dict[str, Array] = {}
    units: dict[str, str] = {}
    steps: set[float] = set()
    notes: list[str] = []
    for kind, unit, data in channels:
        if kind in columns:
            raise CurveError(f"this FHIR Observation holds more than one curve of {kind}; give one Observation for each blow")
        columns[kind], step = _samples(data, notes)
        units[kind] = unit
        steps.add(step)
    if len(steps) > 1:
        raise CurveError("volume and flow of this FHIR Observation have different periods; sample both alike")
    words = " ".join(_texts(observation.get("code")) + _texts(observation.get("method")) + _texts(observation.get("note")))
    when = str(
        observation.get("effectiveDateTime") or (observation.get("effectivePeriod") or {}).get("start", "")
        if isinstance(observation.get("effectivePeriod") or {}, dict)
        else ""
    )
    blow = build(
        None, columns.get("volume"), columns.get("flow"), units, id_=str(observation.get("id") or "1")[:20], file=name,
        bronchodilator=phase_of(words), step_s=steps.pop(), date=date_of(when), said=tuple(notes),
    )  # fmt: skip
    return blow


def _channels(observation: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(volume or flow, its unit, the SampledData) of an Observation and its components; others, such as an ECG in mV, are passed over."""
    components = observation.get("component")
    parts = [observation, *(part for part in (components if isinstance(components, list) else []) if isinstance(part, dict))]
    found = []
    for part in parts:
        data = part.get("valueSampledData")
        origin = data.get("origin") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(origin, dict):
            continue
        for written in (origin.get("code"), origin.get("unit")):
            text = re.sub(r"[\[\]{}]", "", str(written or ""))
            kind = "flow" if "/" in text or "per" in text.lower() or text.lower() == "lpm" else "volume"
            unit = unit_of(f"{kind} [{text}]")
            if unit in FACTORS:
                found.append((kind, unit, data))
                break
    return found


def _samples(data: dict[str, Any], notes: list[str]) -> tuple[Array, float]:
    """Values (n,) in the origin's unit and the seconds between them."""

    def given(key: str, other: float | None, holder: dict[str, Any] = data) -> float | None:
        value = holder.get(key)
        if value is None:
            return other
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float | str)
            or not re.fullmatch(r"[-+]?\d{1,20}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,3})?", str(value))
        ):
            raise CurveError(f"{key} of this FHIR SampledData is not a number; give a decimal")
        return float(value)

    if given("dimensions", 1.0) != 1.0:
        raise CurveError("this FHIR SampledData has more than one dimension; give volume and flow as two components of one dimension each")
    period = given("period", None)  # R4, milliseconds
    if period is None:
        interval, unit = given("interval", None), str(data.get("intervalUnit") or "ms")
        period = None if interval is None else interval * {"s": 1000.0, "ms": 1.0, "us": 0.001}.get(unit, 1.0)
    if period is None or not 0.01 <= period <= 10_000:
        raise CurveError("this FHIR SampledData has no usable period; give the milliseconds between two samples, for example 10")
    origin, factor = given("value", 0.0, data["origin"]) or 0.0, given("factor", 1.0)
    text = data.get("data")
    if not isinstance(text, str) or not text.strip():
        raise CurveError("this FHIR SampledData holds no data; give decimals separated by spaces")
    tokens = text.split()
    if len(tokens) > MAX_POINTS:
        raise CurveError(f"{len(tokens):,} points are more than one blow can have; at most {MAX_POINTS:,} are read")
    above, below = given("upperLimit", None), given("lowerLimit", None)
    try:
        with np.errstate(over="ignore"):  # what overflows is refused by its size
            values = np.array([np.nan if token in ("E", "U", "L") else number(token) for token in tokens]) * (1.0 if factor is None else factor) + origin
    except ValueError as error:
        raise CurveError("the data of this FHIR SampledData hold something that is neither a number nor E, U or L") from error
    for letter, limit, word in (("U", above, "upper"), ("L", below, "lower")):
        at = [k for k, token in enumerate(tokens) if token == letter]
        if at and limit is None:
            raise CurveError(f"{len(at)} samples lie beyond the {word} limit of detection, which this FHIR SampledData does not state")
        values[at] = limit if limit is not None else 0.0
        if at:
            notes.append(f"{len(at)} samples beyond the {word} limit of detection were put at {limit:g}")
    wrong = np.array([token == "E" for token in tokens])
    if wrong.any():
        if wrong.mean() > 0.05 or wrong[0] or wrong[-1]:
            raise CurveError(f"{int(wrong.sum())} of {len(tokens)} samples are marked as errors (E); record the blow again")
        values[wrong] = np.interp(np.flatnonzero(wrong), np.flatnonzero(~wrong), values[~wrong])
        notes.append(f"{int(wrong.sum())} samples marked as errors were bridged by straight lines")
    return values, period / 1000.0


def _texts(concept: Any) -> list[str]:
    """Every display and text within a CodeableConcept or a list of annotations."""
    if isinstance(concept, list):
        return [text for item in concept[:20] for text in _texts(item)]
    if not isinstance(concept, dict):
        return []
    codings = concept.get("coding")
    own = [str(concept[key]) for key in ("text", "display") if isinstance(concept.get(key), str)]
    return own + (_texts(codings) if isinstance(codings, list) else [])


__all__: Sequence[str] = (
    "build", "check_workbook", "fhir_blows", "json_blows", "kind_of", "number", "parse_json", "phase_of", "rows_blows", "sampled_data_blow", "table_blows", "ukb_blows",
    "unit_of", "xlsx_blows",
)  # fmt: skip
