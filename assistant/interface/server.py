"""Serving the page: who may reach it, what every answer carries, and whether it is well (/healthz)."""

from __future__ import annotations

import logging
import os
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from assistant.interface.faults import guard
from assistant.interface.forgetting import forget_idle
from assistant.interface.gate import Gate
from assistant.interface.layout import LOGO, build
from assistant.interface.scripts import SCRIPT
from assistant.interface.starting import login_of
from assistant.interface.theme import CSS, theme
from assistant.interface.uploads import keep_swept, private_folder
from assistant.self_test import Health
from assistant.settings import Settings


def launch(assistant: Any, *, host: str, port: int, block: bool = True) -> Any:
    """Serve the page. Another address than loopback needs a user and a password, except on a Space."""
    settings: Settings = assistant.settings
    on_space = bool(os.environ.get("SPACE_ID"))
    login = login_of(settings, host, on_space=on_space)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(uploaded := private_folder())
    keep_swept(uploaded)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses
    health = Health(assistant)

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse(health.found, health.code)

    gate = Middleware(
        Gate, max_upload_mb=settings.max_upload_mb, a_minute=settings.requests_per_minute, on_space=on_space,
        takes_files=settings.space_uploads or not on_space,
    )  # fmt: skip
    page = guard(build(assistant, on_space=on_space).queue(max_size=settings.queue_size, api_open=False), uploaded)
    started = page.launch(
        server_name="0.0.0.0" if on_space else host, server_port=port, share=False, auth=login, ssr_mode=False, theme=theme(), css=CSS, js=SCRIPT,
        max_file_size=f"{settings.max_upload_mb}mb", enable_monitoring=False, show_error=False, quiet=True, prevent_thread_lock=True,
        footer_links=[], favicon_path=str(LOGO), mcp_server=False, pwa=False, state_session_capacity=settings.visitors,
        max_threads=settings.answers_at_once + settings.queue_size + 40,  # a waiting question holds one; the rest are for everything else
        run_history=False,  # Gradio would keep every question and answer in the browser's storage
        app_kwargs={"middleware": [gate], "routes": [Route("/healthz", healthz)], "docs_url": None, "redoc_url": None, "openapi_url": None},
    )  # fmt: skip
    forget_idle(started[0], settings.session_minutes)
    health.start()
    started[0].health = health
    if block:
        page.block_thread()
    return started
