"""The same doors for a language-model program on this machine: an MCP server over standard input and output. It opens no port.

One process serves one client and ends with it, so the patient it holds is that client's own.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import caller
from assistant.caller import Caller
from encoders.faults import InputError

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

LOG = logging.getLogger("breathwise.mcp")
ABOUT = (
    "Breathwise measures spirograms and talks about them. Research and education software: it states patterns and risks, never a diagnosis, "
    "a prescription or a dose. Files are paths on this machine; several files describe one person."
)
CURE = "the MCP server needs the package mcp; install it with: pip install 'breathwise[mcp]'"


class McpMissingError(RuntimeError):
    """The optional package is not installed. One plain sentence with the cure."""


def build(load: Callable[[], Any]) -> MCPServer:
    """A server over the Assistant that ``load`` gives; it is loaded by the first call that needs it. Raises McpMissingError."""
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError as error:
        raise McpMissingError(CURE) from error

    server = MCPServer("breathwise", instructions=ABOUT, log_level="ERROR")
    kept, loading, loaded = Caller(), threading.Lock(), list[Any]()

    def assistant() -> Any:
        with loading:
            if not loaded:
                loaded.append(load())
            return loaded[0]

    def measure(
        files: list[str], sex: str | None = None, age_years: float | None = None, height_cm: float | None = None, ancestry: str | None = None,
        reference: str = "gli-global-2022", bronchodilator: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Measure the blows of one person: indices, quality grades, z-scores, pattern. What is stated here stands above the record."""
        return caller.measure(
            caller.read_patient(_paths(files)), sex=sex, age_years=age_years, height_cm=height_cm, ancestry=ancestry, reference=reference,
            bronchodilator=bronchodilator,
        )  # fmt: skip

    def risk(files: list[str]) -> dict[str, Any]:
        """Estimate one adult's risks (0-1) of having been told of eight conditions, each with an interval."""
        return caller.risks(assistant(), assistant().open(_paths(files)))

    def ask(question: str, files: list[str] | None = None) -> dict[str, Any]:
        """Ask about one person; without files about the one given before. The answer comes with its citations and checks."""
        return kept.ask(assistant(), assistant().ask, _paths(files or []), question)

    def forget() -> dict[str, Any]:
        """Forget the patient and the conversation now."""
        held = kept.session is not None
        kept.forget()
        return {"forgotten": held}

    for tool in (measure, risk, ask, forget):
        server.add_tool(plain(tool))
    return server


def plain(function: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
    """``function`` whose errors reach the client as one sentence and the log as a kind, never with words of a file or a question."""
    from mcp.types import CallToolResult, TextContent

    def refused(said: str) -> CallToolResult:  # a raised ToolError would put its own words before ours
        return CallToolResult(content=[TextContent(type="text", text=said)], is_error=True)

    @functools.wraps(function)
    def tool(*args: Any, **named: Any) -> dict[str, Any] | CallToolResult:
        try:
            return function(*args, **named)
        except InputError as error:
            return refused(" ".join(str(error).split()))
        except Exception as error:
            LOG.error("fault %s", type(error).__name__)
            return refused("something went wrong here, and nothing was lost: try again, or give the files again")

    return tool


def serve() -> None:
    """Serve until the client closes standard input. Raises McpMissingError."""
    from assistant.measuring_only import load
    from assistant.settings import read_settings

    build(lambda: load(read_settings())).run("stdio")


def _paths(files: list[str]) -> list[Path]:
    return [Path(file).expanduser() for file in files]
