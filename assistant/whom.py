"""Of whom a question speaks: the person who types, or somebody else whose record is open ("my mother", "the patient"); answers speak of the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.session import Turn
from encoders.record import Patient, Sex
from encoders.teacher.sayable import sentences

_HER = r"mother|mum|mom|mummy|grandmother|grandma|granny|gran|nan|wife|daughter|sister|aunt|niece|girlfriend|granddaughter"
_HIS = r"father|dad|daddy|grandfather|grandpa|grandad|husband|son|brother|uncle|nephew|boyfriend|grandson"
_BOTH = r"child|kid|partner|cousin"
_PATIENT = re.compile(
    r"\b(?:the|this|that|our|my) (?:patient|lady|gentleman|person|client|man|woman|boy|girl|lad|lass|teenager|chap|bloke|guy|fellow|gent)\b|^\W*(?:patient|pt)\b|\bthis (?:child|teenager)\b",
    re.IGNORECASE,
)
_KIN = re.compile(rf"\bmy (?:\w+ )?(?:(?P<her>{_HER})|(?P<his>{_HIS})|(?P<both>{_BOTH}))(?:'s|\u2019s)?\b", re.IGNORECASE)
_CALLED = re.compile(r"\b(?:(?P<her>mum|mom|mummy|gran|granny|nan)|(?P<his>dad|daddy|grandad|grandpa))(?:'s|\u2019s)?\b", re.IGNORECASE)
_MY_KIN = rf"\b(?:my|our) (?:\w+ )?(?:{_HER}|{_HIS}|{_BOTH})s?\b"
_IS_ILL = r"(?:smokes?|(?:has|have|with) (?:copd|asthma|emphysema|cancer|diabetes|tb)|had|has had|died)"
_KIN_ILL = re.compile(rf"{_MY_KIN}[^?.,;]{{0,14}}\b{_IS_ILL}\b", re.IGNORECASE)
_ASIDE = re.compile(
    rf"{_MY_KIN}[^?.,;]{{0,30}}\b(?:{_IS_ILL}|says?|said|thinks?|told|asks?|wants|worries|understands?)\b|\b(?:to|for|tell|with|like) my (?:\w+ )?(?:{_HER}|{_HIS}|{_BOTH})s?\b",
    re.IGNORECASE,
)
_ASKED_OF_KIN = re.compile(rf"^\W*(?:does|did|do|has|is|was|can|should) (?:my|our) (?:\w+ )?(?:{_HER}|{_HIS}|{_BOTH})\b", re.IGNORECASE)
_SHE, _HE = re.compile(r"\b(?:she|her|hers)\b", re.IGNORECASE), re.compile(r"\b(?:he|his|him)\b", re.IGNORECASE)
_SELF = re.compile(rf"\b(?:i|i'm|i've|me|mine|myself)\b|\bmy (?!(?:\w+ )?(?:{_HER}|{_HIS}|{_BOTH}|patient|doctor|gp|nurse)\b)", re.IGNORECASE)
_OF_HERS, _OF_HIS = (re.compile(rf"^(?!.*\b(?:doctor|gp|nurse|consultant|friend)\b).*\b{word} (?!own\b)[a-z]{{3,}}", re.IGNORECASE) for word in ("her", "his"))
_MEASURED = re.compile(
    r"\b(?:her|his) (?:[\w-]+ ){0,2}(?:sats|spo2|oxygen|blood|pressure|bp|fev ?1|fvc|ratio|results?|tests?|sugar|hba1c|cholesterol|pulse|weight|bmi|scores?)\b",
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"\b(?:should|shall|can|could|must|would|may) (?:i|we)\b", re.IGNORECASE
)  # who types asks what to do for another: "her sats are 94, should I recheck?"
_CITED = re.compile(r"\[\d+\]")
_TO_WHO_TYPES = re.compile(r"\bdo you mean\b|\byour question\b")


@dataclass(frozen=True)
class Whom:
    """How answers name the person of the record. ``they``: subject, ``their``: possessive; empty where they are the one who types."""

    they: str = ""
    their: str = ""
    them: str = ""


YOU = Whom()
SHE, HE, THEY = Whom("she", "her", "her"), Whom("he", "his", "him"), Whom("they", "their", "them")


def whom(question: str, told: Sequence[Turn], patient: Patient) -> Whom:
    """Of whom a question speaks; one that does not say speaks of the same person as the one before it."""
    for text in (question, *(turn.question for turn in reversed(told))):
        found = _named(text, patient)
        if found is not None:
            return found
    return YOU


def _named(text: str, patient: Patient) -> Whom | None:
    by_sex = {Sex.FEMALE: SHE, Sex.MALE: HE}.get(patient.sex, THEY) if patient.sex is not None else THEY
    if _PATIENT.search(text):
        return by_sex
    kin = None if _ASIDE.search(text) and not _ASKED_OF_KIN.search(text) else _KIN.search(text)
    if kin is not None:
        named = SHE if kin["her"] else HE if kin["his"] else by_sex
        return named if by_sex is THEY or named is by_sex else None  # a relative of the other sex is not the one whose record is open
    of_kin = _KIN_ILL.search(text) and not _MEASURED.search(text)  # "my sister has asthma, can I use her inhaler?" is of the one who types
    of_another = not of_kin and ((by_sex is SHE and _OF_HERS.search(text)) or (by_sex is HE and _OF_HIS.search(text)))
    if _SELF.search(_ACTS.sub(" ", text) if of_another else text):
        return YOU
    called = _CALLED.search(text)
    if called is not None:
        one = SHE if called["her"] else HE
        return one if by_sex in (THEY, one) else None
    if (_SHE.search(text) and by_sex is not HE) or (_HE.search(text) and by_sex is not SHE):
        return SHE if _SHE.search(text) else HE
    return None


_MODAL = re.compile(r"\b(?:may|can|should|could|would|will|must)\b")
_VERBS = {
    "fly": "flies",
    "go": "goes",
    "drink": "drinks",
    "know": "knows",
    "use": "uses",
    "reach": "reaches",
    "stop": "stops",
    "wake": "wakes",
    "are": "is",
    "have": "has",
    "do": "does",
    "blow": "blows",
    "smoke": "smokes",
    "breathe": "breathes",
    "need": "needs",
    "feel": "feels",
    "were": "was",
    "start": "starts",
    "change": "changes",
    "take": "takes",
    "get": "gets",
    "want": "wants",
    "see": "sees",
    "ask": "asks",
    "try": "tries",
    "cough": "coughs",
    "keep": "keeps",
    "live": "lives",
    "work": "works",
    "come": "comes",
    "lie": "lies",
    "sleep": "sleeps",
    "exercise": "exercises",
    "leave": "leaves",
    "give": "gives",
}


def said_of(answer: str, person: Whom) -> str:
    """An answer that speaks to "you", spoken of somebody else; what is quoted from a passage stays as it stands there."""
    if not person.they:
        return answer
    return "\n\n".join(" ".join(_turned(one, person) for one in sentences(paragraph)) for paragraph in answer.split("\n\n"))


def _turned(sentence: str, person: Whom) -> str:
    if _CITED.search(sentence) or _TO_WHO_TYPES.search(sentence):
        return sentence
    plural = person.they == "they"

    def subject(found: re.Match[str]) -> str:
        they = person.they.capitalize() if found[1][0].isupper() else person.they
        return f"{they}{found[2]}{found[3] if plural or _MODAL.search(found[2]) else _VERBS.get(found[3], found[3])}"

    sentence = re.sub(r"\b(for|with|to|of|from|about|like) you\b", rf"\1 {person.them}", sentence)
    turned = re.sub(r"\b([Yy]ou)( (?:(?:may|can|should|could|would|will|must|also|still|only|never) )?)(\w+)", subject, sentence)
    turned = re.sub(r"\b([Yy])our(s?)\b", lambda found: _capital(person.their + ("s" if found[2] and person.their != "his" else ""), found[1] == "Y"), turned)
    turned = turned if plural else re.sub(r"\b(flies) or go\b", r"\1 or goes", turned)
    return re.sub(r"\byou\b", person.them, re.sub(r"\byourself\b", f"{person.them}self", turned))


def _capital(word: str, large: bool) -> str:
    return word.capitalize() if large else word
