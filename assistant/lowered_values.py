"""A value of the record that is to be brought down ("can I get my sugar down with diet?"): the value, then what the library says lowers it."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import Asking
from assistant.judged_pressure import SYSTOLIC, of_danger, raised

_LOWERS = re.compile(
    r"^(?!\W*(?:and |so |but )?(?:do|does|did|will|would) (?!(?:i|we|he|she|they)\b))(?!.*\b(?:should i take|lower (?:number|limit|value|reading|one|figure)|(?:ly|sitt|stand)ing down)\b)"
    r".*(?:\b(?:bring|get|keep|push)\b[^?.]{0,30}\bdown\b|(?:^\W*|\b(?:to|can|could|do|does|how|i|we|he|she|they|me|him|her) (?:\w+ )?)(?:lower|reduce|improve|turn back|reverse)\b|\bback to normal\b|\bwhat (?:can|could|should) (?:i|we|he|she|they) (?:do|change)\b|\banything (?:i|we|he|she|they) (?:can|could|should) do\b)"
)
_BY_DOING = re.compile(  # "would losing a bit of weight bring it down?"
    r"^(?!.*\b(?:more|extra|adding) (?:\w+ )?(?:salt|alcohol|food|sugar|wine|beer)\b|.*\b(?:eating more|too much|water|coffee|grapefruit|tablets?|pills?|medic\w*|can i drink)\b)"
    r"\W*(?:and |so |but |then )?(?:would|will|could|can|does|do|might)\b[^?.]{0,24}\b(?:weight|salt|exercis\w+|walk\w*|active|activity|running|alcohol|drink\w*|diet|eat\w*)\b[^?.]{0,24}\b(?:(?:bring|get|take)\b[^?.]{0,20}\bdown|lower|reduce|help)\b"
)
_OTHERWISE = re.compile(r"\bpregnan\w*|\btype (?:1|one|i)\b|\bt1dm?\b|\binsulin\b|\bstatins?\b|\bunderweight\b")  # of these the library speaks otherwise
_OF_ELSE = re.compile(
    r"\b(?:can|may|could) (?:i|he|she|we) (?:drink|have)\b|\b(?:eye|cpap|lung|tyre) pressure\b|\b(?:fev|fvc|breath|lung|stress|sleep|mood|heart rate|pulse|fever|temperature)"
)  # what is to be lowered or improved instead
_POINTS_BACK = re.compile(r"\b(?:it|that|this|them|those|these)\b|\bwhat (?:can|could|should)\b|\banything\b")
_DIABETES_FROM = 6.5  # HbA1c in percent from which it is in the diabetes range (ADA 2025)
_LOWERED_BY = (  # what it goes by, the fact, the passages and sentences that tell what lowers it
    (r"triglycerid", "triglycerides_mg_dl", (("cholesterol/triglycerides", 1),)),
    (r"cholesterol|\bldl\b", "total_cholesterol_mg_dl", (("cholesterol/lower-it", 0), ("cholesterol/lower-it", 2))),
    (r"blood sugar|\bsugars?\b|hba1c|\ba1c\b|glucose|diabet", "hba1c_percent", (("diabetes/lower-hba1c", 0), ("diabetes/lower-hba1c", 2))),
    (r"blood pressure|\bbp\b|\bpressure\b|hypertens", SYSTOLIC, (("blood_pressure/bp-lifestyle", 0),)),
    (r"weight|\bbmi\b", "bmi_kg_m2", (("weight/how-much-to-lose", 0), ("weight/lose-weight", 1))),
)


def lowered_by_doing(question: str) -> bool:
    """Whether a question (small letters) asks if something that one can do lowers a value."""
    return _BY_DOING.search(question) is not None


def lowered(asking: Asking, spoken_of: str = "", told: str = "") -> str:
    """A value and what lowers it, passages by id; empty where none is named, or it need not be lower. ``spoken_of``: what a question that names none goes on from, and
    ``told``, facts as tokens: its answer."""
    question, view = asking.question, asking.view
    of_whom = f"{question} {spoken_of} {view.text('conditions').lower()}"
    if not (_LOWERS.search(question) or lowered_by_doing(question)) or view.child or _OTHERWISE.search(of_whom) or _OF_ELSE.search(question):
        return ""
    asked = re.sub(r"\bweight\b", " ", question) if lowered_by_doing(question) else question  # what is done lowers another value
    named = [one for one in _LOWERED_BY if re.search(one[0], asked)]
    if not named and _POINTS_BACK.search(question) and not _OF_ELSE.search(spoken_of):
        named = [one for one in _LOWERED_BY if re.search(one[0], spoken_of) or f"<|{one[1]}|>" in told]
    found = [_lowers(asking, name, passages) for _, name, passages in named[:2] if _is_high(asking, name)]
    return " ".join(found)


def _is_high(asking: Asking, name: str) -> bool:
    """Whether a value is above what is usual and may be brought down: with too low a weight, what lowers blood sugar by losing more is not for this person."""
    if name == SYSTOLIC:
        return raised(asking)
    return asking.view.above(name) and not (name == "hba1c_percent" and asking.view.below("bmi_kg_m2"))


def _lowers(asking: Asking, name: str, passages: tuple[tuple[str, int], ...]) -> str:
    view = asking.view
    if name == "hba1c_percent" and (view.facts[name].value or 0.0) < _DIABETES_FROM:
        passages = (("diabetes/prevent", 0), ("diabetes/prediabetes-outlook", 0))
    danger = of_danger(asking) if name == SYSTOLIC else ""
    return " ".join(part for part in (values_in_words(view, (name,)), *(asking.quote(passage, n) for passage, n in passages), danger) if part)
