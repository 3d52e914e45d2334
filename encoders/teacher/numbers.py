"""Single values asked for, and what is missing."""

from __future__ import annotations

import random
import re

from encoders.record import QUANTITIES, label_of, missing
from encoders.teacher.sentences import NO_TEST, join
from encoders.teacher.view import Reply, View


def missing_data(view: View, rng: random.Random) -> Reply:
    names = [label_of(name) for name in missing(view.case.patient) if name not in {"conditions", "medications", "symptoms"}]
    words = [name if name[:3] in {"HDL", "HbA"} else name[0].lower() + name[1:] for name in names]
    test = NO_TEST + ". " if view.state == "none" else ""
    if not words:
        return Reply(
            f"{test}The values I look for in the record are all there.",
            subject="record",
        )
    more = f" and {'one more' if len(words) == 5 else 'others'}" if len(words) > 4 else ""
    listed = ", ".join(words[:4]) + more if more else join(words)
    return Reply(
        f"{test}Not measured in your record: {listed}. I do not guess what is missing.",
        short=f"Not measured: {listed}.",
        subject="record",
    )


NUMBERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "fev1_percent_predicted",
        "FEV1 in percent of predicted",
        ("percent of predicted", "percent predicted"),
    ),
    ("fev1_z", "FEV1 z-score", ("fev1 z", "z-score of my fev1", "z score of my fev1")),
    ("fvc_z", "FVC z-score", ("fvc z", "z-score of my fvc")),
    ("fev1_fvc", "FEV1/FVC ratio", ("ratio", "fev1/fvc")),
    ("fev1_l", "FEV1", ("fev1",)),
    ("fvc_l", "FVC", ("fvc", "vital capacity")),
    ("pef_l_s", "peak flow", ("peak flow", "pef")),
    (
        "fet_s",
        "expiratory time",
        ("expiratory time", "how long did i blow", "how many seconds"),
    ),
    ("blows", "number of blows", ("how many blows", "number of blows")),
    (
        "systolic_bp_mmhg",
        "systolic blood pressure",
        ("systolic", "blood pressure", "bp"),
    ),
    ("diastolic_bp_mmhg", "diastolic blood pressure", ("diastolic",)),
    ("bmi_kg_m2", "body mass index", ("bmi", "body mass")),
    ("weight_kg", "weight", ("weight", "weigh", "heavy")),
    ("height_cm", "height", ("height", "tall")),
    ("waist_cm", "waist", ("waist",)),
    ("pack_years", "smoking history", ("pack-years", "pack years", "packyears", "smoking history")),
    ("smoking_status", "smoking status", ("smoking status", "do i smoke", "smoker")),
    ("heart_rate_bpm", "heart rate", ("heart rate", "pulse")),
    (
        "respiratory_rate_bpm",
        "respiratory rate",
        ("respiratory rate", "breathing rate", "breaths"),
    ),
    ("spo2_percent", "oxygen saturation", ("oxygen", "oxigen", "spo2", "saturation", "sats")),
    ("temperature_c", "temperature", ("temperature", "fever")),
    ("hba1c_percent", "HbA1c", ("hba1c", "a1c")),
    ("glucose_mg_dl", "glucose", ("glucose", "blood sugar")),
    ("hdl_cholesterol_mg_dl", "HDL cholesterol", ("hdl",)),
    ("total_cholesterol_mg_dl", "total cholesterol", ("cholesterol",)),
    ("triglycerides_mg_dl", "triglycerides", ("triglyceride",)),
    ("creatinine_mg_dl", "creatinine", ("creatinine",)),
    ("sex", "sex", ("sex",)),
    ("conditions", "list of conditions", ("conditions", "illnesses", "diagnoses")),
    ("medications", "list of medicines", ("medicines", "medications", "drugs")),
    ("age_years", "age", ("age", "old am i")),
)
_KEYS = tuple((name, re.compile(r"\b(?:" + "|".join(map(re.escape, keys)) + ")")) for name, _, keys in NUMBERS)
LABELS = {name: label for name, label, _ in NUMBERS}
WHICH = "Which value do you mean? Name it, for example FEV1, blood pressure or weight."  # where none is named
PLURAL = frozenset({"triglycerides_mg_dl"})
assert {quantity.name for quantity in QUANTITIES} - set(LABELS) == {"cotinine_ng_ml"}


def asked_number(question: str) -> str:
    """Which fact a question about a single value asks for; empty where none is named."""
    lower = question.lower()
    return next((name for name, pattern in _KEYS if pattern.search(lower)), "")


def number(view: View, rng: random.Random, question: str) -> Reply:
    """One value by token with its status word, or that it is not measured."""
    name = asked_number(question)
    if not name:
        return Reply(WHICH, "none")
    label, verb = LABELS[name], "are" if name in PLURAL else "is"
    if not view.has(name):
        return Reply(
            f"Your {label} {'are' if name in PLURAL else 'is'} not measured in this record.",
            subject="record",
        )
    status = view.status(name)
    text = f"Your {label} {verb} {view.token(name)}{f', which is {status}' if status else ''}."
    return Reply(text, short=text, plain=text, subject=name)
