"""Answering on a Space that lends its GPU by the call (ZeroGPU): only there is the package ``spaces`` present."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from assistant import guardrails
from assistant.session import Session, Turn

SECONDS = 60  # for one answer
Speak = Callable[..., Iterator[Turn]]

if importlib.util.find_spec("spaces") is not None:
    import spaces  # before torch sees a GPU, as the package asks
else:
    spaces = None


def speak(assistant: Any) -> Speak:
    """``assistant.ask``, on a borrowed GPU where there is one to borrow.

    There a call runs in a process of its own: the kept prefix cannot come back from it, so each call reads the prompt again, and the bell
    that stops an answer is looked at here.
    """
    if spaces is None:
        ask: Speak = assistant.ask
        return ask

    from assistant.answer import checked

    @spaces.GPU(duration=SECONDS)
    def borrowed(session: Session, question: str, temperature: float, seed: int) -> Iterator[Turn]:
        yield from assistant.ask(session, question, temperature=temperature, seed=seed)

    def stream(session: Session, question: str, *, stop: threading.Event | None = None, temperature: float = 0.0, seed: int = 0) -> Iterator[Turn]:
        last: Turn | None = None
        for last in borrowed(replace(session, memory=None), question, temperature, seed):
            yield last
            if stop is not None and stop.is_set() and not last.done:
                break
        if last is not None and not last.done:
            library = getattr(assistant.library, "passages", {})
            passages = [library[one] for one, _ in last.seen.passages if one in library]
            answer, removed = checked(last.answer, session.facts, passages)  # stopped: what stands is checked as any answer is
            checks = guardrails.check(answer, session.facts, passages)
            yield replace(last, answer=answer, checks=replace(checks, notes=(*checks.notes, *removed)), done=True)

    return stream
