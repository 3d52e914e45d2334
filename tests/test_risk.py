"""From log-odds to risks: calibrated, with an interval, for adults only, and one row of a file at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assistant import risk as risks
from assistant.risk import Looked, Risk, RiskError, fit, look_through, score_cohort
from encoders.cohort import CohortError
from encoders.record import RISK_TRAITS, Patient, Sex
from encoders.tabular import COLUMNS, table_of

NAMES = [trait for trait, _ in RISK_TRAITS]
RATES = np.linspace(-3.0, 0.0, len(NAMES))  # true log-odds at the mean
SIZES = {"train": 1500, "validation": 1500, "test": 1500}


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def world(seed: int = 0, bias: float = 1.5, slope: float = 0.5) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Made-up people whose true risks are known, and a model whose log-odds are off by a bias and a slope."""
    rng = np.random.default_rng(seed)
    tables, traits, log_odds, true = {}, {}, {}, {}
    for fold, count in SIZES.items():
        table = np.zeros((count, 2, len(COLUMNS)), np.float32)
        table[:, 1] = 1.0
        table[:, 0, COLUMNS.index("age_years")] = (rng.uniform(20, 80, count) - 45) / 20
        table[:, 0, COLUMNS.index("male")] = rng.integers(0, 2, count)
        truth = RATES + 1.2 * table[:, 0, [COLUMNS.index("age_years")]] + 0.0 * rng.normal(size=(count, 1))
        tables[fold], true[fold] = table, sigmoid(truth)
        traits[fold] = (rng.random(truth.shape) < sigmoid(truth)).astype(float)
        traits[fold][rng.random(truth.shape) < 0.05] = np.nan
        log_odds[fold] = (truth - bias) / slope
    return tables, traits, log_odds, true


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], ...]:
    return world()


@pytest.fixture(scope="module")
def learned(made: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return fit(*made[:3])


@pytest.fixture
def folder(tmp_path: Path, learned: dict[str, Any]) -> Path:
    (tmp_path / "risk.json").write_text(json.dumps(learned), encoding="utf-8")
    return tmp_path


# learning ------------------------------------------------------------------------------------------------------------
def test_calibrated_probabilities_are_close_to_the_true_ones(made: tuple[dict[str, Any], ...], learned: dict[str, Any]) -> None:
    _, _traits, log_odds, true = made
    risk = Risk(learned)
    for index, trait in enumerate(NAMES):
        ours = risk.calibrate(log_odds["test"][:, index], trait)
        assert ours.mean() == pytest.approx(true["test"][:, index].mean(), rel=0.15), trait
        assert np.abs(ours - true["test"][:, index]).mean() < 0.03, trait
        assert np.all(np.diff(ours[np.argsort(log_odds["test"][:, index])]) >= 0), "calibration changes no order"


def test_what_was_measured_is_of_the_test_fold_and_of_known_answers_only(made: tuple[dict[str, Any], ...], learned: dict[str, Any]) -> None:
    _, traits, _, _ = made
    for index, row in enumerate(learned["held_out"]):
        known = traits["test"][:, index]
        assert row["trait"] == NAMES[index]
        assert (row["people"], row["cases"]) == (int((~np.isnan(known)).sum()), int(np.nansum(known)))
        assert 0.75 < row["observed_over_expected"] < 1.33
        assert row["auroc_low"] <= row["auroc"] <= row["auroc_high"]
        assert row["auroc"] > 0.65 and row["auroc_logistic_regression"] > 0.65
        assert 0 < row["brier"] < 0.25


def test_the_populations_figure_is_the_rate_of_its_sex_and_age(made: tuple[dict[str, Any], ...], learned: dict[str, Any]) -> None:
    tables, traits, _, _ = made
    age = tables["train"][:, 0, COLUMNS.index("age_years")] * 20 + 45
    male = tables["train"][:, 0, COLUMNS.index("male")] > 0.5
    chosen = traits["train"][male & (age >= 60) & (age < 70), -1]
    assert learned["traits"][NAMES[-1]]["population"]["male:3"] == pytest.approx(np.nanmean(chosen), abs=0.01)


def test_the_same_seed_gives_the_same_file() -> None:
    small = [{fold: one[:200] for fold, one in part.items()} for part in world()[:3]]
    assert json.dumps(fit(*small)) == json.dumps(fit(*small))


def test_a_fold_without_cases_in_the_test_is_still_measured(made: tuple[dict[str, Any], ...]) -> None:
    tables, traits, log_odds = ({fold: one[:300].copy() for fold, one in part.items()} for part in made[:3])
    traits["test"][:, 0] = 0.0
    row = fit(tables, traits, log_odds)["held_out"][0]
    assert row["cases"] == 0 and "auroc" not in row


# one patient ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("age_years", [20.0, 39.9, 55.0, 95.0])
@pytest.mark.parametrize("sex", list(Sex))
def test_an_adult_gets_one_probability_per_trait_within_its_interval(folder: Path, age_years: float, sex: Sex) -> None:
    risk = Risk.load(folder)
    for level in (-8.0, -1.0, 0.0, 2.0, 8.0):
        found = risk.estimate(np.full(len(NAMES), level), Patient(sex=sex, age_years=age_years), None)
        assert [one.trait for one in found] == NAMES
        for one in found:
            assert 0.0 < one.probability < 1.0
            assert 0.0 <= one.low <= one.probability <= one.high <= 1.0, one
            assert one.classical is not None and 0.0 < one.classical < 1.0
            assert one.population is None or 0.0 < one.population < 1.0


def test_a_rare_trait_that_is_almost_sure_to_be_absent_still_lies_in_its_interval(folder: Path) -> None:
    risk = Risk.load(folder)
    for level in (-60.0, -25.0, 25.0, 60.0):
        for one in risk.estimate(np.full(len(NAMES), level), Patient(sex=Sex.MALE, age_years=50.0), None):
            assert one.low <= one.probability <= one.high, one


@pytest.mark.parametrize(
    "patient",
    [Patient(sex=Sex.MALE, age_years=19.9), Patient(sex=Sex.FEMALE, age_years=6.0), Patient(sex=Sex.MALE), Patient(age_years=50.0), Patient()],
)
def test_no_risk_for_children_or_without_age_or_sex(folder: Path, patient: Patient) -> None:
    assert Risk.load(folder).estimate(np.zeros(len(NAMES)), patient, None) == ()


def test_what_was_not_measured_is_listed(folder: Path) -> None:
    risk = Risk.load(folder)
    bare = risk.estimate(np.zeros(len(NAMES)), Patient(sex=Sex.FEMALE, age_years=50.0), None)[0].missing
    more = risk.estimate(np.zeros(len(NAMES)), Patient(sex=Sex.FEMALE, age_years=50.0, height_cm=160.0, hba1c_percent=5.5), None)[0].missing
    assert {"HbA1c", "Height", "Systolic blood pressure"} <= set(bare)
    assert "Age" not in bare
    assert set(bare) - set(more) == {"HbA1c", "Height"}


def test_the_classical_figure_is_that_of_the_logistic_regression(folder: Path, learned: dict[str, Any]) -> None:
    patient = Patient(sex=Sex.MALE, age_years=62.0)
    one = learned["traits"][NAMES[0]]["classical"]
    expected = sigmoid(one["intercept"] + table_of(patient).reshape(-1) @ np.array(one["weights"]))
    assert Risk.load(folder).estimate(np.zeros(len(NAMES)), patient, None)[0].classical == pytest.approx(expected)


@pytest.mark.parametrize("harm", ["gone", "cut", "other traits", "other columns", "a list", "no traits"])
def test_a_damaged_or_older_file_is_refused_with_what_to_do(folder: Path, learned: dict[str, Any], harm: str) -> None:
    path = folder / "risk.json"
    changed: dict[str, Any] = {
        "cut": path.read_text()[:50], "other traits": json.dumps({**learned, "traits": {}}), "other columns": json.dumps({**learned, "columns": ["age"]}),
        "a list": "[]", "no traits": "{}",
    }  # fmt: skip
    path.unlink() if harm == "gone" else path.write_text(changed[harm])
    with pytest.raises(RiskError, match="restore it from the repository or train again"):
        Risk.load(folder)


# a file of people ----------------------------------------------------------------------------------------------------
@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every person scores as their age says; returns the sizes of the chunks that were scored."""
    sizes: list[int] = []

    def by_age(model: Any, people: list[Any], batch: int = 16) -> Any:
        sizes.append(len(people))
        return np.array([[float(person.table[0, COLUMNS.index("age_years")])] * len(NAMES) for person in people]).reshape(len(people), len(NAMES))

    monkeypatch.setattr(risks, "score_people", by_age)
    return sizes


def cohort_file(folder: Path, table: pd.DataFrame) -> Path:
    table.to_csv(folder / "cohort.csv", index=False)
    return folder / "cohort.csv"


def test_every_row_gets_its_probabilities_in_the_order_of_the_file(folder: Path, scored: list[int]) -> None:
    ages = np.random.default_rng(0).uniform(20, 80, 1203).round(1)
    path = cohort_file(folder, pd.DataFrame({"SEQN": range(5000, 6203), "age_years": ages}))
    risk = Risk.load(folder)
    table = pd.concat(score_cohort(None, risk, path, NAMES[:3]))
    assert list(table.columns) == ["SEQN", *NAMES[:3]]
    assert table["SEQN"].tolist() == [str(one) for one in range(5000, 6203)]
    assert sorted(scored) == [203, 500, 500]
    assert np.allclose(table[NAMES[0]], risk.calibrate((ages - 45) / 20, NAMES[0]), atol=1e-5)


def test_trait_columns_of_the_file_are_not_looked_at(folder: Path, scored: list[int]) -> None:
    plain = pd.DataFrame({"id": ["007", "b"], "age_years": [40, 60]})
    risk = Risk.load(folder)
    without = pd.concat(score_cohort(None, risk, cohort_file(folder, plain), NAMES))
    beside = pd.concat(score_cohort(None, risk, cohort_file(folder, plain.assign(copd=["yes", 9], angina=[2, 1])), NAMES))
    pd.testing.assert_frame_equal(without, beside)
    assert without["id"].tolist() == ["007", "b"]


def test_an_id_that_comes_back_much_later_is_refused(folder: Path, scored: list[int]) -> None:
    path = cohort_file(folder, pd.DataFrame({"id": [*range(700), 3], "age_years": 50}))
    with pytest.raises(CohortError, match="the id 3 stands twice"):
        list(score_cohort(None, Risk.load(folder), path, NAMES))


def test_a_fault_in_the_last_row_is_known_before_anybody_is_scored(folder: Path, scored: list[int]) -> None:
    assert look_through(cohort_file(folder, pd.DataFrame({"id": range(1203), "age_years": 50}))) == Looked(1203, {})
    with pytest.raises(CohortError, match="age_years"):
        look_through(cohort_file(folder, pd.DataFrame({"id": range(1203), "age_years": [*[50] * 1202, "fifty"]})))
    assert scored == []


def test_values_that_nobody_has_are_counted_or_refused_by_the_rows_that_are_scored_together(folder: Path, scored: list[int]) -> None:
    pressure = [120.0] * 1500
    pressure[3], pressure[700] = 12000.0, 9000.0
    table = pd.DataFrame({"id": range(1500), "age_years": 50, "systolic_bp_mmhg": pressure})
    assert look_through(cohort_file(folder, table)).set_aside == {"systolic_bp_mmhg": 2}
    table.loc[:15, "systolic_bp_mmhg"] = 12000.0  # 16 of the first 500: another unit
    with pytest.raises(CohortError, match="systolic_bp_mmhg holds 12000"):
        look_through(cohort_file(folder, table))


def test_an_unknown_trait_and_an_unreadable_file_are_refused(folder: Path, scored: list[int]) -> None:
    risk = Risk.load(folder)
    with pytest.raises(CohortError, match="unknown trait 'height'; choose from"):
        list(score_cohort(None, risk, folder / "none.csv", ["height"]))
    for name, content in (("none.csv", None), ("empty.csv", b""), ("binary.csv", b"\x81\x00\xff,\n" * 9)):
        if content is not None:
            (folder / name).write_bytes(content)
        with pytest.raises(CohortError):
            list(score_cohort(None, risk, folder / name, NAMES))
