"""What was read is confirmed or corrected in place, and measured again without another upload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant import intake
from assistant.interface import corrections
from assistant.interface.corrections import Correction
from assistant.interface.desk import Desk
from assistant.session import Seen, Turn, begin
from encoders.record import Patient
from tests.conftest import ROOT
from tests.test_interface import Scripted, doing


def read(name: str) -> Patient:
    return intake.read(sorted((ROOT / "assets" / "patients" / name).iterdir()))


def as_is(patient: Patient, **changed: object) -> Correction:
    """The form as it is filled for a patient, with what a person changed."""
    tests = patient.blows or patient.reported
    filled = {
        "sex": patient.sex.value if patient.sex else None, "age_years": patient.age_years, "height": patient.height_cm, "height_unit": "cm",
        "after": [str(n) for n, one in enumerate(tests) if one.bronchodilator == "post"], "used": [str(n) for n in range(len(tests))],
    }  # fmt: skip
    return Correction(**{**filled, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["healthy_runner", "mild_obstruction", "possible_restriction", "pre_and_post", "severe_obstruction", "missing_data"])
def test_a_form_that_nobody_changed_changes_nothing(name: str) -> None:
    patient = read(name)
    form = corrections.form(Desk(begin(patient), patient))
    assert len(form) == corrections.FIELDS == len(corrections.blank())
    sex, age, height, unit, after, used = form[3:]
    said = corrections.apply(patient, patient, Correction(sex, age, height, unit, after["value"], used["value"]))
    assert said == (patient, [])


def test_a_missing_height_that_is_typed_in_gives_reference_values_at_once() -> None:
    patient = read("missing_data")
    assert begin(patient).spirometry.references == {}  # type: ignore[union-attr]
    now, said = corrections.apply(patient, patient, as_is(patient, height=5.25, height_unit="feet"))
    assert said == ["height is 160.0 cm"]
    assert set(begin(now).spirometry.references) == {"fev1", "fvc", "fev1_fvc"}  # type: ignore[union-attr]
    assert now.bmi_kg_m2 == pytest.approx(70 / 1.6002**2)
    assert now.assumptions[-1] == "corrected by hand: height is 160.0 cm"


def test_a_height_in_another_unit_than_it_seemed_moves_the_body_mass_index_with_it() -> None:
    patient = read("healthy_runner")
    now, _ = corrections.apply(patient, patient, as_is(patient, height=1.72, height_unit="m"))
    assert now.height_cm == pytest.approx(172.0)
    assert now.bmi_kg_m2 == pytest.approx(60 / 1.72**2)


def test_what_no_person_has_is_one_sentence() -> None:
    patient = read("healthy_runner")
    with pytest.raises(ValueError, match="40 to 250 cm is possible"):
        corrections.apply(patient, patient, as_is(patient, height=900))
    with pytest.raises(ValueError, match="no blow is left"):
        corrections.apply(read("mild_obstruction"), patient := read("mild_obstruction"), as_is(patient, used=[]))


def test_blows_are_said_to_be_after_a_bronchodilator_and_taken_back() -> None:
    patient = read("pre_and_post")
    assert begin(patient).spirometry.response is not None  # type: ignore[union-attr]
    before, said = corrections.apply(patient, patient, as_is(patient, after=[]))
    assert len(said) == sum(blow.bronchodilator == "post" for blow in patient.blows)
    assert begin(before).spirometry.response is None  # type: ignore[union-attr]
    after = [str(number) for number, blow in enumerate(patient.blows) if blow.bronchodilator == "post"]
    again, _ = corrections.apply(patient, before, as_is(patient, after=after))
    assert [blow.bronchodilator for blow in again.blows] == [blow.bronchodilator for blow in patient.blows]


def test_a_blow_is_left_out_and_comes_back_without_another_upload() -> None:
    patient = read("mild_obstruction")
    less, said = corrections.apply(patient, patient, as_is(patient, used=["1"]))
    assert said == [f"blow {patient.blows[0].id} does not count"]
    assert begin(less).spirometry.best.fev1_grade == "E"  # type: ignore[union-attr]
    more, said = corrections.apply(patient, less, as_is(patient))
    assert said == ["every blow counts"]
    assert [blow.id for blow in more.blows] == [blow.id for blow in patient.blows]


def test_the_conversation_stays_and_says_that_its_answers_are_of_the_values_before() -> None:
    patient = read("missing_data")
    old = begin(patient).add(Turn("Explain my result", "No height.", seen=Seen(raw="No height.", said="No height.", intent="explain_result"), done=True))
    desk = Desk(replace(old, memory=object()), patient)
    page = doing(Scripted())
    waiting, done = list(page["correct"](desk, "female", 71.0, 160.0, "cm", [], ["0"]))
    assert waiting[1].startswith("Measuring again")
    assert "height is 160.0 cm" in done[1] and "conversation stays" in done[1]
    assert desk.session is not None and desk.session.memory is None
    assert [turn.question for turn in desk.session.turns] == ["Explain my result", "Corrected: height is 160.0 cm."]
    assert desk.session.turns[0].answer == "No height." and desk.session.turns[0].seen.raw == "", "read by people, no longer by the model"
    assert any(fact.name == "fev1_z" for fact in desk.session.facts)
    assert next(page["again"](desk))[3] == "Nothing to answer again."


def test_a_wrong_correction_is_said_where_it_was_made_and_changes_nothing() -> None:
    patient = read("healthy_runner")
    desk = Desk(begin(patient), patient)
    said = list(doing(Scripted())["correct"](desk, "female", 34.0, 9.0, "cm", [], []))[-1]
    assert said[1].startswith("⚠") and "40 to 250 cm" in said[1]
    assert desk.session is not None and desk.session.patient is patient


def test_a_confirmed_assumption_stays_in_the_report_and_is_asked_no_more(tmp_path: Path) -> None:
    patient = read("possible_restriction")
    assert patient.assumptions
    desk = Desk(begin(patient), patient)
    doing(Scripted())["confirm"](desk)
    assert desk.session is not None
    assert all(one.endswith("(confirmed)") for one in desk.session.patient.assumptions)
    assert corrections.form(desk)[1]["visible"] is False
