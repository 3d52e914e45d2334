"""Keys and values of conversations that are read together: each keeps its own, and its attention is computed over that alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, Cache, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ROWS = "rows_apart"  # the name under which transformers knows ``attend``
ROOM = 256  # positions by which a cache grows


class GrowingLayer(DynamicLayer):
    """transformers' growing cache of one layer, which copies what it holds only every ``ROOM`` positions, not at each token."""

    room: tuple[Tensor, Tensor] | None = None
    keys: Tensor
    values: Tensor

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keys and values so far and these, (1, head, position, width) each."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.room = None
        held = self.get_seq_length()
        length = held + key_states.shape[-2]
        if self.room is None or self.room[0].shape[-2] < length:
            size = (length // ROOM + 1) * ROOM
            grown = tuple(states.new_empty((*states.shape[:-2], size, states.shape[-1])) for states in (key_states, value_states))
            if held:
                grown[0][..., :held, :], grown[1][..., :held, :] = self.keys, self.values
            self.room = (grown[0], grown[1])
        for room, states in zip(self.room, (key_states, value_states), strict=True):
            room[..., held:length, :] = states
        keys, values = self.room
        self.keys: Tensor = keys[..., :length, :]
        self.values: Tensor = values[..., :length, :]
        return self.keys, self.values


def new_cache(config: Any) -> DynamicCache:
    """An empty cache for one conversation with a model of this configuration."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def shorten(cache: DynamicCache, length: int) -> None:
    """Let go of positions from ``length`` on, in every layer that holds them. Raises RuntimeError where a layer cannot."""
    for layer in cache.layers:
        if layer.get_seq_length() > length:
            layer.crop(length - layer.get_seq_length())


@dataclass(frozen=True)
class RowStates:
    """Keys (or values) of conversations that are read together: what each holds by now, (1, head, position, width), and how many of these are new."""

    states: tuple[Tensor, ...]
    new: tuple[int, ...]


class TogetherCache(Cache):
    """Several conversations' caches for one pass, in which their new positions stand one row after the other. It holds nothing itself."""

    def __init__(self, caches: Sequence[Cache], new: Sequence[int]) -> None:
        """``new``: how many positions each conversation brings to this pass."""
        super().__init__(layers=list(caches[0].layers))
        self.caches, self.new = caches, tuple(new)

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any) -> Any:
        """Add (1, head, positions of all, width) to each conversation's own cache; gives their keys and their values as ``RowStates``, for ``attend``."""
        both = [
            cache.update(key, value, layer_idx, *args, **kwargs)
            for cache, key, value in zip(self.caches, key_states.split(self.new, 2), value_states.split(self.new, 2), strict=True)
        ]
        return RowStates(tuple(keys for keys, _ in both), self.new), RowStates(tuple(values for _, values in both), self.new)


def attend(module: Any, query: Tensor, key: Any, value: Any, attention_mask: Tensor | None, **settings: Any) -> tuple[Tensor, None]:
    """transformers' own attention; conversations that are read together, (1, head, positions of all, width), each over its own keys and nobody else's."""
    if not isinstance(key, RowStates):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
    window = settings.get("sliding_window")
    rows = [
        sdpa_attention_forward(module, one, keys, values, seen(count, keys.shape[-2], window, keys.device), **settings)[0]
        for one, keys, values, count in zip(query.split(key.new, 2), key.states, value.states, key.new, strict=True)
    ]
    return torch.cat(rows, 1), None  # (1, positions of all, head, width)


def seen(new: int, held: int, window: int | None, device: torch.device) -> Tensor | None:
    """Which of ``held`` positions each of the last ``new`` sees: itself and what was before it, within ``window``. (1, 1, new, held); None: as
    transformers takes it without a mask, all for a single position, and none that comes later where all are new."""
    slid = window if window is not None and held > window else None
    if new == 1 or (new == held and slid is None):
        return None  # a layer whose window slid on holds what its next position sees, and no more
    own = torch.arange(held - new, held, device=device)[:, None]
    other = torch.arange(held, device=device)[None]
    mask = other <= own
    if slid is not None:
        mask &= other > own - slid
    return mask[None, None]


def let_rows_join(lm: Any) -> bool:
    """Prepare a causal language model of transformers for ``TogetherCache``; False where its layers cannot: its rows are then read one by one."""
    if lm.config._attn_implementation == ROWS:
        return True
    kinds = (DynamicLayer, DynamicSlidingWindowLayer)
    if (
        not lm._supports_attention_backend
        or lm.config._attn_implementation != "sdpa"
        or not all(type(layer) in kinds for layer in DynamicCache(config=lm.config).layers)
    ):
        return False
    AttentionInterface.register(ROWS, attend)
    AttentionMaskInterface.register(ROWS, sdpa_mask)
    lm.set_attn_implementation(ROWS)
    return bool(lm.config._attn_implementation == ROWS)
