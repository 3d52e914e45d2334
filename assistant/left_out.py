"""What an answer leaves out: values that the question names and that no sentence of the answer speaks of. They are told after it, from the facts."""

from __future__ import annotations

import re

from assistant.asked_values import values_in_words
from assistant.asking import listed, result
from encoders.record import Fact
from encoders.teacher.numbers import LABELS
from encoders.teacher.risk import asked_trait
from encoders.teacher.sayable import sentences
from encoders.teacher.sentences import GRADES
from encoders.teacher.view import View

_NAMED = (  # what is named, the fact that is told of it, and the facts that an answer may have told instead
    (r"fev ?1 ?(?:/|over|to|:|-| )(?: the)? ?fvc(?: ratio)?\b(?! and\b)|(?<!cholesterol )(?<!hdl )(?<!hip )\bratio\b|\btiffeneau", "fev1_fvc", ("fev1_fvc",)),
    (r"\bfvc\b|\bvital capacity", "fvc_l", ("fvc",)),
    (r"\bfev ?1\b", "fev1_l", ("fev1_l", "fev1_z", "fev1_p", "fev1_lln")),
    (r"\bpef\b|\bpeak[- ]?flow", "pef_l_s", ("pef",)),
    (r"\bfef ?25|\bfef\b|\bmmef\b", "fef25_75_l_s", ("fef",)),
    (r"\bforced (?:expiratory )?time|\bexpiratory time|\bfet\b|\bhow long (?:did|does|was|is) (?:he|she|i|they|the|his|her|my)\b[^?.]{0,12}\b(?:blow|blew|breath|exhal)\w*", "fet_s", ("fet_s",)),
    (r"\bpulse\b(?! ?ox)|\bheart ?rate|\bresting heart", "heart_rate_bpm", ("heart_rate",)),
    (r"\bsats?\b|\bsaturations?\b|\bspo2\b|\boxygen (?:level|reading|number|figure|saturation)s?\b|\bpulse ?ox|\b(?:his|her|my|their|the) (?:oxygen|o2)\b(?! (?:at home|therapy|tank|cylinder|mask|concentrator|bottle))", "spo2_percent", ("spo2",)),
    (r"\bblood pressure(?! (?:risk|tablet|pill|medic|estimate))|\bb\.?p\b", "systolic_bp_mmhg", ("systolic",)),
    (r"\bhba1c\b|\ba1c\b", "hba1c_percent", ("hba1c",)),
    (r"\bhdl\b(?: cholesterol)?", "hdl_cholesterol_mg_dl", ("hdl",)),
    (r"(?<!hdl )(?<!ldl )\bcholesterol\b", "total_cholesterol_mg_dl", ("total_chol",)),
    (r"\btriglycerides?\b", "triglycerides_mg_dl", ("triglyc",)),
    (r"\bcreat(?:inine?)?\b", "creatinine_mg_dl", ("creatinine",)),
    (r"\b(?:glucose|blood sugar)\b", "glucose_mg_dl", ("glucose", "hba1c")),
    (r"\bbmi\b|\bbody mass", "bmi_kg_m2", ("bmi",)),
    (r"\b(?:his|her|my|their) weight\b|\bweight and\b|\b(?:does|do|did) (?:he|she|i) weigh\b", "weight_kg", ("weight_kg",)),
    (r"\bwhat (?:quality )?grades?\b|\bhow good (?:were|was|are|is) (?:the|his|her|my|their) (?:blows?|tests?)\b(?! (?:for|with|to|at|of|in)\b)|\bquality of (?:the|his|her|my) (?:blows?|test)\b", "fev1_grade", ("fev1_grade", "fvc_grade", "severity")),
    (r"\bwaist\b", "waist_cm", ("waist",)),
    (r"\b(?:list of|which|what) (?:\w+ ){0,2}(?:inhalers?|medicines?|medications?|meds|tablets|drugs)\b(?! (?:can|may|help|are best|is best))", "medications", ("medications",)),
    (r"\bpack[- ]?years?\b", "pack_years", ("pack_years", "smoking_status")),
    (r"\b(?:do|does|did) (?:he|she|i|they) (?:still |ever )?smoke\b|\bsmoking status\b", "smoking_status", ("smoking_status", "pack_years")),
)  # fmt: skip
_NAMES = tuple((re.compile(words), fact, instead) for words, fact, instead in _NAMED)
_NEVER_HELD = {
    "ldl": "LDL cholesterol", "egfr": "eGFR", "tlc": "TLC", "dlco": "DLCO", "tlco": "TLCO", "kco": "KCO", "feno": "FeNO", "fivc": "FIVC", "fev6": "FEV6",
    "mvv": "MVV", "bnp": "BNP", "crp": "CRP", "tsh": "TSH", "psa": "PSA", "residual volume": "residual volume", "eosinophils": "eosinophil count", "haemoglobin": "haemoglobin",
    "hemoglobin": "haemoglobin", "thyroid levels": "thyroid values", "thyroid level": "thyroid values", "thyroid function": "thyroid values", "iron levels": "iron values", "vitamin d": "vitamin D",
}  # fmt: skip
_HELD_NOWHERE = re.compile(rf"\b({'|'.join(_NEVER_HELD)})\b(?! ?(?:test|study|measurement)s?\b)")
_ESTIMATE = re.compile(
    r"\d ?(?:%|per ?cent) (?:for|chance|risk)\b|\b(?:estimates?|estimated|(?:risk|chance|odds|likelihood) (?:of|for)|(?:asthma|copd|diabetes|hypertension|stroke|heart (?:attack|failure)|coronary) (?:risk|chance|figure|percentage))\b"
)
_REASONS_OF_RISK = re.compile(r"\b(?:lower|reduce|cut|bring|if|raise[sd]?|increase[sd]?|affect\w*|cause\w*)\b")
_OF_SOMEONE = re.compile(
    r"\b(?:what|where|how)(?:'?s| is| was| are| were)? (?:his|her|my|their|the)\b|\b(?:his|her|my|their|the patient'?s)\b|\bhas (?:he|she) got\b|\b(?:recorded|on file|listed|in (?:the|his|her|my) (?:record|file|notes)|(?:on|in) (?:here|there|this)|is there an?|(?:did|have) they (?:done|do|checked?|measured?)|ha(?:s|ve|d) (?:he|she|i|they) had (?:his|her|my|their))\b|\b(?:please|pls|too|as well|also)\b"
)
_PUT_TOGETHER = re.compile(
    r"\b(?:put|fit|go|take|read|square|reconcile|combine|make sense of)\b[^?.]{0,30}\b(?:together|two|both|with)\b|\btogether\b|\bhow can (?:it|that|they|both)\b"
)
_CITED = re.compile(r"\[\d+\]")
_HOW_BAD = re.compile(r"\bhow (?:bad|severe|serious|marked|strong|pronounced|advanced|far gone|poor|mild)\b|\bseverity\b")
_OF_A_NUMBER = re.compile(r"\b(?:of|is|at|was) (?:only |just )?\d")
_WHAT_HERS = re.compile(r"\b(?:what|how (?:much|high|low|big)) (?:is |are )?(?:hers|his|mine|theirs)\b(?: (?:is|are))?\W*$")
_MEANS = re.compile(r"\b(?:mean\w*|suggest\w*|points? to|pointing|imply|implies|indicat\w+|tells? (?:us|me|you)|conclu\w+|say(?:s)? about|asthma|copd)\b")
_CLAUSE = re.compile(r"[?.!;,]+(?=\s|$)|\s(?:and|or|oh|also|plus|but|versus|vs)\s")
_ASKS = re.compile(
    r"\b(?:what(?:'s|s)?|where|got|list(?:ed)?|record(?:ed)?|on file|anywhere|tell|give|show|remind|please|pls|normal|low|high|worr\w+|too|also|as well|list of|concern\w*|compared?|against)\b|\d"
)
_ASKS_OF_SOMEONE = re.compile(r"\b(?:how|is|are|was|were|has|have|any|down|up|bad|good|fine|ok(?:ay)?)\b")  # these ask for a value where it is somebody's
_SOMEONES = re.compile(r"\b(?:my|his|her|the|their|he|she|i|this)\b")
_BARE = 4  # words of a clause that does no more than name something: "and his pulse"
_REASONS = re.compile(
    r"\bwhy\b|\bhow come\b|\b(?:if|would|could|should)\b|\b(?:mean|means|stand for|differ\w*|better|matter\w*|important|instead|rather than|calculat\w+|measured? by|risk|chance|likel\w+|lower(?:ing)? (?:my|his|her|the)|bring|reduce|improve|raise|works?|affect\w*|cause\w*|treat\w*|harm\w*|meter|monitor|diary|device|oximeter)\b"
)
_NOT_AFTER = frozenset(  # what is answered in full, or of something else
    ("shorter", "plain_words", "for_doctor", "letter", "for_child", "privacy", "greeting", "thanks", "capabilities", "dose", "off_topic", "change_record", "premise", "recall", "axes", "missing_data", "what_is_missing", "worked_out", "my_vaccines", "show_flow_volume", "show_volume_time", "urgent_now", "healthy", "explain_result", "risk_trust", "why_risk", "risks", "what_would_change", "percentile")
)  # fmt: skip


def left_out(view: View, question: str, intent: str, said: str) -> str:
    """The values that a question (small letters, slips put right) names and an answer does not speak of; facts as tokens.

    ``said``: the answer, facts as tokens or written out.
    """
    partly = _not_usable(view, said) if intent in ("explain_result", "pattern", "quality", "is_it_bad", "unclear", "why_not_read") else ""
    if intent in ("risks", "why_risk") and not any(name.startswith("risk_") for name in view.facts):
        return "Estimates need an adult of twenty years or over whose sex and age are known." if "twenty" not in said else ""
    of_fvc = intent == "quality" and re.search(r"\bfvc\b", question) and view.has("fvc_grade") and "The FVC is" not in said
    partly = f"{partly} The FVC is {GRADES.get(view.text('fvc_grade')[:1], 'not graded')}.".strip() if of_fvc else partly
    partly = " ".join(
        part for part in (partly, _together(view, question, intent, said), _severity(view, question, said), _response(view, question, intent, said)) if part
    )
    if intent.startswith("what_is_") and _OF_A_NUMBER.search(question) and view.state == "read" and "attern" not in said:
        partly = f"{partly} {result(view)}".strip()  # "what does a ratio of 0.61 tell me?"
    figure = " ".join(part for part in (_figure_of_a_risk(view, question, said), _listed_already(view, question, intent)) if part)
    if intent in _NOT_AFTER or _is_of_others(question):
        return " ".join(part for part in (figure, partly) if part)
    clauses = [clause for clause in _CLAUSE.split(question) if clause and clause.strip()]
    names, asks_before = [], any(_asks(clause) for clause in clauses)
    of_hers = _WHAT_HERS.search(question) is not None
    for clause in clauses:
        asks = of_hers or _asks(clause) or (asks_before and len(clause.split()) <= _BARE and not _REASONS.search(clause))
        if not asks:
            continue
        rest = clause
        for pattern, fact, instead in _NAMES:
            if pattern.search(rest):
                rest = pattern.sub(" ", rest)  # the ratio's name holds the other two
                if not any(f"<|{one}" in said for one in instead) and not _shown(view, instead, said) and f"{LABELS.get(fact, '?')} is not" not in said:
                    names.append(fact)
    names = [
        name for name in dict.fromkeys(names) if not (view.state in ("none", "unusable", "partial") and name.startswith(("fev1", "fvc")) and not view.has(name))
    ]
    told = " ".join(sentence for sentence in sentences(values_in_words(view, names)) if sentence not in said) if names else ""
    trait = asked_trait(question) if _ESTIMATE.search(question) and not _REASONS_OF_RISK.search(question) else ""
    if trait and view.has(f"risk_{trait}") and f"<|risk_{trait}|>" not in said:
        estimate = view.facts[f"risk_{trait}"]
        told = f"{told} The {estimate.label[0].lower()}{estimate.label[1:]} is {estimate.token}{f' ({estimate.status})' if estimate.status else ''}."
    absent = next((found for clause in clauses if (found := _HELD_NOWHERE.search(clause)) and _OF_SOMEONE.search(clause) and not _REASONS.search(clause)), None)
    if absent and "holds no" not in said and "hold no" not in said:
        told = f"{told} The record holds no {_NEVER_HELD[absent[1]]}."
    return " ".join(part for part in (figure, partly, told.strip()) if part)


_CONDITIONS = {
    "copd": ("copd", "emphysema", "chronic bronchitis"),
    "asthma_current": ("asthma",),
    "diabetes": ("diabetes",),
    "hypertension": ("hypertension", "high blood pressure"),
    "stroke": ("stroke",),
    "heart_failure": ("heart failure",),
}


def _listed_already(view: View, question: str, intent: str) -> str:
    """That a condition which is estimated stands in the record: a low estimate does not undo it."""
    words = _CONDITIONS.get(asked_trait(question) or "", ())
    of_estimate = intent in ("risks", "why_risk", "risk_meaning", "risk_trust") or (intent == "odd_record" and _ESTIMATE.search(question) is not None)
    if not of_estimate or not words or not listed(view, *words):
        return ""
    return f"Your record lists {next(word for word in words if listed(view, word)).replace('copd', 'COPD')} already: an estimate is read from other values and does not undo a diagnosis."


def _together(view: View, question: str, intent: str, said: str) -> str:
    """The pattern, where a question names FEV1 and FVC and asks what they say together."""
    both = re.search(r"\bfev ?1\b", question) and re.search(r"\bfvc\b", question) and _PUT_TOGETHER.search(question)
    return result(view) if intent == "my_numbers" and both and view.state == "read" and "attern" not in said else ""


def _severity(view: View, question: str, said: str) -> str:
    """How severe the pattern is, where it is asked how bad the result is and the answer does not say."""
    if not _HOW_BAD.search(question) or not view.has("severity") or "severity" in said or view.text("severity") in said or "attern" not in said:
        return ""
    return f"By z-score the pattern is {view.token('severity')}."


def _response(view: View, question: str, intent: str, said: str) -> str:
    """What a response to the bronchodilator, or none, says of asthma and COPD, where that is asked."""
    asks = intent == "do_i_have_asthma" or (intent == "bronchodilator" and asks_what_it_means(question))
    if not asks or not view.has("bronchodilator") or "does not prove" in said or re.search(r"\b(?:cancer|fibrosis|heart|stroke|diabetes)\b", question):
        return ""
    return of_response("no significant" not in view.text("bronchodilator"))


def of_response(significant: bool) -> str:
    """What a test before and after a bronchodilator says of asthma and COPD: by itself it neither proves nor rules out either (GINA, GOLD)."""
    if significant:
        return "A significant response to the bronchodilator fits asthma but does not prove it, as some people with COPD respond as well."
    return "That there is no significant response to the bronchodilator does not rule asthma out."


def asks_what_it_means(question: str) -> bool:
    """Whether a question (small letters) asks what a finding means or points to."""
    return _MEANS.search(question) is not None


def _asks(clause: str) -> bool:
    """Whether a clause asks for a value that it names."""
    if _REASONS.search(clause):
        return False
    return _ASKS.search(clause) is not None or (
        _ASKS_OF_SOMEONE.search(clause) is not None and (len(clause.split()) <= _BARE or _SOMEONES.search(clause) is not None)
    )


def _not_usable(view: View, said: str) -> str:
    """Which of FEV1 and FVC the blows do not give, where they give the other."""
    if view.state != "partial":
        return ""
    lacking = [label for name, label in (("fev1_l", "an FEV1"), ("fvc_l", "an FVC")) if not view.has(name)]
    if not lacking or f"no {lacking[0][3:]}" in said:
        return ""
    return f"No blow gives {' or '.join(lacking)} that can be used.{view.found() if 'found' not in said else ''}"


def _figure_of_a_risk(view: View, question: str, said: str) -> str:
    """Whose estimate a percentage is that a question takes for another's ("is 36 % my stroke risk?")."""
    if _is_of_others(question) or _MEASURED.search(question) or not re.search(r"\b(?:risks?|chances?|odds|likel\w+|probab\w+|estimate\w*)\b", question):
        return ""
    for number in re.findall(r"(?<![\d.])(\d{1,2}) ?(?:%|per ?cent)", question):
        of = [name for name, fact in view.facts.items() if name.startswith("risk_") and fact.text == f"{number} %"]
        other = asked_trait(question) not in ("", of[0].removeprefix("risk_")) if len(of) == 1 else False
        if len(of) == 1 and f"<|{of[0]}|>" not in said and (other or "estimate" in question):
            label = view.facts[of[0]].label
            return f"{view.token(of[0])} is the {label[0].lower()}{label[1:]}."
    return ""


def _shown(view: View, names: tuple[str, ...], said: str) -> bool:
    """Whether a value is written out in an answer."""
    facts: list[Fact] = [fact for name, fact in view.facts.items() if name.startswith(names)]
    own = " ".join(sentence for sentence in sentences(said) if not _CITED.search(sentence))  # "88 to 92 %" in guidance is nobody's value
    return any(fact.text in own for fact in facts if len(fact.text) > 3)


_MEASURED = re.compile(r"\b(?:sats?|oxygen|spo2|saturation|fev ?1|fvc|predicted|ratio|hba1c)\b")


def _is_of_others(question: str) -> bool:
    return (
        re.search(r"\b(?:my|his|her) (?:brother|sister|son|daughter|friend|neighbour|colleague|wife's|husband's)\b|\bin general\b|\bgenerally\b", question)
        is not None
    )
