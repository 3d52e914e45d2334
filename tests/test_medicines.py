"""What the medicines of a record are is told by code: of which kind, what for, and never how much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.medicines import told_of_medicines
from encoders.cases import _MEDICINES
from encoders.record import Patient, facts
from encoders.teacher import Case
from encoders.teacher.view import View
from tests.test_told_by_code import session_of, view_of


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what does each of my two inhalers do?", ("Tiotropium is a long-acting", "Salbutamol is a short-acting")),
        ("my dad is on tiotropium and salbutamol. what's the difference between the two?", ("Tiotropium is", "Salbutamol is")),
        ("what is salbutamol for", ("Salbutamol is a short-acting",)), ("what is ramipril for", ("lowers blood pressure", "does not list ramipril")), ("why is he on tiotropium", ("LAMA",)),
        ("my lungs came out normal so why was i put on tiotropium?", ("LAMA", "in COPD")), ("what's he on tiotropium for", ("LAMA",)), ("why have they given me salbutamol", ("reliever",)),
    ],
)  # fmt: skip
def test_a_medicine_is_told_by_its_kind_and_the_prescriber_is_named(patients: Path, question: str, said: tuple[str, ...]) -> None:
    found = told_of_medicines(view_of(patients, "severe_obstruction"), question)
    assert all(one in found for one in said) and "the one who prescribes it" in found
    assert not any(letter.isdigit() for letter in found)


@pytest.mark.parametrize(
    "question",
    ["how many puffs of salbutamol for asthma", "which medicines is he on", "what are the side effects of ramipril for", "what should i do", "what does fev1 do", "is salbutamol safe", "what is the dose of salbutamol for", "what does the blue inhaler do", "what is my trelegy inhaler for", "what is the best inhaler for", "what do i do if i've run out of tablets, what can i do", "i had salbutamol, is the difference between the two tests big", "why was i put on prednisolone, and how do i stop it?", "what is salbutamol for? how many puffs may i take?", "does using a nose clip change the blow?"],
)  # fmt: skip
def test_other_questions_are_left_to_others(patients: Path, question: str) -> None:
    assert told_of_medicines(view_of(patients, "severe_obstruction"), question) == ""


def test_which_medicines_change_a_test_is_told() -> None:
    def of(*medicines: str) -> str:
        patient = Patient(medications=medicines)
        return told_of_medicines(View(Case(patient, None, facts(patient))), "is he on anything that could affect the test?")

    assert "Tiotropium and salbutamol open the airways" in of("tiotropium", "salbutamol")
    assert "None of them is a bronchodilator" in of("amlodipine") and "narrow the airways in asthma" in of("bisoprolol")
    assert "None of them" not in of("somethingol") and "I cannot say what somethingol would do" in of("somethingol")
    assert of() == of("None") == "" and "Fluticasone/salmeterol opens the airways" in of("fluticasone/salmeterol")


def test_every_medicine_of_made_up_people_is_known(patients: Path) -> None:
    for name in _MEDICINES:
        assert name.capitalize() in told_of_medicines(view_of(patients, "healthy_runner"), f"what is {name} for")


def test_a_record_without_medicines_says_nothing_of_them(patients: Path) -> None:
    assert told_of_medicines(view_of(patients, "healthy_runner"), "what do my tablets do") == ""


def test_what_is_not_known_is_said_and_tablets_are_no_inhalers(patients: Path) -> None:
    session = session_of(patients, "severe_obstruction")
    patient = replace(session.patient, medications=("salbutamol", "carbocisteine", "metformin"))
    view = View(Case(patient, session.spirometry, facts(patient)))
    found = told_of_medicines(view, "what do my medicines do?")
    assert "Salbutamol is" in found and "I cannot say what carbocisteine is for." in found and "Metformin is" in found
    assert "Metformin" not in told_of_medicines(view, "what does each of my inhalers do?") and "Salbutamol" not in told_of_medicines(
        view, "what are my tablets for?"
    )


@pytest.mark.parametrize(
    "question",
    ["why have i put on weight on prednisolone?", "why do i get shakes on salbutamol?", "why did i get thrush on fluticasone", "why does he cough on ramipril", "what would i take salbutamol with", "do recreational drugs affect lung test results?", "does wrong use of my inhaler change the test?", "my tablets were changed, is the dose right"],
)  # fmt: skip
def test_what_a_medicine_does_to_somebody_is_not_what_it_is(patients: Path, question: str) -> None:
    assert told_of_medicines(view_of(patients, "severe_obstruction"), question) == ""


@pytest.mark.parametrize(
    "question",
    ["why is my son on tiotropium when he says he has no symptoms?", "what was i given tiotropium for", "why do i have to take tiotropium", "why does he have tiotropium if it's restriction", "why has my dad been put on tiotropium"],
)  # fmt: skip
def test_why_somebody_has_a_medicine_is(patients: Path, question: str) -> None:
    assert "(LAMA)" in told_of_medicines(view_of(patients, "severe_obstruction"), question)


@pytest.mark.parametrize("question", ["do my medicines affect the test?", "could any of these tablets change the result", "do my new tablets affect the test"])
def test_whose_medicines_change_a_test_is_told(patients: Path, question: str) -> None:
    assert "Your record lists" in told_of_medicines(view_of(patients, "severe_obstruction"), question)


def test_what_the_medicines_of_a_record_do_to_the_breath_is_told_of_those_that_are_known() -> None:
    person = Patient(medications=("salbutamol", "bisoprolol", "sertraline"))
    view = View(Case(person, None, facts(person)))
    told = told_of_medicines(view, "do my mum's tablets affect her breathing?")
    assert "Salbutamol opens the airways" in told and "Bisoprolol can narrow the airways" in told and "Sertraline" not in told and "stop none of them" in told
    assert told_of_medicines(view, "can my joint tablets hurt my lungs?") == ""
