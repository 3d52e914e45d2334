"""What the teacher says to "is that bad?", "why?", "shorter" and "in plain words": the turn before decides."""

from __future__ import annotations

import random
from dataclasses import replace

from encoders.teacher_record import (
    GRADES,
    MEANING,
    NO_TEST,
    UNUSABLE,
    Reply,
    View,
    _and,
    not_read,
)
from encoders.teacher_risk import reasons

FOLLOW_UPS = ("is_it_bad", "why", "shorter", "plain_words")
_MEASURES = {
    "fev1": ("fev1_l", "FEV1"),
    "fvc": ("fvc_l", "FVC"),
    "fev1_fvc": ("fev1_fvc", "ratio"),
}


def follow(intent: str, before: Reply, view: View, rng: random.Random) -> Reply:
    """The answer to a follow-up; it keeps the subject, so that a further follow-up works."""
    if intent == "shorter":
        return replace(
            before,
            text=f"In short: {_lower(before.short)}",
            evidence=_evidence(before, before.short),
        )
    if intent == "plain_words":
        text = before.plain or before.short
        text = (
            text
            if text.startswith("In plain words")
            else f"In plain words: {_lower(text)}"
        )
        return replace(before, text=text, evidence=_evidence(before, text))
    text = _bad(before, view) if intent == "is_it_bad" else _why(before, view)
    return replace(
        before,
        text=text,
        evidence=_evidence(before, text),
        short=text.split(". ")[0].rstrip(".") + ".",
        plain=text,
    )


def _evidence(before: Reply, text: str) -> str:
    if before.evidence == "library":
        return "library" if "[" in text else "record"
    return before.evidence


def _lower(text: str) -> str:
    keep = (
        text.startswith(
            (
                "FEV1",
                "FVC",
                "PEF",
                "I ",
                "HbA1c",
                "HDL",
                "COPD",
                "LDL",
                "WHO",
                "GINA",
                "GOLD",
                "A1c",
            )
        )
        or text[1:2].isupper()
    )
    return text if keep or not text else text[0].lower() + text[1:]


def _bad(before: Reply, view: View) -> str:
    subject = before.subject
    if subject.startswith("risk:"):
        status = view.status(f"risk_{subject[5:]}")
        compared = (
            f"The figure is {status} for your age and sex"
            if status
            else "The figure is an estimate"
        )
        return f"{compared}. It is a chance, not a diagnosis, so talk it through with a clinician."
    if subject == "quality":
        if not view.has("fev1_grade"):
            return (
                f"{NO_TEST}."
                if view.state == "none"
                else f"It means that the test should be repeated. {UNUSABLE}."
            )
        return f"It is not about your lungs but about the test: the FEV1 is {GRADES.get(view.text('fev1_grade')[:1], GRADES['E'])}."
    if subject == "bronchodilator":
        return "Neither result is good or bad by itself. It helps a clinician to understand how your airways behave."
    if subject in {
        "guidance",
        "diagnosis",
        "dose",
        "hello",
        "record",
        "risk",
        "none",
        "pef",
        "",
    }:
        return _by_pattern(view)
    if subject in _MEASURES:
        fact, name = _MEASURES[subject]
        if not view.status(fact):
            return _by_pattern(view)
        if view.below(fact):
            return f"Your {name} is {view.status(fact)}, so it is worth discussing. {_by_pattern(view)}"
        return f"Your {name} is {view.status(fact)}, so that value is no cause for concern by itself. {_by_pattern(view)}"
    if subject in {"pattern", "shape"}:
        return _by_pattern(view)
    status = view.status(subject)
    if status == "normal":
        return "No, that value is normal."
    if status:
        return f"It is {status}, so it is worth checking again and discussing with a clinician. One value alone does not settle anything."
    return "That value is neither good nor bad by itself."


def _by_pattern(view: View) -> str:
    if view.state != "read":
        return f"I cannot say whether it is bad. {not_read(view)}"
    if view.pattern == "normal":
        return "No, your test is in the normal range. Tell a clinician if you have symptoms all the same."
    degree = f" of {view.token('severity')} degree" if view.has("severity") else ""
    return f"It is not what is expected: your test shows {view.token('pattern')}{degree}. How much it matters depends on your symptoms, so discuss it with a clinician."


def _why(before: Reply, view: View) -> str:
    subject = before.subject
    if subject.startswith("risk:"):
        return f"Because of what the record holds. {reasons(view, subject[5:])}"
    if subject == "quality":
        if view.state == "none":
            return f"{NO_TEST}."
        found = (
            f" What was found: {view.token('findings')}."
            if view.has("findings")
            else ""
        )
        single = (
            " A single blow never grades above E, because nothing confirms it."
            if view.text("blows") == "1"
            else ""
        )
        return f"Because a grade counts the acceptable blows and how closely they agree.{single}{found}"
    if subject == "dose":
        return "Because a dose depends on the medicine, the person and other treatments, which a prescriber must weigh."
    if subject == "diagnosis":
        return "Because a breathing test shows a pattern that several conditions share, and a diagnosis also needs symptoms, history and other tests."
    if subject == "guidance":
        cause = _cause(view)
        source = (
            "Because the passage I quoted says so"
            if before.evidence == "library"
            else "Because I only give guidance that stands in the library"
        )
        return f"{source}. {cause}".strip()
    if subject in {"bronchodilator", "hello", "record", "risk", "none"}:
        return "Because I only say what stands in your record or in the library."
    if view.state != "read":
        return not_read(view)
    return _cause(view) or f"Because {MEANING[view.pattern]}."


def _cause(view: View) -> str:
    """The measured reasons for the pattern, the look of the loop among them."""
    if view.state != "read":
        return not_read(view)
    parts = [
        f"your {name} is {view.token(fact)}, which is {view.status(fact)}"
        for fact, name in (_MEASURES["fev1_fvc"], _MEASURES["fev1"])
        if view.status(fact)
    ]
    if view.pattern in {"possible_restriction", "possible_mixed"} and view.status(
        "fvc_l"
    ):
        parts = (
            [
                parts[0],
                f"your FVC is {view.token('fvc_l')}, which is {view.status('fvc_l')}",
            ]
            if parts
            else parts
        )
    if not parts:
        return ""
    shape = (
        f" The descending limb of the loop looks {view.shape[0]}." if view.shape else ""
    )
    return f"In your test, {_and(parts)}.{shape}"
