"""Whatever takes longer than half a second says what is under way, in the page and beside what was done; measured in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assistant.interface import arrivals, departures, library_panel, talk
from tests.test_browser import browser, choose, visit  # noqa: F401
from tests.test_connection import HOLDING, READING_HELD, WAIT_MS, address, line, page, send  # noqa: F401

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SOON_MS = 500
# the clock starts with what the visitor does and stops when a line of status shows other words than before
CLOCK = """place => {
  const home = document.querySelector(place), before = home.innerText.trim(); let start = 0; window.took = null;
  const go = () => { start ||= performance.now(); };
  for (const act of ["click", "change", "keydown"]) document.addEventListener(act, go, {capture: true, once: true});
  new MutationObserver((_, watch) => {
    const now = home.innerText.trim();
    if (start && now && now !== before) { window.took = [performance.now() - start, now]; watch.disconnect(); }
  }).observe(home, {childList: true, subtree: true, characterData: true, attributes: true}); }"""


@pytest.fixture
def held() -> Iterator[None]:
    """Nothing that reads, measures, searches or writes comes to an end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(departures.report, "check_suffix", lambda _: lambda __: (READING_HELD.wait(0), _wait())[1])
        READING_HELD.set()
        HOLDING.set()
        yield
        READING_HELD.clear()
        HOLDING.clear()


def _wait() -> bytes:
    from tests.test_connection import wait_while

    wait_while(READING_HELD)
    return b"%PDF-"


def words_after(page: Page, place: str, act: Callable[[], Any]) -> str:  # noqa: F811
    """What a line of status says first after something was done; it must say so soon."""
    page.evaluate(CLOCK, place)
    act()
    page.wait_for_function("() => window.took", timeout=WAIT_MS)
    took, said = page.evaluate("window.took")
    assert took < SOON_MS, (took, said)
    return str(said)


def pick(page: Page, label: str) -> None:  # noqa: F811
    page.get_by_role("option", name=label).click()


def test_an_example_and_files_say_at_once_that_they_are_read(page: Page, held: None, tmp_path: Path) -> None:  # noqa: F811
    page.get_by_label("Example patient (made up)").click()
    said = words_after(page, "#status", lambda: pick(page, "Healthy runner"))
    assert said in (arrivals.READING, "Waiting for Breathwise...")
    page.locator("#status").get_by_text(arrivals.READING).wait_for()
    READING_HELD.clear()
    page.locator("#status").get_by_text("Read: Example").wait_for()
    READING_HELD.set()
    record = tmp_path / "record.csv"
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n", encoding="utf-8")
    said = words_after(page, "#status", lambda: page.locator("input[type=file]").first.set_input_files([record]))
    page.locator("#status").get_by_text(arrivals.READING).wait_for()


def test_a_correction_a_question_and_a_report_say_at_once_what_is_done(page: Page, held: None) -> None:  # noqa: F811
    READING_HELD.clear()
    choose(page, "Healthy runner")
    page.wait_for_timeout(500)
    READING_HELD.set()
    said = words_after(page, "#said", lambda: send(page, "Am I well?"))
    page.locator("#said").get_by_text(talk.ANSWERING).wait_for()
    said = words_after(page, "#status", page.get_by_role("button", name="PDF", exact=True).click)
    page.locator("#status").get_by_text("Writing the report as PDF...").wait_for()
    page.locator("#correct button.label-wrap").first.click()
    page.get_by_label("Age", exact=True).fill("44")
    words_after(page, "#corrected", page.get_by_role("button", name="Measure again").click)
    page.locator("#corrected").get_by_text(arrivals.MEASURING).wait_for()
    assert said


def test_a_search_says_at_once_that_it_searches(page: Page, held: None) -> None:  # noqa: F811
    page.locator("#library button.label-wrap").first.click()
    page.get_by_placeholder("Search the guideline passages").fill("inhaler technique")
    words_after(page, "#library-said", lambda: page.keyboard.press("Enter"))
    page.locator("#library-said").get_by_text(library_panel.SEARCHING).wait_for()


def test_who_waits_until_others_are_read_is_told_so(browser: Browser, page: Page, address: str, held: None) -> None:  # noqa: F811
    others = [visit(browser, address, width=1024)[0] for _ in range(2)]
    for one in others:
        one.set_default_timeout(WAIT_MS)
        one.get_by_label("Example patient (made up)").click()
        pick(one, "Mild obstruction")
        one.locator("#status").get_by_text(arrivals.READING).wait_for()
    page.get_by_label("Example patient (made up)").click()
    assert words_after(page, "#status", lambda: pick(page, "Healthy runner")) == "Waiting for Breathwise..."
    READING_HELD.clear()
    page.locator("#status").get_by_text("Read: Example: healthy runner").wait_for()
    for one in others:
        one.context.close()
