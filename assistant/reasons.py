"""What a risk rests on: how the log-odds change when a field, or a stretch of the curve, is taken away (occlusion).

A contribution is the model's log-odds with everything minus its log-odds without the one thing: above zero it raised the
risk. Fields tell overlapping things, so contributions do not add up to the whole. They say what the model reads, not causes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.session import Contribution, Session, to_rows
from encoders.faults import InputError
from encoders.record import RISK_TRAITS, Patient, label_of
from encoders.spirogram.results import Maneuver, Spirometry

if TYPE_CHECKING:
    from encoders.batch import Person

STRETCHES = 6  # of the exhaled volume
SPOKEN = 0.02  # log-odds: smaller changes of the odds than 2 % are not spoken of
CURVE, SPIROMETRY = "curve", "spirometry"  # names of what holds several things
SLOWEST_L_S = 0.05  # a straightened stretch is not drawn out longer than at this flow
# columns of one fact, taken away together
_TOGETHER = {"smoking_status": ("smoker", "former_smoker"), "sex": ("male",)}
_NAMES = {
    "smoking_status": "Smoking status", "sex": "Sex", "pack_years": "Pack-years", "fev1_l": "FEV1", "fvc_l": "FVC", "fev1_fvc": "FEV1/FVC",
    "pef_l_s": "PEF", "fef25_75_l_s": "FEF25-75", CURVE: "The whole curve", SPIROMETRY: "All of the spirometry",
}  # fmt: skip


def contributions(model: Any, patient: Patient, spirometry: Spirometry | None, trait: str, *, slope: float = 1.0) -> tuple[Contribution, ...]:
    """Every known field, the curve, its stretches and all spirometry for one trait, the strongest first.

    A field is taken away as if it had not been measured. A stretch of the curve is replaced by the straight line from peak
    flow to the end that a healthy descent is close to (before the peak: from zero to the peak), its time along with it.
    ``slope`` is the calibration's, so that log-odds are those of the calibrated risk. Raises ValueError for an unknown trait.
    """
    from encoders.batch import Person
    from encoders.cases import chosen, read_for_risk
    from encoders.conversation import risk_messages
    from encoders.spirogram.encode import curve_grid
    from encoders.tabular import COLUMNS, SPIROMETRY_COLUMNS

    order = [name for name, _ in RISK_TRAITS]
    if trait not in order:
        raise InputError(f"unknown trait {trait!r}; choose from {', '.join(order)}")
    read, looked = read_for_risk(patient, spirometry), chosen(spirometry)
    table, curve = read.table, read.curve
    asked: list[tuple[str, str, tuple[float, float] | None, Person]] = []
    grouped = {column: name for name, columns in _TOGETHER.items() for column in columns}
    for name in dict.fromkeys(grouped.get(column, column) for column in COLUMNS):
        places = [COLUMNS.index(column) for column in _TOGETHER.get(name, (name,))]
        if table[1, places].any():
            asked.append((name, field_label(name), None, Person(_without(table, places), curve)))
    if curve is not None:
        measured = [COLUMNS.index(name) for name in SPIROMETRY_COLUMNS]
        asked.append((SPIROMETRY, _NAMES[SPIROMETRY], None, Person(_without(table, measured))))
    if looked is not None:  # a rebuilt curve says nothing that its values do not
        asked.append((CURVE, _NAMES[CURVE], None, Person(table)))
        for low, high in _stretches(looked[0]):
            grid = curve_grid(straightened(looked[0], low, high))
            if grid is not None:
                asked.append((f"curve_{low:.2f}_{high:.2f}", f"Curve from {low:.1f} to {high:.1f} L", (low, high), Person(table, grid)))
    system, questions = risk_messages()
    values = model.score([Person(table, curve), *(person for *_, person in asked)], (questions[order.index(trait)],), system)[:, 0]
    found = [Contribution(name, label, slope * float(values[0] - value), stretch) for (name, label, stretch, _), value in zip(asked, values[1:], strict=True)]
    return tuple(sorted(found, key=lambda one: -abs(one.log_odds)))


def field_label(name: str) -> str:
    """The words for a column of the table, for people."""
    return _NAMES.get(name) or label_of(name)


def explain(assistant: Any, session: Session, trait: str) -> tuple[Contribution, ...]:
    """``contributions`` for one of the session's risks, reckoned once and kept with the session; () where none is estimated.

    ``assistant`` has the embedded model as ``reader`` and the calibration as ``risk``. Raises ValueError for an unknown trait.
    """
    if trait not in session.explained:
        if not any(one.trait == trait for one in session.risks) or assistant.risk is None:
            return ()
        slope = assistant.risk.data["traits"][trait]["calibration"][1]
        session.explained[trait] = contributions(assistant.reader, session.patient, session.spirometry, trait, slope=slope)
    return session.explained[trait]


def _without(table: Any, places: list[int]) -> Any:
    changed = table.copy()
    changed[:, places] = 0.0
    return changed


def _stretches(maneuver: Maneuver) -> list[tuple[float, float]]:
    """Equal parts of the exhaled volume, in litres."""
    edges = np.linspace(0.0, maneuver.fvc_l or 0.0, STRETCHES + 1)
    return [(float(low), float(high)) for low, high in zip(edges[:-1], edges[1:], strict=True)]


def straightened(maneuver: Maneuver, low_l: float, high_l: float) -> Maneuver:
    """The blow with its flow between two volumes (litres from the start) on the straight line by way of peak flow."""
    blow, fvc = maneuver.blow, maneuver.fvc_l or 0.0
    top = int(np.argmax(blow.volume_l))
    volume = np.clip(blow.volume_l - (blow.volume_l[top] - fvc), 0.0, fvc)
    peak = int(np.argmax(blow.flow_l_s[: top + 1]))
    peak_l, pef = float(volume[peak]), float(blow.flow_l_s[peak])
    straight = np.where(volume < peak_l, pef * volume / max(peak_l, 1e-6), pef * (fvc - volume) / max(fvc - peak_l, 1e-6))
    inside = (volume >= low_l) & (volume <= high_l) & (np.arange(len(volume)) <= top) & (blow.flow_l_s > 0)
    flow = np.where(inside, np.maximum(straight, SLOWEST_L_S), blow.flow_l_s)
    step = np.diff(blow.time_s, prepend=blow.time_s[0])
    quicker = np.divide(blow.flow_l_s, flow, out=np.ones_like(flow), where=inside)
    return replace(maneuver, blow=replace(blow, time_s=blow.time_s[0] + np.cumsum(step * quicker), flow_l_s=flow))


def stretches(found: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The parts of the curve, from the start of the breath to its end."""
    return tuple(sorted((one for one in found if one.stretch_l is not None), key=lambda one: one.stretch_l or (0.0, 0.0)))


def fields_of(found: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The single fields of the record and the test, the strongest first."""
    return tuple(one for one in found if one.stretch_l is None and one.name not in (CURVE, SPIROMETRY))


def spoken_stretch(found: Sequence[Contribution]) -> Contribution | None:
    """The stretch to speak of: the strongest of those that go the way of the whole curve; None where the curve changes little."""
    whole = next((one.log_odds for one in found if one.name == CURVE), 0.0)
    alike = [one for one in stretches(found) if one.log_odds * whole > 0] if abs(whole) >= SPOKEN else []
    best = max(alike or stretches(found), key=lambda one: abs(one.log_odds), default=None)
    return best if best is not None and (alike or abs(best.log_odds) >= SPOKEN) else None


def explain_cohort(model: Any, risk: Any, cohort: Path, traits: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
    """Contributions for every adult of a cohort and every trait: rows of id, trait, name, label, log_odds, odds_ratio."""
    from encoders.cases import analysed_row
    from encoders.cohort import adults, tidy_pieces

    for _, table in tidy_pieces(cohort):
        for _, row in adults(table).iterrows():
            patient, spirometry = analysed_row(row)
            for trait in traits:
                found = contributions(model, patient, spirometry, trait, slope=risk.data["traits"][trait]["calibration"][1])
                yield [{"id": row["id"], "trait": trait, **{name: one[name] for name in ("name", "label", "log_odds", "odds_ratio")}} for one in to_rows(found)]
