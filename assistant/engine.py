"""Tokens out of a model: one thread writes all answers that are asked for at the same time, a token of each in one pass."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor

from assistant.numerals import AllowedNumerals, NumeralLimit
from assistant.row_caches import TogetherCache, let_rows_join, new_cache, shorten
from encoders.batch import CURVE, RECORD, TEXT, Encoded, Person
from encoders.multimodal import MultimodalLM

IDLE_S = 10.0  # the thread ends when nothing was asked for so long; the next question starts another
READ_AT_ONCE = 1024  # positions of new prompts in one pass, or one prompt that is longer: those being answered wait for it
HAND_OVER_S = 0.03  # tokens are handed over together: waking the reader of each answer for each token would cost more than writing it
SWITCH_S = 0.0005  # the writing thread lets the interpreter go at every operation; by Python's 5 ms it would wait as long for each


@dataclass
class Memory:
    """What the model has already read of one conversation: token ids, their keys and values, the soft tokens.

    It belongs to one session and is never shared. A prompt that begins with the same ids pays only for what is new.
    """

    ids: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    cache: Any = None
    soft: dict[int, Tensor] | None = None

    def forget(self) -> None:
        self.ids, self.kinds, self.cache = [], [], None

    def keep(self, length: int) -> None:
        """Let go of what was read after the first ``length`` positions; of everything where a layer cannot go back (a window that slid on)."""
        self.ids, self.kinds = self.ids[:length], self.kinds[:length]
        try:
            if self.cache is not None:
                shorten(self.cache, length)
        except RuntimeError:
            self.forget()


@dataclass(eq=False)
class Row:
    """One answer being written: what it reads (the prompt, then its own tokens), how it chooses, and where its tokens go. None there is the end."""

    ids: list[int]
    kinds: list[int]
    memory: Memory
    person: Person | None
    allowed: AllowedNumerals | None
    banned: Tensor
    left: int  # tokens that may still be written
    temperature: float
    generator: torch.Generator
    stop: threading.Event | None
    written: SimpleQueue[list[int] | BaseException | None] = field(default_factory=SimpleQueue)
    held: list[int] = field(default_factory=list)  # written and not handed over
    handed_s: float = -math.inf
    ready: bool = False  # its memory holds nothing but a beginning of ``ids``
    ended: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    tail: str = ""

    @property
    def over(self) -> bool:
        return self.abandoned or self.left <= 0 or (self.stop is not None and self.stop.is_set())

    @property
    def unread(self) -> int:
        """How many positions the model has not read yet; an estimate until the row is ``ready``."""
        return max(len(self.ids) - len(self.memory.ids), 1)


class Engine:
    """One language model on one device; nothing of a patient stays here.

    Rows join and leave between two tokens, and new prompts are read in the same pass as the last tokens of the others. Each row keeps its
    own memory, limit, seed and temperature, and its attention sees its own positions alone: among many an answer is the one it would be by
    itself, but for the rounding of matrix products.
    """

    def __init__(self, model: MultimodalLM) -> None:
        self.model = model
        self.limit = NumeralLimit(model.tokenizer, model.lm.get_input_embeddings().weight.shape[0])
        ends = {model.tokenizer.eos_token_id, model.lm.generation_config.eos_token_id}
        self.ends = {end for item in ends for end in (item if isinstance(item, list) else [item]) if end is not None}
        self._ends = torch.tensor(sorted(self.ends), dtype=torch.long)
        self._together = let_rows_join(model.lm)
        self._changed = threading.Condition()
        self._waiting: deque[Row] = deque()
        self._thread: threading.Thread | None = None
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))

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

        The caller may close the generator at any token: cache and ids stay of one length. The thread may by then have written a
        few tokens more than were taken; the next prompt lets go of them. What the model raises is raised here.
        """
        row = Row(
            list(prompt.ids), list(prompt.kinds), memory, person, self.limit.to(allowed) if allowed is not None else None, torch.tensor(list(banned), dtype=torch.long),
            max_new_tokens, temperature, torch.Generator().manual_seed(seed), stop,
        )  # fmt: skip
        self._join(row)
        try:
            while (handed := row.written.get()) is not None:
                if isinstance(handed, BaseException):
                    raise handed
                for token in handed:
                    if stop is not None and stop.is_set():
                        return
                    yield token
        finally:
            row.abandoned = True
            if not sys.is_finalizing():  # then the thread is no more
                row.ended.wait()

    # the one thread ----------------------------------------------------------------------------------------------------
    def _join(self, row: Row) -> None:
        with self._changed:
            self._waiting.append(row)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write, daemon=True, name="decoding")
                self._thread.start()
            self._changed.notify()

    @torch.inference_mode()
    def _write(self) -> None:
        """A token for every row, new ones among them, again and again."""
        rows: list[Row] = []
        try:
            while True:
                with self._changed:
                    if not rows and not self._waiting and not self._changed.wait_for(lambda: self._waiting, IDLE_S):
                        self._thread = None
                        return
                    rows += self._next(rows)
                self._step(rows)
                rows = [row for row in rows if not row.ended.is_set()]
        except BaseException as error:  # a fault of this loop itself: nobody is left waiting
            with self._changed:
                self._thread = None
                for row in [*rows, *self._waiting]:
                    self._end(row, error)
                self._waiting.clear()
            raise

    def _next(self, rows: list[Row]) -> list[Row]:
        """Of those that wait, in their order, as many as are read at once and whose memory nobody is using; those no longer wanted go."""
        new: list[Row] = []
        for row in list(self._waiting):
            if row.over:
                self._waiting.remove(row)
                self._end(row)
            elif any(row.memory is one.memory for one in (*rows, *new)):
                continue
            elif not new or sum(one.unread for one in (*new, row)) <= READ_AT_ONCE:
                self._waiting.remove(row)
                new.append(row)
            else:
                break
        return new

    def _try(self, row: Row, act: Callable[[], None]) -> None:
        """Something for one row; when it fails that row ends with the error, what it had read is forgotten, and the others go on."""
        try:
            act()
        except Exception as error:
            row.memory.forget()
            self._end(row, error)

    def _end(self, row: Row, error: BaseException | None = None) -> None:
        self._hand_over(row)
        row.written.put(error)
        row.ended.set()

    @staticmethod
    def _hand_over(row: Row) -> None:
        if row.held:
            row.written.put(row.held)
            row.held, row.handed_s = [], time.monotonic()

    def _prepare(self, row: Row) -> None:
        """Let a row's memory hold the soft tokens, and of what was read before only what its prompt begins with."""
        memory, keep = row.memory, 0
        if memory.soft is None:
            memory.soft = self.model.soften(row.person)
        while keep < min(len(memory.ids), len(row.ids) - 1) and (memory.ids[keep], memory.kinds[keep]) == (row.ids[keep], row.kinds[keep]):
            keep += 1
        memory.keep(keep)
        if not memory.ids:
            memory.forget()
        row.ready = True

    def _step(self, rows: list[Row]) -> None:
        """Read what each row has not read and write its next token; when that fails together, row by row, so that only the one at fault ends."""
        for row in rows:
            if row.over:
                self._end(row)
            elif not row.ready:
                self._try(row, partial(self._prepare, row))
        rows = [row for row in rows if not row.ended.is_set()]
        if len(rows) > 1 and self._together:
            try:
                logits = self._read(rows)
            except Exception:
                for row in rows:
                    row.memory.keep(len(row.memory.ids))  # layers before the fault are ahead
            else:
                for row, one in zip(rows, logits, strict=True):
                    self._try(row, partial(self._choose, row, one))
                return
        for row in rows:
            self._try(row, partial(self._alone, row))

    def _alone(self, row: Row) -> None:
        self._choose(row, self._read([row])[0])

    def _read(self, rows: list[Row]) -> Tensor:
        """Feed the model what each row has not read and give the logits after it: (row, vocabulary)."""
        device, begins = self.model.device, [len(row.memory.ids) for row in rows]
        ids, kinds = ([getattr(row, name)[begin:] for row, begin in zip(rows, begins, strict=True)] for name in ("ids", "kinds"))
        new = [len(one) for one in ids]
        for row in rows:
            if row.memory.cache is None:
                row.memory.cache = new_cache(self.model.lm.config)
        embedded = self.model.lm.get_input_embeddings()(torch.tensor([[*chain(*ids)]], device=device))  # (1, positions of all, width)
        for row, one, place in zip(rows, kinds, embedded[0].split(new), strict=True):
            if any(kind != TEXT for kind in one):
                _put_soft(place, one, row.memory.soft or {})
        if len(rows) == 1:
            settings: dict[str, Any] = {"past_key_values": rows[0].memory.cache, "logits_to_keep": 1}
        else:
            places = [begin + offset for begin, count in zip(begins, new, strict=True) for offset in range(count)]
            settings = {
                "past_key_values": TogetherCache([row.memory.cache for row in rows], new), "position_ids": torch.tensor([places], device=device),
                "logits_to_keep": torch.tensor(new, device=device).cumsum(0) - 1,
                "attention_mask": torch.zeros(1, 1, 1, 1, device=device),  # ready-made, so that transformers makes none; ``attend`` makes each row's own
            }  # fmt: skip
        output = self.model.lm(inputs_embeds=embedded, use_cache=True, **settings)
        for row, these, those in zip(rows, ids, kinds, strict=True):
            row.memory.ids += these
            row.memory.kinds += those
        logits: Tensor = output.logits[0].float().cpu()
        return logits

    def _choose(self, row: Row, logits: Tensor) -> None:
        """Write a row's next token, by its logits (vocabulary,) and what it may say; or end it."""
        logits.index_fill_(0, row.banned, -torch.inf)
        if row.allowed is not None:
            row.allowed.forbid(logits, row.tail)
            if not row.allowed.complete(row.tail):
                logits.index_fill_(0, self._ends, -torch.inf)
        token = int(logits.argmax())
        if not torch.isfinite(logits[token]):  # nothing may follow what stands there
            return self._end(row)
        if row.temperature > 0:
            token = int(torch.multinomial(torch.softmax(logits / row.temperature, -1), 1, generator=row.generator))
        if token in self.ends:
            return self._end(row)
        row.tail = (row.tail + (self.limit.texts[token] or " "))[-64:]  # a fact's token ends the chunk before it
        row.left -= 1
        row.ids.append(token)
        row.kinds.append(TEXT)
        row.held.append(token)
        if row.left <= 0:
            self._end(row)
        elif time.monotonic() - row.handed_s > HAND_OVER_S:
            self._hand_over(row)


def _put_soft(embedded: Tensor, kinds: list[int], soft: dict[int, Tensor]) -> None:
    """Put soft tokens by kind, (slot, width) each, into their places of a prompt's embeddings (position, width)."""
    for kind in (CURVE, RECORD):
        slots = [index for index, one in enumerate(kinds) if one == kind]
        if not slots:
            continue
        if len(slots) != len(soft.get(kind, ())):
            raise ValueError(f"the prompt has {len(slots)} soft-token slots but the projector gave {len(soft.get(kind, ()))}")
        embedded[slots] = soft[kind].to(embedded.dtype)
