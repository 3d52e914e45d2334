"""A session -> a report: Markdown, PDF, JSON or FHIR. Quality before meaning; every statement with its source; no model is needed."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import saved_session
from assistant.fhir_export import NOTICE, write_bundle
from assistant.session import Session, Turn, to_rows, turn_json
from assistant.spoken_reasons import reasons_in_words, score
from encoders.record import QUANTITY, RECORD_FACTS, Smoking, facts, label_of, missing
from encoders.spirogram import to_json
from encoders.spirogram.interpret import LLN_Z, STANDARD
from encoders.spirogram.results import Best, Spirometry
from encoders.spirogram.visits import Visit, Visits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUALITY_STANDARD = "ATS/ERS 2019 spirometry standard, doi 10.1164/rccm.201908-1590ST"
_CARD = ("sex", "age_years", "height_cm", "weight_kg", "bmi_kg_m2", "smoking_status", "pack_years")
RISKS = "Risks"  # the title of their picture, which stands with their table
HEAD = ("", "Measured", "Predicted", "Lower limit (LLN)", "z-score", "% of predicted")


class ReportError(ValueError):
    """A report that cannot be written. One plain sentence."""


@dataclass(frozen=True)
class Contents:
    """What a report says, in its order, as plain text; the renderers only lay it out."""

    title: str
    date: str
    card: tuple[tuple[str, str], ...]
    quality: str
    reasons: tuple[str, ...]
    graded: bool  # whether a curve was judged
    rows: tuple[tuple[str, ...], ...]  # under HEAD; () where nothing was measured
    low: tuple[bool, ...]  # which rows lie under the lower limit of normal
    reference: str
    statements: tuple[tuple[str, str], ...]  # sentence, source
    series: tuple[tuple[str, ...], ...]  # a head, then the tests that the record reports, in date order
    risks: tuple[tuple[str, str, str, str, str], ...]
    unread: str  # inputs of the risks that were not measured
    rests_on: tuple[str, ...]  # what each risk that was looked into rests on
    record: tuple[tuple[str, str], ...]
    turns: tuple[Turn, ...]
    missing: str
    assumptions: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


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


# what it says --------------------------------------------------------------------------------------------------------
def contents(session: Session) -> Contents:
    """Everything a report says about ``session``."""
    patient, result = session.patient, session.spirometry
    known = {fact.name: (fact.label, fact.text + (f" ({fact.status})" if fact.status else "")) for fact in facts(patient)}
    quality, reasons = _quality(result)
    rows = _rows(result)
    return Contents(
        title=patient.label, date=dt.date.today().isoformat(),
        card=tuple(known.get(name, (label_of(name), "not known")) for name in _CARD if name != "pack_years" or name in known),
        quality=quality, reasons=reasons, graded=result is not None and bool(result.maneuvers), rows=tuple(row for row, _ in rows), low=tuple(low for _, low in rows),
        reference=_reference(result), statements=_statements(result), series=_series(session),
        risks=tuple(_risk(one) for one in session.risks), unread=", ".join(session.risks[0].missing) if session.risks else "",
        rests_on=tuple(f"{score(session, trait)} {reasons_in_words(session.facts, found, marked=False)}" for trait, found in session.explained.items() if found),
        record=tuple(known[name] for name in RECORD_FACTS if name in known and name not in _CARD), turns=session.turns,
        missing=_absent(session), assumptions=patient.assumptions, versions=_versions(session),
    )  # fmt: skip


def _quality(result: Spirometry | None) -> tuple[str, tuple[str, ...]]:
    """The verdict on the test and its reasons, blow by blow."""
    if result is None:
        return "No breathing test was given", ()
    best = result.best
    if best is None:
        head = "No usable blow"
    else:
        head = f"FEV1 grade {best.fev1_grade}, FVC grade {best.fvc_grade}" if best.fev1_grade else "Values from the record, without a curve"
    reasons = list(best.grade_reasons) if best is not None else []
    if result.post is not None:
        reasons.append(f"after the bronchodilator: FEV1 grade {result.post.fev1_grade}, FVC grade {result.post.fvc_grade}")
    reasons += [f"blow {m.blow.id}: {finding.text}" for m in result.maneuvers for finding in m.findings]
    return head, tuple(reasons)


def _rows(result: Spirometry | None) -> list[tuple[tuple[str, ...], bool]]:
    """The table under HEAD, and whether each measured value lies under its lower limit."""
    if result is None or result.best is None:
        return []
    rows = [_row(name, label, value, result) for name, label, value in _compared(result.best, "")]
    if result.post is not None:
        rows += [_row(name, label, value, result, z=False) for name, label, value in _compared(result.post, " after bronchodilator")]
    best = result.best
    for label, value, places in (
        ("PEF (L/s)", best.pef_l_s, 2), ("FEF25-75 (L/s)", best.fef25_75_l_s, 2), ("Back-extrapolated volume (L)", best.bev_l, 2),
        ("Forced expiratory time (s)", best.fet_s, 1),
    ):  # fmt: skip
        if value is not None:
            rows.append(((label, _number(value, places), "", "", "", ""), False))
    return rows


def _compared(best: Best, suffix: str) -> tuple[tuple[str, str, float | None], ...]:
    return (("fev1", f"FEV1{suffix} (L)", best.fev1_l), ("fvc", f"FVC{suffix} (L)", best.fvc_l), ("fev1_fvc", f"FEV1/FVC{suffix}", best.fev1_fvc))


def _row(name: str, label: str, value: float | None, result: Spirometry, *, z: bool = True) -> tuple[tuple[str, ...], bool]:
    ref = result.references.get(name)
    if ref is None:
        return (label, _number(value, 2), "", "", "", ""), False
    percent = 100 * value / ref.predicted if value is not None and name != "fev1_fvc" else None
    low = value is not None and value < ref.lln
    shown = _number(value, 2) + (" low" if low else "")
    return (label, shown, _number(ref.predicted, 2), _number(ref.lln, 2), _number(ref.z, 2, "") if z else "", _number(percent, 0, "")), low


def _number(value: float | None, places: int, absent: str = "not measured") -> str:
    return absent if value is None else f"{value:.{places}f}"


def _reference(result: Spirometry | None) -> str:
    if result is None or result.reference_name is None:
        return ""
    return f"Reference values: {result.reference_name}. The lower limit of normal is the 5th percentile (z = {LLN_Z})."


def _statements(result: Spirometry | None) -> tuple[tuple[str, str], ...]:
    """The interpretation with its sources, then why there is none."""
    if result is None:
        return ()
    found = [(one.text, one.source) for one in result.interpretation.statements] if result.interpretation else []
    found += [(result.response.text, STANDARD)] if result.response else []
    found += [(one.text, one.source) for one in result.visits.statements] if result.visits else []
    return (*found, *((note[:1].upper() + note[1:].rstrip(".") + ".", "") for note in result.notes))


def _series(session: Session) -> tuple[tuple[str, ...], ...]:
    """The visits, or tests that the record reports, in date order, under their head; nothing for a single one that the table shows."""
    if session.spirometry is not None and session.spirometry.visits is not None:
        return _visits(session.spirometry.visits)
    reported = session.patient.reported
    if len(reported) < 2 and not (reported and session.patient.blows):
        return ()
    columns = [("Date", *(one.date.isoformat() if one.date else "no date" for one in reported))]
    for head, name in (("FEV1 (L)", "fev1_l"), ("FVC (L)", "fvc_l"), ("FEV1/FVC", "fev1_fvc"), ("PEF (L/s)", "pef_l_s")):
        columns.append((head, *(_number(getattr(one, name), 2, "") for one in reported)))
    columns.append(("Bronchodilator", *({"pre": "before", "post": "after"}.get(one.bronchodilator or "", "") for one in reported)))
    return tuple(zip(*(column for column in columns if any(column[1:])), strict=True))


def _visits(found: Visits) -> tuple[tuple[str, ...], ...]:
    """A row for each date: the values, each with its z-score where there is one."""

    def cell(visit: Visit, name: str, value: float | None) -> str:
        ref = visit.references.get(name)
        return _number(value, 2, "") + (f" (z {ref.z:.2f})" if value is not None and ref is not None and ref.z is not None else "")

    rows = [
        (visit.date.isoformat(), cell(visit, "fev1", visit.fev1_l), cell(visit, "fvc", visit.fvc_l), cell(visit, "fev1_fvc", visit.fev1_fvc), visit.fev1_grade)
        for visit in found.visits
    ]
    columns = zip(("Date", "FEV1 (L)", "FVC (L)", "FEV1/FVC", "FEV1 grade"), *rows, strict=True)
    return tuple(zip(*(column for column in columns if any(column[1:])), strict=True))


def _risk(one: Any) -> tuple[str, str, str, str, str]:
    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f} %"

    return one.label, percent(one.probability), f"{100 * one.low:.1f} to {100 * one.high:.1f} %", percent(one.population), percent(one.classical)


def _absent(session: Session) -> str:
    """What is not known; pack-years of someone who never smoked are not missed."""
    never = session.patient.smoking_status is Smoking.NEVER
    names = [name for name in missing(session.patient) if not (name == "pack_years" and never)]
    lacking = ["breathing test"] if session.spirometry is None else []
    return ", ".join([*lacking, *("pack-years" if name == "pack_years" else label_of(name) for name in names)]) or "nothing"


def _versions(session: Session) -> tuple[tuple[str, str], ...]:
    """What made the report."""
    try:
        own = version("breathwise")
    except PackageNotFoundError:
        own = "source checkout"
    result = session.spirometry
    models = sorted({turn.seen.model for turn in session.turns if turn.seen.model})
    return (
        ("Breathwise", own), ("Reference values", (result.reference_name if result else None) or "none used"), ("Quality", QUALITY_STANDARD),
        ("Interpretation", STANDARD), ("Language model", ", ".join(models) or "none: this report holds only what was measured and computed"),
    )  # fmt: skip


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
        lines += ["## Risks", "", drawn[RISKS], "", *_table(head, said.risks), "", f"Not measured, so not read: {said.unread or 'nothing'}.", ""]
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

    Its key ``session`` holds what ``open_json`` needs to open the same session again.
    """
    patient = session.patient
    return {
        "notice": NOTICE, "written": dt.date.today().isoformat(), "label": patient.label,
        "patient": {fact.name: fact.value if fact.value is not None else fact.text for fact in session.facts},
        "units": {name: QUANTITY[name].unit for name in QUANTITY if getattr(patient, name) is not None},
        "measurement": to_json(session.spirometry) if session.spirometry is not None else None,
        "reported": [asdict(one) | {"date": one.date.isoformat() if one.date else None} for one in patient.reported],
        "risks": [asdict(one) for one in session.risks], "reasons": {trait: to_rows(found) for trait, found in session.explained.items()}, "turns": [turn_json(turn) for turn in session.turns],
        "not_measured": list(missing(patient)), "assumptions": list(patient.assumptions), "versions": dict(_versions(session)),
        "session": saved_session.write(session),
    }  # fmt: skip


def open_json(raw: bytes) -> Session:
    """A JSON report -> the session it was written of. Raises SavedSessionError (a ValueError) with one plain sentence."""
    return saved_session.read(raw)


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
