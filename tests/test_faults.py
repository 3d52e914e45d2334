"""What goes wrong on a visitor's side, on the machine or in a model: each fault, and the one sentence that the visitor reads."""

from __future__ import annotations

import datetime as dt
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assistant import intake, passage_index, report
from assistant.interface import faults, gate, panels, uploads
from assistant.interface.arrivals import AS_IT_IS
from assistant.interface.departures import REPORTS
from assistant.interface.desk import Desk
from assistant.interface.talk import chat
from assistant.retrieval import GuidelineLibrary
from assistant.session import Session, Turn
from assistant.settings import Settings
from assistant.waiting_line import STOPPED
from encoders.record import Patient, facts
from tests.test_interface import Scripted, at, doing

if TYPE_CHECKING:
    from assistant import Assistant

STATUS = 3  # the place of what is said beside the chat, among what an answer gives


def said_by(page: dict[str, Any], name: str, count: int, *given: Any) -> tuple[Any, ...]:
    """The last thing a visitor sees of an event, as the page wraps it."""
    return list(faults.caught(page[name], count, STATUS if name == "answer" else 1)(*given))[-1]  # type: ignore[no-any-return]


class Failing(Scripted):
    """Its model, or its reading of files, raises what the test planted."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(during=self._fail)
        self.error = error

    def _fail(self) -> None:
        raise self.error

    def open(self, paths: list[Path]) -> Session:
        raise self.error


class Reading(Scripted):
    """Something else happens once while it reads files or measures again."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], Any]] = []

    def _be_interrupted(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop()()

    def open(self, paths: list[Path]) -> Session:
        self._be_interrupted()
        return super().open(paths)

    def begin(self, patient: Patient) -> Session:
        self._be_interrupted()
        return super().begin(patient)


# the visitor ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("under_way", ["correct", "open_example"])
def test_a_patient_deleted_while_files_are_read_or_measured_again_does_not_come_back(under_way: str) -> None:
    desk, reading = at("healthy_runner"), Reading()
    page = doing(reading)
    reading.meanwhile.append(lambda: page["delete"](desk))
    given = {"correct": (desk, "female", 44.0, 168.0, "cm", [], ["0", "1", "2"]), "open_example": ("severe_obstruction", desk, False)}[under_way]
    said = list(page[under_way](*given))
    assert desk.session is None and desk.read is None
    assert said[-1] == AS_IT_IS


@pytest.mark.parametrize("refused", [False, True])
def test_of_two_patients_opened_at_once_the_one_that_was_chosen_last_stays(refused: bool, tmp_path: Path) -> None:
    desk, reading = at("healthy_runner"), Reading()
    page, other = doing(reading), []
    (tmp_path / "record.csv").write_text("a photo" if refused else "name,sex,age\nOkapi,female,50\n", encoding="utf-8")
    reading.meanwhile.append(lambda: other.extend(page["open_example"]("severe_obstruction", desk, False)))
    said = list(page["open_files"]([str(tmp_path / "record.csv")], desk, False))
    assert said[-1] == AS_IT_IS and not (tmp_path / "record.csv").exists()
    assert desk.after is other[-1][0] and desk.after is not None and desk.after.session is not None
    assert "severe" in desk.after.session.patient.label


def test_a_patient_deleted_while_a_report_is_asked_for_is_in_none() -> None:
    desk, page = at("healthy_runner"), doing(Scripted())
    coming = page["reported"]("Markdown", desk)
    next(coming)
    page["delete"](desk)
    assert list(coming) == [("", "The patient was deleted in this moment: there is nothing to report.")]


def test_an_answer_that_ends_while_it_is_measured_again_stays_in_the_conversation() -> None:
    desk, reading = at("healthy_runner"), Reading()
    page = doing(reading)
    reading.meanwhile.append(lambda: list(page["answer"]("Explain my result", desk)))
    list(page["correct"](desk, "female", 44.0, 168.0, "cm", [], ["0", "1", "2"]))
    assert desk.session is not None and desk.session.turns[0].question == "Explain my result"


def test_opening_another_patient_in_mid_answer_lets_nothing_of_the_first_come_back() -> None:
    desk, other = at("healthy_runner"), []
    page: dict[str, Any] = {}

    def open_another() -> None:
        other.extend(page["open_example"]("severe_obstruction", desk, False))

    page |= doing(Scripted(during=open_another))
    said = list(page["answer"]("Explain my result", desk))
    assert said[-2][1][-1]["content"] == "It is" and said[-1][1] == [], "what is sent last is the other patient's empty chat"
    fresh = other[-1][0]
    assert fresh is not desk and fresh.session is not None and not fresh.session.turns
    assert desk.session is None and desk.stop.is_set()


def test_a_file_that_is_refused_in_mid_answer_leaves_the_patient_and_the_answer(tmp_path: Path) -> None:
    desk = at("healthy_runner")
    page: dict[str, Any] = {}
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" * 9)
    refused: list[Any] = []
    page |= doing(Scripted(during=lambda: refused.extend(page["open_files"]([str(tmp_path / "photo.csv")], desk, False))))
    said = list(page["answer"]("Explain my result", desk))
    assert "still is" in refused[-1][1]
    assert said[-1][1][-1]["content"] == "It is normal."
    assert desk.session is not None and len(desk.session.turns) == 1


@pytest.mark.parametrize("after", [1, 2])
def test_a_page_reloaded_or_left_in_mid_answer_gives_its_place_back(after: int) -> None:
    desk, page = at("healthy_runner"), doing(Scripted())
    coming = page["answer"]("Explain my result", desk)
    for _ in range(after):
        next(coming)
    coming.close()  # Gradio closes an event whose page has gone
    again = list(page["answer"]("And is that bad?", desk))
    assert again[-1][STATUS] == ""
    assert desk.session is not None and [turn.question for turn in desk.session.turns] == ["And is that bad?"]


def test_going_back_to_the_page_begins_an_empty_one_that_says_what_to_do() -> None:
    """The browser's back button loads the page anew: its state is empty, and every button says so rather than failing."""
    page = doing(Scripted())
    assert "Choose an example" in list(page["answer"]("Explain my result", None))[-1][STATUS]
    assert "Nothing to answer again" in list(page["again"](None))[-1][STATUS]
    assert "no conversation to export" in page["export"](None)[1]
    assert "Open a patient first" in list(page["reported"]("PDF", None))[-1][1]
    assert "deleted here" in page["delete"](None)[1]
    page["halt"](None)
    page["clear"](None)


def test_an_answer_stopped_at_once_says_so_and_the_next_question_is_answered() -> None:
    desk = at("healthy_runner")
    silent = Scripted()

    def ask(_: Session, question: str, *, stop: threading.Event, **__: Any) -> Iterator[Turn]:
        yield Turn(question, "" if stop.is_set() else "It is normal.", done=True)

    silent.ask = ask  # type: ignore[method-assign,assignment]
    page = doing(silent)
    coming = page["answer"]("Explain my result", desk)
    next(coming)
    page["halt"](desk)
    assert list(coming)[-1][1][-1]["content"] == STOPPED
    assert list(page["answer"]("Explain my result", desk))[-1][1][-1]["content"] == "It is normal."


def test_two_tabs_are_two_tables() -> None:
    one, two, page = at("healthy_runner"), at("severe_obstruction"), doing(Scripted())
    first = page["answer"]("Explain my result", one)
    next(first)
    assert list(page["answer"]("How good was the test?", two))[-1][STATUS] == ""
    list(first)
    assert one.session is not None and [turn.question for turn in one.session.turns] == ["Explain my result"]
    assert two.session is not None and [turn.question for turn in two.session.turns] == ["How good was the test?"]


def test_html_and_script_in_names_and_cells_are_only_text_wherever_they_are_shown(tmp_path: Path) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    (tmp_path / "record.csv").write_text(f'name,sex,age,symptoms,conditions\n{script},female,50,{script} cough,"asthma,{script}"\n', encoding="utf-8")
    patient = intake.read([tmp_path / "record.csv"])
    session = Session(patient, None, facts(patient)).add(Turn(f"Am I {script}?", f"You are {script}.", done=True))
    desk = Desk(session)
    shown = " ".join([panels.patient_card(session), *(one["content"] for one in chat(session) if isinstance(one["content"], str))])
    assert "<script" not in shown and "<img" not in shown
    opened = list(doing(Scripted())["open_files"]([str(tmp_path / "record.csv")], desk, False))[-1]
    assert "<script" not in opened[1] and "<img" not in opened[1]


# the connection ------------------------------------------------------------------------------------------------------
def test_an_upload_whose_connection_was_lost_is_swept_away_and_one_in_progress_is_not(tmp_path: Path) -> None:
    (tmp_path / "hash").mkdir()
    left, current = tmp_path / "hash" / "record.csv", tmp_path / "tmpabc"
    for file in (left, current):
        file.write_text("Zebra Quagga", encoding="utf-8")
    long_ago = time.time() - uploads.LEFT_AFTER_S - 5
    os.utime(left, (long_ago, long_ago))
    uploads.sweep(tmp_path)
    assert not left.exists() and current.exists()
    os.utime(tmp_path / "hash", (long_ago, long_ago))
    uploads.sweep(tmp_path)
    assert not (tmp_path / "hash").exists()


def test_the_sweeper_ends_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LEFT_AFTER_S", 0.5)
    folder = tmp_path / "uploads"
    folder.mkdir()
    sweeper = uploads.keep_swept(folder)
    assert sweeper.is_alive()
    folder.rmdir()
    sweeper.join(timeout=10)
    assert not sweeper.is_alive()


# the machine ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "sentence"),
    [(RuntimeError("planted Zebra"), faults.SORRY), (OSError(errno.ENOSPC, "planted Zebra"), faults.FULL), (MemoryError("planted Zebra"), faults.FULL)],
)
def test_whatever_the_model_raises_the_visitor_reads_one_sentence_and_keeps_the_patient(
    error: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk, page = at("healthy_runner"), doing(Failing(error))
    said = said_by(page, "answer", 9, "Explain my result", desk)
    assert said[STATUS] == sentence
    assert "Zebra" not in caplog.text and type(error).__name__ in caplog.text
    assert desk.session is not None and not desk.session.turns
    assert not desk.answering.locked()


def test_a_disk_that_is_full_while_files_are_read_is_one_sentence_and_they_are_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "record.csv"
    file.write_text("sex,age\nmale,50\n", encoding="utf-8")
    desk, page = at("healthy_runner"), doing(Failing(OSError(errno.ENOSPC, "no space left")))
    said = said_by(page, "open_files", 22, [str(file)], desk, False)
    assert said[1] == faults.FULL
    assert desk.session is not None
    assert not file.exists()


def test_a_report_on_a_full_disk_is_still_handed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(f"tempfile.{name}", full)
    for suffix, _ in REPORTS.values():
        assert len(report.check_suffix(tmp_path / f"report{suffix}")(at("mild_obstruction").session)) > 1000


def test_a_report_that_cannot_be_written_says_so_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(report, "check_suffix", lambda _: full)
    said = list(faults.caught(doing(Scripted())["reported"], 2, 1)("PDF", at("mild_obstruction")))
    assert said[-1][1] == faults.FULL


def test_with_a_read_only_home_the_page_still_answers_from_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, assistant: Assistant) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(blocked))
    monkeypatch.delenv("BREATHWISE_CACHE_DIR")
    assert passage_index.index_folder(None) is None
    few = list(assistant.library.passages.values())[:30]
    library = GuidelineLibrary(few, None, assistant.library.embeddings)
    assert library.index.folder is None
    assert library.search(few[0].text[:80]).results


def test_without_write_access_for_the_index_the_library_lives_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, assistant: Assistant) -> None:
    real = passage_index.collection

    def refused(name: str, folder: Path | None, embeddings: Any) -> Any:
        if folder is not None:
            raise PermissionError(errno.EACCES, "permission denied")
        return real(name, folder, embeddings)

    monkeypatch.setattr(passage_index, "collection", refused)
    few = list(assistant.library.passages.values())[:30]
    library = GuidelineLibrary(few, tmp_path, assistant.library.embeddings)
    assert library.search(few[0].text[:80]).results
    assert list(tmp_path.iterdir()) == []


def test_a_clock_set_back_locks_nobody_out_and_a_birth_after_today_is_refused_in_words(tmp_path: Path) -> None:
    now = [1000.0]
    rate = gate.Rate(2, lambda: now[0])
    assert rate.allows("one") and rate.allows("one") and not rate.allows("one")
    assert gate.Rate(2).clock is time.monotonic  # which no one can set back
    tomorrow = dt.date.today() + dt.timedelta(days=800)
    (tmp_path / "record.csv").write_text(f"sex,date of birth\nfemale,{tomorrow.isoformat()}\n", encoding="utf-8")
    said = list(doing(Scripted())["open_files"]([str(tmp_path / "record.csv")], None, False))[-1][1]
    assert "age of -2 years" in said and "0 to 120" in said


def test_a_clock_set_back_does_not_keep_what_was_left_behind(tmp_path: Path) -> None:
    (tmp_path / "record.csv").write_text("x", encoding="utf-8")
    in_a_year = time.time() + 365 * 86400
    os.utime(tmp_path / "record.csv", (in_a_year, in_a_year))
    uploads.sweep(tmp_path)
    assert not (tmp_path / "record.csv").exists()


def test_a_full_line_is_said_in_one_sentence_and_loses_nothing() -> None:
    assistant = Scripted()
    assistant.settings = Settings(answers_at_once=1, queue_size=1)  # type: ignore[misc]
    page, desks = doing(assistant), [at("healthy_runner") for _ in range(3)]
    coming = [page["answer"]("Explain my result", desk) for desk in desks[:2]]
    for one in coming:
        next(one)
        shown = next(one)
    assert shown[STATUS] == "One person is before you."
    refused = list(faults.caught(page["answer"], 9, STATUS)("Explain my result", desks[2]))[-1]
    assert "waiting already" in refused[STATUS] and "ask again" in refused[STATUS]
    assert desks[2].session is not None and not desks[2].session.turns
    for one in coming:
        list(one)
    assert list(page["answer"]("Explain my result", desks[2]))[-1][STATUS] == ""


def test_fields_of_the_page_that_were_tampered_with_are_refused() -> None:
    page = doing(Scripted())
    assert "Choose one of the examples" in list(page["open_example"]("../../etc", None, False))[-1][1]
    assert "report is written as" in list(page["reported"]("EXE", at("healthy_runner")))[-1][1]
