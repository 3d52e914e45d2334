"""Words that people say in the words of the library: short forms of reports written out, and lay words."""

from __future__ import annotations

import re

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
    (r"gas (?:cooker|stove|hob|fire)|wood ?(?:burner|stove)|fire ?place|log fire|open fire|candles?|incense|bbq|barbecue", "indoor smoke cooking heating"),
    (r"an?aesthetic|operation|surgeon|knee replacement|hip replacement", "surgery operation"),
    (r"sex(?:ual)?|make love|intercourse", "sex effort"),
    (r"ly(?:e|ing) (?:down )?flat|flat on (?:my|his|her) back", "lying flat"),
    (r"expecting|pregnan\w+", "pregnancy"),
    (r"ski(?:ing)?|\d{4} ?(?:m|metres|meters)|trek\w*|everest|kilimanjaro|mountains?", "high altitude"),
    (r"cruise|ferry|abroad|holidays?|trip", "travel medicines"),
    (r"cold weather|winter|freezing|frost", "cold dry air"),
    (r"quit(?:ting)?|give up|giving up|pack(?:ed|ing) (?:it )?in|kick(?:ing)? the habit", "stopping smoking"),
    (r"farmer'?s?|hay(?! ?fever)|barn", "farmer's lung"),
    (r"(?:peak )?flow meter", "peak flow"),
))  # fmt: skip
_PRESSURE = re.compile(r"\b\d{2,3} ?(?:/|over) ?\d{2,3}\b")
_SCHOOL = re.compile(
    r"\b(?:school|lesson|do|doing) (?:\w+ ){0,2}pe\b|\b(?:sits? out of|sitting out of|let off|join\w* in|skip\w*|excused from|bunk\w* off) pe\b|\b(?:she|he|i|son|daughter|child) (?:has |have |had )?miss\w* pe\b(?![^?]*\b(?:scan|clot|blood)\b)|\bpe (?:at (?:school|college)|lessons?|class\w*|teacher|kit|and (?:games|sports?|netball|football))\b"
)


def written_out(query: str) -> str:
    """A question with the long forms of its short ones: "what is NIV" also says non-invasive ventilation, "162/88" blood pressure."""
    lower = query.lower()
    long = [_LONG_FORMS[word] for word in dict.fromkeys(re.findall(r"[a-z0-9]+", lower)) if word in _LONG_FORMS]
    if re.search(r"\bpe\b", lower):
        long.append("exercise in children" if _SCHOOL.search(lower) else "pulmonary embolism")
    if re.search(r"\ba ?& ?e\b|\bcasualty\b", lower):
        long.append("emergency care, ambulance")
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
