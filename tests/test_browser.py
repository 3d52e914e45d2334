"""The page in a real Chromium, as a visitor uses it."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assistant.interface.server import launch
from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from assistant import Assistant

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split()
PATIENTS = ROOT / "assets" / "patients"
SLOW = 120_000  # milliseconds a busy machine may take


@pytest.fixture(scope="module")
def address(assistant: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    os.environ["BREATHWISE_FEEDBACK_FILE"] = str(tmp_path_factory.mktemp("feedback") / "feedback.jsonl")
    assistant.settings = type(assistant.settings)()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app, url, _ = launch(assistant, host="127.0.0.1", port=port, block=False)
    yield url
    app.blocks.close() if hasattr(app, "blocks") else None
    del os.environ["BREATHWISE_FEEDBACK_FILE"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.is_file():
        pytest.skip("Debian's chromium is not installed (apt-get install chromium)")
    with sync.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pages that a test has left are closed: each would go on asking for signs of life, and slow the next ones down."""
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()


def visit(browser: Browser, address: str, *, width: int = 1440, height: int = 1000, scheme: Any = "light") -> tuple[Page, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    page.get_by_text("Choose a patient, then ask.").wait_for(timeout=SLOW)
    return page, faults


def choose(page: Page, label: str) -> None:
    page.get_by_label("Example patient (made up)").click()
    page.get_by_role("option", name=label).click()
    page.get_by_text(re.compile("Quality: FEV1|No usable blow")).wait_for(timeout=SLOW)


def ask(page: Page, question: str) -> str:
    """The last answer's text once it is finished."""
    before = page.locator(".bot.message, .message.bot").count()
    box = page.get_by_placeholder("Ask about this patient")
    box.fill(question)
    box.press("Enter")
    page.wait_for_function("n => document.querySelectorAll('.bot.message, .message.bot').length > n", arg=before, timeout=SLOW)
    finished(page)
    return str(page.locator(".bot.message, .message.bot").last.inner_text())


def finished(page: Page) -> None:
    """Wait until the answer is there."""
    page.wait_for_function("() => !document.querySelector('#said').innerText.includes('Answering')", timeout=SLOW)
    page.wait_for_timeout(400)


def demo_blow() -> Path:
    public = ROOT.parent / "shared" / "data" / "ukb_3066_demo_string.txt"
    return public if public.is_file() else PATIENTS / "severe_obstruction" / "spirogram.txt"


def fill(page: Page, label: str, value: str) -> None:
    """As a person does, who sees what the field holds: what is typed before Gradio has filled a form that opens is overwritten by it."""
    field = page.get_by_label(label, exact=True)
    for _ in range(20):
        field.fill(value)
        page.wait_for_timeout(300)
        if field.input_value() == value:
            return
    raise AssertionError(f"{label} stays {field.input_value()}")


def test_a_visitor_uploads_a_blow_and_asks_two_questions(browser: Browser, address: str, tmp_path: Path) -> None:
    page, faults = visit(browser, address)
    record = tmp_path / "record.csv"
    record.write_text("field,value\nsex,male\nage,45\nheight_cm,183\nsmoking,never\nblood pressure,124/78\n", encoding="utf-8")
    page.locator("input[type=file]").first.set_input_files([record, demo_blow()])
    page.get_by_text("Quality: FEV1").wait_for(timeout=SLOW)
    for curve in ("#loop img", "#spirogram img"):
        page.locator(curve).wait_for(timeout=SLOW)
    if "ukb" in demo_blow().name:
        page.locator("#numbers").get_by_text("4.68").first.wait_for(timeout=SLOW)
        assert "5.84" in page.locator("#numbers").inner_text()
    first = ask(page, "Explain my result")
    assert "FEV1" in first
    second = ask(page, "Should I exercise?")
    assert len(second) > 30
    assert second != first
    assert faults == []


def test_two_visitors_never_see_each_others_patient(browser: Browser, address: str) -> None:
    one, _ = visit(browser, address)
    two, _ = visit(browser, address)
    choose(one, "Healthy runner")
    choose(two, "Severe obstruction")
    for page, own, other in ((one, "healthy runner", "severe obstruction"), (two, "severe obstruction", "healthy runner")):
        answer = ask(page, "Explain my result")
        body = page.locator("body").inner_text()
        assert f"Example: {own}" in body
        assert f"Example: {other}" not in body
        assert answer
    three, _ = visit(browser, address)
    assert "Example:" not in three.locator("body").inner_text()


def test_a_plot_comes_into_the_chat_and_thumbs_stay_on_this_machine(browser: Browser, address: str) -> None:
    page, faults = visit(browser, address)
    choose(page, "Mild obstruction")
    ask(page, "show me the flow-volume loop")
    page.locator("#chat .message img").first.wait_for(timeout=SLOW)
    page.get_by_role("button", name="Like", exact=True).first.click()
    page.locator("#said").get_by_text("stays on this machine").wait_for(timeout=SLOW)
    kept = Path(os.environ["BREATHWISE_FEEDBACK_FILE"]).read_text(encoding="utf-8")
    assert "obstruction" not in kept
    assert faults == []


def test_the_last_question_is_changed_in_place_and_the_library_opens_a_passage(browser: Browser, address: str) -> None:
    page, faults = visit(browser, address)
    choose(page, "Healthy runner")
    ask(page, "What is FEV1?")
    page.locator('#chat button[aria-label="Edit"]').last.click()
    page.locator("#chat textarea").fill("What is FVC?")
    page.locator('#chat button[aria-label="Submit"]').click()
    page.locator("#chat").get_by_text("What is FVC?").wait_for(timeout=SLOW)
    finished(page)
    assert "What is FEV1?" not in page.locator("#chat").inner_text()
    page.get_by_role("button", name="Library").click()
    page.get_by_placeholder("Search the guideline passages").fill("inhaler technique")
    page.keyboard.press("Enter")
    page.locator("#found a").first.click(timeout=SLOW)
    assert "inhaler" in page.locator("#passage").inner_text().lower()
    assert faults == []


def test_a_red_flag_is_answered_at_once_and_a_bad_file_keeps_the_patient(browser: Browser, address: str, tmp_path: Path) -> None:
    page, faults = visit(browser, address)
    choose(page, "Healthy runner")
    assert "emergency" in ask(page, "I have crushing chest pain").lower()
    picture = tmp_path / "photo.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    page.locator("input[type=file]").first.set_input_files([picture])
    page.locator("#status").get_by_text("⚠").wait_for(timeout=SLOW)
    assert "Example: healthy runner" in page.locator("body").inner_text()
    assert faults == []


def test_clear_regenerate_and_export(browser: Browser, address: str) -> None:
    page, faults = visit(browser, address)
    choose(page, "Possible restriction")
    ask(page, "How good was the test?")
    page.get_by_role("button", name="Regenerate").click()
    page.wait_for_timeout(1500)
    finished(page)
    with page.expect_download(timeout=SLOW) as saved:
        page.get_by_role("button", name="Export").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert "How good was the test?" in text
    assert "Research and education" in text
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Choose a patient, then ask.").wait_for(timeout=SLOW)
    assert faults == []


def complaints(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical: the rule, and where."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['target']}" for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_the_whole_way_through_is_accessible_and_fits(browser: Browser, address: str, width: int, scheme: str) -> None:
    page, faults = visit(browser, address, width=width, height=844, scheme=scheme)
    page.set_default_timeout(SLOW)
    found = complaints(page)
    choose(page, "Missing data")
    paper: Any = page.locator("#loop img").evaluate(CORNER)
    assert (paper > 200) == (scheme == "light"), "the plots follow the page"
    fill(page, "Height", "160")
    page.get_by_role("button", name="Measure again").click()
    page.locator("#corrected").get_by_text("height is 160.0 cm").wait_for()
    page.locator("#numbers").get_by_text("GLI Global 2022").first.wait_for()
    assert len(ask(page, "Should I exercise?")) > 30
    chip = page.locator("#chat a.bw-chip").first
    chip.focus()
    page.keyboard.press("Enter")
    sheet = page.locator("#passage")
    assert all(part in sheet.inner_text() for part in ("Source", "Date", "https://"))
    box = sheet.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert found + complaints(page) == []
    wide: Any = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    page.keyboard.press("Escape")
    assert sheet.is_hidden()
    assert page.evaluate("document.activeElement.className") == "bw-chip", "closing goes back to the chip"
    page.get_by_role("button", name="Delete now").click()
    page.locator("#status").get_by_text("deleted here").wait_for()
    assert page.locator("#shelf article").count() == 0
    assert faults == []


# how bright a picture's corner is, 0 to 255
CORNER = """async image => { await image.decode(); const canvas = document.createElement("canvas"); canvas.width = canvas.height = 4;
  const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0); return pen.getImageData(1, 1, 1, 1).data[0]; }"""


def test_nothing_is_asked_of_another_address_and_nothing_is_stored_in_the_browser(browser: Browser, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    refused: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
    page.goto(address)
    page.get_by_text("Choose a patient, then ask.").wait_for(timeout=SLOW)
    choose(page, "Mild obstruction")
    ask(page, "Explain my result")
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert refused == []
    kept: Any = page.evaluate("async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length]")
    assert kept == [0, 0, "", 0]


def test_a_report_is_taken_out_opened_again_and_everything_deleted(browser: Browser, address: str, tmp_path: Path) -> None:
    page, faults = visit(browser, address)
    choose(page, "Pre and post")
    ask(page, "How good was the test?")
    starts = {"PDF": b"%PDF-", "Markdown": b"# Breathwise report", "JSON": b"{", "FHIR": b"{"}
    for kind, start in starts.items():
        with page.expect_download(timeout=SLOW) as saved:
            page.get_by_role("button", name=kind, exact=True).click()
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
        assert (tmp_path / saved.value.suggested_filename).read_bytes().startswith(start)
    page.get_by_role("button", name="Delete now").click()
    page.get_by_text("Everything about this patient was deleted here.").wait_for(timeout=SLOW)
    patient, talk = page.get_by_text("Example: before and after a bronchodilator", exact=True), page.locator("[aria-label*=onversation]").first
    patient.wait_for(state="hidden", timeout=SLOW)
    talk.get_by_text("How good was the test?").wait_for(state="hidden", timeout=SLOW)
    assert "Example: before and after a bronchodilator" not in page.locator("body").inner_text()
    page.locator("input[type=file]").first.set_input_files([tmp_path / "breathwise-report.json"])
    page.get_by_text("with 1 earlier question").wait_for(timeout=SLOW)
    patient.wait_for(timeout=SLOW)
    talk.get_by_text("How good was the test?").wait_for(timeout=SLOW)
    assert list(Path(os.environ["GRADIO_TEMP_DIR"]).iterdir()) == []
    assert faults == []


def test_a_second_tab_is_told_and_a_huge_file_is_refused_in_one_sentence(browser: Browser, address: str, tmp_path: Path) -> None:
    page, faults = visit(browser, address)
    other = page.context.new_page()
    other.goto(address)
    other.get_by_text("Breathwise is open in another tab too").wait_for(timeout=SLOW)
    other.close()
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(200_000_000)
    choose(page, "Healthy runner")
    page.locator("input[type=file]").first.set_input_files([tmp_path / "large.csv"])
    page.locator("#status").get_by_text("larger than the 20 MB that are taken; drop a smaller file").wait_for(timeout=SLOW)
    assert "Example: healthy runner" in page.locator("body").inner_text()
    assert faults == []


def test_the_whole_way_can_be_gone_by_keyboard(browser: Browser, address: str) -> None:
    page, faults = visit(browser, address)
    page.get_by_label("Example patient (made up)").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("Quality: FEV1|No usable blow")).wait_for(timeout=SLOW)
    page.get_by_placeholder("Ask about this patient").focus()
    page.keyboard.type("What is FEV1?")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Ask"
    page.keyboard.press("Enter")
    page.locator(".bot.message, .message.bot").first.wait_for(timeout=SLOW)
    assert faults == []


def test_health_is_shown_with_versions(address: str) -> None:
    found: dict[str, Any] = {"status": "starting"}
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{address}healthz", timeout=10) as answer:
                found = json.load(answer)
                break
        except urllib.error.HTTPError:  # 503 while it is still being tried
            time.sleep(0.5)
    assert found["status"] == "ok"
    assert found["checks"]["reference"]["said"] == "z -1.645"
    assert found["versions"]["gradio"]
