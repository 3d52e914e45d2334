"""A real Chromium whose visitor sends what nobody should, or whose machine fails: the one sentence that they read, and what still works."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assistant.interface import faults
from assistant.measuring_only import MeasuringOnly
from assistant.settings import Settings
from tests.test_browser import browser, choose, visit  # noqa: F401
from tests.test_connection import HOLDING, WAIT_MS, address, answered, in_mid_answer, line, page, send, serve  # noqa: F401
from tests.test_interface import write_bomb, write_many, write_script

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SCRIPT = "<script>window.struck = 1</script><img src=x onerror='window.struck = 1'>"


def drop(page: Page, *files: Path) -> None:  # noqa: F811
    page.locator("input[type=file]").first.set_input_files(list(files))


@pytest.mark.parametrize(("make", "said"), [(write_bomb, "100 MB"), (write_many, "at most 30"), (write_script, "female or male")])
def test_files_that_cannot_be_read_are_one_sentence_and_the_patient_stays(make: Any, said: str, page: Page, tmp_path: Path) -> None:  # noqa: F811
    choose(page, "Healthy runner")
    drop(page, *make(tmp_path))
    page.locator("#status").get_by_text(said).wait_for()
    words = page.locator("#status").inner_text()
    assert words.startswith("⚠") and "The patient that was open still is." in words
    assert "Example: healthy runner" in page.locator("#findings").inner_text()
    send(page, "Am I well?")
    answered(page, "Am I well?")


def test_html_and_script_in_names_cells_and_questions_run_nothing(page: Page, tmp_path: Path) -> None:  # noqa: F811
    record = tmp_path / "<img src=x onerror=window.struck=1>.csv"
    record.write_text(f'name,sex,age,symptoms,conditions\n"{SCRIPT}",female,50,"{SCRIPT} cough","asthma,{SCRIPT}"\n', encoding="utf-8")
    drop(page, record)
    page.locator("#status").get_by_text("Read: <script>").wait_for()
    send(page, f"Am I {SCRIPT} well?")
    page.locator("#chat").get_by_text("It is a slow answer to").wait_for()
    assert page.evaluate("window.struck") is None
    assert page.locator("#patient img, #chat .message img[src=x], #status img").count() == 0


def test_a_model_that_raises_is_one_sentence_with_the_question_in_the_box(page: Page) -> None:  # noqa: F811
    choose(page, "Healthy runner")
    send(page, "Does it fail?")
    page.locator("#said").get_by_text(faults.SORRY.removeprefix("⚠ ")).wait_for()
    assert page.get_by_placeholder("Ask about this patient").input_value() == "Does it fail?"
    send(page, "Am I well?")
    answered(page, "Am I well?")


def test_a_disk_that_is_full_while_files_come_in_is_one_sentence(page: Page, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:  # noqa: F811
    def full(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, "no space left on device", "Zebra.csv")

    choose(page, "Healthy runner")
    record = tmp_path / "record.csv"
    record.write_text("name,sex,age,height_cm\nOkapi,female,50,165\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradio.route_utils.NamedTemporaryFile", full)
        drop(page, record)
        page.locator("#status").get_by_text("no memory or disk space left").wait_for()
    assert "Example: healthy runner" in page.locator("#findings").inner_text()
    assert "Zebra" not in caplog.text and "OSError" in caplog.text
    drop(page, record)
    page.locator("#status").get_by_text("Read: Okapi, no curve.").wait_for()


def test_a_visitor_who_waits_reads_their_place_in_line(browser: Browser, page: Page, address: str) -> None:  # noqa: F811
    other, _ = visit(browser, address, width=1024)
    other.set_default_timeout(WAIT_MS)
    for one in (page, other):
        choose(one, "Healthy runner")
    HOLDING.set()
    send(page, "Am I well?")
    in_mid_answer(page)
    send(other, "And I?")
    other.locator("#said").get_by_text("One person is before you.").wait_for()
    HOLDING.clear()
    answered(other, "And I?")
    other.context.close()


@pytest.fixture(scope="module")
def wordless() -> Iterator[str]:
    yield from serve(MeasuringOnly(Settings(), "The language model was not loaded: model.safetensors was cut; restore it from the repository."))


def test_without_its_language_model_the_page_says_the_cure_and_measures_draws_and_reports(browser: Browser, wordless: str) -> None:  # noqa: F811
    page, found = visit(browser, wordless, width=1024)  # noqa: F811
    page.set_default_timeout(WAIT_MS)
    page.locator("#cure").get_by_text("restore it from the repository").wait_for()
    choose(page, "Mild obstruction")
    for curve in ("#loop img", "#spirogram img"):
        page.locator(curve).wait_for()
    page.locator("#numbers").get_by_text("2.82").first.wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="PDF", exact=True).click()
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF-")
    send(page, "Explain my result")
    page.locator("#chat").get_by_text(re.compile("cannot be answered now.*restore it from the repository")).wait_for()
    assert found == []
