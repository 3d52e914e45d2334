"""Passages by the words that they share with a question: BM25, and the share of its words that a text holds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

K1, B = 1.5, 0.75  # of BM25, the usual ones
_WORD = re.compile(r"[a-z0-9]+")
STOP = frozenset(
    "a am an and any are as at be but by can do does dont for from get got have how i if im in is it me my of ok on or should so that the there they this to "
    "was wat what whats when which will with you your".split()
)


class WordIndex:
    """The words of texts, by the name of each."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.words = {name: Counter(terms(text)) for name, text in texts.items()}
        held = Counter(word for words in self.words.values() for word in words)
        self._rarity = {word: math.log(1 + (len(self.words) - n + 0.5) / (n + 0.5)) for word, n in held.items()}
        self._length = sum(sum(words.values()) for words in self.words.values()) / max(1, len(self.words))

    def __contains__(self, word: str) -> bool:
        """Whether any text holds a word, whatever its ending."""
        return stem(word) in self._rarity

    def bm25(self, name: str, asked: Sequence[str]) -> float:
        """How well a text fits the ``terms`` of a question."""
        words = self.words[name]
        length = sum(words.values()) / self._length
        return sum(self._rarity[term] * words[term] * (K1 + 1) / (words[term] + K1 * (1 - B + B * length)) for term in asked if term in words)

    def share(self, asked: set[str], held: set[str]) -> float:
        """The share of a question's terms, the rarer counting for more, that a text holds, 0-1."""
        rare = math.log(1 + 2 * len(self.words))  # the weight of a word that no text holds
        total = sum(self._rarity.get(term, rare) for term in asked)
        return sum(self._rarity.get(term, rare) for term in asked & held) / total if total else 0.0


def terms(text: str) -> list[str]:
    """The words of a text that mean something, in small letters and without their endings."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in STOP]


def stem(word: str) -> str:
    """A word without its ending, so that "smoking" finds "smoke" and "smokes"."""
    for ending in ("ing", "edly", "ies", "es", "ed", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
