"""A real Chromium whose visitor does what nobody should, or whose connection fails: what they see, and that nothing is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from assistant import guardrails
from assistant.interface import server
from assistant.measuring_only import MeasuringOnly
from assistant.session import Seen, Session, Turn
from assistant.settings import Settings
from encoders.record import Patient
from tests.line import Line
from tests.test_browser import browser, choose, visit  # noqa: F401

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
WORDS = ("It is", "It is a", "It is a slow", "It is a slow answer")
PACE_S, HELD_S = 0.4, 60.0  # from word to word
WAIT_MS = 60_000
HOLDING = threading.Event()  # while set, an answer stays at its third word
MOBILE_BYTES_S = 400_000
SILENT_MS = 8000  # after so long without a word the tests' page takes its connection for lost
READING_HELD = threading.Event()  # while set, whatever reads, measures or searches does not end


def wait_while(held: threading.Event) -> None:
    for _ in range(600):
        if not held.is_set():
            return
        time.sleep(0.05)


class Slow(MeasuringOnly):
    """Its answers take a while, as those of a large model do."""

    def __init__(self) -> None:
        super().__init__(Settings(max_upload_mb=1, requests_per_minute=100_000, answers_at_once=1), "")
        self.library: Any = SimpleNamespace(passages={}, search=self._search)

    def open(self, paths: Sequence[Path | str]) -> Session:
        wait_while(READING_HELD)
        return super().open(paths)

    def begin(self, patient: Patient) -> Session:
        wait_while(READING_HELD)
        return super().begin(patient)

    def _search(self, query: str, k: int = 4) -> Any:
        wait_while(READING_HELD)
        return SimpleNamespace(enough=False, results=[])

    def ask(self, session: Session, question: str, *, stop: threading.Event | None = None, temperature: float = 0.0, seed: int = 0) -> Iterator[Turn]:
        said = ""
        if "fail" in question:
            raise RuntimeError("planted Zebra")
        for said in WORDS:
            yield Turn(question, said)
            until = time.monotonic() + (HELD_S if said == WORDS[2] else 0) + PACE_S
            while time.monotonic() < until - (0 if HOLDING.is_set() or said != WORDS[2] else HELD_S):
                if stop is not None and stop.is_set():
                    yield Turn(question, f"{said} (stopped)", done=True)
                    return
                time.sleep(0.05)
        yield Turn(question, f"{said} to: {question}.", seen=Seen(intent="slow", model="slow"), done=True)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    yield from serve(Slow(), SILENT_MS)


def serve(assistant: Any, silent_ms: int = 40_000) -> Iterator[str]:
    """The address of a page over an assistant; it gives more signs of life than it would, and may miss them sooner."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    guardrails.triage("Am I well?", Patient())  # reads the net of alarms, which takes seconds the first time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradio.utils.get_heartbeat_rate", lambda: 0.25)  # a sign of life rather than every 15 s
        patch.setattr(server, "SCRIPT", server.SCRIPT.replace("SILENCE_MS = 40000", f"SILENCE_MS = {silent_ms}"))
        app, url, _ = server.launch(assistant, host="127.0.0.1", port=port, block=False)
        yield url
    app.get_blocks().close()


@pytest.fixture
def line(address: str) -> Iterator[Line]:
    """What lies between the browser and the page."""
    line = Line(int(address.rstrip("/").rpartition(":")[2]))
    yield line
    line.cut()


@pytest.fixture
def page(browser: Browser, line: Line) -> Iterator[Page]:  # noqa: F811
    page, faults = visit(browser, line.address, width=1024)
    page.set_default_timeout(WAIT_MS)
    yield page
    HOLDING.clear()
    page.context.close()
    assert faults == []


def send(page: Page, question: str) -> None:
    box = page.get_by_placeholder("Ask about this patient")
    box.fill(question)
    box.press("Enter")


def answered(page: Page, question: str) -> None:
    page.locator("#chat").get_by_text(f"It is a slow answer to: {question}.").wait_for()


def in_mid_answer(page: Page) -> None:
    """An answer is under way, and stays where it is while HOLDING is set."""
    page.locator("#chat").get_by_text("It is a slow", exact=True).wait_for()


def again(page: Page, question: str) -> None:
    """Send what is in the box, as often as the page still answers the question before."""
    answer = page.locator("#chat").get_by_text(f"It is a slow answer to: {question}.")
    for _ in range(20):
        page.get_by_role("button", name="Ask", exact=True).click()
        busy = page.locator("#said").get_by_text("One answer at a time")
        answer.or_(busy).first.wait_for()
        if answer.count():
            return
        page.wait_for_timeout(500)
    raise AssertionError("the page stayed busy")


def slowly(page: Page, bytes_s: int) -> None:
    """Everything that this page sends goes at so many bytes a second."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_s})


def test_a_refused_upload_of_a_slow_visitor_is_one_sentence_that_stays(page: Page, tmp_path: Path) -> None:
    choose(page, "Healthy runner")
    slowly(page, MOBILE_BYTES_S)
    files = [tmp_path / f"part{number}.csv" for number in range(6)]
    for file in files:
        file.write_bytes(b"time,volume\n" + b"0.01,0.50\n" * 98_000)
    page.locator("input[type=file]").first.set_input_files(files)
    refusal = "This is larger than the 5 MB that are taken at once; drop fewer or smaller files."
    page.locator("#status").get_by_text(refusal).wait_for()
    assert page.locator('[data-testid="toast-text"]').all_inner_texts() == [refusal]
    assert "Example: healthy runner" in page.locator("body").inner_text()


def test_what_is_asked_while_the_connection_is_lost_is_answered_when_it_is_back(page: Page, line: Line) -> None:
    choose(page, "Healthy runner")
    page.locator("#status").get_by_text("Read: Example: healthy runner").wait_for()
    line.cut()
    send(page, "Am I well?")
    page.locator("#said").get_by_text("Nothing on this page is: what you did is sent").wait_for()
    page.wait_for_timeout(4000)  # it is tried again and again
    line.mend()
    answered(page, "Am I well?")
    assert "Example: healthy runner" in page.locator("body").inner_text()
    assert "connection" not in page.locator("#talk").inner_text()


@pytest.mark.parametrize("fails", [Line.cut, Line.silence])
def test_an_answer_cut_off_in_the_middle_says_so_and_its_question_is_asked_again(fails: Callable[[Line], None], page: Page, line: Line) -> None:
    choose(page, "Healthy runner")
    send(page, "Am I well?")
    answered(page, "Am I well?")
    HOLDING.set()
    send(page, "And my lungs?")
    in_mid_answer(page)
    fails(line)
    HOLDING.clear()
    page.locator("#said").get_by_text("lost in the middle of the answer. Nothing else was: your question is in the box, ask it once more.").wait_for()
    box = page.get_by_placeholder("Ask about this patient")
    assert box.input_value() == "And my lungs?"
    assert not page.locator("#chat").get_by_text("Error", exact=True).is_visible(), "the chat is not covered"
    assert "It is a slow answer to: Am I well?." in page.locator("#chat").inner_text(), "what was answered before stays"
    line.mend()
    again(page, "And my lungs?")
    page.wait_for_function("() => !document.querySelector('#said').innerText.trim()")
    assert page.locator("#chat").get_by_text("It is a slow answer to").count() >= 2  # a server that did not notice has answered it already
    assert "Example: healthy runner" in page.locator("#findings").inner_text()


def test_a_patient_whose_files_were_cut_off_on_their_way_is_dropped_once_more(page: Page, line: Line, tmp_path: Path) -> None:
    choose(page, "Healthy runner")
    slowly(page, MOBILE_BYTES_S // 4)
    record = tmp_path / "record.csv"
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n" + "\n" * 900_000, encoding="utf-8")
    page.locator("input[type=file]").first.set_input_files([record])
    page.wait_for_timeout(1500)
    line.cut()
    page.locator("#status").get_by_text("The connection to Breathwise was lost: try again.").wait_for()
    assert "Example: healthy runner" in page.locator("#findings").inner_text()
    line.mend()
    slowly(page, -1)
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n", encoding="utf-8")
    page.locator("input[type=file]").first.set_input_files([record])
    page.locator("#status").get_by_text("Read: Okapi, no curve.").wait_for()


def test_a_reload_in_mid_answer_begins_an_empty_page(page: Page) -> None:
    choose(page, "Healthy runner")
    HOLDING.set()
    send(page, "Am I well?")
    in_mid_answer(page)
    page.reload()
    HOLDING.clear()
    page.get_by_text("Choose a patient, then ask.").wait_for()
    assert "healthy runner" not in page.locator("#findings").inner_text()
    send(page, "Am I well?")
    page.locator("#said").get_by_text("Choose an example or upload a record first.").wait_for()
    choose(page, "Mild obstruction")
    send(page, "Am I well now?")
    answered(page, "Am I well now?")


def test_the_back_button_leads_to_an_empty_page_and_never_to_another_patient(page: Page, address: str) -> None:
    choose(page, "Healthy runner")
    page.goto(f"{address}healthz")
    page.go_back()
    page.get_by_text("Choose a patient, then ask.").wait_for()
    assert "Example:" not in page.locator("body").inner_text().replace("Example patient", "")


def test_a_question_sent_twice_is_answered_once(page: Page) -> None:
    choose(page, "Healthy runner")
    HOLDING.set()
    send(page, "Am I well?")
    page.get_by_role("button", name="Ask", exact=True).click()
    in_mid_answer(page)
    send(page, "Am I well?")  # nothing else is said now, so what this is told stays
    page.locator("#said").get_by_text("One answer at a time").wait_for()
    HOLDING.clear()
    answered(page, "Am I well?")
    assert page.locator("#chat").get_by_text("It is a slow answer to").count() == 1


def test_stopped_at_once_says_what_there_was_and_the_next_question_is_answered(page: Page) -> None:
    choose(page, "Healthy runner")
    HOLDING.set()
    send(page, "Am I well?")
    page.locator("#said").get_by_text("Answering").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#chat").get_by_text("(stopped)").wait_for()
    HOLDING.clear()
    send(page, "And now?")
    answered(page, "And now?")


def test_another_patient_in_mid_answer_takes_the_whole_page(page: Page, tmp_path: Path) -> None:
    choose(page, "Healthy runner")
    HOLDING.set()
    send(page, "Am I well?")
    in_mid_answer(page)
    record = tmp_path / "record.csv"
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n", encoding="utf-8")
    page.locator("input[type=file]").first.set_input_files([record])
    page.locator("#status").get_by_text("Read: Okapi, no curve.").wait_for()
    HOLDING.clear()
    page.wait_for_timeout(2500)  # time in which words of the answer before would come back
    body = page.locator("body").inner_text()
    assert "Okapi" in body and "healthy runner" not in body.lower().replace("healthy runner\n", "") and "Am I well?" not in page.locator("#chat").inner_text()
    send(page, "Am I well now?")
    answered(page, "Am I well now?")
