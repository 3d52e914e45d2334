"""Answers to questions that are known by their words alone: signs of a flare-up, one value low and another not, the fixed limit, a diagnosis on file, a cough in the blow.

Each is empty where the question is none of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.answers_of_finding import ADDED_LATER, above_predicted, percent_without
from assistant.asked_values import named_values, values_in_words
from assistant.asking import Asking, finding, listed, result, with_limit
from assistant.judged_pressure import of_danger
from assistant.judged_values import danger_of
from encoders.teacher.risk import asked_trait
from encoders.teacher.sentences import GRADES, join, not_read

_LUNGS = r"(?:chest|lungs?|breathing|copd|asthma|emphysema|bronchitis)"
_NO_OTHER = (  # what may stand before a flare-up of the lungs: nothing else that could flare up
    rf"(?:(?:{_LUNGS}(?:'s)?|if|when|that|whether|of|for|in|during|do|does|would|could|might|will|means?|tell|me|us|it|it's|its|this|you|i|i'm|we|he|she|he's|she's|is|am|are|be|having|have|has|had|get|got|getting"
    r"|start\w*|going|to|an?|the|my|our|his|her|another|any|next|first|bad|severe|mild|early) )*"
)
_OF_FLARES = re.compile(
    r"^(?!.*\b(?:prevent\w*|avoid\w*|fewer|stop\w*|help\w*|treat\w*|over|gone|ended|finished|settl\w+|caus\w*|trigger\w*|bronchiectasis|fibrosis)\b)"
    r".*\b(?:signs?|symptoms?|(?:how (?:do|can|could|would|will|should)|would|will) (?:i|you|we|he|she|they|one) know|recogni[sz]e|notice|look (?:out )?for|spot|what (?:is|counts as)) "
    rf"{_NO_OTHER}(?:flar(?:e|es|ed|ing)(?:[- ]?ups?)?|exacerbat\w+|playing up)\b(?![- ]?ups?\b| (?:of|in|with) (?!(?:\w+ )?{_LUNGS}\b))"
)


def flare_signs(asking: Asking) -> str:
    """What a flare-up is known by, of the illness that the record names, and when to call; empty where a question asks for something else."""
    if not _OF_FLARES.search(asking.question):
        return ""
    view = asking.view
    asthma, copd = "asthma" in asking.question, "copd" in asking.question
    if not (asthma or copd):
        asthma, copd = listed(view, "asthma"), listed(view, "copd", "emphysema", "chronic bronchitis")
    of_copd = f"{asking.quote('copd/copd-flare')} {asking.quote('copd/copd-flare', 1)}" if copd or not asthma else ""
    of_asthma = asking.quote("when_to_seek_care/asthma-attack") if asthma or not copd else ""
    return " ".join(one for one in (of_copd, of_asthma, asking.quote("when_to_seek_care/emergency-breath")) if one)


_FIXED = re.compile(r"(?<![\d.])0?[.,]70?\b|\b70 ?(?:%|per ?cent)|\bfixed (?:ratio|limit|cut)")
_OBSTRUCTED = re.compile(r"\bobstruct\w*|\bcopd\b")


def under_fixed_limit(asking: Asking) -> str:
    """Whether a ratio below 0.70 is obstruction: what goes by that limit, what it gets wrong, and the person's own lower limit; empty where that is not asked."""
    view, question = asking.view, asking.question
    if not (_FIXED.search(question) and _OBSTRUCTED.search(question) and re.search(r"\bratio\b|fvc", question) and view.has("fev1_fvc")):
        return ""
    under = (view.facts["fev1_fvc"].value or 0.0) < 0.7
    own = with_limit(view, "fev1_fvc") if view.has("fev1_fvc_lln") else not_read(view)
    return (
        f"Your FEV1/FVC ratio is {view.token('fev1_fvc')}, so it is {'' if under else 'not '}below the fixed limit. {asking.quote('spirometry/fixed-ratio')} "
        f"{asking.quote('spirometry/fixed-ratio', 1)} {own} {result(view) if view.state == 'read' else ''}"
    )


_MEASURE = r"(?:fev ?1 ?/ ?fvc|ratio|fev ?1|fvc)"
_LOW = r"(?:low|lower|reduced|down|small)"
_CALLED = re.compile(  # "the ratio isn't low", "a normal FVC": a measure and what it is called
    rf"\b(?:isn't (?:\w+ )?)?(?P<first>{_MEASURE})\b(?:(?!{_MEASURE})[^?.]){{0,24}}?\b(?P<after>{_LOW}|normal|fine|ok(?:ay)?|good)\b|\b(?:not )?(?P<before>{_LOW}|normal|fine|good) (?P<last>{_MEASURE})\b"
)
_NOT = re.compile(r"\bnot\b|n't\b")
_WHY_ONE = re.compile(rf"\b(?:why|how (?:can|come|is it))\b.*\b{_MEASURE}\b.*\b(?:when|while|but|though|if|yet|although|whereas|with)\b.*\b{_MEASURE}\b")
_VOLUMES = {"fev1": ("fev1_l", "FEV1"), "fvc": ("fvc_l", "FVC"), "ratio": ("fev1_fvc", "FEV1/FVC ratio")}


def one_low_the_other_not(asking: Asking) -> str:
    """Why one measure is low though another is normal; empty where a question asks for something else, or takes for low or normal what is not."""
    view = asking.view
    asked = _WHY_ONE.search(asking.question) if view.state == "read" else None
    called = _called(asking.question[asked.start() :]) if asked is not None else {}
    low, normal = ([name for name, is_low in called.items() if is_low is wanted] for wanted in (True, False))
    true = all(view.below(name) for name in low) and all(view.status(name) == "normal" for name in normal)
    if not (low and normal and true):
        return ""
    if normal == ["fvc_l"] and view.below("fev1_fvc"):
        why = "The FVC is all the air of the breath out, however long that takes, and the FEV1 what leaves in the first second. When the airways are narrow, the air leaves slowly, but given time most of it comes out."
    elif normal == ["fev1_fvc"] and view.below("fvc_l"):
        why = "The ratio is the share of the breath that leaves in the first second. When the whole breath is smaller but leaves at its usual speed, the share stays normal."
    else:
        return ""
    said = ", and ".join(f"your {label} is {view.token(name)}, which is {view.status(name)}" for name, label in _VOLUMES.values() if name in called)
    return f"{why} {said[0].upper()}{said[1:]}."


def _called(question: str) -> dict[str, bool]:
    """The measures that a question calls low (True) or normal; one that it sets beside them without a word ("but not the FVC", "though the ratio is 0.61") is the contrary."""
    called: dict[str, bool] = {}
    for found in _CALLED.finditer(question):
        called[_measure(found["first"] or found["last"])] = (re.fullmatch(_LOW, found["after"] or found["before"]) is not None) != bool(_NOT.search(found[0]))
    others = {_measure(found) for found in re.findall(rf"\b{_MEASURE}\b", question)} - set(called)
    if len(called) == len(others) == 1:
        called[others.pop()] = not next(iter(called.values()))
    return called


def _measure(named: str) -> str:
    return _VOLUMES["ratio" if "/" in named else named.replace(" ", "")][0]


_COUGHED = re.compile(
    r"\bcough\w*\b[^?]{0,24}\b(?:during|through|halfway|in the middle of|while (?:i|he|she|they) (?:blew|was blowing|were blowing))\b[^?]*\b(?:wrong|means?|ill|chest|lungs?|sign|disease|worr\w+)\b"
)


_SPOILT = re.compile(
    r"\bcough\w*\b[^?]{0,24}\b(?:during|in|through|halfway|middle of)\b[^?]{0,16}\b(?:tests?|blows?|blew|blowing)\b[^?]*\b(?:unreliable|reliable|usable|trust\w*|spoil\w*|ruin\w*|invalid|valid|matters?|affect\w*|wrong numbers)\b"
)


def coughed_in_blow(asking: Asking) -> str:
    """What a cough during the blow says: it spoils the blow, and by itself is no finding; empty where that is not asked."""
    if _SPOILT.search(asking.question) and asking.view.state != "none":
        grade = asking.view.text("fev1_grade")[:1]
        graded = (
            f" The FEV1 of this test has quality grade {asking.view.token('fev1_grade')}, which means that it is {GRADES[grade]}." if grade in GRADES else ""
        )
        return f"{asking.quote('spirometry/coughing')}{asking.view.found()}{graded}"
    if not _COUGHED.search(asking.question) or asking.view.state == "none":
        return ""
    return f"A cough during a blow spoils the measurement; by itself it says nothing about the chest. {asking.quote('spirometry/coughing')} {result(asking.view)} A cough that lasts for weeks should be looked into, whatever the test shows."


_LABEL = re.compile(
    r"\b(?:fit|fits|square|squares|agree|agrees|match|matches|tally|go|goes|consistent|compatible|in keeping|support\w*)\b[^?.]{0,16}\b(?:with|up with)\b[^?.]{0,24}\b(?P<what>copd|asthma)\b[^?.]{0,24}\b(?:list|record|file|label|notes|history|diagnosis|chart)\b"
    r"|\b(?:fit|fits|square|squares|agree|agrees|match|matches|consistent|compatible|in keeping)\b[^?.]{0,16}\b(?:with|up with)\b[^?.]{0,16}\b(?:her|his|my|the|their|that) (?:label|diagnosis) of (?P<of>copd|asthma)\b"
)


def fits_label(asking: Asking) -> str:
    """Whether the test fits an asthma or a COPD that the record lists; empty where that is not asked or not listed."""
    view, found = asking.view, _LABEL.search(asking.question)
    what = (found["what"] or found["of"]) if found else ""
    if not what or view.state != "read" or not listed(view, what):
        return ""
    name = what.replace("copd", "COPD")
    if view.pattern in ("obstruction", "possible_mixed"):
        return f"The test shows airflow obstruction, which can be seen in {name} and in other conditions. {finding(view)} {asking.quote('spirometry/fixed-ratio') if what == 'copd' else ''}"
    more = (
        f"{asking.quote('copd/review-diagnosis', 1)} {asking.quote('copd/review-diagnosis', 2)}"
        if what == "copd"
        else asking.quote("asthma/asthma-normal-test")
    )
    return f"The test shows no airflow obstruction, which {'COPD needs' if what == 'copd' else 'asthma may lack between attacks'}. {finding(view)} {more}"


_OF_WHAT_LACKS = ("why_not_read", "missing_data", "what_is_missing", "percent_without")


def once_added(asking: Asking) -> str:
    """What is known once what was missing is put in ("so if I measure her now, would the result be usable?"); empty where nothing was said to be missing."""
    told = asking.session.told
    of_it = bool(told) and told[-1].seen.intent in _OF_WHAT_LACKS and asking.view.state == "no_reference"
    return percent_without(asking) if of_it and ADDED_LATER.search(asking.question) else ""


_TEST = r"(?:lung function|spirometry|breathing tests?|spirograms?|lung tests?)"
_ON_FILE = re.compile(
    rf"\b(?:what|which|any|is there an?)\b[^?.]{{0,8}}\b{_TEST}\b[^?.]{{0,16}}\b(?:on (?:file|record)|recorded|ha(?:ve|s) (?:we|you|he|she|i) (?:got|had|done)|do (?:we|you) (?:have|hold)\W*$|in (?:the|his|her|my) (?:record|file|notes))\b"
)


def held_test(asking: Asking) -> str:
    """What test the record holds; empty where that is not asked."""
    return result(asking.view) if _ON_FILE.search(asking.question) else ""


_NEEDS_ATTENTION = re.compile(
    r"^(?!.*\b(?:ring|call|phone|for an?|in (?:asthma|copd)|risks?|estimates?|blows?|curve)\b).*\b(?:which|what|any)\b(?: of)? (?:my|his|her|their|these|the|this \w+'s) (?:\w+ ){0,2}(?:readings?|values?|numbers?|figures?|measurements?|obs|observations)\b"
    r"[^?.]{0,30}\b(?:attention|act(?:ed)? on|worr\w+|concern\w*|out(?:side)? (?:of )?(?:the |their |its )?(?:normal |usual )?(?:range|limits?)|abnormal|urgent\w*|priorit\w+|deal(?:t)? with|see to|seen to|flag\w*|stands? out)\b"
)
_OUTSIDE = ("low", "slightly low", "borderline low", "raised", "high", "borderline high")
_WITHOUT_LIMITS = ("glucose_mg_dl", "creatinine_mg_dl", "triglycerides_mg_dl")  # which facts do not judge
FAST_BREATHING = 30  # breaths a minute, from which breathlessness is told of as an emergency


def needs_attention(asking: Asking) -> str:
    """The values of the record that are outside their limits, what of them is dangerous, and those without limits; empty where they are not asked for together."""
    view = asking.view
    if not _NEEDS_ATTENTION.search(asking.question) or named_values(asking.question):
        return ""
    outside = [fact for name, fact in view.facts.items() if fact.status in _OUTSIDE and not name.startswith(("risk_", "fev1_z", "fvc_z", "fev1_fvc_z"))]
    told = "; ".join(f"{_in_a_list(fact.label)} {fact.token} ({fact.status})" for fact in outside)
    known = any(fact.status for fact in view.facts.values())
    said = (
        f"Outside their limits are: {told}."
        if told
        else "No value of the record that I have limits for is outside them."
        if known
        else "I have limits for no value of this record."
    )
    others = [f"{_in_a_list(view.facts[name].label)} {view.token(name)}" for name in _WITHOUT_LIMITS if view.has(name) and not view.facts[name].status]
    fast = view.has("respiratory_rate_bpm") and (view.facts["respiratory_rate_bpm"].value or 0.0) >= FAST_BREATHING
    danger = [
        of_danger(asking),
        danger_of(asking, "spo2_percent") if view.has("spo2_percent") else "",
        asking.quote("when_to_seek_care/emergency-breath") if fast else "",
    ]
    parts = [
        said,
        f"I do not judge here: {join(others)}; a clinician should." if others else "",
        *dict.fromkeys(danger),
        result(view) if view.state == "none" else "",
    ]
    return " ".join(part for part in parts if part)


def _in_a_list(label: str) -> str:
    return label if label[:2].isupper() or label[:3] in ("HDL", "HbA") else label[0].lower() + label[1:]


_TO_CONFIRM = re.compile(
    r"^\W*(?:and |so |ok |then )*(?:what|which) (?!blood\b)(?:\w+ ){0,2}tests? (?:would|will|can|could|do|should|to|might|is|are)\b[^?]*\b(?:confirm|prove|settle|clinch)\w* (?:it|that|this|(?:the |a )?(?:possible )?restriction|the pattern)\W*$"
)
_OF_PATTERN = ("why_pattern", "pattern", "explain_result", "plain_words", "cause_of_result", "why", "is_it_bad", "next_steps", "headline", "letter")


def confirming_test(asking: Asking) -> str:
    """The test that confirms a possible restriction or names its cause; empty where that is not asked."""
    told = asking.session.told
    of_it = "restrict" in asking.question or (bool(told) and told[-1].seen.intent in _OF_PATTERN)
    if not _TO_CONFIRM.search(asking.question) or asking.view.pattern != "possible_restriction" or not of_it:
        return ""
    return f"Spirometry alone cannot confirm restriction: a test of lung volumes does. {asking.quote('spirometry/restriction-next')} {asking.quote('spirometry/restriction-next', 3)}"


_FIND_OUT = re.compile(
    r"\bwhat (?:would|will|can|could|do|does|should) (?:the |a |my |his |her )?(?:doctors?|gps?|clinicians?|specialists?|they|hospital)\b[^?]{0,20}\bdo\b[^?]*\b(?:find out|be sure|for sure|make sure|confirm\w*|know|tell|settle)\b|\bhow (?:would|will|do|does|can) (?:the |a |my )?(?:doctors?|gps?|clinicians?|they)\b[^?]{0,12}\b(?:find out|confirm|tell|settle)\b[^?]{0,20}\b(?:for sure|asthma|copd|it|that)\b"
)
_WEIGHED = {
    "asthma_current": "your symptoms, how they vary, and a test before and after a bronchodilator",
    "copd": "your symptoms, your exposures, and the ratio after a bronchodilator",
}


def to_find_out(asking: Asking) -> str:
    """What settles whether somebody has the asthma or the COPD that was spoken of; empty where that is not asked."""
    told = asking.session.told
    trait = asked_trait(asking.question) or (asked_trait(told[-1].question) if told else "")
    if not _FIND_OUT.search(asking.question) or trait not in _WEIGHED:
        return ""
    return f"To settle it, a clinician weighs {_WEIGHED[trait]}. {result(asking.view)}"


_ACTUAL = re.compile(r"\bwhat (?:was|is|were|are) (?:my|his|her|their|the) (?:actual|real|measured|own) (?P<what>[^?.,]+)")


def actual_value(asking: Asking) -> str:
    """A value of the record that is asked for beside its estimate ("the risk is 35 %, but what was her actual blood pressure?"); empty where none is."""
    found = _ACTUAL.search(asking.question)
    names = named_values(found["what"]) if found is not None and "risk" not in found["what"] else ()
    return values_in_words(asking.view, names) if names else ""


_ON_AN_INHALER = re.compile(
    r"\b(?:should|shouldn't|ought|oughtn't)(?: not)? (?:i|he|she|they|we) (?:not )?(?:to )?(?:be (?:on|taking|given|using|started on|put on)|have been given|have) (?:an? |some |any )?(?:inhaler|puffer|medicine|treatment)\b"
)


def own_inhaler(asking: Asking) -> str:
    """Who decides whether somebody should have an inhaler or another medicine, with the result; empty where that is not asked."""
    if not _ON_AN_INHALER.search(asking.question):
        return ""
    return f"Whether a medicine is needed is for a clinician to decide, from the symptoms as well as the test. {result(asking.view)}"


_ABOVE_PREDICTED = re.compile(r"\b(?:which|what)\b[^?]{0,30}\b(?:above|over|higher than|exceed\w*|beat) (?:the |what (?:is|was) )?predicted\b")


def above(asking: Asking) -> str:
    """Which values lie above what is predicted; empty where that is not asked."""
    return above_predicted(asking) if _ABOVE_PREDICTED.search(asking.question) else ""


_WHEN_TO_CALL = re.compile(
    r"\bwhen (?:should|do|must|would) (?:i|we|he|she|they)\b[^?.]{0,16}\b(?:(?:get|seek|ask for|look for|want) (?:\w+ )?help\b[^?.]{0,12}\burgent\w*|(?:get|seek) (?:urgent|emergency) (?:help|care)|(?:call|ring|dial|phone) (?:999|911|112|an ambulance|for help)|go to (?:a ?& ?e|hospital|casualty|the er\b))"
)


def when_to_call(asking: Asking) -> str:
    """When to call for help, for breath and chest; empty where that is not asked."""
    if not _WHEN_TO_CALL.search(asking.question):
        return ""
    chest = asking.quote("when_to_seek_care/heart-attack") if re.search(r"\b(?:chest|heart)\b", asking.question) else ""
    return " ".join(part for part in (asking.quote("when_to_seek_care/emergency-breath"), chest, asking.quote("when_to_seek_care/asthma-attack")) if part)


BY_WORDS: dict[str, Callable[[Asking], str]] = {
    "flare_signs": flare_signs, "one_low": one_low_the_other_not, "under_fixed_limit": under_fixed_limit, "fits_label": fits_label, "coughed_in_blow": coughed_in_blow,
    "percent_without": once_added, "held_test": held_test, "needs_attention": needs_attention, "confirming_test": confirming_test,
    "to_find_out": to_find_out, "own_inhaler": own_inhaler, "above_predicted": above, "when_to_call": when_to_call, "my_numbers": actual_value,
}  # fmt: skip
