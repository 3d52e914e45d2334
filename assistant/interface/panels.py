"""The page's panels as HTML. Every text of a person or a file is escaped here."""

from __future__ import annotations

from html import escape

from assistant.session import Session, Turn
from encoders.record import facts, label_of, missing
from encoders.spirogram.results import Spirometry

WELCOME = """<div class='bw-card'><h3>Start here</h3><ol>
<li>Choose an example patient, or drop files of one person: a table of the person (CSV, XLSX, JSON or a FHIR bundle) and a spirogram
(CSV of time and volume or flow, or a UK Biobank 3066 string).</li>
<li>See the curve, its quality, and each value beside what is usual for this age, sex and height.</li>
<li>Ask on the right. Answers rest on this patient's numbers and on cited guideline passages.</li></ol></div>"""
_ROWS = (("fev1", "FEV1 (L)", 2), ("fvc", "FVC (L)", 2), ("fev1_fvc", "FEV1/FVC", 2))


def header(logo: str) -> str:
    """The name and the mark; ``logo`` is our own SVG."""
    return f"<div id='bw-head'>{logo}<div><h1>Breathwise</h1><p>Reads a spirogram, explains it, and talks about wellness.</p></div></div>"


def _list(items: tuple[str, ...] | list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>" if items else ""


def patient_card(session: Session) -> str:
    """What was read, what had to be assumed, what was not measured."""
    patient = session.patient
    rows = "".join(f"<dt>{escape(f.label)}</dt><dd>{escape(f.text)}{f' ({escape(f.status)})' if f.status else ''}</dd>" for f in facts(patient))
    absent = ", ".join(label_of(name) for name in missing(patient))
    assumed = f"<h3>Read and assumed</h3>{_list(patient.assumptions)}" if patient.assumptions else ""
    return (
        f"<div class='bw-card'><h3>{escape(patient.label)}</h3><dl>{rows}</dl>{assumed}<p><small>Not measured: {escape(absent or 'nothing')}</small></p></div>"
    )


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
    return f"<div class='bw-card'><h3>{escape(head)}</h3>{_list(reasons)}</div>"


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
    return f"<div class='bw-card'><div class='scroll'><table>{head}{body}</table></div>{source}<h3>Interpretation</h3>{_list(said)}</div>"


def risks(session: Session) -> str:
    """Risks with interval, the population's figure and the classical model's beside."""
    if not session.risks:
        return "<div class='bw-card'><p>No risks are estimated: they need an adult's age and sex.</p></div>"
    body = ""
    for one in session.risks:
        bar = f"<div class='bw-bar'><i style='left:{100 * one.low:.1f}%;width:{100 * max(one.high - one.low, 0.006):.1f}%'></i><b style='left:{100 * one.probability:.1f}%'></b></div>"
        usual = "" if one.population is None else f"{100 * one.population:.1f} %"
        classical = "" if one.classical is None else f"{100 * one.classical:.1f} %"
        body += (
            f"<tr><td>{escape(one.label)}</td><td>{100 * one.probability:.1f} %</td><td>{bar}</td>"
            f"<td>{100 * one.low:.1f} to {100 * one.high:.1f}</td><td>{usual}</td><td>{classical}</td></tr>"
        )
    head = "<tr><th>told by a doctor of</th><th>estimate</th><th></th><th>90 % interval</th><th>same age and sex</th><th>logistic regression</th></tr>"
    absent = ", ".join(session.risks[0].missing)
    return (
        f"<div class='bw-card'><div class='scroll'><table>{head}{body}</table></div><p><small>The chance of having been told of the condition, "
        f"learned from one American survey. Not measured: {escape(absent or 'nothing')}.</small></p></div>"
    )


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
        f"first token after {turn.timings.first_token_s:.2f} s, {turn.timings.new_tokens} tokens in {turn.timings.total_s:.2f} s",
        f"written by: {checks.written_by}",
        *checks.notes,
    ]
    return f"<div class='bw-card'>{_list(lines)}<h3>Passages</h3>{_list(passages) or '<p>none</p>'}<h3>Facts</h3>{_list(list(found.facts))}<h3>Prompt</h3><pre style='white-space:pre-wrap'>{escape(found.prompt)}</pre></div>"


def message(turn: Turn) -> str:
    """A turn's answer as the chat shows it, its citations folded under it."""
    text = escape(turn.answer or "...", quote=False).replace("](", "] (").replace("![", "! [")
    for one in turn.citations:
        text += (
            f"\n\n<details><summary>[{one.n}] {escape(one.title)}</summary>{escape(one.text)}<br><small>{escape(one.source)}, {escape(one.section)}. "
            f"{escape(one.url)}</small></details>"
        )
    return text


def transcript(session: Session) -> str:
    """The conversation as Markdown."""
    lines = ["# Breathwise: a conversation", "", "Research and education software. Not a diagnosis, a prescription or a dose.", ""]
    for turn in session.turns:
        lines += [f"**{turn.question}**", "", turn.answer, ""]
        lines += [f"- [{one.n}] {one.title}. {one.source}. {one.url}" for one in turn.citations]
        lines += [""] if turn.citations else []
    return "\n".join(lines)
