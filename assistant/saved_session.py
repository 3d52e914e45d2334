"""A session as part of a JSON report, and back: what was read, exactly, and what was said. Everything found is found again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from assistant.guardrails import clean
from assistant.session import Session, Turn, begin
from encoders.faults import InputError
from encoders.record import FACT_NAMES, QUANTITIES, QUANTITY, Patient, ReportedSpirometry, Sex, Smoking
from encoders.spirogram.read import Array, Blow

FORMAT = "breathwise session 1"
MAX_BYTES, MAX_BLOWS, MAX_SAMPLES, MAX_TURNS, MAX_TEXT = 20_000_000, 200, 200_000, 100, 20_000
_WORDS = ("conditions", "medications", "symptoms", "assumptions")
_TOKEN = re.compile(rf"(<\|(?:{'|'.join(FACT_NAMES)})\|>)")
_TURNS = TypeAdapter(tuple[Turn, ...])
_REPORTED = TypeAdapter(tuple[ReportedSpirometry, ...])


class SavedSessionError(InputError):
    """A saved session that cannot be opened again. One plain sentence."""


# out -----------------------------------------------------------------------------------------------------------------
def write(session: Session) -> dict[str, Any]:
    """What a session rests on: the patient with every sample of every blow, and the turns. Never what is reckoned from them."""
    patient = session.patient
    person: dict[str, Any] = {
        "label": patient.label, "sex": patient.sex.value if patient.sex else None, "ancestry": patient.ancestry,
        "smoking_status": patient.smoking_status.value if patient.smoking_status else None,
        **{quantity.name: getattr(patient, quantity.name) for quantity in QUANTITIES}, **{name: list(getattr(patient, name)) for name in _WORDS},
        "reported": [asdict(one) | {"date": one.date.isoformat() if one.date else None} for one in patient.reported],
        "blows": [_write_blow(blow) for blow in patient.blows],
    }  # fmt: skip
    return {"format": FORMAT, "patient": person, "turns": [asdict(turn) for turn in session.turns]}


def _write_blow(blow: Blow) -> dict[str, Any]:
    """Samples as text, a line a signal: exact (the shortest digits that read back as the same number) and not a line a sample."""
    return {
        "id": blow.id, "file": blow.file, "bronchodilator": blow.bronchodilator, "date": blow.date,
        "assumptions": list(blow.assumptions), "warnings": list(blow.warnings),
        **{name: " ".join(repr(float(value)) for value in getattr(blow, name)) for name in ("time_s", "volume_l", "flow_l_s")},
    }  # fmt: skip


# and back ------------------------------------------------------------------------------------------------------------
def find(paths: Sequence[Path]) -> Session | None:
    """The session that one of our own JSON reports holds; None for files that hold none. Raises SavedSessionError."""
    held = [path for path in paths if _is_saved(path)]
    if not held:
        return None
    if len(paths) > 1:
        raise SavedSessionError("a saved session is opened alone; drop its JSON without other files")
    return read(held[0].read_bytes())


def _is_saved(path: Path) -> bool:
    try:
        return path.suffix.lower() == ".json" and path.stat().st_size <= MAX_BYTES and FORMAT.rsplit(" ", 1)[0].encode() in path.read_bytes()
    except OSError:
        return False  # the reader of records says what is wrong with it


def read(raw: bytes) -> Session:
    """A JSON report -> its session: measured, compared and interpreted anew, with its turns; risks are for the model to estimate. Raises SavedSessionError."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SavedSessionError("the saved session is not valid JSON; export it again") from error
    found = document.get("session") if isinstance(document, dict) else None
    if not isinstance(found, dict) or "format" not in found:
        raise SavedSessionError("this JSON holds no session; open one that was exported as JSON by Breathwise")
    if found["format"] != FORMAT:
        raise SavedSessionError(f"this is a {str(found['format'])[:40]!r} and {FORMAT!r} is read; open it with the version that wrote it")
    try:
        patient = _patient(found["patient"])
        turns = _TURNS.validate_python(_cleaned(found["turns"]))
    except SavedSessionError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, ValidationError) as error:
        raise SavedSessionError("the saved session was changed or cut; export it again") from error
    if len(turns) > MAX_TURNS:
        raise SavedSessionError(f"the saved session has {len(turns)} questions; at most {MAX_TURNS} are read")
    return replace(begin(patient), turns=tuple(replace(turn, done=True) for turn in turns))


def _cleaned(found: Any) -> Any:
    """Every text as data: marks that steer a model are broken, the tokens that name facts stay."""
    if isinstance(found, str):
        parts = _TOKEN.split(found[:MAX_TEXT])
        return "".join(part if place % 2 else clean(part) for place, part in enumerate(parts))
    if isinstance(found, dict):
        return {str(key): _cleaned(value) for key, value in found.items()}
    return [_cleaned(one) for one in found] if isinstance(found, list) else found


def _patient(given: dict[str, Any]) -> Patient:
    values: dict[str, Any] = {}
    for name in QUANTITY:
        if given.get(name) is None:
            continue
        value, quantity = float(given[name]), QUANTITY[name]
        if not quantity.low <= value <= quantity.high:
            raise SavedSessionError(f"the saved {quantity.label} is {value:g}; {quantity.low:g} to {quantity.high:g} {quantity.unit} is possible")
        values[name] = value
    values |= {name: tuple(clean(str(one))[:400] for one in given[name][:200]) for name in _WORDS}
    if len(given["blows"]) > MAX_BLOWS:
        raise SavedSessionError(f"the saved session has {len(given['blows'])} blows; at most {MAX_BLOWS} are read")
    return Patient(
        label=clean(str(given["label"])).strip()[:60] or "Patient", sex=Sex(given["sex"]) if given["sex"] else None,
        ancestry=clean(str(given["ancestry"]))[:60] if given["ancestry"] else None,
        smoking_status=Smoking(given["smoking_status"]) if given["smoking_status"] else None,
        reported=_REPORTED.validate_python(given["reported"]), blows=tuple(_blow(one) for one in given["blows"]), **values,
    )  # fmt: skip


def _blow(given: dict[str, Any]) -> Blow:
    time, volume, flow = (_samples(given[name]) for name in ("time_s", "volume_l", "flow_l_s"))
    if not 2 <= len(time) <= MAX_SAMPLES or len(volume) != len(time) or len(flow) != len(time) or np.any(np.diff(time) <= 0):
        raise SavedSessionError("the samples of a saved blow do not fit together; export the session again")
    words = {name: tuple(clean(str(one))[:400] for one in given[name][:50]) for name in ("assumptions", "warnings")}
    state = given["bronchodilator"]
    if state not in (None, "pre", "post"):
        raise SavedSessionError("a saved blow is neither before nor after a bronchodilator; export the session again")
    date = clean(str(given["date"]))[:40] if given["date"] else None
    return Blow(time, volume, flow, clean(str(given["id"]))[:60].strip() or "1", clean(str(given["file"]))[:60], state, date, **words)


def _samples(text: str) -> Array:
    found = np.array([float(one) for one in text.split()], dtype=np.float64)
    if not np.all(np.isfinite(found)) or np.any(np.abs(found) > 1000):
        raise SavedSessionError("a saved blow holds a sample that no blow has; export the session again")
    return found
