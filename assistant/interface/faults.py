"""When something of ours fails: the visitor reads one sentence, the log gets the kind of the fault and its place, never its words."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.waiting_line import LineFullError

LOG = logging.getLogger("breathwise.page")
SORRY = "⚠ Something went wrong here, and nothing was lost: try again, or open the patient again."
FULL = "⚠ This machine has no memory or disk space left for that; try again later."


def note(error: BaseException) -> None:
    """Log a fault without its message: that may quote a file or a question."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
    LOG.error("fault %s at %s", type(error).__name__, " < ".join(reversed(places)))


def said(error: BaseException) -> str:
    if isinstance(error, LineFullError):
        return f"⚠ {error}"
    return FULL if isinstance(error, MemoryError) or getattr(error, "errno", None) == 28 else SORRY


def caught(function: Callable[..., Any], outputs: int, status: int) -> Callable[..., Any]:
    """``function`` for ``outputs`` components; when it raises, all stay as they are but the ``status``-th, which says so."""

    def failed(error: BaseException) -> tuple[Any, ...]:
        note(error)
        return tuple(said(error) if place == status else gr.skip() for place in range(outputs))

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def stream(*given: Any) -> Iterator[tuple[Any, ...]]:
            try:
                yield from function(*given)
            except Exception as error:
                yield failed(error)

        return stream

    @functools.wraps(function)
    def once(*given: Any) -> Any:
        try:
            return function(*given)
        except Exception as error:
            return failed(error)

    return once
