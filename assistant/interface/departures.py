"""What leaves the page: the report and the conversation, made in memory and handed to the visitor's browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from assistant import report
from assistant.interface import panels
from assistant.interface.desk import Desk

REPORTS = {
    "PDF": (".pdf", "application/pdf"), "Markdown": (".md", "text/markdown"), "JSON": (".json", "application/json"),
    "FHIR": (".fhir.json", "application/fhir+json"),
}  # fmt: skip
# made in the browser: nothing is written here
DOWNLOAD = """parcel => { if (!parcel) return;
  const {name, type, data} = JSON.parse(parcel);
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], {type}));
  link.download = name; link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000); }"""


def parcel(name: str, kind: str, content: bytes) -> str:
    """A file on its way to the browser, as text; ``DOWNLOAD`` unpacks it."""
    return json.dumps({"name": name, "type": kind, "data": base64.b64encode(content).decode("ascii")})


def export(desk: Desk | None) -> tuple[str, str]:
    """The conversation as a parcel, and what was done."""
    if desk is None or desk.session is None or not desk.session.turns:
        return "", "There is no conversation to export yet."
    text = panels.transcript(desk.session).encode("utf-8", "replace")
    return parcel("breathwise-conversation.md", "text/markdown", text), "The conversation was exported."


def reported(kind: str, desk: Desk | None) -> Iterator[tuple[str, str]]:
    """The whole session as one of ``REPORTS``: a parcel, and what was done."""
    if desk is None or desk.session is None:
        yield "", "⚠ Open a patient first; the report is about one."
        return
    if kind not in REPORTS:
        yield "", f"⚠ A report is written as {', '.join(REPORTS)}."
        return
    yield "", f"Writing the report as {kind}..."
    session = desk.session
    if session is None:
        yield "", "The patient was deleted in this moment: there is nothing to report."
        return
    suffix, media = REPORTS[kind]
    content = report.check_suffix(Path(f"report{suffix}"))(session)
    yield parcel(f"breathwise-report{suffix}", media, content), f"The report was written as {kind}; your browser keeps it, this page does not."
