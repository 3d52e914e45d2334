"""What the soft tokens carry, shown by linear maps, and how well rebuilt curves agree with the people they stand for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoders import cohort
from encoders.batch import Person
from encoders.cases import analysed_row
from encoders.tabular import COLUMNS

Floats = NDArray[np.float64]
DIRECTIONS = 60  # chosen on validation people among 60, 150, 300
INDICES = ("fev1_l", "fvc_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s")


def soft_tokens(model: Any, people: Sequence[Person], batch: int = 128) -> Floats:
    """The curve's soft tokens as the language model of the conversation gets them: (people, slots x width)."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(people), batch):
            curves = torch.from_numpy(np.stack([person.curve for person in people[start : start + batch] if person.curve is not None]))
            parts.append(model.soft_curve(curves.to(model.device, model.dtype)).flatten(1).float().cpu().numpy())
    return np.concatenate(parts).astype(float)


def probes(model: Any, trained: Sequence[Person], tested: Sequence[Person], patterns: tuple[Sequence[str | None], Sequence[str | None]]) -> dict[str, Any]:
    """Linear maps from the soft tokens, fitted on ``trained`` and measured on ``tested``.

    ``r2``: of each measured index from the curve's tokens alone; ``pattern``: accuracy of naming the spirometric pattern
    from the curve's tokens and the table's fields (a pattern depends on sex, age and height), and of always naming the
    commonest. The tokens are first turned to their DIRECTIONS main directions, which is linear as well: a few thousand people
    do not show how to weigh thousands of numbers.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler

    given = [[index for index, person in enumerate(people) if person.curve is not None] for people in (trained, tested)]
    left, right = ([people[index] for index in some] for people, some in zip((trained, tested), given, strict=True))
    raw = [soft_tokens(model, people) for people in (left, right)]
    scale = StandardScaler().fit(raw[0])
    x, asked = scale.transform(raw[0]), scale.transform(raw[1])
    tables = [np.stack([person.table for person in people]) for people in (left, right)]
    found: dict[str, Any] = {"people": len(right), "r2": {}}
    for name in INDICES:
        column = COLUMNS.index(name)
        known = [table[:, 1, column] > 0 for table in tables]
        fitted = Ridge(30.0).fit(x[known[0]], tables[0][known[0], 0, column])
        found["r2"][name] = round(float(fitted.score(asked[known[1]], tables[1][known[1], 0, column])), 4)
    said = [np.array([str(one[index]) for index in some]) for one, some in zip(patterns, given, strict=True)]
    main = PCA(min(DIRECTIONS, *x.shape), random_state=7, svd_solver="randomized").fit(x)
    shown = [main.transform(one) for one in (x, asked)]
    spread = np.maximum(shown[0].std(0), 1e-6)  # of few people some directions hold nothing
    both = [np.hstack([tokens / spread, table.reshape(len(table), -1)]) for tokens, table in zip(shown, tables, strict=True)]
    classes = LogisticRegression(max_iter=400).fit(both[0], said[0])
    commonest = pd.Series(said[0]).mode()[0]
    found["pattern"] = {
        "accuracy": round(float((classes.predict(both[1]) == said[1]).mean()), 4),
        "commonest": round(float((said[1] == commonest).mean()), 4),
        "classes": len(classes.classes_),
    }
    return found


def rebuilt(path: Path, limit: int | None = None) -> dict[str, Any]:
    """Of all people of a cohort with indices: the share whose rebuilt curve measures to each within 1 % or 10 mL (10 mL/s, 0.1 s)."""
    from tqdm import tqdm

    table = cohort.read_cohort(path)
    table = table if limit is None else table.head(limit)
    close: dict[str, list[bool]] = {name: [] for name in (*INDICES, "bev_l", "fet_s")}
    curves = 0
    for _, row in tqdm(table.iterrows(), total=len(table), desc="rebuilt curves", unit="person", file=sys.stderr):
        _, spirometry = analysed_row(row)
        if spirometry is None or not spirometry.maneuvers:
            continue
        curves += 1
        for name, values in close.items():
            recorded = row.get("bev_ml") if name == "bev_l" else row.get(name)
            if recorded is None or pd.isna(recorded):
                continue
            wanted = float(recorded) / (1000.0 if name == "bev_l" else 1.0)
            got = getattr(spirometry.maneuvers[0], name)
            values.append(got is not None and abs(got - wanted) <= max(0.01 * abs(wanted), 0.1 if name == "fet_s" else 0.01))
    return {"people": len(table), "curves": curves, "within": {name: round(float(np.mean(values)), 4) if values else None for name, values in close.items()}}
