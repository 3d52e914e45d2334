"""A value of the record that is asked to be judged ("is my blood pressure ok?", "am I overweight?"): the value, then the limits it is judged by."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import Asking, listed
from assistant.judged_pressure import CHECKED, JUDGE, LIMITS, SYSTOLIC, judged_pressure, limits, of_danger
from assistant.lowered_values import lowered

_AND = r"^\W*(?:and|so|but|ok|okay)\b[ ,]*"
_OPENS = r"^\W*(?:(?:and|so|but|ok|okay|doctor|then|hi|hello)\b[ ,]*)*"
_AGAIN = re.compile(
    r"\b(?:re-?check\w*|re-?measur\w*|re-?test\w*|(?:check|measure|test) (?:it|that|this|them) again|(?:take|do) (?:another|a second) (?:reading|measurement)|repeat (?:it|that|this|the (?:reading|measurement)))\b"
)
_WORRIES = re.compile(
    r"\b(?:should|do|need|must|ought) (?:i|we|he|she|they)\b[^?.]{0,24}\b(?:worr\w+|concern\w*|alarm\w*)\b|\b(?:cause|reason) for (?:concern|alarm|worry)\b|\b(?:anything|something|one) to worry\b|\bworr(?:y|ied|ying) about (?:a |an |my |his |her |the |that )|\bshould (?:it|that|this|they) (?:worry|concern|alarm|bother) (?:me|us|him|her|them)\b"
)
_SEE_SOMEBODY = re.compile(
    r"\b(?:should|do|need|must) (?:i|we|he|she|they)\b[^?.]{0,12}\b(?:see|tell|ring|call) (?:a |the |my |his |her )?(?:somebody|someone|doctor|gp|anyone|anybody|nurse)\b"
)
_LAST_VERDICT = re.compile(  # after what tells of a value: "my husband brushes off his blood pressure. Is it too high?"
    r"[.!?;,]\s+(?:and |so |but )?(?:is|was) (?:it|that|this) (?:too |really |very |a bit )*(?:high|low|ok(?:ay)?|normal|fine|bad|good|dangerous|worrying|al(?:l ?)?right|raised)\b[^?.]{0,16}\W*$"
)
_LOOKS = re.compile(
    r"\bhow (?:does|do|is|are) (?:mine|hers|his|theirs|(?:my|his|her|the) (?:numbers|values|figures|one))\b|\bwhat do (?:my|his|her|the) (?:numbers|values|figures) say\b|\bany (?:signs?|hints?|traces?) (?:of|that)\b"
)
_THAT_TOO = re.compile(_AND + r"(?:what about |how about )?(?:the|my|his|her|their) [\w ]{2,24}, (?:is|was|are) (?:that|it|they|this) ")
_WHAT_TO_DO = re.compile(
    r"\bwhat (?:can|could|should|do|must) (?:i|we|he|she|they)\b[^?.]{0,12}\bdo\b|\banything (?:i|we|he|she|they) (?:can|could|should) do\b"
)
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
_TAKEN = re.compile(r"\b(?:tablets?|pills?|dos\w*|medic\w*|inhalers?|puffs?|forg[eo]t\w*|missed)\b")
_OF_LOW_SATURATION = re.compile(r"(?<![\d.])(?:[5-8]\d|9[0-2])(?![\d.])")
_OXYGEN_TO_TAKE = re.compile(r"\b(?:home oxygen|oxygen (?:at home|therapy|tank|cylinder|concentrator|bottle))\b|\bneeds? (?:\w+ ){0,2}oxygen\b")
_RISK = re.compile(r"\b(?:risks?|chances?|odds|likel\w+|probab\w+)\b")
_RECORD = (  # what it goes by, the facts in order of preference, the passage and sentence with the limits, the condition
    (r"blood pressure|\bbp\b|hypertens|systolic|diastolic|\b(?:top|upper|bottom|lower) (?:number|figure|reading|one)\b", (SYSTOLIC,), LIMITS, ("hypertension", "high blood pressure")),
    (r"\bglucose\b", ("glucose_mg_dl",), ("diabetes/glucose", 0), ("diabetes",)),
    (r"blood sugar|\bsugars?\b|hba1c|\ba1c\b|diabet", ("hba1c_percent", "glucose_mg_dl"), ("diabetes/hba1c", 1), ("diabetes",)),
    (r"cholesterol", ("total_cholesterol_mg_dl",), ("cholesterol/lipids", 0), ("cholesterol",)),
    (r"\bbmi\b|body mass|weight\b|over ?weight|under ?weight|obes\w+|too (?:fat|heavy|thin)", ("bmi_kg_m2",), ("weight/bmi", 0), ("obesity",)),
    (r"pack[- ]?years?", ("pack_years",), ("smoking/pack-years", 2), ()),
    (r"heart rate|pulse", ("heart_rate_bpm",), ("heart_rate/resting", 0), ()),
    (r"\boxygen (?:level|reading|number|figure|saturation|says?|reads?|shows?|is|was|of|at)\b(?! (?:on|up|flow))|spo2|saturation|\bsats?\b", ("spo2_percent",), ("pulse_oximetry/what-is-spo2", 1), ()),
    (r"creatinine|\bcreat\b", ("creatinine_mg_dl",), ("kidney/creatinine-range", 0), ()),
    (r"breathing rate|respiratory rate", ("respiratory_rate_bpm",), ("breathlessness/breathing-rate", 0), ()),
)  # fmt: skip
FROM_FIVE, FROM_TEN = 5, 10  # years, from which the library has a usual pulse of children, and another one
CREATININE = {"male": (0.7, 1.3), "female": (0.6, 1.1)}  # mg/dL, usual in adults (MedlinePlus)
_OF_KIN = re.compile(r"\b(?:my|his|her) (?:brother|sister|friend|neighbour|colleague|uncle|aunt|cousin)\b")
VERY_HIGH_GLUCOSE = 250  # mg/dL, from which the ADA has ketones looked for
LOW_SATURATION = 92  # percent, from which down an SpO2 may need help
LONGEST = 14  # words of a question for a verdict by itself
CHECKED_AGAIN = {
    SYSTOLIC: CHECKED,
    "spo2_percent": ("pulse_oximetry/how-to-use", 0),
    "hba1c_percent": ("diabetes/hba1c", 2),
}
OF_LOW = {"bmi_kg_m2": ("weight/underweight", (0,)), "heart_rate_bpm": ("heart_rate/slow", (0, 1))}  # what a low value means, which the limits do not say


def judged_value(asking: Asking) -> str:
    """The verdict on one value of the record with its limits, passages by id; empty where none is asked for."""
    question, view = asking.question, asking.view
    named, of_that = _IS.match(question), _OF_THAT.search(question)
    of_pressure = judged_pressure(asking)
    if of_pressure:
        return of_pressure
    again = _again(asking) if _AGAIN.search(question) and not _TAKEN.search(question) else ""
    if again:
        return again
    plainly = asks_plainly(question)
    if (
        not (
            named
            or of_that
            or plainly
            or (_HOW_BAD.search(question) and (re.search(r"\d", question) or re.search(r"\b(?:my|his|her|that|this)\b", question)))
            or ((_OWN.match(question) or _THEN_THAT.match(question) or _OF_NUMBER.search(question)) and JUDGE.search(question))
        )
        or (len(question.split()) > LONGEST and not plainly)
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
        if name == "glucose_mg_dl" and _HOW_BAD.search(question) and (view.facts[name].value or 0.0 if view.has(name) else 0.0) >= VERY_HIGH_GLUCOSE:
            return ""  # what is dangerous is for the library
        own = f"Your record lists {conditions[0]}. " if named and conditions and listed(view, *conditions) else ""
        judged_by = _limits(asking, name, passage, n) if view.has(name) else ""
        if name == "spo2_percent" and view.below(name):
            judged_by = f"{judged_by} {asking.quote('pulse_oximetry/how-to-use')} {asking.quote('pulse_oximetry/when-to-call', 2)}"
        lower = lowered(asking, question) if _WHAT_TO_DO.search(question) else ""
        said = f"{own}{values_in_words(view, (name,))} {judged_by} {danger_of(asking, name) if view.has(name) else ''} {lower.removeprefix(values_in_words(view, (name,)))}".strip()
        return f"{said} One value alone makes no diagnosis." if (named or of_that) and view.has(name) and conditions and not own else said
    return ""


def asks_plainly(question: str) -> bool:
    """Whether a question (small letters) names one value of the record and plainly asks for a verdict on it, whatever else it tells."""
    if len({names[-1] for words, names, *_ in _RECORD if re.search(words, question)}) != 1:
        return False
    if _OWN.match(question) and _OF_NUMBER.search(question) and JUDGE.search(question) and not _OF_KIN.search(question):
        return True
    return any(pattern.search(question) for pattern in (_LAST_VERDICT, _LOOKS, _WORRIES, _SEE_SOMEBODY, _THAT_TOO))


def _beside_range(asking: Asking) -> str:
    """How a creatinine lies beside what is usual in adults of this sex."""
    usual, value = CREATININE.get(asking.session.patient.sex or ""), asking.view.facts["creatinine_mg_dl"].value
    if usual is None or value is None:
        return ""
    if usual[0] <= value <= usual[1]:
        return "Yours lies within that."
    return f"Yours lies {'above' if value > usual[1] else 'below'} that, so show it to a clinician{' soon' if value > usual[1] else ''}."


def told_with_limits(asking: Asking, name: str) -> str:
    """One value of the record and, where the library holds them, the limits it is judged by; passages by id."""
    passage, n = next(((passage, n) for _, names, (passage, n), _ in _RECORD if names[0] == name), ("", 0))
    return f"{values_in_words(asking.view, (name,))} {_limits(asking, name, passage, n) if passage else ''}".strip()


def _again(asking: Asking) -> str:
    """How a value that is named is measured again; empty where none is named that the library speaks of."""
    view = asking.view
    for words, names, _, _ in _RECORD:
        name = next((one for one in names if view.has(one) and one in CHECKED_AGAIN), "") if re.search(words, asking.question) else ""
        if not name:
            continue
        if view.below(name) and name != "spo2_percent":
            return told_with_limits(asking, name)
        passage, n = CHECKED_AGAIN[name]
        off = any(view.status(one) not in ("normal", "") for one in ((name, "diastolic_bp_mmhg") if name == SYSTOLIC else (name,)))
        head = "Yes, a value outside its limits is worth a second look. " if off else ""
        danger = danger_of(asking, name) if name == "spo2_percent" else ""
        return f"{head}{values_in_words(view, (name,))} {asking.quote(passage, n)} {danger}".strip()
    return ""


def danger_of(asking: Asking, name: str) -> str:
    """What is an emergency, where a value is so high or low, or it is asked whether it is dangerous."""
    if name == SYSTOLIC:
        return of_danger(asking)
    low = name == "spo2_percent" and (asking.view.facts[name].value or 100.0) <= LOW_SATURATION
    return asking.quote("when_to_seek_care/emergency-breath") if low or (name == "spo2_percent" and _OF_LOW_SATURATION.search(asking.question)) else ""


def _limits(asking: Asking, name: str, passage: str, n: int) -> str:
    """The sentence with the limits of a value; where the value is low, what that means."""
    if name == SYSTOLIC:
        return limits(asking)
    if name == "bmi_kg_m2" and asking.view.child:
        return asking.quote("weight/children")
    if name == "creatinine_mg_dl":
        return "" if asking.view.child else f"{asking.quote(passage, n)} {_beside_range(asking)}".strip()  # the range is of adults
    if name == "heart_rate_bpm" and asking.view.child:
        age = asking.view.facts["age_years"].value or 0.0
        return asking.quote("heart_rate/children", 0 if age < FROM_TEN else 1) if age >= FROM_FIVE else ""
    if name == "hba1c_percent" and listed(asking.view, "diabetes"):
        return asking.quote("diabetes/targets")  # whoever has diabetes is not judged by the limits for finding it
    passage, places = OF_LOW[name] if name in OF_LOW and asking.view.below(name) else (passage, (n,))
    return " ".join(asking.quote(passage, place) for place in places)
