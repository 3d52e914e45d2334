"""Tokens out of a model: our own loop with a kept prefix, and the limit on which numerals may be written."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from encoders.batch import CURVE, RECORD, TEXT, Encoded, Person
from encoders.multimodal import MultimodalLM

_DIGIT = re.compile(r"\d")
# names of measures and standards whose digits are not quantities
TERMS = ("FEV1", "FEV1/FVC", "FEF25-75", "FEV0.5", "FEV6", "FEV3", "HbA1c", "SpO2", "PM2.5", "PM10", "CO2", "COVID-19")


@dataclass
class Memory:
    """What the model has already read of one conversation: token ids, their keys and values, the soft tokens.

    It belongs to one session and is never shared. A prompt that begins with the same ids pays only for what is new.
    """

    ids: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    cache: Any = None
    soft: dict[int, Tensor] | None = None


class NumeralLimit:
    """Lets a model write only numerals, and words with digits, that stand in the facts or the passages it was given.

    It works on text, not on ids, so that any tokenizer is covered. A chunk is a run without spaces; a chunk with a digit must
    be (the beginning of) an allowed word, perhaps followed by punctuation or a unit.
    """

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self.texts = [""] * vocabulary
        for index in range(min(vocabulary, len(tokenizer))):
            self.texts[index] = tokenizer.decode([index], skip_special_tokens=False)
        self.ends = set(tokenizer.all_special_ids)
        for index in self.ends:
            self.texts[index] = ""
        self.with_digit = [index for index, text in enumerate(self.texts) if _DIGIT.search(text)]
        self.by_first: dict[str, list[int]] = defaultdict(list)
        for index, text in enumerate(self.texts):
            if text:
                self.by_first[text[0]].append(index)
        self.spaced = torch.tensor([not text or text[0].isspace() for text in self.texts])

    def forbid(self, logits: Tensor, tail: str, allowed: frozenset[str]) -> Tensor:
        """Set the logits (vocabulary,) of tokens that would write a numeral that is not allowed after ``tail`` to -inf."""
        chunk = re.split(r"\s", tail)[-1]
        if not _DIGIT.search(chunk):
            bad = [index for index in self.with_digit if not self._fits(chunk + self.texts[index], allowed)]
            logits[bad] = -torch.inf
            return logits
        if finished(chunk, allowed):
            bad = [index for index in self.with_digit if not self._fits(chunk + self.texts[index], allowed)]
            logits[bad] = -torch.inf
            return logits
        keep = torch.zeros(len(logits), dtype=torch.bool)
        following = {word[len(chunk)] for word in allowed if word.startswith(chunk) and len(word) > len(chunk)}
        for first in following:
            for index in self.by_first[first]:
                keep[index] = self._fits(chunk + self.texts[index], allowed)
        logits[~keep.to(logits.device)] = -torch.inf
        return logits

    @staticmethod
    def _fits(text: str, allowed: frozenset[str]) -> bool:
        """Whether every chunk with a digit in ``text`` is allowed, the last one perhaps unfinished."""
        chunks = re.split(r"\s", text)
        return all(finished(chunk, allowed) for chunk in chunks[:-1] if _DIGIT.search(chunk)) and (
            not _DIGIT.search(chunks[-1]) or finished(chunks[-1], allowed) or any(word.startswith(_opened(chunks[-1])) for word in allowed)
        )


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


class Engine:
    """One language model on one device. Decoding is one row at a time, under a lock; nothing of a patient stays here."""

    def __init__(self, model: MultimodalLM) -> None:
        self.model = model
        self.lock = threading.Lock()
        self.limit = NumeralLimit(model.tokenizer, model.lm.get_input_embeddings().weight.shape[0])
        ends = {model.tokenizer.eos_token_id, model.lm.generation_config.eos_token_id}
        self.ends = {end for item in ends for end in (item if isinstance(item, list) else [item]) if end is not None}

    @torch.inference_mode()
    def stream(
        self,
        prompt: Encoded,
        memory: Memory,
        person: Person | None,
        *,
        allowed: frozenset[str] | None = None,
        max_new_tokens: int = 160,
        temperature: float = 0.0,
        seed: int = 0,
        stop: threading.Event | None = None,
        banned: Sequence[int] = (),
    ) -> Iterator[int]:
        """Yield new token ids. ``memory`` grows with what was read and written; ``banned`` ids are never written.

        The caller may close the generator at any token: cache and ids stay of one length.
        """
        if memory.soft is None:
            memory.soft = self.model.soften(person)
        from transformers import DynamicCache

        keep = 0
        while keep < min(len(memory.ids), len(prompt.ids) - 1) and (memory.ids[keep], memory.kinds[keep]) == (prompt.ids[keep], prompt.kinds[keep]):
            keep += 1
        if memory.cache is None or keep == 0:
            memory.cache, memory.ids, memory.kinds = DynamicCache(config=self.model.lm.config), [], []
            keep = 0
        elif len(memory.ids) > keep:
            memory.cache.crop(-(len(memory.ids) - keep))
            memory.ids, memory.kinds = memory.ids[:keep], memory.kinds[:keep]
        logits = self._read(prompt.ids[keep:], prompt.kinds[keep:], memory)
        generator = torch.Generator().manual_seed(seed)
        tail = ""
        for _ in range(max_new_tokens):
            if stop is not None and stop.is_set():
                return
            logits[list(banned)] = -torch.inf
            if allowed is not None:
                logits = self.limit.forbid(logits, tail, allowed)
                if not finished(re.split(r"\s", tail)[-1], allowed):
                    logits[list(self.ends)] = -torch.inf
            if temperature > 0:
                odds = torch.softmax(logits.float().cpu() / temperature, -1)
                token = int(torch.multinomial(odds, 1, generator=generator))
            else:
                token = int(logits.argmax())
            if token in self.ends:
                return
            tail = (tail + (self.limit.texts[token] or " "))[-64:]  # a fact's token ends the chunk before it
            yield token
            logits = self._read([token], [TEXT], memory)

    def _read(self, ids: list[int], kinds: list[int], memory: Memory) -> Tensor:
        """Feed positions to the model and return the logits after the last one: (vocabulary,)."""
        device = self.model.device
        with self.lock:
            embedded = self.model.lm.get_input_embeddings()(torch.tensor([ids], device=device))
            for kind in (CURVE, RECORD):
                slots = [index for index, one in enumerate(kinds) if one == kind]
                if slots:
                    assert memory.soft is not None
                    soft = memory.soft[kind]
                    if len(slots) != len(soft):
                        raise ValueError(f"the prompt has {len(slots)} soft-token slots but the projector gave {len(soft)}")
                    embedded[0, slots] = soft.to(embedded.dtype)
            output = self.model.lm(inputs_embeds=embedded, past_key_values=memory.cache, use_cache=True, logits_to_keep=1)
        memory.ids += ids
        memory.kinds += kinds
        logits: Tensor = output.logits[0, -1].float()
        return logits
