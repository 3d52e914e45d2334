"""The README's pictures of the page: ``python -m tests.screenshots`` opens an example patient in Chromium and asks one question."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from assistant import Assistant
from assistant.interface.server import launch
from tests.conftest import ROOT
from tests.test_browser import CHROMIUM, FLAGS, ask, choose, visit

LARGEST = 300_000  # bytes


def picture(out: Path, *, width: int = 1280, height: int = 1180, scheme: str = "light", label: str = "Mild obstruction") -> Path:
    """One picture of the page, an example patient opened and one question answered; at most 300 kB."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app, url, _ = launch(Assistant.load(), host="127.0.0.1", port=port, block=False)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page, faults = visit(chromium, url, width=width, height=height, scheme=scheme)
        choose(page, label)
        ask(page, "Explain my result")
        page.locator("details summary").first.click() if page.locator("#talk details summary").count() else None
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)
        out.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=out, timeout=120_000)
        chromium.close()
    if out.stat().st_size > LARGEST:
        Image.open(out).convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(out, optimize=True)
    if faults or out.stat().st_size > LARGEST:
        raise SystemExit(f"{out.name}: {faults or 'larger than 300 kB'}")
    app.blocks.close() if hasattr(app, "blocks") else None
    return out


if __name__ == "__main__":
    print(picture(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets" / "figures" / "page.png"))
