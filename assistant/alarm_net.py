"""The second net: a message is read again by its meaning, by two logistic heads over sentence vectors, its words and pairs of words, and their spelling, and by the
messages that it was taught with: whether it is more like those that tell of an emergency or like those that do not.

It catches emergencies that no rule names, and takes back an alarm of a rule of words where it is sure that nothing is wrong. ``net_teaching`` teaches it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.taught_wordings import TEMPLATES
from assistant.text_features import buckets, meanings, spellings

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = TEMPLATES / "net.npz"
BUCKETS = 2**14  # of words and pairs of words
SPELLINGS = 2**16  # of runs of three to five letters: what a slip leaves of a word
LIKEST, LIKENESS = 3, 40.0  # messages taught that a message is most like, of either kind; log odds that the difference of their cosines makes
BYTES = 254.0  # steps in a byte of a number from -0.5 to 0.5
SURER = 1.0  # log odds by which a sentence out of its message must be surer than the message as a whole
FIRST, LAST = 8, 16  # sentences of a long message that are read
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n{2,}")


@dataclass(frozen=True)
class AlarmNet:
    """``meaning`` (head, layer x width), ``words`` and ``spelling`` (head, bucket) and ``bias`` (head,) of the heads "alarm" and "self-harm"; ``taught`` (message, layer x
    width), of length one, and which of them are ``alarming``.

    In log odds of an alarm: from ``alarm`` on it is one by itself; below ``doubt`` it is none though a rule of words says so.
    """

    meaning: NDArray[np.float32]
    words: NDArray[np.float32]
    spelling: NDArray[np.float32]
    bias: NDArray[np.float32]
    taught: NDArray[np.float32]
    alarming: NDArray[np.bool_]
    alarm: float
    doubt: float

    @classmethod
    @cache
    def load(cls) -> AlarmNet:
        """The shipped net. FileNotFoundError where it is missing."""
        if not WEIGHTS.is_file():
            raise FileNotFoundError("assets/triage/net.npz is missing, without which emergencies are missed; install again or run `breathwise library net`")
        with np.load(WEIGHTS, allow_pickle=False) as kept:
            meaning, words, spelling, bias = (kept[name].astype(np.float32) for name in ("meaning", "words", "spelling", "bias"))
            taught = (kept["taught"] / BYTES).astype(np.float32)
            return cls(meaning, words, spelling, bias, taught, kept["alarming"], float(kept["alarm"]), float(kept["doubt"]))

    def odds(self, message: str) -> tuple[float, float]:
        """Log odds that a message is an alarm, and of self-harm: of the whole and of its sentences, where the first is highest."""
        texts = pieces(message)
        states = meanings(texts)
        logits = states @ self.meaning.T + self.bias  # (piece, head)
        for n, text in enumerate(texts):
            for weights, found in ((self.words, buckets(text, BUCKETS)), (self.spelling, spellings(text, SPELLINGS))):
                logits[n] += weights[:, found].sum(1) / max(len(found), 1) ** 0.5
        logits[:, 0] += LIKENESS * more_alike(states, self.taught, self.alarming)
        logits[1:, 0] -= SURER
        worst = logits[int(logits[:, 0].argmax())]
        return float(worst[0]), float(worst[1])


def of_length_one(states: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return found


def more_alike(states: NDArray[np.float32], taught: NDArray[np.float32], alarming: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(text,) How much more each of ``states`` (text, layer x width) is like the LIKEST messages taught that are alarming than like those that are not: cosines."""
    alike = of_length_one(states) @ taught.T
    yes, no = (np.partition(alike[:, kind], -LIKEST, axis=1)[:, -LIKEST:].mean(1) for kind in (alarming, ~alarming))
    found: NDArray[np.float32] = yes - no
    return found


def pieces(message: str) -> list[str]:
    """A message as a whole and its sentences, of a long one the first and the last; without the full stop, which says nothing."""
    found = [one.strip() for one in _SENTENCE.split(message) if one.strip(" .!")]
    if len(found) > FIRST + LAST:
        found = found[:FIRST] + found[-LAST:]
    return list(dict.fromkeys(one[:1500].rstrip(" .!") or one for one in (message, *found)))


def made_of() -> dict[str, Any]:
    """What was found when the shipped net was taught, with the seed."""
    with np.load(WEIGHTS, allow_pickle=False) as kept:
        found: dict[str, Any] = json.loads(str(kept["made_of"]))
    return found
