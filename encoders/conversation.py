"""The messages of a conversation: one wording for training and for answering, so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Sequence

from encoders.batch import CURVE_MARK, RECORD_MARK, TOLD_MARK
from encoders.passages import Passage
from encoders.record import RISK_TRAITS, Fact, serialise
from prompts import render

Message = dict[str, str]


def system_message(facts: Sequence[Fact], missing: Sequence[str], *, curve: bool, by_token: bool, record: bool = True) -> Message:
    """What the model knows of the patient: soft-token slots, then the facts. ``by_token``: for the embedded model."""
    text = render(
        "system_embedded" if by_token else "system",
        curve=CURVE_MARK if curve else "" if by_token else "(no curve was given)",
        record=RECORD_MARK if record else "(none)",
        facts=serialise(facts, missing, by_token=by_token),
    )
    return {"role": "system", "content": text.strip()}


_TEST = ("pattern", "severity", "fev1_fvc", "fev1_l", "fvc_l")
# the facts an answer about a topic turns on; a model finds them beside the question more surely than far above it
KEY_FACTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("explain_result", "next_steps"), ("pattern", "severity", "fev1_l", "fev1_fvc", "fev1_grade")),
    **dict.fromkeys(("pattern", "curve_shape", "lung_volumes", "is_it_bad", "why", "shorter", "plain_words"), _TEST),
    "why_pattern": (*_TEST, "fev1_grade"),
    "why_risk": ("fev1_fvc", "smoking_status", "pack_years"),
    "quality": ("fev1_grade", "fvc_grade", "blows", "findings"),
    "what_is_zscore": ("fev1_z", "fev1_fvc_z", "fev1_l"),
    "do_i_have_asthma": ("pattern", "severity", "conditions"),
    "exercise": ("spo2_percent", *_TEST),
    "stop_smoking": ("smoking_status", "pack_years"),
    "blood_pressure": ("systolic_bp_mmhg", "diastolic_bp_mmhg"),
    "bronchodilator": ("bronchodilator",),
    "weight": ("bmi_kg_m2", "weight_kg"),
    "diabetes_glucose": ("hba1c_percent", "glucose_mg_dl"),
    "cholesterol": ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "triglycerides_mg_dl"),
    "diet": ("bmi_kg_m2",),
}
_COMPARED = ("sex", "age_years", "height_cm")  # without these a test has no reference, and an answer about it says so


def user_message(question: str, passages: Sequence[Passage], topic: str, facts: Sequence[Fact], *, by_token: bool) -> Message:
    """A question with the numbered passages that may answer it. ``topic`` is what code takes the question to be about."""
    numbered = "".join(f"[{n}] {passage.title}: {passage.text}\n" for n, passage in enumerate(passages, 1))
    names = KEY_FACTS.get(topic, ())
    known = {fact.name: fact for fact in facts}
    absent = [name for name in (*names, *(_COMPARED if set(names) & set(_TEST) else ())) if name not in known]
    beside = serialise([known[name] for name in names if name in known], absent, by_token=by_token).replace("\n", "; ") if names else ""
    about = f"{topic}; {beside}" if beside else topic
    return {"role": "user", "content": render("question", passages=numbered, topic=about, question=question).strip()}


def risk_messages(words: Sequence[str] | None = None) -> tuple[str, tuple[str, ...]]:
    """The system text that everyone shares and a question for each trait (those of RISK_TRAITS, or ``words``), for ``MultimodalLM.score``."""
    system = render("risk", curve=CURVE_MARK, record=RECORD_MARK, told=TOLD_MARK).strip()
    asked = tuple(one for _, one in RISK_TRAITS) if words is None else words
    return system, tuple(render("risk_question", trait=one).strip() for one in asked)
