"""What a report says of a session, in its order and as plain text: every number with its reference, every statement with its source."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from assistant.session import Session, Turn
from assistant.spoken_reasons import reasons_in_words, score
from encoders.record import RECORD_FACTS, Smoking, facts, label_of, missing
from encoders.spirogram.interpret import STANDARD
from encoders.spirogram.results import LLN_Z, Best, Spirometry
from encoders.spirogram.visits import Visit, Visits

QUALITY_STANDARD = "ATS/ERS 2019 spirometry standard, doi 10.1164/rccm.201908-1590ST"
HEAD = ("", "Measured", "Predicted", "Lower limit (LLN)", "z-score", "% of predicted")
_CARD = ("sex", "age_years", "height_cm", "weight_kg", "bmi_kg_m2", "smoking_status", "pack_years")


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
        missing=_absent(session), assumptions=patient.assumptions, versions=versions_of(session),
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


def versions_of(session: Session) -> tuple[tuple[str, str], ...]:
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
