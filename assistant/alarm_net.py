"""The second net: a message is read again by its meaning, by two logistic heads over sentence vectors and over its words and pairs of words.

It catches emergencies that no rule names, and takes back an alarm of a rule of words where it is sure that nothing is wrong. It is taught by
``breathwise library net`` from the templates in ``assets/triage``, our own questions, those of the search benchmark, and the sets of the safety benchmark that were mended for.
"""

from __future__ import annotations

import json
import re
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.slips import as_meant
from assistant.taught_wordings import EMERGENCY, HARMLESS, SELF_HARM, TEMPLATES, write_out

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

WEIGHTS = TEMPLATES / "net.npz"
SEARCHED = TEMPLATES.parent / "benchmarks" / "search.jsonl"
LAYERS = (2, 4, 6)  # of MiniLM: the lower ones keep who, when and not, which its last one forgets
BUCKETS = 2**14  # of words and pairs of words
FALSE_ALARMS = 0.02  # the share of look-alikes that the rules let pass which it may raise, each judged by a net that was not taught with it
LOST = 0.01  # the share of emergencies below ``doubt``, each judged likewise
FOLDS = 3
ROUNDS = 120  # of fitting; stopped before it fits the templates to the letter
FIRST, LAST = 8, 16  # sentences of a long message that are read
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n{2,}")
_YEAR, _NUMBER, _WORD = re.compile(r"\b(?:19|20)\d\d\b"), re.compile(r"\d+(?:\.\d+)?"), re.compile(r"[a-z']+")


@dataclass(frozen=True)
class AlarmNet:
    """``meaning`` (head, layer x width), ``words`` (head, bucket) and ``bias`` (head,) of the heads "alarm" and "self-harm".

    In log odds of an alarm: from ``alarm`` on it is one by itself; below ``doubt`` it is none though a rule of words says so.
    """

    meaning: NDArray[np.float32]
    words: NDArray[np.float32]
    bias: NDArray[np.float32]
    alarm: float
    doubt: float

    @classmethod
    @cache
    def load(cls) -> AlarmNet:
        """The shipped net. FileNotFoundError where it is missing."""
        if not WEIGHTS.is_file():
            raise FileNotFoundError("assets/triage/net.npz is missing, without which emergencies are missed; install again or run `breathwise library net`")
        with np.load(WEIGHTS, allow_pickle=False) as kept:
            meaning, words, bias = (kept[name].astype(np.float32) for name in ("meaning", "words", "bias"))
            return cls(meaning, words, bias, float(kept["alarm"]), float(kept["doubt"]))

    def odds(self, message: str) -> tuple[float, float]:
        """Log odds that a message is an alarm, and of self-harm: of the whole and of its sentences, where the first is highest."""
        texts = pieces(message)
        logits = meanings(texts) @ self.meaning.T + self.bias  # (piece, head)
        for n, text in enumerate(texts):
            found = buckets(text)
            logits[n] += self.words[:, found].sum(1) / max(len(found), 1) ** 0.5
        worst = logits[int(logits[:, 0].argmax())]
        return float(worst[0]), float(worst[1])


def pieces(message: str) -> list[str]:
    """A message as a whole and its sentences, of a long one the first and the last."""
    found = [one.strip() for one in _SENTENCE.split(message) if one.strip()]
    if len(found) > FIRST + LAST:
        found = found[:FIRST] + found[-LAST:]
    return list(dict.fromkeys(one[:1500] for one in (message, *found)))


def buckets(text: str) -> list[int]:
    """The buckets of a text's words and pairs of words; numbers only as such, years as years."""
    plain = _NUMBER.sub(" nn ", _YEAR.sub(" yyyy ", as_meant(text)))
    words = _WORD.findall(plain)
    framed = ["^", *words, "$"]
    return sorted({zlib.crc32(one.encode()) % BUCKETS for one in (*words, *(f"{a} {b}" for a, b in zip(framed, framed[1:], strict=False)))})


def meanings(texts: Sequence[str]) -> NDArray[np.float32]:
    """(text) -> (text, layer x width)."""
    from assistant.minilm import minilm

    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    found = np.zeros((len(texts), len(LAYERS) * 384), dtype=np.float32)
    for start in range(0, len(order), 64):
        some = order[start : start + 64]
        found[some] = minilm().means_of_layers([texts[n] for n in some], LAYERS)
    return found


def made_of() -> dict[str, Any]:
    """What was found when the shipped net was taught, with the seed."""
    with np.load(WEIGHTS, allow_pickle=False) as kept:
        found: dict[str, Any] = json.loads(str(kept["made_of"]))
    return found


def teach(seed: int = 7) -> dict[str, Any]:
    """Fit the net, choose its limits by cross-validation over whole templates, write it to assets and return what was found."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    from assistant.safety_benchmark import MENDED_FOR, read_wordings
    from assistant.triage import by_rules
    from prompts import load_questions

    alarming = (EMERGENCY, SELF_HARM)
    real = [one for one in read_wordings() if one.set in MENDED_FOR]
    rows = [(one.text, one.kind if one.kind in alarming else HARMLESS, one.text, 3.0) for one in real]
    rows += [(one.text, one.kind, one.template, 1.0) for one in write_out()]
    rows += [(text, HARMLESS, text, 1.0) for texts in load_questions().values() for text in texts]
    asked = [str(json.loads(line)["question"]) for line in SEARCHED.read_text(encoding="utf-8").splitlines()]
    rows += [(text, HARMLESS, text, 2.0) for text in asked if by_rules(text) is None]
    rows += [(piece, HARMLESS, row[2], 1.0) for row in rows if row[1] == HARMLESS for piece in pieces(row[0])[1:]]  # what is harmless is so in every part
    texts = list(dict.fromkeys(piece for row in rows for piece in pieces(row[0])))
    place = {text: n for n, text in enumerate(texts)}
    inputs = hstack([csr_matrix(meanings(texts)), _bags(texts)]).tocsr()
    at = np.array([place[pieces(row[0])[0]] for row in rows])
    alarm, self_harm = np.array([row[1] in alarming for row in rows]), np.array([row[1] == SELF_HARM for row in rows])
    weight = np.array([row[3] for row in rows])

    def head(use: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is meant
            fitted = LogisticRegression(C=10.0, max_iter=ROUNDS).fit(inputs[at[use]], target[use], sample_weight=weight[use])
        return fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0])

    chance = np.random.default_rng(seed)
    groups = {name: int(chance.integers(FOLDS)) for name in dict.fromkeys(row[2] for row in rows)}
    fold = np.array([groups[row[2]] for row in rows])
    odds: dict[str, float] = {}
    for number in range(FOLDS):
        coefficients, intercept = head(fold != number, alarm)
        for one in real:
            if groups[one.text] == number:
                odds[one.text] = float((inputs[[place[piece] for piece in pieces(one.text)]] @ coefficients + intercept).max())
    ruled = {one.text: by_rules(one.text) is not None for one in real}
    harmless = sorted((odds[one.text] for one in real if one.kind not in alarming and not ruled[one.text]), reverse=True)
    emergencies = [one.text for one in real if one.kind in alarming]
    found = {
        "wordings": len(rows), "alarms": int(alarm.sum()), "seed": seed, "folds": FOLDS,
        "alarm": round(harmless[int(FALSE_ALARMS * len(harmless))] + 1e-3, 3), "doubt": round(float(np.quantile([odds[text] for text in emergencies], LOST)), 3),
    }  # fmt: skip
    alone = [text for text in odds if odds[text] >= found["alarm"]]
    found |= {"alone_recall": round(sum(text in set(alone) for text in emergencies) / len(emergencies), 4), "alone_emergencies": len(emergencies)}
    heads = [head(np.ones(len(rows), dtype=bool), alarm), head(alarm, self_harm)]
    split, coefficients = len(LAYERS) * 384, np.array([one[0] for one in heads])
    np.savez_compressed(
        WEIGHTS, meaning=coefficients[:, :split].astype(np.float16), words=coefficients[:, split:].astype(np.float16), bias=np.array([one[1] for one in heads], dtype=np.float32),
        alarm=np.float32(found["alarm"]), doubt=np.float32(found["doubt"]), made_of=np.array(json.dumps(found)),
    )  # fmt: skip
    AlarmNet.load.cache_clear()
    return found


def _bags(texts: Sequence[str]) -> csr_matrix:
    """(text, bucket), each row of length one."""
    from scipy.sparse import csr_matrix

    found = [buckets(text) for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in found])
    values = np.concatenate([np.full(len(one), max(len(one), 1) ** -0.5, dtype=np.float32) for one in found])
    return csr_matrix((values, (rows, np.concatenate(found).astype(int))), shape=(len(texts), BUCKETS))
