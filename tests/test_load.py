"""Many visitors of one served page: all are answered, none is mixed with another, and nothing grows."""

from __future__ import annotations

import datetime as dt
import gc
import io
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdf
import pytest

from assistant.interface.departures import REPORTS
from assistant.interface.server import launch
from tests.conftest import ROOT
from tests.visitor import Visitor, events

if TYPE_CHECKING:
    from assistant import Assistant

NAMES = sorted(path.name for path in (ROOT / "assets" / "patients").iterdir() if path.is_dir())
QUESTIONS = ("Explain my result", "How good was the test?", "Should I exercise?", "How do I stop smoking?", "What about my blood pressure?")


@pytest.fixture(scope="module")
def served(assistant: Assistant) -> Iterator[tuple[Any, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept, assistant.settings = assistant.settings, assistant.settings.model_copy(update={"requests_per_minute": 100_000})
    app, url, _ = launch(assistant, host="127.0.0.1", port=port, block=False)
    app.health.wait(300)
    yield app, url
    app.blocks.close() if hasattr(app, "blocks") else None
    assistant.settings = kept


@pytest.fixture(scope="module")
def address(served: tuple[Any, str]) -> str:
    return served[1]


@pytest.fixture(scope="module")
def numbers() -> dict[str, int]:
    return events()


def planted(folder: Path, number: int) -> tuple[Path, str, str]:
    """A person with a name and a value that nobody else has: the file, the name, the value (of a medicine: it is shown as it was written)."""
    name, dose = f"Quagga{number:03d}Zebra", f"{4000 + number}.5"
    file = folder / f"person{number}.csv"
    file.write_text(f"name,sex,age,height_cm,fev1 (L),fvc (L),medications\n{name},{'fe' * (number % 2)}male,{40 + number % 30},{160 + number % 20},2.{number:02d},3.9,okapizide {dose} mg\n", encoding="utf-8")  # fmt: skip
    return file, name, dose


def holding(folder: Path, words: list[str]) -> list[str]:
    """The files under a folder that hold one of the words, in their names or content."""
    marks = [word.encode() for word in words]
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and any(mark in path.name.encode() or mark in path.read_bytes() for mark in marks):
            found.append(path.name)
    return found


def test_twenty_chats_at_once_all_finish_and_are_what_they_would_be_alone(assistant: Assistant) -> None:
    def talk(number: int) -> list[str]:
        session = assistant.open(sorted((ROOT / "assets" / "patients" / NAMES[number % len(NAMES)]).iterdir()))
        for question in QUESTIONS[: 1 + number % 2]:
            *_, turn = assistant.ask(session, question)
            session = session.add(turn)
        return [turn.answer for turn in session.turns]

    alone = [talk(number) for number in range(len(NAMES) * 2)]
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(talk, range(20)))
    assert together == [alone[number % len(alone)] for number in range(20)]


@pytest.mark.slow
def test_twenty_visitors_at_once_are_answered_and_none_sees_another(address: str, numbers: dict[str, int], tmp_path: Path) -> None:
    people = [planted(tmp_path, number) for number in range(20)]
    visitors = [Visitor(address, numbers) for _ in people]
    with ThreadPoolExecutor(20) as pool:
        assert all("Read:" in said for said in pool.map(lambda pair: pair[0].open_files(pair[1][0]), zip(visitors, people, strict=True)))
        for question in ("Explain my result", "What do you know about me?"):
            assert all('"success":true' in said for said in pool.map(lambda visitor: visitor.ask(question), visitors))  # noqa: B023
    for visitor, (_, name, dose) in zip(visitors, people, strict=True):
        assert name in visitor.seen and dose in visitor.seen
        assert not [word for _, *words in people for word in words if word not in (name, dose) and word in visitor.seen]


def written(file: str, content: bytes) -> str:
    """What a person reads in a file that was taken from the page."""
    if not file.endswith(".pdf"):
        return content.decode()
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def two_visitors(address: str, numbers: dict[str, int], folder: Path, turns: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    people = [planted(folder, 11), planted(folder, 88)]
    visitors = [Visitor(address, numbers) for _ in people]
    for visitor, (file, name, _) in zip(visitors, people, strict=True):
        assert name in visitor.open_files(file)
    for turn in range(turns):
        question = f"{QUESTIONS[turn % len(QUESTIONS)]} I am {people[turn % 2][1]} of house {turn}."
        visitors[turn % 2].ask(question)
    words = [word for _, *words in people for word in words]
    for number, visitor in enumerate(visitors):
        for kind in REPORTS:
            visitor.do("reported", kind, None)
        visitor.do("export", None)
        own, other = people[number][1:], people[1 - number][1:]
        assert own[0] in visitor.seen and not [word for word in other if word in visitor.seen]
        assert len(visitor.taken) == len(REPORTS) + 1
        for file, content in visitor.taken.items():
            text = written(file, content)
            assert own[0] in text and not [word for word in other if word in text], file
    for visitor in visitors:
        assert "deleted here" in visitor.do("delete", None)
    assert not [word for word in words if word in caplog.text]
    assert holding(Path(os.environ["GRADIO_TEMP_DIR"]), words) == []
    assert holding(Path(os.environ["BREATHWISE_CACHE_DIR"]), words) == []


def test_two_visitors_taking_turns_leave_nothing_in_each_other_or_on_disk(
    address: str, numbers: dict[str, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    two_visitors(address, numbers, tmp_path, 4, caplog)


@pytest.mark.slow
def test_two_visitors_for_fifty_turns_leave_nothing_in_each_other_or_on_disk(
    address: str, numbers: dict[str, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    two_visitors(address, numbers, tmp_path, 50, caplog)


SESSIONS = int(os.environ.get("SESSIONS", "200"))
TURNS = int(os.environ.get("SOAK_TURNS", "2000"))


def resident_mb() -> float:
    """What this process holds, after what is garbage was let go."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1000


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system does not say what a process holds")


@needs_proc
@pytest.mark.slow
def test_two_hundred_sessions_left_are_forgotten_and_their_memory_returns(served: tuple[Any, str], numbers: dict[str, int], assistant: Assistant) -> None:
    """An hour is simulated by telling Gradio that everything was used last an hour earlier."""
    app, address = served
    hour = dt.timedelta(minutes=assistant.settings.session_minutes + 1)

    def visit(count: int) -> None:
        for number in range(count):
            Visitor(address, numbers).do("open_example", NAMES[number % len(NAMES)], None, False)

    def forget() -> None:
        holder = app.state_holder
        open_now = [session.state_data for session in holder.session_data.values()]
        assert sum(getattr(value, "session", None) is not None for states in open_now for value in states.values()) >= SESSIONS
        for name, session in list(holder.session_data.items()):
            holder.time_last_used[name] -= hour
            session._state_ttl = {key: (ttl, used - hour) for key, (ttl, used) in session._state_ttl.items()}
        holder.delete_all_expired_state()
        assert not holder.session_data

    visit(SESSIONS)  # what is made once and kept, is made here
    forget()
    before = resident_mb()
    visit(SESSIONS)
    full = resident_mb()
    forget()
    after = resident_mb()
    print(f"resident {before:.0f} MB, with {SESSIONS} more sessions open {full:.0f} MB, after they were forgotten {after:.0f} MB")
    assert after <= 1.05 * before


@needs_proc
@pytest.mark.slow
def test_two_thousand_turns_do_not_grow(assistant: Assistant) -> None:
    held: list[float] = []
    session = None
    for number in range(TURNS):
        if session is None or len(session.turns) == 20:
            session = assistant.open(sorted((ROOT / "assets" / "patients" / NAMES[number // 20 % len(NAMES)]).iterdir()))
        *_, turn = assistant.ask(session, QUESTIONS[number % len(QUESTIONS)])
        assert turn.done and turn.answer
        session = session.add(turn)
        if number % (TURNS // 10) == TURNS // 10 - 1:
            held.append(resident_mb())
            print(f"{number + 1} turns: {held[-1]:.0f} MB", flush=True)
    assert held[-1] <= 1.05 * held[2]
    assert threading.active_count() < 30


def test_an_answer_whose_visitor_left_is_given_up(address: str, numbers: dict[str, int], assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload in mid-answer, a closed tab or a lost connection: the server stops writing and the next page is served."""
    monkeypatch.setattr(assistant, "settings", assistant.settings.model_copy(update={"max_new_tokens": 2048}))
    visitor = Visitor(address, numbers)
    visitor.do("open_example", NAMES[0], None, False)
    coming = visitor.begin("answer", "Explain my result", None)
    for message in coming:
        if "process_generating" in message:
            break
    coming.close()  # type: ignore[attr-defined]
    again = Visitor(address, numbers)
    again.do("open_example", NAMES[1], None, False)
    assert '"success":true' in again.ask("How good was the test?")


def test_the_same_page_goes_on_after_a_connection_was_lost(served: tuple[Any, str], numbers: dict[str, int]) -> None:
    app, address = served
    visitor = Visitor(address, numbers)
    visitor.do("open_example", NAMES[0], None, False)
    coming: Any = visitor.begin("answer", "Explain my result", None)
    next(coming)
    coming.close()
    for _ in range(240):  # until the server has noticed and given the answer up
        if visitor.name not in app.get_blocks()._queue.pending_messages_per_session:
            break
        time.sleep(0.5)
    for _ in range(60):
        said = visitor.ask("How good was the test?")
        if "One answer at a time" not in said:
            break
        time.sleep(0.5)
    assert "One answer at a time" not in said
