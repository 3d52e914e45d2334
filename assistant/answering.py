"""Which sentences of the passages found answer a question: by their meaning, and by the kind of answer that it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from encoders.passages import Passage
from encoders.teacher.guidance import cited, quotable

FIRST = 0.06  # what the first sentence of a passage gains: it says best what the passage is about, and needs nothing before it
# words of guidance in one answer: fewer than the first are rounded off by a second sentence of the passage, fewer than the other by one that is likely to belong
TOO_FEW_WORDS, ENOUGH_WORDS = 12, 22
BELONGS = 0.01  # chance of such a sentence
# shares of the likeliest sentence's chance, from which another is quoted beside it: one of its passage, of its topic, of another topic
OF_PASSAGE, OF_TOPIC, OF_OTHERS = 0.1, 0.12, 0.3
LIKELY_AT_ALL, MOST, MOST_WORDS = 0.05, 3, 70  # of chance; sentences; words. All these were chosen on the questions of authors whom the reader had not read
REPEATED = 0.1  # of the chance of a sentence that was said, which one that was not must have to go before it
OF_ADULTS = 0.2  # of its chance, for a sentence on adults where a child is asked of
OF_ANOTHER_ILLNESS = 0.3  # of its chance, for a sentence on an illness that nobody has spoken of
SAID = 0.02  # of its chance, for a sentence that was said in the last two answers: who goes on asking wants another
_KINDS = (  # what a sentence must hold to answer "how often?", and the like
    (re.compile(r"^\W*(?:and |but |so )?how (?:often|frequently|regularly|many times)\b", re.IGNORECASE), re.compile(
        r"\b(?:daily|weekly|monthly|yearly|annual\w*|regular\w*|once|twice|times|often|every|(?:a|per|each|one|most|\d) (?:day|week|month|year)s?|days|weeks|months|years)\b", re.IGNORECASE)),
    (re.compile(r"^\W*(?:and |but |so )?how long\b", re.IGNORECASE), re.compile(r"\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|lifelong|life)\b", re.IGNORECASE)),
    (re.compile(r"^\W*(?:and |but |so )?how (?:much|many|high|low|far)\b", re.IGNORECASE), re.compile(
        r"\d|\b(?:one|two|three|four|five|six|seven|eight|ten|half|third|quarter|double|most|more|less|fewer|few)\b", re.IGNORECASE)),
)  # fmt: skip


_POINTS_BACK = re.compile(r"\bsuch\b(?! as)|\b(?:that|this|these|those)\b(?=[.,;]|$)|^(?:Milder|Other|Another|Both|However|But|And)\b")
_OLDER = re.compile(r"\b(?:aged?|over|from|age of)\s+(\d{2})(?= (?:years )?(?:and|or) (?:over|older|above|more)|\b years and)")
_YOUNGER = re.compile(r"\b(?:before the age of|under the age of|younger than) (\d{2})\b")
_OLDER_ASKED = re.compile(r"\b(?:old(?:er)?|elderly|gran\w*|pension\w*|age|aged|6[05]|7[05])\b", re.IGNORECASE)
_ALSO = re.compile(r"\b(?:earlier|younger|also those|at (?:higher )?risk)\b", re.IGNORECASE)
_OF_WHOM = re.compile(r"^\W*(?:and )?(?:who|whom|which people|at what age|from what age|what age|when)\b", re.IGNORECASE)
_YOUNG = re.compile(r"\b(?:child|children|child's|kids?|infants?|bab(?:y|ies)|toddlers?|adolescents?|teenagers?|son|daughter|school)\b", re.IGNORECASE)
_PREGNANT = re.compile(r"\b(?:pregnan\w*|trimester|midwife)\b", re.IGNORECASE)
_NOT_PREGNANT = re.compile(r"\b(?:not|outside|except in|apart from) (?:in )?pregnan\w*", re.IGNORECASE)
_WHEN_ILL = re.compile(r"\bwith a (?:cold|fever)\b|\bduring a cold\b", re.IGNORECASE)
_ILL = re.compile(r"\b(?:colds?|fever\w*|flu|ill\w*|unwell|sick\w*|infect\w*|virus\w*|temperature|throat|nose|sneez\w*|cough\w*)\b", re.IGNORECASE)
_TOO_LOW = re.compile(r"^(?:For people with diabetes, )?low blood (?:pressure|sugar)\b", re.IGNORECASE)
_LOW_HBA1C = re.compile(r"\ban HbA1c (?:a little )?below [45] %", re.IGNORECASE)
_OF_LOW_HBA1C = re.compile(r"\b(?:low|small|below|under|too little)\b|(?<![\d.])[34]\.\d|\b4 ?%", re.IGNORECASE)
_OF_LOW = re.compile(r"\b(?:low|hypo\w*|faint\w*|dizz\w*|shak\w*|sweat\w*|collaps\w*|drop\w*)\b", re.IGNORECASE)
_WHEN_HIGH = re.compile(r"^With high blood pressure, steady\b|^(?:From|With a blood pressure from) \d{3}/\d{2,3}\b", re.IGNORECASE)
_OF_PRESSURE = re.compile(r"\b(?:pressure|bp|hypertens\w*|systolic|diastolic)\b|\b\d{3} ?(?:/|over)", re.IGNORECASE)
_THINNER = re.compile(
    r"\b(?:losing|lost|loses|dropped|dropping) (?:\w+ ){0,4}(?:weight|stone|pounds|kilos?|kg)\b|\bweight loss\b|\b(?:too|so|very|rather|this|that|being|quite|painfully) thin\b|\bkeep (?:\w+ )?weight on\b|\b(?:put|putting) (?:(?:on|some|a bit|more|any) )*weight(?: on)?\b|\bgain(?:ing)? (?:some )?weight\b|\bbuild (?:him|her|me|them) up\b|\bunderweight\b|\bskinny\b",
    re.IGNORECASE,
)
_WISHED = re.compile(
    r"\b(?:want\w*|try\w*|help\w*|how (?:do|can|could|should)|need\w*|would|should|if|benefit\w*) (?:\w+ ){0,4}(?:lose|losing|lost|weight loss)\b",
    re.IGNORECASE,
)
_TO_LOSE = re.compile(
    r"\b(?:losing|lose|loss)\b[^.]*\bweight\b(?![^.]*\bwithout trying)|\bweight is high\b|\bhigh body weight\b|\boverweight\b|\bobes\w+", re.IGNORECASE
)
_ILLNESSES = {  # an illness, or a medicine of one, as sentences name it -> the words it goes by
    "osteoarthritis": r"osteoarthr\w*|(?<!rheumatoid )(?<!psoriatic )arthritis|arthritic|\boa\b",
    "rheumatoid arthritis": r"rheumat\w*|\barthriti[sc]\b|\bra\b",
    "gout": r"\bgout\w*",
    "sarcoidosis": r"sarcoid\w*",
    "cystic fibrosis": r"\bcystic\b|\bcf\b",
    "bronchiectasis": r"bronchiect\w*",
    "atrial fibrillation": r"\batrial\b|fibrillat\w*|\ba[- ]?fib\b|\baf\b",
    "heart failure": r"\bheart\b[^.?!]{0,12}\bfail\w*|\bfail\w* heart|cardiac failure|\bhf[rp]?(?:ef)?\b",
    "fatty liver": r"\bliver\b|\b[nm]a[fs]ld\b",
    "pulmonary hypertension": r"pulmonary (?:arterial )?hypertens\w*|\blung pressure|pressure in (?:(?:the|my|his|her) )?lungs?|\bpah\b",
    "tuberculosis": r"\btb\b|tubercul\w*",
    "type 1 diabetes": r"\btype ?(?:1|one|i)\b(?! resp)|\bt1dm?\b",
    "kidney disease": r"\bkidneys?\b|\brenal\b|\bckd\b|dialysis",
    "methotrexate": r"methotrexate|\bmtx\b",
    "sertraline": r"sertraline|\bssris?\b|anti-?depressants?",
}
_GOES_BY = tuple((re.compile(rf"\b{name}\b", re.IGNORECASE), re.compile(words, re.IGNORECASE)) for name, words in _ILLNESSES.items())
_DENIED = re.compile(r"\b(?:no|without|not any)\s+(?!(?:one|idea|matter|longer|more)\b)\w+(?:\s+(?:or|and)\s+(?:no\s+)?\w+)?,?", re.IGNORECASE)


@dataclass(frozen=True)
class Fitting:
    """A sentence of a passage, numbered from 1, that may answer; ``score``: the chance that it does, 0-1.

    ``shared``: how much of the question's words, the rarer counting for more, the sentence and its passage's title hold, 0-1.
    """

    number: int
    sentence: str
    score: float
    shared: float = 1.0

    @property
    def cited(self) -> str:
        return cited(self.sentence, self.number)


def stated(passage: Passage, sentence: str) -> str:
    """A sentence with what it is about, as it is turned into a vector."""
    return f"{passage.title}: {sentence}"


def candidates(passages: Sequence[Passage]) -> tuple[tuple[int, Passage, str], ...]:
    """The sentences of passages that can stand by themselves, with the passages' numbers."""
    return tuple((n, passage, sentence) for n, passage in enumerate(passages, 1) for sentence in quotable(passage.text) if not _POINTS_BACK.search(sentence))


def affirmed(question: str) -> str:
    """A question without what it denies: "no blood, just a dry cough" is not about blood."""
    left = " ".join(_DENIED.sub(" ", question).split())
    return left if len(left.split()) >= 2 else question


def of_kind(question: str, found: Sequence[Fitting]) -> tuple[Fitting, ...]:
    """Those that give the kind of answer that a bare "how often?", "how long?" or "how much?" asks for; all where it asks for none."""
    holds = next((holds for asks, holds in _KINDS if asks.search(question)), None)
    return tuple(one for one in found if holds is None or holds.search(one.sentence))


def to_quote(found: Sequence[Fitting], passages: Sequence[Passage]) -> tuple[Fitting, ...]:
    """What is quoted: the likeliest sentence, those nearly as likely beside it, and where that is short the next of its passage; each passage in its own order."""
    chosen = list(found[:1])
    for one in found[1:]:
        words = sum(len(sentence.sentence.split()) for sentence in chosen)
        first, other = passages[chosen[0].number - 1], passages[one.number - 1]
        share = OF_PASSAGE if other is first else OF_TOPIC if other.topic == first.topic else OF_OTHERS
        as_likely = one.score >= max(share * found[0].score, LIKELY_AT_ALL) and len(chosen) < MOST and words + len(one.sentence.split()) <= MOST_WORDS
        if as_likely or (one.number == chosen[0].number and words < (ENOUGH_WORDS if one.score >= BELONGS else TOO_FEW_WORDS)):
            chosen.append(one)
    order = list(dict.fromkeys(one.number for one in chosen))
    return tuple(sorted(chosen, key=lambda one: (order.index(one.number), passages[one.number - 1].text.find(one.sentence))))


def unsaid_first(found: Sequence[Fitting], said: str, least: float = REPEATED) -> tuple[Fitting, ...]:
    """Those that were said a moment ago, less likely than they were, and the others so much likelier; with the chance of none they are together one again.

    Beside a likelier one that was not said they are left out. ``least``: the share of a said one's chance that one not said must have to go before it: whoever asks
    the same in other words gets the same answer.
    """
    lower = said.lower()
    again = [one.sentence.lower().rstrip(".!?") in lower for one in found] if said else []
    if not any(again) or max((one.score for one, was in zip(found, again, strict=True) if not was), default=0.0) < least * found[0].score:
        return tuple(found)
    weighed = [one.score * (SAID if was else 1.0) for one, was in zip(found, again, strict=True)]
    whole = 1.0 - sum(one.score for one in found) + sum(weighed)
    order = sorted(range(len(found)), key=lambda n: -weighed[n])
    return tuple(replace(found[n], score=weighed[n] / whole) for n in order if again[order[0]] or not again[n])


def for_the_young(found: Sequence[Fitting], question: str, age_years: float | None) -> tuple[Fitting, ...]:
    """For somebody under 18 the sentences that speak of adults are less likely than they are for others."""
    if age_years is None or age_years >= 18 or re.search(r"\badults?\b", question, re.IGNORECASE):
        return tuple(found)
    of_adults = [re.search(r"\badults?\b", one.sentence, re.IGNORECASE) is not None and not _YOUNG.search(one.sentence) for one in found]
    weighed = (replace(one, score=one.score * (OF_ADULTS if adults else 1.0)) for one, adults in zip(found, of_adults, strict=True))
    return tuple(sorted(weighed, key=lambda one: -one.score))


def for_this_illness(found: Sequence[Fitting], spoken_of: str) -> tuple[Fitting, ...]:
    """Sentences on an illness that neither the talk nor the record names are less likely; their chances and that of none are together one again.

    ``spoken_of``: the question, what came before it, and what the record lists, in any case of letters.
    """
    weighed = []
    for one in found:
        named = [goes_by for name, goes_by in _GOES_BY if name.search(one.sentence)]
        weighed.append(one.score * (OF_ANOTHER_ILLNESS if named and not any(goes_by.search(spoken_of) for goes_by in named) else 1.0))
    whole = 1.0 - sum(one.score for one in found) + sum(weighed)
    order = sorted(range(len(found)), key=lambda n: -weighed[n])
    return tuple(replace(found[n], score=weighed[n] / whole) for n in order)


def speaks_to(sentence: str, question: str, age_years: float | None, sex: str | None) -> bool:
    """Whether a sentence can be meant for this person: not for older people, children, pregnant women or people with a fever where they are none and ask of none."""
    if age_years is not None:
        limits = [int(one) for one in _OLDER.findall(sentence)]
        if limits and all(age_years < one for one in limits) and not (_OLDER_ASKED.search(question) or _ALSO.search(sentence) or _OF_WHOM.search(question)):
            return False
        younger = _YOUNGER.search(sentence)
        if younger is not None and age_years >= int(younger[1]) + 10 and not re.search(r"\b(?:young\w*|before|under)\b", question, re.IGNORECASE):
            return False
        if (
            age_years >= 18
            and _YOUNG.search(sentence)
            and not (_YOUNG.search(question) or _PREGNANT.search(question))
            and not re.search(r"\badults?\b|\beveryone\b|\b(?<!young )people\b|\bnon-smokers\b", sentence, re.IGNORECASE)
        ):
            return False
    if "exercise is forbidden" in sentence and re.search(r"\bdiv(?:e|es|ing)\b|\bscuba\b", question, re.IGNORECASE):
        return False
    if _LOW_HBA1C.search(sentence) and not _OF_LOW_HBA1C.search(question):
        return False
    if _WHEN_HIGH.search(sentence) and not _OF_PRESSURE.search(question):
        return False
    if (_TOO_LOW.search(sentence) and not _OF_LOW.search(question)) or (_WHEN_ILL.search(sentence) and not _ILL.search(question)):
        return False
    if _THINNER.search(question) and not _WISHED.search(question) and _TO_LOSE.search(sentence):
        return False
    return not (
        _PREGNANT.search(_NOT_PREGNANT.sub("", sentence))
        and not _PREGNANT.search(question)
        and (sex == "male" or not re.search(r"\bbaby|midwife\b", question, re.IGNORECASE))
    )


def quotes(sentence: str, fitting: Sequence[Fitting]) -> bool:
    """Whether a sentence with a citation is one of those to quote."""
    text = re.sub(r"\s*\[\d+\]", "", sentence).strip().lower().rstrip(".!?")
    return any(text in one.sentence.lower() for one in fitting)
