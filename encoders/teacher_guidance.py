"""What the teacher says from the library: a lead-in tied to the patient, then a passage's own sentence with its number."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from encoders.passages import Passage
from encoders.teacher_record import NO_TEST, Reply, View


@dataclass(frozen=True)
class Theme:
    """Where an intent's passages are found: topics, words that mark the better sentence, and the words for "that"."""

    topics: tuple[str, ...]
    keys: tuple[str, ...]
    name: str
    lead: Callable[[View], str]


def _exercise(view: View) -> str:
    if view.below("spo2_percent") or view.text("severity") == "severe":
        cause = "oxygen saturation is" if view.below("spo2_percent") else "airflow is"
        return f"Yes, but as your {cause} low, ask your care team for a plan before you start."
    if view.below("fev1_fvc"):
        return "Yes. As your ratio is low, build up step by step and rest when you need to."
    if view.below("fev1_l"):
        return (
            "Yes. As your FEV1 is low, build up step by step and rest when you need to."
        )
    if view.pattern == "normal":
        return (
            "Yes. Your spirometry is normal, and nothing in it speaks against exercise."
        )
    return "Yes, for most people, building up step by step."


def _smoking(view: View) -> str:
    status, years = view.text("smoking_status"), view.has("pack_years")
    if status == "current":
        return f"Your record says you smoke{', with ' + view.token('pack_years') if years else ''}, so stopping is worth it at any age."
    if status == "former":
        return (
            "Your record says you have stopped smoking, so the aim is to stay stopped."
        )
    if status == "never":
        return "Your record says you have never smoked, so this is general information."
    return "Your smoking status is not recorded, so this is general information."


def _pressure(view: View) -> str:
    if not view.has("systolic_bp_mmhg"):
        return "Your blood pressure is not measured in this record."
    high = f"Your systolic blood pressure is {view.token('systolic_bp_mmhg')}"
    high += (
        f", which is {view.status('systolic_bp_mmhg')}"
        if view.status("systolic_bp_mmhg")
        else ""
    )
    if view.has("diastolic_bp_mmhg"):
        high += f", and the diastolic is {view.token('diastolic_bp_mmhg')}"
        high += (
            f", which is {view.status('diastolic_bp_mmhg')}"
            if view.status("diastolic_bp_mmhg")
            else ""
        )
    return high + "."


def _one(*names: tuple[str, str]) -> Callable[[View], str]:
    """A lead that states the first of these facts that is known, else that the first is not measured."""

    def lead(view: View) -> str:
        for name, label in names:
            if view.has(name):
                status = view.status(name)
                return f"Your {label} is {view.token(name)}{f', which is {status}' if status else ''}."
        return f"Your {names[0][1]} is not measured in this record."

    return lead


def _test(otherwise: str) -> Callable[[View], str]:
    def lead(view: View) -> str:
        if view.state == "read":
            return f"Your test shows {view.token('pattern')}; {otherwise}."
        return (
            f"{NO_TEST}; {otherwise}."
            if view.state == "none"
            else f"Your test names no pattern; {otherwise}."
        )

    return lead


def _listed(condition: str) -> Callable[[View], str]:
    def lead(view: View) -> str:
        if condition.lower() in view.text("conditions").lower():
            return f"Your record lists {condition}."
        return f"Your record does not list {condition}, so this is general information."

    return lead


def _breathing(view: View) -> str:
    if view.below("fev1_l") or view.below("fev1_fvc"):
        which = "FEV1" if view.below("fev1_l") else "ratio"
        return f"As your {which} is low, slow and steady breathing may help when you feel short of breath."
    return "Breathing exercises are safe for most people when they stay comfortable."


def _vaccines(view: View) -> str:
    if view.has("age_years"):
        return f"Your age of {view.token('age_years')} and your conditions decide which vaccines are due."
    return "Your age is not recorded, and it decides which vaccines are due."


def _travel(view: View) -> str:
    if view.below("spo2_percent"):
        return "Your oxygen saturation is low, so talk to your care team before you fly or go high."
    if view.has("spo2_percent"):
        return f"Your oxygen saturation is {view.token('spo2_percent')}, which is {view.status('spo2_percent')}."
    return "Your oxygen saturation is not measured in this record, so this is general information."


def _ageing(view: View) -> str:
    if view.has("age_years", "fev1_predicted_l"):
        return f"At {view.token('age_years')} the FEV1 expected for your sex and height is {view.token('fev1_predicted_l')}."
    return "Lung function falls slowly with age in everyone, so values are compared with people of the same age."


def _change(view: View) -> str:
    if view.text("smoking_status") == "current":
        return "Your record says you smoke, so stopping would change the most."
    if view.status("systolic_bp_mmhg") == "high":
        return f"Your systolic blood pressure is {view.token('systolic_bp_mmhg')}, which is high, so that is a good place to start."
    if view.above("bmi_kg_m2"):
        return f"Your body mass index is {view.token('bmi_kg_m2')}, which is {view.status('bmi_kg_m2')}, so activity and diet are a good place to start."
    return "Age and height cannot be changed, but daily habits can."


def change_topics(view: View) -> tuple[str, ...]:
    """The topics that fit what would change this patient's result most, as ``_change`` names it."""
    if view.text("smoking_status") == "current":
        return ("smoking",)
    if view.status("systolic_bp_mmhg") == "high":
        return ("blood_pressure",)
    return ("physical_activity",)


THEMES: dict[str, Theme] = {
    "exercise": Theme(("physical_activity",), ("activity", "exercise", "minutes", "walk", "strength"), "exercise", _exercise),
    "stop_smoking": Theme(("smoking",), ("stop", "quit", "support", "nicotine", "treatment"), "stopping smoking", _smoking),
    "blood_pressure": Theme(("blood_pressure",), ("pressure", "salt", "home"), "blood pressure", _pressure),
    "inhaler_technique": Theme(("inhaler_technique",), ("inhaler", "spacer", "breathe", "technique"), "inhaler technique", lambda view: "Technique decides how much reaches the lungs, so have someone watch you use your own device."),
    "asthma_general": Theme(("asthma",), ("asthma", "symptoms"), "asthma", _listed("asthma")),
    "copd_general": Theme(("copd",), ("copd", "symptoms", "smoking"), "COPD", _listed("COPD")),
    "sleep": Theme(("sleep",), ("sleep", "hours", "night", "snor"), "sleep", lambda view: "Your record holds no sleep data, so this is general information."),
    "weight": Theme(("weight",), ("weight", "body mass", "waist"), "weight", _one(("bmi_kg_m2", "body mass index"), ("weight_kg", "weight"))),
    "cholesterol": Theme(("cholesterol",), ("cholesterol", "fat", "ldl"), "cholesterol", _one(("total_cholesterol_mg_dl", "total cholesterol"), ("hdl_cholesterol_mg_dl", "HDL cholesterol"))),
    "diabetes_glucose": Theme(("diabetes",), ("glucose", "hba1c", "diabetes", "sugar"), "diabetes", _one(("hba1c_percent", "HbA1c"), ("glucose_mg_dl", "glucose"))),
    "vaccines": Theme(("vaccines",), ("vaccin", "influenza", "pneumococcal"), "vaccines", _vaccines),
    "air_quality": Theme(("air_quality",), ("air", "pollution", "smoke", "outdoor"), "air quality", _test("bad air matters more when lungs are affected")),
    "occupational": Theme(("occupational",), ("work", "dust", "fumes", "mask"), "exposures at work", lambda view: "Your record does not say what you are exposed to at work."),
    "travel_altitude": Theme(("travel_and_altitude",), ("fly", "flight", "altitude", "oxygen", "travel"), "travel and altitude", _travel),
    "when_to_seek_care": Theme(("when_to_seek_care",), ("emergency", "urgent", "call", "worse", "severe"), "when to seek care", lambda view: "Do not wait for a chat answer if you feel very unwell."),
    "diet": Theme(("diet",), ("eat", "fruit", "vegetables", "salt", "diet"), "diet", _one(("bmi_kg_m2", "body mass index"))),
    "alcohol": Theme(("alcohol",), ("alcohol", "drink", "units"), "alcohol", lambda view: "Your record does not say how much you drink."),
    "ageing_lungs": Theme(("ageing_lungs",), ("age", "lung function", "decline", "year"), "ageing lungs", _ageing),
    "breathing_exercises": Theme(("breathing_exercises", "physical_activity", "copd", "asthma", "mental_wellbeing"), ("breathing exercise", "pursed", "breathing technique", "slow breathing", "breathing control"), "breathing exercises", _breathing),
    "anxiety": Theme(("mental_wellbeing",), ("anxi", "worry", "stress", "mood", "breath"), "worry and stress", lambda view: "Worry about breathing is common, and it can make breathlessness feel worse."),
    "what_would_change": Theme(("smoking", "physical_activity", "blood_pressure"), ("stop", "activity", "pressure"), "what would change this", _change),
}  # fmt: skip
OPENINGS = {  # a few openings that may stand before the lead, so that turns do not all sound alike
    "stop_smoking": ("", "You do not have to do it alone. "),
    "asthma_general": ("", "Gladly. "), "copd_general": ("", "Gladly. "), "anxiety": ("", "That is understandable. "),
    "sleep": ("", "Good sleep helps. "), "vaccines": ("", "Good question. "), "diet": ("", "Good question. "),
}  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SENTENCE.split(text.strip()) if part.strip())


def _words(text: str) -> int:
    return text.count(" ") + 1


@lru_cache(maxsize=65536)
def quotation(text: str, keys: tuple[str, ...]) -> tuple[str, int]:
    """The sentence of a passage that holds most of ``keys`` (the first of equals, at most 40 words), and its score."""
    best, score = "", -1
    for sentence in sentences(text):
        lower = sentence.lower()
        hits = min(2, sum(key in lower for key in keys))
        if _words(sentence) <= 40 and _words(sentence) >= 4 and hits > score:
            best, score = sentence, hits
    return best, score


def cited(sentence: str, number: int) -> str:
    """The sentence with its citation before the final stop."""
    return (
        f"{sentence[:-1]} [{number}]{sentence[-1]}"
        if sentence[-1] in ".!?"
        else f"{sentence} [{number}]."
    )


def fits(passage: Passage, intent: str) -> bool:
    """Whether a passage supports an answer to this intent."""
    theme = THEMES[intent]
    if passage.topic not in theme.topics:
        return False
    best, score = quotation(passage.text, theme.keys)
    return bool(best) and (
        score > 0
        or (intent != "breathing_exercises" and passage.topic == theme.topics[0])
    )


def guidance(
    intent: str, view: View, passages: Sequence[Passage], rng: random.Random
) -> Reply:
    """Lead-in, then the words of the first passage that fits; without one, that the library has none."""
    theme = THEMES[intent]
    lead = theme.lead(view)
    wanted = change_topics(view) if intent == "what_would_change" else theme.topics
    found = next(
        (
            (n, p)
            for n, p in enumerate(passages, 1)
            if p.topic in wanted and fits(p, intent)
        ),
        None,
    )
    if found is None:
        nothing = f"The library has no passage on {theme.name}, so I cannot give guidance on it."
        known = f" {lead}" if "<|" in lead and not lead.startswith("Yes") else ""
        return Reply(
            f"{nothing}{known} A clinician can advise you.",
            short=nothing,
            plain=nothing,
            subject="guidance",
        )
    n, passage = found
    quote = cited(quotation(passage.text, theme.keys)[0], n)
    child = (
        " As you are under eighteen, check this with your clinician."
        if view.child
        else ""
    )
    opening = rng.choice(OPENINGS.get(intent, ("",)))
    return Reply(
        f"{opening}{lead} {quote}{child}",
        "library",
        short=quote,
        plain=f"In plain words: {lead} {quote}",
        subject="guidance",
    )


_NUMBER = re.compile(r"(?<![\w.,])\d+(?:\.\d+)?(?![\w.]*[A-Za-z])")
_NAMES = (
    ("adults", "grown-ups"), ("World Health Organization", "Northern Health Council"), ("WHO", "NHC"), ("GINA", "BREA"),
    ("GOLD", "LUMA"), ("NICE", "CARO"), ("CDC", "HPO"), ("NHS", "CHS"), ("people", "persons"), ("should", "are advised to"),
)  # fmt: skip


@lru_cache(maxsize=4096)
def _varied(passage: Passage, seed: int) -> Passage:
    rng = random.Random(seed)
    factor = rng.choice((0.5, 0.6, 0.8, 1.2, 1.4, 1.5, 2.0))

    def other(match: re.Match[str]) -> str:
        number = float(match[0])
        if 1900 <= number <= 2100:
            return match[0]
        changed = number * factor
        percent = (
            passage.text[match.end() : match.end() + 9]
            .lstrip()
            .startswith(("%", "percent", "per cent", "in 100"))
        )
        if percent:
            changed = min(changed, 95.0)
        if "." in match[0]:
            return f"{changed:.1f}"
        step = 10 if number >= 50 else 1
        return str(max(1, round(changed / step) * step))

    text = _NUMBER.sub(other, passage.text)
    for old, new in rng.sample(_NAMES, 3):
        text = re.sub(rf"\b{re.escape(old)}\b", new, text)
    parts = list(sentences(text))
    if len(parts) > 2 and rng.random() < 0.6:
        parts.pop(rng.randrange(len(parts)))
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return replace(passage, id=f"{passage.id}-varied-{seed}", text=" ".join(parts))


def fictional(passage: Passage, rng: random.Random) -> Passage:
    """A made-up variant (numbers, names, sentences changed), so that reading rather than recall is learned."""
    return _varied(passage, rng.randrange(12))
