"""A process that is killed (kill -9) leaves nothing of a patient and nothing broken: the next start is clean.

Run by hand with KILLS=20; without it each is tried twice.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_load import holding, planted
from tests.visitor import Visitor, events

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("KILLS", "2"))
READY_S = 900  # a busy machine may take long
BUILD = "from pathlib import Path; from assistant.retrieval import GuidelineLibrary; from assistant.settings import Settings; print(len(GuidelineLibrary.load(Settings(cache_dir=Path({cache!r}))).search('How do I stop smoking?').results))"


def world(folder: Path) -> dict[str, str]:
    """The environment of a process that may write below ``folder`` only."""
    for name in ("tmp", "home", "cache"):
        (folder / name).mkdir(exist_ok=True)
    own = {"TMPDIR": "tmp", "HOME": "home", "BREATHWISE_CACHE_DIR": "cache", "XDG_CACHE_HOME": "home", "XDG_DATA_HOME": "home"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BREATHWISE_", "GRADIO_"))}
    return {**kept, **{name: str(folder / below) for name, below in own.items()}, "BREATHWISE_REQUESTS_PER_MINUTE": "10000", "HF_HUB_OFFLINE": "1"}


@contextmanager
def page(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A served page in a process of its own, healthy; killed at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-m", "assistant.cli", "app", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=world(folder), stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(2 * READY_S):
            assert process.poll() is None, (folder / "log").read_text(errors="replace")[-2000:]
            with suppress(OSError, urllib.error.HTTPError), urllib.request.urlopen(f"{address}/healthz", timeout=60) as answer:
                assert json.load(answer)["status"] == "ok"
                break
            time.sleep(0.5)
        else:
            raise AssertionError("the page was not healthy in time")
        yield address, process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def in_mid_answer(address: str, process: subprocess.Popen[bytes], file: Path) -> None:
    visitor = Visitor(address, events())
    assert '"success":true' in visitor.open_files(file)
    coming = visitor.begin("answer", "Explain my result", None)
    for message in coming:
        if "process_generating" in message:
            break
    process.send_signal(signal.SIGKILL)


def in_mid_upload(address: str, process: subprocess.Popen[bytes], file: Path) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="record.csv"\r\n\r\n' + file.read_bytes() * 4000
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {2 * len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("act", [in_mid_answer, in_mid_upload])
def test_after_a_kill_the_next_start_is_healthy_and_nothing_of_the_patient_is_left(
    act: Callable[[str, subprocess.Popen[bytes], Path], None], tmp_path: Path
) -> None:
    (tmp_path / "upload").mkdir()
    place = tmp_path / "world"
    place.mkdir()
    words: list[str] = []
    for number in range(KILLS + 1):
        with page(place) as (address, process):
            assert holding(place, words) == []
            if number == KILLS:
                visitor = Visitor(address, events())
                visitor.do("open_example", "healthy_runner", None, False)
                assert '"success":true' in visitor.ask("Explain my result")
                break
            file, name, weight = planted(tmp_path / "upload", number)
            words = [name, weight]
            act(address, process, file)
            process.wait()


def test_after_a_kill_while_the_index_is_built_the_next_start_builds_it(tmp_path: Path) -> None:
    times: list[float] = []
    for number in range(KILLS):
        place = tmp_path / str(number)
        place.mkdir()
        command = [sys.executable, "-c", BUILD.format(cache=str(place / "cache"))]
        process = subprocess.Popen(command, cwd=ROOT, env=world(place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not list((place / "cache").glob("library-*/chroma.sqlite3")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.02 * number)  # a little later each time
        whole = bool(list((place / "cache").glob("library-*/complete")))
        process.send_signal(signal.SIGKILL)
        process.wait()
        times.append(float(whole))
        again = subprocess.run(command, cwd=ROOT, env=world(place), capture_output=True, text=True, check=True)
        assert int(again.stdout.split()[-1]) >= 1
        assert len(list((place / "cache").glob("library-*/complete"))) == 1
    assert sum(times) < len(times), "every kill came after the index was complete"
