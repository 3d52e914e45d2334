"""Which intent a question has: logistic regression over the sentence vectors of all wordings, fitted when the index is built."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRENGTH = 20.0  # sklearn's C, chosen on wordings left out, as `breathwise benchmark search` measures
VOTES = 0.5  # of the five nearest wordings beside the regression, chosen there


def nearest_votes(near: Sequence[tuple[str, float]]) -> dict[str, float]:
    """The share of each intent among the nearest wordings (intent, cosine), the nearer counting for more."""
    votes: dict[str, float] = {}
    for intent, cosine in near:
        votes[intent] = votes.get(intent, 0.0) + math.exp(8.0 * (cosine - 1.0))
    total = sum(votes.values())
    return {intent: vote / total for intent, vote in votes.items()}


@dataclass(frozen=True)
class IntentReader:
    """``names`` (intents,), ``weights`` (intents, width), ``level`` (intents,)."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    level: NDArray[np.float32]

    @classmethod
    def fit(cls, vectors: Any, intents: Sequence[str]) -> IntentReader:
        """From the vectors (wordings, width) and the intent of each."""
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

    def choose(self, vector: Sequence[float], votes: dict[str, float], barred: frozenset[str] = frozenset()) -> tuple[str, float]:
        """The likeliest intent of a question and its probability; ``votes``: see ``nearest_votes``, ``barred``: intents that it cannot be."""
        likely = {name: share for name, share in self.probabilities(vector).items() if name not in barred} or {"unknown": 0.0}
        winner = max(likely, key=lambda name: likely[name] + VOTES * votes.get(name, 0.0))
        return winner, likely[winner]


def read_right(
    vectors: NDArray[np.float64], intents: Sequence[str], barred: Sequence[frozenset[str]] = (), *, folds: int = 5, seed: int = 7
) -> dict[str, float]:
    """The share of wordings left out whose intent is read right: by the five nearest, by regression, by both.

    ``barred``: for each wording the intents that its words rule out, which "both" leaves aside.
    """
    known, fold = np.asarray(intents), np.random.default_rng(seed).integers(0, folds, len(intents))
    right = {"nearest": 0, "regression": 0, "both": 0}
    for one in range(folds):
        kept, left = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        reader = IntentReader.fit(vectors[kept], known[kept].tolist())
        for place, cosines in zip(left, vectors[left] @ vectors[kept].T, strict=True):
            near = np.argsort(-cosines)[:5]
            votes = nearest_votes([(str(known[kept[index]]), float(cosines[index])) for index in near])
            likely = reader.probabilities(vectors[place].tolist())
            said = {"nearest": max(votes, key=lambda name: votes[name]), "regression": max(likely, key=lambda name: likely[name])}
            out = barred[int(place)] if barred else frozenset()
            said["both"] = reader.choose(vectors[place].tolist(), {name: vote for name, vote in votes.items() if name not in out}, out)[0]
            for way, intent in said.items():
                right[way] += intent == known[place]
    return {way: round(count / len(known), 4) for way, count in right.items()}
