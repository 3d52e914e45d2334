"""A value of the record that is asked to be judged: the limits of this person, and what is dangerous, also where the pressure is only typed."""

from __future__ import annotations

import pytest

from assistant.asking import Asking
from assistant.judged_values import asks_plainly, judged_value
from assistant.lowered_values import lowered
from assistant.session import begin
from encoders.passages import read_passages
from encoders.record import Patient, Sex, write_out

LIBRARY = {passage.id: passage for passage in read_passages()}
HIGH = Patient(age_years=50.0, systolic_bp_mmhg=162.0, diastolic_bp_mmhg=88.0)


def judged(person: Patient, question: str) -> str:
    session = begin(person)
    return write_out(judged_value(Asking(session, question, LIBRARY)), session.facts)


@pytest.mark.parametrize(
    ("question", "person", "said"),
    [
        ("my top number was 162, how serious is that?", HIGH, "180/120"),
        ("my husband brushes off his blood pressure, says it's stress. is it too high?", HIGH, "140/90"),
        ("we have diabetes on my side so i do worry. how does hers look?", Patient(age_years=30.0, hba1c_percent=5.1), "5.7 %"),
        ("any sign of diabetes? we're a sugary family", Patient(age_years=30.0, hba1c_percent=5.1), "5.7 %"),
        ("they wrote that my pulse is 42. do i need to see somebody?", Patient(age_years=86.0, heart_rate_bpm=42.0), "dizziness"),
        ("do i need to worry about a sat of 94?", Patient(age_years=32.0, spo2_percent=94.0), "which value means calling for help"),
        ("and the blood pressure, is that okay as well", HIGH, "140/90"),
        ("my total cholesterol is 240. is that bad, and what can i do myself?", Patient(age_years=60.0, total_cholesterol_mg_dl=240.0), "Eating less fatty meat"),
        ("is my hba1c of 5.8 ok?", Patient(age_years=60.0, hba1c_percent=5.8, conditions=("type 2 diabetes",)), "below 7 %"),
    ],
)  # fmt: skip
def test_a_verdict_comes_with_what_it_goes_by(question: str, person: Patient, said: str) -> None:
    assert said in judged(person, question)


@pytest.mark.parametrize(
    ("question", "person", "said"),
    [
        ("i am pregnant, my blood pressure is 165/112, what should i do?", Patient(age_years=30.0, sex=Sex.FEMALE, systolic_bp_mmhg=165.0, diastolic_bp_mmhg=112.0), "160/110"),
        ("is 230/130 ok?", Patient(age_years=50.0), "ambulance|emergency"), ("is 230/130 too high?", Patient(age_years=50.0), "measure again after a rest"),
        ("is 135/115 dangerous?", Patient(age_years=50.0), "180/120"), ("is my oxygen of 85 dangerous?", Patient(age_years=50.0, spo2_percent=85.0), "Call an ambulance"),
        ("should i recheck my sats, they were 84?", Patient(age_years=50.0, spo2_percent=97.0), "Call an ambulance"),
        ("what should happen next about my blood pressure?", Patient(age_years=50.0, systolic_bp_mmhg=118.0, diastolic_bp_mmhg=104.0), "repeated or home measurements"),
    ],
)  # fmt: skip
def test_what_is_dangerous_is_said(question: str, person: Patient, said: str) -> None:
    assert any(one in judged(person, question) for one in said.split("|"))


@pytest.mark.parametrize(
    ("question", "person"),
    [
        ("i forgot my blood pressure pill, can i take it again?", HIGH), ("how worried should i be about my glucose of 320?", Patient(age_years=50.0, glucose_mg_dl=320.0)),
        ("i walk 150 minutes a week, what can i do next?", Patient(age_years=50.0, systolic_bp_mmhg=150.0, diastolic_bp_mmhg=90.0)), ("is novomix 70/30 ok?", HIGH),
        ("is a cat score of 70 over 40 good?", HIGH), ("is 130/85 high for an 8 year old?", HIGH), ("is a peak flow of 200/150 low", HIGH),
    ],
)  # fmt: skip
def test_what_is_no_verdict_on_a_value_is_left_to_others(question: str, person: Patient) -> None:
    assert judged(person, question) == ""


@pytest.mark.parametrize(
    "person", [Patient(age_years=9.0, systolic_bp_mmhg=112.0, diastolic_bp_mmhg=70.0), Patient(age_years=50.0, systolic_bp_mmhg=112.0, diastolic_bp_mmhg=68.0)]
)
def test_tablets_are_spoken_of_where_the_pressure_is_raised(person: Patient) -> None:
    said = judged(person, "does my blood pressure need treatment?")
    assert "140/90" not in said and "for a clinician to decide" in said
    assert "140/90" in judged(HIGH, "does my blood pressure need treatment?")
    assert "140/90" not in judged(Patient(age_years=50.0, systolic_bp_mmhg=84.0, diastolic_bp_mmhg=44.0), "does my blood pressure need treatment?")


def test_plainly_asked_is_of_one_value() -> None:
    assert asks_plainly("should i worry about my blood pressure?")
    assert not asks_plainly("should i worry about my blood pressure and my sugar?") and not asks_plainly("should i worry about flying?")


@pytest.mark.parametrize(
    "question",
    ["can i take my blood pressure lying down?", "how do i bring my eye pressure down?", "how do i keep my stress down?", "can i improve my fev1?"],
)
def test_what_else_is_lowered_is_no_value_of_the_record(question: str) -> None:
    assert lowered(Asking(begin(HIGH), question, LIBRARY), "is my blood pressure high?") == ""


def test_both_values_that_are_to_be_lowered_are_told() -> None:
    both = begin(Patient(age_years=50.0, systolic_bp_mmhg=200.0, diastolic_bp_mmhg=130.0, total_cholesterol_mg_dl=260.0))
    said = lowered(Asking(both, "how can i lower my blood pressure and my cholesterol?", LIBRARY))
    assert "Less salt" in said and "fatty meat" in said and "measure again after a rest" in said
    normal = begin(Patient(age_years=50.0, systolic_bp_mmhg=150.0, total_cholesterol_mg_dl=150.0))
    assert "Less salt" in lowered(Asking(normal, "how can i lower my cholesterol and my blood pressure?", LIBRARY))
    thin = begin(Patient(age_years=50.0, hba1c_percent=6.0, bmi_kg_m2=17.0))
    assert lowered(Asking(thin, "how do i get my hba1c down?", LIBRARY)) == ""
    assert lowered(Asking(begin(Patient(age_years=50.0, hba1c_percent=8.0, conditions=("T1DM",))), "how do i get my hba1c down?", LIBRARY)) == ""
