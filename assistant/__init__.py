"""One conversation about one patient. ``from assistant import Assistant``; heavy libraries are loaded when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.dialogue import Assistant

__all__ = ["Assistant"]


def __getattr__(name: str) -> Any:
    if name == "Assistant":
        from assistant.dialogue import Assistant

        return Assistant
    raise AttributeError(f"module 'assistant' has no attribute {name!r}")
