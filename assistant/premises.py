"""What a question takes for granted of the record: a value that is "so low" and is not, a test that "was fine", a number, another time."""

from __future__ import annotations

import re

from assistant.asking import result
from encoders.record import Fact
from encoders.teacher.numbers import LABELS, PLURAL, asked_number
from encoders.teacher.view import View

_DOWN, _UP, _FINE = (
    "low|lower|poor|bad|reduced|weak|small|decreased|abnormal",
    "high|higher|raised|elevated|increased|big",
    "normal|fine|good|perfect|great|ok|okay|all right|alright|healthy",
)
_SO = r"(?:so |too |very |really |still |quite |a bit |a little |only |that |rather )*"
_CLAIMS = (  # a value and what it is said to be
    re.compile(rf"(?<!is )(?<!are )(?<!was )(?<!if )(?<!whether )\b(?:my|his|her|the|this patient's) (?P<what>[\w/ -]{{2,28}}?) (?:is|was|are|were|being) {_SO}(?P<how>{_DOWN}|{_UP}|{_FINE})\b(?! (?:than|enough|for))"),
    re.compile(rf"\bwhy (?:is|was|are|were) (?:my|his|her|the) (?P<what>[\w/ -]{{2,28}}?) {_SO}(?P<how>{_DOWN}|{_UP}|{_FINE})\b"),
    re.compile(r"\b(?:my|his|her|such an?|with an?|with) (?P<how>low|reduced|poor|high|raised|elevated) (?P<what>fev1|fvc|ratio|oxygen|saturation|spo2|hba1c|bmi|heart rate|pulse|blood pressure|cholesterol|glucose)\b"),
)  # fmt: skip
_OF_TEST = re.compile(
    rf"(?<!is )(?<!was )(?<!are )(?<!if )(?<!whether )\b(?:my|his|her|the|this) (?:breathing |lung |blowing )?(?:test|results?|spirometry|spirogram|lungs?|lung function) (?:was|were|is|are|came (?:back|out)|looks?) {_SO}(?P<how>{_DOWN}|{_FINE})\b"
)
_ASKED = re.compile(r"\b(?:is|are|was|were|if|whether|does|did)\W*$")
_LOW, _HIGH = frozenset({"low", "slightly low", "borderline low", "borderline"}), frozenset({"raised", "high", "borderline high"})
_ASKS_VALUE = re.compile(
    r"^\W*(?:and |so |please )*(?:what(?:'s)? (?:was|were|is)|(?:can|could|do) you (?:tell|show|give|know)|tell|show|give|how (?:high|low|much|was)|do you (?:have|know))\b"
)
THEN = re.compile(
    r"\bin (?:19|20)\d\d\b|\blast (?:year|month|time|week|summer|winter|spring|autumn)\b|\b(?:\d+|one|two|three|five|ten|a few|some|many) (?:years?|months?|weeks?) ago\b|\bas a (?:child|kid|teenager|baby)\b|\bwhen i was (?:\d|young|a |born)|\bused to be\b|\bback then\b|\byesterday\b"
)
_NUMBER = re.compile(r"(?<![\w.,/])(\d+(?:[.,]\d+)?)(?![\w/]|[.,]\d)")
_OF_NUMBER = re.compile(r"^\W*(?:and |so |but |ok )*(?:is|was|what (?:does|do|about)|what's|whats|what is|does|why|how (?:bad|good)|\d)", re.IGNORECASE)
_OF_MORE = re.compile(
    r"\b(?:risks?|chances?|odds|likel\w+|chang\w+|affect\w*|influence\w*|rais\w+|why|how (?:do|does)|safe|fly|flying|allowed|travel|go to|surgery|operation)\b"
)
_BESIDE = frozenset(
    "is was what does do mean means about a an the good bad ok okay normal high low too so and but why how my his her percent litres liters l dangerous number score value result of that it fine really very s whats".split()
)
_JUDGED = re.compile(r"\b(?:normal|ok(?:ay)?|good|bad|fine|high|low|dangerous|worrying|healthy|abnormal|alright|too)\b")


def contradicted(view: View, question: str) -> str:
    """What the record says instead of what a question (small letters) takes for granted; empty where it says the same or nothing."""
    found = _OF_TEST.search(question)
    if found is not None and not _ASKED.search(question[: found.start()]):
        fine = re.fullmatch(_FINE, found["how"]) is not None
        if fine and view.state != "none" and not (view.state == "read" and view.pattern == "normal"):
            return f"The test was not in the normal range. {result(view)}" if view.state == "read" else f"The test cannot be called normal. {result(view)}"
        if not fine and view.state == "read" and view.pattern == "normal":
            return f"The test was not abnormal. {result(view)}"
    for pattern in _CLAIMS:
        for found in pattern.finditer(question):
            name = asked_number(found["what"]) if "limit" not in found["what"] else ""
            status = view.status(name) if name and view.has(name) else ""
            if not status or _ASKED.search(question[: found.start()]):
                continue
            down, up = (re.fullmatch(words, found["how"]) is not None for words in (_DOWN, _UP))
            wrong = (down and status not in _LOW and not (found["how"] in ("bad", "abnormal") and status in _HIGH)) or (up and status not in _HIGH)
            if not down and not up and ("borderline" in status or re.search(r"\b(?:nearly|almost|still|mostly|just about)\b", found[0])):
                continue  # "nearly ok" is how a value at the limit may be called
            if wrong or (not down and not up and status in _LOW | _HIGH):
                verb = "are" if name in PLURAL else "is"
                both = (
                    " The FEV1 and the FVC are low together, which leaves their ratio as it is."
                    if name == "fev1_fvc" and view.below("fev1_l") and view.below("fvc_l")
                    else ""
                )
                return f"Your {LABELS[name]} {verb} not {found['how']}: {'they are' if verb == 'are' else 'it is'} {view.token(name)}, which is {status}.{both}"
    return ""


def why_of_record(view: View, question: str) -> str:
    """The value of the record (not of the test) whose reason is asked for; empty where there is none."""
    found = _CLAIMS[1].search(question)
    name = asked_number(found["what"]) if found else ""
    return name if view.has(name) and view.status(name) and not name.startswith(("fev1", "fvc")) else ""


def of_another_time(view: View, name: str, question: str) -> str:
    """That the record holds a value once and without a date, where it is asked for at another time."""
    if not THEN.search(question) or not _ASKS_VALUE.match(question):
        return ""
    holds = f"The only one that it holds, without a date, is {view.token(name)}." if view.has(name) else ""
    return f"The record does not say what your {LABELS.get(name, 'value')} was then. {holds}"


def _shown(fact: Fact) -> float | None:
    """The number that a fact shows, without its sign; None where it shows words ("under 1 %")."""
    first = fact.text.split()[0].lstrip("-")
    return float(first) if re.fullmatch(r"\d+(?:\.\d+)?", first) else None


def _with_number(view: View, question: str) -> list[str]:
    """The facts whose value is the one number that a question holds."""
    numbers = [float(found[1].replace(",", ".")) for found in _NUMBER.finditer(question)]
    return [name for name, fact in view.facts.items() if len(numbers) == 1 and fact.value is not None and _shown(fact) == numbers[0]]


def named_by_number(view: View, question: str, named: tuple[str, ...] = ()) -> str:
    """The fact that a short question means by its number ("is 6.7 bad?", "is a peak flow of 7.4 good?"); empty where none or several have it.

    ``named``: the facts that the question names, if any.
    """
    fits = _with_number(view, question)
    if (named and "mean" in question) or _OF_MORE.search(question):
        return ""
    if named:
        return next((name for name in named if name in fits), "")
    of_it_alone = all(word in _BESIDE for word in re.findall(r"[a-z]+", question))
    fits = [name for name in fits if view.status(name) or name.startswith(("fev1", "fvc"))]
    return fits[0] if len(fits) == 1 and of_it_alone and _OF_NUMBER.match(question) else ""


def meant_by_number(view: View, question: str) -> str:
    """The one fact whose value is the one number that a question holds, whatever its other words are; empty where none or several are."""
    fits = [name for name in _with_number(view, question) if view.status(name) and name in LABELS]
    return fits[0] if len(fits) == 1 else ""


def not_judged(view: View, names: tuple[str, ...], question: str) -> str:
    """Why a value that is asked to be judged has no verdict; empty where it has one, or none is asked for."""
    if not _JUDGED.search(question) or any(view.status(name) for name in names):
        return ""
    if view.state == "no_reference" and any(name.startswith(("fev1", "fvc")) for name in names):
        return result(view)
    main = names[0].removesuffix("_percent_predicted").removesuffix("_z") + ("" if names[0].startswith("fev1_fvc") else "_l")
    if len(names) == 1 and main != names[0] and view.has(main) and view.status(main):
        return f"The {'FEV1/FVC ratio' if main == 'fev1_fvc' else main[:-2].upper()} itself is {view.token(main)}, which is {view.status(main)}."
    known = [name for name in names if view.has(name) and name in LABELS and name not in ("age_years", "height_cm", "weight_kg", "sex", "blows", "pack_years")]
    return "I have no normal range for it here, so I cannot say whether that is normal." if known and view.state != "unusable" else ""
