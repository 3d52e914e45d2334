"""Values that a question asks for: found by their names, lay ones too, told apart from a wish for advice, and answered from the facts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from assistant.answers_of_test import unread_value
from assistant.comparisons import LIMIT
from encoders.teacher.numbers import LABELS, asked_number, number
from encoders.teacher.sayable import sentences
from encoders.teacher.sentences import not_read
from encoders.teacher.view import View

_MEASURES = tuple((name, re.compile(rf"\b(?:{words})\b")) for name, words in (
    ("fev1_fvc", r"ratio|fev1 ?(?:/|over|to)(?: the)? ?fvc|tiffeneau"),
    ("fvc", r"fvc|vital capacity|lung capacity|how much air (?:can|do|could) (?:i|he|she|we) (?:hold|blow out(?! in)|get out(?! in))|(?:full|whole|total|all) (?:the |my |his |her )?(?:breath|volume|air)|the total(?=\W*$)"),
    ("fev1", r"fev ?1|(?:air|blow|breath\w*|get)[^?.]{0,20}(?:in|within) (?:a|one|the first|1) second|(?:first|one|1)[- ]second|second (?:number )?one"),
))  # fmt: skip
_COMPARED = tuple((name, re.compile(words)) for name, words in (
    ("z", r"\bz\b|\bz-?scores?\b|standard deviations?"),
    ("percent_predicted", r"\bper ?cent(?:age)?\b|%"),
    ("lln", r"\blln\b|lower limit|cut[- ]?off|threshold|limit of normal|lowest (?:still )?normal"),
    ("predicted", r"\bpredict(?:ed|ion)?\b|\bexpect(?:ed|ation)?\b|\b(?:should|ought)\b[^?.]{0,25}\bbe\b"),
))  # fmt: skip
_FACTS = {  # a measure, and what it is compared by -> the fact
    **{(name, ""): f"{name}_l" for name in ("fev1", "fvc")}, ("fev1_fvc", ""): "fev1_fvc", ("fev1_fvc", "percent_predicted"): "fev1_fvc",
    **{(name, by): f"{name}_{by}" for name in ("fev1", "fvc") for by in ("z", "percent_predicted")}, ("fev1_fvc", "z"): "fev1_fvc_z",
    **{(name, by): f"{name}_{by}_l" for name in ("fev1", "fvc") for by in ("lln", "predicted")}, **{("fev1_fvc", by): f"fev1_fvc_{by}" for by in ("lln", "predicted")},
}  # fmt: skip
# lay and short names first; what is named otherwise is looked for as the teacher names it
_NAMES = tuple((name, re.compile(rf"\b(?:{words})\b")) for name, words in (
    ("fev1_grade", r"quality grade|(?:what|which) (?:grade|mark|rating)"),
    ("reference", r"reference (?:values?|equations?|set)|which (?:equations?|reference)|what (?:equations?|reference)"),
    ("fef25_75_l_s", r"fef ?25\W?75|fef|mid[- ]flow|mmef"),
    ("pef_l_s", r"peak[- ]?flow|pef|peak expiratory|fastest (?:puff|flow)"),
    ("blows", r"how many (?:blows|tries|attempts|goes|times did (?:i|he|she|they) blow)|number of (?:blows|tries|attempts)"),
    ("fet_s", r"how long (?:was|is) (?:the|my|his|her) (?:breath|blow|test|exhalation)|how long (?:did|was) (?:i|he|she|the|my|his|her) (?:blow\w*|breathe? out|exhal\w+)|how many seconds"),
    ("height_cm", r"heights?|how tall"),
    ("weight_kg", r"weights?|weigh(?:ed|s)?|heavy|kilos?"),
    ("hba1c_percent", r"hb ?a1c|a1c"),
    ("smoking_status", r"(?:do|did|have|am|does|has|is) (?:i|he|she|they|this person|the patient) (?:ever |still |currently )?(?:smoked?|smoking|a smoker|an? (?:ex|former)[- ]smoker)|smoker or not|smoking status"),
    ("pack_years", r"pack[- ]?years?|how much (?:have|did|has) (?:i|he|she|they) smoked?"),
    ("creatinine_mg_dl", r"how (?:are|is|do) (?:his|her|my|their|the) kidneys?|kidney (?:function|values?|numbers?)"),
    ("heart_rate_bpm", r"pulse|heart ?(?:rate|beat)"),
    ("spo2_percent", r"oxygen|o2|sats?|saturation|spo2"),
    ("symptoms", r"symptoms?|complaints"),
    ("conditions", r"conditions|illnesses|diseases|diagnos[ei]s|medical history"),
    ("medications", r"(?:tak(?:e|es|ing)|on|us(?:e|es|ing)) (?:anything|something|any (?:regular )?treatment)\b|medicines?|medications?|meds|tablets|drugs|pills|inhalers?(?= (?:is|are|does|do) (?:he|she|i|they)\b)"),
    ("labs", r"blood tests?|bloods|lab(?:oratory)? (?:values|results|tests?)|labs"),
    ("age_years", r"(?<!that )(?<!this )(?<!at my )(?<!at his )(?<!at her )(?<!at your )(?<!for his )(?<!for her )(?<!for my )(?<!for their )(?<!at their )(?<!for your )(?<!for that )age(?! group)|how old|years old"),
))  # fmt: skip
_AND = re.compile(r"\s*(?:,|&|\+|\band\b|\bor\b(?= (?:any )?(?:medic|tablet|drug|symptom|condition|diagnos|illness))|\bplus\b|\bas well as\b)\s*")
_OR = re.compile(r"\s+or\s+")
_WHOLE = re.compile(r"\b(?:ratio (?:of|between)|fev1 (?:and|to|over) (?:the )?fvc ratio)\b")
_OWN = re.compile(
    r"\b(?:my|mine|i|his|her|hers|he|she|their|they|we|its?|the patient(?:'s)?|patient'?s|(?:this|the) (?:person|man|woman|lady|gentleman|lad|chap|bloke|guy|fellow|girl|boy|child|client|kid)'s|this (?:person|patient|man|woman|lady|gentleman|chap|bloke|guy|fellow|girl|boy|file|record|one)|(?:you|we) (?:have|hold|got|use|used|take|took|put|note|noted)"
    r"|(?:file|record|chart|notes)|the machine|recorded|noted|entered|written|came out)\b",
)
_ADVICE = re.compile(
    r"\b(?:lower(?! (?:than|limit))|lowering|reduc\w+|rais(?:e|ing)|improv\w+|increas\w+|los(?:e|ing)|gain\w*|should(?! (?:my|his|her|the) (?:fev1|fvc))|help\w*|caus\w+|affects?|means?|meaning|why|control\w*|manag(?:ing|ement)|manage (?:my|it|this|the|copd|asthma)|treat\w*"
    r"|if|can|could|best|draw\w*|plot\w*|graph|picture|diet|exercise|shape|curve|good for|bad for|differ\w*|difference|measur(?:e|ing)|works?|dose|eat|reach|stop\w*|quit|go(?:es|ne)? (?:up|down)|went|chang\w+"
    r"|rose|fell|drop\w*|before|after|compar\w+|risks?|chances?|at home|inhaler|problem|harmful|it'?s (?:just|only|all)|for (?:my|his|her) (?:age|height|weight|size)|with (?:my|his|her)|making|harming|fits? with|due to|because|snor\w*|qualif\w*|how (?:is|was) (?:the |my |his |her )?\w+ worked out|died|dead|passed away|need|important|danger\w*|safe|count\w*|explain|interpret|given (?:the|that|his|her|my|their|a|an)|(?:which|what) (?:\w+ ){0,2}(?<!blood )(?:tests|investigations?|scans?|work-?up)(?! (?:results?|values?|numbers?)))\b"
)
_ASKS = re.compile(
    r"^\W*(?:(?:and|so|but|ok|okay|please|well|then|now|hi|hello|sorry)\b[ ,]*)*(?:what(?:'?s| is| was| are| were| about| did| does| do| have)?|where|which|how (?:heavy|tall|old|high|low|fast|much|many|big|long|is|was|are)|tell|give|show|list|read|remind"
    r"|do (?:i|you|we|they)|does|did|have i|has|am i|is|are|was|were|my|his|her|the|can you (?:tell|give|read|show))\b"
)
_IN_GENERAL = re.compile(r"^\W*(?:and |so )?what(?:'s| is| are| would be| counts as) (?:an? |considered )")
_DEFINES = re.compile(r"^\W*(?:what(?:'s| is| are| does)) (?:an? |the )?(?:[\w/-]+ ){0,3}[\w/-]+\W*$")
_LISTS = frozenset({"conditions", "medications", "symptoms"})
_LABS = ("hba1c_percent", "glucose_mg_dl", "total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "triglycerides_mg_dl", "creatinine_mg_dl")
_TEST = frozenset({*_FACTS.values(), "pef_l_s", "fef25_75_l_s", "fet_s"})
_EXTRA = {  # values the teacher has no label for
    "fev1_lln_l": "lower limit of normal of the FEV1", "fvc_lln_l": "lower limit of normal of the FVC", "fev1_predicted_l": "predicted FEV1", "fvc_predicted_l": "predicted FVC",
    "fvc_percent_predicted": "FVC in percent of predicted", "fev1_fvc_z": "z-score of the FEV1/FVC ratio",
    "fev1_fvc_lln": "lower limit of normal of the FEV1/FVC ratio", "fev1_fvc_predicted": "predicted FEV1/FVC ratio", "fef25_75_l_s": "FEF25-75", "fev1_grade": "quality grade of the FEV1",
}  # fmt: skip
_POLITE = frozenset({"please", "pls", "ok", "okay", "and", "so", "thanks", "again"})
FEW = 5  # words that name a value of somebody's and say nothing else: "O2 reading in my notes?"
LONGEST = 14  # words of a question for a value


def named_values(question: str) -> tuple[str, ...]:
    """The facts that a question names, in its order, each once: "my FEV1 and FVC" names two."""
    lower = question.lower().replace("hay fever", "")  # no temperature
    pieces, by = [lower] if _WHOLE.search(lower) else _AND.split(lower), ""
    either = [part for piece in pieces for part in _OR.split(piece)]
    pieces = either if len(either) > len(pieces) and all(_is_named(part) for part in either) else pieces
    found = []
    for piece in pieces:
        measure, compared = (next((name for name, pattern in kinds if pattern.search(piece)), "") for kinds in (_MEASURES, _COMPARED))
        by = compared or (by if len(piece.split()) <= 2 else "")  # "z-scores of FEV1 and FVC"
        if measure or by in ("z", "percent_predicted"):
            found.append(_FACTS[measure or "fev1", by])
        else:
            found.append(next((name for name, pattern in _NAMES if pattern.search(piece)), "") or asked_number(piece))
    return tuple(dict.fromkeys(name for name in found if name))


def _is_named(piece: str) -> bool:
    """Whether a piece of a question names a value by itself."""
    return any(pattern.search(piece) for _, pattern in (*_MEASURES, *_NAMES)) or bool(asked_number(piece))


def asked_values(question: str, *, known_as_value: bool = False) -> tuple[str, ...]:
    """The facts whose value a question asks for; none where it asks for advice, a definition or reasons.

    ``known_as_value``: its wording is already known to ask for a value, so that it need not say whose.
    """
    lower, names = question.lower().replace("\u2019", "'"), named_values(question)
    words = len([word for word in re.findall(r"[^\s?.!,]+", lower) if word not in _POLITE])
    if (
        len(names) == 1
        and LIMIT.search(lower)
        and re.match(r"\W*(?:and |so |but |ok )*(?:is|are|was|were|do i have|does)\b", lower)
        and not _IN_GENERAL.match(lower)
    ):
        return names  # "is the ratio below 0.7?"
    if names == ("medications",):
        lower = re.sub(r"\b(?:inhalers?|puffers?)\b", "medicine", lower)
    advised = re.sub(r"\bcompared? (?:with|to)\b", " ", lower) if names and names[0].endswith(("_lln", "_lln_l", "_predicted", "_predicted_l")) else lower
    if not names or words > LONGEST or _ADVICE.search(advised) or _IN_GENERAL.match(lower):
        return ()
    if words <= 3 and not _DEFINES.match(lower) and not re.search(r"\bwhat\b", lower):  # "BMI?", "and the FVC"
        return names
    own = _OWN.search(lower) is not None or re.search(r"\bthe (?:[\w-]+ ){0,3}(?:number|value|reading|figure|result|volume|total)\b", lower) is not None
    return names if (known_as_value or own) and (_ASKS.match(lower) or words <= FEW) else ()


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
        and not (names[0] in _TEST and view.state in ("none", "unusable"))
        and view.has(names[0])
    )


def values_in_words(view: View, names: Sequence[str]) -> str:
    """Each value by token with its status, or that the record does not hold it."""
    if all(_unread(view, name) for name in names):
        return unread_value(view, names)
    wanted = [one for name in names for one in (("systolic_bp_mmhg", "diastolic_bp_mmhg") if name == "systolic_bp_mmhg" else (name,))]
    return " ".join(dict.fromkeys(one for name in wanted for one in sentences(_value(view, name))))


def _value(view: View, name: str) -> str:
    if _unread(view, name):
        return not_read(view)
    if name in _TEST and view.state == "unusable":
        label = _EXTRA.get(name) or LABELS[name]
        return f"The {label} of this test was {view.token(name)}. {not_read(view)}"
    if view.state == "no_reference" and name.endswith(("_percent_predicted", "_z", "_lln_l", "_predicted_l", "_lln", "_predicted")):
        return not_read(view)
    measure = next((one for (one, by), fact in _FACTS.items() if fact == name and by in ("lln", "predicted")), "")
    if measure and view.has(name) and view.has(_FACTS[measure, ""]):
        own = _FACTS[measure, ""]
        return f"{number(view, Random(0), canonical(own)).text} {'The lower limit of normal' if 'lln' in name else 'Predicted'} is {view.token(name)}."
    if name in _LISTS:
        word = {"conditions": "conditions", "medications": "medicines", "symptoms": "symptoms"}[name]
        return f"Your record lists these {word}: {view.token(name)}." if view.has(name) else f"Your record lists no {word}."
    if name == "labs":
        held = [number(view, Random(0), canonical(one)).text for one in _LABS if view.has(one)]
        return " ".join(held) or "Your record holds no blood tests."
    if name == "reference":
        return f"The values are compared with {view.token(name)}." if view.has(name) else not_read(view)
    if name == "smoking_status":
        return _smoking(view)
    if name in _EXTRA:
        label = _EXTRA[name]
        return f"The {label} is {view.token(name)}." if view.has(name) else f"The {label} is not known for this record."
    return number(view, Random(0), canonical(name)).text


def _smoking(view: View) -> str:
    years = f", with {view.token('pack_years')}" if view.has("pack_years") else ""
    status = view.text("smoking_status")
    said = {"current": f"you smoke{years}", "former": f"you have stopped smoking{years}", "never": "you have never smoked"}.get(status)
    return f"Your record says {said}." if said else "Your smoking status is not measured in this record."


def _unread(view: View, name: str) -> bool:
    """Whether a value of the test is asked for that cannot be trusted."""
    return name in _TEST and not view.has(name) and view.state in ("none", "unusable")
