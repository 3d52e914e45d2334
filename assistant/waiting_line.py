"""Who is answered next: a line of questions in the order in which they came, which tells each how many are before it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from assistant import guardrails
from assistant.session import Session, Turn

PATIENCE_S = 0.5  # how long a waiting question takes at most to notice that it was stopped
STOPPED = "Stopped before it was answered."


class LineFullError(RuntimeError):
    """Too many questions wait. One plain sentence."""


class WaitingLine:
    """``at_once`` questions are answered, ``most_waiting`` more wait; the next one is asked to come again. It knows nobody's question."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self.at_once, self.most_waiting = at_once, most_waiting
        self._places: deque[object] = deque()  # those being answered first, then those that wait
        self._moved = threading.Condition()

    def join(self) -> object:
        """A place at the end. Raises LineFullError."""
        with self._moved:
            if len(self._places) >= self.at_once + self.most_waiting:
                raise LineFullError(f"{self.most_waiting} questions are waiting already, which is the most; ask again in a minute.")
            place = object()
            self._places.append(place)
            return place

    def before(self, place: object) -> int:
        """How many questions must end before this one is answered: 0 is its turn."""
        with self._moved:
            return self._before(place)

    def wait(self, place: object, before: int) -> int:
        """How many are before this place, as soon as it is no longer ``before`` or a moment has passed."""
        with self._moved:
            self._moved.wait_for(lambda: self._before(place) != before, PATIENCE_S)
            return self._before(place)

    def leave(self, place: object) -> None:
        """Answered, stopped or gone: the others move up."""
        with self._moved:
            self._places.remove(place)
            self._moved.notify_all()

    def _before(self, place: object) -> int:
        return max(self._places.index(place) - self.at_once + 1, 0)


def in_line(ask: Callable[..., Iterator[Turn]], line: WaitingLine) -> Callable[..., Iterator[Turn]]:
    """``ask``, once it is its turn; until then a turn without an answer says how many are before it. A red flag is answered at once.

    Raises LineFullError.
    """

    def stream(session: Session, question: str, *, stop: threading.Event | None = None, **settings: Any) -> Iterator[Turn]:
        if guardrails.triage(guardrails.clean(question).strip(), session.patient) is not None:  # an emergency waits for nobody
            yield from ask(session, question, stop=stop, **settings)
            return
        place = line.join()
        try:
            before = line.before(place)
            while before:
                yield Turn(question, before=before)
                known = before
                while before == known:
                    if stop is not None and stop.is_set():
                        yield Turn(question, STOPPED, done=True)
                        return
                    before = line.wait(place, known)
            for turn in ask(session, question, stop=stop, **settings):
                yield replace(turn, answer=STOPPED) if turn.done and not turn.answer and stop is not None and stop.is_set() else turn
        finally:
            line.leave(place)

    return stream


def place_said(turn: Turn) -> str:
    """What a waiting visitor reads; empty once it is answered."""
    if not turn.before:
        return ""
    return "One person is before you." if turn.before == 1 else f"{turn.before} people are before you."
