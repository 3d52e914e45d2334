"""What every request passes: size and rate are limited on the way in, security headers go on the way out."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.interface.faults import FULL, note, said

MB = 1_000_000
LARGEST_MESSAGE = 2 * MB  # a request that is no upload
FILES_TOGETHER = 5  # times the largest file: what one upload of several files may weigh
MOST_THROWN = 3  # times the limit: what of a refused request is taken before the answer; whoever sends more reads none
MOST_VISITORS = 10_000  # remembered for the rate; the one unseen longest is let go
COUNTED = ("/queue/join", "/upload", "/call/", "/run/", "/api/", "/login")
NO_FILES = "This public copy shows the examples only and takes no files; run Breathwise on your own machine for yours."
# What the page and the client library use of Gradio's API. The rest is closed: some of it writes a page's values to disk (deep_link), fetches
# what a visitor names (proxy, file=http...), runs programs on uploads (process_recording) or edits code (vibe-...).
OPEN = (
    "info", "startup-events", "upload", "queue/join", "queue/data", "run/", "call/", "cancel", "reset", "heartbeat/", "login_check", "token", "user", "app_id",
    "theme.css", "file=",
)  # fmt: skip
# The page is Gradio's: it starts from inline scripts and makes functions of the layout's JS (unsafe-eval). What the policy gives is that
# nothing is loaded from, sent to or framed by another place, whatever stands in a name or an answer.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:; manifest-src 'self'; "
    "frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {frames}"
)


def headers(*, on_space: bool) -> dict[str, str]:
    """Headers of every answer. Only a Space may be framed: Hugging Face shows it inside its own page."""
    frames = "https://huggingface.co https://*.hf.space" if on_space else "'none'"
    return {
        "Content-Security-Policy": POLICY.format(frames=frames), "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()", "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin", **({} if on_space else {"X-Frame-Options": "DENY"}),
    }  # fmt: skip


def closed(path: str) -> bool:
    """Whether an address is one that nobody needs."""
    _, api, asked = path.partition("/gradio_api/")
    return path.startswith("/monitoring") or (bool(api) and (asked.startswith("file=http") or not asked.startswith(OPEN)))


class Rate:
    """How often each visitor asked within the last minute. Addresses are kept in memory alone, for a minute."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute, self.clock = a_minute, clock
        self.seen: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, visitor: str) -> bool:
        now = self.clock()
        times = self.seen.setdefault(visitor, deque())
        self.seen.move_to_end(visitor)
        while len(self.seen) > MOST_VISITORS:
            self.seen.popitem(last=False)
        while times and now - times[0] >= 60.0:
            times.popleft()
        if len(times) >= self.a_minute:
            return False
        times.append(now)
        return True


class Gate:
    """ASGI middleware around Gradio's application."""

    def __init__(self, app: ASGIApp, *, max_upload_mb: int, a_minute: int, on_space: bool, takes_files: bool = True) -> None:
        self.app, self.on_space, self.takes_files = app, on_space, takes_files
        self.max_upload, self.rate = max_upload_mb * MB * FILES_TOGETHER, Rate(a_minute)
        self.headers = headers(on_space=on_space)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                found = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    found[name] = value
                if scope["path"] in ("/", "/config") or "/queue/" in scope["path"] or scope["path"] == "/healthz":
                    found["Cache-Control"] = "no-store"  # nothing of a session in the browser's cache
            await send(message)

        path, given = scope["path"], Headers(scope=scope)
        uploads = path.rstrip("/").endswith("/upload")
        limit = self.max_upload if uploads else LARGEST_MESSAGE

        coming = True  # whether more of what the visitor sends is to come

        async def more_of_it() -> Message:
            nonlocal coming
            message = await receive()
            coming = message["type"] == "http.request" and bool(message.get("more_body"))
            return message

        async def refuse(status: int, words: str, more: dict[str, str] | None = None) -> None:
            """One sentence, after what a visitor is still sending was taken and thrown away: a browser reads no answer before it has sent all."""
            thrown = 0
            while coming and thrown < MOST_THROWN * limit:
                thrown += len((await more_of_it()).get("body", b""))
            # the page shows the text of a refused upload as it comes, of anything else the detail
            answer = PlainTextResponse(words, status, more) if uploads else JSONResponse({"detail": words, "error": None}, status, more)
            await answer(scope, receive, with_headers)

        if closed(path):
            return await refuse(404, "There is nothing at this address.")
        if uploads and not self.takes_files:
            return await refuse(403, NO_FILES)
        if scope["method"] == "POST" and any(part in path for part in COUNTED) and not self.rate.allows(self._visitor(scope, given)):
            slower = f"You ask faster than this page answers (at most {self.rate.a_minute} requests a minute); wait a minute and try again."
            return await refuse(429, slower, {"Retry-After": "60"})
        too_large = f"This is larger than the {limit // MB} MB that are taken at once; drop fewer or smaller files."
        if int(given.get("content-length", "0") if given.get("content-length", "0").isdigit() else limit + 1) > limit:
            return await refuse(413, too_large)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await more_of_it()
            taken += len(message.get("body", b""))
            return {"type": "http.disconnect"} if taken > limit else message  # a body without a length that turned out too large

        try:
            await self.app(scope, counted, with_headers)
        except Exception as error:  # a full disk under an upload, for one; the server's own log would quote what failed
            note(error)
            if not begun and taken <= limit:
                await refuse(507 if said(error) == FULL else 500, said(error).removeprefix("⚠ "))
        if not begun and taken > limit:
            await refuse(413, too_large)

    def _visitor(self, scope: Scope, given: Headers) -> str:
        """The address that asks; a Space stands behind a proxy, whose own entry is the last one and cannot be forged."""
        forwarded = given.get("x-forwarded-for", "").rpartition(",")[2].strip() if self.on_space else ""
        return forwarded or str((scope.get("client") or ("unknown",))[0])
