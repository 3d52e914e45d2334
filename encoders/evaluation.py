"""The honest table: a model's risks on held-out people, beside classical models, with ablations, groups and a known limit.

The test fold is scored here and nowhere else; its answers choose nothing. Ablations change what the model is given, never the
model. The recipe and the form of the table follow HeLM (arXiv 2307.09018), with what it left open: calibration, shuffled
curves, logistic regression and late fusion beside it.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoders import baselines, cohort
from encoders.batch import Person
from encoders.cases import analysed_row, chosen_curve, person_of_row
from encoders.faults import InputError
from encoders.probes import probes
from encoders.record import RISK_TRAITS
from encoders.scores import FEWEST_CASES, auroc, differences, measured, resamples
from encoders.tabular import table_of

Floats = NDArray[np.float64]
Calibrate = Callable[[Floats, str], Floats]
TRAITS = [trait for trait, _ in RISK_TRAITS]
# a trait that was never trained, asked for in words
HELD_OUT_WORDS = {
    "angina": "angina", "emphysema": "emphysema", "chronic_bronchitis": "chronic bronchitis", "arthritis": "arthritis", "gout": "gout",
    "thyroid_disease": "thyroid disease", "liver_disease": "liver disease", "cancer": "cancer",
}  # fmt: skip
ABLATIONS = {
    "no_curve": "without the curve", "blank_curve": "blank curve", "shuffled_curves": "curves of other people",
    "shuffled_spirometry": "curves and spirometry fields of other people", "curve_alone_tells_spirometry": "spirometry fields removed, curve kept",
    "curve_alone_shuffled": "spirometry fields removed, curves of other people", "no_spirometry": "neither curve nor spirometry fields",
    "curve_only": "curve only, no table", "text_only": "record as text only, no soft tokens", "with_text": "the record as text, too",
}  # fmt: skip
_PROMPTS = {"text_only": {"told": True, "tokens": False}, "with_text": {"told": True}}  # the people stay, the prompt changes
MODELS = {
    "ours": "ours", "logistic_regression": "logistic regression", "lightgbm": "LightGBM", "encoder_linear_head": "encoders + linear head",
    "late_fusion": "late fusion (ours + LightGBM)", "logistic_regression_without_spirometry": "logistic regression without spirometry",
}  # fmt: skip


class EvaluationError(InputError):
    """A cohort that cannot be evaluated on. One plain sentence."""


@dataclass(frozen=True)
class Fold:
    """People as the encoders read them, their answers (nan: unknown) and the rows they came from."""

    people: list[Person]
    traits: Floats  # (people, TRAITS)
    held_out: Floats  # (people, HELD_OUT)
    rows: pd.DataFrame
    patterns: list[str | None]  # what the blow shows, None without one


@dataclass(frozen=True)
class Evaluation:
    """What was found, as JSON, and what the figures are drawn from: risks of the test fold by model, (people, TRAITS)."""

    found: dict[str, Any]
    truth: Floats
    risks: dict[str, Floats]


def read_folds(path: Path, later: Path | None = None, limit: int | None = None) -> dict[str, Fold]:
    """The adults of a cohort by fold; with ``later`` the test fold is all adults of another cohort instead.

    Raises EvaluationError where a fold is empty or a later person was trained on.
    """
    from tqdm import tqdm

    table = cohort.adults(cohort.read_cohort(path))
    where = pd.Series([cohort.split_of(one) for one in table["id"]], index=table.index, dtype=object)
    parts = {fold: table[where == fold] for fold in ("train", "validation", "test")}
    if later is not None:
        parts["test"] = cohort.adults(cohort.read_cohort(later))
        again = set(parts["test"]["id"]) & set(table["id"])
        if again:
            raise EvaluationError(f"{len(again)} people of {later.name} (first: {min(again)}) are in {path.name} as well; give other people to test on")
    folds = {}
    for fold, part in parts.items():
        part = part if limit is None else part.head(limit)
        if part.empty:
            raise EvaluationError(f"no adult of the cohort is in the {fold} fold; give a table with more people of 20 years and over")
        bar = tqdm(part.iterrows(), total=len(part), desc=f"{fold} fold", unit="person", file=sys.stderr)
        known = [analysed_row(row) for _, row in bar]
        people = [Person(table_of(*one), chosen_curve(one[1])) for one in known]
        patterns = [str(test.interpretation.pattern) if test is not None and test.interpretation is not None else None for _, test in known]
        folds[fold] = Fold(people, part[TRAITS].to_numpy(float), part[list(cohort.HELD_OUT)].to_numpy(float), part.reset_index(drop=True), patterns)
    return folds


def score(model: Any, people: Sequence[Person], words: Sequence[str], name: str, **given: Any) -> Floats:
    """Log-odds of yes for each of ``words`` asked as a trait: (people, words), with a progress bar; ``given``: see ``MultimodalLM.score``."""
    from tqdm import tqdm

    from encoders.conversation import risk_messages

    system, questions = risk_messages(words)
    starts = tqdm(range(0, len(people), 64), desc=name, unit="batch", file=sys.stderr)
    return np.concatenate([model.score(people[start : start + 64], questions, system, **given) for start in starts])


# what the model is given ---------------------------------------------------------------------------------------------
def ablate(people: Sequence[Person], name: str, seed: int) -> list[Person]:
    """The same people with part of what is known taken away or exchanged (see ABLATIONS)."""
    giver = _others(people, seed)
    gone = list(baselines.SPIROMETRY_COLUMNS)

    def changed(index: int) -> Person:
        person, other = people[index], people[giver[index]]
        table, curve = person.table.copy(), person.curve
        if name in ("no_curve", "no_spirometry"):
            curve = None
        elif name == "blank_curve":
            curve = None if curve is None else np.zeros_like(curve)
        elif name in ("shuffled_curves", "shuffled_spirometry", "curve_alone_shuffled"):
            curve = other.curve
        elif name == "curve_only":
            table[:] = 0.0
        elif name not in ("curve_alone_tells_spirometry", *_PROMPTS):
            raise EvaluationError(f"unknown ablation {name!r}; choose from {', '.join(ABLATIONS)}")
        if name in ("curve_alone_tells_spirometry", "curve_alone_shuffled", "no_spirometry"):
            table[:, gone] = 0.0
        elif name == "shuffled_spirometry":
            table[:, gone] = other.table[:, gone]
        return Person(table, curve)

    return [changed(index) for index in range(len(people))]


def _others(people: Sequence[Person], seed: int) -> NDArray[np.intp]:
    """Whose curve each person is given: among those with a curve a cycle in random order, so that nobody keeps theirs."""
    giver = np.arange(len(people))
    given = np.random.default_rng(seed).permutation([index for index, person in enumerate(people) if person.curve is not None])
    if len(given):
        giver[given] = np.roll(given, 1)
    return giver


# the table -----------------------------------------------------------------------------------------------------------
def classical(model: Any, folds: dict[str, Fold], which: str, column: int, read: list[Floats], seed: int) -> dict[str, Floats]:
    """Risks of the test fold by each baseline for one column of ``traits`` or ``held_out``; empty where a fold has one answer only."""
    y = {fold: getattr(one, which)[:, column] for fold, one in folds.items()}
    known = {fold: ~np.isnan(values) for fold, values in y.items()}
    if any(len(np.unique(y[fold][known[fold]])) < 2 for fold in ("train", "validation")):
        return {}
    trained, tried, asked = (folds[fold].people for fold in ("train", "validation", "test"))
    x = {fold: read[place][known[fold]] for place, fold in enumerate(("train", "validation"))}
    left, middle = y["train"][known["train"]], y["validation"][known["validation"]]
    flat, gaps = baselines.flat, baselines.with_gaps
    found = {"logistic_regression": baselines.logistic_regression(flat(trained)[known["train"]], left, flat(asked))}
    bare = flat(trained, spirometry=False)[known["train"]]
    found["logistic_regression_without_spirometry"] = baselines.logistic_regression(bare, left, flat(asked, spirometry=False))
    found["lightgbm"] = baselines.lightgbm(gaps(trained)[known["train"]], left, (gaps(tried)[known["validation"]], middle), gaps(asked), seed)
    found["encoder_linear_head"] = baselines.linear_head(x["train"], left, (x["validation"], middle), read[2])
    return found


def evaluate(
    model: Any, calibrate: Calibrate, folds: dict[str, Fold], *, seed: int = 7, times: int = 500, limit_people: int = 6000, limit_minutes: float = 4.0,
    left_out_minutes: float = 0.0,
) -> Evaluation:  # fmt: skip
    """Everything of the honest table. ``calibrate`` turns a trait's log-odds into probabilities (fitted on other people).

    ``times``: bootstrap resamples; ``limit_people``, ``limit_minutes``: size of the simulated cohort and how long its training
    may take (0 leaves it out); ``left_out_minutes``: teaching time of each of eight models that never saw one of the traits.
    """
    from tqdm import tqdm

    baselines.require_lightgbm()
    test, rng = folds["test"], np.random.default_rng(seed)
    words = [word for _, word in RISK_TRAITS]
    log_odds = score(model, test.people, words, "ours")

    def risks_of(values: Floats) -> Floats:
        return np.stack([calibrate(values[:, index], trait) for index, trait in enumerate(TRAITS)], axis=1)

    risks = {"ours": risks_of(log_odds)}
    changed = {name: risks_of(score(model, ablate(test.people, name, seed), words, said, **_PROMPTS.get(name, {}))) for name, said in ABLATIONS.items()}
    read = [baselines.read_by_encoders(model, folds[fold].people) for fold in ("train", "validation", "test")]
    read = baselines.components(read[0], read[1:], seed=seed)
    for name in MODELS:
        risks.setdefault(name, np.full_like(log_odds, np.nan))
    rows = []
    for index, trait in enumerate(tqdm(TRAITS, desc="classical models", unit="trait", file=sys.stderr)):
        for name, risk in classical(model, folds, "traits", index, read, seed).items():
            risks[name][:, index] = risk
        risks["late_fusion"][:, index] = baselines.fused(risks["ours"][:, index], risks["lightgbm"][:, index])
        rows.append(_row(trait, test, index, risks, changed, resamples(int((~np.isnan(test.traits[:, index])).sum()), times, rng)))
    found: dict[str, Any] = {
        "traits": rows,
        "summary": summary(rows),
        "groups": groups(test, risks["ours"], risks["logistic_regression"]),
        "held_out": held_out(model, folds, log_odds, read, seed, times),
        "people": {fold: len(one.people) for fold, one in folds.items()},
        "with_curve": {fold: sum(person.curve is not None for person in one.people) for fold, one in folds.items()},
        "resamples": times,
        "probes": probes(model, folds["train"].people, test.people, (folds["train"].patterns, test.patterns)),
    }
    if left_out_minutes > 0:
        found["left_out"] = leave_one_out(model, folds, risks, left_out_minutes, seed, times)
        found["left_out_minutes"] = left_out_minutes
    if limit_minutes > 0:
        found["simulated"] = against_the_limit(model, limit_people, limit_minutes, seed)
    return Evaluation(found, test.traits, risks)


def _row(trait: str, test: Fold, index: int, risks: dict[str, Floats], changed: dict[str, Floats], draws: Floats) -> dict[str, Any]:
    known = ~np.isnan(test.traits[:, index])
    truth = test.traits[known, index]
    given = {name: risk[known, index] for name, risk in risks.items() if not np.isnan(risk[known, index]).any()}
    others = {name: risk for name, risk in given.items() if name != "ours"}
    taken = {name: risk[known, index] for name, risk in changed.items()}
    return {
        "trait": trait,
        "people": len(truth),
        "cases": int(truth.sum()),
        "models": {name: measured(truth, risk, draws) for name, risk in given.items()} if len(truth) else {},
        "compared": differences(truth, given["ours"], others, draws),
        "ablations": differences(truth, given["ours"], taken, draws),
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the whole table says in a few numbers: ours against logistic regression, the curve's share, calibration."""
    ranked = [row for row in rows if "auroc" in row["models"].get("ours", {}) and "logistic_regression" in row["compared"]]
    if not ranked:
        return {"traits_ranked": 0}
    lead = [-row["compared"]["logistic_regression"]["change"] for row in ranked]
    lungs = [row for row in ranked if row["trait"] in ("asthma_current", "copd")]
    expected = [row["models"]["ours"]["observed_over_expected"] for row in rows if row["models"]]
    return {
        "traits_ranked": len(ranked),
        "mean_auroc": {name: round(float(np.mean([row["models"][name]["auroc"] for row in ranked])), 4) for name in MODELS if name in ranked[0]["models"]},
        "within_0.005_of_logistic_regression_or_better": int(sum(value >= -0.005 for value in lead)),
        "mean_lead_over_logistic_regression": round(float(np.mean(lead)), 4),
        "mean_change": {name: round(float(np.mean([row["ablations"][name]["change"] for row in ranked])), 4) for name in ABLATIONS},
        "asthma_and_copd_change": {name: round(float(np.mean([row["ablations"][name]["change"] for row in lungs])), 4) for name in ABLATIONS} if lungs else {},
        "observed_over_expected_within_0.75_1.33": int(sum(0.75 <= one <= 1.33 for one in expected)),
    }


def groups(test: Fold, ours: Floats, classical_risk: Floats) -> list[dict[str, Any]]:
    """AUROC and observed/expected of every trait in groups of people; no area under FEWEST_CASES x 2 cases."""
    age = test.rows["age_years"]
    chosen = {f"sex: {name}": test.rows["sex"] == name for name in ("female", "male")}
    chosen |= {f"age: {low} to {high - 1}": (age >= low) & (age < high) for low, high in ((20, 40), (40, 60), (60, 121))}
    chosen |= {f"smoking: {name}": test.rows["smoking_status"] == name for name in ("never", "former", "current")}
    if "ethnicity" in test.rows:
        chosen |= {f"ethnicity: {name}": test.rows["ethnicity"] == name for name in sorted(test.rows["ethnicity"].dropna().unique())}
    found = []
    for group, inside in chosen.items():
        for index, trait in enumerate(TRAITS):
            which = inside.fillna(False).to_numpy(bool) & ~np.isnan(test.traits[:, index])
            truth = test.traits[which, index]
            if not len(truth):
                continue
            row: dict[str, Any] = {
                "group": group,
                "trait": trait,
                "people": len(truth),
                "cases": int(truth.sum()),
                "expected": round(float(ours[which, index].sum()), 1),
            }
            if min(truth.sum(), (1 - truth).sum()) >= 2 * FEWEST_CASES:
                row["auroc"] = round(auroc(truth, ours[which, index]), 3)
                if not np.isnan(classical_risk[which, index]).any():
                    row["auroc_logistic_regression"] = round(auroc(truth, classical_risk[which, index]), 3)
            found.append(row)
    return found


def held_out(model: Any, folds: dict[str, Fold], log_odds: Floats, read: list[Floats], seed: int, times: int) -> list[dict[str, Any]]:
    """Traits that were never trained, asked for in words, beside a logistic regression that was trained on them.

    ``trained_answers``: the mean of the eight trained log-odds, a control: what is known without having read the new word.
    """
    test, rng = folds["test"], np.random.default_rng(seed + 1)
    asked = score(model, test.people, [HELD_OUT_WORDS[trait] for trait in cohort.HELD_OUT], "held-out traits")
    rows = []
    for index, trait in enumerate(cohort.HELD_OUT):
        known = ~np.isnan(test.held_out[:, index])
        truth = test.held_out[known, index]
        row: dict[str, Any] = {"trait": trait, "asked_as": HELD_OUT_WORDS[trait], "people": len(truth), "cases": int(truth.sum())}
        trained = folds["train"].held_out[:, index]
        used = ~np.isnan(trained)
        if min(truth.sum(), (1 - truth).sum()) >= FEWEST_CASES and len(np.unique(trained[used])) == 2:
            flat = baselines.flat
            fitted = baselines.logistic_regression(flat(folds["train"].people)[used], trained[used], flat(test.people)[known])
            others = {"trained_logistic_regression": fitted, "trained_answers": log_odds[known].mean(axis=1)}
            row["auroc"] = round(auroc(truth, asked[known, index]), 4)
            row["compared"] = differences(truth, asked[known, index], others, resamples(len(truth), times, rng))
        rows.append(row)
    return rows


def leave_one_out(model: Any, folds: dict[str, Fold], risks: dict[str, Floats], minutes: float, seed: int, times: int) -> list[dict[str, Any]]:
    """For each trait one fresh reader taught on the other seven, then asked for this one in words.

    ``others``: a control, the mean of its log-odds for the seven it knows. The language model itself is the same in all.
    """
    from encoders.risk_teaching import encoded_curves, teach_risks

    test, rng, rows = folds["test"], np.random.default_rng(seed + 2), []
    words, curves = [word for _, word in RISK_TRAITS], encoded_curves(model, folds["train"].people)
    for index, trait in enumerate(TRAITS):
        rest = [place for place in range(len(TRAITS)) if place != index]
        reader = copy.deepcopy(model)
        reader.forget_risks(seed + index, readers=1)
        teach_risks(
            reader, folds["train"].people, folds["train"].traits[:, rest], words=[words[place] for place in rest], minutes=minutes, seed=seed,
            curves=curves, name=f"without {words[index]}",
        )  # fmt: skip
        asked = score(reader, test.people, [words[index], *(words[place] for place in rest)], words[index], told=False)
        known = ~np.isnan(test.traits[:, index])
        truth = test.traits[known, index]
        row: dict[str, Any] = {"trait": trait, "people": len(truth), "cases": int(truth.sum())}
        if min(truth.sum(), (1 - truth).sum()) >= FEWEST_CASES:
            others = {"others": asked[known, 1:].mean(axis=1), "taught": risks["ours"][known, index]}
            row["auroc"] = round(auroc(truth, asked[known, 0]), 4)
            row["compared"] = differences(truth, asked[known, 0], others, resamples(len(truth), times, rng))
        rows.append(row)
    return rows


# a limit that is known -----------------------------------------------------------------------------------------------
def against_the_limit(model: Any, count: int, minutes: float, seed: int) -> dict[str, Any]:
    """A copy of the model, its first reader taught on simulated people (language model frozen), against the risks they were drawn with.

    ``share`` is how far from chance (0.5) to the Bayes-optimal AUROC it comes on other simulated people, over all traits.
    """
    from encoders.risk_teaching import teach_risks

    def made(size: int, which: int) -> tuple[list[Person], Floats, Floats]:
        from tqdm import tqdm

        table, bayes = cohort.simulated_cohort(size, which)
        people = [person_of_row(row) for _, row in tqdm(table.iterrows(), total=size, desc="simulated people", unit="person", file=sys.stderr)]
        return people, table[TRAITS].to_numpy(float), bayes

    people, traits, _ = made(count, seed * 1000 + 1)
    unseen, truth, bayes = made(max(count // 3, 200), seed * 1000 + 2)
    taught = copy.deepcopy(model)
    taught.read_risk = taught.read_risk[:1]
    loss = teach_risks(taught, people, traits, minutes=minutes, seed=seed, name="simulated cohort")
    ours = score(taught, unseen, [word for _, word in RISK_TRAITS], "simulated test")
    untaught = score(model, unseen, [word for _, word in RISK_TRAITS], "simulated, untaught")
    x, asked = baselines.flat(people), baselines.flat(unseen)
    rows = []
    for index, trait in enumerate(TRAITS):
        classical_risk = baselines.logistic_regression(x, traits[:, index], asked)
        area = {"bayes": bayes[:, index], "ours": ours[:, index], "before_teaching": untaught[:, index], "logistic_regression": classical_risk}
        rows.append({"trait": trait, **{name: round(auroc(truth[:, index], risk), 4) for name, risk in area.items()}})
    mean = {name: float(np.mean([row[name] for row in rows])) for name in ("bayes", "ours", "before_teaching", "logistic_regression")}
    share = {name: round((mean[name] - 0.5) / (mean["bayes"] - 0.5), 3) for name in ("ours", "before_teaching", "logistic_regression")}
    return {"people_taught": count, "people_tested": len(unseen), "minutes": minutes, "loss": round(loss, 4), "traits": rows, "share": share}
