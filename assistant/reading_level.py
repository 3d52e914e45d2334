"""For whom an answer is: plain words, a short form, a clinician's terms; and how hard a text is to read."""

from __future__ import annotations

import re

from assistant.session import Session
from encoders.teacher import Case
from encoders.teacher.sentences import headline, limb_sentence, not_read, value
from encoders.teacher.view import View

PLAIN_GRADE = 9.0  # years of school: what a text in plain words should not exceed
_SAY = r"(?:(?:can|could|would) you |please |now |and |ok(?:ay)?,? |then )*"
_EXPLAIN = r"(?:explain|say|put|tell|describe|write|phrase|word|repeat|summari[sz]e|break)"
_LAY = (
    r"(?:an? |my |the |our |his |her |their )?(?:old |little |young |ten|five|six|seven|eight|nine|twelve|\d+)?(?:[ -]?year[ -]?old )?(?:mother|mum|mom|grandmother|grandma|granny|nan|grandson|granddaughter|grandchild(?:ren)?|brother|sister|aunt|uncle|"
    r"ten[- ]year[- ]olds?|(?:\d+|five|six|seven|eight|nine|twelve)[- ]year[- ]olds?|grandfather|grandpa|father|dad|parents|wife|husband|partner|son|daughter|kids?|child(?:ren)?|teenager|lay ?(?:person|man)|family|friend|neighbou?r|patient|five|beginner|someone who (?:knows|is) \w+)(?:,? (?:who|aged|of) (?:is |\w+ ){0,3}?(?:\d+|\w+)(?: years?(?: old)?)?)?"
)
_DOCTOR = r"(?:an? |my |the |another |our )?(?:doctor|gp|physician|clinician|pulmonologist|colleague|specialist|nurse|consultant|expert|respiratory \w+)"
_LEVELS = (
    ("for_doctor", re.compile(
        rf"^\W*{_SAY}{_EXPLAIN}\b(?P<a>[^?.]{{0,60}}?),? (?:for|to|like i(?:'m| am)|as (?:if )?to) {_DOCTOR}\b\W*(?:please)?\W*$|^\W*{_SAY}(?:the same )?for {_DOCTOR}\W*(?:please)?\W*$"
        rf"|^(?P<b>.*?),? ?\bin (?:medical|technical|clinical|professional|doctor'?s?|scientific) (?:terms|words|language)\W*$|^(?P<c>.{{8,}}), for {_DOCTOR}\W*$", re.IGNORECASE)),
    ("plain_words", re.compile(
        rf"^\W*{_SAY}{_EXPLAIN}\b(?P<a>[^?.]{{0,60}}?),? (?:for|to|so that|like i(?:'m| am)|as (?:if )?to|like to) {_LAY}\b(?: (?:can |could |would )?understands?(?: it| this)?)?\W*(?:please)?\W*$|^\W*{_SAY}(?:the same )?for {_LAY}\W*(?:please)?\W*$"
        rf"|^(?P<b>.*?),? ?\b(?:in|using|with) (?:plain|simple|simpler|easy|easier|everyday|lay(?:man'?s)?|non-?medical|normal) (?:words|english|terms|language)\W*(?:please)?\W*$|^(?P<c>.{{8,}}), for {_LAY}\W*$|^(?P<g>.*?),? ?\b(?:without (?:any |the )?(?:medical )?jargon|jargon[- ]free|no jargon)\W*(?:please)?\W*$|^(?P<d>explain .*?) simply\W*$|^\W*in (?:plain|simple|simpler|easy|easier|everyday|lay|non-?medical) (?:words|english|terms|language),? (?P<e>.+)$"
        rf"|^(?P<f>.*?),? ?\bin (?:words|terms|language|a way|english) (?:that |which )?{_LAY} (?:can|could|would|will|might)? ?(?:understand|follow|get)s?\W*(?:please)?\W*$", re.IGNORECASE)),
    ("shorter", re.compile(
        r"^(?P<b>.*?),? ?\b(?:in (?:one|a single|two) (?:short )?(?:sentences?|words?|lines?)|in short|briefly|but short|tl;?dr|keep it (?:short|brief)|shorter)\W*(?:please)?\W*$", re.IGNORECASE)),
)  # fmt: skip


def level(question: str) -> tuple[str, str]:
    """("for_doctor", "plain_words", "shorter" or "", the question without that): how an answer is wanted."""
    for kind, pattern in _LEVELS:
        found = pattern.match(question.strip())
        if found:
            rest = next((part for part in found.groupdict().values() if part), "").strip(" ,:?")
            return kind, "" if _POINTS.fullmatch(rest) else f"explain {rest}" if "a" in found.groupdict() and found["a"] else rest
    return "", question


_POINTS = re.compile(
    r"(?:\W*\b(?:it|this|that|them|all|again|the same|me|say|put|now|and|please|everything|can|could|you|make|explain|tell|what it means|what that means|what this means|down)\b\W*)*",
    re.IGNORECASE,
)


def for_doctor(session: Session) -> str:
    """The test in a clinician's terms, facts as tokens: pattern, each measure with its z-score, shape and grades."""
    view = View(Case(session.patient, session.spirometry, session.facts))
    if view.state in ("none", "unusable", "ratio"):
        return not_read(view)
    lines = [headline(view) if view.state == "read" else not_read(view)]
    lines += [value(view, measure) for measure in ("fev1", "fvc", "fev1_fvc") if view.has("fev1_fvc" if measure == "fev1_fvc" else f"{measure}_l")]
    lines += [limb_sentence(view)] if view.shape else []
    if view.has("fev1_grade", "fvc_grade"):
        lines.append(f"The FEV1 has quality grade {view.token('fev1_grade')} and the FVC grade {view.token('fvc_grade')}.")
    return " ".join(lines)


def reading_grade(text: str) -> float:
    """Years of school that a text asks for, by Flesch-Kincaid (Kincaid et al. 1975): 0.39 words a sentence + 11.8 syllables a word - 15.59.

    Syllables are counted as groups of vowels, without a silent e; abbreviations and numerals count as one.
    """
    words = re.findall(r"[A-Za-z][A-Za-z0-9'/-]*|\d[\d.,]*", re.sub(r"\[\d+\]", "", text))
    ended = max(1, len(re.findall(r"[.!?:;](?=\s|$)", text)))
    if not words:
        return 0.0
    return round(max(0.0, 0.39 * len(words) / ended + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59), 1)


def _syllables(word: str) -> int:
    if not word.isalpha() or word.isupper():
        return 1
    lower = word.lower()
    groups = len(re.findall(r"[aeiouy]+", lower))
    return max(1, groups - (lower.endswith("e") and not lower.endswith("le") and groups > 1))
