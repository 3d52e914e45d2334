"""One visitor's table: what of a patient lives between two clicks, in gr.State and nowhere else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from assistant.session import Session
from encoders.record import Patient


@dataclass
class Desk:
    """The session, the patient as the files gave one, the bell that stops an answer, the lock of the one answer, whether the page is dark, and the desk
    that took its place."""

    session: Session | None = None
    read: Patient | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    answering: threading.Lock = field(default_factory=threading.Lock)
    dark: bool = False
    after: Desk | None = None


def forget_patient(desk: Desk | None) -> None:
    """An idle or emptied page is forgotten: its answer stops and its session goes."""
    if desk is not None:
        desk.stop.set()
        desk.session = desk.read = None
