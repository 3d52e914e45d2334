"""One caller of the doors beside the page: what is measured, estimated and answered for them, as JSON that every door hands out alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant import intake, saved_session
from assistant.session import Session, Turn, examine, turn_json
from encoders.faults import InputError
from encoders.record import QUANTITY, Patient, Sex
from encoders.spirogram import to_json
from encoders.spirogram.reference import NAMES

LONGEST_QUESTION, MOST_TURNS = 2000, 100  # characters; questions of one conversation
REFERENCES = tuple(NAMES)
NO_PATIENT = "no patient is open; give the files of one person with the first question"
ONE_AT_A_TIME = "one answer at a time: wait for it, then ask again"
ADULTS_ONLY = "risks are estimated for adults of 20 years and over whose sex and age are known; add them to the record"


class CallerError(InputError):
    """A call that cannot be answered. One plain sentence."""


@dataclass
class Caller:
    """The patient a caller opened last and the turns so far. One for each caller, never shared, never written out."""

    session: Session | None = None
    answering: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, assistant: Any, say: Callable[..., Iterator[Turn]], paths: Sequence[Path], question: str) -> dict[str, Any]:
        """Files of one person (none: those given before) and a question -> the turn, as ``breathwise ask --json`` prints it.

        ``say`` streams a turn: ``assistant.ask`` or the same on a borrowed GPU. Raises ValueError with one plain sentence.
        """
        if len(question) > LONGEST_QUESTION:
            raise CallerError(f"this question has {len(question)} characters; at most {LONGEST_QUESTION} are read: shorten it")
        if not self.answering.acquire(blocking=False):
            raise CallerError(ONE_AT_A_TIME)
        try:
            self.stop = stop = threading.Event()
            session = assistant.open(paths) if paths else self.session
            if session is None:
                raise CallerError(NO_PATIENT)
            if len(session.turns) >= MOST_TURNS:
                raise CallerError(f"a conversation has at most {MOST_TURNS} questions; give the files again to begin another")
            self.session = session
            if stop.is_set():  # forgotten while the files were read
                self.session = None
                raise CallerError(NO_PATIENT)
            for turn in say(session, question, stop=stop):
                pass
            if self.session is session:  # not forgotten meanwhile
                self.session = session.add(turn)
            return turn_json(turn)
        finally:
            self.answering.release()

    def forget(self) -> None:
        """Stop an answer and let the patient go."""
        self.stop.set()
        self.session = None


def measure(
    patient: Patient, *, sex: str | None = None, age_years: float | None = None, height_cm: float | None = None, ancestry: str | None = None,
    reference: str = "gli-global-2022", bronchodilator: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The measurement of a patient's blows, or of the values in the record, as ``breathwise measure --json`` prints it.

    What is stated here (years, cm) stands above the record. Raises ValueError with one plain sentence.
    """
    for name, given, allowed in (("sex", sex, tuple(Sex)), ("reference", reference, REFERENCES), ("bronchodilator", bronchodilator, ("pre", "post"))):
        if given is not None and given not in allowed:
            raise CallerError(f"{name} is {' or '.join(allowed)}, not {str(given)[:40]!r}")
    for name, number in (("age_years", age_years), ("height_cm", height_cm)):
        low, high = QUANTITY[name].low, QUANTITY[name].high
        if number is not None and not (isinstance(number, int | float) and low <= number <= high):
            raise CallerError(f"{name} is a number from {low:g} to {high:g}, not {str(number)[:40]!r}")
    stated: dict[str, Any] = {"age_years": age_years, "height_cm": height_cm, "sex": Sex(sex) if sex else None}
    person = replace(patient, **{name: value for name, value in stated.items() if value is not None})
    found = examine(person, reference=reference, ancestry=ancestry, bronchodilator=bronchodilator)
    if found is None:
        raise CallerError("these files hold neither a curve nor spirometry values; give a curve as well")
    return to_json(found)


def read_patient(paths: Sequence[Path]) -> Patient:
    """Files of one person, or a saved session -> its patient. Raises ValueError with one plain sentence."""
    saved = saved_session.find(paths)
    return saved.patient if saved is not None else intake.read(paths)


def risks(assistant: Any, session: Session) -> dict[str, Any]:
    """Every estimate (0-1) of a session with its interval, and in ``note`` why there are none."""
    why = None if session.risks else getattr(assistant, "cure", "") or ADULTS_ONLY
    return {"risks": [asdict(one) for one in session.risks], "note": why}
