"""What the teacher says about estimated risks: figures by token, and the reasons for and against from the facts."""

from __future__ import annotations

import random

from encoders.record import RISK_TRAITS
from encoders.teacher.rationale import asked_kind, rationale, risk_reasons
from encoders.teacher.sentences import join
from encoders.teacher.view import Reply, View

_ASKED = (
    ("asthma", "asthma_current"),
    ("copd", "copd"),
    ("diabetes", "diabetes"),
    ("sugar", "diabetes"),
    ("hypertension", "hypertension"),
    ("blood pressure", "hypertension"),
    ("heart attack", "myocardial_infarction"),
    ("stroke", "stroke"),
    ("heart failure", "heart_failure"),
    ("coronary", "coronary_heart_disease"),
    ("heart", "coronary_heart_disease"),
)
_LABEL = dict(RISK_TRAITS)
_NONE = "No risks are estimated for this record."
_ESTIMATE = "These are statistical estimates, not diagnoses."


def asked_trait(question: str) -> str:
    """The trait a question names, else an empty string."""
    lower = question.lower()
    return next((name for key, name in _ASKED if key in lower), "")


def asked_traits(question: str) -> tuple[str, ...]:
    """All traits that a question names, in its order; "heart" alone, beside a named disease of the heart, names none."""
    lower, found = question.lower(), dict[str, int]()
    for key, name in _ASKED:
        at = lower.find(key)
        if at >= 0 and name not in found:
            found[name] = at
            lower = lower.replace(key, "-" * len(key))
    return tuple(sorted(found, key=lambda name: found[name]))


def risks(view: View, rng: random.Random, question: str) -> Reply:
    """The trait that was asked for; else COPD, asthma and coronary heart disease."""
    known = {trait: view.facts[f"risk_{trait}"] for trait, _ in RISK_TRAITS if view.has(f"risk_{trait}")}
    asked = asked_trait(question)
    if not known or (asked and asked not in known):
        return Reply(_NONE, short=_NONE, plain=_NONE, subject="risk")
    named = [trait for trait in ("copd", "asthma_current", "coronary_heart_disease") if trait in known] or list(known)[:3]
    parts = [_clause(view, trait) for trait in ([asked] if asked else named)]
    compared = " The comparison is with people of your age and sex." if any("(" in part for part in parts) else ""
    plain = f"An estimate compares you with many similar people. {_ESTIMATE}"
    text = f"The estimated risk of {join([parts[0], *(f'of {part}' for part in parts[1:])])}.{compared} {_ESTIMATE}"
    return Reply(text, short=f"The estimated risk of {parts[0]}.", plain=plain, subject=f"risk:{asked or named[0]}")


def _clause(view: View, trait: str) -> str:
    fact = view.facts[f"risk_{trait}"]
    return f"{_LABEL[trait]} is {fact.token}{f' ({fact.status})' if fact.status else ''}"


def why_risk(view: View, rng: random.Random, question: str) -> Reply:
    trait = asked_trait(question) or "copd"
    if not view.has(f"risk_{trait}"):
        nothing = f"No risk of {_LABEL[trait]} is estimated for this record, so there is nothing to explain."
        return Reply(nothing, short=nothing, plain=nothing, subject="risk")
    head = f"The estimated risk of {_clause(view, trait)}."
    return Reply(
        f"{head} {reasons(view, trait, asked_kind(question))}",
        short=head,
        plain=f"{head} {_ESTIMATE}",
        subject=f"risk:{trait}",
    )


def reasons(view: View, trait: str, kind: str = "both") -> str:
    """What in the record and on the curve speaks for and against a trait; ``kind``: text, curve or both."""
    return rationale(view, risk_reasons(view, trait), kind)
