"""The page's other door: ``measure``, ``risk``, ``ask`` and ``forget`` for the Gradio client, under the page's own limits and login.

A caller's patient lives in a ``gr.State`` of their session, as a visitor's does; files are read at once and removed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from assistant import caller
from assistant.caller import Caller
from assistant.interface.faults import note, said
from assistant.interface.uploads import drop, forget
from assistant.session import Turn
from encoders.faults import InputError

NAMES = ("measure", "risk", "ask", "forget")


def add(assistant: Any, say: Callable[..., Iterator[Turn]], *, reading: dict[str, Any], model: dict[str, Any]) -> None:
    """Add the endpoints to the page that is being built. ``reading`` and ``model`` are the queues of the page's own events."""

    def measure(
        files: list[str] | None, sex: str | None = None, age_years: float | None = None, height_cm: float | None = None, ancestry: str | None = None,
        reference: str | None = None, bronchodilator: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Files of one person -> the measurement, as `breathwise measure --json` prints it. What is stated here stands above the record."""
        return caller.measure(
            caller.read_patient([Path(file) for file in files or ()]), sex=sex or None, age_years=age_years, height_cm=height_cm, ancestry=ancestry or None,
            reference=reference or caller.REFERENCES[0], bronchodilator=bronchodilator or None,
        )  # fmt: skip

    def risk(files: list[str] | None) -> dict[str, Any]:
        """Files of one person -> {"risks": [...], "note": why there are none, or null}."""
        return caller.risks(assistant, assistant.open([Path(file) for file in files or ()]))

    def ask(files: list[str] | None, question: str | None, kept: Caller | None) -> tuple[dict[str, Any], Caller]:
        """Files of one person (none: those this client gave before) and a question -> the turn with its answer, citations and checks."""
        kept = kept or Caller()
        return kept.ask(assistant, say, [Path(file) for file in files or ()], question or ""), kept

    def leave(kept: Caller | None) -> tuple[dict[str, Any], None]:
        """Forget this client's patient and conversation now."""
        _leave(kept)
        return {"forgotten": kept is not None}, None

    with gr.Row(visible=False):
        kept = gr.State(None, time_to_live=assistant.settings.session_minutes * 60, delete_callback=_leave)
        files = drop(label="files", file_count="multiple")
        question = gr.Textbox(label="question")
        sex, ancestry, reference, state = (gr.Textbox(None, label=name) for name in ("sex", "ancestry", "reference", "bronchodilator"))
        age, height = gr.Number(None, label="age_years"), gr.Number(None, label="height_cm")
        found, knock = gr.JSON(label="found"), gr.Button()
    public = {"api_visibility": "public", "trigger_mode": "multiple"}
    body = [sex, age, height, ancestry, reference, state]
    knock.click(plain(measure), [files, *body], found, **{**reading, **public, "api_name": "measure"})
    knock.click(plain(risk), [files], found, **{**reading, **public, "api_name": "risk"})
    knock.click(plain(ask), [files, question, kept], [found, kept], **{**model, **public, "api_name": "ask"})
    knock.click(plain(leave), [kept], [found, kept], queue=False, api_name="forget")


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` whose errors reach the caller as one sentence and the log as a kind and a place; its files are removed."""

    @functools.wraps(function)
    def door(first: Any, *rest: Any) -> Any:
        try:
            return function(first, *rest)
        except InputError as error:
            raise gr.Error(" ".join(str(error).split()), print_exception=False) from None
        except Exception as error:
            note(error)
            raise gr.Error(said(error).lstrip("⚠ "), print_exception=False) from None
        finally:
            if isinstance(first, list):
                forget(first)  # read, and not kept

    return door


def _leave(kept: Caller | None) -> None:
    if kept is not None:
        kept.forget()
