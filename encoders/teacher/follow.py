"""What the teacher says to "is that bad?", "why?", "shorter" and "in plain words": the turn before decides."""

from __future__ import annotations

import random
from dataclasses import replace

from encoders.teacher.risk import reasons
from encoders.teacher.sentences import (
    GRADES,
    MEANING,
    NO_TEST,
    UNUSABLE,
    limb_sentence,
    lower_first,
    not_read,
)
from encoders.teacher.view import Reply, View

FOLLOW_UPS = ("is_it_bad", "why", "shorter", "plain_words")
_MEASURES = {"fev1": ("fev1_l", "FEV1"), "fvc": ("fvc_l", "FVC"), "fev1_fvc": ("fev1_fvc", "FEV1/FVC ratio")}
_BY_NAME = {fact: subject for subject, (fact, _) in _MEASURES.items()} | {
    "fev1_z": "fev1", "fev1_percent_predicted": "fev1", "fvc_z": "fvc",
}  # fmt: skip
_SOURCE = "I only say what stands in your record or in the library"


def follow(intent: str, before: Reply, view: View, rng: random.Random) -> Reply:
    """The answer to a follow-up; it keeps the subject, so that a further follow-up works."""
    if intent == "shorter":
        text = before.short if before.short.startswith("In short") else f"In short: {lower_first(before.short)}"
        return replace(before, text=text, evidence=_evidence(before, text), short=text)
    if intent == "plain_words":
        text = before.plain or before.short
        text = text if text.startswith("In plain words") else f"In plain words: {lower_first(text)}"
        return replace(before, text=text, evidence=_evidence(before, text), plain=text)
    text = _bad(before, view) if intent == "is_it_bad" else _why(before, view)
    first = text.split(". ")[0].rstrip(".") + "."
    return replace(before, text=text, evidence=_evidence(before, text), short=first, plain=text)


def _evidence(before: Reply, text: str) -> str:
    if before.evidence == "library":
        return "library" if "[" in text else "record"
    return "record" if "<|" in text else before.evidence


def _bad(before: Reply, view: View) -> str:
    subject = _BY_NAME.get(before.subject, before.subject)
    if subject.startswith("risk:"):
        status = view.status(f"risk_{subject[5:]}")
        compared = f"The figure is {status} for your age and sex" if status else "The figure is an estimate"
        return f"{compared}. It is a chance, not a diagnosis, so talk it through with a clinician."
    if subject == "quality":
        if not view.has("fev1_grade"):
            return f"{NO_TEST}." if view.state == "none" else f"It means that the test should be repeated. {UNUSABLE}."
        grade = GRADES.get(view.text("fev1_grade")[:1], GRADES["E"])
        return f"A grade is about the test and not about your lungs: the FEV1 is {grade}."
    if subject == "bronchodilator":
        return "Neither result is good or bad by itself. It helps a clinician to understand how your airways behave."
    if subject in _MEASURES:
        fact, name = _MEASURES[subject]
        status = view.status(fact)
        if view.state != "read" or not status:
            return _by_pattern(view)
        if status == "normal":
            return f"Your {name} is normal, so that value is no cause for concern by itself. {_whole(view)}"
        return f"Your {name} is {status}, so it is worth discussing with a clinician. {_whole(view)}"
    status = view.status(subject)
    if status == "normal":
        return "No, that value is in the normal range."
    if status:
        return f"It is {status}, so have it checked again and discuss it with a clinician. One value settles nothing."
    return _by_pattern(view)


def _whole(view: View) -> str:
    degree = f", {view.token('severity')} by z-score" if view.has("severity") else ""
    return f"The pattern of the whole test is {view.token('pattern')}{degree}."


def _by_pattern(view: View) -> str:
    if view.state != "read":
        return f"I cannot say whether it is bad. {not_read(view)}"
    if view.pattern == "normal":
        return "No, your test is in the normal range. Tell a clinician if you have symptoms all the same."
    degree = f", {view.token('severity')} by z-score" if view.has("severity") else ""
    return (
        f"It is not what is expected: the pattern of your test is {view.token('pattern')}{degree}. "
        "How much it matters depends on your symptoms, so discuss it with a clinician."
    )


def _why(before: Reply, view: View) -> str:
    subject = _BY_NAME.get(before.subject, before.subject)
    if subject.startswith("risk:"):
        return f"Because of what the record holds. {reasons(view, subject[5:])}"
    if subject == "quality":
        if view.state == "none":
            return f"Because there is nothing to judge: {lower_first(NO_TEST)}."
        single = " A single blow never grades above E." if view.text("blows") == "1" else ""
        return f"Because a grade counts the acceptable blows and how closely they agree.{single}{view.found()}"
    if subject == "dose":
        return "Because a dose depends on the medicine, the person and other treatments, which a prescriber must weigh."
    if subject == "diagnosis":
        return "Because several conditions share one pattern on a breathing test, and a diagnosis also needs symptoms, history and other tests."
    if subject == "guidance":
        return f"Because the passage I quoted says so. {_cause(view, 'In your test,') if view.pattern else ''}".strip()
    if subject == "no_guidance":
        return f"Because {_SOURCE}, and nothing there fits."
    if subject in {"pattern", "shape"} or subject in _MEASURES:
        return _cause(view)
    if view.status(subject):
        return f"Because that value is compared with published limits, and yours counts as {view.status(subject)}."
    return f"Because {_SOURCE}."


def _cause(view: View, start: str = "Because") -> str:
    """The measured reasons for the pattern, the look of the loop among them."""
    if view.state != "read":
        return not_read(view)
    second = "fvc" if view.pattern in {"possible_restriction", "possible_mixed"} else "fev1"
    parts = [
        f"your {name} is {view.token(fact)}, which is {view.status(fact)}" for fact, name in (_MEASURES["fev1_fvc"], _MEASURES[second]) if view.status(fact)
    ]
    if not parts:
        return f"Because {MEANING[view.pattern]}."
    return f"{start} {', and '.join(parts)}. {limb_sentence(view)}".strip()
