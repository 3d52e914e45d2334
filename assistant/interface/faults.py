"""When something of ours fails: the visitor reads one sentence, the log gets the kind of the fault and its place, never its words."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio_client import utils

from assistant.waiting_line import LineFullError

LOG = logging.getLogger("breathwise.page")
SORRY = "⚠ Something went wrong here, and nothing was lost: try again, or open the patient again."
UNREADABLE = "What was sent cannot be read here: files are uploaded, never named by an address or a path, and numbers are numbers."
FULL = "⚠ This machine has no memory or disk space left for that; try again later."


def note(error: BaseException) -> None:
    """Log a fault without its message: that may quote a file or a question."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
    LOG.error("fault %s at %s", type(error).__name__, " < ".join(reversed(places)))


def said(error: BaseException) -> str:
    if isinstance(error, LineFullError):
        return f"⚠ {error}"
    return FULL if isinstance(error, MemoryError) or getattr(error, "errno", None) == 28 else SORRY


def guard(page: gr.Blocks, folder: Path) -> gr.Blocks:
    """``page``, with what a visitor sends looked at before Gradio does: it would fetch a file named by its address, and print a refusal
    with the value that was sent, and any other fault with its words. Files must lie in ``folder``, where uploads go.

    What an event gave last is not sent again at its end, as Gradio does: by then something else was typed there, or another patient opened."""
    read: Callable[..., Awaitable[Any]] = page.preprocess_data
    process: Callable[..., Awaitable[dict[str, Any]]] = page.process_api

    def look(found: dict[str, Any]) -> dict[str, Any]:
        if not Path(found["path"]).resolve().is_relative_to(folder.resolve()):
            raise gr.Error(UNREADABLE, print_exception=False)
        return found

    @functools.wraps(read)
    async def guarded(function: Any, inputs: list[Any], *rest: Any, **named: Any) -> Any:
        try:
            utils.traverse(inputs, look, utils.is_file_obj_with_meta)
            return await read(function, inputs, *rest, **named)
        except gr.Error:
            raise
        except Exception as error:
            note(error)
            raise gr.Error(UNREADABLE, print_exception=False) from None

    @functools.wraps(process)
    async def quiet(*given: Any, **named: Any) -> dict[str, Any]:
        try:
            found = await process(*given, **named)
            if named.get("iterator") is not None and not found["is_generating"]:
                found["data"] = [gr.skip()] * len(found["data"])
            return found
        except gr.Error:
            raise
        except Exception as error:
            note(error)
            raise gr.Error(said(error).removeprefix("⚠ "), print_exception=False) from None

    page.preprocess_data, page.process_api = guarded, quiet
    return page


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
