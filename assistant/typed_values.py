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
    r"\s+(?:(?:is|was|are|were|reads?|measured|came (?:out|back)(?: at| as)?|has gone (?:up|down) to)\s+)(?:(?:now|about|around|at|only|really|actually)\s+)*(?P<value>\d+(?:\.\d+)?)(?![\d.]*\s*(?:%|per ?cent|mmol))"
)
_SUPPOSED = re.compile(r"\b(?:if|suppose|assume|pretend|imagine|let'?s say|would|target|goal|limit)\b")
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
    if name not in LABELS or any(_number(fact.text) == value for fact in view.facts.values() if fact.name.startswith(kin)):
        return ""
    if not view.has(name):
        return (
            ""
            if re.search(r"\b(?:no|not|lacks?)\b[^.]*\brecord|record[^.]*\b(?:no|not|lacks?)\b", said)
            else f"The record that is open holds no {_called(name)}, {_NOT_COUNTED}"
        )
    own = view.facts[name].value
    if not isinstance(own, (int, float)) or not own / NEAR <= value <= own * NEAR:
        return ""
    return f"The record that is open says {_called(name)} {view.token(name)}, {_NOT_COUNTED}"


_NOT_COUNTED = "and what is typed here is not counted as a measurement: a value is put right under 'Correct what was read'."


def _called(name: str) -> str:
    label = label_of(name)
    return label if label[:2].isupper() or label.startswith("HbA1c") else f"{label[0].lower()}{label[1:]}"


def _number(text: str) -> float | None:
    found = re.match(r"-?\d+(?:\.\d+)?", text)
    return float(found[0]) if found else None
