"""The themes of guidance: which passages belong to one, and the lead-in that ties it to this patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from encoders.teacher.sentences import NO_TEST
from encoders.teacher.view import View


@dataclass(frozen=True)
class Theme:
    """Where an intent's passages are found: topics, words that mark its most general passage, and its name."""

    topics: tuple[str, ...]
    keys: tuple[str, ...]
    name: str
    lead: Callable[[View], str]
    facts: tuple[str, ...] = ()  # the first that is known is what "is that bad?" then refers to


def _exercise(view: View) -> str:
    plan = "ask your care team for a plan before you start"
    if view.below("spo2_percent"):
        return f"Yes, but as your oxygen saturation is {view.status('spo2_percent')}, {plan}."
    if view.state == "read" and view.text("severity") == "severe":
        shown = f"{view.token('pattern')}, {view.token('severity')} by z-score"
        return f"Yes, but as the pattern of your test is {shown}, {plan}."
    if view.pattern == "normal":
        return "Yes. Your test is in the normal range, and nothing in it speaks against exercise."
    for name, label in (("fev1_fvc", "ratio"), ("fev1_l", "FEV1"), ("fvc_l", "FVC")):
        if view.pattern and view.below(name):
            return f"Yes. As your {label} is {view.status(name)}, build up step by step and rest when you need to."
    gap = NO_TEST if view.state == "none" else "Your test names no pattern"
    return f"Yes, for most people. {gap}, so build up step by step."


def _smoking(view: View) -> str:
    status, years = view.text("smoking_status"), view.has("pack_years")
    if status == "current":
        return f"Your record says you smoke{', with ' + view.token('pack_years') if years else ''}, so stopping is worth it at any age."
    if status == "former":
        return "Your record says you have stopped smoking, so the aim is to stay stopped."
    if status == "never":
        return "Your record says you have never smoked, so this is general information."
    return "Your smoking status is not recorded, so this is general information."


def _pressure(view: View) -> str:
    if not view.has("systolic_bp_mmhg"):
        return "Your blood pressure is not measured in this record."
    high = f"Your systolic blood pressure is {view.token('systolic_bp_mmhg')}"
    high += f", which is {view.status('systolic_bp_mmhg')}" if view.status("systolic_bp_mmhg") else ""
    if view.has("diastolic_bp_mmhg"):
        high += f", and the diastolic is {view.token('diastolic_bp_mmhg')}"
        high += f", which is {view.status('diastolic_bp_mmhg')}" if view.status("diastolic_bp_mmhg") else ""
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
            return f"The pattern of your test is {view.token('pattern')}; {otherwise}."
        return f"{NO_TEST}; {otherwise}." if view.state == "none" else f"Your test names no pattern; {otherwise}."

    return lead


def _listed(condition: str) -> Callable[[View], str]:
    def lead(view: View) -> str:
        if condition.lower() in view.text("conditions").lower():
            return f"Your record lists {condition}."
        return f"Your record does not list {condition}, so this is general information."

    return lead


def _breathing(view: View) -> str:
    for name, label in (("fev1_l", "FEV1"), ("fev1_fvc", "ratio")):
        if view.pattern and view.below(name):
            return f"As your {label} is {view.status(name)}, slow and steady breathing may help when breath is short."
    return "Breathing exercises are fine for most people as long as they stay comfortable."


def _vaccines(view: View) -> str:
    if view.has("age_years"):
        return f"Your age of {view.token('age_years')} and your conditions decide which vaccines are due."
    return "Your age is not recorded, and it decides which vaccines are due."


def _travel(view: View) -> str:
    if view.below("spo2_percent"):
        return (
            f"Your oxygen saturation is {view.token('spo2_percent')}, which is {view.status('spo2_percent')}, "
            "so talk to your care team before you fly or go high."
        )
    if view.has("spo2_percent"):
        return f"Your oxygen saturation is {view.token('spo2_percent')}, which is {view.status('spo2_percent')}."
    return "Your oxygen saturation is not measured in this record, so this is general information."


def _ageing(view: View) -> str:
    if view.has("age_years", "fev1_predicted_l"):
        expected = view.token("fev1_predicted_l")
        return f"At {view.token('age_years')} the FEV1 expected for your sex and height is {expected}."
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
    "exercise": Theme(("physical_activity", "pulmonary_rehabilitation", "exercise_testing"), ("minutes of moderate",), "exercise", _exercise),
    "stop_smoking": Theme(("smoking",), ("stopping smoking", "nicotine"), "stopping smoking", _smoking),
    "blood_pressure": Theme(
        ("blood_pressure",),
        ("called elevated", "lower blood pressure", "pressure"),
        "blood pressure",
        _pressure,
        ("systolic_bp_mmhg",),
    ),
    "inhaler_technique": Theme(
        ("inhaler_technique", "medicines"),
        ("inhaler",),
        "inhaler technique",
        lambda view: "Technique decides how much reaches the lungs, so have someone watch you use your own device.",
    ),
    "asthma_general": Theme(
        ("asthma", "peak_flow", "exhaled_nitric_oxide", "allergy"), ("is a long-term condition", "asthma symptoms"), "asthma", _listed("asthma")
    ),
    "copd_general": Theme(("copd", "oxygen_therapy", "alpha1_antitrypsin", "palliative_care"), ("is a lung condition",), "COPD", _listed("COPD")),
    "sleep": Theme(
        ("sleep", "sleep_apnoea"),
        ("hours of sleep", "same time every day"),
        "sleep",
        lambda view: "Your record holds no sleep data, so this is general information.",
    ),
    "weight": Theme(
        ("weight",),
        ("body mass index", "losing"),
        "weight",
        _one(("bmi_kg_m2", "body mass index"), ("weight_kg", "weight")),
        ("bmi_kg_m2",),
    ),
    "cholesterol": Theme(
        ("cholesterol", "heart_risk", "coronary_disease"),
        ("cholesterol is",),
        "cholesterol",
        _one(("total_cholesterol_mg_dl", "total cholesterol"), ("hdl_cholesterol_mg_dl", "HDL cholesterol")),
        ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl"),
    ),
    "diabetes_glucose": Theme(
        ("diabetes",),
        ("hba1c", "type 2"),
        "diabetes",
        _one(("hba1c_percent", "HbA1c"), ("glucose_mg_dl", "glucose")),
        ("hba1c_percent",),
    ),
    "vaccines": Theme(("vaccines",), ("influenza",), "vaccines", _vaccines),
    "air_quality": Theme(
        ("air_quality", "heat_and_cold"),
        ("air pollution",),
        "air quality",
        _test("bad air matters more when lungs are affected"),
    ),
    "occupational": Theme(
        ("occupational", "dust_diseases"),
        ("work", "dust", "fumes", "mask"),
        "exposures at work",
        lambda view: "Your record does not say what you are exposed to at work.",
    ),
    "travel_altitude": Theme(("travel_and_altitude", "diving"), ("fly", "flight", "altitude", "oxygen", "travel"), "travel and altitude", _travel),
    "when_to_seek_care": Theme(
        ("when_to_seek_care", "cough", "pneumonia", "blood_clots", "stroke", "pneumothorax"),
        ("see a doctor", "call an ambulance if"),
        "when to seek care",
        lambda view: "Do not wait for a chat answer if you feel very unwell.",
    ),
    "diet": Theme(("diet",), ("eat", "fruit", "vegetables", "salt", "diet"), "diet", _one(("bmi_kg_m2", "body mass index"))),
    "alcohol": Theme(
        ("alcohol",),
        ("alcohol", "drink", "units"),
        "alcohol",
        lambda view: "Your record does not say how much you drink.",
    ),
    "ageing_lungs": Theme(("ageing_lungs",), ("age", "lung function", "decline", "year"), "ageing lungs", _ageing),
    "breathing_exercises": Theme(
        ("copd", "asthma", "physical_activity", "breathlessness"),
        ("pursed", "breathing exercise", "breathing technique", "breathing control"),
        "breathing exercises",
        _breathing,
    ),
    "anxiety": Theme(
        ("mental_wellbeing",),
        ("anxi",),
        "worry and stress",
        lambda view: "Worry about breathing is common, and it can make breathlessness feel worse.",
    ),
    "what_would_change": Theme(
        ("smoking", "physical_activity", "blood_pressure"),
        ("stopping smoking helps", "minutes of moderate", "lower blood pressure"),
        "what would change this",
        _change,
    ),
}
OPENINGS = {  # a few openings that may stand before the lead, so that turns do not all sound alike
    "asthma_general": ("", "Gladly. "),
    "copd_general": ("", "Gladly. "),
    "anxiety": ("", "That is understandable. "),
    "sleep": ("", "Good sleep helps. "),
    "vaccines": ("", "Good question. "),
    "diet": ("", "Good question. "),
}
