"""The assistant where the language model cannot be loaded: it measures, draws and reports, and says what is wrong and the cure."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import guardrails, intake, saved_session
from assistant.session import Session, Turn, begin
from assistant.settings import Settings
from encoders.record import Patient

if TYPE_CHECKING:
    from assistant.dialogue import Assistant


class MeasuringOnly:
    """``Assistant`` without words: the same ``open``, ``begin``, ``ask`` and ``describe``. ``cure`` is the sentence of what failed."""

    def __init__(self, settings: Settings, cure: str) -> None:
        self.settings, self.cure, self.name = settings, cure, "none"

    def describe(self) -> dict[str, str]:
        return {"model": self.name, "device": "cpu", "precision": "none", "note": "questions are not answered"}

    def open(self, paths: Sequence[Path | str]) -> Session:
        """Files of one person, or a saved session -> a session without risks. Raises a ValueError with one plain sentence."""
        files = [Path(path) for path in paths]
        return saved_session.find(files) or begin(intake.read(files))

    def begin(self, patient: Patient) -> Session:
        """The session of a patient whose data were corrected."""
        return begin(patient)

    def ask(self, session: Session, question: str, *, stop: threading.Event | None = None, temperature: float = 0.0, seed: int = 0) -> Iterator[Turn]:
        """One turn: red flags are answered as ever, everything else by what failed and the cure."""
        question = guardrails.clean(question).strip()
        triage = guardrails.triage(question, session.patient)
        if triage is not None:
            yield Turn(question, triage.text, triage=triage, done=True)
            return
        yield Turn(question, f"Questions cannot be answered now; the measurement, the curves and the report can be used. {self.cure}", done=True)


def load(settings: Settings) -> Assistant | MeasuringOnly:
    """The assistant, or the one without words where its model cannot be loaded."""
    from assistant.dialogue import Assistant
    from encoders.model_folder import ModelError

    try:
        return Assistant.load(settings)
    except ModelError as error:
        return MeasuringOnly(settings, f"The language model was not loaded: {' '.join(str(error).split())}.")
    except Exception as error:  # a model that is half there fails in torch, transformers or tokenizers, each with errors of its own
        cure = "install Breathwise again, or leave BREATHWISE_BASE_MODEL empty" if settings.base_model else "install Breathwise again"
        return MeasuringOnly(settings, f"The language model was not loaded ({type(error).__name__}): {cure}.")
