"""A value that is typed in a message and differs from the record: the answer says whose value it goes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.typed_values import stated_otherwise
from encoders.record import write_out
from encoders.teacher.view import View
from tests.test_sayable import case_of


@pytest.mark.parametrize(
    ("question", "says"),
    [("my hba1c was 7.9, do i have diabetes?", "HbA1c 6.2 %"), ("his weight is 95 kg. how much should he lose", "weight 91.2 kg"), ("her blood pressure was about 165, what now", "138 mmHg")],
)  # fmt: skip
def test_a_value_that_differs_is_told_beside_that_of_the_record(patients: Path, question: str, says: str) -> None:
    case = case_of(patients, "possible_restriction")
    said = write_out(stated_otherwise(View(case), question, ""), case.facts)
    assert says in said and "not counted as a measurement" in said


@pytest.mark.parametrize(
    "question",
    [
        "my hba1c was 6.2, do i have diabetes?", "if my hba1c was 7.9, what then", "my weight was 95 kg last year", "her blood pressure was 86 at the bottom", "is an hba1c of 7.9 high",
        "my hba1c is 55 mmol/mol", "his fev1 is 67 percent, is it bad", "my weight is 14 stone 4", "my target hba1c is 7", "my bmi is 35, is that bad", "my fev1 is 2 standard deviations below", "my fev1 is 1.6 l less than last time", "my pulse is 80 to 90",
    ],
)  # fmt: skip
def test_what_is_the_same_or_of_another_time_or_unit_is_not(patients: Path, question: str) -> None:
    assert stated_otherwise(View(case_of(patients, "possible_restriction")), question, "") == ""


def test_a_value_that_the_record_lacks_is_said_to_be_lacking(patients: Path) -> None:
    view = View(case_of(patients, "mild_obstruction"))
    assert "holds no total cholesterol" in stated_otherwise(view, "my cholesterol is 245, is that too high?", "Fewer saturated fats lower cholesterol.")
    assert stated_otherwise(view, "my cholesterol is 245, is that too high?", "Your total cholesterol is not measured in this record.") == ""
