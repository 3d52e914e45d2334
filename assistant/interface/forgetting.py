"""When a page's time is over: Gradio lets its states go, but keeps the last value of every component; here the whole page goes."""

from __future__ import annotations

import ctypes
import datetime as dt
import gc
from contextlib import suppress
from typing import Any

from gradio.state_holder import StateHolder


class Forgetful(StateHolder):
    """What the server remembers of each open page. A page unused for ``minutes`` is forgotten as a whole, its callbacks told first."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.idle = dt.timedelta(minutes=minutes)
        self._gone = False

    def delete_state(self, session_id: str, expired_only: bool = False) -> None:
        """Let go what has expired (or everything), then the page itself when nothing of it is alive. Gradio calls this every second."""
        session = self.session_data.get(session_id)
        if session is None:
            return
        states = list(session.state_components)
        idle = dt.datetime.now() - self.time_last_used.get(session_id, dt.datetime.now()) > self.idle
        over = not expired_only or idle or (bool(states) and all(expired for _, _, expired in states))
        super().delete_state(session_id, expired_only and not over)
        if over:
            self.drop(session_id)

    def delete_all_expired_state(self) -> None:
        """Let go what has expired on every page, and the memory with it."""
        for session_id in list(self.session_data):
            with suppress(RuntimeError):  # the page is being used at this moment, so its states change: it is looked at again in a second
                self.delete_state(session_id, expired_only=True)
        if self._gone:
            self._gone = False
            give_back()

    def update(self, session_id: str) -> None:
        """Make ``session_id`` the page used last; the one unused longest goes where there are too many."""
        while len(self.session_data) > self.capacity:
            oldest = next(iter(self.session_data))
            super().delete_state(oldest)  # its answer is stopped; Gradio would not tell it
            self.drop(oldest)
        super().update(session_id)

    def drop(self, session_id: str) -> None:
        with self.lock:
            self.session_data.pop(session_id, None)
            self.time_last_used.pop(session_id, None)
            self._gone = True


def give_back() -> None:
    """Return freed memory to the system: C's allocator on Linux otherwise keeps it, tens of megabytes after many pages."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another system, another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def forget_idle(app: Any, minutes: float) -> None:
    """Let a served page forget its visitors after ``minutes``."""
    holder = Forgetful(minutes)
    holder.set_blocks(app.get_blocks())
    app.state_holder = holder
