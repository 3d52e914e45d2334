"""What was read and assumed, confirmed or corrected in place: the form, and the patient that comes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np

from assistant.interface import panels
from assistant.interface.desk import Desk
from assistant.record_cells import in_own_unit, name_of, unit_of, units_of
from assistant.session import Seen, Session, Turn
from encoders.faults import InputError
from encoders.record import QUANTITY, Patient, Sex
from encoders.spirogram.grid import slope_of
from encoders.spirogram.read import Blow

SEXES = [("Female", "female"), ("Male", "male")]
HEIGHT_UNITS = {"cm": "", "m": "m", "inches": "inches", "feet": "feet"}  # the form's word -> intake's
CURVE_UNITS = {  # what the numbers of the curve files are -> (the factor of volumes and flows, which agree with each other, and what it is called)
    "": (1.0, "as they were read"), "ml": (1 / 1000, "millilitres, not litres"), "l": (1000.0, "litres, not millilitres"),
    "l/min": (1 / 60, "litres a minute, not litres a second"), "l/s": (60.0, "litres a second, not litres a minute"),
}  # fmt: skip
LITRES = (0.1, 12.0)  # what a person can breathe out, as for a record
SECONDS = (0.3, 600.0)  # how long a spirogram lasts, as for a file
HERTZ = (20.0, 1000.0)  # samples a second, as for a file
INTEGRATED = "volume was integrated from flow"  # as ``encoders.spirogram.units`` says it
OWN_SLOPE = (0.5, 2.0)  # a flow so many times the slope of its volume goes with the time; another was measured by itself
SAME_RATE = 0.01  # share by which the form's rounded number of samples may differ
FIELDS = 14  # components of the form, in the order of ``form``
CONFIRMED = " (confirmed)"
GUESSED_UNIT = "taken to be in"  # in the sentence of an assumption
BY_HAND = "corrected by hand: "
CORRECTION = "correction"  # the intent of the turn that marks one in the conversation
ROUNDED = 0.05  # what the form shows rounded is not a correction


class CorrectionError(InputError):
    """A correction that cannot be: one plain sentence."""


@dataclass(frozen=True)
class Correction:
    """The form as a person left it. ``after`` and ``used`` are places among the blows (or recorded tests) as the files gave them.

    ``field`` is another value that was read, which is ``value`` in ``unit``; ``curve_unit`` a key of ``CURVE_UNITS``; ``hertz``
    the samples a second of the curves, by which a unit of time is put right: each unit is a number of samples.
    """

    sex: str | None
    age_years: float | None
    height: float | None
    height_unit: str
    after: Sequence[str]
    used: Sequence[str]
    field: str | None = None
    value: float | None = None
    unit: str | None = None
    curve_unit: str | None = ""
    hertz: float | None = None


def form(desk: Desk) -> tuple[Any, ...]:
    """The form filled with what the patient is taken to be: (assumed, confirm, accordion, sex, age, height, unit, after, used, another value: field, number,
    unit; unit of the curves, their samples a second)."""
    read, now = desk.read, desk.session.patient if desk.session is not None else None
    if read is None or now is None:
        return blank()
    tests = _tests(read)
    labels = [(_label(test, number, bool(read.blows)), str(number)) for number, test in enumerate(tests)]
    kept = _kept(read, now)
    state = {number: test.bronchodilator for number, test in zip(kept, _tests(now), strict=True)}
    after = [str(number) for number, test in enumerate(tests) if state.get(number, test.bronchodilator) == "post"]
    open_unit = any(GUESSED_UNIT in one and not one.endswith(CONFIRMED) for one in now.assumptions)
    in_hand = open_unit or None in (now.sex, now.age_years, now.height_cm) or any(one.startswith(BY_HAND) for one in now.assumptions)
    held = held_values(now)
    assumed = panels.assumed(now)
    return (
        gr.update(value=assumed, visible=bool(assumed)), gr.update(visible=bool(assumed) and not _is_confirmed(now)), gr.update(open=in_hand),
        now.sex.value if now.sex else None, None if now.age_years is None else round(now.age_years, 1),
        None if now.height_cm is None else round(now.height_cm, 1), "cm",
        gr.update(choices=labels, value=after, visible=bool(labels)),
        gr.update(choices=labels, value=[str(number) for number in kept], visible=len(read.blows) > 1),
        gr.update(choices=[(f"{name_of(field)}: {value:.4g} {unit_of(field)}", field) for field, value in held.items()], value=None, visible=bool(held)),
        gr.update(value=None, visible=False), gr.update(choices=[], value=None, visible=False), gr.update(value="", visible=bool(read.blows)),
        gr.update(value=_rounded_rate(read.blows[0]) if read.blows else None, visible=bool(read.blows)),
    )  # fmt: skip


def chosen(field: str | None, desk: Desk | None) -> tuple[Any, Any]:
    """The number and the units of the value that is to be corrected, for the form."""
    held = held_values(desk.session.patient) if desk is not None and desk.session is not None else {}
    if field not in held:
        return gr.update(value=None, visible=False), gr.update(choices=[], value=None, visible=False)
    return gr.update(value=float(f"{held[field]:.4g}"), visible=True), gr.update(choices=units_of(field), value=unit_of(field), visible=True)


def blank() -> tuple[Any, ...]:
    """The form about nobody."""
    none = gr.update(choices=[], value=[], visible=False)
    return (
        gr.update(value="", visible=False),
        gr.update(visible=False),
        gr.update(open=False),
        None,
        None,
        None,
        "cm",
        none,
        none,
        none,
        *chosen(None, None),
        gr.update(value="", visible=False),
        gr.update(value=None, visible=False),
    )


def held_values(patient: Patient) -> dict[str, float]:
    """The values that were read beside age and height, which have places of their own; those of a recorded test where there is one."""
    names = [name for name in QUANTITY if name not in ("age_years", "height_cm", "bmi_kg_m2")]
    found = {name: getattr(patient, name) for name in names}
    if len(patient.reported) == 1:
        found |= {name: getattr(patient.reported[0], name) for name in ("fev1_l", "fvc_l", "fev1_fvc", "pef_l_s")}
    return {name: value for name, value in found.items() if value is not None}


def in_units(read: Patient, now: Patient, wanted: Correction) -> tuple[Patient, Patient, list[str]]:
    """(read, now, what changed in words) after the units of the curves and of another value were put right.

    Raises a ValueError with one plain sentence for what no person has.
    """
    said: list[str] = []
    factor, called = CURVE_UNITS[wanted.curve_unit or ""]
    if read.blows and factor != 1.0:
        read, now = _with_blows(read, now, [_scaled(blow, factor, called) for blow in read.blows])
        said.append(f"the curves are in {called}")
    if read.blows and wanted.hertz is not None and abs(wanted.hertz - (rate := read.blows[0].sampling_hz)) > SAME_RATE * rate:
        if not HERTZ[0] <= wanted.hertz <= HERTZ[1]:
            raise CorrectionError(f"{wanted.hertz:g} samples a second is not possible; {HERTZ[0]:g} to {HERTZ[1]:g} is read: check the unit of time")
        read, now = _with_blows(read, now, [_stretched(blow, rate / wanted.hertz) for blow in read.blows])
        said.append(f"the curves have {wanted.hertz:g} samples a second")
    field, held = wanted.field or "", held_values(now)
    if field in held and wanted.value is not None:
        value = round(in_own_unit(field, float(wanted.value), (wanted.unit or unit_of(field)).lower(), "here", []), 6)
        if abs(value - held[field]) > 1e-3 * abs(held[field]):
            said.append(f"{name_of(field)} is {value:.4g} {unit_of(field)}")
            if field in QUANTITY:
                own: dict[str, Any] = {field: value, **({"bmi_kg_m2": None} if field == "weight_kg" and _bmi_follows(now) else {})}
                now = replace(now, **own)
            else:
                of_test: dict[str, Any] = {field: value}
                read, now = (replace(one, reported=(replace(one.reported[0], **of_test),)) for one in (read, now))
                test = now.reported[0]
                if test.fev1_l and test.fvc_l and test.fev1_l > test.fvc_l:
                    raise CorrectionError(f"FEV1 would be {test.fev1_l:g} L, larger than FVC with {test.fvc_l:g} L, which is not possible; check both")
    by_hand = tuple(f"{BY_HAND}{one}" for one in said)
    return read, replace(now, assumptions=(*now.assumptions, *by_hand)) if said else now, said


def _with_blows(read: Patient, now: Patient, blows: Sequence[Blow]) -> tuple[Patient, Patient]:
    """Both with the blows that ``read`` has now, in its order; what a person said of a blow before stays."""
    new = {id(old.volume_l): blow for old, blow in zip(read.blows, blows, strict=True)}
    kept = tuple(replace(new[id(one.volume_l)], bronchodilator=one.bronchodilator) for one in now.blows)
    return replace(read, blows=tuple(blows)), replace(now, blows=kept)


def _rounded_rate(blow: Blow) -> float:
    return float(f"{blow.sampling_hz:.4g}")


def _stretched(blow: Blow, factor: float) -> Blow:
    """The blow lasting ``factor`` times as long. A flow that is the slope of the volume falls; a volume that was reckoned from flow grows."""
    lasts = float(blow.time_s[-1]) * factor
    if not SECONDS[0] <= lasts <= SECONDS[1]:
        raise CorrectionError(f"blow {blow.id} would last {lasts:.3g} s; a spirogram lasts from {SECONDS[0]:g} to {SECONDS[1]:g} s: check the unit of time")
    longer = replace(blow, time_s=blow.time_s * factor)
    if INTEGRATED in blow.assumptions:
        top = float(blow.volume_l.max()) * factor
        if not LITRES[0] <= top <= LITRES[1]:
            raise CorrectionError(f"blow {blow.id} would reach {top:.3g} L; {LITRES[0]:g} to {LITRES[1]:g} L is possible: check the unit of time")
        return replace(longer, volume_l=blow.volume_l * factor)
    slope = np.gradient(blow.volume_l, blow.time_s)
    agrees = float(np.dot(blow.flow_l_s, slope)) / max(float(np.dot(slope, slope)), 1e-12)
    return replace(longer, flow_l_s=slope_of(longer.volume_l, longer.time_s)) if OWN_SLOPE[0] < agrees < OWN_SLOPE[1] else longer


def _scaled(blow: Blow, factor: float, called: str) -> Blow:
    top = float(blow.volume_l.max()) * factor
    if not LITRES[0] <= top <= LITRES[1]:
        raise CorrectionError(f"blow {blow.id} would reach {top:.3g} L if it were in {called}; {LITRES[0]:g} to {LITRES[1]:g} L is possible: check the unit")
    return replace(blow, volume_l=blow.volume_l * factor, flow_l_s=blow.flow_l_s * factor)


def _bmi_follows(patient: Patient) -> bool:
    """Whether the body mass index is that of height and weight: then it moves with them."""
    follows = replace(patient, bmi_kg_m2=None).bmi_kg_m2
    return patient.bmi_kg_m2 is None or (follows is not None and abs(patient.bmi_kg_m2 - follows) < ROUNDED)


def apply(read: Patient, now: Patient, wanted: Correction) -> tuple[Patient, list[str]]:
    """The patient with the corrections, and what each changed, in words. ``read`` is as the files gave it, ``now`` as it is taken to be.

    Raises a ValueError with one plain sentence for what no person has, and where no blow would be left.
    """
    said: list[str] = []
    found: dict[str, Any] = {}
    sex = Sex(wanted.sex) if wanted.sex else None
    if sex != now.sex:
        found["sex"] = sex
        said.append(f"sex is {sex.value if sex else 'not known'}")
    age = _number("age_years", wanted.age_years, "")
    if _differs(age, now.age_years):
        found["age_years"] = age
        said.append("age is not known" if age is None else f"age is {age:g} years")
    height = _number("height_cm", wanted.height, HEIGHT_UNITS[wanted.height_unit])
    if _differs(height, now.height_cm):
        found["height_cm"] = height
        said.append("height is not known" if height is None else f"height is {height:.1f} cm")
        if _bmi_follows(now):
            found["bmi_kg_m2"] = None  # it follows from height and weight, and does so again
    tests = _tests(read)
    kept, before = _kept(read, now), _tests(now)
    used = [number for number in range(len(tests)) if str(number) in wanted.used] if len(read.blows) > 1 else kept
    if tests and not used:
        raise CorrectionError("no blow is left; choose at least one that counts")
    states = {number: test.bronchodilator for number, test in zip(kept, before, strict=True)}
    new = []
    for number in used:
        old = states.get(number, tests[number].bronchodilator)
        state = "post" if str(number) in wanted.after else "pre" if old == "post" else old
        if state != old:
            said.append(f"{_label(tests[number], number, bool(read.blows), state=False)} was {'after' if state == 'post' else 'before'} a bronchodilator")
        new.append(replace(tests[number], bronchodilator=state))
    if used != kept:
        out = [_label(tests[number], number, True, state=False) for number in range(len(tests)) if number not in used]
        said.append(f"{', '.join(out)} {'do' if len(out) > 1 else 'does'} not count" if out else "every blow counts")
    if not said:
        return now, []
    found["blows" if read.blows else "reported"] = tuple(new)
    by_hand = tuple(f"{BY_HAND}{one}" for one in said)
    return replace(now, **found, assumptions=(*now.assumptions, *by_hand)), said


def carry(before: Session, after: Session, said: Sequence[str]) -> Session:
    """The conversation beside the new measurement. Earlier answers stay to be read, but the model does not look back at them: their values are old."""
    if not before.turns:
        return after
    old = tuple(replace(turn, seen=replace(turn.seen, raw="", said="")) for turn in before.turns)
    words = "It was measured again with this. The answers above rest on the values before; ask again what matters."
    mark = Turn(f"Corrected: {'; '.join(said)}.", words, seen=Seen(intent=CORRECTION), done=True)
    return replace(after, turns=(*old, mark))


def confirmed(session: Session) -> Session:
    """Every assumption marked as confirmed."""
    marked = tuple(one if one.endswith(CONFIRMED) or one.startswith(BY_HAND) else one + CONFIRMED for one in session.patient.assumptions)
    return replace(session, patient=replace(session.patient, assumptions=marked))


def _is_confirmed(patient: Patient) -> bool:
    return all(one.endswith(CONFIRMED) or one.startswith(BY_HAND) for one in patient.assumptions)


def _number(field: str, value: float | None, unit: str) -> float | None:
    return None if value is None else in_own_unit(field, float(value), unit, "here", [])


def _differs(new: float | None, old: float | None) -> bool:
    return (new is None) != (old is None) or (new is not None and old is not None and abs(new - old) > ROUNDED)


def _tests(patient: Patient) -> Sequence[Any]:
    """The blows, or the tests that stand in the record where there is none: each knows whether it was before or after a bronchodilator."""
    return patient.blows or patient.reported


def _kept(read: Patient, now: Patient) -> list[int]:
    """The places in ``read`` of the tests that ``now`` still has."""
    if not read.blows:
        return list(range(len(read.reported)))
    curves = [id(blow.volume_l) for blow in now.blows]
    return [number for number, blow in enumerate(read.blows) if id(blow.volume_l) in curves]


def _label(test: Any, number: int, is_blow: bool, *, state: bool = True) -> str:
    name = f"blow {test.id}" if is_blow else f"the recorded test {number + 1}"
    date: dt.date | str | None = test.date
    said = [str(date)] if date else []
    if state:
        said += [f"read as {test.bronchodilator}"] if test.bronchodilator else []
    return f"{name} ({', '.join(said)})" if said else name
