"""Conversations -> Batch: the chat template, the placeholders of the soft tokens, the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CURVE_MARK, RECORD_MARK = "\ue000", "\ue001"  # stand in a message where the soft tokens go; never in anyone's text
TOLD_MARK = "\ue002"  # where each person's record goes as text, in a prompt that many people share
TEXT, CURVE, RECORD, TOLD = 0, 1, 2, 3  # kinds of positions
IGNORED = -100


@dataclass(frozen=True, eq=False)
class Person:
    """What the encoders read about one person: curve (CHANNELS, POINTS) or None, table (2, COLUMNS)."""

    table: NDArray[np.float32]
    curve: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Encoded:
    """One conversation as the model takes it: token ids, the kind of each position, which ids are to be learned."""

    ids: list[int]
    kinds: list[int]
    learned: list[bool]


@dataclass(frozen=True)
class Batch:
    """Named tensors of one forward pass. Rows are padded on the right; a row without a curve has no curve slots."""

    input_ids: Tensor  # (batch, token)
    attention_mask: Tensor  # (batch, token)
    kinds: Tensor  # (batch, token): TEXT, CURVE or RECORD
    labels: Tensor  # (batch, token): the id to be said at this position, IGNORED elsewhere
    curves: Tensor  # (rows with a curve, CHANNELS, POINTS)
    tables: Tensor  # (rows with a table, 2, COLUMNS)

    def to(self, device: torch.device | str) -> Batch:
        return Batch(**{name: tensor.to(device) for name, tensor in vars(self).items()})


def encode_chat(
    tokenizer: Any,
    messages: Sequence[dict[str, str]],
    *,
    curve_tokens: int,
    record_tokens: int,
    add_generation_prompt: bool = False,
) -> Encoded:
    """Apply the tokenizer's chat template and put placeholders where the marks stand.

    ``messages`` are {"role", "content"}; the assistant's contents (and their end token) are what is learned. Text of people
    must have been cleaned before (``assistant.guardrails.clean``): template tokens in it would be read as such.
    """

    def rendered(upto: int, generation: bool) -> str:
        return str(tokenizer.apply_chat_template(messages[:upto], tokenize=False, add_generation_prompt=generation))

    pieces: list[tuple[str, bool]] = []
    done = ""
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, after = rendered(index, True), rendered(index + 1, False)
        pieces += [(before[len(done) :], False), (after[len(before) :], True)]
        done = after
    whole = rendered(len(messages), add_generation_prompt)
    pieces.append((whole[len(done) :], False))

    ids: list[int] = []
    kinds: list[int] = []
    learned: list[bool] = []
    slots = {CURVE_MARK: (CURVE, curve_tokens), RECORD_MARK: (RECORD, record_tokens), TOLD_MARK: (TOLD, 1)}
    placeholder = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    for text, learn in pieces:
        for part in _split_at_marks(text):
            if part in slots:
                kind, count = slots[part]
                new = [placeholder] * count
            else:
                kind, new = TEXT, tokenizer(part, add_special_tokens=False)["input_ids"]
            ids += new
            kinds += [kind] * len(new)
            learned += [learn] * len(new)
    return Encoded(ids, kinds, learned)


def _split_at_marks(text: str) -> list[str]:
    for mark in (CURVE_MARK, RECORD_MARK, TOLD_MARK):
        text = text.replace(mark, f"\0{mark}\0")
    return [piece for piece in text.split("\0") if piece]


def collate(rows: Sequence[Encoded], people: Sequence[Person | None], pad_token_id: int) -> Batch:
    """Pad conversations to one length. Labels are set here, once: the id at each learned position, IGNORED elsewhere."""
    longest = max(len(row.ids) for row in rows)
    shape = (len(rows), longest)
    ids, mask = torch.full(shape, pad_token_id), torch.zeros(shape, dtype=torch.long)
    kinds, labels = torch.zeros(shape, dtype=torch.long), torch.full(shape, IGNORED)
    for index, row in enumerate(rows):
        length = len(row.ids)
        ids[index, :length] = torch.tensor(row.ids)
        mask[index, :length] = 1
        kinds[index, :length] = torch.tensor(row.kinds)
        learned = torch.tensor(row.learned)
        labels[index, :length][learned] = ids[index, :length][learned]
    curves = [person.curve for row, person in zip(rows, people, strict=True) if person and CURVE in row.kinds]
    tables = [person.table for row, person in zip(rows, people, strict=True) if person and RECORD in row.kinds]
    drawn = [curve for curve in curves if curve is not None]
    if len(drawn) < len(curves):
        raise ValueError("a conversation has slots for a curve but its person has none")
    return Batch(
        ids, mask, kinds, labels,
        torch.from_numpy(np.stack(drawn)) if drawn else torch.zeros(0, 1, 1),
        torch.from_numpy(np.stack(tables)) if tables else torch.zeros(0, 2, 1),
    )  # fmt: skip
