"""Reasons for and against a pattern or a risk: from the text of the record and from the curve, the score first.

The score is never changed by the words. The stretch of the loop that a reason speaks of is named: after the peak, its end, its start.
What counts as a reason follows ERS/ATS 2022 (ratio, FEV1, FVC against their limits) and ATS/ERS 2019 (early end, slow start).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from encoders.teacher.sentences import join
from encoders.teacher.view import View

KINDS = ("text", "curve", "both")
_OF_CURVE = re.compile(r"\b(?:curves?|loops?|shape|limb|graph|drawing|trace)\b")
_OF_TEXT = re.compile(r"\b(?:records?|numbers?|values?|history|fields?|measurements?)\b")
_OBSTRUCTIVE = frozenset({"obstruction", "possible_mixed", "possible_dysanapsis"})
_MEASURES = {"fev1_fvc": "FEV1/FVC ratio", "fev1_l": "FEV1", "fvc_l": "FVC"}
# what each pattern rests on: measures that are below their limit, and measures that are not
_RESTS_ON: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "normal": ((), ("fev1_fvc", "fev1_l", "fvc_l")),
    "obstruction": (("fev1_fvc", "fev1_l"), ()),
    "possible_mixed": (("fev1_fvc", "fvc_l"), ()),
    "possible_restriction": (("fvc_l",), ("fev1_fvc",)),
    "preserved_ratio_impaired": (("fev1_l",), ("fev1_fvc",)),
    "possible_dysanapsis": (("fev1_fvc",), ("fev1_l",)),
}
_AIRWAY_SYMPTOMS = re.compile(r"\b(?:cough|wheez|sputum|breathless|tightness)", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:no|not|none|never|without|denies)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for or against; ``name`` is a fact's name or a part of the loop (limb, end, peak)."""

    name: str
    words: str
    supports: bool
    source: str  # text or curve


def asked_kind(question: str) -> str:
    """Which rationale a question asks for: text, curve or both."""
    lower = question.lower()
    curve, text = _OF_CURVE.search(lower), _OF_TEXT.search(lower)
    return "curve" if curve and not text else "text" if text and not curve else "both"


def rationale(view: View, found: Sequence[Reason], kind: str) -> str:
    """One sentence of reasons from the record, one from the curve, or both; ``kind`` is one of KINDS."""
    parts = [] if kind == "curve" else [_sentence("In your record", [one for one in found if one.source == "text"])]
    if kind != "text":
        parts.append(_curve_sentence(view, [one for one in found if one.source == "curve"]))
    return " ".join(parts)


def _sentence(start: str, found: Sequence[Reason]) -> str:
    plus, minus = ([one.words for one in found if one.supports is side][:3] for side in (True, False))
    if not plus and not minus:
        return f"{start}, nothing clear speaks for it or against it."
    up = f"{join(plus)} {'speaks' if len(plus) == 1 else 'speak'} for it" if plus else "nothing clear speaks for it"
    down = f"{join(minus)} {'speaks' if len(minus) == 1 else 'speak'} against it" if minus else "nothing clear speaks against it"
    return f"{start}, {up}, and {down}."


def _curve_sentence(view: View, found: Sequence[Reason]) -> str:
    if not view.shape:
        return "There is no curve in your record, so no reason comes from one."
    if view.state != "read":
        return "The test cannot be read safely, so the curve gives no reason for it or against it."
    return _sentence("On the curve", found)


def pattern_reasons(view: View) -> tuple[Reason, ...]:
    """What speaks for and against the pattern that was found; empty where none was."""
    if view.state != "read":
        return ()
    low, normal = _RESTS_ON[view.pattern]
    found = [
        Reason(name, f"a {status} {_MEASURES[name]} ({view.token(name)})", True, "text")
        for names, is_low in ((low, True), (normal, False))
        for name in names
        if (status := view.status(name)) and (view.below(name) if is_low else status == "normal")
    ]
    if view.text("fev1_grade")[:1] in {"D", "E", "U"}:
        found.append(Reason("fev1_grade", f"the quality grade of the FEV1 ({view.token('fev1_grade')})", False, "text"))
    if view.shape:
        limb, peak, _, end = view.shape
        found.append(_limb(limb, (limb == "scooped") is (view.pattern in _OBSTRUCTIVE)))
        if end == "long tail" and view.pattern in _OBSTRUCTIVE:
            found.append(Reason("end", "the long tail at the end of the loop", True, "curve"))
        if end == "stops abruptly" and view.pattern in {"normal", "possible_restriction", "possible_mixed"}:  # a short FVC, a ratio too high
            found.append(Reason("end", "the abrupt stop at the end of the loop", False, "curve"))
        if peak == "late and blunt" and view.pattern in {"obstruction", "possible_mixed", "preserved_ratio_impaired"}:  # FEV1 too low
            found.append(Reason("peak", "the late and blunt peak at the start of the loop", False, "curve"))
    return tuple(found)


def risk_reasons(view: View, trait: str) -> tuple[Reason, ...]:
    """What in the facts and on the curve speaks for and against a trait."""
    if trait in {"copd", "asthma_current"}:
        return tuple(_lungs(view, trait))
    return tuple(_heart(view, trait))


def _limb(limb: str, supports: bool) -> Reason:
    return Reason("limb", f"the {limb} limb of the loop after the peak", supports, "curve")


def _smoking(view: View) -> list[Reason]:
    status = view.text("smoking_status")
    if status in {"current", "former"}:
        years = f" ({view.token('pack_years')})" if view.has("pack_years") else ""
        return [Reason("smoking_status", f"{'current' if status == 'current' else 'past'} smoking{years}", True, "text")]
    return [Reason("smoking_status", "never having smoked", False, "text")] if status == "never" else []


def _lungs(view: View, trait: str) -> list[Reason]:
    found: list[Reason] = []
    if view.state == "read" and (view.below("fev1_fvc") or view.status("fev1_fvc") == "normal"):
        words = f"a {view.status('fev1_fvc')} FEV1/FVC ratio ({view.token('fev1_fvc')})"
        found.append(Reason("fev1_fvc", words, view.below("fev1_fvc"), "text"))
    if trait == "copd":
        found += _smoking(view)
    symptoms = view.text("symptoms")
    if _AIRWAY_SYMPTOMS.search(symptoms) and not _DENIED.search(symptoms):
        found.append(Reason("symptoms", f"what you feel ({view.token('symptoms')})", True, "text"))
    if view.state == "read" and view.shape:
        limb, _, _, end = view.shape
        found.append(_limb(limb, limb == "scooped"))
        if end == "long tail":
            found.append(Reason("end", "the long tail at the end of the loop", True, "curve"))
    return found


_FIELDS: dict[str, tuple[tuple[str, str], ...]] = {
    "diabetes": (("hba1c_percent", "HbA1c"), ("glucose_mg_dl", "glucose"), ("bmi_kg_m2", "body mass index")),
    "hypertension": (
        ("systolic_bp_mmhg", "systolic blood pressure"), ("diastolic_bp_mmhg", "diastolic blood pressure"), ("bmi_kg_m2", "body mass index"),
    ),
    "": (("systolic_bp_mmhg", "systolic blood pressure"), ("total_cholesterol_mg_dl", "total cholesterol"), ("hba1c_percent", "HbA1c")),
}  # fmt: skip


def _heart(view: View, trait: str) -> list[Reason]:
    found = [
        Reason(name, f"a {view.status(name)} {label} ({view.token(name)})", view.above(name), "text")
        for name, label in _FIELDS.get(trait, _FIELDS[""])
        if view.above(name) or view.status(name) == "normal"
    ]
    return found if trait in {"diabetes", "hypertension"} else [*found, *_smoking(view)]
