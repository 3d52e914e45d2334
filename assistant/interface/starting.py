"""From the command to the page: who may reach it, and words at its address while the models are still being read."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from assistant.settings import Settings
from encoders.faults import InputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAYING = "Reading the language model and the library."
ONCE = "This takes up to a minute; the first start also builds the library's index. The page opens by itself."
# nothing here is loaded or sent; the browser asks again until the page itself answers
WORDS = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2"><meta name="color-scheme" content="light dark"><title>Breathwise</title>
<style>body {{font-family: system-ui, sans-serif; max-width: 34rem; margin: 18vh auto; padding: 0 1.2rem; line-height: 1.5;}}</style></head>
<body><main><h1>Breathwise</h1><p role="status"><strong>{SAYING}</strong> {ONCE}</p>
<p>Research and education software. It states patterns and risks, never a diagnosis, a prescription or a dose.</p></main></body></html>"""


class ServingError(InputError):
    """A page that may not be opened like this. One plain sentence."""


def login_of(settings: Settings, host: str, *, on_space: bool) -> tuple[str, str] | None:
    """User and password, or None where nobody else can reach the page. Raises ServingError for an address open to others without them."""
    if bool(settings.user) != bool(settings.password):
        raise ServingError("a login needs both BREATHWISE_USER and BREATHWISE_PASSWORD; set the other one too, or neither")
    if settings.user and settings.password:
        return settings.user, settings.password
    if host not in LOOPBACK and not on_space:
        raise ServingError(f"the page would be open to others at {host} without a login; set BREATHWISE_USER and BREATHWISE_PASSWORD, or use 127.0.0.1")
    return None


class _Words(BaseHTTPRequestHandler):
    """The same words at every address, as not yet there (503), and no log."""

    def do_GET(self) -> None:
        health = self.path.startswith("/healthz")
        body = (b'{"status": "starting"}' if health else WORDS.encode()) if self.command != "HEAD" else b""
        self.send_response(503)
        for name, value in (
            ("Content-Type", "application/json" if health else "text/html; charset=utf-8"), ("Content-Length", str(len(body))), ("Retry-After", "2"),
            ("Cache-Control", "no-store"), ("X-Frame-Options", "DENY"), ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def words_at(host: str, port: int) -> Iterator[None]:
    """Answer at an address in words until the page takes it over. Raises ServingError where another program has the port, or nothing can listen."""
    try:
        server = ThreadingHTTPServer((host, port), _Words)
    except OSError as error:
        raise ServingError(
            f"port {port} at {host} cannot be used ({error.strerror}); choose another with --port or BREATHWISE_PORT, or the address 127.0.0.1"
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def open_page(settings: Settings, *, host: str, port: int) -> None:
    """Read the models and serve the page; meanwhile the terminal and the address itself say what is under way."""
    on_space = bool(os.environ.get("SPACE_ID"))
    login_of(settings, host, on_space=on_space)
    print(f"Breathwise (research and education only) opens at http://{host}:{port}. {SAYING} {ONCE}", file=sys.stderr, flush=True)
    with words_at("0.0.0.0" if on_space else host, port):
        from assistant.interface import zero_gpu  # noqa: F401 - on a Space with borrowed GPUs its package comes before torch
        from assistant.interface.server import launch
        from assistant.measuring_only import load

        assistant = load(settings)
    launch(assistant, host=host, port=port)
