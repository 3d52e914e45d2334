"""Values that a question asks for: found by their names, lay ones too, told apart from a wish for advice, and answered from the facts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from encoders.teacher.numbers import LABELS, asked_number, number
from encoders.teacher.sentences import not_read
from encoders.teacher.view import View

# lay and short names first; what is named otherwise is looked for as the teacher names it
_NAMES = tuple((name, re.compile(rf"\b(?:{words})\b")) for name, words in (
    ("fev1_lln_l", r"(?:lower limit|lln)[^?.]{0,20}fev1|fev1'?s? (?:lower limit|lln)"),
    ("fvc_lln_l", r"(?:lower limit|lln)[^?.]{0,20}fvc|fvc'?s? (?:lower limit|lln)"),
    ("fev1_predicted_l", r"(?:predicted|expected) fev1|fev1 (?:was |is )?(?:predicted|expected)|what (?:should|ought) (?:my|his|her|the) fev1 be"),
    ("fvc_predicted_l", r"(?:predicted|expected) fvc|fvc (?:was |is )?(?:predicted|expected)"),
    ("fvc_percent_predicted", r"fvc (?:in )?percent(?: of)?(?: predicted)?|fvc %"),
    ("fev1_percent_predicted", r"fev1 (?:in )?percent(?: of)?(?: predicted)?|fev1 %|percent(?:age)? (?:of )?predicted"),
    ("fev1_fvc_z", r"(?:ratio|fev1/fvc)(?:'?s)? z|z[- ]?score (?:of|for) (?:my|his|her|the|your) (?:ratio|fev1/fvc)"),
    ("fvc_z", r"fvc(?:'?s)? z|z[- ]?score (?:of|for) (?:my|his|her|the|your) fvc"),
    ("fev1_z", r"fev1(?:'?s)? z|z[- ]?score (?:of|for) (?:my|his|her|the|your) fev1"),
    ("fev1_grade", r"quality grade|what grade"),
    ("reference", r"reference (?:values?|equations?|set)|which (?:equations?|reference)|what (?:equations?|reference)"),
    ("fef25_75_l_s", r"fef ?25\W?75|fef|mid[- ]flow|mmef"),
    ("fev1_fvc", r"ratio|fev1 ?/ ?fvc|tiffeneau"),
    ("fev1_l", r"fev ?1|first[- ]second|one[- ]second|1[- ]second|one second"),
    ("fvc_l", r"fvc|vital capacity|(?:full|whole|total) (?:breath|volume)|all the air"),
    ("pef_l_s", r"peak[- ]?flow|pef|peak expiratory|fastest (?:puff|flow)"),
    ("blows", r"how many (?:blows|tries|attempts|goes|times did (?:i|he|she|they) blow)|number of (?:blows|tries|attempts)"),
    ("fet_s", r"how long (?:did|was) (?:i|he|she|the|my|his|her) (?:blow\w*|breathe? out|exhal\w+)|how many seconds"),
    ("height_cm", r"heights?|how tall"),
    ("weight_kg", r"weights?|weigh(?:ed|s)?|heavy|kilos?"),
    ("hba1c_percent", r"hb ?a1c|a1c"),
    ("smoking_status", r"(?:do|did|have|am|does|has|is) (?:i|he|she|they|this person|the patient) (?:ever |still |currently )?(?:smoked?|smoking|a smoker|an? (?:ex|former)[- ]smoker)|smoker or not|smoking status"),
    ("pack_years", r"pack[- ]?years?|how much (?:have|did|has) (?:i|he|she|they) smoked?"),
    ("heart_rate_bpm", r"pulse|heart ?(?:rate|beat)"),
    ("spo2_percent", r"oxygen|o2|sats?|saturation|spo2"),
    ("symptoms", r"symptoms|complaints"),
    ("conditions", r"conditions|illnesses|diseases|diagnoses|medical history"),
    ("medications", r"medicines?|medications?|meds|tablets|drugs"),
    ("age_years", r"age|how old"),
))  # fmt: skip
_AND = re.compile(r"\s*(?:,|&|\+|\band\b|\bplus\b|\bas well as\b)\s*")
_WHOLE = re.compile(r"\b(?:ratio (?:of|between)|fev1 (?:and|to|over) (?:the )?fvc ratio)\b")
_OWN = re.compile(
    r"\b(?:my|mine|i|his|her|hers|he|she|their|they|we|its?|the patient(?:'s)?|patient'?s|this (?:person|patient|man|woman|file|record|one)|you (?:have|hold|got|use|used|take|took|put|note|noted)"
    r"|(?:file|record|chart|notes)|recorded|noted|written)\b",
)
_ADVICE = re.compile(
    r"\b(?:lower(?! (?:than|limit))|lowering|reduc\w+|rais(?:e|ing)|improv\w+|increas\w+|los(?:e|ing)|gain\w*|should(?! (?:my|his|her|the) (?:fev1|fvc))|help\w*|caus\w+|affects?|means?|meaning|why|control\w*|manag\w+|treat\w*"
    r"|if|can|could|best|draw\w*|plot\w*|graph|picture|diet|exercise|shape|curve|good for|bad for|differ\w*|difference|measur(?:e|ing)|works?|dose|eat|reach|stop\w*|quit|go(?:es|ne)? (?:up|down)|went|chang\w+"
    r"|rose|fell|drop\w*|before|after|compar\w+|risks?|chances?|at home|inhaler|need|important|danger\w*|safe|count\w*|explain|interpret)\b"
)
_ASKS = re.compile(
    r"^\W*(?:(?:and|so|but|ok|okay|please|well|then|now|hi|hello|sorry)\b[ ,]*)*(?:what(?:'s| is| was| are| were| about| did| does| do| have)?|which|how (?:heavy|tall|old|high|low|fast|much|many|big|long|is|was|are)|tell|give|show|read|remind"
    r"|do (?:i|you|we|they)|does|did|have i|has|am i|is|are|was|were|my|his|her|the|can you (?:tell|give|read|show))\b"
)
_IN_GENERAL = re.compile(r"^\W*(?:and |so )?what(?:'s| is| are| would be| counts as) (?:an? |considered )")
_DEFINES = re.compile(r"^\W*(?:what(?:'s| is| are| does)) (?:an? |the )?(?:[\w/-]+ ){0,3}[\w/-]+\W*$")
_LISTS = frozenset({"conditions", "medications", "symptoms"})
_TEST = frozenset({"fev1_l", "fvc_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "fet_s"})
_EXTRA = {  # values the teacher has no label for
    "fev1_lln_l": "lower limit of normal of the FEV1", "fvc_lln_l": "lower limit of normal of the FVC", "fev1_predicted_l": "predicted FEV1", "fvc_predicted_l": "predicted FVC",
    "fvc_percent_predicted": "FVC in percent of predicted", "fev1_fvc_z": "z-score of the FEV1/FVC ratio", "fef25_75_l_s": "FEF25-75", "fev1_grade": "quality grade of the FEV1",
}  # fmt: skip
LONGEST = 14  # words of a question for a value


def named_values(question: str) -> tuple[str, ...]:
    """The facts that a question names, in its order, each once: "my FEV1 and FVC" names two."""
    lower = question.lower()
    pieces = [lower] if _WHOLE.search(lower) else _AND.split(lower)
    found = [next((name for name, pattern in _NAMES if pattern.search(piece)), "") or asked_number(piece) for piece in pieces]
    return tuple(dict.fromkeys(name for name in found if name))


def asked_values(question: str, *, known_as_value: bool = False) -> tuple[str, ...]:
    """The facts whose value a question asks for; none where it asks for advice, a definition or reasons.

    ``known_as_value``: its wording is already known to ask for a value, so that it need not say whose.
    """
    lower, names = question.lower().replace("\u2019", "'"), named_values(question)
    words = len(lower.split())
    if not names or words > LONGEST or _ADVICE.search(lower) or _IN_GENERAL.match(lower):
        return ()
    if words <= 3 and not _DEFINES.match(lower) and not re.search(r"\bwhat\b", lower):  # "BMI?", "and the FVC"
        return names
    own = _OWN.search(lower) is not None or re.search(r"\bthe (?:[\w-]+ ){0,3}(?:number|value|reading|figure|result)\b", lower) is not None
    return names if (known_as_value or own) and _ASKS.match(lower) else ()


def canonical(name: str) -> str:
    """The question for a value as the language model knows it; empty where it has no word for it."""
    label = "diastolic" if name == "diastolic_bp_mmhg" else LABELS.get(name, "")  # with "blood pressure" it would ask for the systolic one
    return f"What is my {label}?" if label else ""


def told_by_model(view: View, names: Sequence[str]) -> bool:
    """Whether the language model can answer: one value that it has a word for, and no test that cannot be read."""
    return (
        len(names) == 1
        and names[0] in LABELS
        and names[0] not in ("systolic_bp_mmhg", "smoking_status", *_LISTS)
        and not _unread(view, names[0])
        and view.has(names[0])
    )


def values_in_words(view: View, names: Sequence[str]) -> str:
    """Each value by token with its status, or that the record does not hold it."""
    wanted = [one for name in names for one in (("systolic_bp_mmhg", "diastolic_bp_mmhg") if name == "systolic_bp_mmhg" else (name,))]
    return " ".join(dict.fromkeys(_value(view, name) for name in wanted))


def _value(view: View, name: str) -> str:
    if _unread(view, name):
        return not_read(view)
    if name in _LISTS:
        word = {"conditions": "conditions", "medications": "medicines", "symptoms": "symptoms"}[name]
        return f"Your record lists these {word}: {view.token(name)}." if view.has(name) else f"Your record lists no {word}."
    if name == "reference":
        return f"The values are compared with {view.token(name)}." if view.has(name) else not_read(view)
    if name == "smoking_status":
        return _smoking(view)
    if name in _EXTRA:
        label = _EXTRA[name]
        return f"The {label} is {view.token(name)}." if view.has(name) else f"The {label} is not known for this record."
    import random

    return number(view, random.Random(0), canonical(name)).text


def _smoking(view: View) -> str:
    years = f", with {view.token('pack_years')}" if view.has("pack_years") else ""
    status = view.text("smoking_status")
    said = {"current": f"you smoke{years}", "former": f"you have stopped smoking{years}", "never": "you have never smoked"}.get(status)
    return f"Your record says {said}." if said else "Your smoking status is not measured in this record."


def _unread(view: View, name: str) -> bool:
    """Whether a value of the test is asked for that cannot be trusted."""
    return name in _TEST and not view.has(name) and view.state in ("none", "unusable")
