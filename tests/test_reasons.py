"""What a risk rests on: taking away what a model reads changes its answer by exactly that much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assistant.reasons import contributions, explain_cohort, fields_of, spoken_stretch, straightened, stretches
from assistant.risk import Risk
from assistant.session import to_rows
from encoders.record import RISK_TRAITS, Patient, Sex, Smoking
from encoders.spirogram import analyse
from encoders.spirogram.measure import measure
from encoders.spirogram.simulate import simulate
from encoders.tabular import COLUMNS

AGE, SMOKER, FEV1 = (COLUMNS.index(name) for name in ("age_years", "smoker", "fev1_l"))
PATIENT = Patient(sex=Sex.MALE, age_years=65.0, height_cm=175.0, smoking_status=Smoking.CURRENT, pack_years=40.0)
BLOW = simulate(1.8, 3.6)  # scooped: the descent lies below the straight line
TEST = analyse((BLOW,), sex="male", age_years=65.0, height_cm=175.0)


class Reads:
    """A model whose log-odds are written down: age, smoking, FEV1, and how much flow stands from 1 to 2 L."""

    asked = 0

    def score(self, people: list[Any], questions: Any, system: str) -> Any:
        Reads.asked = len(people)
        flow = np.array([0.0 if one.curve is None else one.curve[0, 34:66].mean() for one in people])
        tables = np.stack([one.table for one in people])
        return (2.0 * tables[:, 0, AGE] + 0.7 * tables[:, 0, SMOKER] - 0.5 * tables[:, 0, FEV1] - 9.0 * flow)[:, None] * np.ones(len(questions))


def by_name(trait: str = "copd", slope: float = 1.0) -> dict[str, Any]:
    return {one.name: one for one in contributions(Reads(), PATIENT, TEST, trait, slope=slope)}


def test_a_field_contributes_what_the_model_made_of_it() -> None:
    found = by_name()
    assert found["age_years"].log_odds == pytest.approx(2.0 * (65 - 45) / 20, abs=1e-5)
    assert found["smoking_status"].log_odds == pytest.approx(0.7)
    assert found["pack_years"].log_odds == found["height_cm"].log_odds == found["sex"].log_odds == 0.0
    assert "hba1c_percent" not in found, "what was not measured cannot contribute"
    assert found["smoking_status"].label == "Smoking status" and found["age_years"].label == "Age"


def test_log_odds_are_those_of_the_calibrated_risk() -> None:
    assert by_name(slope=0.5)["age_years"].log_odds == pytest.approx(0.5 * by_name()["age_years"].log_odds)


def test_the_strongest_comes_first_and_everything_is_asked_in_one_pass() -> None:
    found = contributions(Reads(), PATIENT, TEST, "copd")
    sizes = [abs(one.log_odds) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    assert Reads.asked == len(found) + 1


def test_the_stretch_that_is_read_is_the_one_that_is_pointed_out() -> None:
    found = contributions(Reads(), PATIENT, TEST, "copd")
    spoken = spoken_stretch(found)
    assert spoken is not None and spoken.stretch_l is not None and spoken.stretch_l[1] > 1.0 and spoken.stretch_l[0] < 2.0
    far = [one for one in found if one.stretch_l and one.stretch_l[0] > 2.3]
    assert all(abs(one.log_odds) < 0.01 for one in far)
    assert {one.name: one for one in found}["curve"].log_odds < 0.0, "this model counts flow against the trait"


def test_without_a_curve_only_fields_contribute() -> None:
    found = contributions(Reads(), PATIENT, None, "stroke")
    assert all(one.stretch_l is None for one in found) and not {"curve", "spirometry"} & {one.name for one in found}
    assert spoken_stretch(found) is None and not stretches(found)


def test_an_unknown_trait_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown trait 'height'; choose from"):
        contributions(Reads(), PATIENT, TEST, "height")


def test_straightening_a_scooped_curve_raises_flow_there_and_nowhere_else() -> None:
    maneuver = TEST.maneuvers[0]
    changed = straightened(maneuver, 1.0, 2.0).blow
    inside = (BLOW.volume_l > 1.05) & (BLOW.volume_l < 1.95)
    assert (changed.flow_l_s[inside] > BLOW.flow_l_s[inside]).all()
    outside = (BLOW.volume_l < 0.95) | (BLOW.volume_l > 2.05)
    assert np.array_equal(changed.flow_l_s[outside], BLOW.flow_l_s[outside])
    assert changed.time_s[-1] < BLOW.time_s[-1], "the same volume at a higher flow takes less time"
    assert np.all(np.diff(changed.time_s) > 0)
    grid = np.arange(0, changed.time_s[-1], 0.01)
    volume = np.interp(grid, changed.time_s, changed.volume_l)
    again = measure(type(BLOW)(grid, volume, np.gradient(volume, grid)))
    assert again.fev1_l is not None and maneuver.fev1_l is not None and again.fev1_l > maneuver.fev1_l


def test_rows_hold_what_was_found() -> None:
    found = contributions(Reads(), PATIENT, TEST, "copd")
    rows = to_rows(found)
    assert len(rows) == len(found) and rows[0]["odds_ratio"] == pytest.approx(np.exp(found[0].log_odds), abs=1e-3)


def test_fields_and_stretches_are_told_apart_and_every_field_has_a_name_for_people() -> None:
    found = contributions(Reads(), PATIENT, TEST, "copd")
    assert {one.name for one in fields_of(found)}.isdisjoint({"curve", "spirometry"}) and all(one.stretch_l is None for one in fields_of(found))
    assert [one.stretch_l for one in stretches(found)] == sorted(one.stretch_l for one in stretches(found) if one.stretch_l)
    assert {one.label for one in found if one.name in ("fev1_l", "fef25_75_l_s", "pack_years")} == {"FEV1", "FEF25-75", "Pack-years"}


def test_a_table_of_people_is_explained_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    pd.DataFrame(
        {"id": ["a", "b"], "sex": ["male", "female"], "age_years": [65, 10], "height_cm": [175, 140], "fev1_l": [1.8, 1.5], "fvc_l": [3.6, 1.9]}
    ).to_csv(path, index=False)
    risk = Risk({"traits": {trait: {"calibration": [0.0, 2.0]} for trait, _ in RISK_TRAITS}})
    rows = [row for part in explain_cohort(Reads(), risk, path, ("copd", "stroke")) for row in part]
    assert {row["id"] for row in rows} == {"a"}, "risks are for adults"
    assert {row["trait"] for row in rows} == {"copd", "stroke"}
    assert next(row for row in rows if row["name"] == "age_years")["log_odds"] == pytest.approx(4.0)
