"""Questions that were taught, remembered by where they lie: what is like one of them is likelier to ask the same, and to be answered by the same sentence.

A head over a question's vector draws one line for all wordings of a thing; the questions themselves know its odd ones. No text is kept, of each 128 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NARROW = 128  # numbers that are kept of a vector, along its main directions: with all 384 as many questions are read right
OF_INTENTS, OF_SENTENCES = 10.0, 6.0  # what likeness (a cosine) counts beside the sums of the heads; these were chosen on authors whom the reader had not read
OF_NOTHING = 12.0  # the same for what neither the record nor the library answers, chosen on every second question of the search benchmark
MOST_OF_NOTHING = 2.0  # most that being unlike those counts for a sentence: a question that is new in every way is not surely answered
UNLIKE = 0.6  # likeness that counts neither for nor against: what "no sentence answers" and sentences without questions of their own get
_STEPS = 254.0  # of a number from -0.5 to 0.5, kept in a byte


@dataclass(frozen=True)
class Remembered:
    """``main`` (384, NARROW): the directions that are kept; ``places`` (question, NARROW) in bytes; ``intents``, ``sentences`` (question,): what each asks and the row of
    the sentence that answers it, -1 where that is not known."""

    main: NDArray[np.float32]
    places: NDArray[np.int8]
    intents: NDArray[np.int16]
    sentences: NDArray[np.int16]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], intents: NDArray[np.int16], sentences: NDArray[np.int16]) -> Remembered:
        """Those of questions (question, 384)."""
        main = np.ascontiguousarray(np.linalg.eigh(vectors.T @ vectors)[1][:, ::-1][:, :NARROW].astype(np.float16).astype(np.float32))
        places = np.clip(np.round(_narrowed(vectors, main) * _STEPS), -127, 127).astype(np.int8)
        return cls(main, places, intents, sentences)

    def unanswered(self, unknown: int) -> Remembered:
        """Those alone that ask ``unknown``, the intent of what is not of the record, and that no sentence answers; as intent 0."""
        some = (self.intents == unknown) & (self.sentences < 0)
        return Remembered(self.main, self.places[some], np.zeros(some.sum(), dtype=np.int16), self.sentences[some])

    def __post_init__(self) -> None:
        laid = (self.places / _STEPS).astype(np.float32)
        for name, of in (("_by_intent", self.intents), ("_by_sentence", self.sentences)):
            known = np.flatnonzero(of >= 0)
            order = known[np.argsort(of[known], kind="stable")]
            starts = np.flatnonzero(np.r_[True, np.diff(of[order]) != 0]) if len(order) else order
            object.__setattr__(self, name, (np.ascontiguousarray(laid[order].T), starts, of[order][starts].astype(np.int64)))

    def of_intents(self, vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """How like each question (question, 384) is to the likest one of each of ``count`` intents."""
        return self._likest(vectors, count, "_by_intent")

    def of_sentences(self, vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """The same of each of ``count`` sentences of the library; UNLIKE for those that no question is known of."""
        return self._likest(vectors, count, "_by_sentence")

    def _likest(self, vectors: NDArray[np.float32], count: int, by: str) -> NDArray[np.float32]:
        laid, starts, of = getattr(self, by)
        found = np.full((len(vectors), count), UNLIKE, dtype=np.float32)
        for n in range(0, len(vectors), 256) if len(starts) else ():
            found[n : n + 256][:, of] = np.maximum.reduceat(_narrowed(vectors[n : n + 256], self.main) @ laid, starts, axis=1)
        return found


def _narrowed(vectors: NDArray[np.float32], main: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors along the main directions, of length one again."""
    found = vectors @ main
    shown: NDArray[np.float32] = (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return shown
