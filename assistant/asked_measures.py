"""Values of the test asked for beside something: predicted, percent, z-score, lower limit, how far off, after the bronchodilator. Told by code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.session import Session
from encoders.record import Fact
from encoders.teacher import Case
from encoders.teacher.view import View

_MEASURES = (  # the ratio first: its name holds the others
    ("fev1_fvc", re.compile(r"\bratio\b|fev ?1 ?(?:/|over|to|:)(?: the)? ?fvc|tiffeneau")),
    ("fev1", re.compile(r"\bfev ?1\b(?! ?(?:/|over|to|:) ?(?:the )?fvc)|first[- ]second")),
    ("fvc", re.compile(r"(?<!fev1/)(?<!fev1 / )(?<!over )\bfvc\b|vital capacity")),
)
_NAMES = {"fev1_fvc": "FEV1/FVC ratio", "fev1": "FEV1", "fvc": "FVC"}
_BESIDE = (
    ("percent", re.compile(r"\bper ?cent(?:age)?\b|%|\bshare of\b|\bproportion\b|\bfraction of (?:the )?predicted\b")),
    ("z", re.compile(r"\bz\b|\bz-?scores?\b|\bstandard deviations?\b")),
    ("lln", re.compile(r"\blln\b|\blower limits?\b|\blimits? of normal\b|\bcut-?off\b|\bthreshold\b|\bnormal range\b|\blowest normal\b")),
    ("predicted", re.compile(r"\bpredicted\b|\bexpected\b|\bcompared? (?:with|to|against)\b|\breference value\b|\bshould (?:it |they |his |her |my |the )?(?:\w+ )?be\b")),
    (
        "gap",
        re.compile(
            r"\bhow (?:far|much|many (?:lit(?:re|er)s|ml|l))\b[^?.]{0,30}\b(?:below|above|under|over|beneath|short|off|away|from|less|more|lower|higher)\b|\bshortfall\b|\bgap\b|\bby how (?:much|many)\b"
        ),
    ),
)  # fmt: skip
_AFTER = re.compile(
    r"\bpost\b|\bafter ?wards?\b|\bafter (?:(?:the|his|her|my|their|that|a) )?(?:\w+ )?(?:inhaler|puffer|spray|bronchodilator|reliever|puffs?|salbutamol|albuterol|ventolin|treatment|bd)\b|\bsecond (?:set|session|test)\b"
)
_CHANGE = re.compile(
    r"\b(?:chang\w+|respon\w+|revers\w+|improv\w+|better|help\w*|work\w*|gain\w*|go(?:es|ne)? up|went up|r[io]se\w*|effect|both|before and after|pre and post|differ\w*|compare)\b"
)
_NOT = re.compile(  # what asks for reasons, advice, a definition or a picture asks for no value
    r"\b(?:why|how come|mean(?:s|ing)?|improv\w*|rais(?:e|ing)|increas\w+|treat\w*|caus\w+|risks?|chances?|likel\w+|odds|draw|plot|picture|calculat\w+|work(?:ed)? out|equations?|trust|rely|reliable"
    r"|would|if|exercis\w+|smok\w+|dose|last (?:year|time|visit|month)|trend|over time|rather than|instead|versus|vs|gold|grade|lung age|important|serious|worr\w+|should (?:i|he|she|we|they) (?!be)|explain|interpret|which equations?)\b"
)
_BACK = re.compile(r"\b(?:that|it|this|its|one|them|those|these|same)\b")
_LIMIT = re.compile(r"\b(?P<way>below|under|less than|lower than|above|over|more than|higher than)\s+(?P<limit>\d+(?:[.,]\d+)?)")
LONGEST = 18  # words of a question for a value


@dataclass(frozen=True)
class Measured:
    """An answer, facts as tokens, and the figures in it that code worked out from them."""

    text: str
    figures: tuple[Fact, ...] = ()


def measures_named(text: str) -> tuple[str, ...]:
    """The measures that a text names, in its order: "fev1", "fvc", "fev1_fvc"."""
    lower = text.lower()
    found = [(match.start(), name) for name, pattern in _MEASURES if (match := pattern.search(lower))]
    return tuple(name for _, name in sorted(found))


def asked_measures(session: Session, question: str) -> Measured | None:
    """The answer to a question for values of the test beside something else (small letters, slips put right); None where it asks for no such thing."""
    view = View(Case(session.patient, session.spirometry, session.facts))
    beside = {name for name, pattern in _BESIDE if pattern.search(question)}
    post = _AFTER.search(question) is not None and session.spirometry is not None and session.spirometry.post is not None
    if not (beside or post) or view.state not in ("read", "partial") or len(question.split()) > LONGEST or _NOT.search(question):
        return None
    named = measures_named(question)
    if post:
        return _after(session, view, named, question) if named and not _CHANGE.search(question) else None
    if _CHANGE.search(question) and not beside & {"predicted", "lln"}:
        return None
    if not named and session.told and len(question.split()) <= 9 and (_BACK.search(question) or re.match(r"\W*(?:and|what about|how about)\b", question)):
        before = session.told[-1]
        named = measures_named(before.question) or measures_named(before.answer)[:1]
    if not named and "gap" in beside and beside & {"lln", "predicted"}:
        named = tuple(name for name in _NAMES if view.below(_own(name))) or ("fev1",)
    known = [name for name in dict.fromkeys(named) if view.has(_own(name), f"{name}_z")]
    if not known:
        return None
    said = [_beside(view, name, beside, question) for name in known]
    return Measured(" ".join(one.text for one in said), tuple(figure for one in said for figure in one.figures))


def _own(measure: str) -> str:
    return measure if measure == "fev1_fvc" else f"{measure}_l"


def _limit(measure: str, of: str) -> str:
    return f"{measure}_{of}" if measure == "fev1_fvc" else f"{measure}_{of}_l"


def _beside(view: View, measure: str, beside: set[str], question: str) -> Measured:
    """One measure with what it is asked beside."""
    own, percent = _own(measure), f"{measure}_percent_predicted"
    shown = [f"your {_NAMES[measure]} is {view.token(own)}"]
    if view.has(percent) and beside & {"percent", "predicted"}:
        shown.append(f"{view.token(percent)} of predicted")
    if "z" in beside or (measure == "fev1_fvc" and beside & {"percent", "predicted"}):
        shown.append(f"with a z-score of {view.token(f'{measure}_z')}")
    if view.status(own):
        shown.append(f"which is {view.status(own)}")
    said, figures = [f"{', '.join(shown)}."], []
    for of, words in (("predicted", "Predicted"), ("lln", "The lower limit of normal")):
        name = _limit(measure, of)
        if of not in beside or not view.has(name):
            continue
        gap = (view.facts[own].value or 0.0) - (view.facts[name].value or 0.0)
        text = f"{abs(gap):.2f}" if measure == "fev1_fvc" else f"{abs(gap):.2f} L"
        figures.append(Fact(f"{name}_gap", f"{_NAMES[measure]} from {words.lower()}", text, abs(gap)))
        side = "above" if gap > 0 else "below"
        said.append(f"{words} is {view.token(name)}{f', so it lies {text} {side} that' if 'gap' in beside or of == 'lln' else ''}.")
    first = said[0]
    return Measured(" ".join([first[0].upper() + first[1:], *said[1:]]), tuple(figures))


def _after(session: Session, view: View, named: tuple[str, ...], question: str) -> Measured | None:
    """What measures were after the bronchodilator, beside their lower limit and before it."""
    test = session.spirometry
    said, figures = [], []
    for measure in named:
        after = getattr(test.post, "fev1_fvc" if measure == "fev1_fvc" else f"{measure}_l", None) if test is not None else None
        limit = _limit(measure, "lln")
        if after is None or not view.has(_own(measure), limit):
            continue
        text = f"{after:.2f}" if measure == "fev1_fvc" else f"{after:.2f} L"
        low = round(after, 4) < (view.facts[limit].value or 0.0)
        figures.append(Fact(f"{measure}_after", f"{_NAMES[measure]} after the bronchodilator", text, after))
        said.append(f"After the bronchodilator your {_NAMES[measure]} is {text}; before it was {view.token(_own(measure))}.")
        found = _LIMIT.search(question)
        if found is not None:
            number = float(found["limit"].replace(",", ".")) / (100 if measure == "fev1_fvc" and float(found["limit"].replace(",", ".")) > 1.5 else 1)
            under = found["way"] in ("below", "under", "less than", "lower than")
            said.insert(0, "Yes." if (after < number) == under else "No.")
        said.append(
            f"The lower limit of normal is {view.token(limit)}, so it is {'still below' if low and view.below(_own(measure)) else 'below' if low else 'not below'} normal."
        )
    return Measured(" ".join(said), tuple(figures)) if said else None
