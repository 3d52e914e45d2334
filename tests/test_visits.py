"""Several dated tests of one person: slopes and their intervals, ageing, FEV1Q, and litres that are never invented."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from encoders.record import Patient, ReportedSpirometry, Sex
from encoders.spirogram import analyse, to_json
from encoders.spirogram.read import Blow, read_curves
from encoders.spirogram.reference import ReferenceRangeError, evaluate
from encoders.spirogram.simulate import simulate
from encoders.spirogram.visits import BETWEEN_VISITS_L, LEAST_SQUARES, Visits, follow, slope_of, trend_json

PATIENTS = Path(__file__).resolve().parent.parent / "assets" / "patients"
BODY: dict[str, Any] = {"sex": "male", "age_years": 60.0, "height_cm": 175.0}


def told(year: int, fev1: float | None = None, fvc: float | None = None, ratio: float | None = None, state: str | None = None) -> ReportedSpirometry:
    return ReportedSpirometry(fev1_l=fev1, fvc_l=fvc, fev1_fvc=ratio, date=dt.date(year, 3, 1), bronchodilator=state)


def dated(fev1: float, fvc: float, date: str, **more: Any) -> Blow:
    return replace(simulate(fev1, fvc), date=date, **more)


def cut(blow: Blow, seconds: float) -> Blow:
    """The blow as if the recording had been stopped that long after its first sample."""
    kept = blow.time_s <= seconds
    return replace(blow, time_s=blow.time_s[kept], volume_l=blow.volume_l[kept], flow_l_s=blow.flow_l_s[kept])


def seen(trend: Visits | None) -> Visits:
    assert trend is not None
    return trend


def read(trend: Visits | None) -> str:
    return " ".join(statement.text for statement in seen(trend).statements)


def test_one_date_is_no_trend() -> None:
    assert follow(reported=[told(2020, 3.0, 4.0)], **BODY) is None
    assert follow(reported=[ReportedSpirometry(fev1_l=3.0), ReportedSpirometry(fev1_l=2.9)], **BODY) is None
    assert follow([dated(3.0, 4.0, "2020-03-01"), dated(2.9, 4.0, "2020-03-01")], **BODY) is None


@given(st.lists(st.floats(0.5, 6.0), min_size=3, max_size=9), st.integers(0, 1000))
def test_the_slope_and_its_interval_are_those_of_least_squares(values: list[float], seed: int) -> None:
    from scipy.stats import linregress, t

    years = np.sort(np.random.default_rng(seed).uniform(0.0, 12.0, len(values))) + np.arange(len(values)) * 0.01
    slope, half = slope_of(list(years), values)
    assume(max(values) - min(values) > 1e-3)
    other = linregress(years, values)
    assert slope == pytest.approx(other.slope, abs=1e-9)
    assert half == pytest.approx(other.stderr * t.ppf(0.975, len(values) - 2), abs=1e-6)


def test_a_steady_fall_is_found_in_millilitres_a_year() -> None:
    trend = seen(follow(reported=[told(2020 + k, 3.0 - 0.05 * k, 4.0 - 0.05 * k) for k in range(5)], **BODY))
    fev1 = trend.changes["fev1"]
    assert fev1.per_year == pytest.approx(-50.0, abs=0.1)
    assert fev1.unit == "mL/year"
    assert fev1.method == LEAST_SQUARES
    assert fev1.low is not None
    assert fev1.high is not None
    assert fev1.low <= fev1.per_year <= fev1.high
    assert (fev1.first, fev1.last, fev1.visits) == (3.0, 2.8, 5)
    assert "FEV1 changed by -50 mL a year" in read(trend)
    assert "the interval may be too narrow" in read(trend)  # exactly on a line, as no tests ever lie


def test_the_order_of_the_tests_changes_nothing() -> None:
    series = [told(2020 + k, 3.0 - 0.05 * k + 0.03 * (k % 2), 4.0) for k in range(5)]
    assert follow(reported=series, **BODY) == follow(reported=series[::-1], **BODY)


@pytest.mark.parametrize("sex", ["female", "male"])
def test_two_visits_take_their_interval_from_the_scatter_between_visits(sex: str) -> None:
    trend = seen(follow(reported=[told(2020, 3.0, 4.0), told(2022, 2.9, 4.0)], **{**BODY, "sex": sex}))
    fev1, ratio = trend.changes["fev1"], trend.changes["fev1_fvc"]
    years = (dt.date(2022, 3, 1) - dt.date(2020, 3, 1)).days / 365.25
    assert fev1.per_year == pytest.approx(-100.0 / years)
    assert fev1.high is not None
    assert fev1.high - fev1.per_year == pytest.approx(1000 * BETWEEN_VISITS_L[sex] / years)
    assert f"95 % of repeats differ by at most {BETWEEN_VISITS_L[sex]:.2f} L" in read(trend)
    assert ratio.low is None
    assert "two visits give no interval for a ratio" in read(trend)


def test_age_is_that_at_each_visit() -> None:
    series = [told(2010, 3.0, 4.0), told(2020, 2.8, 3.9)]
    by_age = seen(follow(reported=series, **BODY))
    assert [visit.age_years for visit in by_age.visits] == [pytest.approx(50.0, abs=0.01), 60.0]
    for visit in by_age.visits:
        alone = evaluate("fev1", visit.fev1_l, sex="male", age_years=visit.age_years or 0.0, height_cm=175.0)
        assert visit.references["fev1"] == alone


def test_a_curve_older_than_a_recorded_test_is_compared_at_the_age_of_its_day() -> None:
    from assistant.session import examine

    person = Patient(sex=Sex.MALE, age_years=60.0, height_cm=175.0)
    both = examine(replace(person, blows=(dated(3.0, 4.0, "2010-05-01"),), reported=(told(2020, 2.8, 3.9),)))
    assert both is not None and both.visits is not None
    shown = both.references["fev1"]
    assert shown == both.visits.visits[0].references["fev1"]
    alone = evaluate("fev1", shown.measured, sex="male", age_years=50.0, height_cm=175.0)
    assert shown.z == pytest.approx(alone.z, abs=0.01)
    assert "the test of 2010-05-01 is compared at the age of 50.2 years, since the record holds a later one of 2020-03-01" in both.notes


def test_the_blows_of_a_day_are_graded_as_a_session_is() -> None:
    runner = read_curves((PATIENTS / "healthy_runner" / "spirogram.csv").read_bytes(), "spirogram.csv")[0]
    stopped = [replace(cut(runner, seconds), id=f"{seconds}", date="2024-05-01") for seconds in (4.0, 4.2, 4.4, 4.6, 4.8)]  # the later repeat the first
    result = analyse([dated(3.0, 4.0, "2022-05-01"), *stopped], **BODY)
    last = seen(result.visits).visits[-1]
    assert result.best is not None
    assert (last.fev1_grade, last.fvc_grade) == (result.best.fev1_grade, result.best.fvc_grade)
    assert [m.findings for m in last.maneuvers] == [m.findings for m in result.maneuvers]


def test_who_ages_as_the_predicted_value_keeps_the_z_score_and_shows_nothing_beyond_ageing() -> None:
    series = [
        told(2010 + k, *(evaluate(name, None, sex="male", age_years=50.0 + k, height_cm=175.0).predicted for name in ("fev1", "fvc"))) for k in range(0, 11, 2)
    ]
    fev1 = seen(follow(reported=series, **BODY)).changes["fev1"]
    assert fev1.z_change == pytest.approx(0.0, abs=1e-3)
    assert fev1.expected_per_year == pytest.approx(fev1.per_year, abs=0.05)
    assert -45 < fev1.per_year < -20


def test_a_fall_faster_than_ageing_is_called_so_and_scatter_is_not() -> None:
    fast = [told(2014 + k, 3.2 - 0.12 * k + 0.02 * (-1) ** k, 4.2) for k in range(6)]
    assert "below that by more than the uncertainty" in read(follow(reported=fast, **BODY))
    loose = [told(2014 + k, 3.0 - 0.03 * k + 0.2 * (-1) ** k, 4.2) for k in range(6)]
    assert "nothing beyond ageing is shown" in read(follow(reported=loose, **BODY))


@pytest.mark.parametrize(("last", "said"), [(2.55, "this reaches the 15 %"), (2.60, "this does not reach the 15 %")])
def test_fifteen_percent_from_one_year_to_the_next(last: float, said: str) -> None:
    assert said in read(follow(reported=[told(2020, 3.0, 4.0), told(2021, last, 4.0)], **BODY))
    assert "15 %" not in read(follow(reported=[told(2020, 3.0, 4.0), told(2025, last, 4.0)], **BODY))


@pytest.mark.parametrize(("sex", "quotient"), [("male", 2.0), ("female", 2.5)])
def test_fev1q_is_fev1_over_the_first_percentile_of_the_sex(sex: str, quotient: float) -> None:
    trend = seen(follow(reported=[told(2020, 1.2, 3.0), told(2022, 1.0, 2.9)], **{**BODY, "sex": sex}))
    assert trend.visits[-1].fev1q == pytest.approx(quotient)
    assert f"FEV1Q is {quotient:.1f}" in read(trend)


def test_a_child_has_no_fev1q_and_no_reference_at_a_height_that_is_not_known() -> None:
    trend = seen(follow(reported=[told(2018, 1.2, 1.4), told(2022, 1.9, 2.2)], sex="female", age_years=11.0, height_cm=145.0))
    assert [bool(visit.references) for visit in trend.visits] == [False, True]
    assert all(visit.fev1q is None for visit in trend.visits)
    assert trend.changes["fev1"].expected_per_year is None
    assert "height at the age of 7 is not known" in trend.notes[0]


def test_ratios_alone_give_a_trend_of_the_ratio_and_no_litres() -> None:
    trend = seen(follow(reported=[told(2020 + k, ratio=0.70 - 0.01 * k) for k in range(4)], **BODY))
    assert set(trend.changes) == {"fev1_fvc"}
    assert trend.changes["fev1_fvc"].per_year == pytest.approx(-0.01, abs=1e-4)
    assert trend.changes["fev1_fvc"].z_change is not None
    assert all(visit.fev1_l is None and visit.fvc_l is None and visit.fev1q is None for visit in trend.visits)
    document = trend_json(trend)
    assert all(visit["fev1_l"] is None for visit in document["visits"])
    assert "mL" not in read(trend)


def test_the_bundles_series_of_ratios_are_followed(shared_data: Path) -> None:
    bundle = json.loads((shared_data / "fhir" / "synthea_birgit_schmeler.json").read_text())
    series = [
        ReportedSpirometry(fev1_fvc=one["valueQuantity"]["value"] / 100.0, date=dt.date.fromisoformat(one["effectiveDateTime"][:10]))
        for one in (entry["resource"] for entry in bundle["entry"])
        if one["resourceType"] == "Observation" and one["code"]["coding"][0]["code"] == "19926-5"
    ]
    trend = seen(
        follow(reported=series, sex="female", age_years=(max(one.date for one in series if one.date) - dt.date(1964, 5, 24)).days / 365.25, height_cm=161.9)
    )
    assert len(trend.visits) == 9
    assert [visit.date for visit in trend.visits] == sorted(visit.date for visit in trend.visits)
    assert trend.visits[0].age_years == pytest.approx(47.03, abs=0.01)
    assert set(trend.changes) == {"fev1_fvc"}
    assert trend.changes["fev1_fvc"].z_first is not None


def test_dates_of_blows_are_visits_and_the_latest_is_the_session() -> None:
    blows = [dated(3.0, 4.0, "2022-05-01"), dated(2.98, 3.95, "2022-05-01"), dated(2.7, 3.8, "2024-05-01", id="3"), dated(2.65, 3.75, "2024-05-01", id="4")]
    result = analyse(blows[::-1], **BODY)
    assert {m.blow.date for m in result.maneuvers} == {"2024-05-01"}
    assert result.best is not None
    assert result.best.fev1_l == pytest.approx(2.7, abs=0.03)
    trend = seen(result.visits)
    assert [visit.fev1_l for visit in trend.visits] == [pytest.approx(3.0, abs=0.03), pytest.approx(2.7, abs=0.03)]
    assert [visit.fev1_grade for visit in trend.visits] == ["B", "B"]
    assert trend.changes["fev1"].per_year == pytest.approx(-150.0, abs=5.0)
    assert "2 dates" in result.notes[-1]


def test_blows_of_one_date_or_none_stay_one_session() -> None:
    blows = [replace(simulate(3.0, 4.0), id="1"), replace(simulate(2.95, 3.95), id="2")]
    assert analyse(blows, **BODY).visits is None
    assert len(analyse([replace(blow, date="2024-05-01") for blow in blows], **BODY).maneuvers) == 2


def test_a_curve_goes_before_the_records_values_of_the_same_day() -> None:
    trend = seen(follow([dated(3.0, 4.0, "2020-03-01")], [told(2020, 2.0, 3.0), told(2022, 2.9, 4.0)], **BODY))
    assert trend.visits[0].fev1_l == pytest.approx(3.0, abs=0.03)
    assert trend.visits[0].maneuvers
    assert trend.visits[1].fev1_grade == ""
    assert "not known (no curve)" in read(trend)


def test_an_unusable_visit_stays_in_the_list_and_out_of_the_trend() -> None:
    spoiled = replace(simulate(3.0, 4.0, faults=("slow_start",)), date="2023-03-01")
    trend = seen(follow([dated(3.1, 4.1, "2020-03-01"), spoiled, dated(2.9, 4.0, "2024-03-01")], **BODY))
    assert len(trend.visits) == 3
    assert trend.visits[1].fev1_l is None
    assert trend.changes["fev1"].visits == 2


def test_like_is_compared_with_like_before_and_after_a_bronchodilator() -> None:
    both = [told(2020, 2.5, 4.0, state="pre"), told(2020, 2.9, 4.1, state="post"), told(2022, 2.4, 4.0, state="pre"), told(2022, 2.8, 4.1, state="post")]
    assert [visit.fev1_l for visit in seen(follow(reported=both, **BODY)).visits] == [2.5, 2.4]
    after = [one for one in both if not (one.bronchodilator == "pre" and one.date == dt.date(2020, 3, 1))]
    assert [visit.fev1_l for visit in seen(follow(reported=after, **BODY)).visits] == [2.9, 2.8]
    mixed = [both[0], both[3]]
    assert "a part of the change may be its effect" in read(follow(reported=mixed, **BODY))
    assert "may be its effect" not in read(follow(reported=both, **BODY))


def test_what_is_not_known_is_not_compared_and_what_is_not_covered_is_said() -> None:
    series = [told(2020, 3.0, 4.0), told(2022, 2.9, 4.0)]
    bare = seen(follow(reported=series))
    assert bare.reference_name is None
    assert bare.changes["fev1"].expected_per_year is None
    assert "z-score" not in read(bare)
    old = seen(follow(reported=series, sex="male", age_years=96.0, height_cm=175.0))
    assert [bool(visit.references) for visit in old.visits] == [True, False]
    assert "covers ages 3 to 95 years; got 96" in old.notes[0]
    with pytest.raises(ReferenceRangeError, match="ancestry group"):
        follow(reported=series, reference="gli-2012", **BODY)


def test_undated_tests_are_left_out_and_it_is_said() -> None:
    trend = seen(follow([simulate(3.0, 4.0)], [told(2020, 3.0, 4.0), told(2022, 2.9, 4.0)], **BODY))
    assert trend.notes == ("1 without a date was left out of the trend",)


def test_a_rate_from_a_few_weeks_is_said_to_mean_little() -> None:
    days = [ReportedSpirometry(fev1_l=value, fvc_l=4.0, date=dt.date(2024, 1, day)) for day, value in ((1, 3.0), (29, 2.9))]
    assert "within 28 days" in read(follow(reported=days, **BODY))


def test_every_statement_has_a_source_and_the_json_no_nan() -> None:
    trend = seen(follow(reported=[told(2020 + k, 3.0 - 0.05 * k, 4.0) for k in range(3)], **BODY))
    assert all(statement.source for statement in trend.statements)
    document = trend_json(trend)
    json.dumps(document, allow_nan=False)
    assert set(document["trend"]) >= {"fev1", "fvc", "fev1_fvc", "statements", "notes", "reference"}
    assert trend_json(None) == {"visits": [], "trend": None}
    assert to_json(analyse([simulate(3.0, 4.0)], **BODY))["visits"] == []


def test_the_command_line_prints_visits_and_their_trend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant import cli
    from encoders.spirogram import read as room

    files = []
    for date, fev1 in (("2022-05-01", 3.0), ("2024-05-01", 2.7)):
        path = tmp_path / f"{date}.csv"
        path.write_text("time_s,volume_l\n0,0\n")
        files.append((path, dated(fev1, 4.0, date)))
    monkeypatch.setattr(room, "read_curves", lambda path: (next(blow for one, blow in files if one == path),))
    words = ["measure", *(str(path) for path, _ in files), "--sex", "male", "--age-years", "60", "--height-cm", "175"]
    document = json.loads(CliRunner().invoke(cli.app, [*words, "--json"]).stdout)
    assert [visit["date"] for visit in document["visits"]] == ["2022-05-01", "2024-05-01"]
    assert document["trend"]["fev1"]["per_year"] == pytest.approx(-150, abs=5)
    said = CliRunner().invoke(cli.app, words).stdout
    assert "Visit 2022-05-01: FEV1 3.0" in said
    assert "FEV1 changed by -1" in said


def test_a_patients_dated_values_get_their_trend() -> None:
    from assistant.session import examine

    patient = Patient(sex=Sex.MALE, age_years=60.0, height_cm=175.0, reported=(told(2022, 2.8, 4.0), told(2020, 3.0, 4.0)))
    result = examine(patient)
    assert result is not None
    assert result.best is not None
    assert result.best.fev1_l == 2.8
    assert seen(result.visits).changes["fev1"].last == 2.8
