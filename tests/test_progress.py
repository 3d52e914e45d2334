"""Whatever takes longer than half a second says what is under way, in the page and beside what was done; measured in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from assistant.interface import arrivals, departures, library_panel, talk
from assistant.session import Session
from tests.test_browser import browser, choose, fill, visit  # noqa: F401
from tests.test_connection import HOLDING, MOBILE_BYTES_S, READING_HELD, WAIT_MS, Slow, line, page, send, serve, slowly, wait_while  # noqa: F401

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
# The clock starts with what the visitor does and stops when a line of status shows other words than before. It counts half a second of the page's own
# time, in 25 steps of 20 ms: where the machine is busy its steps take longer, as everything else does.
CLOCK = """place => {
  const home = document.querySelector(place), before = home.innerText.trim(); let start = 0, late = false; window.took = null;
  const step = left => left ? setTimeout(step, 20, left - 1) : late = true;
  const go = () => { if (!start) step(25); start ||= performance.now(); };
  for (const act of ["click", "change", "keydown"]) document.addEventListener(act, go, {capture: true, once: true});
  new MutationObserver((_, watch) => {
    const now = home.innerText.trim();
    if (start && now && now !== before) { window.took = [late, performance.now() - start, now]; watch.disconnect(); }
  }).observe(home, {childList: true, subtree: true, characterData: true, attributes: true}); }"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A page that is patient with its connection: a machine that is busy for seconds must not look like a lost line."""
    yield from serve(Slow())


@pytest.fixture
def held() -> Iterator[None]:
    """Nothing that reads, measures, searches or writes comes to an end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(departures.report, "check_suffix", lambda _: slow_report)
        READING_HELD.set()
        HOLDING.set()
        yield
        READING_HELD.clear()
        HOLDING.clear()


def slow_report(_: Session) -> bytes:
    wait_while(READING_HELD)
    return b"%PDF-"


def words_after(page: Page, place: str, act: Callable[[], Any]) -> str:  # noqa: F811
    """What a line of status says first after something was done; it must say so soon."""
    page.evaluate(CLOCK, place)
    act()
    page.wait_for_function("() => window.took", timeout=WAIT_MS)
    late, took, said = page.evaluate("window.took")
    assert not late, (took, said)
    return str(said)


def says(page: Page, place: str, words: str) -> None:  # noqa: F811
    """A line of status says these words now or soon; what it said instead is what a failure prints."""
    try:
        page.locator(place).get_by_text(words).wait_for()
    except PlaywrightTimeout:
        raise AssertionError(f"{place} says {page.locator(place).inner_text()!r}") from None


def pick(page: Page, label: str) -> None:  # noqa: F811
    page.get_by_role("option", name=label).click()


def test_an_example_and_files_say_at_once_that_they_are_read(page: Page, held: None, tmp_path: Path) -> None:  # noqa: F811
    page.get_by_label("Example patient (made up)").click()
    said = words_after(page, "#status", lambda: pick(page, "Healthy runner"))
    assert said in (arrivals.READING, "Waiting for Breathwise...")
    says(page, "#status", arrivals.READING)
    READING_HELD.clear()
    says(page, "#status", "Read: Example")
    READING_HELD.set()
    record = tmp_path / "record.csv"
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n", encoding="utf-8")
    words_after(page, "#status", lambda: page.locator("input[type=file]").first.set_input_files([record]))
    says(page, "#status", arrivals.READING)


def test_files_that_take_their_time_on_the_way_say_that_they_are_sent(page: Page, tmp_path: Path) -> None:  # noqa: F811
    slowly(page, MOBILE_BYTES_S // 4)
    record = tmp_path / "record.csv"
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n" + "\n" * 300_000, encoding="utf-8")
    said = words_after(page, "#status", lambda: page.locator("input[type=file]").first.set_input_files([record]))
    assert said == "Sending the files..."
    says(page, "#status", "Read: Okapi, no curve.")


def test_a_correction_a_question_and_a_report_say_at_once_what_is_done(page: Page, held: None) -> None:  # noqa: F811
    READING_HELD.clear()
    choose(page, "Healthy runner")
    page.wait_for_timeout(500)
    READING_HELD.set()
    words_after(page, "#said", lambda: send(page, "Am I well?"))
    says(page, "#said", talk.ANSWERING)
    words_after(page, "#status", page.get_by_role("button", name="PDF", exact=True).click)
    says(page, "#status", "Writing the report as PDF...")
    page.locator("#correct button.label-wrap").first.click()
    fill(page, "Age", "44")
    words_after(page, "#corrected", page.get_by_role("button", name="Measure again").click)
    says(page, "#corrected", arrivals.MEASURING)


def test_a_search_says_at_once_that_it_searches(page: Page, held: None) -> None:  # noqa: F811
    page.locator("#library button.label-wrap").first.click()
    page.get_by_placeholder("Search the guideline passages").fill("inhaler technique")
    words_after(page, "#library-said", lambda: page.keyboard.press("Enter"))
    says(page, "#library-said", library_panel.SEARCHING)


def test_who_waits_until_others_are_read_is_told_so(browser: Browser, page: Page, address: str, held: None) -> None:  # noqa: F811
    others = [visit(browser, address, width=1024)[0] for _ in range(2)]
    for one in others:
        one.set_default_timeout(WAIT_MS)
        one.get_by_label("Example patient (made up)").click()
        pick(one, "Mild obstruction")
        says(one, "#status", arrivals.READING)
    page.get_by_label("Example patient (made up)").click()
    assert words_after(page, "#status", lambda: pick(page, "Healthy runner")) == "Waiting for Breathwise..."
    READING_HELD.clear()
    says(page, "#status", "Read: Example: healthy runner")
    for one in others:
        one.context.close()
