"""The second net: what the rules let pass is read again by its meaning, with two logistic heads over sentence vectors.

It is taught by ``breathwise library net`` from the templates in ``assets/triage`` and from the wordings of the safety benchmark that rules were
mended for. It needs no network, and its answer has the same fixed wording as the rules'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.taught_wordings import EMERGENCY, HARMLESS, SELF_HARM, TEMPLATES, write_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = TEMPLATES / "net.npz"
FALSE_ALARMS = 0.01  # share of harmless look-alikes of the sets it is taught with that it may raise beside the rules, each judged by a net that did not see it
FIRST, LAST = 8, 16  # sentences of a long message that are read
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")


@dataclass(frozen=True)
class AlarmNet:
    """``weights`` (head, width) and ``bias`` (head,) of the heads "alarm" and "self-harm"; alarm from ``threshold`` on, in log odds."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    threshold: float

    @classmethod
    @cache
    def load(cls) -> AlarmNet:
        """The shipped net. FileNotFoundError where it is missing."""
        if not WEIGHTS.is_file():
            raise FileNotFoundError("assets/triage/net.npz is missing, without which emergencies are missed; install again or run `breathwise library net`")
        with np.load(WEIGHTS, allow_pickle=False) as kept:
            return cls(kept["weights"].astype(np.float32), kept["bias"].astype(np.float32), float(kept["threshold"]))

    def odds(self, message: str) -> tuple[float, float]:
        """Log odds that a message is an alarm, and that it is one of self-harm: of the whole and of its sentences, the highest."""
        logits = vectors(pieces(message)) @ self.weights.T + self.bias  # (piece, head)
        worst = int(logits[:, 0].argmax())
        return float(logits[worst, 0]), float(logits[worst, 1])

    def kind(self, message: str) -> str:
        """What a message is taken for: harmless, emergency or self_harm."""
        alarm, self_harm = self.odds(message)
        if alarm < self.threshold:
            return HARMLESS
        return SELF_HARM if self_harm > 0 else EMERGENCY


def pieces(message: str) -> list[str]:
    """A message as a whole and its sentences, of a long one the first and the last."""
    found = [one.strip() for one in _SENTENCE.split(message) if one.strip()]
    if len(found) > FIRST + LAST:
        found = found[:FIRST] + found[-LAST:]
    return list(dict.fromkeys((message[:1500], *(one[:1500] for one in found))))


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """(text) -> (text, width), of length one."""
    from assistant.retrieval import minilm

    return np.array(minilm().embed_documents(list(texts)), dtype=np.float32)


def made_of() -> dict[str, Any]:
    """What was found when the shipped net was taught, with the seed."""
    with np.load(WEIGHTS, allow_pickle=False) as kept:
        found: dict[str, Any] = json.loads(str(kept["made_of"]))
    return found


def teach(seed: int = 7) -> dict[str, Any]:
    """Fit the net and choose its threshold by five-fold cross-validation over whole templates; writes the weights and returns what was found."""
    from sklearn.linear_model import LogisticRegression

    from assistant.safety_benchmark import MENDED_FOR, read_wordings
    from assistant.triage import by_rules
    from prompts import load_questions

    alarming = (EMERGENCY, SELF_HARM)
    real = [one for one in read_wordings() if one.set in MENDED_FOR]
    rows = [(one.text, one.kind if one.kind in alarming else HARMLESS, one.text, 3.0) for one in real]
    rows += [(one.text, one.kind, one.template, 1.0) for one in write_out(seed)]
    rows += [(text, HARMLESS, text, 1.0) for texts in load_questions().values() for text in texts]
    inputs = vectors([row[0] for row in rows])
    alarm = np.array([row[1] in alarming for row in rows])
    self_harm = np.array([row[1] == SELF_HARM for row in rows])
    weight = np.array([row[3] for row in rows])

    def head(use: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
        fitted = LogisticRegression(C=10.0, max_iter=1000).fit(inputs[use], target[use], sample_weight=weight[use])
        return fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0])

    chance = np.random.default_rng(seed)
    groups = {name: int(chance.integers(5)) for name in dict.fromkeys(row[2] for row in rows)}
    fold = np.array([groups[row[2]] for row in rows])
    passed = [one for one in real if one.kind not in alarming and by_rules(one.text) is None]
    missed = [one for one in real if one.kind in alarming and by_rules(one.text) is None]
    odds: dict[str, float] = {}
    for number in range(5):
        coefficients, intercept = head(fold != number, alarm)
        for one in (*passed, *missed):
            if groups[one.text] == number:
                odds[one.text] = float((vectors(pieces(one.text)) @ coefficients + intercept).max())
    highest = sorted((odds[one.text] for one in passed), reverse=True)
    threshold = highest[int(FALSE_ALARMS * len(highest))] + 1e-3
    every = np.ones(len(rows), dtype=bool)
    heads = [head(every, alarm), head(alarm, self_harm)]
    found = {
        "wordings": len(rows), "alarms": int(alarm.sum()), "seed": seed, "threshold": round(threshold, 3),
        "caught_of_missed": sum(odds[one.text] >= threshold for one in missed), "missed_by_rules": len(missed),
    }  # fmt: skip
    np.savez_compressed(
        WEIGHTS, weights=np.array([one[0] for one in heads]), bias=np.array([one[1] for one in heads], dtype=np.float32),
        threshold=np.float32(threshold), made_of=np.array(json.dumps(found)),
    )  # fmt: skip
    AlarmNet.load.cache_clear()
    return found
