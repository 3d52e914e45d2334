"""What an answer leaves out is told after it: values that the question names, and nothing that it does not ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.guardrails import check
from assistant.left_out import left_out
from assistant.session import Session, begin
from encoders.record import Fact, Patient, Sex, write_out
from encoders.teacher import Case
from encoders.teacher.view import View
from tests.test_told_by_code import session_of, view_of


@pytest.mark.parametrize(
    ("name", "question", "said", "more"),
    [
        ("healthy_runner", "pulse of 54, should that worry anyone?", "Your test is normal.", "Your heart rate is 54 beats/min, which is normal."),
        ("healthy_runner", "what is her ldl? and was the total cholesterol ok?", "Your total cholesterol is <|total_cholesterol_mg_dl|>.", "The record holds no LDL cholesterol."),
        ("missing_data", "does she smoke, and has she got an oxygen level or an hba1c anywhere?", "Your smoking status is not measured in this record. <|smoking_status|>", "Your oxygen saturation is not measured in this record. Your HbA1c is not measured"),
        ("pre_and_post", "fef25-75 0.95? also what was the forced time", "Your FEF25-75 is <|fef25_75_l_s|>.", "Your expiratory time is 9.0 s."),
        ("severe_obstruction", "his oxygen says 93 %, is that dangerous?", "BTS advises 94 to 98 % for most and 88 to 93 % for some [1].", "Your oxygen saturation is 93 %, which is slightly low."),
        ("severe_obstruction", "and fvc, is that down as well?", "The pattern is <|pattern|>.", "Your FVC is 3.10 L, which is borderline."),
    ],
)  # fmt: skip
def test_a_value_that_is_named_and_not_told_is_told_after_the_answer(patients: Path, name: str, question: str, said: str, more: str) -> None:
    session = session_of(patients, name)
    found = write_out(left_out(view_of(patients, name), question, "pattern", said), session.facts)
    assert more in found
    assert check(found, session.facts, ()).numbers_supported


@pytest.mark.parametrize(
    ("question", "intent", "said"),
    [
        ("is my ratio ok?", "my_numbers", "Your FEV1/FVC ratio is <|fev1_fvc|>, which is low."), ("what is my fev1?", "my_numbers", "Your FEV1 is 2.82 L, which is borderline low."),
        ("how do i bring my blood pressure down", "blood_pressure", "Salt."), ("why does the ratio matter more than the fvc?", "unknown", "It shows obstruction [1]."),
        ("make it shorter please, with the fev1", "shorter", "Mild."), ("is my brother's fev1 the same?", "unknown", "I do not know."),
        ("should i take more of it for my blood pressure", "dose", "I cannot advise on doses."), ("what is a dlco test for?", "unknown", "It measures gas transfer [1]."),
    ],
)  # fmt: skip
def test_nothing_is_added_that_is_told_already_or_not_asked_for(patients: Path, question: str, intent: str, said: str) -> None:
    assert left_out(view_of(patients, "mild_obstruction"), question, intent, said) == ""


def test_a_test_that_gives_one_value_only_says_which_it_does_not_give(patients: Path) -> None:
    session = session_of(patients, "mild_obstruction")
    spirometry = session.spirometry
    assert spirometry is not None and spirometry.best is not None
    facts = tuple(fact for fact in session.facts if not fact.name.startswith(("fvc", "fev1_fvc", "pattern", "severity")))
    view = View(Case(session.patient, replace(spirometry, best=replace(spirometry.best, fvc_l=None)), facts))
    if view.state == "partial":
        assert "an FVC that can be used" in left_out(view, "was the test any good?", "quality", "The FEV1 has grade B.")


def test_a_percentage_that_is_anothers_risk_is_said_to_be_so(patients: Path) -> None:
    from encoders.cases import risk_fact

    session = session_of(patients, "missing_data")
    facts = (*session.facts, risk_fact("hypertension", "hypertension", 0.92, 0.5), risk_fact("stroke", "stroke", 0.07, 0.07))
    view = View(Case(session.patient, session.spirometry, facts))
    said = left_out(view, "is 92% the chance i'll have a stroke?", "risks", "The estimated risk of stroke is <|risk_stroke|>.")
    assert write_out(said, facts) == "92 % is the estimated risk of hypertension."
    assert left_out(view, "is 7% high for a stroke risk?", "risks", "The estimated risk of stroke is <|risk_stroke|>.") == ""


def test_a_record_without_a_value_says_so_rather_than_nothing() -> None:
    view = View(Case(Patient(sex=Sex.MALE, age_years=50.0), None, ()))
    assert left_out(view, "explain it, and what are his sats?", "unclear", "I am not sure.") == "Your oxygen saturation is not measured in this record."


def test_fev1_and_fvc_put_together_are_told_with_their_pattern(patients: Path) -> None:
    view = view_of(patients, "mild_obstruction")
    both = "Your FVC is <|fvc_l|>. Your FEV1 is <|fev1_l|>."
    assert "airflow obstruction" in write_out(
        left_out(view, "his fvc is 95 percent but fev1 is 73. how do i put those two together?", "my_numbers", both), view.facts.values()
    )
    assert left_out(view, "what are the fev1 and the fvc?", "my_numbers", both) == ""


def test_an_estimate_beside_the_diagnosis_itself_is_told_to_undo_nothing(patients: Path) -> None:
    session = session_of(patients, "severe_obstruction")
    view = View(Case(replace(session.patient, conditions=("type 2 diabetes",)), session.spirometry, begin_facts(session, ("type 2 diabetes",))))
    said = left_out(view, "the diabetes risk of 47 % seems odd, he has it already", "odd_record", "I cannot tell which is true.")
    assert "lists diabetes already" in said and "does not undo a diagnosis" in said


def begin_facts(session: Session, conditions: tuple[str, ...]) -> tuple[Fact, ...]:
    return begin(replace(session.patient, conditions=conditions)).facts
