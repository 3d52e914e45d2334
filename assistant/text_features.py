"""What a short message is known by: its meaning, its words and pairs of words, and its spelling. Shared by the nets that read messages."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.slips import as_meant

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

LAYERS = (2, 4, 6)  # of MiniLM: the lower ones keep who, when and not, which its last one forgets
WIDTH = len(LAYERS) * 384
_YEAR, _NUMBER, _WORD = re.compile(r"\b(?:19|20)\d\d\b"), re.compile(r"\d+(?:\.\d+)?"), re.compile(r"[a-z']+")


def buckets(text: str, size: int) -> list[int]:
    """The buckets, of ``size``, of a text's words and pairs of words; numbers only as such, years as years."""
    plain = _NUMBER.sub(" nn ", _YEAR.sub(" yyyy ", as_meant(text)))
    words = _WORD.findall(plain)
    framed = ["^", *words, "$"]
    return sorted({zlib.crc32(one.encode()) % size for one in (*words, *(f"{a} {b}" for a, b in zip(framed, framed[1:], strict=False)))})


def spellings(text: str, size: int) -> list[int]:
    """The buckets, of ``size``, of a text's runs of three to five letters as typed, each within a word, and of its numbers by fives, alone and after the words before."""
    found: set[bytes] = set()
    for word in _WORD.findall(text.lower()):
        framed = f"<{word}>".encode()
        found |= {framed[i : i + n] for n in (3, 4, 5) for i in range(len(framed) - n + 1)}
    plain = as_meant(text)
    for number in _NUMBER.finditer(plain):
        fives = f"#{int(float(number[0])) // 5 * 5}" if len(number[0]) < 6 else "#"
        found |= {fives.encode(), *(f"{word} {fives}".encode() for word in _WORD.findall(plain[max(0, number.start() - 40) : number.start()])[-3:])}
    return sorted({zlib.crc32(one) % size for one in found})


def meanings(texts: Sequence[str]) -> NDArray[np.float32]:
    """(text) -> (text, WIDTH)."""
    from assistant.minilm import minilm

    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    found = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for start in range(0, len(order), 64):
        some = order[start : start + 64]
        found[some] = minilm().means_of_layers([texts[n] for n in some], LAYERS)
    return found


def bags(found: Sequence[Sequence[int]], size: int) -> csr_matrix:
    """The buckets of each text -> (text, bucket), each row of length one."""
    from scipy.sparse import csr_matrix

    rows = np.repeat(np.arange(len(found)), [len(one) for one in found])
    values = np.concatenate([np.full(len(one), max(len(one), 1) ** -0.5, dtype=np.float32) for one in found])
    return csr_matrix((values, (rows, np.concatenate([np.array(one, dtype=int) for one in found]))), shape=(len(found), size))
