"""A value of the record that is to be brought down ("can I get my sugar down with diet?"): the value, then what the library says lowers it."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import Asking

_LOWERS = re.compile(
    r"^(?!\W*(?:and |so |but )?(?:do|does|did|will|would) (?!(?:i|we|he|she|they)\b))(?!.*\b(?:should i take|lower (?:number|limit|value|reading|one|figure))\b)"
    r".*(?:\b(?:bring|get|take|keep|push)\b[^?.]{0,30}\bdown\b|(?:^\W*|\b(?:to|can|could|do|does|how|i|we|he|she|they|me|him|her) (?:\w+ )?)(?:lower|reduce|improve|turn back|reverse)\b|\bback to normal\b)"
)
_OTHERWISE = re.compile(r"\bpregnan\w*|\btype (?:1|one)\b|\binsulin\b|\bstatins?\b|\bunderweight\b")  # of these the library speaks otherwise
_PREDIABETES = 6.5  # HbA1c in percent under which it is not in the diabetes range (ADA 2025)
_LOWERED_BY = (  # what it goes by, the fact, the passages and sentences that tell what lowers it
    (r"triglycerid", "triglycerides_mg_dl", (("cholesterol/triglycerides", 1),)),
    (r"cholesterol|\bldl\b", "total_cholesterol_mg_dl", (("cholesterol/lower-it", 0), ("cholesterol/lower-it", 2))),
    (r"blood sugar|\bsugars?\b|hba1c|\ba1c\b|glucose|diabet", "hba1c_percent", (("diabetes/lower-hba1c", 0), ("diabetes/lower-hba1c", 2))),
    (r"blood pressure|\bbp\b|\bpressure\b|hypertens", "systolic_bp_mmhg", (("blood_pressure/bp-lifestyle", 0),)),
    (r"weight|\bbmi\b", "bmi_kg_m2", (("weight/how-much-to-lose", 0), ("weight/lose-weight", 1))),
)


def lowered(asking: Asking, spoken_of: str = "") -> str:
    """A value and what lowers it, passages by id; empty where none is named, or it need not be lower. ``spoken_of``: what a question that names none goes on from."""
    question, view = asking.question, asking.view
    told = f"{question} {spoken_of} {view.text('conditions').lower()}"
    if not _LOWERS.search(question) or view.child or _OTHERWISE.search(told):
        return ""
    for text in (question, spoken_of):
        for words, name, passages in _LOWERED_BY:
            if re.search(words, text):
                if not (view.above(name) or (name == "systolic_bp_mmhg" and view.above("diastolic_bp_mmhg"))):
                    return ""
                if name == "hba1c_percent" and (view.facts[name].value or 0.0) < _PREDIABETES:
                    passages = (("diabetes/prevent", 0), ("diabetes/prediabetes-outlook", 0))
                return " ".join((values_in_words(view, (name,)), *(asking.quote(passage, n) for passage, n in passages)))
    return ""
