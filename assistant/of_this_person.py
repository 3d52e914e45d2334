"""What the record holds of the thing that guidance speaks of: after an answer from the library to somebody's own question, the value it bears on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.asked_values import values_in_words
from encoders.teacher.view import View

BEARS_ON = {  # a passage, or its topic -> the facts that its guidance bears on; the first that is known is told
    "blood_pressure": ("systolic_bp_mmhg",), "diabetes": ("hba1c_percent", "glucose_mg_dl"), "cholesterol": ("total_cholesterol_mg_dl",), "cholesterol/triglycerides": ("triglycerides_mg_dl",), "weight": ("bmi_kg_m2",),
    "heart_rate": ("heart_rate_bpm",), "kidney": ("creatinine_mg_dl",), "pulse_oximetry": ("spo2_percent",), "oxygen_therapy": ("spo2_percent",),
}  # fmt: skip
BY_OXYGEN = ("travel_and_altitude/flying", "travel_and_altitude/altitude", "travel_and_altitude/hypoxic", "travel_and_altitude/mountain")
BY_AGE = ("lung_cancer/screening", "lung_cancer/years-since-quit", "vaccines/")  # passages, by how their ids begin, whose guidance goes by age
BY_SMOKING = ("lung_cancer/",)
_OWN = re.compile(
    r"\b(?:i|i'm|i've|my|me|mine|he|he's|his|him|she|she's|hers?|mum|mom|dad|father|mother|husband|wife|partner|patient'?s?|(?:someone|somebody|a (?:man|woman|person)) (?:like|with))\b"
)
_OF_OTHERS = re.compile(
    r"\b(?:my|his|her|our) (?:\w+ )?(?:brother|sister|son|daughter|friend|neighbour|colleague|kids?|child(?:ren)?|baby|grand\w+|uncle|aunt\w*|cousin|nephew|niece|flatmate|housemate|boss|carer|\w+-in-law|nan|nana|gran|granny|granddad|grandad)\b|\b(?:people|anyone|someone|somebody) (?:else|in general)\b|\bin general\b|\bgenerally\b"
)
_HAS_IT = re.compile(r"\b(?:has|have|with|got|is|am|are|as an?) (?:\w+ ){0,2}(?:diabet\w+|high blood pressure|hypertens\w+|high cholesterol)\b")


def of_this_person(view: View, question: str, cited: Sequence[str], answer: str, told_before: str = "") -> str:
    """The value, facts as tokens, that the first passage cited bears on; empty where nobody's own is asked of, none is held, or it was told already.

    ``question``: small letters, slips put right. ``cited``: ids of the passages that the answer cites, in their order. ``answer``, ``told_before``: facts as tokens.
    """
    if not cited or not _OWN.search(question) or _OF_OTHERS.search(question):
        return ""
    bears_on = BEARS_ON.get(cited[0], BEARS_ON.get(cited[0].partition("/")[0], ()))
    names = [name for name in bears_on if view.has(name)][:1]
    if _HAS_IT.search(question) and names and view.status(names[0]) == "normal":
        return ""  # who has diabetes or a high blood pressure is not this person, or is judged otherwise
    for name, passages in (("spo2_percent", BY_OXYGEN), ("age_years", BY_AGE), ("smoking_status", BY_SMOKING)):
        names += [name] if cited[0].startswith(passages) and view.has(name) else []
    said = f"{answer} {told_before}"
    told = [values_in_words(view, (name,)) for name in names if f"<|{name}|>" not in said]
    return " ".join(one for one in told if one not in said)
