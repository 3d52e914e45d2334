"""From the command to the page: words in the terminal and at the address, from the first second on."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from assistant.interface import starting
from assistant.settings import Settings
from tests.conftest import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at(port: int, path: str = "/", body: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_while_the_models_are_read_the_address_says_so_and_asks_again_by_itself() -> None:
    port = free_port()
    with starting.words_at("127.0.0.1", port):
        status, text = at(port)
        assert status == 503 and starting.SAYING in text and 'http-equiv="refresh"' in text
        assert "never a diagnosis" in text and "http:" not in text and "<script" not in text
        assert json.loads(at(port, "/healthz")[1]) == {"status": "starting"}
        assert at(port, "/gradio_api/queue/join", b"{}")[0] == 503, "what an open page sends again is not taken for an answer"
    with suppress(OSError):
        at(port)
        raise AssertionError("the address is free for the page")


def test_a_port_that_another_program_has_is_one_sentence_before_anything_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port} at 127.0.0.1 cannot be used .*choose another"):
            starting.open_page(Settings(), host="127.0.0.1", port=port)


def test_an_address_at_which_nothing_can_listen_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"port \d+ at ::1 cannot be used .*or the address 127.0.0.1"):
        starting.open_page(Settings(), host="::1", port=free_port())


def test_an_address_open_to_others_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    with pytest.raises(ValueError, match="BREATHWISE_PASSWORD"):
        starting.open_page(Settings(), host="0.0.0.0", port=free_port())


def test_the_command_says_at_once_what_is_under_way_and_then_opens_the_page(tmp_path: Path, cache: Path) -> None:
    port = free_port()
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "assistant.cli", "app", "--port", str(port)], cwd=ROOT, stdout=said, stderr=said)
    seen = []
    try:
        until = time.monotonic() + 300
        while time.monotonic() < until and (not seen or seen[-1] != 200):
            assert process.poll() is None, (tmp_path / "said").read_text(encoding="utf-8")
            with suppress(OSError):
                seen.append(at(port)[0])
            time.sleep(0.1)
        assert seen[0] == 503 and seen[-1] == 200, set(seen)
        assert starting.SAYING in (tmp_path / "said").read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()
