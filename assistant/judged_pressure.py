"""A blood pressure that is asked to be judged, the record's or one that is typed: its limits, what to do next, and from when on it is an emergency."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import Asking

SYSTOLIC = "systolic_bp_mmhg"
LIMITS, CHECKED, LOW_MEANS = ("blood_pressure/bp-levels", 0), ("blood_pressure/bp-levels", 1), ("blood_pressure/low-danger", (0, 1))
# mmHg, systolic and diastolic: what can be a blood pressure at all; under which the systolic is low (AHA); hypertension; severe hypertension (both ESC 2024)
PLAUSIBLE, LOWEST_DIASTOLIC, LOW, HIGH, SEVERE = (60, 260), 30, 90, (140, 90), (180, 110)
TEENAGER = 13  # years, from which the AAP has fixed limits
LONGEST = 14  # words of a question about a pressure that is typed
JUDGE = re.compile(
    r"\b(?:ok(?:ay)?|normal|high|low|good|bad|fine|dangerous|healthy|worrying|al(?:l ?)?right|raised|elevated|too|a lot|range|reassur\w+|concern\w*|worr(?:y|ied)|alarm\w*|serious|acceptable)\b"
)
OF_PRESSURE = re.compile(r"blood pressure|\bbp\b|\b\d{2,3} ?(?:/|over) ?\d{2,3}\b")
_FIGURE = re.compile(r"\b(\d{2,3}) ?(?:/|over) ?(\d{2,3})\b")
_ONE_FIGURE = re.compile(r"\b(?:top|upper|first|systolic|reading|number|figure)\b")
_OTHER_VALUE = re.compile(
    r"\b(?:peak ?flow|pef|fev ?1|fvc|ratio|heights?|tall|weigh\w*|sats?|oxygen|sugar|glucose|pulse|heart rate|insulin|\w*mix|humulin|humalog|symbicort|seretide|fostair|relvar|mcg|micrograms?|mg|score|cat|minutes|met(?:re|er)s|steps)\b"
)
_OF_A_CHILD = re.compile(
    r"\b(?:child|children|kids?|bab(?:y|ies)|toddler|infant|teenager|son|daughter)\b|\b(?:[1-9]|1[0-7])[ -]?(?:years?|yrs?)[ -]?old\b|\b(?:aged?|is) (?:[1-9]|1[0-7])\b"
)
_ALARMS = re.compile(r"\b(?:danger\w*|emergency|hospital|a ?& ?e|ambulance|urgent\w*|worr(?:y|ied|ying)|alarm\w*|serious\w*)\b")
_PREGNANT = re.compile(r"\bpregnan\w*|\bpost-?natal\b|\bgave birth\b|\bafter (?:the )?birth\b")
_TABLETS = re.compile(r"\bneeds? (?:to (?:take|be on|start) )?(?:\w+ )?(?:tablets?|medic\w+|pills|meds|drugs|treat\w+)\b")
_HOW_SOON = re.compile(r"\bhow (?:urgent|soon|quick|quickly|fast)\b")
_NEXT = re.compile(
    rf"\bwhat (?:should|shall|must|do|can|could|would|to|needs? to)\b[^?.]{{0,30}}\b(?:next|do|about|happen)\b|{_HOW_SOON.pattern}|\bnext step|\bwhat(?:'?s| is)? (?:the )?next\b"
)
_RISK = re.compile(r"\b(?:risks?|chances?|odds|likel\w+|probab\w+)\b")


def judged_pressure(asking: Asking) -> str:
    """The verdict on a blood pressure, what to do next about it, or whether it needs tablets; passages by id. Empty where nothing of that is asked."""
    question, view = asking.question, asking.view
    figure = _FIGURE.search(question)
    named = OF_PRESSURE.search(question) is not None or _own_systolic(asking)
    if _NEXT.search(question) and named and raised(asking) and not view.child:
        more = of_danger(asking) or _emergency(asking)
        return f"{values_in_words(view, (SYSTOLIC,))} {asking.quote(*CHECKED)} {asking.quote('blood_pressure/bp-lifestyle')} {more}"
    if _RISK.search(question):
        return ""
    own = f"{figure[1]} mmHg" == view.text(SYSTOLIC) if figure is not None else _own_systolic(asking)
    if own and (JUDGE.search(question) or "mean" in question):
        return f"{values_in_words(view, (SYSTOLIC,))} {limits(asking)} {of_danger(asking)}".strip()
    if (
        figure is not None
        and JUDGE.search(question)
        and len(question.split()) <= LONGEST
        and not (_OTHER_VALUE.search(question) or _OF_A_CHILD.search(question) or view.child)
    ):
        systolic, diastolic = int(figure[1]), int(figure[2])
        if PLAUSIBLE[0] <= systolic <= PLAUSIBLE[1] and LOWEST_DIASTOLIC <= diastolic < systolic:
            return _typed(asking, systolic, diastolic)
    if _TABLETS.search(question) and view.has(SYSTOLIC) and OF_PRESSURE.search(question):
        return _tablets(asking)
    return ""


def asks_how_soon(question: str) -> bool:
    """Whether a question (small letters) asks how soon something must be seen to."""
    return _HOW_SOON.search(question) is not None


def raised(asking: Asking) -> bool:
    """Whether one of the two pressures of the record is above what is usual."""
    return asking.view.above(SYSTOLIC) or asking.view.above("diastolic_bp_mmhg")


def limits(asking: Asking) -> str:
    """The limits that the record's pressure is judged by; where it is low, what that means."""
    if asking.view.child:
        return asking.quote("blood_pressure/children", 1 if (asking.view.facts["age_years"].value or 0.0) >= TEENAGER else 0)
    return _low(asking) if asking.view.below(SYSTOLIC) else asking.quote(*LIMITS)


def of_danger(asking: Asking) -> str:
    """From when on a high blood pressure is an emergency, where the record's is severe, or is raised and asked whether it is dangerous; else empty."""
    view = asking.view
    systolic, diastolic = (view.facts[name].value or 0.0 if view.has(name) else 0.0 for name in (SYSTOLIC, "diastolic_bp_mmhg"))
    return "" if view.child else _danger(asking, systolic, diastolic, raised(asking))


def _own_systolic(asking: Asking) -> bool:
    """Whether a question names the systolic pressure of the record by its figure alone: "my top number was 162"."""
    if not asking.view.has(SYSTOLIC) or _OTHER_VALUE.search(asking.question) or not _ONE_FIGURE.search(asking.question):
        return False
    return re.search(rf"(?<![\d.]){int(asking.view.facts[SYSTOLIC].value or 0)}\b(?! ?(?:%|cm|kg|ml|mm|years?|l\b))", asking.question) is not None


def _typed(asking: Asking, systolic: int, diastolic: int) -> str:
    """What a blood pressure that is only typed means: where it is low what is dangerous, else the limits, and what is an emergency."""
    if systolic < LOW:
        return _low(asking)
    return f"{asking.quote(*LIMITS)} {_danger(asking, systolic, diastolic, systolic >= HIGH[0] or diastolic >= HIGH[1])}".strip()


def _danger(asking: Asking, systolic: float, diastolic: float, high: bool) -> str:
    if systolic >= SEVERE[0] or diastolic >= SEVERE[1]:
        return f"{_emergency(asking)} {'' if _pregnant(asking) else asking.quote('blood_pressure/crisis', 2)}".strip()
    return _emergency(asking) if high and (_ALARMS.search(asking.question) or _pregnant(asking)) else ""


def _emergency(asking: Asking) -> str:
    return asking.quote("blood_pressure/crisis", 3 if _pregnant(asking) else 0)


def _pregnant(asking: Asking) -> bool:
    return _PREGNANT.search(f"{asking.question} {asking.view.text('conditions').lower()}") is not None


def _low(asking: Asking) -> str:
    return " ".join(asking.quote(LOW_MEANS[0], n) for n in LOW_MEANS[1])


def _tablets(asking: Asking) -> str:
    view = asking.view
    said = values_in_words(view, (SYSTOLIC,))
    if view.below(SYSTOLIC):
        return f"{said} {_low(asking)}"
    more = asking.quote("blood_pressure/bp-lifestyle", 2) if raised(asking) and not view.child else ""
    return f"{said} {more} Whether tablets are needed is for a clinician to decide, after more than one reading."
