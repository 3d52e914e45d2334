"""How well risks rank and how well they are calibrated, with bootstrap intervals: pure functions over arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST_CASES = 5  # below it no area under a curve is given


def auroc(truth: Floats, risk: Floats, weight: Floats | None = None) -> float:
    """The chance that a case is ranked above a non-case, ties counting half; nan without both. ``weight``: (people,)."""
    cases, others = _by_threshold(truth, risk, weight)
    below = np.cumsum(others) - 0.5 * others
    total = cases.sum() * others.sum()
    return float((cases * below).sum() / total) if total > 0 else float("nan")


def average_precision(truth: Floats, risk: Floats, weight: Floats | None = None) -> float:
    """The mean of the precision over the cases, from the highest risk down; nan without cases."""
    cases, others = (part[::-1] for part in _by_threshold(truth, risk, weight))
    precision = np.cumsum(cases) / np.maximum(np.cumsum(cases + others), 1e-12)
    return float((cases * precision).sum() / cases.sum()) if cases.sum() > 0 else float("nan")


def _by_threshold(truth: Floats, risk: Floats, weight: Floats | None) -> tuple[Floats, Floats]:
    """Weights of cases and of others at each risk that occurs, from low to high."""
    values, place = np.unique(risk, return_inverse=True)
    weight = np.ones(len(truth)) if weight is None else weight
    cases, others = (np.bincount(place, weight * one, len(values)).astype(float) for one in (truth, 1 - truth))
    return cases, others


def resamples(people: int, times: int, rng: np.random.Generator) -> Floats:
    """Bootstrap as weights: (times, people), how often each person is drawn."""
    return rng.multinomial(people, np.full(people, 1.0 / people), size=times).astype(float)


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of bootstrap values; those that could not be computed are left out."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def calibration_line(truth: Floats, risk: Floats) -> tuple[float, float]:
    """Intercept and slope of the outcome on the log-odds of the risk; 0 and 1 are perfect."""
    from sklearn.linear_model import LogisticRegression

    log_odds = np.log(np.clip(risk, 1e-6, 1 - 1e-6) / (1 - np.clip(risk, 1e-6, 1 - 1e-6)))
    line = LogisticRegression(C=1e6, max_iter=1000).fit(log_odds[:, None], truth)
    return float(line.intercept_[0]), float(line.coef_[0, 0])


def calibration_bins(truth: Floats, risk: Floats, bins: int = 10) -> list[tuple[float, float, int]]:
    """Groups of equal size from low to high risk: mean risk, share of cases, people."""
    groups = np.array_split(np.argsort(risk, kind="stable"), bins)
    return [(float(risk[group].mean()), float(truth[group].mean()), len(group)) for group in groups if len(group)]


def measured(truth: Floats, risk: Floats, draws: Floats) -> dict[str, Any]:
    """One column of the honest table: AUROC and average precision with 95 % intervals, Brier, ECE, observed/expected, slope.

    ``truth`` 0 or 1 and ``risk`` probabilities, each (people,); ``draws`` from ``resamples``. With fewer than FEWEST_CASES
    cases or others only what needs no ranking is given.
    """
    cases = int(truth.sum())
    found: dict[str, Any] = {
        "observed_over_expected": round(float(truth.mean() / risk.mean()), 3), "brier": round(float(np.mean((risk - truth) ** 2)), 4),
        "ece": round(float(sum(size * abs(mean - share) for mean, share, size in calibration_bins(truth, risk)) / len(truth)), 4),
    }  # fmt: skip
    if min(cases, len(truth) - cases) < FEWEST_CASES:
        return found
    for name, score in (("auroc", auroc), ("average_precision", average_precision)):
        low, high = interval(np.array([score(truth, risk, weight) for weight in draws]))
        found |= {name: round(score(truth, risk), 4), f"{name}_low": round(low, 4), f"{name}_high": round(high, 4)}
    intercept, slope = calibration_line(truth, risk)
    return found | {"calibration_intercept": round(intercept, 3), "calibration_slope": round(slope, 3)}


def differences(truth: Floats, risk: Floats, others: Mapping[str, Floats], draws: Floats) -> dict[str, dict[str, float]]:
    """AUROC of each other risk and its difference from ``risk``'s, with a paired 95 % interval."""
    if min(truth.sum(), (1 - truth).sum()) < FEWEST_CASES:
        return {}
    ours = np.array([auroc(truth, risk, weight) for weight in draws])
    found = {}
    for name, other in others.items():
        theirs = np.array([auroc(truth, other, weight) for weight in draws])
        low, high = interval(theirs - ours)
        value = auroc(truth, other)
        found[name] = {"auroc": round(value, 4), "change": round(value - auroc(truth, risk), 4), "change_low": round(low, 4), "change_high": round(high, 4)}
    return found
