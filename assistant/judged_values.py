"""A value of the record that is asked to be judged ("is my blood pressure ok?", "am I overweight?"): the value, then the limits it is judged by."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import Asking, listed

_OPENS = r"^\W*(?:(?:and|so|but|ok|okay|doctor|then|hi|hello)\b[ ,]*)*"
_JUDGE = re.compile(
    r"\b(?:ok(?:ay)?|normal|high|low|good|bad|fine|dangerous|healthy|worrying|all ?right|raised|elevated|too|a lot|range|concern\w*|worr(?:y|ied)|alarm\w*|serious)\b"
)
_AGAIN = re.compile(
    r"\b(?:re-?check\w*|re-?measur\w*|re-?test\w*|(?:check|measure|test|take|do) (?:it|that|this|them) again|repeat (?:it|that|this|the (?:reading|measurement)))\b"
)
_ALARMS = re.compile(r"\b(?:danger\w*|emergency|hospital|a ?& ?e|ambulance|urgent\w*|worr(?:y|ied|ying)|alarm\w*|serious\w*)\b")
_TABLETS = re.compile(r"\bneeds? (?:to (?:take|be on|start) )?(?:\w+ )?(?:tablets?|medic\w+|pills|meds|drugs|treat\w+)\b")
_OWN = re.compile(_OPENS + r"(?:is|are|was) (?:my|his|her|the|that|this|\d+) ?")
_HOW_BAD = re.compile(r"\bhow (?:worried|concerned|serious|bad|dangerous|alarming|worrying)\b")
_IS = re.compile(
    _OPENS + r"(?:do(?:es)? (?:i|he|she|they) (?:really )?(?:have|suffer from)|have i got|am i|is (?:he|she)|are they|would you say (?:i am|i'm)) "
)
_OF_NUMBER = re.compile(r"\bis (?:an? |the )?(?:\w+ ){0,3}of \d")
_THEN_THAT = re.compile(r"^(?:[^?]{3,40}\?|[^?,.;]{2,30}\d[^?,;]{0,10}[,.;])\s*(?:and |so )?is (?:that|it|this) ")
_OF_THAT = re.compile(
    r"\b(?:is|does) (?:that|this|it|an? [\w .%]{2,24}|(?:his |her |my |the )?hba1c[\w .%]{0,20}|\d[\w .%/]{0,14}) ?(?:mean )?(?:i have |i'm )?(?:a )?(?P<what>diabetes|diabetic|hypertension|high blood pressure|obes\w+|overweight)\b"
)
_PRESSURE = re.compile(r"\b(\d{2,3}) ?(?:/|over) ?\d{2,3}\b")
_TYPED = re.compile(r"\b(\d{2,3}) ?(?:/|over) ?(\d{2,3})\b")
_OTHER_VALUE = re.compile(r"\b(?:peak ?flow|pef|fev ?1|fvc|ratio|heights?|tall|weigh\w*|sats?|oxygen|sugar|glucose|pulse|heart rate)\b")
_PREGNANT = re.compile(r"\bpregnan\w*|\bpost-?natal\b|\bgave birth\b|\bafter (?:the )?birth\b")
_NEXT = re.compile(
    r"\bwhat (?:should|shall|must|do|can|could|would|to|needs? to)\b[^?.]{0,30}\b(?:next|do|about|happen)\b|\bhow (?:urgent|soon|quick|quickly|fast)\b|\bnext step"
)
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
# mmHg: what can be a systolic pressure and, at least, a diastolic one; under and from when on one is low (AHA) or hypertension (ESC 2024); an SpO2 in percent that may need help
PLAUSIBLE, LOWEST, LOW, HIGH, LOW_SATURATION = (60, 260), 30, 90, 140, 92
CHECKED_AGAIN = {
    "systolic_bp_mmhg": ("blood_pressure/bp-levels", 1),
    "spo2_percent": ("pulse_oximetry/how-to-use", 0),
    "hba1c_percent": ("diabetes/hba1c", 2),
}
OF_LOW = {
    "systolic_bp_mmhg": ("blood_pressure/low-danger", (0, 1)),
    "bmi_kg_m2": ("weight/underweight", (0,)),
}  # what a low value means, which the limits do not say


def judged_value(asking: Asking) -> str:
    """The verdict on one value of the record with its limits, passages by id; empty where none is asked for."""
    question, view = asking.question, asking.view
    named, of_that = _IS.match(question), _OF_THAT.search(question)
    pressure = _PRESSURE.search(question)
    systolic = (
        re.search(rf"\b{int(view.facts['systolic_bp_mmhg'].value or 0)}\b(?! ?(?:%|cm|kg|ml|mm|pounds|lbs?|years?|l\b))", question)
        if view.has("systolic_bp_mmhg")
        else None
    )
    if systolic is not None and _OTHER_VALUE.search(question):
        systolic = None
    if _NEXT.search(question) and (re.search(r"blood pressure|\bbp\b|\b\d{2,3}/\d{2,3}\b", question) or systolic) and view.above("systolic_bp_mmhg"):
        return f"{values_in_words(view, ('systolic_bp_mmhg',))} {asking.quote('blood_pressure/bp-levels', 1)} {asking.quote('blood_pressure/bp-lifestyle')} {asking.quote('blood_pressure/crisis')}"
    if pressure and not _RISK.search(question) and f"{pressure[1]} mmHg" == view.text("systolic_bp_mmhg") and (_JUDGE.search(question) or "mean" in question):
        return f"{told_with_limits(asking, 'systolic_bp_mmhg')}{_danger(asking, 'systolic_bp_mmhg')}"
    typed = _TYPED.search(question) if _JUDGE.search(question) and not (_RISK.search(question) or _OTHER_VALUE.search(question) or view.child) else None
    if typed and len(question.split()) <= 14 and PLAUSIBLE[0] <= int(typed[1]) <= PLAUSIBLE[1] and LOWEST <= int(typed[2]) < int(typed[1]):
        return _of_typed(asking, int(typed[1]))  # of a pressure that is typed and not the record's
    again = _again(asking) if _AGAIN.search(question) else ""
    if again:
        return again
    if _TABLETS.search(question) and view.has("systolic_bp_mmhg") and (pressure or re.search(r"blood pressure|\bbp\b", question)):
        return f"{values_in_words(view, ('systolic_bp_mmhg',))} {asking.quote('blood_pressure/bp-lifestyle', 2)} Whether tablets are needed is for a clinician to decide, after more than one reading."
    if (
        not (
            named
            or of_that
            or (_HOW_BAD.search(question) and (re.search(r"\d", question) or re.search(r"\b(?:my|his|her|that|this)\b", question)))
            or ((_OWN.match(question) or _THEN_THAT.match(question) or _OF_NUMBER.search(question)) and _JUDGE.search(question))
        )
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
        limits = _limits(asking, name, passage, n) if view.has(name) and name != "glucose_mg_dl" else ""  # the passage's limits are those of HbA1c
        said = f"{own}{values_in_words(view, (name,))} {limits}{_danger(asking, name)}"
        return f"{said} One value alone makes no diagnosis." if (named or of_that) and view.has(name) and conditions and not own else said
    return ""


def asks_how_soon(question: str) -> bool:
    """Whether a question (small letters) asks how soon something must be seen to."""
    return re.search(r"\bhow (?:urgent|soon|quick|quickly|fast)\b", question) is not None


def told_with_limits(asking: Asking, name: str) -> str:
    """One value of the record and, where the library holds them, the limits it is judged by; passages by id."""
    passage, n = next(((passage, n) for _, names, (passage, n), _ in _RECORD if names[0] == name), ("", 0))
    return f"{values_in_words(asking.view, (name,))} {_limits(asking, name, passage, n) if passage else ''}".strip()


def _of_typed(asking: Asking, systolic: int) -> str:
    """What a blood pressure that is only typed means: where it is low what is dangerous, else the limits, and from when on it is an emergency where that is asked."""
    if systolic < LOW:
        return " ".join(asking.quote("blood_pressure/low-danger", n) for n in (0, 1))
    alarms = _crisis(asking) if systolic >= HIGH and (_ALARMS.search(asking.question) or _PREGNANT.search(asking.question)) else ""
    return f"{asking.quote('blood_pressure/bp-levels')}{alarms}"


def _again(asking: Asking) -> str:
    """How a value that is named is measured again; empty where none is named that the library speaks of."""
    view = asking.view
    for words, names, _, _ in _RECORD:
        name = next((one for one in names if view.has(one) and one in CHECKED_AGAIN), "") if re.search(words, asking.question) else ""
        if not name:
            continue
        if name in OF_LOW and view.below(name):
            return told_with_limits(asking, name)
        passage, n = CHECKED_AGAIN[name]
        off = any(view.status(one) not in ("normal", "") for one in ((name, "diastolic_bp_mmhg") if name == "systolic_bp_mmhg" else (name,)))
        head = "Yes, a value outside its limits is worth a second look. " if off else ""
        low = name == "spo2_percent" and (view.facts[name].value or 100.0) <= LOW_SATURATION
        return f"{head}{values_in_words(view, (name,))} {asking.quote(passage, n)}{' ' + asking.quote('when_to_seek_care/emergency-breath') if low else ''}"
    return ""


def _danger(asking: Asking, name: str) -> str:
    """From when on a high blood pressure is an emergency, where it is asked whether it is dangerous."""
    view = asking.view
    high = name == "systolic_bp_mmhg" and not view.child and (view.above(name) or view.above("diastolic_bp_mmhg"))
    return _crisis(asking) if high and (_ALARMS.search(asking.question) or _PREGNANT.search(asking.question)) else ""


def _crisis(asking: Asking) -> str:
    pregnant = _PREGNANT.search(f"{asking.question} {asking.view.text('conditions').lower()}")
    return f" {asking.quote('blood_pressure/crisis', 3 if pregnant else 0)}"


def _limits(asking: Asking, name: str, passage: str, n: int) -> str:
    """The sentence with the limits of a value; where the value is low, what that means."""
    passage, places = OF_LOW[name] if name in OF_LOW and asking.view.below(name) else (passage, (n,))
    return " ".join(asking.quote(passage, place) for place in places)
