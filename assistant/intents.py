"""Which intent a question has: a linear net over its meaning, words and spelling, taught with the wordings by ``breathwise library intents``."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.text_features import WIDTH, bags, buckets, meanings, spellings
from assistant.told_by_code import load_wordings
from encoders.passages import GUIDELINES
from prompts import load_questions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

WEIGHTS = GUIDELINES.parent / "intents.npz"
BUCKETS = SPELLINGS = 2**13  # of words and pairs of words; of runs of letters
BY_WORDS, BY_SPELLING = 0.7, 0.4  # what they weigh beside the meaning; these and the next were chosen on wordings left out
STRENGTH = 0.5  # sklearn's C
FOLDS = 5
UNKNOWN = "unknown"  # of the library, of nothing, or no question: taught with wordings like any intent


def load_taught() -> dict[str, tuple[str, ...]]:
    """All wordings: intent -> lines. One that several intents have is the first one's."""
    found: dict[str, dict[str, None]] = {}
    seen: set[str] = set()
    for wordings in (load_questions(), load_wordings()):
        for intent, texts in wordings.items():
            for text in texts:
                if plain(text) not in seen:
                    seen.add(plain(text))
                    found.setdefault(intent, {})[text] = None
    return {intent: tuple(texts) for intent, texts in found.items()}


def plain(text: str) -> str:
    """A wording in small letters without marks, as it is compared with others."""
    return " ".join(re.findall(r"[a-z0-9'%/.-]+", text.lower().replace("\u2019", "'"))).strip(".")


@dataclass(frozen=True)
class IntentReader:
    """``names`` (intents,), ``weights`` (intents, WIDTH + BUCKETS + SPELLINGS), ``bias`` (intents,); ``sharpness`` makes chances of their sums."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    sharpness: float
    known: dict[str, str]  # a wording, plain -> its intent

    @classmethod
    @cache
    def load(cls, path: Path = WEIGHTS) -> IntentReader:
        """The shipped net. FileNotFoundError where it is missing."""
        if not path.is_file():
            raise FileNotFoundError(
                f"assets/{path.name} is missing, without which no question is understood; install again or run `breathwise library intents`"
            )
        with np.load(path, allow_pickle=False) as kept:
            names = tuple(str(name) for name in kept["names"])
            known = {plain(text): intent for intent, texts in load_taught().items() for text in texts}
            return cls(names, kept["weights"].astype(np.float32), kept["bias"], float(kept["sharpness"]), known)

    def choose(self, question: str) -> tuple[str, float]:
        """The likeliest intent and how sure that is, 0-1: the root of its chance, which lies on the scale of a cosine."""
        exact = self.known.get(plain(question))
        if exact is not None:
            return exact, 1.0
        sums = self.weights[:, :WIDTH] @ meanings([question])[0] + self.bias
        for start, weight, found in ((WIDTH, BY_WORDS, buckets(question, BUCKETS)), (WIDTH + BUCKETS, BY_SPELLING, spellings(question, SPELLINGS))):
            sums += weight * self.weights[:, [start + one for one in found]].sum(1) / max(len(found), 1) ** 0.5
        chance = _chances(sums[None], self.sharpness)[0]
        best = int(chance.argmax())
        return self.names[best], float(chance[best]) ** 0.5


def teach(path: Path = WEIGHTS, seed: int = 7) -> dict[str, Any]:
    """Fit the net to all wordings and write it; returns what it was made of and how well wordings left out are read."""
    inputs, intents = _taught()
    found, sharpness = _left_out(inputs, intents, seed)
    fitted = _fit(inputs, intents)
    np.savez_compressed(
        path, names=np.array([str(name) for name in fitted.classes_]), weights=fitted.coef_.astype(np.float16), bias=fitted.intercept_.astype(np.float32),
        sharpness=np.float32(sharpness), made_of=np.array(json.dumps(found | {"seed": seed, "taught": fingerprint()})),
    )  # fmt: skip
    IntentReader.load.cache_clear()
    return found


def made_of(path: Path = WEIGHTS) -> dict[str, Any]:
    """What was found when the shipped net was taught."""
    with np.load(path, allow_pickle=False) as kept:
        found: dict[str, Any] = json.loads(str(kept["made_of"]))
    return found


def fingerprint() -> str:
    """Of all wordings: another one where any has changed."""
    return hashlib.sha256(json.dumps(load_taught()).encode()).hexdigest()[:16]


def read_right(seed: int = 7) -> dict[str, Any]:
    """How well wordings are read, each by a net that was taught without it and the rest of its fifth: see ``_left_out``."""
    return _left_out(*_taught(), seed)[0]


def _taught() -> tuple[csr_matrix, NDArray[np.str_]]:
    from scipy.sparse import csr_matrix, hstack

    taught = [(text, intent) for intent, texts in load_taught().items() for text in texts]
    texts = [text for text, _ in taught]
    parts = [
        csr_matrix(meanings(texts)),
        BY_WORDS * bags([buckets(text, BUCKETS) for text in texts], BUCKETS),
        BY_SPELLING * bags([spellings(text, SPELLINGS) for text in texts], SPELLINGS),
    ]
    inputs: csr_matrix = hstack(parts).tocsr()
    return inputs, np.array([intent for _, intent in taught])


def _fit(inputs: csr_matrix, intents: NDArray[np.str_]) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=STRENGTH).fit(inputs, intents)


def _left_out(inputs: csr_matrix, intents: NDArray[np.str_], seed: int) -> tuple[dict[str, Any], float]:
    """Shares of wordings left out that are read right, whose intent is one of the three likeliest, of library questions known for such, of others taken
    for such; and the sharpness under which the chances fit best."""
    from scipy.optimize import minimize_scalar

    names = np.unique(intents)
    right = np.searchsorted(names, intents)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(intents))
    sums = np.full((len(intents), len(names)), -1.0, dtype=np.float32)
    for one in range(FOLDS):
        fitted = _fit(inputs[fold != one], intents[fold != one])
        sums[np.ix_(fold == one, np.searchsorted(names, fitted.classes_))] = fitted.decision_function(inputs[fold == one])
    at = np.arange(len(right))
    sharpness = float(minimize_scalar(lambda sharp: -np.log(_chances(sums, sharp)[at, right] + 1e-12).mean(), bounds=(0.5, 20.0), method="bounded").x)
    order = np.argsort(-sums, axis=1)
    of_library = intents == UNKNOWN
    said = names[order[:, 0]]
    return {
        "wordings": len(intents), "intents": len(names), "right": round(float((said == intents).mean()), 4), "of_three": round(float((order[:, :3] == right[:, None]).any(1).mean()), 4),
        "library_known": round(float((said[of_library] == UNKNOWN).mean()), 4) if of_library.any() else 0.0,
        "taken_for_library": round(float((said[~of_library] == UNKNOWN).mean()), 4),
    }, sharpness  # fmt: skip


def _chances(sums: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """(text, intent) -> the same as chances, each row's sum one."""
    odds = np.exp(sharpness * (sums - sums.max(1, keepdims=True)))
    found: NDArray[np.float32] = odds / odds.sum(1, keepdims=True)
    return found
