"""Single blows asked for: which was used, which were after the bronchodilator, whether they agree, whether there are enough. Told by code."""

from __future__ import annotations

import re

from assistant.asked_measures import Measured
from assistant.session import Session
from encoders.record import Fact
from encoders.spirogram.results import Best, Maneuver, Spirometry
from encoders.teacher.sentences import join

_ONE = r"(?:blows?|tries|try|attempts?|efforts?|goes|manoeuvres?|maneuvers?|curves?|recordings?|traces?)"
_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "last": 0,
    "final": 0,
}
_NTH = re.compile(
    rf"\b{_ONE} (?:number |no\.? ?)?(?P<after>[1-8]|one|two|three|four|five|six)\b|\b(?P<before>first|second|third|fourth|fifth|last|final|[1-8](?:st|nd|rd|th)) (?:{_ONE}|time|go)\b"
)
_PHASE = re.compile(
    rf"\b(?:which|what|how many)\b[^?.]{{0,25}}\b(?:{_ONE}|ones?)\b[^?.]{{0,25}}\b(?:pre|post|before|after)\b|\b(?:which|how many)\b[^?.]{{0,20}}\b(?:pre|post)\b[^?.]{{0,12}}\b{_ONE}"
)
_BEST = re.compile(
    rf"\b(?:which|what) (?:(?:of the|one of the|of these) )?(?:\w+ )?(?:{_ONE}|ones?)\b[^?.]{{0,30}}\b(?:best|us(?:e|ed|ing)|count(?:s|ed)?|chosen|choose|picked?|selected|largest|biggest|highest|reported?|values? (?:come|came)|from|better|went (?:best|well)|good)\b"
    rf"|\b(?:best|highest|largest) {_ONE}\b|\bwhich {_ONE}\b[^?.]{{0,12}}$"
)
_AGREE = re.compile(
    r"\b(?:agree\w*|repeatab\w*|reproducib\w*|consistent(?! with)|consistently|consistency|close (?:together|enough|to each)|same as each other|match(?:ed|ing)? (?:each|up|one)|var(?:y|ied|iab\w+)|how far apart|how close|spread)\b(?=[^?]*)"
)
_ENOUGH = re.compile(
    rf"\b(?:only|just)\b[^?.]{{0,8}}\b(?:[1-8]|one|a single|two|three|four|the one)\b[^?.]{{0,14}}\b{_ONE}\b|\b(?:is|are|was|were|do)\b[^?.]{{0,14}}\b(?:[1-8]|one|two|three|four)\b[^?.]{{0,14}}\b{_ONE} (?:\w+ ){{0,3}}(?:enough|ok(?:ay)?|sufficient|adequate|fine|good)\b"
    rf"|\bhow many (?:decent|good|acceptable|usable|proper|valid|ok) {_ONE}\b(?![^?.]*\b(?:need\w*|required|does a test)\b)|\benough (?:\w+ )?{_ONE}\b|\bhow many more\b(?![^?.]*\b(?:may|can|could|allowed|left|permitted)\b)|\b(?:more|extra|another) {_ONE} (?:needed|required|necessary)\b|\bneed (?:any |some )?more {_ONE}\b"
)
_OF_BLOWS = re.compile(rf"\b(?:{_ONE}|fev ?1s?|fvcs?|readings?|results?|measurements?|values?|tests?|three|they)\b")
_GIVEN = re.compile(
    r"\b(?:which|what) (?:\w+ )?(?:inhaler|drug|medicine|medication|bronchodilator|puffer|spray)\b[^?.]{0,20}\b(?:given|gave|give|used|use|taken|took|had|administered|between)\b|\bwhat (?:did|was|were) (?:they|she|he|we) (?:give|given|get|have)\b[^?.]{0,20}\bbetween\b"
)
_START = re.compile(
    r"\bback[- ]?extrapolat\w*|\bbev\b|\b(?:starts?|started|beginning|onset|take-?off)\b[^?.]{0,20}\b(?:of (?:the|his|her|my|each) (?:\w+ )?(?:blow|test|curve|effort)s?|sharp\w*|fast|quick\w*|hesitant|crisp|enough|good|clean)\b|\b(?:good|sharp|clean|fast|quick) (?:enough )?start\b"
)
_EACH = re.compile(rf"\b(?:each|every|all (?:the |three |two |four )?|individual|per) {_ONE}\b")
_END = re.compile(
    r"\b(?:long enough|too short)\b|\bplateau\w*|\b(?:reach\w*|level\w*|flatten\w*) (?:the end|off|out)\b|\b(?:blow|blew|blown|breathe\w*|empt\w+) (?:\w+ ){0,3}(?:to the end|until (?:\w+ )?empty|completely|all the way)\b"
)
_NOT = re.compile(
    r"\b(?:next|should (?:i|he|she|we|they)|how (?:do|should|to)|coach\w*|why|allowed|maximum|most|draw|show|plot|visits?|over time|last (?:year|time|visit)|symptoms?|peak flow diary|asthma|copd)\b"
)


def asked_blows(session: Session, question: str) -> Measured | None:
    """The answer to a question for single blows (small letters, slips put right); None where it asks for none, or no blow is held."""
    test = session.spirometry
    if test is None or not test.maneuvers or test.best is None:
        return None
    nth, steps = _NTH.search(question), _NOT.search(question)
    if nth is not None and not re.search(r"\b(?:next|should|how (?:do|to)|show me|draw|plot|coach\w*)\b", question):
        number = _number(nth["after"] or nth["before"], len(test.maneuvers))
        return _nth(test, number)
    if test.post is not None and _GIVEN.search(question):
        return Measured(
            "The files do not say which medicine was given between the blows, nor how much of it: they say only which blows were before the bronchodilator and which after."
        )
    if (_START.search(question) or _END.search(question)) and not re.search(r"\bmeans?\b|\bmeaning\b|\bdefin\w+", question):
        return _ends(test, test.best, start=_START.search(question) is not None)
    if _EACH.search(question) and re.search(r"\b(?:fev ?1|fvc|peak|pef|flow|values?|numbers?|results?|list|show|faults?|volumes?)\b", question):
        return _all(test)
    if _PHASE.search(question) and any(one.blow.bronchodilator for one in test.maneuvers):
        return Measured(_phases(test), tuple(Fact("blow", "blow", str(n)) for n in range(1, len(test.maneuvers) + 1)))
    if _BEST.search(question) and re.search(r"\bpeak|\bpef\b", question):
        return _all(test)
    if _BEST.search(question) and not re.search(r"\b(?:next|should|how (?:do|to)|coach\w*|draw|show|plot|visits?|symptoms?|asthma|copd)\b", question):
        return _used(test, test.best)
    if steps:
        return None
    if _ENOUGH.search(question):
        return _enough(test, test.best)
    if _AGREE.search(question) and _OF_BLOWS.search(question):
        return _enough(test, test.best)
    return None


def agreement(session: Session) -> Measured | None:
    """How many blows are acceptable, how near they lie and which grades follow; None where no blow is held."""
    test = session.spirometry
    return _enough(test, test.best) if test is not None and test.maneuvers and test.best is not None else None


def used_blows(session: Session) -> Measured | None:
    """From which blows the values reported come; None where no blow is held."""
    test = session.spirometry
    return _used(test, test.best) if test is not None and test.maneuvers and test.best is not None else None


def all_blows(session: Session) -> Measured | None:
    """Every blow with its values and faults; None where no blow is held."""
    test = session.spirometry
    return _all(test) if test is not None and test.maneuvers else None


def _number(word: str, count: int) -> int:
    number = _NUMBERS[word] if word in _NUMBERS else int(re.sub(r"\D", "", word))
    return number or count


def _litres(figures: list[Fact], label: str, value: float) -> str:
    figures.append(Fact(label.lower().replace(" ", "_"), label, f"{value:.2f} L", value))
    return figures[-1].text


def _told(number: int, one: Maneuver, figures: list[Fact]) -> str:
    """A blow with its values and faults."""
    values = [
        f"{label} {_litres(figures, f'{label} of blow {number}', value)}" for label, value in (("FEV1", one.fev1_l), ("FVC", one.fvc_l)) if value is not None
    ]
    if one.pef_l_s is not None:
        figures.append(Fact("pef", f"PEF of blow {number}", f"{one.pef_l_s:.1f} L/s", one.pef_l_s))
        values.append(f"PEF {figures[-1].text}")
    judged = "acceptable" if one.acceptable_fev1 and one.acceptable_fvc else "usable in part" if one.usable_fev1 or one.usable_fvc else "not usable"
    phase = f" ({'before' if one.blow.bronchodilator == 'pre' else 'after'} the bronchodilator)" if one.blow.bronchodilator else ""
    faults = "; ".join(found.text.rstrip(".") for found in one.findings)
    figures.extend(Fact(f"blow_{number}_fault", f"fault of blow {number}", found.text) for found in one.findings)
    return f"Blow {number}{phase}: {', '.join(values) or 'nothing that can be measured'}; {judged}; {faults or 'no fault was found'}."


def _nth(test: Spirometry, number: int) -> Measured:
    count, figures = len(test.maneuvers), [Fact("blows", "blows", str(len(test.maneuvers)))]
    if not 1 <= number <= count:
        return Measured(f"The record holds {_counted(count)}, so there is no blow {number}.", (*figures, Fact("asked", "blow", str(number))))
    return Measured(_told(number, test.maneuvers[number - 1], figures), (*figures, Fact("asked", "blow", str(number))))


def _counted(count: int) -> str:
    return f"{count} blow{'s' * (count != 1)}"


def _all(test: Spirometry) -> Measured:
    """Every blow with its values."""
    figures = [Fact("blow", "blow", str(n)) for n in range(1, len(test.maneuvers) + 1)]
    return Measured(" ".join(_told(n, one, figures) for n, one in enumerate(test.maneuvers, 1)), tuple(figures))


def _phases(test: Spirometry) -> str:
    """Which blows were before the bronchodilator and which after."""
    said = []
    for phase, words in (("pre", "before the bronchodilator"), ("post", "after it")):
        found = [str(n) for n, one in enumerate(test.maneuvers, 1) if one.blow.bronchodilator == phase]
        said.append(
            f"{'blow' if len(found) == 1 else 'blows'} {join(found)} {'was' if len(found) == 1 else 'were'} {words}" if found else f"no blow was {words}"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _enough(test: Spirometry, best: Best) -> Measured:
    """How many blows are acceptable, how far apart the two largest lie, and what that makes of the grade (ATS/ERS 2019)."""
    count = len(test.maneuvers)
    figures = [Fact("blows", "blows", str(count)), *(Fact("grade_reason", "reason of a grade", reason) for reason in best.grade_reasons)]
    phased = [("Before the bronchodilator: ", best), ("After it: ", test.post)] if test.post is not None else [("", best)]
    said = []
    for words, one in phased:
        if one is not None:
            figures += [Fact("grade_reason", "reason of a grade", reason) for reason in one.grade_reasons]
            said.append(f"{words}{'; '.join(one.grade_reasons)} (grade {one.fev1_grade} for FEV1, {one.fvc_grade} for FVC).")
    acceptable = sum(one.acceptable_fev1 and one.acceptable_fvc for one in test.maneuvers)
    rule = "A test asks for at least three acceptable blows, with the two largest within 0.150 L of each other (ATS/ERS 2019)."
    short = acceptable < 3 if test.post is None else False
    figures.append(Fact("rule", "standard", "ATS/ERS 2019: 0.150 L"))
    verdict = "So it falls short of a full test." if short else ""
    return Measured(" ".join(part for part in (f"The record holds {_counted(count)}.", *said, rule, verdict) if part), tuple(figures))


def _ends(test: Spirometry, best: Best, *, start: bool) -> Measured | None:
    """Whether the blow that is used started and ended as the standard asks (ATS/ERS 2019)."""
    if best.chosen is None:
        return None
    one, figures = (
        test.maneuvers[best.chosen],
        [Fact("rule", "standard", "ATS/ERS 2019: 0.025 L, 15 s, 0.100 L, 5 %"), Fact("blow", "blow", str(best.chosen + 1))],
    )
    code = ("slow start", "hesitation") if start else ("early end", "truncated", "the curve ends")
    wrong = [found.text.rstrip(".") for found in one.findings if found.text.startswith(code)]
    figures += [Fact("fault", "fault", text) for text in wrong]
    used = one.usable_fev1 or one.usable_fvc or one.acceptable_fev1 or one.acceptable_fvc
    name = f"Blow {best.chosen + 1}, which is used," if used else f"Blow {best.chosen + 1}"
    if start:
        volume = (
            f" The back-extrapolated volume is {_litres(figures, 'BEV', one.bev_l)}; at most 0.100 L or 5 % of the FVC is allowed, whichever is larger."
            if one.bev_l is not None and not wrong
            else ""
        )
        return Measured(f"{name} {'did not start as it should: ' + '; '.join(wrong) if wrong else 'started well'}.{volume}", tuple(figures))
    rule = " A blow has ended when under 0.025 L comes in its last second, or after 15 s."
    return Measured(f"{name} {'did not reach its end: ' + '; '.join(wrong) if wrong else 'reached its end'}.{rule}", tuple(figures))


def _used(test: Spirometry, best: Best) -> Measured:
    """From which blows the values reported come."""
    figures: list[Fact] = []
    said = []
    usable = [(n, one) for n, one in enumerate(test.maneuvers, 1) if one.blow.bronchodilator != "post"]
    for label, name in (("FEV1", "fev1_l"), ("FVC", "fvc_l")):
        value = getattr(best, name)
        found = next((n for n, one in usable if value is not None and getattr(one, name) == value), None)
        if value is not None and found is not None:
            figures.append(Fact("blow", "blow", str(found)))
            said.append(f"the {label} of {_litres(figures, label, value)} comes from blow {found}")
    if not said:
        told = " ".join(_told(n, one, figures) for n, one in enumerate(test.maneuvers, 1))
        return Measured(
            f"None of them: no blow meets the standard, so no value is taken from any. {told}",
            (*figures, *(Fact("blow", "blow", str(n)) for n in range(1, len(test.maneuvers) + 1))),
        )
    return Measured(
        f"{'; '.join(said)[0].upper()}{'; '.join(said)[1:]}. The largest FEV1 and the largest FVC of the acceptable or usable blows are reported, also from different blows (ATS/ERS 2019).",
        tuple([*figures, Fact("rule", "standard", "2019")]),
    )
