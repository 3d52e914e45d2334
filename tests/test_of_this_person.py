"""After guidance, the value of this person that it bears on: once, of this person, and of nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.guardrails import check
from assistant.of_this_person import of_this_person
from encoders.record import write_out
from tests.test_told_by_code import session_of, view_of


@pytest.mark.parametrize(
    ("name", "question", "cited", "told"),
    [
        ("mild_obstruction", "can i bring it down without tablets?", "blood_pressure/bp-lifestyle", "Your systolic blood pressure is"),
        ("severe_obstruction", "is it safe for him to fly?", "travel_and_altitude/flying", "Your oxygen saturation is 93 %, which is slightly low."),
        ("mild_obstruction", "does he qualify for lung cancer screening?", "lung_cancer/screening", "Your record says you smoke, with 22 pack-years."),
        ("healthy_runner", "which jabs are advised for someone like her?", "vaccines/flu", "Your age is"),
        ("healthy_runner", "what brings my triglycerides down?", "cholesterol/triglycerides", ""),  # its cholesterol is another value
        ("mild_obstruction", "what lowers blood pressure in general?", "blood_pressure/bp-lifestyle", ""),
        ("mild_obstruction", "my sister wants to lose weight", "weight/lose-weight", ""),
        ("mild_obstruction", "my uncle has high blood pressure. what should he eat?", "blood_pressure/bp-lifestyle", ""),
        ("healthy_runner", "my nan has diabetes, what should her hba1c be?", "diabetes/targets", ""), ("healthy_runner", "what should my hba1c be, as a diabetic?", "diabetes/targets", ""),
        ("healthy_runner", "my flatmate smokes and is 60. should he be screened?", "lung_cancer/screening", ""),
    ],
)  # fmt: skip
def test_guidance_is_followed_by_the_value_it_bears_on(patients: Path, name: str, question: str, cited: str, told: str) -> None:
    session = session_of(patients, name)
    found = write_out(of_this_person(view_of(patients, name), question, (cited,), "Guidance says so [1]."), session.facts)
    assert told in found if told else not found
    assert check(found, session.facts, ()).numbers_supported


def test_a_value_that_was_told_is_not_told_again(patients: Path) -> None:
    view = view_of(patients, "mild_obstruction")
    once = of_this_person(view, "does he qualify for screening?", ("lung_cancer/screening",), "Yearly [1].")
    assert "<|age_years|>" in once and not of_this_person(view, "and does his quit date matter?", ("lung_cancer/years-since-quit",), "No [1].", once)
