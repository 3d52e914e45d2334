"""From the model's log-odds to calibrated risks, with an interval, the population's figure and the classical model's beside.

``risk.json`` beside the model holds aggregates of the cohort's folds only: calibration, rates by sex and age, coefficients.
"""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assistant.reasons import field_label
from assistant.session import RiskEstimate
from encoders.cohort import ASKED_FROM_YEARS
from encoders.faults import InputError
from encoders.record import RISK_TRAITS, Patient
from encoders.spirogram.results import Spirometry
from encoders.tabular import COLUMNS, table_of

Floats = NDArray[np.float64]
AGE_BANDS = (20, 40, 50, 60, 70, 200)
RESAMPLES = 200
_SMALLEST = 1e-4
PULL = 10.0  # as sure of a slope of one as of a tenth of a squared unit either way: yes and no were taught as likelihoods


class RiskError(InputError):
    """Calibration that is missing or does not fit. One plain sentence."""


@dataclass(frozen=True)
class Risk:
    """What ``fit`` learned: see the module's text."""

    data: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Risk:
        try:
            data = json.loads((folder / "risk.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RiskError(f"{folder.name}/risk.json is missing or damaged; restore it from the repository or train again") from error
        if not isinstance(data, dict) or set(data.get("traits", ())) != {trait for trait, _ in RISK_TRAITS} or data.get("columns") != list(COLUMNS):
            raise RiskError(f"{folder.name}/risk.json is of another version; restore it from the repository or train again")
        return cls(data)

    def estimate(self, log_odds: Floats, patient: Patient, spirometry: Spirometry | None) -> tuple[RiskEstimate, ...]:
        """One patient's (traits,) log-odds -> estimates, in the order of RISK_TRAITS; empty for children or where sex or age is missing."""
        if patient.age_years is None or patient.age_years < ASKED_FROM_YEARS or patient.sex is None:
            return ()
        table = table_of(patient, spirometry)
        missing = tuple(field_label(name) for name, flag in zip(COLUMNS, table[1], strict=True) if not flag and name not in ("male", "smoker", "former_smoker"))
        band = _band(patient.age_years)
        found = []
        for value, (trait, words) in zip(log_odds, RISK_TRAITS, strict=True):
            one = self.data["traits"][trait]
            draws = _sigmoid(np.array(one["draws"]) @ np.array([1.0, value]))
            middle = float(self.calibrate(value, trait))
            low, high = (float(x) for x in np.clip(np.quantile(draws, [0.05, 0.95]), _SMALLEST, 1 - _SMALLEST))
            classical = float(_sigmoid(one["classical"]["intercept"] + float(np.concatenate(list(table)) @ np.array(one["classical"]["weights"]))))
            population = one["population"].get(f"{patient.sex.value}:{band}")
            found.append(RiskEstimate(trait, words, middle, min(low, middle), max(high, middle), population, classical, missing))
        return tuple(found)

    def calibrate(self, log_odds: Any, trait: str) -> Any:
        """Log-odds of the model -> probabilities, by Platt scaling on the validation fold."""
        a, b = self.data["traits"][trait]["calibration"]
        return np.clip(_sigmoid(a + b * np.asarray(log_odds, float)), _SMALLEST, 1 - _SMALLEST)


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -40, 40)))


def _band(age_years: float) -> int:
    return next(i for i, (low, high) in enumerate(zip(AGE_BANDS, AGE_BANDS[1:], strict=False)) if low <= age_years < high)


# learning from a cohort ----------------------------------------------------------------------------------------------
def fit(tables: dict[str, NDArray[np.float32]], traits: dict[str, Floats], log_odds: dict[str, Floats], *, seed: int = 7) -> dict[str, Any]:
    """Calibrate, learn the classical model on the training fold, and measure both on the test fold.

    Each argument is a dict of folds ("train", "validation", "test"): tables (people, 2, COLUMNS), traits (people, traits) with
    nan for unknown, log_odds (people, traits). The slope comes from the validation fold; the level, that as many cases are
    expected as there are, from it and the training fold together, since a single fold has few cases of a rare trait.
    Returns what risk.json holds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    result: dict[str, Any] = {"columns": list(COLUMNS), "traits": {}, "held_out": []}
    flat = {fold: table.reshape(len(table), -1).astype(float) for fold, table in tables.items()}
    for index, (trait, _) in enumerate(RISK_TRAITS):
        known = {fold: ~np.isnan(y[:, index]) for fold, y in traits.items()}
        y = {fold: traits[fold][known[fold], index] for fold in traits}
        x = log_odds["validation"][known["validation"], index]
        every = np.concatenate([log_odds["train"][known["train"], index], x]), np.concatenate([y["train"], y["validation"]])
        slope = _platt(x, y["validation"])[1]
        a, b = _level(*every, slope), slope
        draws = []
        for _ in range(RESAMPLES):
            chosen, drawn = rng.integers(0, len(x), len(x)), rng.integers(0, len(every[0]), len(every[0]))
            other = _platt(x[chosen], y["validation"][chosen], start=(a, b))[1]
            draws.append((_level(every[0][drawn], every[1][drawn], other), other))
        classical = LogisticRegression(C=0.3, max_iter=2000).fit(flat["train"][known["train"]], y["train"])
        ages = tables["train"][known["train"], 0, COLUMNS.index("age_years")] * 20.0 + 45.0
        males = tables["train"][known["train"], 0, COLUMNS.index("male")] > 0.5
        population = {}
        for sex, is_sex in (("male", males), ("female", ~males)):
            for band, (low, high) in enumerate(zip(AGE_BANDS, AGE_BANDS[1:], strict=False)):
                group = y["train"][is_sex & (ages >= low) & (ages < high)]
                if len(group) >= 50:
                    population[f"{sex}:{band}"] = round(float((group.sum() + 0.5) / (len(group) + 1)), 4)
        result["traits"][trait] = {
            "calibration": [round(a, 5), round(b, 5)],
            "draws": [[round(p, 4), round(q, 4)] for p, q in draws],
            "classical": {"intercept": float(classical.intercept_[0]), "weights": [round(float(w), 5) for w in classical.coef_[0]]},
            "population": population,
        }
        ours = _sigmoid(a + b * log_odds["test"][known["test"], index])
        theirs = classical.predict_proba(flat["test"][known["test"]])[:, 1]
        truth = y["test"]
        row: dict[str, Any] = {
            "trait": trait,
            "people": len(truth),
            "cases": int(truth.sum()),
            "observed_over_expected": round(float(truth.mean() / ours.mean()), 3),
        }
        if 0 < truth.sum() < len(truth):
            lower, upper = _interval(truth, ours, rng)
            row |= {
                "auroc": round(float(roc_auc_score(truth, ours)), 4), "auroc_low": lower, "auroc_high": upper,
                "auroc_logistic_regression": round(float(roc_auc_score(truth, theirs)), 4), "brier": round(float(np.mean((ours - truth) ** 2)), 4),
            }  # fmt: skip
        result["held_out"].append(row)
    return result


def _platt(x: Floats, y: Floats, start: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
    """Intercept and slope of y on x by Newton's steps, with a pull to a slope of one (PULL) where cases are few."""

    def cost(a: float, b: float) -> float:
        z = a + b * x
        return float(np.sum(np.logaddexp(0.0, z) - y * z) + PULL * (b - 1.0) ** 2 / 2)

    a, b = start
    for _ in range(50):
        p = _sigmoid(a + b * x)
        weight = p * (1 - p) + 1e-9
        gradient = np.array([np.sum(p - y), np.sum((p - y) * x) + PULL * (b - 1.0)])
        hessian = np.array([[weight.sum(), (weight * x).sum()], [(weight * x).sum(), (weight * x * x).sum() + PULL]])
        step = np.linalg.solve(hessian, gradient)
        while np.abs(step).max() > 1e-7 and not cost(a - step[0], b - step[1]) <= cost(a, b):  # a whole step may overshoot
            step = step / 2
        a, b = float(a - step[0]), float(b - step[1])
        if np.abs(step).max() < 1e-7:
            break
    return (a, b) if math.isfinite(a) and math.isfinite(b) else start


def _level(x: Floats, y: Floats, slope: float) -> float:
    """The intercept with which as many cases are expected as there are (half a case at least), by bisection."""
    wanted, low, high = max(float(y.sum()), 0.5), -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(middle + slope * x).sum() < wanted else (low, middle)
    return (low + high) / 2


def _interval(truth: Floats, score: Floats, rng: np.random.Generator) -> tuple[float, float]:
    from sklearn.metrics import roc_auc_score

    values = []
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(truth), len(truth))
        if 0 < truth[chosen].sum() < len(chosen):
            values.append(roc_auc_score(truth[chosen], score[chosen]))
    return round(float(np.quantile(values, 0.025)), 4), round(float(np.quantile(values, 0.975)), 4)


def fit_model(model: Any, cohort: Path, *, limit: int | None = None) -> dict[str, Any]:
    """``fit`` for a trained model and a cohort table: scores the validation and test folds."""
    from encoders.cases import cohort_people

    tables: dict[str, NDArray[np.float32]] = {}
    traits: dict[str, Floats] = {}
    log_odds: dict[str, Floats] = {}
    for fold in ("train", "validation", "test"):
        people, known = cohort_people(cohort, fold, limit)
        tables[fold], traits[fold] = np.stack([person.table for person in people]), known
        log_odds[fold] = score_people(model, people)
    return fit(tables, traits, log_odds)


def score_people(model: Any, people: Sequence[Any], batch: int = 16) -> Floats:
    """Log-odds of every trait: (people, traits)."""
    from encoders.conversation import risk_messages

    system, questions = risk_messages()
    scored: Floats = model.score(people, questions, system, batch=batch)
    return scored


def score_cohort(model: Any, risk: Risk, cohort: Path, traits: Sequence[str], batch: int = 16) -> Iterator[pd.DataFrame]:
    """Chunks of id and one calibrated probability per trait, in the order of the file. Raises CohortError.

    One chunk for each core at a time is rebuilt, measured and scored, by one thread each: small matrices gain little from
    being shared out.
    """
    from encoders.cohort import CohortError, tidy_pieces

    unknown = [trait for trait in traits if trait not in risk.data["traits"]]
    if unknown:
        raise CohortError(f"unknown trait {unknown[0]!r}; choose from {', '.join(risk.data['traits'])}")
    order = {trait: index for index, (trait, _) in enumerate(RISK_TRAITS)}

    def score(key: str, table: pd.DataFrame) -> pd.DataFrame:
        from encoders.cases import person_of_row

        log_odds = score_people(model, [person_of_row(row) for _, row in table.iterrows()], batch)
        return pd.DataFrame({key: table["id"].to_numpy(), **{trait: np.round(risk.calibrate(log_odds[:, order[trait]], trait), 6) for trait in traits}})

    with _one_thread_each() as workers, ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[pd.DataFrame]] = deque()
        for key, table in tidy_pieces(cohort):
            under_way.append(pool.submit(score, key, table))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


@dataclass(frozen=True)
class Looked:
    """A file that was looked through: its people, and how many impossible values of which column count as not measured."""

    people: int
    set_aside: dict[str, int]


def look_through(cohort: Path) -> Looked:
    """Look at every row as ``score_cohort`` will, so that a fault in the last is known before the first is scored. Raises CohortError."""
    from encoders.cohort import tidy_pieces

    people, set_aside = 0, Counter[str]()
    for _, table in tidy_pieces(cohort):
        people += len(table)
        set_aside.update(table.attrs["set_aside"])
    return Looked(people, dict(set_aside))


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """As many workers as torch has threads, while each of them computes with one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)
