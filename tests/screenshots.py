"""The README's pictures of the page: ``python -m tests.screenshots`` opens example patients in Chromium, one picture per panel and a short film."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import Assistant
from assistant.interface.server import launch
from tests.conftest import ROOT
from tests.test_browser import CHROMIUM, FLAGS, SLOW, ask, choose, finished, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIGURES = ROOT / "assets" / "figures"
LARGEST, LARGEST_FILM = 300_000, 1_500_000  # bytes
# a panel's picture: what is shown, and the accordion to open first
PANELS = {
    "panel_quality": "#quality", "panel_curves": "#curves", "panel_numbers": "#numbers", "panel_z_scores": "#bars", "panel_correct": "#correct",
    "panel_blows": "#blows", "panel_patient": "#patient", "panel_risks": "#risks", "panel_seen": "#seen", "panel_library": "#library", "panel_chat": "#chat",
}  # fmt: skip
CLOSED = ("#correct", "#blows", "#seen", "#library")


@contextmanager
def served() -> Iterator[tuple[Browser, str]]:
    """A browser and the address of a page."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app, url, _ = launch(Assistant.load(), host="127.0.0.1", port=port, block=False)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium, url
        chromium.close()
    app.blocks.close() if hasattr(app, "blocks") else None


def keep(raw: bytes, out: Path) -> Path:
    """A picture with all its colours (fewer turn small marks into another hue), unless that is more than 300 kB, as a page of text is."""
    from PIL import Image

    out.parent.mkdir(parents=True, exist_ok=True)
    shot = Image.open(io.BytesIO(raw)).convert("RGB")
    shot.save(out, optimize=True)
    if out.stat().st_size > LARGEST:
        shot.quantize(128).save(out, optimize=True)
    if out.stat().st_size > LARGEST:
        raise SystemExit(f"{out.name} has {out.stat().st_size} bytes; at most {LARGEST}")
    return out


def pictures(browser: Browser, url: str, folder: Path = FIGURES) -> list[Path]:
    """The whole page, light and dark and on a telephone, then one picture of every panel."""
    made = []
    for name, width, height, scheme in (("page", 1280, 1000, "light"), ("page_dark", 1280, 1000, "dark"), ("page_phone", 390, 844, "light")):
        page, faults = visit(browser, url, width=width, height=height, scheme=scheme)
        choose(page, "Mild obstruction")
        ask(page, "Should I exercise?")
        if name != "page_phone":
            page.locator("#chat a.bw-chip").first.click() if name == "page_dark" else None
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)
        made.append(keep(page.screenshot(timeout=SLOW), folder / f"{name}.png"))
        if name == "page":
            made += panels(page, folder)
        page.close()
        if faults:
            raise SystemExit(f"{name}: {faults}")
    return made


def panels(page: Page, folder: Path) -> list[Path]:
    """One picture of each panel of an open patient."""
    for place in CLOSED:
        page.locator(f"{place} button.label-wrap").first.click()
    page.get_by_placeholder("Search the guideline passages").fill("inhaler technique")
    page.keyboard.press("Enter")
    page.locator("#found a").first.wait_for(timeout=SLOW)
    page.wait_for_timeout(500)
    return [keep(page.locator(place).first.screenshot(timeout=SLOW), folder / f"{name}.png") for name, place in PANELS.items()]


def film(browser: Browser, url: str, out: Path = FIGURES / "session.gif") -> Path:
    """A session in a few frames: start, patient, an answer as it grows, its passage, a correction. At most 1.5 MB."""
    from PIL import Image

    page, _ = visit(browser, url, width=1180, height=820)
    frames: list[tuple[Image.Image, int]] = []

    def take(milliseconds: int) -> None:
        shot = Image.open(io.BytesIO(page.screenshot(timeout=SLOW))).convert("RGB").resize((885, 615), Image.Resampling.LANCZOS)
        frames.append((shot, milliseconds))

    take(1200)
    choose(page, "Mild obstruction")
    page.wait_for_timeout(800)
    take(2200)
    page.set_default_timeout(SLOW)
    box = page.get_by_placeholder("Ask about this patient")
    for words in ("Should I", "Should I exercise?"):
        box.fill(words)
        take(500)
    box.press("Enter")
    for _ in range(3):
        page.wait_for_timeout(150)
        take(300)
    finished(page)
    take(2400)
    page.locator("#chat a.bw-chip").first.click()
    page.wait_for_timeout(300)
    take(2600)
    page.keyboard.press("Escape")
    page.locator("#correct button.label-wrap").first.click()
    page.wait_for_timeout(600)
    take(1600)
    page.locator("#after input[type=checkbox]").last.check()
    page.get_by_role("button", name="Measure again").click()
    page.locator("#corrected").get_by_text("Measured again").wait_for(timeout=SLOW)
    page.wait_for_timeout(600)
    take(2600)
    palette = frames[1][0].quantize(256, kmeans=2)
    small = [shot.quantize(256, palette=palette, dither=Image.Dither.NONE) for shot, _ in frames]
    small[0].save(out, save_all=True, append_images=small[1:], duration=[time for _, time in frames], loop=0, optimize=True)
    if out.stat().st_size > LARGEST_FILM:
        raise SystemExit(f"{out.name} has {out.stat().st_size} bytes; at most {LARGEST_FILM}")
    page.close()
    return out


if __name__ == "__main__":
    only = sys.argv[1:]
    with served() as (browser, url):
        for path in [*(pictures(browser, url) if only != ["film"] else []), *([film(browser, url)] if only != ["pictures"] else [])]:
            print(path.relative_to(ROOT), path.stat().st_size)
