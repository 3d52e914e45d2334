"""FHIR R4: what a bundle says becomes a Patient, and a result becomes a bundle that says the same."""

from __future__ import annotations

import copy
import datetime as dt
import json
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from assistant import intake
from assistant.fhir import read_bundle, write_bundle
from assistant.fhir_codes import PANEL
from assistant.intake import IntakeError
from assistant.session import begin, examine
from encoders.record import QUANTITIES, Patient, ReportedSpirometry, Sex, Smoking
from encoders.spirogram.formats import sampled_data_blow
from encoders.spirogram.read import Blow, CurveError
from tests.conftest import ROOT

Document = dict[str, Any]
EXAMPLES = ("healthy_runner", "mild_obstruction", "missing_data", "poor_effort", "possible_restriction", "pre_and_post", "severe_obstruction")


def bundle(*resources: Document, **more: Any) -> Document:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources], **more}


def person(**more: Any) -> Document:
    return {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-06-15", **more}


def observation(code: str, value: Any, unit: str | None, date: str | None = "2020-06-15", **more: Any) -> Document:
    quantity = {"value": value} | ({"code": unit, "unit": unit, "system": "http://unitsofmeasure.org"} if unit else {})
    found: Document = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": quantity,
    }
    return found | ({"effectiveDateTime": date} if date else {}) | more


def curve(data: str = "", *, unit: str = "L", **more: Any) -> Document:
    volume = 30000 * (1 - np.exp(-np.arange(400) / 60)) * (1 - np.exp(-np.arange(400) / 4))
    sampled = {
        "origin": {"value": 0, "unit": unit},
        "period": 10,
        "factor": 0.0001,
        "dimensions": 1,
        "data": data or " ".join(str(round(v)) for v in volume),
    } | more
    return {"resourceType": "Observation", "status": "final", "code": {"text": "spirogram"}, "valueSampledData": sampled}


def bare(patient: Patient) -> Patient:
    """Without what differs by nature: sentences about the reading, and curves (they are compared point by point)."""
    return replace(patient, assumptions=(), blows=())


def travelled(document: Document) -> Patient:
    return read_bundle(json.loads(json.dumps(document)), "bundle.json")


def follows_r4(document: Document) -> None:
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate(json.loads(json.dumps(document)))


# the three made-up people of Synthea -----------------------------------------------------------------------------------
def ratios_by_hand(path: Path) -> list[tuple[str, float]]:
    found = []
    for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]:
        one = entry["resource"]
        if one["resourceType"] == "Observation" and one["code"]["coding"][0]["code"] == "19926-5":
            assert one["valueQuantity"]["unit"] == "%"
            found.append((one["effectiveDateTime"][:10], one["valueQuantity"]["value"] / 100))
    return sorted(found)


@pytest.mark.parametrize(("name", "count"), [("birgit_schmeler", 9), ("tony_beer", 5)])
def test_the_series_of_ratios_comes_in_date_order_as_fractions_without_litres(shared_data: Path, name: str, count: int) -> None:
    path = shared_data / "fhir" / f"synthea_{name}.json"
    patient = intake.read([path])
    assert [(test.date.isoformat() if test.date else "", test.fev1_fvc) for test in patient.reported] == ratios_by_hand(path)
    assert len(patient.reported) == count
    assert all(0 < (test.fev1_fvc or 0) < 1 and test.fev1_l is None and test.fvc_l is None for test in patient.reported)


def test_the_bundle_without_spirometry_says_so(shared_data: Path) -> None:
    patient = intake.read([shared_data / "fhir" / "synthea_stephen_mclaughlin.json"])
    assert patient.reported == () == patient.blows
    assert "the bundle holds no spirometry" in patient.assumptions
    assert begin(patient).spirometry is None


def test_the_rest_of_the_record_is_read_as_well(shared_data: Path) -> None:
    patient = intake.read([shared_data / "fhir" / "synthea_birgit_schmeler.json"])
    assert (patient.sex, patient.smoking_status, patient.age_years) == (Sex.FEMALE, Smoking.NEVER, 56.02)
    assert patient.height_cm == pytest.approx(161.938, abs=0.001)
    assert patient.systolic_bp_mmhg == pytest.approx(128.385, abs=0.001)
    assert "Chronic obstructive bronchitis" in patient.conditions
    assert not any("pharyngitis" in condition for condition in patient.conditions)  # resolved
    assert len(patient.medications) == 2  # penicillin was stopped
    assert any("latest test on 2020-05-31" in said for said in patient.assumptions)
    assert any("Temperature (2017-03-04)" in said for said in patient.assumptions)  # old values are named as such


def test_the_latest_ratio_alone_is_compared_and_no_litre_is_claimed(shared_data: Path) -> None:
    session = begin(intake.read([shared_data / "fhir" / "synthea_birgit_schmeler.json"]))
    known = {fact.name: fact for fact in session.facts}
    assert known["fev1_fvc"].text == "0.53"
    assert known["fev1_fvc"].status == "low"
    assert known["fev1_fvc_z"].value == pytest.approx(-3.22, abs=0.01)
    assert not {name for name in known if name.startswith(("fev1_l", "fvc_l", "fev1_p", "fvc_p", "pattern", "severity"))}
    assert session.spirometry is not None
    assert session.spirometry.interpretation is None
    assert "only the ratio" in session.spirometry.notes[0]


def test_a_synthea_record_written_and_read_again_is_the_same(shared_data: Path) -> None:
    for path in sorted((shared_data / "fhir").glob("*.json")):
        session = begin(intake.read([path]))
        document = write_bundle(session)
        follows_r4(document)
        assert bare(travelled(document)) == bare(session.patient)


# reading ---------------------------------------------------------------------------------------------------------------
def test_a_ratio_in_percent_becomes_a_fraction_and_a_fraction_stays_one() -> None:
    for value, unit in ((71.0, "%"), (0.71, "1"), (0.71, "{ratio}")):
        assert read_bundle(bundle(person(), observation("19926-5", value, unit)), "b").reported[0].fev1_fvc == pytest.approx(0.71)


def test_a_ratio_whose_unit_contradicts_it_is_left_out_and_said() -> None:
    patient = read_bundle(bundle(person(), observation("19926-5", 71.0, "1"), observation("19926-5", 0.7, "%")), "b")
    assert patient.reported == ()
    assert sum(said.startswith("left out: FEV1 FVC is") for said in patient.assumptions) == 2


def test_litres_before_and_after_a_bronchodilator_are_two_tests_of_one_day() -> None:
    day = [("20157-4", 1900, "mL"), ("19876-2", 3.1, "L"), ("19926-5", 61, "%"), ("20155-8", 2.4, "L"), ("19874-7", 3.3, "L"), ("69970-2", 73, "%")]
    before, after = read_bundle(bundle(person(), *(observation(*one) for one in day)), "b").reported
    assert (before.bronchodilator, before.fev1_l, before.fvc_l, before.fev1_fvc) == ("pre", 1.9, 3.1, pytest.approx(0.61))
    assert (after.bronchodilator, after.fev1_l, after.fvc_l, after.fev1_fvc) == ("post", 2.4, 3.3, pytest.approx(0.73))


def test_the_latest_value_wins_wherever_it_stands_and_units_are_converted() -> None:
    body = [
        observation("8302-2", 64, "[in_i]", "2021-01-01"), observation("8302-2", 170, "cm", "2019-01-01"), observation("29463-7", 180, "[lb_av]"),
        observation("8310-5", 98.6, "[degF]"), observation("4548-4", 48, "mmol/mol"), observation("2345-7", 5.5, "mmol/L"),
        observation("2160-0", 88.4, "umol/L"), observation("8867-4", 72, "{beats}/min"), observation("19935-6", 300, "L/min"), observation("8664-5", 20, "1"),
    ]  # fmt: skip
    patient = read_bundle(bundle(person(), *body), "b")
    found = (patient.height_cm, patient.weight_kg, patient.temperature_c, patient.hba1c_percent, patient.glucose_mg_dl, patient.creatinine_mg_dl)
    assert found == pytest.approx((162.56, 81.647, 37.0, 6.542, 99.088, 1.0), rel=1e-4)
    assert (patient.heart_rate_bpm, patient.pack_years, patient.reported[0].pef_l_s) == (72, 20, 5.0)


def test_both_codes_of_the_blood_pressure_panel_are_read() -> None:
    for panel in ("85354-9", "55284-4"):
        parts = [
            {"code": observation(code, 0, None)["code"], "valueQuantity": {"value": value, "code": "mm[Hg]"}}
            for code, value in (("8480-6", 128), ("8462-4", 82))
        ]
        both = observation(panel, 0, None, component=parts)
        del both["valueQuantity"]
        patient = read_bundle(bundle(person(), both), "b")
        assert (patient.systolic_bp_mmhg, patient.diastolic_bp_mmhg) == (128, 82)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"coding": [{"system": "http://snomed.info/sct", "code": "266919005"}]}, Smoking.NEVER), ({"text": "Former smoker"}, Smoking.FORMER),
        ({"coding": [{"code": "449868002"}]}, Smoking.CURRENT), ({"text": "Current every day smoker"}, Smoking.CURRENT),
        ({"coding": [{"code": "77176002"}], "text": "Smoker, current status unknown"}, None), ({"text": "Passive smoker"}, None), ({"text": "bananas"}, None),
    ],
)  # fmt: skip
def test_smoking_is_read_by_code_or_words_and_unknown_stays_unknown(answer: Document, status: Smoking | None) -> None:
    one = observation("72166-2", 0, None) | {"valueCodeableConcept": answer}
    del one["valueQuantity"]
    assert read_bundle(bundle(person(), one), "b").smoking_status is status


def test_only_what_is_active_now_counts_as_a_condition_or_a_medicine() -> None:
    def condition(text: str, **more: Any) -> Document:
        return {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "code": {"text": text}, **more}

    def medicine(text: str, **more: Any) -> Document:
        return {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/p"},
            "medicationCodeableConcept": {"text": text},
        } | more

    def status(code: str) -> Document:
        return {"coding": [{"code": code}]}

    patient = read_bundle(
        bundle(
            person(), condition("COPD (disorder)", clinicalStatus=status("active")), condition("flu", clinicalStatus=status("resolved")), condition("old", abatementDateTime="2001"),
            condition("not it", clinicalStatus=status("active"), verificationStatus=status("refuted")), condition("unstated"), medicine("salbutamol"),
            medicine("stopped", status="stopped"), medicine("considered", intent="proposal"), medicine("never give", doNotPerform=True),
            {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": "Patient/p"}, "medicationReference": {"reference": "Medication/m"}},
            {"resourceType": "Medication", "id": "m", "code": {"text": "tiotropium"}},
        ), "b",
    )  # fmt: skip
    assert patient.conditions == ("COPD", "unstated")
    assert patient.medications == ("salbutamol", "tiotropium")


def test_values_that_were_taken_back_are_not_read() -> None:
    assert read_bundle(bundle(person(), observation("8302-2", 170, "cm", status="entered-in-error")), "b").height_cm is None


def test_the_age_is_that_at_the_test_not_of_today() -> None:
    tested = read_bundle(bundle(person(), observation("19926-5", 70, "%", "2000-06-15"), observation("8302-2", 170, "cm", "2020-06-15")), "b")
    assert tested.age_years == pytest.approx(40.0, abs=0.01)
    observed = read_bundle(bundle(person(), observation("8302-2", 170, "cm", "2020-06-15")), "b")
    assert observed.age_years == pytest.approx(60.0, abs=0.01)
    undated = read_bundle(bundle(person(), observation("8302-2", 170, "cm", None)), "b")
    assert undated.age_years == pytest.approx((dt.date.today() - dt.date(1960, 6, 15)).days / 365.25, abs=0.01)
    assert any("today" in said for said in undated.assumptions)


def test_one_broken_resource_is_counted_and_sinks_nothing() -> None:
    broken = observation("8302-2", 170, "cm") | {"status": ["final"]}
    patient = read_bundle(bundle(person(), broken, observation("29463-7", 70, "kg")), "b")
    assert (patient.height_cm, patient.weight_kg) == (None, 70)
    assert "1 resource does not follow FHIR R4 and was left out" in patient.assumptions


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5, 1e300, 10**400, "170", True, None, [170]])
def test_a_height_that_is_no_height_is_left_out_and_said(value: Any) -> None:
    patient = read_bundle(bundle(person(), observation("8302-2", value, "cm")), "b")
    assert patient.height_cm is None
    assert any("left out" in said for said in patient.assumptions)


def test_an_unknown_unit_is_left_out_and_said() -> None:
    patient = read_bundle(bundle(person(), observation("8302-2", 11, "[smoot]"), observation("20150-9", 2.1, "[gal_us]")), "b")
    assert patient.height_cm is None
    assert patient.reported == ()
    assert sum("is not read; give it in" in said for said in patient.assumptions) == 2


def test_less_than_is_not_a_value() -> None:
    below = observation("2160-0", 0.5, "mg/dL")
    below["valueQuantity"]["comparator"] = "<"
    assert read_bundle(bundle(person(), below), "b").creatinine_mg_dl is None


def test_an_fev1_larger_than_the_fvc_is_left_out() -> None:
    patient = read_bundle(bundle(person(), observation("20150-9", 3.2, "L"), observation("19868-9", 2.9, "L")), "b")
    assert patient.reported == ()
    assert any("FEV1 3.2 L is larger than its FVC 2.9 L" in said for said in patient.assumptions)


def test_an_electrocardiogram_is_no_spirogram() -> None:
    patient = read_bundle(bundle(person(), curve(unit="uV")), "b")
    assert patient.blows == ()
    assert any("left out: a curve" in said and "in L, mL, L/s or L/min is needed" in said for said in patient.assumptions)


def test_a_curve_is_origin_plus_data_times_factor() -> None:
    blow = sampled_data_blow(curve(), "b")
    assert blow.volume_l[-1] == pytest.approx(3.0, abs=0.01)
    assert blow.sampling_hz == pytest.approx(100)
    in_ml = curve(unit="mL", factor=0.1)
    assert np.allclose(sampled_data_blow(in_ml, "b").volume_l, blow.volume_l, atol=1e-9)


@pytest.mark.parametrize(
    "more",
    [
        {"period": 0},
        {"period": None},
        {"period": "ten"},
        {"dimensions": 2},
        {"data": "1 2 E 4"},
        {"data": "1 2 3"},
        {"data": 7},
        {"origin": None},
        {"data": "nan " * 40},
    ],
)
def test_a_curve_that_cannot_be_read_says_why(more: Document) -> None:
    with pytest.raises(CurveError):
        sampled_data_blow(curve(**more) if "data" not in more else curve() | {"valueSampledData": curve()["valueSampledData"] | more}, "b")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"resourceType": "Observation"}, "is a FHIR Observation; give a Bundle"), ([], "document without a type"), ({"resourceType": 7}, "is a FHIR 7"),
        ({"resourceType": "Bundle"}, "without entries"), ({"resourceType": "Bundle", "entry": {}}, "without entries"), (bundle(), "without entries"),
        (bundle(person(id="a"), person(id="b")), "holds 2 patients"), (bundle({"resourceType": "Patient"}, {"resourceType": "Patient"}), "holds 2 patients"),
        (bundle(person(), observation("8302-2", 170, "cm", subject={"reference": "Patient/other"})), "more than one person"),
        (bundle(*(observation("8302-2", 170, "cm", subject={"reference": f"Patient/{one}"}) for one in "ab")), "more than one person"),
        (bundle(person(birthDate="1960-01-01"), observation("8302-2", 170, "cm", "1950-01-01")), "0 to 120 is possible"),
        (bundle(*[{}] * 20_001), "at most 20,000"),
    ],
)  # fmt: skip
def test_what_is_no_bundle_about_one_person_is_refused_in_one_sentence(document: Any, words: str) -> None:
    with pytest.raises(IntakeError, match=words) as caught:
        read_bundle(document, "b.json")
    assert "\n" not in str(caught.value)


def test_entries_without_a_resource_and_further_pages_are_said() -> None:
    patient = read_bundle(
        bundle(person(), link=[{"relation": "next", "url": "https://example.org/2"}]) | {"entry": [{"resource": person()}, 3, {"resource": []}]}, "b"
    )
    assert "2 entries hold no resource" in patient.assumptions
    assert any("one page of several" in said for said in patient.assumptions)


def test_a_truncated_file_and_deep_nesting_are_refused_in_one_sentence(tmp_path: Path) -> None:
    whole = json.dumps(bundle(person(), observation("8302-2", 170, "cm")))
    deep = json.dumps(bundle(person(), {"resourceType": "Observation", "code": "x"}))
    for text in (whole[: len(whole) // 2], deep.replace('"x"', "[" * 100_000 + "]" * 100_000)):
        path = tmp_path / "bundle.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(IntakeError, match="not valid JSON"):
            intake.read([path])


def test_a_deeply_nested_resource_is_no_crash() -> None:
    nested: Any = {"url": "x"}
    for _ in range(800):
        nested = {"url": "x", "extension": [nested]}
    patient = read_bundle(bundle(person(), observation("8302-2", 170, "cm", extension=[nested]), observation("29463-7", 70, "kg")), "b")
    assert patient.weight_kg == 70


def test_a_bundle_and_a_curve_of_the_same_person_are_read_together(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(bundle(person(), observation("8302-2", 170, "cm"))), encoding="utf-8")
    patient = intake.read([path, ROOT / "assets" / "patients" / "healthy_runner" / "spirogram.csv"])
    assert patient.blows
    assert patient.height_cm == 170


def test_nothing_of_a_patient_is_logged_printed_or_left_in_a_temporary_file(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a temporary file was made")

    for name in ("mkstemp", "mkdtemp", "TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, never)
    patient = read_bundle(bundle(person(name=[{"text": "Zebulon Quux"}]), observation("8302-2", "bad", "cm"), observation("29463-7", 71, "kg"), curve()), "b")
    write_bundle(begin(patient))
    assert patient.label == "Zebulon Quux"
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


# round trips -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_patient_written_and_read_again_is_the_same(name: str) -> None:
    session = begin(intake.read(sorted((ROOT / "assets" / "patients" / name).iterdir())))
    document = write_bundle(session)
    follows_r4(document)
    back = travelled(document)
    assert bare(back) == bare(session.patient)
    same_curves(back.blows, session.patient.blows)
    again = examine(back)
    assert again is not None and session.spirometry is not None and again.best is not None and session.spirometry.best is not None
    assert again.best.fev1_grade == session.spirometry.best.fev1_grade
    assert again.best.fvc_l == pytest.approx(session.spirometry.best.fvc_l, abs=0.001)


def same_curves(found: tuple[Blow, ...], meant: tuple[Blow, ...]) -> None:
    assert [(b.id, b.bronchodilator, b.date) for b in found] == [(b.id, b.bronchodilator, b.date) for b in meant]
    for one, other in zip(found, meant, strict=True):
        assert np.abs(one.volume_l - other.volume_l).max() <= 0.0001
        assert np.abs(one.time_s - other.time_s).max() < 1e-6
        assert np.abs(one.flow_l_s - other.flow_l_s).max() <= 0.02  # 0.1 mL over 10 ms, where the flow follows from the volume


def test_the_result_is_written_with_its_codes_limits_and_conclusion() -> None:
    session = begin(intake.read(sorted((ROOT / "assets" / "patients" / "pre_and_post").iterdir())))
    resources = [entry["resource"] for entry in write_bundle(session)["entry"]]
    by_code = {one["code"]["coding"][0]["code"]: one for one in resources if one["resourceType"] == "Observation"}
    assert {"20157-4", "20155-8", "19876-2", "19874-7", "19926-5", "69970-2", "19935-6", "65819-5", "20152-5", "19872-1"} <= set(by_code)
    fev1 = by_code["20157-4"]
    assert fev1["valueQuantity"]["code"] == "L"
    assert fev1["interpretation"][0]["coding"][0]["code"] == "L"
    assert fev1["referenceRange"][0]["low"]["value"] == pytest.approx(2.16, abs=0.01)
    reports = [one for one in resources if one["resourceType"] == "DiagnosticReport"]
    assert all(one["code"]["coding"][0]["code"] == PANEL for one in reports)
    assert (
        "FEV1 grade" in reports[0]["conclusion"]
        and "airflow obstruction" in reports[0]["conclusion"]
        and "Research and education only" in reports[0]["conclusion"]
    )
    assert "significant response" in reports[1]["conclusion"]
    assert sum("valueSampledData" in one for one in resources) == len(session.patient.blows)


def test_no_name_and_no_date_of_birth_are_made_up() -> None:
    document = write_bundle(Patient(sex=Sex.MALE, age_years=61.0))
    patient = document["entry"][0]["resource"]
    assert "name" not in patient and "birthDate" not in patient
    assert travelled(document).age_years == 61.0


def test_values_measured_on_a_curve_are_not_read_back_as_values_of_the_record() -> None:
    session = begin(intake.read(sorted((ROOT / "assets" / "patients" / "healthy_runner").iterdir())))
    assert session.patient.reported == ()
    assert travelled(write_bundle(session)).reported == ()


WORDS = st.text("abcdefghijklmnopqrstuvwxyz ÄÖéß0123456789-/,", min_size=1, max_size=40).map(lambda text: " ".join(text.split())).filter(bool)
LISTS = st.lists(WORDS, max_size=4, unique=True).map(tuple)


@st.composite
def reported_tests(draw: st.DrawFn) -> ReportedSpirometry:
    fvc = draw(st.none() | st.floats(0.5, 8.0))
    fev1 = draw(st.none() | st.floats(0.3, fvc or 6.0).filter(lambda v: v <= (fvc or 6.0)))
    rest = {
        "fev1_fvc": (0.1, 1.0), "pef_l_s": (0.5, 15.0), "fef25_75_l_s": (0.1, 8.0), "bev_l": (0.0, 1.0), "fet_s": (0.5, 20.0),
    }  # fmt: skip
    values = {name: draw(st.none() | st.floats(*limits)) for name, limits in rest.items()}
    found = ReportedSpirometry(
        fev1,
        fvc,
        **values,
        date=draw(st.none() | st.dates(dt.date(1980, 1, 1), dt.date(2026, 1, 1))),
        bronchodilator=draw(st.sampled_from((None, "pre", "post"))),
    )
    assume(any(getattr(found, item.name) is not None for item in fields(found)[:7]))
    return found


@st.composite
def curves_of_a_visit(draw: st.DrawFn) -> Blow:
    hertz, seconds = draw(st.sampled_from((50, 60, 100, 125, 200, 1000))), draw(st.floats(1.0, 4.0))
    time = np.arange(int(hertz * seconds)) / hertz
    volume = draw(st.floats(0.5, 7.0)) * (1 - np.exp(-time / draw(st.floats(0.2, 1.5)))) * (1 - np.exp(-time / 0.05))
    flow = np.gradient(volume, time)
    if draw(st.booleans()):
        flow = flow * draw(st.floats(0.9, 1.1))  # measured by the device, not derived
    day = draw(st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2026, 1, 1)).map(dt.date.isoformat))
    return Blow(time, volume, flow, draw(st.sampled_from(("1", "2", "trial 3", "x" * 30))), "f", draw(st.sampled_from((None, "pre", "post"))), day)


@st.composite
def people(draw: st.DrawFn) -> Patient:
    numbers = {q.name: draw(st.none() | st.floats(q.low, q.high)) for q in QUANTITIES if q.name not in ("bmi_kg_m2", "height_cm", "weight_kg")}
    body = draw(st.sampled_from(({}, {"height_cm": 171.3, "weight_kg": 1 / 3 + 70}, {"bmi_kg_m2": 100 / 3}, {"height_cm": 0.1 + 160.2})))
    reported = sorted(draw(st.lists(reported_tests(), max_size=4)), key=lambda test: test.date or dt.date.min)
    return Patient(
        label=draw(st.just("Patient") | WORDS), sex=draw(st.none() | st.sampled_from(Sex)), smoking_status=draw(st.none() | st.sampled_from(Smoking)),
        ancestry=draw(st.none() | st.just("north_east_asian")), conditions=draw(LISTS), medications=draw(LISTS), symptoms=draw(LISTS), reported=tuple(reported),
        blows=tuple(draw(st.lists(curves_of_a_visit(), max_size=2))), **numbers, **body,
    )  # fmt: skip


@given(people())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whoever_is_written_comes_back_the_same(patient: Patient) -> None:
    document = write_bundle(patient)
    follows_r4(document)
    back = travelled(document)
    assert bare(back) == bare(patient)
    assert len(back.blows) == len(patient.blows)
    for one, other in zip(back.blows, patient.blows, strict=True):
        assert (one.id, one.bronchodilator, one.date) == (other.id, other.bronchodilator, other.date)
        assert np.abs(one.volume_l - other.volume_l).max() <= 0.0001
        derived = np.allclose(other.flow_l_s, np.gradient(other.volume_l, other.time_s), atol=1e-6)
        assert np.abs(one.flow_l_s - other.flow_l_s).max() <= (0.0001 * other.sampling_hz if derived else 0.0001)


# bad input -------------------------------------------------------------------------------------------------------------
JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just([])
    | st.just({})
    | st.just([[]])
    | st.just([None, {"a": 1}])
    | st.just("9" * 400)
)


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


def a_rich_bundle() -> Document:
    session = begin(intake.read(sorted((ROOT / "assets" / "patients" / "severe_obstruction").iterdir())))
    blow = session.patient.blows[0]
    short = replace(blow, time_s=blow.time_s[:40], volume_l=blow.volume_l[:40], flow_l_s=blow.flow_l_s[:40])
    test = ReportedSpirometry(1.1, 3.0, 0.37, date=dt.date(2020, 1, 1), bronchodilator="pre")
    document = write_bundle(replace(session.patient, blows=(short,), reported=(test, replace(test, bronchodilator="post"))))
    document["entry"][0]["resource"] |= {"birthDate": "1950-02-03", "name": [{"family": "Q", "given": ["Z"]}]}
    document["entry"] += [
        {
            "resource": {
                "resourceType": "MedicationRequest",
                "status": "active",
                "intent": "order",
                "subject": {},
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "x"}}],
            }
        }
    ]
    return document


RICH = a_rich_bundle()
PLACES = places(RICH)


@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=4), st.booleans())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutated_bundle_is_a_patient_or_one_plain_sentence(changes: list[tuple[tuple[Any, ...], Any]], drop: bool) -> None:
    document = copy.deepcopy(RICH)
    for place, junk in changes:
        holder: Any = document
        try:
            for key in place[:-1]:
                holder = holder[key]
            if not place:
                document = junk
            elif drop and isinstance(holder, dict):
                del holder[place[-1]]
            else:
                holder[place[-1]] = junk
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    found = outcome(document)
    if isinstance(found, Patient):
        examine(found)
    else:
        assert found
        assert "\n" not in found


def outcome(document: Any) -> Patient | str:
    """The typed result, or the sentence; anything else that is raised fails the test."""
    try:
        return read_bundle(document, "b.json")
    except IntakeError as error:
        return str(error)
