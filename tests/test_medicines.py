"""What the medicines of a record are is told by code: of which kind, what for, and never how much."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.medicines import told_of_medicines
from encoders.cases import _MEDICINES
from tests.test_told_by_code import view_of


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what does each of my two inhalers do?", ("Tiotropium is a long-acting", "Salbutamol is a short-acting")),
        ("my dad is on tiotropium and salbutamol. what's the difference between the two?", ("Tiotropium is", "Salbutamol is")),
        ("what is salbutamol for", ("Salbutamol is a short-acting",)), ("what is ramipril for", ("lowers blood pressure", "does not list ramipril")), ("why is he on tiotropium", ("LAMA",)),
    ],
)  # fmt: skip
def test_a_medicine_is_told_by_its_kind_and_the_prescriber_is_named(patients: Path, question: str, said: tuple[str, ...]) -> None:
    found = told_of_medicines(view_of(patients, "severe_obstruction"), question)
    assert all(one in found for one in said) and "the one who prescribes it" in found
    assert not any(letter.isdigit() for letter in found)


@pytest.mark.parametrize(
    "question",
    ["how many puffs of salbutamol for asthma", "which medicines is he on", "what are the side effects of ramipril for", "what should i do", "what does fev1 do", "is salbutamol safe", "what is the dose of salbutamol for"],
)  # fmt: skip
def test_other_questions_are_left_to_others(patients: Path, question: str) -> None:
    assert told_of_medicines(view_of(patients, "severe_obstruction"), question) == ""


def test_every_medicine_of_made_up_people_is_known(patients: Path) -> None:
    for name in _MEDICINES:
        assert name.capitalize() in told_of_medicines(view_of(patients, "healthy_runner"), f"what is {name} for")


def test_a_record_without_medicines_says_nothing_of_them(patients: Path) -> None:
    assert told_of_medicines(view_of(patients, "healthy_runner"), "what do my tablets do") == ""
