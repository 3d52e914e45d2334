"""What the teacher says about estimated risks: figures by token, and the reasons for and against from the facts."""

from __future__ import annotations

import random

from encoders.record import RISK_TRAITS
from encoders.teacher.sentences import join
from encoders.teacher.view import Reply, View

_ASKED = (
    ("asthma", "asthma_current"),
    ("copd", "copd"),
    ("diabetes", "diabetes"),
    ("sugar", "diabetes"),
    ("hypertension", "hypertension"),
    ("blood pressure", "hypertension"),
    ("heart attack", "myocardial_infarction"),
    ("stroke", "stroke"),
    ("heart failure", "heart_failure"),
    ("coronary", "coronary_heart_disease"),
    ("heart", "coronary_heart_disease"),
)
_LABEL = dict(RISK_TRAITS)
_NONE = "No risks are estimated for this record."
_ESTIMATE = "These are statistical estimates, not diagnoses."


def asked_trait(question: str) -> str:
    """The trait a question names, else an empty string."""
    lower = question.lower()
    return next((name for key, name in _ASKED if key in lower), "")


def risks(view: View, rng: random.Random, question: str) -> Reply:
    """The trait that was asked for; else COPD, asthma and coronary heart disease."""
    known = {trait: view.facts[f"risk_{trait}"] for trait, _ in RISK_TRAITS if view.has(f"risk_{trait}")}
    asked = asked_trait(question)
    if not known or (asked and asked not in known):
        return Reply(_NONE, short=_NONE, plain=_NONE, subject="risk")
    named = [trait for trait in ("copd", "asthma_current", "coronary_heart_disease") if trait in known] or list(known)[:3]
    parts = [_clause(view, trait) for trait in ([asked] if asked else named)]
    compared = " The comparison is with people of your age and sex." if any("(" in part for part in parts) else ""
    plain = f"An estimate compares you with many similar people. {_ESTIMATE}"
    text = f"The estimated risk of {join([parts[0], *(f'of {part}' for part in parts[1:])])}.{compared} {_ESTIMATE}"
    return Reply(text, short=f"The estimated risk of {parts[0]}.", plain=plain, subject=f"risk:{asked or named[0]}")


def _clause(view: View, trait: str) -> str:
    fact = view.facts[f"risk_{trait}"]
    return f"{_LABEL[trait]} is {fact.token}{f' ({fact.status})' if fact.status else ''}"


def why_risk(view: View, rng: random.Random, question: str) -> Reply:
    trait = asked_trait(question) or "copd"
    if not view.has(f"risk_{trait}"):
        nothing = f"No risk of {_LABEL[trait]} is estimated for this record, so there is nothing to explain."
        return Reply(nothing, short=nothing, plain=nothing, subject="risk")
    head = f"The estimated risk of {_clause(view, trait)}."
    return Reply(
        f"{head} {reasons(view, trait)}",
        short=head,
        plain=f"{head} {_ESTIMATE}",
        subject=f"risk:{trait}",
    )


def reasons(view: View, trait: str) -> str:
    """What in the facts speaks for and against a trait, at most three each."""
    plus, minus = _lungs(view) if trait in {"copd", "asthma_current"} else _heart(view, trait)
    up = f"Reasons for it: {join(plus[:3])}" if plus else "The record shows no clear reason for it"
    down = f"reasons against it: {join(minus[:3])}" if minus else "no clear reason against it"
    return f"{up}; {down}."


def _smoking(view: View, plus: list[str], minus: list[str]) -> None:
    status = view.text("smoking_status")
    if status in {"current", "former"}:
        years = f" ({view.token('pack_years')})" if view.has("pack_years") else ""
        plus.append(f"{'current' if status == 'current' else 'past'} smoking{years}")
    elif status == "never":
        minus.append("never having smoked")


def _lungs(view: View) -> tuple[list[str], list[str]]:
    plus: list[str] = []
    minus: list[str] = []
    readable = view.state == "read"
    if readable and view.status("fev1_fvc"):
        if view.below("fev1_fvc"):
            plus.append(f"an FEV1/FVC ratio that is {view.status('fev1_fvc')}")
        elif view.status("fev1_fvc") == "normal":
            minus.append("a normal FEV1/FVC ratio")
    if readable and view.shape:
        limb = view.shape[0]
        (plus if limb == "scooped" else minus).append(f"the {limb} descending limb of the loop")
    _smoking(view, plus, minus)
    return plus, minus


def _heart(view: View, trait: str) -> tuple[list[str], list[str]]:
    plus: list[str] = []
    minus: list[str] = []
    values = {
        "diabetes": (
            ("hba1c_percent", "HbA1c"),
            ("glucose_mg_dl", "glucose"),
            ("bmi_kg_m2", "body mass index"),
        ),
        "hypertension": (
            ("systolic_bp_mmhg", "systolic blood pressure"),
            ("diastolic_bp_mmhg", "diastolic blood pressure"),
            ("bmi_kg_m2", "body mass index"),
        ),
    }.get(
        trait,
        (
            ("systolic_bp_mmhg", "systolic blood pressure"),
            ("total_cholesterol_mg_dl", "total cholesterol"),
            ("hba1c_percent", "HbA1c"),
        ),
    )
    for name, label in values:
        if view.above(name):
            plus.append(f"{'an' if label == 'HbA1c' else 'a'} {label} that is {view.status(name)}")
        elif view.status(name) == "normal":
            minus.append(f"a normal {label}")
    if trait not in {"diabetes", "hypertension"}:
        _smoking(view, plus, minus)
    return plus, minus
