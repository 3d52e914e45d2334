"""A session -> a report: Markdown, PDF, JSON or FHIR. Quality before meaning; every statement with its source; no model is needed."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import saved_session
from assistant.fhir_export import NOTICE, write_bundle
from assistant.report_contents import HEAD, QUALITY_STANDARD, contents, versions_of
from assistant.session import WHAT_A_RISK_IS, Session, Turn, to_rows, turn_json
from encoders.faults import InputError
from encoders.record import QUANTITY, missing
from encoders.spirogram import to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RISKS = "Risks"  # the title of their picture, which stands with their table


class ReportError(InputError):
    """A report that cannot be written. One plain sentence."""


def write(session: Session, path: Path) -> None:
    """Write the report whose kind the end of ``path`` names: .md, .pdf, .json or .fhir.json. Raises ReportError.

    The whole report is made in memory first: nothing of a patient is left in a temporary or half-written file.
    """
    content = check_suffix(path)(session)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ReportError(f"{path.name} cannot be written; name a file in a folder that exists and may be written to") from error


def check_suffix(path: Path) -> Callable[[Session], bytes]:
    """The writer for a path's end. Raises ReportError for another one."""
    name = path.name.lower()
    found = next((writer for end, writer in _WRITERS.items() if name.endswith(end) and name != end), None)
    if found is None:
        raise ReportError(f"a report named {path.name[:60]!r} cannot be written; let the name end in .md, .pdf, .json or .fhir.json")
    return found


# pictures ------------------------------------------------------------------------------------------------------------
def pictures(session: Session) -> list[tuple[str, Figure]]:
    """The plots that the session allows: both curves where there are blows, the z-scores where there is a reference, the risks."""
    from assistant.risk_picture import risk_bars
    from encoders.spirogram import plot

    result = session.spirometry
    risks = [(RISKS, risk_bars(session.risks))] if session.risks else []
    if result is None:
        return risks
    found = [("Flow-volume loop", plot.flow_volume(result)), ("Volume-time curve", plot.volume_time(result))] if result.maneuvers else []
    if any(ref.z is not None for ref in result.references.values()):
        found.append(("z-scores", plot.z_bars(result)))
    if result.visits is not None:
        found.append(("Visits over time", plot.trend(result.visits)))
    return [*found, *risks]


def png(figure: Figure, dpi: int) -> bytes:
    """A figure as PNG, in memory."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


# Markdown ------------------------------------------------------------------------------------------------------------
def markdown(session: Session) -> str:
    """One file: the plots stand in it as data."""
    said = contents(session)
    lines = [f"# Breathwise report: {_md(said.title)}", "", f"Written {said.date}. **{NOTICE}**", "", "## Person", ""]
    lines += [f"- {label}: {_md(text)}" for label, text in said.card]
    lines += ["", f"## Quality: {said.quality}", "", *(f"- {_md(reason)}" for reason in said.reasons)]
    lines += ["", f"Judged by the {QUALITY_STANDARD}.", ""] if said.graded else [""]
    drawn = {title: f"![{title}](data:image/png;base64,{base64.b64encode(png(figure, 110)).decode()})" for title, figure in pictures(session)}
    for title in (name for name in drawn if name != RISKS):
        lines += [drawn[title], ""]
    if said.rows:
        lines += ["## Values", "", *_table(HEAD, said.rows), "", said.reference, ""]
    if said.statements:
        lines += ["## Interpretation", ""]
        lines += [f"- {_md(text)}{f' ({source})' if source else ''}" for text, source in said.statements] + [""]
    if said.series:
        lines += ["## Tests over time", "", *_table(said.series[0], said.series[1:]), ""]
    if said.risks:
        head = ("Told by a doctor of", "Estimate", "90 % interval", "Same age and sex", "Logistic regression")
        lines += [
            "## Risks",
            "",
            drawn[RISKS],
            "",
            *_table(head, said.risks),
            "",
            WHAT_A_RISK_IS,
            f"Not measured, so not read: {said.unread or 'nothing'}.",
            "",
        ]
        lines += ["### What they rest on", "", *(f"- {_md(text)}" for text in said.rests_on), ""] if said.rests_on else []
    if said.record:
        lines += ["## Record", "", *(f"- {label}: {_md(text)}" for label, text in said.record), ""]
    if said.turns:
        lines += ["## Conversation", ""]
        for turn in said.turns:
            lines += [f"**{_md(turn.question)}**", "", _md(turn.answer), ""]
            lines += [f"- [{one.n}] {_md(one.title)}. {_md(one.source)}. {one.url}" for one in turn.citations] + ([""] if turn.citations else [])
            lines += [f"*{_md(_rests_on(turn))}*", ""] if turn.checks.sentences else []
    lines += ["## Missing and assumed", "", f"- Not known: {said.missing}", *(f"- {_md(text)}" for text in said.assumptions), ""]
    lines += ["## Versions", "", *(f"- {name}: {_md(text)}" for name, text in said.versions), "", f"**{NOTICE}**", ""]
    return "\n".join(lines)


def _rests_on(turn: Turn) -> str:
    """What a turn's answer rests on, in a line; the JSON export holds all of it."""
    hands = {one.by: sum(other.by == one.by for other in turn.checks.sentences) for one in turn.checks.sentences}
    whose = ", ".join(f"{count} by {hand}" for hand, count in hands.items())
    given = f"{len(turn.seen.facts)} facts, {len(turn.seen.passages)} passages, {turn.soft_tokens} soft tokens"
    return f"Sentences: {whose}. Given: {given}. {turn.timings.total_s:.2f} s. {turn.seen.model}"


def _md(text: str) -> str:
    """Words of a person or a file, so that they stay words."""
    return escape(" ".join(text.split()), quote=False).replace("](", "] (").replace("![", "! [").replace("`", "'")


def _table(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> list[str]:
    lines = [" | ".join(_md(cell).replace("|", "\\|") for cell in row) for row in (head, *rows)]
    return [f"| {lines[0]} |", "|" + " --- |" * len(head), *(f"| {line} |" for line in lines[1:])]


# JSON ----------------------------------------------------------------------------------------------------------------
def document(session: Session) -> dict[str, Any]:
    """The measurement, the facts and the turns as one JSON document; null where nothing could be measured.

    Its key ``session`` holds what ``saved_session.read`` needs to open the same session again.
    """
    patient = session.patient
    return {
        "notice": NOTICE, "written": dt.date.today().isoformat(), "label": patient.label,
        "patient": {fact.name: fact.value if fact.value is not None else fact.text for fact in session.facts},
        "units": {name: QUANTITY[name].unit for name in QUANTITY if getattr(patient, name) is not None},
        "measurement": to_json(session.spirometry) if session.spirometry is not None else None,
        "reported": [asdict(one) | {"date": one.date.isoformat() if one.date else None} for one in patient.reported],
        "risks": [asdict(one) for one in session.risks], "reasons": {trait: to_rows(found) for trait, found in session.explained.items()}, "turns": [turn_json(turn) for turn in session.turns],
        "not_measured": list(missing(patient)), "assumptions": list(patient.assumptions), "versions": dict(versions_of(session)),
        "session": saved_session.write(session),
    }  # fmt: skip


def _json_bytes(found: dict[str, Any]) -> bytes:
    return (json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")


def _pdf(session: Session) -> bytes:
    from assistant.report_pdf import pdf  # reportlab is loaded only where a PDF is written

    return pdf(contents(session), [(title, png(figure, 220)) for title, figure in pictures(session)])


_WRITERS: dict[str, Callable[[Session], bytes]] = {
    ".fhir.json": lambda session: _json_bytes(write_bundle(session)),
    ".json": lambda session: _json_bytes(document(session)),
    ".md": lambda session: markdown(session).encode("utf-8", "replace"),
    ".pdf": _pdf,
}
