"""Visitors of a served page without a browser: what a page's own script sends and gets, over HTTP."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assistant.interface import layout
from assistant.settings import Settings

WAIT_S = 600
PARCEL = re.compile(r'\{\\"name\\": \\"([^"\\]+)\\".*?\\"data\\": \\"([A-Za-z0-9+/=]*)\\"')  # a file on its way to the browser


def events() -> dict[str, int]:
    """The number under which each of the page's functions is called, by its name."""
    assistant: Any = SimpleNamespace(settings=Settings(), library=None, ask=None, describe=lambda: {"model": "", "device": "", "precision": "", "note": ""})
    return {event.fn.__name__: number for number, event in layout.build(assistant).fns.items() if event.fn is not None}


class Visitor:
    """One open page. ``seen`` is everything that was ever sent to it, ``taken`` the files that its browser would have kept, by their names."""

    def __init__(self, address: str, numbers: dict[str, int]) -> None:
        self.address, self.numbers, self.name, self.seen = address.rstrip("/"), numbers, secrets.token_hex(8), ""
        self.taken: dict[str, bytes] = {}

    def do(self, what: str, *given: Any) -> str:
        """Do one thing to its end; gives what was sent meanwhile. Raises AssertionError where the server failed."""
        sent = "".join(self.begin(what, *given))
        self.taken |= {name: base64.b64decode(data) for name, data in PARCEL.findall(sent)}
        assert '"msg":"process_completed"' in sent and '"success":false' not in sent, sent[-500:]
        return sent

    def begin(self, what: str, *given: Any) -> Iterator[str]:
        """The messages of one thing as they come; closing it is what a lost connection, a reload or a closed tab is."""
        body = {"fn_index": self.numbers[what], "data": list(given), "session_hash": self.name, "trigger_id": None, "event_data": None}
        event = json.loads(self._post("/gradio_api/queue/join", json.dumps(body).encode(), "application/json"))["event_id"]
        ended = False
        with urllib.request.urlopen(f"{self.address}/gradio_api/queue/data?session_hash={self.name}", timeout=WAIT_S) as stream:
            until = time.monotonic() + WAIT_S
            for line in stream:
                assert time.monotonic() < until, f"{what} did not end within {WAIT_S} s"
                if line.startswith(b"data:"):
                    self.seen += (message := line[5:].decode().strip())
                    yield message
                    ended = ended or ('"msg":"process_completed"' in message and event in message)
                    if '"msg":"close_stream"' in message or (ended and '"msg":"heartbeat"' in message):
                        return  # Gradio keeps a stream open on which an earlier event was given up

    def open_files(self, *files: Path) -> str:
        """Upload files and have them read."""
        mark = uuid.uuid4().hex
        parts = b"".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'.encode() + file.read_bytes() + b"\r\n" for file in files
        )
        paths = json.loads(self._post("/gradio_api/upload", parts + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"))
        given = [{"path": path, "orig_name": file.name, "meta": {"_type": "gradio.FileData"}} for path, file in zip(paths, files, strict=True)]
        return self.do("open_files", given, None, False)

    def ask(self, question: str) -> str:
        return self.do("answer", question, None)

    def _post(self, path: str, body: bytes, kind: str) -> bytes:
        request = urllib.request.Request(f"{self.address}{path}", body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return bytes(answer.read())
