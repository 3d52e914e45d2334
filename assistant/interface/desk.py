"""One visitor's table: what of a patient lives between two clicks, in gr.State and nowhere else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from assistant.session import Session
from encoders.record import Patient


@dataclass
class Desk:
    """The session, the patient as the files gave one, the bell that stops an answer, the lock of the one answer, whether the page is dark, what is being
    opened on it (a mark of its own for each attempt), and the desk that took its place."""

    session: Session | None = None
    read: Patient | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    answering: threading.Lock = field(default_factory=threading.Lock)
    dark: bool = False
    opening: object = None
    after: Desk | None = None


def forget_patient(desk: Desk | None) -> None:
    """An idle or emptied page is forgotten: its answer stops, its session goes, and what is still being read for it will not come."""
    if desk is not None:
        desk.stop.set()
        desk.session = desk.read = desk.opening = None
