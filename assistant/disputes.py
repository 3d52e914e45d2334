"""A person corrects: what was meant by the question before, or what the record says of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.session import Turn
from encoders.record import RISK_TRAITS, Fact, label_of
from encoders.teacher.numbers import LABELS, asked_number
from encoders.teacher.risk import asked_trait

_MEANT = re.compile(
    r"^\W*(?:(?:no|nope|sorry|actually|wait|oops|not that(?: one)?|hm+)\b[,.!: ]*)*(?:i (?:actually )?(?:meant|mean|wanted|was asking about|asked about|am asking about)|make that|rather)\s+(?:to ask )?(?:about )?(?:the |my )?(.+?)\W*$"
    r"|^\W*(?:sorry,? |no,? )?not (?:the |my )?[\w/ -]{2,20}(?:, ?(?:but )?| but )(?:i (?:wanted|meant|want) )?(?:the |my )(.+?)\W*$",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\?|[,.;] *(?:and |so |but )?(?:what|how|is|should|can|could|do|does|why|will|am|are|would)\b|^\W*(?:and |so |but |if |when |how |what |why |should |can |could |is |are |do |does |will |would |since |because |after |help|tell|explain|show|i (?:want|would like|need) to know)", re.IGNORECASE)  # fmt: skip
_QUIT = re.compile(
    r"\bi(?:'ve| have|'m| am)? (?:just |already |recently |now |finally )*(?:stopped|quit|gave up|given up) (?:smoking|cigarettes|tobacco)|\bi (?:no longer|don'?t|do not|never) smoke(?:d)?\b|\bi(?:'m| am) (?:not a smoker|a non-?smoker|an? ex-?smoker|no longer a smoker)|\bi(?:'ve| have) (?:never|not) smoked",
    re.IGNORECASE,
)
_STARTED = re.compile(
    r"\bi(?:'ve| have)? (?:do smoke|still smoke|started smoking|smoke (?:\w+ )*(?:a day|daily|every day))|\bi(?:'m| am) a smoker\b", re.IGNORECASE
)
_WRONG = re.compile(
    r"\b(?:my |the |your )?(?P<what>[\w/ -]{2,30}?) (?:is|are|was|were|looks?|seems?) (?:wrong|not right|incorrect|not correct|mistaken|outdated|out of date|too (?:high|low) because)|\byou have (?:the|my) wrong (?P<other>\w[\w ]{1,25})|\b(?:change|correct|update|fix|edit) (?:my|the) (?P<third>[\w/ ]{2,30})",
    re.IGNORECASE,
)
_IS = re.compile(
    r"\b(?:i am|i'm) (?:now |actually |really )?\d{1,3}(?: years?(?: old)?)?(?=\W*$|,| not)|\bi (?:now |actually )?weigh (?:now )?\d|\b(?:my|the) (?P<name>age|height|weight|bmi|fev1|fvc|blood pressure|systolic|pulse|heart rate|oxygen|saturation|hba1c|glucose|cholesterol|peak flow|temperature) (?:is|was|should be|is really|is actually|is now) (?:now |actually |really |about )?\d",
    re.IGNORECASE,
)
_SUPPOSE = re.compile(
    r"\b(?:assume|suppose|pretend|imagine|let'?s say|say) (?:that )?(?:i'?m|i am|i weigh|he'?s|she'?s|(?:my|his|her|the) (?P<name>age|height|weight|bmi|fev1|fvc|ratio|blood pressure|oxygen|saturation)(?: (?:is|was|of))?) ?(?:about )?\d",
    re.IGNORECASE,
)
_ON_FILE = re.compile(r"\b(?:record|file|data|report|table|entry|information)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Dispute:
    """What a person says of themselves that may differ from the record. ``name``: the fact, empty where none was named."""

    name: str
    says: str = ""  # the value it is said to be, where that is known

    def answer(self, facts: Sequence[Fact]) -> str:
        """That the record cannot be changed here, what it says, and how a corrected one is opened."""
        known = next((fact for fact in facts if fact.name == self.name), None)
        if known is not None and self.says and self.says in (known.text, known.text.split()[0]):
            return f"The record that is open says the same: {known.label} {known.text}. So nothing needs to be corrected."
        if known is not None:
            holds = f"The record that is open says: {known.label} {known.text}."
        elif self.name:
            holds = f"The record that is open does not hold your {label_of(self.name).lower()}."
        else:
            holds = "I answer from the record that is open."
        line = f' (for example a line "{self.name},{self.says or "..."}")' if self.name else ""
        return (
            f"{holds} I cannot change it, and I do not count what is typed here as a measurement. Put the value right under 'Correct what was read' on the page, or in your file{line} "
            "and open the files again: everything is then worked out anew."
        )


_GOES_ON = re.compile(  # a message that says a value and then asks of it
    r"\?|\b(?:surely|walk me through|is there|isn'?t (?:it|that|there)|point (?:in|of)?|wonder\w*|should|called|do you|can i|could|would|why|how come|explain|anything|what)\b",
    re.IGNORECASE,
)


def _after_number(text: str) -> str:
    """What follows the first number of a text; all of it where there is none."""
    found = re.search(r"(?<![\w.])\d+(?:[.,/]\d+)?", text)
    return text[found.end() :] if found else text


def corrects_record(message: str) -> Dispute | None:
    """What of the record a message says to be different; None for a question."""
    text = message.replace("\u2019", "'").strip()
    found = _WRONG.search(text)
    if found:
        what = next((part for part in found.groupdict().values() if part), "")
        name = asked_number(what)
        if (name or _ON_FILE.search(what)) and not re.match(
            r"\W*(?:(?:and|so|but) )?(?:is|are|was|were|do|does|did|would|will|could (?!you)|what|how|why|can you tell)\b", text, re.IGNORECASE
        ):
            return Dispute(name)
    found = _SUPPOSE.search(text)
    if found:
        name = (
            asked_number(found["name"])
            if found["name"]
            else "height_cm"
            if re.search(r"\d ?cm|\btall\b|feet|foot", text)
            else "weight_kg"
            if re.search(r"\bkg\b|kilos|\bweigh", text)
            else ""
        )
        return Dispute(name)
    if _ASKS.search(text):
        return None
    if _QUIT.search(text) and not re.search(r"\b(?:even though|although|though|despite|when|as|since|because)\b", text, re.IGNORECASE):
        never = re.search(r"\bnever\b|\bnot smoked\b|non-?smoker", text, re.IGNORECASE) is not None
        return Dispute("smoking_status", "never" if never else "former")
    if _STARTED.search(text):
        return Dispute("smoking_status", "current")
    found = _IS.search(text)
    if found and (_GOES_ON.search(text) or re.match(r"\W*(?:%|per ?cent)", _after_number(text[found.start() :]))):
        return None
    if found:
        name = asked_number(found["name"]) if found["name"] else "weight_kg" if "weigh" in found[0].lower() else "age_years"
        value = re.search(r"(?<![\w.])\d+(?:[.,/]\d+)?", text[found.start() :])
        return Dispute(name, value[0] if value and "/" not in value[0] else "")
    return None


OF_AN_ESTIMATE = ("risks", "why_risk", "risk_meaning", "risk_trust")
_ESTIMATE = re.compile(  # an estimate that a question before was of
    r"\b(?:asthma|copd|diabetes|hypertension|stroke|heart (?:attack|failure)|coronary(?: disease)?) (?:risk|chance|estimate|figure)|\b(?:risk|chance) of (?:an? )?(?:\w+ )?(?:asthma|copd|diabetes|hypertension|stroke|heart|coronary)",
    re.IGNORECASE,
)
_AND = re.compile(r"^\W*(?:(?:ok|okay|right|thanks)\W+)?(?:and|what about|how about|and what about|or)\b", re.IGNORECASE)
_DEFINED = {"fev1_l": "what_is_fev1", "fvc_l": "what_is_fvc", "fev1_fvc": "what_is_ratio", "pef_l_s": "what_is_pef", "fev1_z": "what_is_zscore"}


def meant_instead(message: str, before: Turn | None) -> str:
    """The question before with what was meant ("no, I meant the FVC", "and asthma?" after another risk); empty where nothing is put right."""
    trait = asked_trait(message)
    of_estimates = before is not None and (
        before.seen.intent in OF_AN_ESTIMATE or (asked_trait(before.question) != "" and _ESTIMATE.search(before.question) is not None)
    )
    if of_estimates and trait and len(message.split()) <= 5 and _AND.match(message):
        return f"What is my risk of {dict(RISK_TRAITS)[trait]}?"
    found = _MEANT.match(message)
    if found is None:
        return ""
    thing = next(part for part in found.groups() if part)
    name = asked_number(thing)
    if before is None:
        return f"What is my {LABELS[name]}?" if name else ""
    if not name:
        return thing
    if before.seen.intent.startswith("what_is_") and name in _DEFINED:
        return f"What is the {LABELS[name]}?"
    return f"What is my {LABELS[name]}?"
