"""Estimated risks asked for beside each other: several that a question names, the highest of them, those above what is usual. Told by code."""

from __future__ import annotations

import re

from assistant.asked_risks import OF_THE_VESSELS
from assistant.asking import Asking
from assistant.session import RiskEstimate
from encoders.teacher.risk import asked_traits
from encoders.teacher.sentences import join
from encoders.teacher.view import View

_HIGHEST = re.compile(
    r"\bwhich\b[^?.]{0,20}\b(?:tackle|work on|deal with|address|start with|focus on|begin with|see to|lower|bring down) first\b|\brisks?\b[^?.]{0,20}\b(?:tackle|work on|deal with|address|start with|focus on) (?:it |them )?first\b"
    r"|\b(?:percentages?|risks?|estimates?|chances)\b[^?.]{0,24}\bwhich\b[^?.]{0,24}\b(?:biggest|highest|largest|worst|greatest)\b|\bmost at risk (?:of|for)\b|\bat most risk\b|\bmost likely to (?:get|have|develop)\b|\bwhich\b[^?.]{0,24}\b(?:estimates?|risks?|percentages?|figures?)\b[^?.]{0,12}\b(?:highest|biggest|largest|worst|greatest)\b|\bwhich (?:is|one is|are) (?:the )?(?:bigger|biggest|larger|greater|higher|worse|most) (?:\w+ )?(?:problem|risk|worry|concern|threat)\b|\b(?:bigger|larger|greater|higher) risk\b[^?.]{0,30}\bor\b|\b(?:biggest|highest|greatest|largest|worst|main|top) (?:\w+ )?risks?\b|\brisks?\b[^?.]{0,20}\b(?:biggest|highest|greatest|largest|worst|most)\b"
)
_MATTERS = re.compile(
    r"\bwhich\b[^?]{0,30}\b(?:risks?|estimates?)\b[^?]{0,40}\b(?:most serious(?:ly)?|matters? (?:the )?most|(?:worr(?:y|ied)|concern\w*) (?:\w+ ){0,2}most|(?:worr(?:y|ied)|concern\w*) about (?:the )?most)\b"
)
_ABOVE_USUAL = re.compile(
    r"\b(?:which|what|any|list)\b[^?.]{0,30}\b(?:risks?|estimates?|percentages?|of the eight|ones?)\b[^?.]{0,30}\b(?:above|over|higher than|more than|worse than)\b (?:what is |the )?(?:usual|average|normal|expected|most)\b"
    r"|\b(?:risks?|estimates?)\b[^?.]{0,12}\bstands? out\b"
)
_STANDS = re.compile(  # how they stand beside what is usual, otherwise than above it
    r"^(?!.*\b(?:values?|readings?|predicted|fev ?1?|fvc|ratio|people)\b).*\b(?:which|what|any|list|are there)\b[^?.]{0,60}?"
    r"(?P<how>(?:\bnot|\bno|n't) (?:above|over|higher than|more than)|(?:\bnot|\bno|n't) (?:lower|below|under|less)(?: than)?|\b(?:lower than|below|under|less than|about|around))\b (?:what is |the )?(?:usual|average|normal|expected)\b"
)
_OF_ESTIMATES = re.compile(r"\b(?:risks?|estimates?|of the eight)\b")
_NOT_ABOVE, _NOT_BELOW = ("about usual", "lower than usual"), ("higher than usual", "about usual")
_RANKED = re.compile(
    r"\b(?:rank\w*|order|sort|top (?:two|three|four|2|3|4)|(?:two|three) (?:highest|biggest|main))\b[^?.]*\brisks?\b|\brisks\b[^?.]*\b(?:rank\w*|in order|highest to lowest|top three)\b"
)
_OF_VESSELS = re.compile(r"\b(?:heart and (?:circulation|blood vessels?)|circulat\w+|cardiovascular|cardiac|vascular)\b")
_NOT_THE_FIGURE = re.compile(r"\b(?:why|how come|lower(?:ing)?|reduce|bring|prevent|if|trust|reliable|mean)\b")
_HEART_AND = re.compile(r"\bheart(?: disease)? (?:and|or|&) ")
MOST = 3  # estimates that are ranked, where no group of them is asked for
_ESTIMATES = "These are statistical estimates, not diagnoses."
_COMPARED = f"The comparison is with people of your age and sex. {_ESTIMATES}"


def asks_to_rank(question: str, of_them: bool = False) -> bool:
    """Whether a question (small letters) asks which estimates are the highest, or how they stand beside what is usual. ``of_them``: the answer before was of estimates."""
    if _STANDS.search(question) and (of_them or _OF_ESTIMATES.search(question)):
        return True
    return any(pattern.search(question) for pattern in (_ABOVE_USUAL, _HIGHEST, _MATTERS, _RANKED))


def ranked_risks(asking: Asking) -> str:
    """The highest estimates, or those that are above what is usual; of the heart and the circulation alone where those are asked for. Empty where none is held."""
    view, question = asking.view, asking.question
    of_vessels = _OF_VESSELS.search(question) is not None
    held = [one for one in asking.session.risks if view.has(f"risk_{one.trait}") and (one.trait in OF_THE_VESSELS or not of_vessels)]
    order = sorted(held, key=lambda one: -one.probability)
    if not order:
        return ""
    if _RANKED.search(question):
        told = "; ".join(_shown(view, one) for one in order[: len(order) if of_vessels else MOST])
        return f"The highest of the estimated risks{' of the heart and the circulation' if of_vessels else ''} are, in this order: {told}. {_COMPARED} Ask why for any of them, and I say what it rests on."
    stands = _STANDS.search(question)
    if stands is not None:
        how = stands["how"]
        denied = re.match(r"not|no|n't", how) is not None
        below = re.search(r"lower|below|under|less", how) is not None
        wanted = (_NOT_BELOW if below else _NOT_ABOVE) if denied else ("lower than usual",) if below else ("about usual",)
        fits = [one for one in order if view.status(f"risk_{one.trait}") in wanted]
        if not fits:
            return f"None of the estimated risks is {' or '.join(wanted)}. {_COMPARED}"
        return f"These are {' or '.join(wanted)}: {'; '.join(_shown(view, one) if len(wanted) > 1 else _named(view, one) for one in fits)}. {_COMPARED}"
    above = [one for one in order if view.status(f"risk_{one.trait}") == "higher than usual"]
    if _ABOVE_USUAL.search(question):
        told = (
            f"Higher than usual are the estimated risks of {join([_named(view, one) for one in above])}."
            if above
            else "None of the estimated risks is higher than usual."
        )
        return f"{told} {_COMPARED}"
    first = [one for one in order if view.text(f"risk_{one.trait}") == view.text(f"risk_{order[0].trait}")]
    said = f"The highest of the estimated risks {f'is that of {_shown(view, first[0])}' if len(first) == 1 else f'are those of {join([_shown(view, one) for one in first])}'}."
    farthest = max((one for one in above if one.population), key=lambda one: one.probability / (one.population or 1.0), default=None)
    if farthest is None and all(one.population for one in held):
        said += " None of them is higher than usual for your age and sex."
    elif farthest is not None and farthest is not first[0]:
        said += f" Farthest above what is usual for your age and sex is that of {_shown(view, farthest)}."
    return f"{said} {_ESTIMATES}"


def several_risks(asking: Asking) -> str:
    """The estimates that a question names, where it names several and asks for no reasons; else empty."""
    traits = asked_traits(asking.question)
    if _HEART_AND.search(asking.question):  # "her heart and stroke risks"
        traits = tuple(dict.fromkeys(("myocardial_infarction", "heart_failure", *traits)))
    held = [one for trait in traits for one in asking.session.risks if one.trait == trait and asking.view.has(f"risk_{trait}")]
    if len(held) < 2 or _NOT_THE_FIGURE.search(asking.question):
        return ""
    return f"The estimated risks: {'; '.join(_shown(asking.view, one) for one in held)}. {_COMPARED}"


def _named(view: View, one: RiskEstimate) -> str:
    return f"{one.label} {view.token(f'risk_{one.trait}')}"


def _shown(view: View, one: RiskEstimate) -> str:
    """An estimate with how it stands beside what is usual; its fact as a token."""
    status = view.status(f"risk_{one.trait}")
    return f"{_named(view, one)}{f' ({status})' if status else ''}"
