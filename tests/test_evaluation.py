"""The honest table: its measures follow their definitions, its ablations take away what they say, and the command writes it all."""

from __future__ import annotations

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from typer.testing import CliRunner

from assistant import cli, evaluation_report
from assistant.benchmark import write_readme
from encoders import baselines, evaluation
from encoders import probes as probes_of
from encoders.batch import Person
from encoders.cohort import HELD_OUT, TRAITS, simulated_cohort
from encoders.evaluation import ABLATIONS, EvaluationError, ablate, evaluate, read_folds
from encoders.probes import rebuilt
from encoders.scores import auroc, average_precision, calibration_bins, calibration_line, differences, measured, resamples
from encoders.tabular import COLUMNS
from tests import tiny

FIVE = list(baselines.SPIROMETRY_COLUMNS)


# measures ------------------------------------------------------------------------------------------------------------
def known_risks(count: int = 4000, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    risk = 1 / (1 + np.exp(-rng.normal(-1.0, 1.0, count)))
    return (rng.random(count) < risk).astype(float), risk, rng


@pytest.mark.parametrize("ties", [False, True])
def test_areas_are_those_of_scikit_learn_with_and_without_ties(ties: bool) -> None:
    truth, risk, _ = known_risks(500)
    risk = np.round(risk, 1) if ties else risk
    assert auroc(truth, risk) == pytest.approx(roc_auc_score(truth, risk))
    assert average_precision(truth, risk) == pytest.approx(average_precision_score(truth, risk))


def test_a_person_drawn_twice_counts_twice() -> None:
    truth, risk, rng = known_risks(300)
    weight = resamples(300, 1, rng)[0]
    again = np.repeat(np.arange(300), weight.astype(int))
    assert auroc(truth, risk, weight) == pytest.approx(roc_auc_score(truth[again], risk[again]))
    assert average_precision(truth, risk, weight) == pytest.approx(average_precision_score(truth[again], risk[again]))


def test_true_risks_are_perfectly_calibrated_and_squared_ones_are_not() -> None:
    truth, risk, rng = known_risks()
    draws = resamples(len(truth), 20, rng)
    good, bad = measured(truth, risk, draws), measured(truth, risk**2, draws)
    assert good["calibration_slope"] == pytest.approx(1.0, abs=0.1) and good["observed_over_expected"] == pytest.approx(1.0, abs=0.06) and good["ece"] < 0.03
    assert bad["observed_over_expected"] > 1.5 and bad["ece"] > 0.1 and bad["brier"] > good["brier"]
    assert bad["auroc"] == good["auroc"], "squaring changes no order"
    assert good["auroc_low"] < good["auroc"] < good["auroc_high"]
    assert calibration_line(truth, 1 / (1 + np.exp(-2 * np.log(risk / (1 - risk)))))[1] == pytest.approx(0.5, abs=0.06)
    assert sum(size for _, _, size in calibration_bins(truth, risk)) == len(truth)


def test_too_few_cases_give_no_area() -> None:
    truth, risk = np.r_[np.ones(3), np.zeros(200)], np.linspace(0.1, 0.2, 203)
    draws = resamples(203, 5, np.random.default_rng(0))
    assert "auroc" not in measured(truth, risk, draws) and "brier" in measured(truth, risk, draws)
    assert differences(truth, risk, {"other": risk}, draws) == {}


def test_a_paired_difference_of_a_model_from_itself_is_zero() -> None:
    truth, risk, rng = known_risks(800)
    found = differences(truth, risk, {"same": risk, "worse": rng.random(800)}, resamples(800, 50, rng))
    assert found["same"] == {"auroc": found["same"]["auroc"], "change": 0.0, "change_low": 0.0, "change_high": 0.0}
    assert found["worse"]["change_high"] < 0


# ablations -----------------------------------------------------------------------------------------------------------
def some_people(count: int = 6) -> list[Person]:
    people = [tiny.person(seed) for seed in range(count)]
    for person in people:
        person.table[1] = 1.0
    return [*people, tiny.person(99, curve=False)]


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_an_ablation_takes_away_what_it_says_and_nothing_else(name: str) -> None:
    people = some_people()
    changed = ablate(people, name, seed=3)
    rest = [place for place in range(len(COLUMNS)) if place not in FIVE]
    for before, after in zip(people, changed, strict=True):
        if name != "curve_only":
            assert np.array_equal(before.table[:, rest], after.table[:, rest]), "other fields stay"
    first, was = changed[0], people[0]
    assert was.curve is not None
    others = name in ("shuffled_curves", "shuffled_spirometry", "curve_alone_shuffled")
    if name in ("no_curve", "no_spirometry"):
        assert first.curve is None
    elif name == "blank_curve":
        assert first.curve is not None and not first.curve.any() and changed[-1].curve is None
    else:
        assert first.curve is not None and np.array_equal(first.curve, was.curve) is not others
    if name in ("curve_alone_tells_spirometry", "curve_alone_shuffled", "no_spirometry"):
        assert not first.table[:, FIVE].any()
    elif name == "shuffled_spirometry":
        assert any(np.array_equal(first.table[:, FIVE], one.table[:, FIVE]) and np.array_equal(first.curve, one.curve) for one in people[1:6])
    elif name == "curve_only":
        assert not first.table.any()
    else:
        assert np.array_equal(first.table, was.table)


def test_shuffling_gives_everyone_another_persons_curve_and_nobody_without_one_any() -> None:
    people = some_people()
    changed = ablate(people, "shuffled_curves", seed=1)
    given = [one.curve.tobytes() for one in changed if one.curve is not None]
    assert sorted(given) == sorted(one.curve.tobytes() for one in people if one.curve is not None)
    assert all(not np.array_equal(a.curve, b.curve) for a, b in zip(people[:6], changed[:6], strict=True))
    assert changed[-1].curve is None
    with pytest.raises(EvaluationError, match="unknown ablation 'half'"):
        ablate(people, "half", 0)


# the whole table -----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, _ = simulated_cohort(420, 5)
    made["gout"], made["cancer"] = made["diabetes"], 0.0
    path = tmp_path_factory.mktemp("cohort") / "people.csv"
    made.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def result(table: Path) -> evaluation.Evaluation:
    """A tiny model that was never taught, on simulated people: the classical models must beat it."""
    folds = read_folds(table, limit=150)
    found = evaluate(
        tiny.model(), lambda log_odds, trait: 1 / (1 + np.exp(-log_odds)), folds, times=20, limit_people=40, limit_minutes=0.01, left_out_minutes=0.002
    )
    found.found["rebuilt"] = rebuilt(table, 30)
    found.found["provenance"] = {
        "model": "tiny", "weights_sha256": "0", "cohort": "people.csv", "tested_on": "test fold", "seed": 7, "commit": "c", "hardware": "h", "date": "d", "minutes": 1.0,
    }  # fmt: skip
    return found


def test_every_trait_has_every_model_and_every_ablation(result: evaluation.Evaluation) -> None:
    assert [row["trait"] for row in result.found["traits"]] == list(TRAITS)
    for row in result.found["traits"]:
        assert set(row["models"]) == set(evaluation.MODELS), row["trait"]
        if "auroc" in row["models"]["ours"]:
            assert set(row["ablations"]) == set(ABLATIONS)
    mean = result.found["summary"]["mean_auroc"]
    assert mean["logistic_regression"] > mean["ours"] + 0.05, "a model that was never taught is found out"
    assert result.found["summary"]["mean_lead_over_logistic_regression"] < 0
    json.dumps(result.found)


def test_traits_that_were_not_trained_are_asked_and_compared(result: evaluation.Evaluation) -> None:
    rows = {row["trait"]: row for row in result.found["held_out"]}
    assert list(rows) == list(HELD_OUT)
    assert {"trained_logistic_regression", "trained_answers"} == set(rows["gout"]["compared"])
    assert "auroc" not in rows["cancer"] and "auroc" not in rows["arthritis"], "one answer only, and nothing known"


def test_each_trait_is_left_out_once_and_compared_with_the_other_seven(result: evaluation.Evaluation) -> None:
    rows = result.found["left_out"]
    assert [row["trait"] for row in rows] == list(TRAITS)
    assert all(set(row["compared"]) == {"others", "taught"} for row in rows if "auroc" in row)


def test_rebuilt_curves_measure_to_what_was_recorded(result: evaluation.Evaluation) -> None:
    found = result.found["rebuilt"]
    assert found["people"] == found["curves"] == 30
    assert min(found["within"].values()) > 0.9


def test_probes_read_what_the_tokens_hold_and_no_more() -> None:
    """Tokens that hold the indices are read perfectly, tokens that hold nothing are not."""

    class Holds:
        device, dtype = torch.device("cpu"), torch.float32

        def soft_curve(self, curves: Any) -> Any:
            return curves[:, :1, : len(probes_of.INDICES)]

    rng = np.random.default_rng(0)
    people, patterns = [], []
    for _ in range(300):
        table = rng.normal(size=(2, len(COLUMNS))).astype(np.float32)
        table[1] = 1.0
        curve = np.zeros((5, 320), np.float32)
        curve[0, :3] = table[0, [COLUMNS.index(name) for name in probes_of.INDICES[:3]]]
        people.append(Person(table, curve))
        patterns.append("obstruction" if curve[0, 2] < 0 else "normal")
    found = probes_of.probes(Holds(), people[:200], [*people[200:], tiny.person(1, curve=False)], (patterns[:200], [*patterns[200:], None]))
    assert min(found["r2"][name] for name in probes_of.INDICES[:3]) > 0.95 and max(found["r2"][name] for name in probes_of.INDICES[3:]) < 0.2
    assert found["people"] == 100 and found["pattern"]["accuracy"] > 0.85 > found["pattern"]["commonest"]


def test_groups_cover_everyone_and_the_limit_is_never_passed_by_much(result: evaluation.Evaluation) -> None:
    rows = result.found["groups"]
    for trait in TRAITS:
        both = [row["people"] for row in rows if row["trait"] == trait and row["group"].startswith("sex")]
        assert sum(both) == result.found["people"]["test"]
    simulated = result.found["simulated"]
    assert len(simulated["traits"]) == len(TRAITS) and simulated["share"]["logistic_regression"] < 1.05


def test_the_table_and_the_figures_are_written(result: evaluation.Evaluation, tmp_path: Path) -> None:
    lines = evaluation_report.write(result, tmp_path)
    assert json.loads((tmp_path / "evaluation.json").read_text())["people"] == result.found["people"]
    for name in evaluation_report.FIGURES:
        assert 1000 < (tmp_path / "figures" / f"{name}.png").stat().st_size <= 150_000
    for words in (
        "| COPD |",
        "| curves of other people |",
        "| gout |",
        "| sex: female |",
        "**A known limit.**",
        "**What the soft tokens carry.**",
        "**Rebuilt curves.**",
        "| ours, left out |",
        "seed 7",
    ):
        assert words in lines
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- evaluation -->\nstale words\n<!-- /evaluation -->\nb\n")
    write_readme(lines, readme, "evaluation")
    assert lines in readme.read_text() and "stale words" not in readme.read_text() and readme.read_text().endswith("b\n")


def test_the_same_seed_gives_the_same_figures_byte_for_byte(result: evaluation.Evaluation, tmp_path: Path) -> None:
    evaluation_report.write(result, tmp_path / "a")
    evaluation_report.write(result, tmp_path / "b")
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path.name


# what is refused -----------------------------------------------------------------------------------------------------
def test_people_who_were_trained_on_cannot_be_tested_on(table: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="as well; give other people"):
        read_folds(table, later=table)
    other, _ = simulated_cohort(12, 6)
    other.to_csv(tmp_path / "later.csv", index=False)
    assert len(read_folds(table, later=tmp_path / "later.csv", limit=5)["test"].people) == 5
    assert len(pd.read_csv(tmp_path / "later.csv")) == 12


def test_a_cohort_without_adults_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"id": range(50), "age_years": 12.0}).to_csv(tmp_path / "children.csv", index=False)
    with pytest.raises(EvaluationError, match="no adult of the cohort is in the train fold"):
        read_folds(tmp_path / "children.csv")


def test_without_lightgbm_the_command_says_what_to_install(table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == "lightgbm":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.setattr(sys, "argv", ["breathwise", "evaluate", str(table)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip().endswith("install it with `pip install lightgbm`")


def test_a_cohort_that_is_not_there_is_refused(tmp_path: Path) -> None:
    found = CliRunner().invoke(cli.app, ["evaluate", str(tmp_path / "none.csv")])
    assert found.exit_code != 0 and "none.csv does not exist" in str(found.exception)
