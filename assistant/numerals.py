"""Which numerals may be written: only those that stand in the facts or the passages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_DIGIT = re.compile(r"\d")
_SPACE = re.compile(r"\s")
_STRANGE = "\0"  # stands for any run that no allowed word begins with
# names of measures and standards whose digits are not quantities
TERMS = ("FEV1", "FEV1/FVC", "FEF25-75", "FEV0.5", "FEV6", "FEV3", "HbA1c", "SpO2", "PM2.5", "PM10", "CO2", "COVID-19")


class NumeralLimit:
    """What a tokenizer's tokens write, so that any tokenizer is covered: the limit works on text, not on ids."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self.texts = [""] * vocabulary
        for index in range(min(vocabulary, len(tokenizer))):
            self.texts[index] = tokenizer.decode([index], skip_special_tokens=False)
        for index in set(tokenizer.all_special_ids):
            self.texts[index] = ""
        self.with_digit = [index for index, text in enumerate(self.texts) if _DIGIT.search(text)]
        self.by_first: dict[str, list[int]] = defaultdict(list)
        for index, text in enumerate(self.texts):
            if text:
                self.by_first[text[0]].append(index)

    def to(self, words: Iterable[str]) -> AllowedNumerals:
        """The limit for one answer that may write these words with digits."""
        return AllowedNumerals(self, words)


class AllowedNumerals:
    """Lets one answer write only numerals, and words with digits, that it was given. It belongs to that answer and goes with it.

    A chunk is a run without spaces; a chunk with a digit must be (the beginning of) an allowed word, perhaps followed by
    punctuation or a unit. What is forbidden depends on the chunk alone, so it is worked out once for each.
    """

    def __init__(self, limit: NumeralLimit, words: Iterable[str]) -> None:
        self.limit = limit
        self.words = frozenset(word for word in words if _DIGIT.search(word))
        self.beginnings = frozenset(word[:end] for word in self.words for end in range(1, len(word) + 1))
        self.forbidden: dict[str, Tensor] = {}

    def complete(self, tail: str) -> bool:
        """Whether an answer may end after ``tail``: not in the middle of a number."""
        return finished(_SPACE.split(tail)[-1], self.words)

    def forbid(self, logits: Tensor, tail: str) -> Tensor:
        """Set the logits (vocabulary,) of tokens that would write a numeral that is not allowed after ``tail`` to -inf."""
        chunk = _SPACE.split(tail)[-1]
        if not _DIGIT.search(chunk) and _opened(chunk) and _opened(chunk) not in self.beginnings:
            chunk = _STRANGE
        if chunk not in self.forbidden:
            self.forbidden[chunk] = self._after(chunk, len(logits))
        return logits.index_fill_(0, self.forbidden[chunk].to(logits.device), -torch.inf)

    def _after(self, chunk: str, vocabulary: int) -> Tensor:
        """The ids that may not follow a chunk."""
        texts = self.limit.texts
        if finished(chunk, self.words):
            return torch.tensor([index for index in self.limit.with_digit if not self._fits(chunk + texts[index])], dtype=torch.long)
        following = {word[len(chunk)] for word in self.words if word.startswith(chunk) and len(word) > len(chunk)}
        bad = torch.ones(vocabulary, dtype=torch.bool)
        bad[[index for first in following for index in self.limit.by_first[first] if self._fits(chunk + texts[index])]] = False
        return bad.nonzero().flatten()

    def _fits(self, text: str) -> bool:
        """Whether every chunk with a digit in ``text`` is allowed, the last one perhaps unfinished."""
        *before, last = _SPACE.split(text)
        return all(finished(chunk, self.words) for chunk in before) and (finished(last, self.words) or _opened(last) in self.beginnings)


def _opened(chunk: str) -> str:
    return chunk.lstrip("(\"'")


def finished(chunk: str, allowed: frozenset[str]) -> bool:
    """Whether a run without spaces holds only allowed words with digits."""
    chunk = _opened(chunk)
    if not _DIGIT.search(chunk):
        return True
    for end in range(len(chunk), 0, -1):
        if chunk[:end] in allowed and not chunk[end : end + 1].isdigit():
            return finished(chunk[end:], allowed)
    return False


def words_with_digits(texts: Iterable[str]) -> frozenset[str]:
    """Every run without spaces that holds a digit, as it stands and without the punctuation around it."""
    found: set[str] = set(TERMS)
    for text in texts:
        for chunk in text.split():
            if _DIGIT.search(chunk):
                found |= {chunk, chunk.strip("()[]\"'.,;:!?%")}
    return frozenset(found)
