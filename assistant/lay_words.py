"""Words put right before they are looked up: slips of the hand, the short forms of hurried people and reports, and lay words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from assistant.slips import HURRIED

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_LONG_FORMS = {  # what reports and hurried people write -> what passages say
    "lln": "lower limit of normal", "ahi": "apnoea-hypopnoea index", "niv": "non-invasive ventilation", "bp": "blood pressure", "osa": "sleep apnoea",
    "tlco": "gas transfer DLCO", "af": "atrial fibrillation", "afib": "atrial fibrillation", "ckd": "chronic kidney disease",
    "tb": "tuberculosis", "ipf": "idiopathic pulmonary fibrosis", "ild": "interstitial lung disease", "ltot": "long-term oxygen", "ics": "inhaled steroid",
    "sob": "short of breath breathlessness", "gerd": "reflux", "gord": "reflux", "mi": "heart attack", "tia": "transient ischaemic attack", "a1c": "HbA1c",
    "pft": "lung function test", "bdr": "bronchodilator response", "rv": "residual volume", "tlc": "total lung capacity", "hypo": "low blood sugar",
}  # fmt: skip
_LAY = tuple((re.compile(rf"\b(?:{words})\b"), meant) for words, meant in (  # what people say -> what passages say
    (r"puff(?:ed|s|ing)?(?: out)?(?! of)|out of (?:breath|puff)|winded|panting|gasping", "breathlessness"),
    (r"blow(?:s|ing|n)?(?! my nose)|blew", "spirometry test"),
    (r"jabs?|shots?|injections?", "vaccine"),
    (r"ciggies?|cigs?|fags?|ciggy|roll-?ups?|tobacco", "smoking cigarettes"),
    (r"e-?cig\w*|vap(?:e|es|ing)", "vaping e-cigarettes"),
    (r"weed|joints|pot|marijuana", "cannabis"),
    (r"shisha|hookah|bong", "waterpipe"),
    (r"blue (?:inhaler|puffer|one|pump)|ventolin|salbutamol|albuterol|reliever", "reliever inhaler"),
    (r"(?:brown|purple|orange) (?:inhaler|puffer|one|pump)|preventer", "inhaled steroid preventer"),
    (r"puffers?|pumps?|tiotropium|spiriva|symbicort|seretide|fostair", "inhaler"),
    (r"muck|gunk|goo|phlegm|mucus|gob", "sputum"),
    (r"cats?(?! (?:score|test|scan))|dogs?|pets?|hamsters?|guinea pigs?", "asthma triggers such as animals"),
    (r"pigeons?|birds?|parrots?|budgies?", "birds hypersensitivity"),
    (r"flare[- ]?ups?|flares?|lung attack|bad spells?", "exacerbation flare-up"),
    (r"fly|flights?|plane|flying|air ?plane", "air travel"),
    (r"scuba|snorkel\w*", "diving"),
    (r"skinny|bony|thin", "underweight"),
    (r"fat|heavy|overweight", "weight"),
    (r"sugars?", "glucose diabetes"),
    (r"snor\w+", "sleep apnoea snoring"),
    (r"waterworks|kidneys?", "kidney"),
    (r"heartburn|acid", "reflux"),
    (r"booze|beers?|wine|pints?|drinking", "alcohol"),
    (r"gym|jog\w*|run(?:s|ning)?|swim\w*|cycl\w+|yoga|football|sports?|workout", "exercise"),
    (r"fitter|unfit|get fit|fitness|stamina", "exercise physical activity"),
    (r"goes|attempts|tries", "spirometry blows"),
    (r"grow(?:s|n)? out of", "outgrow asthma in children"),
    (r"worr(?:y|ied)|panic\w*|stressed", "anxiety"),
    (r"tickly|tickle", "cough"),
    (r"welding|fumes?|dusty|sawdust|factory|spray paint", "dust fumes at work"),
    (r"dead ?lung|collapsed lung", "pneumothorax"),
    (r"water on the lungs?|swollen (?:ankles|legs)", "heart failure"),
    (r"farmer'?s?|hay|barn", "farmer's lung"),
    (r"(?:peak )?flow meter", "peak flow"),
))  # fmt: skip
_PRESSURE = re.compile(r"\b\d{2,3} ?(?:/|over) ?\d{2,3}\b")
_SCHOOL = re.compile(r"\b(?:school|lesson|class|do|doing) (?:\w+ ){0,2}pe\b|\bpe (?:at|in|lessons?|class\w*)\b")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST = 4  # letters; a shorter word is one slip away from too many others


class Speller:
    """Knows the words of texts, and finds the one that a mistyped word is one slip away from."""

    def __init__(self, texts: Iterable[str], knows: Callable[[str], bool] = lambda word: False) -> None:
        """``knows``: whether a word that no text holds is one all the same, so that it is left alone."""
        self.words = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        self.knows = knows

    def corrected(self, text: str) -> str:
        """The text in small letters, short forms of hurried people written out, every unknown word put right where a known one is one slip away."""
        even = text.lower().replace("\u2019", "'").replace("hb a1c", "hba1c").replace("fev 1", "fev1")
        return re.sub(r"[a-z0-9]+(?:'[a-z]+)?", lambda found: HURRIED.get(found[0]) or self.word(found[0]), even)

    def word(self, word: str) -> str:
        """The known word, of those with the likeliest slip the most frequent; the word itself where there is none."""
        if len(word) < SHORTEST or word in self.words or self.knows(word) or not _WORD.fullmatch(word):
            return word
        for slips in (_swapped(word), _missing(word), _extra(word), _wrong(word)):
            known = [one for one in slips if one in self.words and one[0] == word[0]]
            if known:
                return max(known, key=lambda one: (self.words[one], one))
        return word


def written_out(query: str) -> str:
    """A question with the long forms of its short ones: "what is NIV" also says non-invasive ventilation, "162/88" blood pressure."""
    lower = query.lower()
    long = [_LONG_FORMS[word] for word in dict.fromkeys(re.findall(r"[a-z0-9]+", lower)) if word in _LONG_FORMS]
    if re.search(r"\bpe\b", lower):
        long.append("exercise in children" if _SCHOOL.search(lower) else "pulmonary embolism")
    if _PRESSURE.search(lower) and "pressure" not in lower:
        long.append("blood pressure")
    return f"{query} ({'; '.join(long)})" if long else query


def in_library_words(query: str) -> str:
    """A question with what its lay words are called in passages: "the blue one makes me shaky" also says reliever inhaler; itself where it has none."""
    meant = library_words(query)
    return f"{query} ({'; '.join(meant)})" if meant else query


def library_words(query: str) -> tuple[str, ...]:
    """What the lay words of a question are called in passages, of three at most."""
    lower = query.lower()
    return tuple(words for pattern, words in _LAY if pattern.search(lower) and not set(words.split()) <= set(re.findall(r"[a-z]+", lower)))[:3]


def _swapped(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))


def _missing(word: str) -> Iterator[str]:
    return (word[:i] + letter + word[i:] for i in range(1, len(word) + 1) for letter in _LETTERS)


def _extra(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(1, len(word))) if len(word) > SHORTEST else iter(())


def _wrong(word: str) -> Iterator[str]:
    """One letter for another: only in longer words, since many short ones differ by it."""
    return (word[:i] + letter + word[i + 1 :] for i in range(1, len(word)) for letter in _LETTERS) if len(word) >= 6 else iter(())
