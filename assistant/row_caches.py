"""Keys and values of conversations that are decoded together: each keeps its own, and its attention is computed over that alone."""

from __future__ import annotations

from collections.abc import Sequence
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


class TogetherCache(Cache):
    """Several conversations' caches for one pass of one new token each. It holds nothing itself."""

    def __init__(self, caches: Sequence[Cache]) -> None:
        super().__init__(layers=list(caches[0].layers))
        self.caches = caches

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any) -> Any:
        """Add (row, head, 1, width) to each row's own cache; gives a list of each row's keys and one of its values, for ``attend``."""
        both = [
            cache.update(key, value, layer_idx, *args, **kwargs)
            for cache, key, value in zip(self.caches, key_states.split(1), value_states.split(1), strict=True)
        ]
        return [keys for keys, _ in both], [values for _, values in both]


def attend(module: Any, query: Tensor, key: Any, value: Any, attention_mask: Tensor | None, **settings: Any) -> tuple[Tensor, None]:
    """transformers' own attention; rows decoded together, (row, head, 1, width), each over its own keys and nobody else's."""
    if not isinstance(key, list):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
    rows = [sdpa_attention_forward(module, one, k, v, None, **settings)[0] for one, k, v in zip(query.split(1), key, value, strict=True)]
    return torch.cat(rows), None  # (row, 1, head, width)


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
