"""Which intent a question has: logistic regression over the sentence vectors of all wordings, fitted when the index is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STRENGTH = 20.0  # sklearn's C. On wordings left out (5 folds) 84 % are read right, the five nearest by themselves 79 %, both together 85 %


@dataclass(frozen=True)
class IntentReader:
    """``names`` (intents,), ``weights`` (intents, width), ``level`` (intents,)."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    level: NDArray[np.float32]

    @classmethod
    def fit(cls, vectors: Sequence[Sequence[float]], intents: Sequence[str]) -> IntentReader:
        from sklearn.linear_model import LogisticRegression

        if len(set(intents)) == 1:  # nothing to tell apart
            return cls((str(intents[0]),), np.zeros((1, np.shape(vectors)[1]), np.float32), np.zeros(1, np.float32))
        found = LogisticRegression(C=STRENGTH, max_iter=300).fit(np.asarray(vectors), np.asarray(intents))
        return cls(tuple(str(name) for name in found.classes_), found.coef_.astype(np.float32), found.intercept_.astype(np.float32))

    @classmethod
    def load(cls, path: Path) -> IntentReader:
        """Raises OSError, ValueError or KeyError where the file is missing or damaged."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(tuple(str(name) for name in kept["names"]), kept["weights"], kept["level"])

    def save(self, path: Path) -> None:
        np.savez(path, names=np.array(self.names), weights=self.weights, level=self.level)

    def probabilities(self, vector: Sequence[float]) -> dict[str, float]:
        """Of every intent, for the vector of a question."""
        odds = self.weights @ np.asarray(vector, np.float32) + self.level
        odds = np.exp(odds - odds.max())
        return dict(zip(self.names, (float(x) for x in odds / odds.sum()), strict=True))
