"""The assistant with a part taken away: what is measured beside it, so that one sees what each part does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch

from assistant.dialogue import Assistant
from assistant.engine import Engine
from assistant.language_model import BreathwiseChatModel
from assistant.retrieval import GuidelineLibrary, SearchResult
from encoders.batch import CURVE, RECORD

SYSTEMS = {
    "ours": "ours", "composed": "composed by code, no model", "blank": "without soft tokens", "no passages": "without passages", "no limit": "without the numeral limit",
}  # fmt: skip


class _Silent(Engine):
    """Writes one full stop, so that every answer is composed by code."""

    def stream(self, *args: Any, **settings: Any) -> Iterator[int]:
        yield self.model.tokenizer(".", add_special_tokens=False)["input_ids"][0]


class _Unlimited(Engine):
    def stream(self, *args: Any, **settings: Any) -> Iterator[int]:
        return super().stream(*args, **{**settings, "allowed": None})


class _Blank(Engine):
    """Soft tokens of zeros in their places: the prompt stays as it was taught."""

    def stream(self, prompt: Any, memory: Any, person: Any, **settings: Any) -> Iterator[int]:
        if memory.soft is None:
            memory.soft = {kind: torch.zeros_like(soft) for kind, soft in self.model.soften(person).items() if kind in (CURVE, RECORD)}
        return super().stream(prompt, memory, person, **settings)


class _EmptyShelf(GuidelineLibrary):
    def __init__(self, library: GuidelineLibrary) -> None:
        self.__dict__.update(library.__dict__)

    def search(self, query: str, k: int = 4, before: str | None = None, nearest: float = 0.0) -> SearchResult:
        return SearchResult((), False)


def system(assistant: Assistant, name: str) -> Assistant:
    """The assistant with one part of it taken away; ``name`` from SYSTEMS."""
    other = copy.copy(assistant)
    engines: dict[str, type[Engine]] = {"composed": _Silent, "blank": _Blank, "no limit": _Unlimited}
    if name in engines:
        other.engine = engines[name](assistant.engine.model)
        other.chat = BreathwiseChatModel(engine=other.engine)
    if name == "no passages":
        other.library = _EmptyShelf(assistant.library)
    return other
