"""What comes to the page: an example or files are read, measured and shown; the patient that was open goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.interface import citations, corrections, panels, risk_panel
from assistant.interface.desk import Desk, forget_patient
from assistant.interface.suggestions import OFFERED
from assistant.interface.talk import chat, offered
from assistant.interface.uploads import forget
from encoders.faults import InputError
from encoders.spirogram import plot

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "assets" / "patients"
READING = "Reading the files, measuring the blows and estimating risks..."
MEASURING = "Measuring again with what you corrected..."
SHOWN = 19 + corrections.FIELDS + OFFERED  # components that a patient fills, in the order of ``shown``; the last two are the lines of status elsewhere
AS_IT_IS = tuple([gr.skip()] * (2 + SHOWN))  # an event that changes nothing


def examples() -> list[tuple[str, str]]:
    """Label and folder name of each example patient."""
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()) if EXAMPLES.is_dir() else []
    return [(name.replace("_", " ").capitalize(), name) for name in names]


@dataclass(frozen=True)
class Arrivals:
    """The events that put a patient on the page. Each yields (desk, a line of status, then ``SHOWN`` values)."""

    assistant: Any

    def open_example(self, name: str | None, desk: Desk | None, dark: bool) -> Iterator[tuple[Any, ...]]:
        if name is None:  # a choice that was sent already
            yield AS_IT_IS
            return
        if name not in {folder for _, folder in examples()}:
            yield (desk, "Choose one of the examples.", *[gr.skip()] * SHOWN)
            return
        yield from self._opened(sorted(path for path in (EXAMPLES / str(name)).iterdir() if path.is_file()), desk, dark)

    def open_files(self, files: list[str] | None, desk: Desk | None, dark: bool) -> Iterator[tuple[Any, ...]]:
        if not files:
            yield (desk, "Drop a record and a curve.", *[gr.skip()] * SHOWN)
            return
        try:
            yield from self._opened([Path(file) for file in files], desk, dark)
        finally:
            forget(files)  # what was uploaded is read at once and not kept

    def correct(self, desk: Desk | None, *fields: Any) -> Iterator[tuple[Any, ...]]:
        """Measure again with what a person corrected; nothing is uploaded again and the conversation stays."""
        if desk is None or desk.session is None or desk.read is None:
            yield (desk, "⚠ Open a patient first.", *[gr.skip()] * SHOWN)
            return
        yield (desk, MEASURING, *[gr.skip()] * SHOWN)
        given = desk.read
        try:
            wanted = corrections.Correction(*fields)
            read, now, units = corrections.in_units(given, desk.session.patient, wanted)
            patient, others = corrections.apply(read, now, wanted)
        except InputError as error:
            yield (desk, _refusal(error), *[gr.skip()] * SHOWN)
            return
        said = [*units, *others]
        if not said:
            yield (desk, "Nothing differs from what was read.", *[gr.skip()] * SHOWN)
            return
        desk.stop.set()
        measured = self.assistant.begin(patient)
        if desk.session is None or desk.read is not given:  # meanwhile the patient was deleted, or another one opened
            yield AS_IT_IS
            return
        desk.read, desk.session = read, corrections.carry(desk.session, measured, said)
        also = " The conversation stays; its answers rest on the values before." if len(desk.session.turns) > 1 else ""
        yield (desk, f"Measured again: {panels.plain('; '.join(said))}.{also}", *self.shown(desk))

    def confirm(self, desk: Desk | None) -> tuple[Any, ...]:
        """What was taken for granted is right: it stays in the report, marked as confirmed."""
        if desk is None or desk.session is None:
            return (desk, "⚠ Open a patient first.", *[gr.skip()] * SHOWN)
        desk.session = corrections.confirmed(desk.session)
        return (desk, "Confirmed.", *self.shown(desk))

    def delete(self, desk: Desk | None) -> tuple[Any, ...]:
        """Nothing of the patient is left on the page."""
        forget_patient(desk)
        return (None, "Everything about this patient was deleted here.", *self.blank(), None, None, None, "", "", "", "", "")

    def _opened(self, paths: Sequence[Path], desk: Desk | None, dark: bool) -> Iterator[tuple[Any, ...]]:
        kept = desk or Desk()
        kept.opening = mine = object()
        yield (kept, READING, *[gr.skip()] * SHOWN)
        kept.stop.set()
        session, refused = None, ""
        try:
            session = self.assistant.open(paths)
        except InputError as error:
            refused = _refusal(error)
        if kept.opening is not mine:  # meanwhile the page was emptied, or something else opened: what was done last counts
            yield AS_IT_IS
            return
        if session is None:
            also = " The patient that was open still is." if kept.session is not None else ""
            yield (kept, f"{refused}{also}", *[gr.skip()] * SHOWN)
            return
        forget_patient(kept)  # an answer about the patient before has nothing more to show
        kept.after = fresh = Desk(session, session.patient, dark=bool(dark))
        again = f", with {len(session.turns)} earlier question{'s' * (len(session.turns) > 1)}" if session.turns else ""
        count = len(session.patient.blows)
        blows = "no curve" if not count else "one blow" if count == 1 else f"{count} blows"
        yield (fresh, f"Read: {panels.plain(session.patient.label)}, {blows}{again}.", *self.shown(fresh))

    def shown(self, desk: Desk) -> tuple[Any, ...]:
        """Everything that the page says about the desk's patient."""
        session, dark = desk.session, desk.dark
        if session is None:
            return self.blank()
        test = session.spirometry
        drawn = (plot.flow_volume(test, dark=dark), plot.volume_time(test, dark=dark)) if test is not None and test.maneuvers else (None, None)
        curves = [gr.update(value=figure, visible=figure is not None) for figure in drawn]
        bars = plot.z_bars(test, dark=dark) if test is not None and test.references else None
        dated = test.visits if test is not None else None
        return (
            gr.update(visible=False), gr.update(visible=True), panels.quality(test), *corrections.form(desk), *curves, panels.numbers(test),
            gr.update(value=bars, visible=bars is not None), gr.update(visible=dated is not None),
            plot.trend(dated, dark=dark) if dated is not None else None, panels.visits(test),
            gr.update(visible=bool(session.patient.blows)), panels.blows(test), panels.patient_card(session), risk_panel.table_of_risks(session.risks),
            chat(session, dark=dark), panels.seen(None), citations.shelf(session, self.assistant), *offered(session), "", "",
        )  # fmt: skip

    def blank(self) -> tuple[Any, ...]:
        """The page as it is before anybody is on it, in the order of ``shown``."""
        gone, back = gr.update(visible=False), gr.update(visible=True)
        return (
            back, gone, "", *corrections.blank(), None, None, "", gr.update(value=None), gone, None, "", gone, "", "", "", [], panels.seen(None), "",
            *offered(None), "", "",
        )  # fmt: skip


def _refusal(error: InputError) -> str:
    said = panels.plain(str(error))
    return f"⚠ {said}{'' if said.endswith('.') else '.'}"
