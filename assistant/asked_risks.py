"""How far an estimated risk can be trusted, and what it was read without: told by code from the estimate."""

from __future__ import annotations

import re

from assistant.asking import Asking
from assistant.session import RiskEstimate
from encoders.record import label_of
from encoders.teacher.risk import asked_trait
from encoders.teacher.sentences import join
from encoders.teacher.view import View

_RISK = re.compile(
    r"\b(?:risks?|chances?|odds|probabilit\w+|likelihood|estimates?|estimating|predictions?|percentages?|figures?|(?:higher|lower) than usual)\b"
)
_TRUST = re.compile(
    r"\b(?:believe|trust\w*|rely|reliable|reliability|accurate|accuracy|sure|certain\w*|confiden\w+|how good|take (?:them|it|these|this) seriously|seriously|validated|calibrated|interval|uncertain\w*|margin|credible|worth|meaning\w*|hold up|still (?:count|valid|stand)|means? anything|makes? (?:any )?sense)\b"
)
_LACKING = re.compile(
    r"\b(?:without|missing|empty|blank|lack\w*|absent|unknown|gaps?|incomplete|(?:what|which) (?:other|else|more|further|extra) (?:info\w*|data|details?|values?|tests?|things?|inputs?|facts?)\b|sharpen|(?:need|want|like|have) to (?:add|know|measure)|(?:make|get) (?:it|them|these|the \w+) (?:better|more (?:certain|accurate|precise))|not (?:recorded|known|filled|measured|there)|no (?:height|smoking|bloods?|cholesterol|glucose|weight|blood pressure|curve|data|value))\b"
)
_SHARE = re.compile(r"\d ?(?:%|per ?cent\b)")
_NOT = re.compile(r"\b(?:lower(?:ing)?|reduce|smokers?)\b")
_IF_CHANGED = re.compile(
    r"\b(?:if|would|could|once|after|were)\b[^?.]*\b(?:stop\w*|quit\w*|gave up|gives? up|giving up|los(?:t|es?|ing)|treated|controlled|came down|come down|brought down|better|fitter|improv\w+|chang\w+)\b"
    r"|\b(?:gave up|given up|stopped|quit)\b[^?]*\brisks?\b[^?]*\b(?:come|go|get|fall|drop|shrink)\w* ?(?:down|lower|less|now)?\b"
)
_TO_TRUST = re.compile(
    r"\b(?:estimat\w+|predict\w+|risk (?:figure|number|score)s?|\d ?(?:%|per ?cent))(?=\W)[^?]*\b(?:trust|rely|believe|reliable|accurate|faith|(?:much|how) (?:weight|stock)|means? anything|meaningful|makes? (?:any )?sense)\b"
)
OF_THE_VESSELS = ("hypertension", "myocardial_infarction", "stroke", "heart_failure", "coronary_heart_disease")  # traits that a lower blood pressure lowers
FEW = 4  # missing inputs that are named


def asked_risks(asking: Asking) -> str:
    """The answer to "can I trust this risk?" and "how can you estimate it without the glucose?" and "what if he stopped smoking?", facts as tokens, passages by id; else empty."""
    session, question = asking.session, asking.question
    trait, before = asked_trait(question), session.told[-1] if session.told else None
    of_it = (
        before is not None
        and before.seen.intent in ("risks", "why_risk", "risk_trust")
        and re.search(r"\b(?:it|that|this|them|number|figure)\b", question) is not None
    )
    if before is not None and of_it and not trait:
        trait = asked_trait(before.question)
    if (
        not session.risks
        or not (_RISK.search(question) or of_it or (trait and _SHARE.search(question)) or (trait and _LACKING.search(question) and "guess" in question))
        or _NOT.search(question)
    ):
        return ""
    view = asking.view
    one = next((risk for risk in session.risks if risk.trait == trait), None)
    shown = f"The estimated risk of {one.label} is {view.token(f'risk_{one.trait}')}. " if one is not None and view.has(f"risk_{one.trait}") else ""
    if _IF_CHANGED.search(question) and not _LACKING.search(question):
        quoted = (
            asking.quote("smoking/timeline") + " " + asking.quote("smoking/timeline", 1)
            if re.search(r"smok|quit|cig|fag|tobacco", question)
            else asking.quote("blood_pressure/bp-lifestyle")
            if trait in OF_THE_VESSELS
            else ""
        )
        return (
            f"{shown}It describes people with a record like this one, so it cannot say how it would change: that takes years and more than one value. {quoted}"
        )
    if not (_TRUST.search(question) or _LACKING.search(question)):
        return ""
    return _trusted(asking, one, shown)


def asks_to_trust(question: str) -> bool:
    """Whether a question (small letters) names an estimate and plainly asks whether it can be trusted, whatever else it tells."""
    return _TO_TRUST.search(question) is not None


def trusted(asking: Asking) -> str:
    """How far the risks can be trusted, or the one that a question names; facts as tokens."""
    trait = asked_trait(asking.question)
    one = next((risk for risk in asking.session.risks if risk.trait == trait), None)
    held = one is not None and asking.view.has(f"risk_{one.trait}")
    return _trusted(asking, one, f"The estimated risk of {one.label} is {asking.view.token(f'risk_{one.trait}')}. " if one is not None and held else "")


def _trusted(asking: Asking, one: RiskEstimate | None, shown: str) -> str:
    return f"{shown}{_lacks(one or asking.session.risks[0])}{_of_test(asking.view)} Each estimate is shown with its interval: the wider it is, the less is known. They are statistics of many people, not diagnoses."


def _lacks(risk: RiskEstimate) -> str:
    names = [
        label_of(name) if name not in ("curve", "spirometry") else {"curve": "the curve", "spirometry": "the breathing test"}[name] for name in risk.missing
    ]
    if not names:
        return "The estimates were read from the whole record and the test."
    more = names[:FEW] + (["others"] if len(names) > FEW else [])
    small = [name if name[:3] in ("HDL", "HbA") or name.startswith("the ") else name[0].lower() + name[1:] for name in more]
    return f"The estimates were made without {join(small)}: what is missing is left out, never guessed, and the model was taught to do without it."


def _of_test(view: View) -> str:
    if view.state == "unusable":
        return " No blow meets the standard, yet the curve is read as it is: the risks of the lungs say the least here, and a repeat test may change them."
    if view.text("fev1_grade")[:1] in ("D", "E"):
        return f" The FEV1 has quality grade {view.token('fev1_grade')}, so the risks of the lungs may change with a repeat test."
    return ""
