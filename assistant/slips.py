"""Slips: a message as it was meant, in lower case, with slips in alarming words mended and numbers from twenty on in digits."""

from __future__ import annotations

import re

HURRIED = {  # short forms of hurried people
    "u": "you", "ur": "your", "r": "are", "shd": "should", "shld": "should", "cld": "could", "wld": "would", "wot": "what", "wat": "what", "wats": "what's",
    "wots": "what's", "whats": "what's", "hows": "how's", "pls": "please", "plz": "please", "cos": "because", "coz": "because", "bc": "because",
    "abt": "about", "thx": "thanks", "dont": "don't", "doesnt": "doesn't", "isnt": "isn't", "ive": "i've", "im": "i'm", "gd": "good", "hv": "have", "b4": "before",
}  # fmt: skip
# alarming words as people spell them by ear
_BY_EAR = {
    "chset": "chest", "cheast": "chest", "chect": "chest", "cheest": "chest", "chestpain": "chest pain", "chestpains": "chest pain", "pian": "pain", "payn": "pain",
    "hart": "heart", "attak": "attack", "attck": "attack", "atack": "attack", "cant": "can't", "cnt": "can't", "carnt": "can't", "cannt": "can't", "cnat": "can't",
    "cna't": "can't", "ca'nt": "can't", "cantt": "can't", "breth": "breath", "breeth": "breathe", "brethe": "breathe", "breate": "breathe", "brethless": "breathless",
    "cofing": "coughing", "coffing": "coughing", "couging": "coughing", "caughing": "coughing", "anafilaxis": "anaphylaxis", "anafylaxis": "anaphylaxis",
    "anafilactic": "anaphylactic", "anafylactic": "anaphylactic", "sucidal": "suicidal", "suisidal": "suicidal", "suicidle": "suicidal", "suiside": "suicide",
    "colapsed": "collapsed", "unconsious": "unconscious", "unconscous": "unconscious", "uncontious": "unconscious", "siezure": "seizure", "seisure": "seizure",
    "wanna": "want to", "gonna": "going to", "blud": "blood", "slured": "slurred", "ambulence": "ambulance", "ambulanse": "ambulance", "tounge": "tongue", "tonge": "tongue",
    "troat": "throat",
}  # fmt: skip
# words of emergencies in which a letter may be missing, doubled, or swapped with the next; the slips that are words themselves are left alone
_ALARMING = (
    "chest", "breath", "breathe", "breathing", "breathless", "crushing", "choking", "blood", "unconscious", "collapsed", "stroke", "swollen", "throat", "tongue",
    "suffocating", "severe", "suddenly", "sweating", "slurred", "fainted", "suicide", "seizure", "bleeding", "coughing", "vomiting", "drooping", "dropped", "squeezing",
    "pressure", "overdose", "swelling", "clammy", "speak", "ambulance", "anaphylaxis", "suicidal", "attack",
)  # fmt: skip
_REAL_WORDS = frozenset(
    "breath breathe stoke coking broth beath spek peak sever sweeping severed swelling seeping seating topped droped copped dropping crashing cloaking crushing".split()
)


def _slips(word: str) -> set[str]:
    """What a hurried hand makes of a word: a letter after the first missing, doubled, or swapped with the next."""
    missing = {word[:i] + word[i + 1 :] for i in range(1, len(word))}
    doubled = {word[: i + 1] + word[i:] for i in range(len(word))}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    return (missing | doubled | swapped) - _REAL_WORDS - set(_ALARMING)


_MEANT = {slip: word for word in _ALARMING for slip in sorted(_slips(word))} | _BY_EAR | HURRIED
_WORD = re.compile(r"\bca nt\b|\bcan t\b|[a-z]+(?:'?[a-z0-9]+)*")

_ONES = {word: n for n, word in enumerate("one two three four five six seven eight nine".split(), start=1)}
_TENS = {word: n for n, word in zip(range(20, 100, 10), "twenty thirty forty fifty sixty seventy eighty ninety".split(), strict=True)}
_NUMBER = re.compile(
    rf"\b(?:(?P<hundred>(?:a|one|two) hundred)(?: and)?(?: (?=(?:{'|'.join(_TENS)})\b))?)?(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<ones>{'|'.join(_ONES)})\b)?)?\b(?: point (?P<part>{'|'.join(_ONES)}))?"
)


def as_meant(message: str) -> str:
    """The message in one line of lower case, mended."""
    text = " ".join(message.lower().replace("\u2019", "'").split())
    text = _WORD.sub(lambda found: "can't" if " " in found[0] else _MEANT.get(found[0], found[0]), text)
    return _NUMBER.sub(_in_digits, text)


def _in_digits(found: re.Match[str]) -> str:
    """ "thirty-nine point five" -> "39.5"; what is no number stays."""
    if not found["hundred"] and not found["tens"]:
        return found[0]
    whole = (
        (200 if "two" in (found["hundred"] or "") else 100 if found["hundred"] else 0) + _TENS.get(found["tens"] or "", 0) + _ONES.get(found["ones"] or "", 0)
    )
    return f"{whole}.{_ONES[found['part']]}" if found["part"] else str(whole)


def plain(text: str) -> str:
    """A wording in small letters without marks, as it is compared with others."""
    return " ".join(re.findall(r"[a-z0-9'%/.-]+", text.lower().replace("\u2019", "'"))).strip(".")
