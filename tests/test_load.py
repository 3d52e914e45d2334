"""Many visitors of one served page: all are answered, none is mixed with another, and nothing grows."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
    """A person with a name and a value that nobody else has: the file, the name, the value."""
    name, weight = f"Quagga{number:03d}Zebra", f"{50 + number}.{number % 10}7"
    file = folder / f"person{number}.csv"
    file.write_text(f"name,sex,age,height_cm,weight_kg,fev1 (L),fvc (L)\n{name},{'fe' * (number % 2)}male,{40 + number % 30},{160 + number % 20},{weight},2.{number:02d},3.9\n", encoding="utf-8")  # fmt: skip
    return file, name, weight


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
    for visitor, (_, name, weight) in zip(visitors, people, strict=True):
        assert name in visitor.seen and weight in visitor.seen
        assert not [other for _, other, _ in people if other != name and other in visitor.seen]


def two_visitors(address: str, numbers: dict[str, int], folder: Path, turns: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    people = [planted(folder, 11), planted(folder, 88)]
    visitors = [Visitor(address, numbers) for _ in people]
    for visitor, (file, name, _) in zip(visitors, people, strict=True):
        assert name in visitor.open_files(file)
    for turn in range(turns):
        question = f"{QUESTIONS[turn % len(QUESTIONS)]} I am {people[turn % 2][1]} of house {turn}."
        visitors[turn % 2].ask(question)
    words = [word for _, name, weight in people for word in (name, weight)]
    for number, visitor in enumerate(visitors):
        for kind in ("Markdown", "JSON", "FHIR"):
            visitor.do("reported", kind, None)
        visitor.do("export", None)
        assert people[number][1] in visitor.seen
        assert people[1 - number][1] not in visitor.seen
        assert people[1 - number][2] not in visitor.seen
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


def resident_mb() -> float:
    """What this process holds, after what is garbage was let go."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1000


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system does not say what a process holds")


@needs_proc
@pytest.mark.slow
def test_two_hundred_sessions_left_are_forgotten_and_their_memory_returns(address: str, numbers: dict[str, int], assistant: Assistant) -> None:
    """An hour is simulated by telling Gradio that everything was used last an hour earlier."""
    from gradio.state_holder import StateHolder

    hour = dt.timedelta(minutes=assistant.settings.session_minutes + 1)

    def visit(count: int) -> None:
        for number in range(count):
            Visitor(address, numbers).do("open_example", NAMES[number % len(NAMES)], None, False)

    def forget() -> None:
        for holder in [one for one in gc.get_objects() if isinstance(one, StateHolder)]:
            for name, session in list(holder.session_data.items()):
                holder.time_last_used[name] -= hour
                session._state_ttl = {key: (ttl, used - hour) for key, (ttl, used) in session._state_ttl.items()}
            holder.delete_all_expired_state()
            left = [value for session in holder.session_data.values() for value in session.state_data.values()]
            assert not [value for value in left if getattr(value, "session", None) is not None]

    visit(200)  # what is made once and kept, is made here
    forget()
    before = resident_mb()
    visit(200)
    forget()
    after = resident_mb()
    print(f"resident {before:.0f} MB, after 200 more sessions {after:.0f} MB")
    assert after <= 1.05 * before


@needs_proc
@pytest.mark.slow
def test_two_thousand_turns_do_not_grow(assistant: Assistant) -> None:
    turns = int(os.environ.get("SOAK_TURNS", "2000"))
    held: list[float] = []
    session = None
    for number in range(turns):
        if session is None or len(session.turns) == 20:
            session = assistant.open(sorted((ROOT / "assets" / "patients" / NAMES[number // 20 % len(NAMES)]).iterdir()))
        *_, turn = assistant.ask(session, QUESTIONS[number % len(QUESTIONS)])
        assert turn.done and turn.answer
        session = session.add(turn)
        if number % (turns // 10) == turns // 10 - 1:
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
