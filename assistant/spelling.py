"""Slips of the hand put right: the known word that is one slip away, and the word of the library that looks most alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from assistant.slips import HURRIED

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_LIBRARY_WORD = re.compile(r"[a-z0-9]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST = 4  # letters; a shorter word is one slip away from too many others
ALIKE, LONG_ENOUGH = 0.7, 6  # share of letter pairs in common that makes two words one, and letters from which that says anything


class Speller:
    """Knows the words of texts, and finds the one that a mistyped word is meant to be."""

    def __init__(
        self,
        texts: Iterable[str],
        knows: Callable[[str], bool] = lambda word: False,
        library: Iterable[str] = (),
        holds: Callable[[str], bool] = lambda word: False,
    ) -> None:
        """``knows``: whether a word that no text holds is one all the same, so that it is left alone. ``library``: the texts that are searched;
        ``holds``: whether they hold a word, also with another ending."""
        self.words = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        self.knows, self.holds = knows, holds
        self._by_initial: dict[str, list[str]] = {}
        for word in sorted({word for text in library for word in _LIBRARY_WORD.findall(text.lower())}):
            self._by_initial.setdefault(word[0], []).append(word)

    def corrected(self, text: str) -> str:
        """The text in small letters, short forms of hurried people written out, every unknown word put right where a known one is one slip away."""
        even = text.lower().replace("\u2019", "'").replace("hb a1c", "hba1c").replace("fev 1", "fev1")
        return re.sub(r"[a-z0-9]+(?:'[a-z]+)?", lambda found: HURRIED.get(found[0]) or self.word(found[0]), even)

    def word(self, word: str) -> str:
        """The known word, of those with the likeliest slip the most frequent; the word itself where there is none."""
        if len(word) < SHORTEST or word in self.words or self.knows(word) or not _WORD.fullmatch(word):
            return word
        for slips in (_swapped(word), _missing(word), _extra(word), _wrong(word)):
            known = [one for one in slips if one in self.words and one[0] == word[0]]
            if known:
                return max(known, key=lambda one: (self.words[one], one))
        return word

    def as_library(self, text: str) -> str:
        """The corrected text with words that the library does not hold put right where one of its own looks nearly the same."""
        return _LIBRARY_WORD.sub(lambda found: self.library_word(found[0]), self.corrected(text))

    def library_word(self, word: str) -> str:
        """The word of the library that a mistyped one most likely is: the same first letter and most letter pairs shared."""
        if len(word) < LONG_ENOUGH or self.holds(word) or self.knows(word):
            return word
        pairs = _pairs(word)
        alike = [(2 * len(pairs & _pairs(one)) / (len(pairs) + len(_pairs(one))), one) for one in self._by_initial.get(word[0], ()) if len(one) >= 5]
        best, one = max(alike, default=(0.0, word))
        return one if best >= ALIKE else word


def _pairs(word: str) -> frozenset[str]:
    return frozenset(word[i : i + 2] for i in range(len(word) - 1))


def _swapped(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))


def _missing(word: str) -> Iterator[str]:
    return (word[:i] + letter + word[i:] for i in range(1, len(word) + 1) for letter in _LETTERS)


def _extra(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(1, len(word))) if len(word) > SHORTEST else iter(())


def _wrong(word: str) -> Iterator[str]:
    """One letter for another: only in longer words, since many short ones differ by it."""
    return (word[:i] + letter + word[i + 1 :] for i in range(1, len(word)) for letter in _LETTERS) if len(word) >= 6 else iter(())
