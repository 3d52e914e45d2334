"""What a classical model makes of the same people: logistic regression, LightGBM, a linear head on our encoders.

Each takes the training fold and the people to score and returns probabilities (people,). LightGBM's number of trees and the
head's shrinkage are chosen on the validation fold; nothing sees the test fold's answers.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders import tabular
from encoders.batch import Person
from encoders.faults import InputError
from encoders.scores import auroc
from encoders.tabular import COLUMNS

Floats = NDArray[np.float64]
SPIROMETRY_COLUMNS = tuple(COLUMNS.index(name) for name in tabular.SPIROMETRY_COLUMNS)
NO_LIGHTGBM = "LightGBM is not installed, and the table holds it beside our model; install it with `pip install lightgbm`"


class BaselineError(InputError):
    """A baseline that cannot be made here. One plain sentence."""


def logistic_regression(x: Floats, y: Floats, asked: Floats) -> Floats:
    """On standardised values with missing flags, (people, features); the same as the one in ``risk.json``."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.3, max_iter=2000).fit(x, y)
    return np.asarray(model.predict_proba(asked)[:, 1], float)


def flat(people: Sequence[Person], *, spirometry: bool = True) -> Floats:
    """Values and flags, (people, 2 COLUMNS); ``spirometry=False`` leaves out what a blow measured."""
    tables = np.stack([person.table for person in people]).astype(float)
    if not spirometry:
        tables = np.delete(tables, SPIROMETRY_COLUMNS, axis=2)
    return tables.reshape(len(tables), -1)


def with_gaps(people: Sequence[Person]) -> Floats:
    """Values, nan where missing, (people, COLUMNS): trees read gaps themselves."""
    tables = np.stack([person.table for person in people]).astype(float)
    return np.where(tables[:, 1] > 0, tables[:, 0], np.nan)


def require_lightgbm() -> Any:
    """The library, or BaselineError with what to do: it is no dependency of the page."""
    try:
        import lightgbm
    except (ImportError, OSError) as error:
        raise BaselineError(NO_LIGHTGBM) from error
    return lightgbm


def lightgbm(x: Floats, y: Floats, validation: tuple[Floats, Floats], asked: Floats, seed: int) -> Floats:
    """Boosted trees, their number by early stopping on the validation fold. Raises BaselineError where not installed."""
    lgb = require_lightgbm()
    settings = {
        "objective": "binary", "learning_rate": 0.03, "num_leaves": 7, "min_data_in_leaf": 30, "feature_fraction": 0.7, "bagging_fraction": 0.8,
        "bagging_freq": 1, "lambda_l2": 5.0, "verbosity": -1, "seed": seed, "deterministic": True, "force_row_wise": True, "num_threads": 2,
    }  # fmt: skip
    trained = lgb.Dataset(x, y)
    stop = lgb.early_stopping(60, verbose=False)
    trees = lgb.train(settings, trained, 600, valid_sets=[lgb.Dataset(*validation, reference=trained)], callbacks=[stop])
    return np.asarray(trees.predict(asked, num_iteration=trees.best_iteration), float)


def read_by_encoders(model: Any, people: Sequence[Person], batch: int = 128) -> Floats:
    """Both encoders' tokens, before the projector, side by side: (people, tokens x width); zeros where there is no curve."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(people), batch):
            some = people[start : start + batch]
            tables = torch.from_numpy(np.stack([person.table for person in some])).to(model.device)
            read = model.encode_table(tables).flatten(1).float().cpu().numpy()
            curves = np.zeros((len(some), model.config.curve.tokens * model.config.curve.width), np.float32)
            given = [index for index, person in enumerate(some) if person.curve is not None]
            drawn = [person.curve for person in some if person.curve is not None]
            if drawn:
                stacked = torch.from_numpy(np.stack(drawn)).to(model.device)
                curves[given] = model.encode_curve(stacked).flatten(1).float().cpu().numpy()
            parts.append(np.concatenate([read, curves], axis=1))
    return np.concatenate(parts).astype(float)


def components(trained: Floats, others: Sequence[Floats], count: int = 128, seed: int = 7) -> list[Floats]:
    """The directions in which the training people's readings differ most; (people, count) each, training people first."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(trained)
    main = PCA(min(count, *trained.shape), whiten=False, random_state=seed, svd_solver="randomized").fit(scale.transform(trained))
    return [np.asarray(main.transform(scale.transform(one))) / np.sqrt(main.explained_variance_[0]) for one in (trained, *others)]


def linear_head(x: Floats, y: Floats, validation: tuple[Floats, Floats], asked: Floats) -> Floats:
    """Logistic regression on what the encoders read; how strongly it is shrunk is chosen on the validation fold."""
    from sklearn.linear_model import LogisticRegression

    best: tuple[float, Any] = (-1.0, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weak shrinkage may not converge; then another is chosen
        for strength in (0.3, 3.0, 30.0):
            model = LogisticRegression(C=strength, max_iter=300).fit(x, y)
            value = auroc(validation[1], model.predict_proba(validation[0])[:, 1]) if 0 < validation[1].sum() < len(validation[1]) else 0.0
            best = max(best, (value, model), key=lambda one: one[0])
    return np.asarray(best[1].predict_proba(asked)[:, 1], float)


def fused(one: Floats, other: Floats) -> Floats:
    """The mean of two models' log-odds, as a probability: late fusion with nothing to fit."""
    both = [np.log(p / (1 - p)) for p in (np.clip(one, 1e-6, 1 - 1e-6), np.clip(other, 1e-6, 1 - 1e-6))]
    return np.asarray(1.0 / (1.0 + np.exp(-(both[0] + both[1]) / 2)))
