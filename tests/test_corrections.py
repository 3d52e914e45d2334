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
    sex, age, height, unit, after, used = form[3:9]
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


# units ---------------------------------------------------------------------------------------------------------------
def put_right(patient: Patient, **changed: object) -> tuple[Patient, Patient, list[str]]:
    return corrections.in_units(patient, patient, as_is(patient, **changed))


def test_a_weight_in_pounds_that_was_taken_for_kilograms_is_put_right_and_the_body_mass_index_with_it(tmp_path: Path) -> None:
    (tmp_path / "record.csv").write_text("sex,age,height_cm,weight\nfemale,40,165,154\n", encoding="utf-8")
    patient = intake.read([tmp_path / "record.csv"])
    field, number, unit, curves = corrections.form(Desk(begin(patient), patient))[-5:-1]
    assert ("Weight: 154 kg", "weight_kg") in field["choices"] and not number["visible"] and not unit["visible"] and not curves["visible"]
    number, unit = corrections.chosen("weight_kg", Desk(begin(patient), patient))
    assert (number["value"], unit["value"], unit["choices"]) == (154.0, "kg", ["kg", "g", "lb"])
    _, now, said = put_right(patient, field="weight_kg", value=154.0, unit="lb")
    assert said == ["Weight is 69.85 kg"]
    assert now.bmi_kg_m2 == pytest.approx(69.853 / 1.65**2, abs=0.01)
    assert now.assumptions[-1] == "corrected by hand: Weight is 69.85 kg"


@pytest.mark.parametrize(
    ("column", "cell", "field", "value", "unit", "right"),
    [
        ("glucose", "8", "glucose_mg_dl", 144.1, "mg/dL", 144.1), ("hba1c", "7.1", "hba1c_percent", 54.0, "mmol/mol", 7.09), ("temperature", "37", "temperature_c", 98.6, "f", 37.0),
        ("fev1", "2.1", "fev1_l", 2100.0, "ml", 2.1), ("pef", "6", "pef_l_s", 420.0, "l/min", 7.0),
    ],
)  # fmt: skip
def test_every_value_of_a_record_can_be_given_in_its_units(column: str, cell: str, field: str, value: float, unit: str, right: float, tmp_path: Path) -> None:
    (tmp_path / "record.csv").write_text(f"sex,age,height_cm,fvc,{column}\nmale,50,175,4.4,{cell}\n", encoding="utf-8")
    patient = intake.read([tmp_path / "record.csv"])
    read_again, now, _ = put_right(patient, field=field, value=value, unit=unit)
    assert corrections.held_values(now)[field] == pytest.approx(right, rel=0.002)
    assert corrections.apply(read_again, now, as_is(patient))[0].reported == now.reported, "the next correction keeps it"


def curve_in(folder: Path, factor: float, head: str = "time,volume") -> Patient:
    """The healthy runner with a curve whose numbers are litres times ``factor``."""
    blow = read("healthy_runner").blows[0]
    rows = "\n".join(f"{t:.3f},{v * factor:.5f}" for t, v in zip(blow.time_s, blow.volume_l, strict=True))
    (folder / "curve.csv").write_text(f"{head}\n{rows}\n", encoding="utf-8")
    (folder / "record.csv").write_text("sex,age,height_cm\nfemale,34,168\n", encoding="utf-8")
    return intake.read([folder / "record.csv", folder / "curve.csv"])


def test_a_curve_whose_unit_was_misnamed_is_put_right_without_another_upload(tmp_path: Path) -> None:
    truth = begin(curve_in(tmp_path, 1.0)).spirometry
    patient = curve_in(tmp_path, 1 / 60, "time,volume (L)")
    desk = Desk(begin(patient), patient)
    fields = (patient.sex.value if patient.sex else None, 34.0, 168.0, "cm", [], ["0"], None, None, None)
    done = list(doing(Scripted())["correct"](desk, *fields, "l/s"))[-1]
    assert "the curves are in litres a second, not litres a minute" in done[1]
    assert desk.session is not None and desk.session.spirometry is not None and truth is not None and truth.best is not None
    assert desk.session.spirometry.best is not None
    assert desk.session.spirometry.best.fev1_l == pytest.approx(truth.best.fev1_l, abs=0.01)
    less = list(doing(Scripted())["correct"](desk, *fields, ""))[-1]
    assert less[1] == "Nothing differs from what was read.", "it is not scaled a second time"


def rows_of(folder: Path, name: str, step: int) -> Patient:
    """An example whose time column counts ``step`` from row to row and names no unit."""
    blow = read(name).blows[0]
    every = max(1, round(blow.sampling_hz / 100))
    rows = "\n".join(f"{number * step},{v:.5f}" for number, v in enumerate(blow.volume_l[::every]))
    (folder / "curve.csv").write_text(f"time,volume\n{rows}\n", encoding="utf-8")
    return intake.read([folder / "curve.csv"])


def test_a_time_that_was_taken_for_milliseconds_but_counts_samples_is_put_right_by_their_number_in_a_second(tmp_path: Path) -> None:
    truth = begin(rows_of(tmp_path, "severe_obstruction", 10)).spirometry
    patient = rows_of(tmp_path, "severe_obstruction", 1)
    assert any("time was taken to be in milliseconds" in one for blow in patient.blows for one in blow.assumptions)
    desk = Desk(begin(patient), patient)
    assert corrections.form(desk)[-1] == {"value": 1000.0, "visible": True, "__type__": "update"}
    fields = (None, None, None, "cm", [], ["0"], None, None, None, "")
    done = list(doing(Scripted())["correct"](desk, *fields, 100.0))[-1]
    assert "the curves have 100 samples a second" in done[1]
    right = desk.session.spirometry if desk.session is not None else None
    assert right is not None and right.best is not None and truth is not None and truth.best is not None
    assert right.best.fev1_l == pytest.approx(truth.best.fev1_l, abs=0.01)
    assert right.best.pef_l_s == pytest.approx(truth.best.pef_l_s, rel=0.03)
    assert right.best.fet_s == pytest.approx(truth.best.fet_s, abs=0.1)
    assert corrections.form(desk)[-1]["value"] == 100.0
    assert list(doing(Scripted())["correct"](desk, *fields, 100.0))[-1][1] == "Nothing differs from what was read."


def test_a_volume_that_was_reckoned_from_flow_grows_with_the_time(tmp_path: Path) -> None:
    blow = read("healthy_runner").blows[0]
    rows = "\n".join(f"{t / 2:.4f},{f:.5f}" for t, f in zip(blow.time_s, blow.flow_l_s, strict=True))
    (tmp_path / "curve.csv").write_text(f"time (s),flow (L/s)\n{rows}\n", encoding="utf-8")
    patient = intake.read([tmp_path / "curve.csv"])
    again, now, _ = put_right(patient, hertz=patient.blows[0].sampling_hz / 2)
    assert now.blows[0].volume_l.max() == pytest.approx(blow.volume_l.max(), rel=0.02)
    assert now.blows[0].flow_l_s.max() == pytest.approx(blow.flow_l_s.max(), rel=0.02)
    assert again.blows[0].time_s[-1] == pytest.approx(blow.time_s[-1], rel=0.02)


@pytest.mark.parametrize(
    ("hertz", "said"), [(5.0, "5 samples a second is not possible; 20 to 1000"), (1000.0, "would last 0.249 s; a spirogram lasts from 0.3")]
)
def test_a_time_that_no_blow_can_have_is_one_sentence(hertz: float, said: str, tmp_path: Path) -> None:
    blow = read("healthy_runner").blows[0]
    few = replace(blow, time_s=blow.time_s[:250] * (blow.sampling_hz / 100), volume_l=blow.volume_l[:250], flow_l_s=blow.flow_l_s[:250])
    with pytest.raises(ValueError, match=said):
        put_right(replace(read("healthy_runner"), blows=(few,)), hertz=hertz)


def test_a_file_whose_named_unit_of_time_cannot_be_is_refused_with_the_cure(tmp_path: Path) -> None:
    for head, factor in (("time (s),volume (L)", 1000), ("time (ms),volume (L)", 1)):
        blow = read("healthy_runner").blows[0]
        rows = "\n".join(f"{t * factor:.4f},{v:.5f}" for t, v in zip(blow.time_s, blow.volume_l, strict=True))
        (tmp_path / "curve.csv").write_text(f"{head}\n{rows}\n", encoding="utf-8")
        with pytest.raises(ValueError, match=r"a spirogram lasts from 0.3 to 600 s: check the unit of time|time column does not advance"):
            intake.read([tmp_path / "curve.csv"])


def test_a_unit_that_no_blow_can_have_is_one_sentence(tmp_path: Path) -> None:
    patient = curve_in(tmp_path, 1.0)
    with pytest.raises(ValueError, match=r"would reach .* L if it were in millilitres, not litres; 0.1 to 12 L is possible"):
        put_right(patient, curve_unit="ml")
    with pytest.raises(ValueError, match="is possible"):
        put_right(patient, field="weight_kg", value=9000.0, unit="kg") if patient.weight_kg else put_right(
            read("healthy_runner"), field="weight_kg", value=9000.0, unit="kg"
        )


def test_a_guessed_unit_opens_the_form_until_it_is_confirmed(tmp_path: Path) -> None:
    patient = curve_in(tmp_path, 1.0)
    assert any("taken to be in litres" in one for one in patient.assumptions)
    desk = Desk(begin(patient), patient)
    assert corrections.form(desk)[2]["open"] is True
    doing(Scripted())["confirm"](desk)
    assert corrections.form(desk)[2]["open"] is False
