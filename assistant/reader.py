"""How a question is read: what it asks (an intent), and where in the library its answer may stand (a vector beside those of its sentences).

all-MiniLM-L6-v2 as it is, its words and its spelling, heads over them that were taught by ``breathwise library reader`` (``reader_teaching``), and the questions they
were taught with, by where they lie (``remembered``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.intents import UNKNOWN, load_taught, read_natural
from assistant.remembered import MOST_OF_NOTHING, OF_INTENTS, OF_NOTHING, OF_SENTENCES, UNLIKE, Remembered
from assistant.slips import plain
from assistant.text_features import WIDTH, buckets, meanings, spellings
from encoders.passages import GUIDELINES

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = GUIDELINES.parent / "reader"
FILES = ("heads.safetensors", "reader.json")
BUCKETS = SPELLINGS = 2**13  # of words and pairs of words; of runs of letters
MOST_BEFORE = 400  # letters of the questions before that are read with one
_GOES_ON = re.compile(r"^\W*(?:and|but|so|or|what about|how about)\b", re.IGNORECASE)  # what follows another question is not what it would be by itself
MEANING = 384  # numbers of a sentence's vector


@dataclass(frozen=True)
class Read:
    """What a question was read as: its likeliest intents, each with how sure that is (0-1, the root of its chance), and its ``vector`` (384,) of length one,
    comparable with the sentences of the library as they are asked for (``QuestionReader.as_asked``); ``likeness`` (sentence + 1,): to the questions that were taught of
    each; ``unanswered``: to those that nothing answers."""

    intents: tuple[tuple[str, float], ...]
    vector: NDArray[np.float32]
    likeness: NDArray[np.float32]
    unanswered: float


@dataclass(frozen=True)
class Laid:
    """Sentences as questions for them lie: ``vectors`` (sentence, 384), and ``rows``: which of the sentences taught each is, the last where it is none."""

    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]


class QuestionReader:
    """One for the process; it holds no text of anybody."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        held = load_file(folder / "heads.safetensors")
        self._remembered = Remembered(held["main"].astype(np.float32), held["places"], held["of_intent"], held["of_sentence"])
        heads = {name: tensor.astype(np.float32) for name, tensor in held.items() if tensor.dtype in (np.float16, np.float32)}
        self._weights, self._bias, self._turn, self._lay, self._own = (heads[name] for name in ("weights", "bias", "turn", "lay", "own"))
        self._leans, self._after = heads["leans"], heads["after"]
        about = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
        self.names: tuple[str, ...] = tuple(about["intents"])
        self.sharpness, self.scale, self.none = float(about["sharpness"]), float(about["scale"]), float(about["none"])
        self._row = {digest: n for n, digest in enumerate(about["sentences"])}
        self._unanswered = self._remembered.unanswered(self.names.index(UNKNOWN) if UNKNOWN in self.names else len(self.names))
        shapes = (self._weights.shape, self._turn.shape, self._lay.shape, self._own.shape, self._leans.shape, self._after.shape)
        of_sentences = ((MEANING, WIDTH), (MEANING, MEANING), (len(self._row) + 1, MEANING))
        if shapes != ((len(self.names), WIDTH + BUCKETS + SPELLINGS), *of_sentences, (WIDTH + 1,), (len(self.names) + MEANING, WIDTH)):
            raise ValueError(f"assets/{folder.name} does not hold together; install again or run `breathwise library reader`")
        self._known = {plain(one.text): one.intents[0] for one in read_natural() if len(one.intents) == 1 and not one.before}
        self._known |= {plain(text): intent for intent, texts in load_taught().items() for text in texts}

    @classmethod
    @cache
    def load(cls, folder: Path = FOLDER) -> QuestionReader:
        """The shipped one. FileNotFoundError where it is missing."""
        if not all((folder / name).is_file() for name in FILES):
            raise FileNotFoundError(
                f"assets/{folder.name} is missing or not whole, without which no question is understood; install again or run `breathwise library reader`"
            )
        return cls(folder)

    def read(self, question: str, before: str = "") -> Read:
        """An exact wording that was taught is surely what it was taught as. ``before``: the question that this one follows; what it leans on of that is read with it."""
        states, *both = meanings([question, after(before, question)] if before.strip() else [question])
        vector = states[-MEANING:] + self._turn @ states
        sums = self._weights[:, :WIDTH] @ states + self._bias
        if both:
            leans = 1 / (1 + np.exp(-float(self._leans[:-1] @ states + self._leans[-1])))
            of_both = leans * (self._after @ both[0])
            sums += of_both[: len(self.names)]
            vector += of_both[len(self.names) :]
        vector /= np.linalg.norm(vector)
        likeness = self._remembered.of_sentences(vector[None], len(self._row) + 1)[0]
        unanswered = float(self._unanswered.of_intents(vector[None], 1)[0, 0])
        exact = self._known.get(plain(question)) if not (both and _GOES_ON.match(question)) else None
        if exact is not None:
            return Read(((exact, 1.0),), vector, likeness, unanswered)
        for start, found in ((WIDTH, buckets(question, BUCKETS)), (WIDTH + BUCKETS, spellings(question, SPELLINGS))):
            sums += self._weights[:, [start + one for one in found]].sum(1) / max(len(found), 1) ** 0.5
        sums += OF_INTENTS * self._remembered.of_intents(vector[None], len(self.names))[0]
        chances = np.exp(self.sharpness * (sums - sums.max()))
        chances /= chances.sum()
        first = np.argsort(-chances)[:3]
        return Read(tuple((self.names[n], float(chances[n]) ** 0.5) for n in first), vector, likeness, unanswered)

    def as_asked(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> Laid:
        """Sentences by their vectors (sentence, 384), turned, and for those that were taught with what their own questions add."""
        rows = np.array([self._row.get(digest(text), len(self._row)) for text in texts], dtype=np.int64)
        own = self._own[rows] * (rows < len(self._row))[:, None]  # the last row is that of "none"
        return Laid((vectors + vectors @ self._lay.T + own).astype(np.float32), rows)

    def nearness(self, read: Read, laid: Laid) -> NDArray[np.float32]:
        """How near a question lies to each sentence as it is asked for: log odds against "no sentence answers"."""
        found = self.scale * (laid.vectors @ read.vector - self.none - float(self._own[-1] @ read.vector))
        likeness = OF_SENTENCES * (read.likeness[laid.rows] - UNLIKE) + min(OF_NOTHING * (UNLIKE - read.unanswered), MOST_OF_NOTHING)
        near: NDArray[np.float32] = (found + likeness).astype(np.float32)
        return near


def after(before: str, question: str) -> str:
    """A question with what came before it, as both are read together; of much, the end."""
    return f"{before.strip()[-MOST_BEFORE:]} {question}"


def digest(text: str) -> str:
    """What a sentence of the library is known by."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def made_of(folder: Path = FOLDER) -> dict[str, Any]:
    """What was found when the shipped reader was taught: of the questions of authors whom it had not read."""
    found: dict[str, Any] = json.loads((folder / "reader.json").read_text(encoding="utf-8"))["made_of"]
    return found
