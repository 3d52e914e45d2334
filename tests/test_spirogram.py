"""The wing's front door: patterns, responses, facts, JSON; the measures of the standard on interpretation."""

from __future__ import annotations

import json

import pytest

from encoders.spirogram import analyse, facts, to_json
from encoders.spirogram.interpret import pattern_of, severity_of
from encoders.spirogram.simulate import simulate

BODY = {"sex": "male", "age_years": 50.0, "height_cm": 175.0}


@pytest.mark.parametrize(
    ("fev1", "fvc", "ratio", "pattern"),
    [
        (0.0, 0.0, 0.0, "normal"), (-2.0, -1.0, -2.0, "obstruction"), (-2.0, -2.0, -2.0, "possible_mixed"), (-2.0, -2.0, 0.0, "possible_restriction"),
        (-2.0, -1.0, -1.0, "preserved_ratio_impaired"), (-1.0, 0.0, -2.0, "possible_dysanapsis"), (-1.645, -1.645, -1.645, "normal"),
    ],
)  # fmt: skip
def test_patterns_follow_the_lower_limits(fev1: float, fvc: float, ratio: float, pattern: str) -> None:
    assert pattern_of(fev1, fvc, ratio) == pattern


@pytest.mark.parametrize(("z", "severity"), [(-1.6, None), (-1.7, "mild"), (-2.5, "moderate"), (-4.0, "moderate"), (-4.01, "severe")])
def test_severity_follows_z(z: float, severity: str | None) -> None:
    assert severity_of(z) == severity


def test_obstruction_is_found_in_a_simulated_blow() -> None:
    result = analyse([simulate(1.8, 4.2, 4.6)], **BODY)
    assert result.interpretation is not None
    assert result.interpretation.pattern == "obstruction"
    assert result.shape[0] == "scooped"
    assert {fact.name: fact.status for fact in facts(result)}["fev1_fvc"] == "low"


def test_an_unusable_blow_gets_no_interpretation() -> None:
    result = analyse([simulate(3.0, 4.2, faults=("slow_start", "early_end"))], **BODY)
    assert result.interpretation is None
    assert to_json(result)["interpretation"] is None
    assert "pattern" not in {fact.name for fact in facts(result)}


def test_without_sex_age_or_height_nothing_is_compared_and_it_is_said() -> None:
    result = analyse([simulate(3.0, 4.0)], sex="male", age_years=50.0, height_cm=None)
    assert result.references == {}
    assert "without height" in result.notes[0]


def test_a_bronchodilator_response_is_over_ten_percent_of_predicted() -> None:
    from dataclasses import replace

    pre, post = simulate(2.2, 3.9, 5.5), replace(simulate(2.9, 4.2, 7.0), bronchodilator="post")
    result = analyse([replace(pre, bronchodilator="pre"), post], **BODY)
    assert result.response is not None
    assert result.response.significant
    assert result.best is not None
    assert result.best.fev1_l == pytest.approx(2.2, abs=0.03)


def test_the_json_is_that_of_the_interface_and_has_no_nan() -> None:
    document = to_json(analyse([simulate(3.0, 4.0), simulate(2.95, 3.95)], **BODY))
    assert {"maneuvers", "session", "reference", "interpretation", "bronchodilator_response"} <= set(document)
    assert {"fvc_l", "fev1_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "time_zero_s", "fet_s", "fivc_l", "acceptable", "usable", "findings"} <= set(
        document["maneuvers"][0]
    )
    json.dumps(document, allow_nan=False)


def test_borderline_values_are_called_so() -> None:
    from encoders.spirogram.reference import evaluate

    limit = evaluate("fev1", 3.0, **BODY).lln
    result = analyse([simulate(limit + 0.02, (limit + 0.02) / 0.80, 8.0)], **BODY)
    assert result.interpretation is not None
    assert "fev1" in result.interpretation.borderline
