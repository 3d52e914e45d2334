"""A value that a message says otherwise than the record: the answer tells whose value it goes by."""

from __future__ import annotations

import re

from assistant.premises import THEN
from encoders.record import label_of
from encoders.teacher.numbers import LABELS, asked_number
from encoders.teacher.view import View

_STATED = re.compile(
    r"\b(?:my|his|her|their|the patient'?s|mum'?s|dad'?s)\s+(?P<name>hba1c|a1c|bmi|weight|height|(?:total |hdl )?cholesterol|hdl|triglycerides|glucose|(?:blood )?sugar|fev ?1|fvc|"
    r"blood pressure|bp|systolic|pulse|heart rate|oxygen|saturations?|sats|peak flow|pef|temperature)(?: level| reading| result| number| figure)?"
    r"\s+(?:(?:is|was|are|were|reads?|measured|came (?:out|back)(?: at| as)?|has gone (?:up|down) to)\s+)(?:(?:now|about|around|at|only|really|actually)\s+)*(?P<value>\d+(?:\.\d+)?)(?![\d.]*\s*(?:%|per ?cent|mmol|sd\b|standard|times|points?|l(?:it\w*)? (?:less|more|below|above|lower|higher)|less|more|to \d|-\s?\d|lbs?\b|pounds?|stone|years?|feet|foot|inch))"
)
_SUPPOSED = re.compile(r"\b(?:if|suppose|assume|pretend|imagine|let'?s say|would|target|goal|limit)\b")
_NOT_COUNTED = "what is typed here is not counted as a measurement. A value is put right under 'Correct what was read'."
NEAR = 2.0  # times the record's value, up to which a number is taken to be in its unit


def stated_otherwise(view: View, question: str, said: str) -> str:
    """That the record says otherwise than a question (small letters), or holds no such value; empty where it says the same. Facts as tokens.

    ``said``: the answer so far.
    """
    found = _STATED.search(question)
    if found is None or _SUPPOSED.search(question) or THEN.search(question):
        return ""
    name, value = asked_number(found["name"]), float(found["value"])
    kin = ("systolic", "diastolic") if name.startswith("systolic") else (name.partition("_")[0],)
    places = len(found["value"].partition(".")[2])
    shown = [_number(fact.text) for fact in view.facts.values() if fact.name.startswith(kin)]
    if name not in LABELS or any(one is not None and abs(one - value) <= 0.5 * 10**-places + 1e-9 for one in shown):  # 34.5 may be called 35
        return ""
    if not view.has(name):
        lacking = re.search(r"\b(?:no|not|lacks?)\b[^.]*\brecord|record[^.]*\b(?:no|not|lacks?)\b", said)
        return "" if lacking else f"The record that is open holds no {_called(name)}, and {_NOT_COUNTED}"
    own = view.facts[name].value
    if not isinstance(own, (int, float)) or not own / NEAR <= value <= own * NEAR:
        return ""
    if view.token(name) in said:
        return f"That is what the record says: {_NOT_COUNTED}"
    return f"The record that is open says {_called(name)} {view.token(name)}, and {_NOT_COUNTED}"


def _called(name: str) -> str:
    """What a value is called within a sentence."""
    label = label_of(name)
    return label if label[:2].isupper() or label.startswith("HbA1c") else f"{label[0].lower()}{label[1:]}"


def _number(text: str) -> float | None:
    """The number that a fact's text begins with."""
    found = re.match(r"-?\d+(?:\.\d+)?", text)
    return float(found[0]) if found else None
