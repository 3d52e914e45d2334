"""Triage: a red flag in a message, by rule and before any model. Recall first; negations and other people's past are respected."""

from __future__ import annotations

import re
from functools import cache

from assistant.alarm_net import SURER, AlarmNet, pieces
from assistant.findings import FINDINGS, TODAY_TOGETHER, TOGETHER
from assistant.other_languages import emergency
from assistant.red_flags import CARE, NOW, RULES, TODAY, Rule
from assistant.session import Triage
from assistant.slips import as_meant, plain
from assistant.spelling import Speller
from assistant.taught_wordings import TEMPLATES
from assistant.tenses import is_of_now
from assistant.vital_signs import beside_own_target, danger
from encoders.record import Patient

__all__ = ["CARE", "NOW", "TODAY", "triage"]

_RULES = tuple((rule, re.compile(rule.words)) for rule in RULES)
_FINDINGS = {name: re.compile(words) for name, words in FINDINGS.items()}
_ASKS_RISK = re.compile(
    r"\b(?:risks?|chances?|odds|likelihood|probability) (?:of|for|that)\b[^.!]{0,60}(?:\?|$|,)|\bhow likely\b|\b(?:heart attack|stroke|heart failure) (?:number|figure|percentage|estimate)s?\b"
)  # what the page estimates
_OF_NOW = re.compile(
    r"\b(?:now|ago|having|hav(?:e|ing) (?:just )?had|tonight|today|this (?:morning|evening|afternoon)|since|minutes?|mins?|hours?|hrs?|just|help|call)\b"
)
_ANSWERED_NO = re.compile(  # "Tight chest? No. Wheeze? No."
    r"\b(?:tight chest|chest (?:pain|tightness)|pain|wheez\w*|fever|blood|bleeding|swelling|rash|breathless\w*|short(?:ness)? of breath|headache|faint\w*|numbness|weakness|vomiting)\? ?(?:no|nope|none|nothing|never)\b"
)
_ESTIMATED = re.compile(  # "heart attack 15 %, why so high?" is of an estimate, not of a heart attack
    r"\b(?:heart attacks?|strokes?|heart failure|coronar\w+(?: (?:heart )?disease)?)(?: (?:risk|figure|number|estimate|chance))?(?: (?:is|says?|at|of|only|under|about))*[ ,:]{1,2}\d{1,2}(?:[.,]\d)?(?: ?%| per ?cent\b)"
    r"|\b(?:\d{1,2}(?:[.,]\d)?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen)(?: ?%| per ?cent)(?: risk| chance| figure)?(?: (?:for|of))(?: (?:an?|my|the|his|her))? (?:heart attacks?|strokes?|heart failure|coronar\w+)"
    r"|\b(?:heart attacks?|strokes?) (?:is |are )?(?:higher|lower) than usual\b(?:[^.?!]{0,12}\bheart attacks? (?:is |are )?(?:higher|lower)\b)?",
    re.IGNORECASE,
)
_ASKS_VALUES = re.compile(  # a short question that names a measure of the test, and nothing that anybody feels
    r"^(?=.*\b(?:fev ?1|fvc|fef ?25|z-?scores?|predicted|lower limit|lln|flow[- ]volume|spirometry|bronchodilator|back[- ]?extrapolat\w*|ratio|curve|loop|blows?)\b)"
    r"(?!.*\b(?:pain\w*|hurt\w*|ache\w*|breathless\w*|breath(?!ing test)|breathing(?! test)|can'?t|cannot|faint\w*|blue|gr[ae]y|collaps\w*|bleed\w*|blood|chest|chok\w*|swoll\w*|swell\w*|dizz\w*|confus\w*|drows\w*|weak\w*|numb\w*|droop\w*|slur\w*|fever|help|die|dying|dead|kill\w*|now|today|tonight|minutes|hours?|sudden\w*|unwell|sick|vomit\w*|sweat\w*|tight\w*|pass(?:ed|ing) out|unconscious|seiz\w*|fit|overdose|wheez\w*|gasp\w*|sats?|oxygen|pulse|heart|pressure)\b)(?:\S+\s*){1,16}$"
)
_OF_COLOUR = re.compile(
    r"^(?!.*\b(?:lips?|face|skin|fingers?|nails?|tongue)\b).*\b(?:hair|beard|eyes|sky|car|coat|cat|dog|paint|walls?)\b \w+ (?:\w+ )?(?:gr[ae]y\w*|blue|white|pale|purple)\W*$"
)
_ASKS_SIGNS = re.compile(  # in general, and nothing that anybody has
    r"^\W*(?:and |so |but )?(?:what|which) (?:are (?:the )?)?(?:other |early |first |typical |warning |tell-?tale )*(?:signs?|symptoms?|signals?)\b"
    r"(?!.*\b(?:i|i'm|he|she|we|they|baby|these|those|took|take|want|having|has|now|my (?!(?:chest|asthma|copd|lungs?|heart|breathing)\b))\b)"
)
LONGEST = 40_000  # characters of a message that are read: of longer ones the first and the last half of it
OFTEN = 5  # times that an uncommon word must be told of in emergencies to be no slip itself
# one slip away from words of emergencies, and words themselves
_REAL_WORDS = frozenset("ejection crusting overdoes stabling stinking gargling crashing brushing blushing flushing clashing".split())
_LONG_WORD = re.compile(r"[a-z]{8,}")  # a shorter one is one slip away from too many others
_NEAR = 300  # characters before and after a match that can take it back


def triage(message: str, patient: Patient | None = None) -> Triage | None:
    """The red flag in a message, or None: by rules, and read again by its meaning.

    A question for a risk or for values of the test, in which no rule finds anything, is none. A rule's alarm is taken back only where the second net is sure of the contrary, and never one of self-harm, of vital signs or in another language.
    """
    found, meant = by_rules(message, patient) or _by_rules_as_spelt(message, patient), as_meant(message)
    own = beside_own_target(meant, patient) if found is None else meant
    return weighed(message if own == meant else own, found)


def weighed(message: str, found: Triage | None) -> Triage | None:
    """What a rule found in a message, after the second net has read it too."""
    if found is not None and stands(found):
        return found
    net = AlarmNet.load()
    alarm, self_harm = net.odds(message)
    if found is not None:
        apart = SURER if len(pieces(message)) > 1 else 0.0  # a sentence among others is taken back as hardly as it is alone
        return found if alarm + apart > net.doubt else None
    if alarm < net.alarm or plain(message) in _known_as_harmless() or any(one.search(as_meant(message)) for one in (_ASKS_RISK, _ASKS_VALUES, _OF_COLOUR)):
        return None
    if self_harm <= 0 and len(pieces(message)) == 1 and _ASKS_SIGNS.search(as_meant(message)):
        return None
    return Triage("self_harm", "emergency", CARE) if self_harm > 0 else Triage("read_by_meaning", "emergency", NOW)


def _by_rules_as_spelt(message: str, patient: Patient | None) -> Triage | None:
    """The red flag that a rule finds once words of emergencies that nobody knows as they are typed are put right: "she swalowed 30 paracetomol"."""
    typed = _as_read(message).lower()
    spelt = _LONG_WORD.sub(lambda found: found[0] if found[0] in _REAL_WORDS else _speller().word(found[0]), typed)
    return by_rules(spelt, patient) if spelt != typed else None


@cache
def _speller() -> Speller:
    from assistant.minilm import minilm

    said = Speller(path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("*.txt"))).words
    return Speller((f"{word} " * times for word, times in said.items() if minilm().knows(word) or times >= OFTEN), knows=minilm().knows)


@cache
def _known_as_harmless() -> frozenset[str]:
    """What is only felt or denied, word for word as it is held for harmless. No rule's alarm is taken back for it."""
    lines = (TEMPLATES / "harmless_said.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(plain(line) for line in lines if line and not line.startswith("#"))


def stands(found: Triage) -> bool:
    """Whether a rule's alarm is one that the second net never takes back."""
    return found.rule in ("self_harm", "other_language") or found.rule.startswith(("vital_", "record_"))


def _as_read(message: str) -> str:
    """A message as far as it is read."""
    return message if len(message) <= LONGEST else f"{message[: LONGEST // 2]} . {message[-LONGEST // 2 :]}"


def by_rules(message: str, patient: Patient | None = None) -> Triage | None:
    """The red flag that a rule finds, or None. A record's own vital signs count only beside a symptom in the message."""
    message = _as_read(message)
    text = as_meant(message)
    text = _ANSWERED_NO.sub(" ", text)
    told = text if _OF_NOW.search(text) else _ESTIMATED.sub(" ", text)
    urgent: Rule | None = None
    for rule, pattern in _RULES:
        if (urgent is None or rule.level == "emergency") and _said(told, pattern, rule.name):
            if rule.level == "emergency":
                return Triage(rule.name, rule.level, rule.text)
            urgent = rule
    said: dict[str, bool] = {}

    def together(sets: tuple[tuple[str, tuple[str, ...]], ...]) -> str | None:
        for name, findings in sets:
            for finding in findings:
                if finding not in said:
                    said[finding] = _said(text, _FINDINGS[finding], finding)
                if not said[finding]:
                    break
            else:
                return name
        return None

    found = together(TOGETHER)
    if found is not None:
        return Triage(found, "emergency", NOW)
    vital = danger(text, patient)
    if vital is not None:
        return Triage(vital, "emergency", NOW)
    foreign = emergency(message)
    if foreign is not None:
        return Triage("other_language", "emergency", f"{NOW} {foreign}")
    if urgent is not None:
        return Triage(urgent.name, urgent.level, urgent.text)
    today = together(TODAY_TOGETHER)
    return Triage(today, "urgent", TODAY) if today is not None else None


def _said(text: str, pattern: re.Pattern[str], name: str) -> bool:
    """Whether a rule or finding is said of now and of someone who can be helped."""
    match = pattern.search(text)
    while match:
        before = max(0, match.start() - _NEAR)
        near = text[before : match.end() + _NEAR]
        if is_of_now(near, match.start() - before, match.end() - before, name):
            return True
        match = pattern.search(text, match.start() + 1)  # a match that does not count may hide one that does
    return False
