"""A value of the record that is asked to be judged ("is my blood pressure ok?", "am I overweight?"): the value, then the limits it is judged by."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import Asking, listed

_OPENS = r"^\W*(?:(?:and|so|but|ok|okay|doctor|then|hi|hello)\b[ ,]*)*"
_JUDGE = re.compile(
    r"\b(?:ok(?:ay)?|normal|high|low|good|bad|fine|dangerous|healthy|worrying|all ?right|raised|elevated|too|a lot|range|concern\w*|worry|alarm\w*)\b"
)
_OWN = re.compile(_OPENS + r"(?:is|are|was) (?:my|his|her|the|that|this|\d+) ?")
_IS = re.compile(
    _OPENS + r"(?:do(?:es)? (?:i|he|she|they) (?:really )?(?:have|suffer from)|have i got|am i|is (?:he|she)|are they|would you say (?:i am|i'm)) "
)
_OF_NUMBER = re.compile(r"\bis (?:an? |the )?(?:\w+ ){0,3}of \d")
_THEN_THAT = re.compile(r"^(?:[^?]{3,40}\?|[^?,.;]{2,30}\d[^?,;]{0,10}[,.;])\s*(?:and |so )?is (?:that|it|this) ")
_OF_THAT = re.compile(
    r"\b(?:is|does) (?:that|this|it|an? [\w .%]{2,24}|(?:his |her |my |the )?hba1c[\w .%]{0,20}|\d[\w .%/]{0,14}) ?(?:mean )?(?:i have |i'm )?(?:a )?(?P<what>diabetes|diabetic|hypertension|high blood pressure|obes\w+|overweight)\b"
)
_PRESSURE = re.compile(r"\b(\d{2,3}) ?(?:/|over) ?\d{2,3}\b")
_NEXT = re.compile(r"\bwhat (?:should|shall|must|do|can|could|would|to|needs? to)\b[^?.]{0,30}\b(?:next|do|about|happen)\b|\bhow (?:urgent|soon)\b|\bnext step")
_OXYGEN_TO_TAKE = re.compile(r"\b(?:home oxygen|oxygen (?:at home|therapy|tank|cylinder|concentrator|bottle))\b|\bneeds? (?:\w+ ){0,2}oxygen\b")
_RISK = re.compile(r"\b(?:risks?|chances?|odds|likel\w+|probab\w+)\b")
_RECORD = (  # what it goes by, the facts in order of preference, the passage and sentence with the limits, the condition
    (r"blood pressure|\bbp\b|hypertens", ("systolic_bp_mmhg",), ("blood_pressure/bp-levels", 0), ("hypertension", "high blood pressure")),
    (r"blood sugar|\bsugars?\b|glucose|hba1c|\ba1c\b|diabet", ("hba1c_percent", "glucose_mg_dl"), ("diabetes/hba1c", 1), ("diabetes",)),
    (r"cholesterol", ("total_cholesterol_mg_dl",), ("cholesterol/lipids", 0), ("cholesterol",)),
    (r"\bbmi\b|body mass|weight\b|over ?weight|under ?weight|obes\w+|too (?:fat|heavy|thin)", ("bmi_kg_m2",), ("weight/bmi", 0), ("obesity",)),
    (r"pack[- ]?years?", ("pack_years",), ("smoking/pack-years", 2), ()),
    (r"heart rate|pulse", ("heart_rate_bpm",), ("heart_rate/resting", 0), ()),
    (r"\boxygen (?:level|reading|number|figure|saturation|says?|reads?|shows?|is|was|of|at)\b(?! (?:on|up|flow))|spo2|saturation|\bsats?\b", ("spo2_percent",), ("pulse_oximetry/what-is-spo2", 1), ()),
    (r"breathing rate|respiratory rate", ("respiratory_rate_bpm",), ("breathlessness/breathing-rate", 0), ()),
)  # fmt: skip


def judged_value(asking: Asking) -> str:
    """The verdict on one value of the record with its limits, passages by id; empty where none is asked for."""
    question, view = asking.question, asking.view
    named, of_that = _IS.match(question), _OF_THAT.search(question)
    pressure = _PRESSURE.search(question)
    if _NEXT.search(question) and re.search(r"blood pressure|\bbp\b|\b\d{2,3}/\d{2,3}\b", question) and view.above("systolic_bp_mmhg"):
        return f"{values_in_words(view, ('systolic_bp_mmhg',))} {asking.quote('blood_pressure/bp-levels', 1)} {asking.quote('blood_pressure/bp-lifestyle')} {asking.quote('blood_pressure/crisis')}"
    if pressure and not _RISK.search(question) and f"{pressure[1]} mmHg" == view.text("systolic_bp_mmhg") and (_JUDGE.search(question) or "mean" in question):
        return f"{values_in_words(view, ('systolic_bp_mmhg',))} {asking.quote('blood_pressure/bp-levels')}"
    if (
        not (named or of_that or ((_OWN.match(question) or _THEN_THAT.match(question) or _OF_NUMBER.search(question)) and _JUDGE.search(question)))
        or len(question.split()) > 14
        or _RISK.search(question)
        or _OXYGEN_TO_TAKE.search(question)
    ):
        return ""
    for words, names, (passage, n), conditions in _RECORD:
        if not re.search(words, question) or (
            named and not re.match(rf"{_IS.pattern}(?:a |an |too |very |any )?(?:high |raised |type (?:1|2|one|two) )?(?:{words})", question) and not of_that
        ):
            continue
        name = next((one for one in names if view.has(one)), names[0])
        own = f"Your record lists {conditions[0]}. " if named and conditions and listed(view, *conditions) else ""
        limits = asking.quote(passage, n) if view.has(name) and name != "glucose_mg_dl" else ""  # the passage's limits are those of HbA1c
        said = f"{own}{values_in_words(view, (name,))} {limits}"
        return f"{said} One value alone makes no diagnosis." if (named or of_that) and view.has(name) and conditions and not own else said
    return ""


def told_with_limits(asking: Asking, name: str) -> str:
    """One value of the record and, where the library holds them, the limits it is judged by; passages by id."""
    passage, n = next(((passage, n) for _, names, (passage, n), _ in _RECORD if names[0] == name), ("", 0))
    return f"{values_in_words(asking.view, (name,))} {asking.quote(passage, n) if passage else ''}".strip()
