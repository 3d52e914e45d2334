"""The page's panels as HTML. Every text of a person or a file is escaped here."""

from __future__ import annotations

import re
from html import escape

from assistant.session import Session, Turn
from encoders.record import Patient, facts, label_of, missing
from encoders.spirogram.reference import LABELS, ReferenceRangeError, side_by_side
from encoders.spirogram.results import Maneuver, Spirometry

WELCOME = """<div class='bw-card'><h2>Start here</h2><ol>
<li>Choose an example patient, or drop files of one person: a table of the person (CSV, XLSX, JSON or a FHIR bundle) and a spirogram
(CSV of time and volume or flow, or a UK Biobank 3066 string). A session that was saved as JSON opens again.</li>
<li>See the curve, its quality, and each value beside what is usual for this age, sex and height.</li>
<li>Ask in the conversation. Answers rest on this patient's numbers and on cited guideline passages.</li></ol></div>"""
_ADDRESS = re.compile(r"(?:\b(?:https?|ftps?|mailto|data|javascript):|\bwww\.)\S+|[\w.+-]+@[\w-]+\.\w[\w.-]*", re.IGNORECASE)
_ROWS = (("fev1", "FEV1 (L)", 2), ("fvc", "FVC (L)", 2), ("fev1_fvc", "FEV1/FVC", 2))


def header(logo: str) -> str:
    """The name and the mark; ``logo`` is our own SVG."""
    return f"<div id='bw-head'>{logo}<div><h1>Breathwise</h1><p>Reads a spirogram, explains it, and talks about wellness.</p></div></div>"


def plain(text: str) -> str:
    """Words of a person or a file inside Markdown, so that they stay words: no tag, link, picture, code or emphasis."""
    return "".join(f"&#{ord(letter)};" if letter in "<>[]`*_!#|\\~$" else letter for letter in " ".join(text.replace("&", "&amp;").split()))


def linkless(text: str) -> str:
    """Markdown without pictures, links or addresses: a browser makes links of bare ones too. Where guidance comes from stands in its citation."""
    for mark, broken in (("](", "] ("), ("![", "! ["), ("][", "] ["), ("]:", "] :")):
        text = text.replace(mark, broken)
    return _ADDRESS.sub("(address removed)", text)


def _list(items: tuple[str, ...] | list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>" if items else ""


def patient_card(session: Session) -> str:
    """What was read and what was not measured."""
    patient = session.patient
    rows = "".join(f"<dt>{escape(f.label)}</dt><dd>{escape(f.text)}{f' ({escape(f.status)})' if f.status else ''}</dd>" for f in facts(patient))
    absent = ", ".join(label_of(name) for name in missing(patient))
    return f"<div class='bw-card'><h2>{escape(patient.label)}</h2><dl>{rows}</dl><p><small>Not measured: {escape(absent or 'nothing')}</small></p></div>"


def quality(spirometry: Spirometry | None) -> str:
    """The verdict on the test's quality first, with its reasons."""
    if spirometry is None:
        return "<div class='bw-card'><p>No breathing test was given.</p></div>"
    best = spirometry.best
    if best is None:
        head = "No usable blow"
    elif not best.fev1_grade:
        head = "Values from the record, without a curve"
    else:
        head = f"Quality: FEV1 grade {best.fev1_grade}, FVC grade {best.fvc_grade}"
    reasons = list(best.grade_reasons) if best else []
    for m in spirometry.maneuvers:
        reasons += [f"blow {m.blow.id}: {finding.text}" for finding in m.findings]
    down = "<a class='bw-down' href='#talk'>Ask about this patient &#8595;</a>"  # shown where the conversation lies far below
    return f"<div class='bw-card'><h2>{escape(head)}</h2>{_list(reasons)}{down}</div>"


def assumed(patient: Patient) -> str:
    """What reading had to take for granted, for a person to confirm or correct; empty where nothing was."""
    if not patient.assumptions:
        return ""
    ask = "Please check this; a value or a unit that is wrong is put right below, a column by naming it in the file."
    return f"<div class='bw-card'><h2>Read and assumed</h2><p>{ask}</p>{_list(patient.assumptions)}</div>"


def blows(spirometry: Spirometry | None) -> str:
    """Every blow of the visit with its values and what it can be used for."""
    if spirometry is None or not spirometry.maneuvers:
        return ""
    chosen = spirometry.best.chosen if spirometry.best else None

    def use(m: Maneuver, which: str) -> str:
        return "acceptable" if getattr(m, f"acceptable_{which}") else "usable" if getattr(m, f"usable_{which}") else "not usable"

    body = ""
    for index, m in enumerate(spirometry.maneuvers):
        values = "".join(
            f"<td>{'' if value is None else f'{value:.{places}f}'}</td>"
            for value, places in ((m.fev1_l, 2), (m.fvc_l, 2), (m.fev1_fvc, 2), (m.pef_l_s, 1), (m.fet_s, 1))
        )
        phase = f" ({m.blow.bronchodilator})" if m.blow.bronchodilator else ""
        name = f"{escape(m.blow.id)}{phase}{' *' if index == chosen else ''}"
        faults = escape(", ".join(finding.code.replace("_", " ") for finding in m.findings) or "none")
        body += f"<tr><td>{name}</td>{values}<td>{use(m, 'fev1')}</td><td>{use(m, 'fvc')}</td><td>{faults}</td></tr>"
    head = "<tr><th>blow</th><th>FEV1</th><th>FVC</th><th>ratio</th><th>PEF</th><th>FET</th><th>for FEV1</th><th>for FVC</th><th>faults</th></tr>"
    return f"<div class='bw-card'><div class='scroll' tabindex='0' role='region' aria-label='table'><table>{head}{body}</table></div><p><small>* largest FEV1 + FVC: the curve that is read</small></p></div>"


def visits(spirometry: Spirometry | None) -> str:
    """The tests of several dates and what changed; empty for a single visit."""
    if spirometry is None or spirometry.visits is None:
        return ""
    body = ""
    for visit in spirometry.visits.visits:
        cells = ""
        for name, value, places in (("fev1", visit.fev1_l, 2), ("fvc", visit.fvc_l, 2), ("fev1_fvc", visit.fev1_fvc, 2)):
            ref = visit.references.get(name)
            z = f" (z {ref.z:.2f})" if ref is not None and ref.z is not None else ""
            cells += f"<td>{'' if value is None else f'{value:.{places}f}'}{z}</td>"
        body += f"<tr><td>{visit.date.isoformat()}</td>{cells}<td>{escape(visit.fev1_grade)}</td></tr>"
    head = "<tr><th>date</th><th>FEV1 (L)</th><th>FVC (L)</th><th>FEV1/FVC</th><th>grade</th></tr>"
    said = [f"{one.text} ({one.source})" for one in spirometry.visits.statements]
    return f"<div class='bw-card'><div class='scroll' tabindex='0' role='region' aria-label='table'><table>{head}{body}</table></div>{_list(said)}</div>"


def beside(session: Session, ancestry: str | None) -> str:
    """The same values by GLI Global 2022 and by GLI-2012 for a group that a person chose."""
    patient, test = session.patient, session.spirometry
    if not ancestry or test is None or test.best is None:
        return ""
    if patient.sex is None or patient.age_years is None or patient.height_cm is None:
        return "<div class='bw-card'><p>Reference values need sex, age and height.</p></div>"
    best = test.best
    values = {"fev1": best.fev1_l, "fvc": best.fvc_l, "fev1_fvc": best.fev1_fvc, "fef25_75": best.fef25_75_l_s}
    try:
        both = side_by_side(values, sex=patient.sex.value, age_years=patient.age_years, height_cm=patient.height_cm, ancestry=ancestry)
    except ReferenceRangeError as error:
        return f"<div class='bw-card'><p>{escape(str(error))}</p></div>"
    body = ""
    for row in both.rows:
        cells = "".join(
            "<td></td><td></td><td></td>"
            if ref is None
            else f"<td>{ref.predicted:.2f}</td><td>{ref.lln:.2f}</td><td>{'' if ref.z is None else f'{ref.z:.2f}'}</td>"
            for ref in (row.race_neutral, row.by_group)
        )
        body += f"<tr><td>{LABELS[row.measure]}</td>{cells}</tr>"
    head = "<tr><th></th><th colspan='3'>GLI Global 2022</th><th colspan='3'>GLI-2012</th></tr>"
    head += f"<tr><th></th>{'<th>predicted</th><th>LLN</th><th>z</th>' * 2}</tr>"
    return f"<div class='bw-card'><div class='scroll' tabindex='0' role='region' aria-label='table'><table>{head}{body}</table></div>{_list([one.text for one in both.statements])}</div>"


def numbers(spirometry: Spirometry | None) -> str:
    """Measured, predicted, LLN, z and percent of predicted; then the interpretation."""
    if spirometry is None or spirometry.best is None:
        return ""
    best = spirometry.best
    measured = {"fev1": best.fev1_l, "fvc": best.fvc_l, "fev1_fvc": best.fev1_fvc}

    def cell(value: float | None, places: int) -> str:
        return "not measured" if value is None else f"{value:.{places}f}"

    body = ""
    for name, label, places in _ROWS:
        ref = spirometry.references.get(name)
        low = " class='low'" if ref is not None and ref.z is not None and ref.z < -1.645 else ""
        compared = (
            f"<td>{cell(ref.predicted, places)}</td><td>{cell(ref.lln, places)}</td><td{low}>{cell(ref.z, 2)}</td>"
            f"<td>{'' if name == 'fev1_fvc' else cell(ref.percent_predicted, 0)}</td>"
            if ref
            else "<td></td><td></td><td></td><td></td>"
        )
        body += f"<tr><td>{label}</td><td{low}>{cell(measured[name], places)}</td>{compared}</tr>"
    for label, value, places in (
        ("PEF (L/s)", best.pef_l_s, 1),
        ("FEF25-75 (L/s)", best.fef25_75_l_s, 2),
        ("BEV (L)", best.bev_l, 2),
        ("FET (s)", best.fet_s, 1),
    ):
        body += f"<tr><td>{label}</td><td>{cell(value, places)}</td><td></td><td></td><td></td><td></td></tr>"
    head = "<tr><th></th><th>measured</th><th>predicted</th><th>LLN</th><th>z</th><th>% pred.</th></tr>"
    said = [statement.text for statement in spirometry.interpretation.statements] if spirometry.interpretation else []
    said += [spirometry.response.text] if spirometry.response else []
    said += [note[:1].upper() + note[1:] + "." for note in spirometry.notes]
    source = f"<p><small>Reference: {escape(spirometry.reference_name)}</small></p>" if spirometry.reference_name else ""
    return f"<div class='bw-card'><div class='scroll' tabindex='0' role='region' aria-label='table'><table>{head}{body}</table></div>{source}<h2>Interpretation</h2>{_list(said)}</div>"


def seen(turn: Turn | None) -> str:
    """What the model saw for the last turn."""
    if turn is None or not turn.seen.prompt:
        return "<div class='bw-card'><p>Ask something that the model answers.</p></div>"
    found = turn.seen
    passages = [f"{name} (similarity {score:.2f})" for name, score in found.passages]
    checks = turn.checks
    lines = [
        f"model {found.model}, {turn.soft_tokens} soft tokens, {found.cached_tokens} positions kept from before",
        f"taken to be about: {found.intent.replace('_', ' ')}",
        f"numbers supported: {'yes' if checks.numbers_supported else 'no, ' + ', '.join(checks.unsupported_numbers)}; citations valid: {'yes' if checks.citations_valid else 'no'}",
        f"first token after {turn.timings.first_token_s:.2f} s, first checked text after {turn.timings.first_text_s:.2f} s, "
        f"{turn.timings.new_tokens} tokens in {turn.timings.total_s:.2f} s",
        f"turns before: {found.turns_in_full} in full, {found.turns_in_short} in short",
        f"written by: {checks.written_by}",
        *(f"{one.by}: {one.text}" for one in checks.sentences),
        *checks.notes,
        *(f"{name}: {text}" for name, text in found.versions),
    ]
    return f"<div class='bw-card'>{_list(lines)}<h2>Passages</h2>{_list(passages) or '<p>none</p>'}<h2>Facts</h2>{_list(list(found.facts))}<h2>Prompt</h2><pre style='white-space:pre-wrap'>{escape(found.system)}\n\n{escape(found.prompt)}</pre></div>"


def transcript(session: Session) -> str:
    """The conversation as Markdown."""
    lines = ["# Breathwise: a conversation", "", "Research and education software. Not a diagnosis, a prescription or a dose.", ""]
    for turn in session.turns:
        lines += [f"**{turn.question}**", "", turn.answer, ""]
        lines += [f"- [{one.n}] {one.title}. {one.source}. {one.url}" for one in turn.citations]
        lines += [""] if turn.citations else []
    return "\n".join(lines)
