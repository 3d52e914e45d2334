"""Values of the test asked for beside something: predicted, percent, z-score, lower limit, how far off, after the bronchodilator. Told by code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.comparisons import LIMIT, compares
from assistant.session import Session
from encoders.record import Fact
from encoders.spirogram.reference import NAMES, ReferenceRangeError, evaluate
from encoders.spirogram.results import Reference
from encoders.teacher import Case
from encoders.teacher.sentences import join
from encoders.teacher.view import View

_MEASURES = (  # the ratio first: its name holds the others
    ("fev1_fvc", re.compile(r"\bratio\b|fev ?1 ?(?:/|over|to|:)(?: the)? ?fvc|tiffeneau")),
    ("fev1", re.compile(r"\bfev ?1\b|first[- ]second")),
    ("fvc", re.compile(r"\bfvc\b|vital capacity|\blung (?:size|capacity)\b")),
)
_NAMES = {"fev1_fvc": "FEV1/FVC ratio", "fev1": "FEV1", "fvc": "FVC"}
_BESIDE = (
    ("percent", re.compile(r"\bper ?cent(?:age)?\b|%|\bshare of\b|\bproportion\b|\bfraction of (?:the )?predicted\b")),
    ("z", re.compile(r"\bz\b|\bz-?scores?\b|\bstandard deviations?\b")),
    ("lln", re.compile(r"\blln\b|\blower limits?\b|\blimits? of normal\b|\bcut[- ]?off\b|\bthreshold\b|\bnormal range\b|\blowest normal\b")),
    ("predicted", re.compile(r"\bpredict(?:ed|ion)?\b|\bexpect(?:ed|ation)?\b|\bcompared? (?:with|to|against)\b|\breference value\b|\bshould (?:it |they |his |her |my |the )?(?:\w+ )?be\b")),
    (
        "gap",
        re.compile(
            r"\bhow (?:far|much|many (?:lit(?:re|er)s|ml|l))\b[^?.]{0,30}\b(?:below|above|under|over|beneath|short|off|away|from|less|more|lower|higher)\b|\bshortfall\b|\bgap\b|\bby how (?:much|many)\b"
        ),
    ),
)  # fmt: skip
_AFTER = re.compile(
    r"\bpost\b|\bafter ?wards?\b|\bafter (?:it|that)\b|\bstill after\b|\bafter\W*$|\bafter (?:(?:the|his|her|my|their|that|a) )?(?:\w+ )?(?:inhaler|puffer|spray|bronchodilator|reliever|puffs?|salbutamol|albuterol|ventolin|treatment|bd)\b|\bsecond (?:set|session|test)\b"
)
_CHANGE = re.compile(
    r"\b(?:chang\w+|respon\w+|revers\w+|improv\w+|better|help\w*|work\w*|gain\w*|go(?:es|ne)? up|went up|r[io]se\w*|effect|both|before and after|pre and post|differ\w*|compare)\b"
)
_NOT = re.compile(  # what asks for reasons, advice, a definition or a picture asks for no value
    r"\b(?:why|how come|mean(?:s|ing)?|improv\w*|rais(?:e|ing)|increas\w+|treat\w*|caus\w+|risks?|chances?|likel\w+|odds|draw|plot|picture|calculat\w+|work(?:ed)? out|equations?|trust|rely|reliable"
    r"|would|if|exercis\w+|smok\w+|dose|last (?:year|time|visit|month)|trend|over time|rather than|instead|versus|vs|gold|grade|lung age|important|serious|worr\w+|should (?:i|he|she|we|they) (?!be)|explain(?!\W*$)|interpret|which equations?)\b"
)
_BACK = re.compile(r"\b(?:that|it|this|its|one|them|those|these|same)\b")
_A_MINUTE = re.compile(r"\bl/min\b|\bper min(?:ute)?\b|\ba minute\b|\blpm\b")
_OLD_RULE = re.compile(
    r"\b12 ?(?:%|per ?cent)|\b200 ?ml\b|\b(?:old|older|2005|previous|former) (?:\S+ ){0,4}(?:rule|criteri\w+|definition|standard|guideline)s?\b"
)
_HOW_CHANGE = re.compile(
    r"\b(?:change|response|reversibility|improvement|rise)\b[^?.]{0,24}\b(?:calculat\w+|work(?:ed)? out|defined|computed|judged|percent of what|relative to)\b|\bpercent of what\b"
)
_IMAGINED = re.compile(
    r"\b(?:if|assum\w+|suppose|supposing|say|imagine|were|was|turned out)\b[^?.]*?\b(?:(?P<cm>1\d\d|20\d)(?:\.\d)? ?(?:cm|centimet\w+)|(?P<years>\d\d) ?(?:years?(?: old)?|yrs?))\b"
)
LONGEST = 18  # words of a question for a value


@dataclass(frozen=True)
class Measured:
    """An answer, facts as tokens, and the figures in it that code worked out from them."""

    text: str
    figures: tuple[Fact, ...] = ()


def measures_named(text: str) -> tuple[str, ...]:
    """The measures that a text names, in its order: "fev1", "fvc", "fev1_fvc"."""
    rest, found = text.lower(), []
    for name, pattern in _MEASURES:
        match = pattern.search(rest)
        if match is not None:
            found.append((match.start(), name))
            rest = pattern.sub(lambda one: " " * len(one[0]), rest)  # the ratio's name holds the other two
    return tuple(name for _, name in sorted(found))


def asked_measures(session: Session, question: str) -> Measured | None:
    """The answer to a question for values of the test beside something else (small letters, slips put right); None where it asks for no such thing."""
    view = View(Case(session.patient, session.spirometry, session.facts))
    beside = {name for name, pattern in _BESIDE if pattern.search(question)}
    imagined = _what_if(session, view, question)
    if imagined is not None:
        return imagined
    if _HOW_CHANGE.search(question) and session.spirometry is not None and session.spirometry.post is not None:
        return _by_present_rule(session)
    if _OLD_RULE.search(question) and session.spirometry is not None and session.spirometry.post is not None:
        return _by_older_rule(session)
    flow = _flow(view, question, session.told[-1].answer.lower() if session.told else "")
    if flow is not None:
        return flow
    post = _AFTER.search(question) is not None and session.spirometry is not None and session.spirometry.post is not None
    if not (beside or post) or view.state not in ("read", "partial") or len(question.split()) > LONGEST or _NOT.search(question):
        return None
    named = measures_named(question)
    if post and not named and re.search(r"\b(?:normal|obstruct\w*|low|fine|ok(?:ay)?|numbers|values|results?)\b", question):
        named = ("fev1", "fev1_fvc")
    if post:
        return _after(session, view, named, question) if named and not _CHANGE.search(question) else None
    if _CHANGE.search(question) and not beside & {"predicted", "lln"}:
        return None
    if not named and session.told and len(question.split()) <= 9 and (_BACK.search(question) or re.match(r"\W*(?:and|what about|how about)\b", question)):
        before = session.told[-1]
        named = measures_named(before.question) or measures_named(before.answer)[:1]
    if not named and "gap" in beside and (beside & {"lln", "predicted"} or re.search(r"\b(?:normal|average)\b", question)):
        named = tuple(name for name in _NAMES if view.below(_own(name))) or ("fev1",)
    if not named:
        numbers = re.findall(r"(?<![\d.])-?\d+\.\d+", question)
        named = tuple(name for name in _NAMES if view.has(_own(name)) and any(_is(view.facts[_own(name)].value, one) for one in numbers))
    known = [name for name in dict.fromkeys(named) if view.has(_own(name), f"{name}_z")]
    if not known:
        return None
    said = [_beside(view, name, beside, question) for name in known]
    verdict = f"{compares(view, _own(known[0]), question)}. " if len(known) == 1 and compares(view, _own(known[0]), question) else ""
    severe = f" By z-score the pattern is {view.token('severity')}." if re.search(r"\bsever\w*|\bhow bad", question) and view.has("severity") else ""
    return Measured(verdict + " ".join(one.text for one in said) + severe, tuple(figure for one in said for figure in one.figures))


def _is(value: float | None, said: str) -> bool:
    """Whether a number as it is said is this value, rounded as it is."""
    return value is not None and f"{value:.{len(said.partition('.')[2])}f}" == said


def _flow(view: View, question: str, told: str) -> Measured | None:
    """PEF in litres a minute, as peak flow meters show it; or FEF25-75 where it is named."""
    if view.state in ("none", "unusable") or _NOT.search(question):
        return None
    spoken = f"{question} {told}" if _BACK.search(question) else question
    if _A_MINUTE.search(question) and re.search(r"\bpeak ?flow\b|\bpef\b|\bl/s\b", spoken) and view.has("pef_l_s"):
        minute = f"{60 * (view.facts['pef_l_s'].value or 0.0):.0f}"
        figure = Fact("pef_l_min", "PEF in litres a minute", f"{minute} L/min", float(minute))
        return Measured(f"Your PEF, the peak flow, is {view.token('pef_l_s')}, which is {figure.text}.", (figure,))
    if re.search(r"\bfef ?(?:25|\b)|\bmmef\b|\bmid-? ?(?:expiratory|flow)", question) and view.has("fef25_75_l_s"):
        return Measured(
            f"Your FEF25-75, the mean flow over the middle half of the breath, is {view.token('fef25_75_l_s')}. It varies widely between healthy people, so it is not read alone."
        )
    return None


def _shown(view: View, name: str) -> float:
    """A value as it is shown, so that whoever subtracts what they read finds the same."""
    return round(view.facts[name].value or 0.0, 2)


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
    beside = beside | {"lln", "predicted"} if "gap" in beside and not beside & {"lln", "predicted"} else beside
    said, figures = [f"{', '.join(shown)}."], []
    for of, words in (("predicted", "Predicted"), ("lln", "The lower limit of normal")):
        name = _limit(measure, of)
        if of not in beside or not view.has(name):
            continue
        gap = _shown(view, own) - _shown(view, name)
        text = f"{abs(gap):.2f}" if measure == "fev1_fvc" else f"{abs(gap):.2f} L"
        figures.append(Fact(f"{name}_gap", f"{_NAMES[measure]} from {words.lower()}", text, abs(gap)))
        side = "above" if (view.facts[own].value or 0.0) > (view.facts[name].value or 0.0) else "below"
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
        z = _z_after(session, measure, after) if {"z", "percent"} & {name for name, pattern in _BESIDE if pattern.search(question)} else None
        beside = (
            f", {z.percent_predicted:.0f} % of predicted, with a z-score of {z.z:.2f}"
            if z is not None and z.percent_predicted is not None and z.z is not None
            else ""
        )
        figures.append(Fact(f"{measure}_after_z", "after the bronchodilator", beside.strip(", ")))
        said.append(f"After the bronchodilator your {_NAMES[measure]} is {text}{beside}; before it was {view.token(_own(measure))}.")
        found = LIMIT.search(question)
        if found is not None:
            number = float(found["limit"].replace(",", ".")) / (100 if measure == "fev1_fvc" and float(found["limit"].replace(",", ".")) > 1.5 else 1)
            under = found["way"] in ("below", "under", "less than", "lower than")
            said.insert(0, "Yes." if (after < number) == under else "No.")
        said.append(
            f"The lower limit of normal is {view.token(limit)}, so it is {'still below' if low and view.below(_own(measure)) else 'below' if low else 'not below'} normal."
        )
    return Measured(" ".join(said), tuple(figures)) if said else None


def _z_after(session: Session, measure: str, after: float) -> Reference | None:
    """A value after the bronchodilator against the same reference values; None where they do not reach."""
    patient, test = session.patient, session.spirometry
    if test is None or test.reference_name is None or patient.sex is None or patient.age_years is None or patient.height_cm is None:
        return None
    name = next((key for key, shown in NAMES.items() if shown == test.reference_name), "")
    try:
        return evaluate(
            measure, after, sex=patient.sex.value, age_years=patient.age_years, height_cm=patient.height_cm, reference=name, ancestry=patient.ancestry
        )  # fmt: skip
    except ReferenceRangeError:
        return None


def _what_if(session: Session, view: View, question: str) -> Measured | None:
    """What FEV1, FVC and ratio would be compared with at another height or age; nothing in the record changes."""
    found, patient = _IMAGINED.search(question), session.patient
    if found is None or not re.search(r"\b(?:predicted|expected|normal|z|z-?score|lln|limit|per ?cent|%|compare)", question):
        return None
    height, age = (float(found["cm"]) if found["cm"] else patient.height_cm), (float(found["years"]) if found["years"] else patient.age_years)
    if patient.sex is None or height is None or age is None or (height, age) == (patient.height_cm, patient.age_years):
        return None
    said, figures = [], []
    for measure in measures_named(question) or ("fev1", "fvc"):
        own = view.facts[_own(measure)].value if view.has(_own(measure)) else None
        try:
            one = evaluate(measure, own, sex=patient.sex.value, age_years=age, height_cm=height)
        except ReferenceRangeError as error:
            return Measured(f"That cannot be worked out: {error}.")
        unit = "" if measure == "fev1_fvc" else " L"
        beside = (
            f"; your {view.token(_own(measure))} would be {one.percent_predicted:.0f} % of predicted, with a z-score of {one.z:.2f}"
            if one.z is not None and one.percent_predicted is not None
            else ""
        )
        text = f"{_NAMES[measure]} of {one.predicted:.2f}{unit} would be expected, with {one.lln:.2f}{unit} as the lower limit of normal{beside}"
        figures.append(Fact(f"{measure}_imagined", "imagined", text))
        said.append(f"an {text}")
    given = f"a height of {height:.0f} cm" if found["cm"] else f"an age of {age:.0f} years"
    figures.append(Fact("given", "imagined", given))
    return Measured(f"With {given}, {'; '.join(said)}. This only imagines it: the record stays as it is, so enter the true value.", tuple(figures))


def _by_present_rule(session: Session) -> Measured | None:
    """How the change is worked out: ERS/ATS 2022."""
    test = session.spirometry
    if test is None or test.best is None or test.post is None or test.best.fev1_l is None or test.post.fev1_l is None or "fev1" not in test.references:
        return None
    before, after, predicted = test.best.fev1_l, test.post.fev1_l, test.references["fev1"].predicted
    sum_ = f"({after:.2f} - {before:.2f}) / {predicted:.2f} = {100 * (after - before) / predicted:.1f} %"
    figures = (Fact("rule", "standard", "ERS/ATS 2022: more than 10 %"), Fact("sum", "change", f"{sum_} {after:.2f} {before:.2f} {predicted:.2f}"))
    return Measured(
        f"The change is given as a share of the predicted value (ERS/ATS 2022): the FEV1 after less the FEV1 before, divided by the predicted FEV1, {sum_}. More than 10 % in FEV1 or FVC is significant.",
        figures,
    )


def _by_older_rule(session: Session) -> Measured | None:
    """The response by ATS/ERS 2005: FEV1 or FVC up by 12 % of the value before and by 0.200 L."""
    test = session.spirometry
    if test is None or test.best is None or test.post is None:
        return None
    said, figures, met = [], [Fact("rule", "ATS/ERS 2005", "12 % and 200 mL, ATS/ERS 2005")], False
    for label, before, after in (("FEV1", test.best.fev1_l, test.post.fev1_l), ("FVC", test.best.fvc_l, test.post.fvc_l)):
        if before and after:
            share, ml = 100 * (after - before) / before, 1000 * (after - before)
            met = met or (share >= 12 and ml >= 200)
            text = f"{share:+.0f} % and {ml:+.0f} mL"
            figures.append(Fact(f"{label.lower()}_older_rule", f"change of {label}", text))
            said.append(f"your {label} changed by {text}")
    if not said:
        return None
    return Measured(
        f"{'Yes' if met else 'No'}. By the rule of ATS/ERS 2005, at least 12 % of the value before and 200 mL in FEV1 or FVC, the test {'shows' if met else 'does not show'} a response: {join(said)}.",
        tuple(figures),
    )
