"""Tokens out of a model: one thread writes all answers that are asked for at the same time, a token each in turn."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor

from assistant.numerals import AllowedNumerals, NumeralLimit
from assistant.row_caches import TogetherCache, let_rows_join, new_cache, shorten
from encoders.batch import CURVE, RECORD, TEXT, Encoded, Person
from encoders.multimodal import MultimodalLM

IDLE_S = 10.0  # the thread ends when nothing was asked for so long; the next question starts another


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
            shorten(self.cache, length)
        except RuntimeError:
            self.forget()


@dataclass(eq=False)
class Row:
    """One answer being written: what it reads, how it chooses, and where its tokens go. None there is the end."""

    prompt: Encoded
    memory: Memory
    person: Person | None
    allowed: AllowedNumerals | None
    banned: Tensor
    left: int  # tokens that may still be written
    temperature: float
    generator: torch.Generator
    stop: threading.Event | None
    written: SimpleQueue[int | BaseException | None] = field(default_factory=SimpleQueue)
    ended: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    tail: str = ""
    token: int = 0

    @property
    def over(self) -> bool:
        return self.abandoned or self.left <= 0 or (self.stop is not None and self.stop.is_set())


class Engine:
    """One language model on one device; nothing of a patient stays here.

    Rows join and leave between two tokens. Each keeps its own memory, limit, seed and temperature, and its attention sees its own
    positions alone: in a row of many an answer is the one it would be by itself, but for the rounding of matrix products.
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
            prompt, memory, person, self.limit.to(allowed) if allowed is not None else None, torch.tensor(list(banned), dtype=torch.long),
            max_new_tokens, temperature, torch.Generator().manual_seed(seed), stop,
        )  # fmt: skip
        self._join(row)
        try:
            while (token := row.written.get()) is not None and not (stop is not None and stop.is_set()):
                if isinstance(token, BaseException):
                    raise token
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
        """A token for every row, and one more row in, again and again."""
        rows: list[Row] = []
        try:
            while True:
                with self._changed:
                    if not rows and not self._waiting and not self._changed.wait_for(lambda: self._waiting, IDLE_S):
                        self._thread = None
                        return
                    new = self._next(rows)
                if new is not None:
                    rows.append(new)
                    self._try(new, partial(self._begin, new))
                going = [row for row in rows if row is not new and not row.ended.is_set()]
                for group in [going] if self._together else [[row] for row in going]:
                    self._step(group)
                rows = [row for row in rows if not row.ended.is_set()]
        except BaseException as error:  # a fault of this loop itself: nobody is left waiting
            with self._changed:
                self._thread = None
                for row in [*rows, *self._waiting]:
                    self._end(row, error)
                self._waiting.clear()
            raise

    def _next(self, rows: list[Row]) -> Row | None:
        """The first that waits and whose memory nobody is using; those that are no longer wanted go."""
        for row in [row for row in self._waiting if row.over]:
            self._waiting.remove(row)
            self._end(row)
        for row in self._waiting:
            if all(row.memory is not one.memory for one in rows):
                self._waiting.remove(row)
                return row
        return None

    def _try(self, row: Row, act: Callable[[], None]) -> None:
        """Something for one row; when it fails that row ends with the error, what it had read is forgotten, and the others go on."""
        try:
            act()
        except Exception as error:
            row.memory.forget()
            self._end(row, error)

    @staticmethod
    def _end(row: Row, error: BaseException | None = None) -> None:
        row.written.put(error)
        row.ended.set()

    def _begin(self, row: Row) -> None:
        """Read what is new in a row's prompt and write its first token."""
        if row.over:
            return self._end(row)
        memory, prompt, keep = row.memory, row.prompt, 0
        if memory.soft is None:
            memory.soft = self.model.soften(row.person)
        while keep < min(len(memory.ids), len(prompt.ids) - 1) and (memory.ids[keep], memory.kinds[keep]) == (prompt.ids[keep], prompt.kinds[keep]):
            keep += 1
        if memory.cache is not None:
            memory.keep(keep)
        if not memory.ids:
            memory.forget()
            memory.cache = new_cache(self.model.lm.config)
        keep = len(memory.ids)
        ids, kinds = prompt.ids[keep:], prompt.kinds[keep:]
        embedded = self.model.lm.get_input_embeddings()(torch.tensor([ids], device=self.model.device))  # (1, position, width)
        for kind in (CURVE, RECORD):
            slots = [index for index, one in enumerate(kinds) if one == kind]
            if slots:
                soft = memory.soft[kind]
                if len(slots) != len(soft):
                    raise ValueError(f"the prompt has {len(slots)} soft-token slots but the projector gave {len(soft)}")
                embedded[0, slots] = soft.to(embedded.dtype)
        logits = self.model.lm(inputs_embeds=embedded, past_key_values=memory.cache, use_cache=True, logits_to_keep=1).logits[0, -1]
        memory.ids += ids
        memory.kinds += kinds
        self._choose(row, logits.float().cpu())

    def _step(self, rows: list[Row]) -> None:
        """Read each row's last token and write its next; when that fails together, row by row, so that only the one at fault ends."""
        for row in rows:
            if row.over:
                self._end(row)
        rows = [row for row in rows if not row.ended.is_set()]
        if len(rows) > 1:
            try:
                logits = self._read(rows)
            except Exception:
                for row in rows:
                    row.memory.keep(len(row.memory.ids))  # layers before the fault are one position ahead
            else:
                for row, one in zip(rows, logits, strict=True):
                    self._try(row, partial(self._choose, row, one))
                return
        for row in rows:
            self._try(row, partial(self._alone, row))

    def _alone(self, row: Row) -> None:
        self._choose(row, self._read([row])[0])

    def _read(self, rows: list[Row]) -> Tensor:
        """Feed each row's last token to the model and give the logits after it: (row, vocabulary)."""
        device, caches = self.model.device, [row.memory.cache for row in rows]
        embedded = self.model.lm.get_input_embeddings()(torch.tensor([[row.token] for row in rows], device=device))  # (row, 1, width)
        places = {"position_ids": torch.tensor([[len(row.memory.ids)] for row in rows], device=device)} if len(rows) > 1 else {}
        cache = caches[0] if len(rows) == 1 else TogetherCache(caches)
        output = self.model.lm(inputs_embeds=embedded, past_key_values=cache, use_cache=True, logits_to_keep=1, **places)
        for row in rows:
            row.memory.ids.append(row.token)
            row.memory.kinds.append(TEXT)
        logits: Tensor = output.logits[:, -1].float().cpu()
        return logits

    def _choose(self, row: Row, logits: Tensor) -> None:
        """Write a row's next token, by its logits (vocabulary,) and what it may say; or end it."""
        logits.index_fill_(0, row.banned, -torch.inf)
        if row.allowed is not None:
            row.allowed.forbid(logits, row.tail)
            if not row.allowed.complete(row.tail):
                logits.index_fill_(0, self._ends, -torch.inf)
        if not torch.isfinite(logits).any():  # nothing may follow what stands there
            return self._end(row)
        if row.temperature > 0:
            row.token = int(torch.multinomial(torch.softmax(logits / row.temperature, -1), 1, generator=row.generator))
        else:
            row.token = int(logits.argmax())
        if row.token in self.ends:
            return self._end(row)
        row.tail = (row.tail + (self.limit.texts[row.token] or " "))[-64:]  # a fact's token ends the chunk before it
        row.left -= 1
        row.written.put(row.token)
        if row.left <= 0:
            self._end(row)
