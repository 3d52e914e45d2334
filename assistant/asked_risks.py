"""How far an estimated risk can be trusted, and what it was read without: told by code from the estimate."""

from __future__ import annotations

import re

from assistant.session import RiskEstimate, Session
from encoders.record import label_of
from encoders.teacher import Case
from encoders.teacher.risk import asked_trait
from encoders.teacher.sentences import join
from encoders.teacher.view import View

_RISK = re.compile(r"\b(?:risks?|chances?|odds|probabilit\w+|likelihood|estimates?)\b")
_TRUST = re.compile(
    r"\b(?:believe|trust\w*|rely|reliable|reliability|accurate|accuracy|sure|certain\w*|confiden\w+|how good|take (?:them|it|these|this) seriously|seriously|validated|calibrated|interval|uncertain\w*|margin|credible)\b"
)
_LACKING = re.compile(
    r"\b(?:without|missing|empty|blank|lack\w*|absent|unknown|not (?:recorded|known|filled|measured|there)|no (?:height|smoking|bloods?|cholesterol|glucose|weight|blood pressure|curve|data|value))\b"
)
_NOT = re.compile(r"\b(?:lower(?:ing)?|reduce|would (?:stopping|losing)|smokers?)\b")
FEW = 4  # missing inputs that are named


def asked_risks(session: Session, question: str) -> str:
    """The answer to "can I trust this risk?" and "how can you estimate it without the glucose?" (small letters), facts as tokens; else empty."""
    trait = asked_trait(question)
    if not session.risks or not (_RISK.search(question) or (trait and _LACKING.search(question) and "guess" in question)) or _NOT.search(question):
        return ""
    if not (_TRUST.search(question) or _LACKING.search(question)):
        return ""
    view = View(Case(session.patient, session.spirometry, session.facts))
    one = next((risk for risk in session.risks if risk.trait == trait), None)
    shown = f"The estimated risk of {one.label} is {view.token(f'risk_{one.trait}')}. " if one is not None and view.has(f"risk_{one.trait}") else ""
    return f"{shown}{_lacks(one or session.risks[0])}{_of_test(view)} Each estimate is shown with its interval: the wider it is, the less is known. They are statistics of many people, not diagnoses."


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
        return " The test cannot be trusted, so its values do not count as measured; the risks of the lungs say the least, and a repeat test may change them."
    if view.text("fev1_grade")[:1] in ("D", "E"):
        return f" The FEV1 has quality grade {view.token('fev1_grade')}, so the risks of the lungs may change with a repeat test."
    return ""
