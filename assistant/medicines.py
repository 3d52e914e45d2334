"""What the medicines of a record are: of which kind each is and what it is for. How much and when is for those who prescribe."""

from __future__ import annotations

import re

from assistant.lay_words import written_out
from encoders.teacher.view import View

_RELIEVER = "a short-acting bronchodilator, a reliever: breathed in, it opens the airways within minutes"
_SAMA = "a bronchodilator (SAMA): breathed in, it opens the airways for some hours"
_LAMA = "a long-acting bronchodilator (LAMA): breathed in regularly, it keeps the airways open"
_LABA = "a long-acting bronchodilator (LABA): breathed in regularly, it keeps the airways open; in asthma only together with an inhaled steroid"
_FAST_LABA = f"{_LABA}. It also works within minutes"
_STEROID = "a steroid, in an inhaler a preventer: used regularly, it calms the inflammation of the airways"
_ACE = "an ACE inhibitor: it lowers blood pressure and helps the heart; a dry cough is a known side effect"
_ARB = "an angiotensin receptor blocker: it lowers blood pressure"
_STATIN = "a statin: it lowers LDL cholesterol, and with it the risk of heart attack and stroke"
_BETA = "a beta blocker: it slows the heart and lowers blood pressure"
_KINDS = {  # a medicine by its generic name -> its kind and what it is for, as the British National Formulary groups it
    "salbutamol": _RELIEVER, "albuterol": _RELIEVER, "terbutaline": _RELIEVER, "ipratropium": _SAMA,
    "tiotropium": _LAMA, "umeclidinium": _LAMA, "glycopyrronium": _LAMA, "aclidinium": _LAMA, "formoterol": _FAST_LABA, "salmeterol": _LABA, "indacaterol": _LABA, "olodaterol": _LABA,
    "budesonide": _STEROID, "beclometasone": _STEROID, "fluticasone": _STEROID, "mometasone": _STEROID, "ciclesonide": _STEROID,
    "montelukast": "a leukotriene receptor antagonist: a tablet that calms the airways in asthma", "prednisolone": "a steroid taken by mouth: it calms strong inflammation, as in a flare-up",
    "ramipril": _ACE, "lisinopril": _ACE, "enalapril": _ACE, "perindopril": _ACE, "losartan": _ARB, "candesartan": _ARB, "valsartan": _ARB,
    "amlodipine": "a calcium channel blocker: it lowers blood pressure by widening the vessels", "bisoprolol": _BETA, "metoprolol": _BETA, "atenolol": _BETA, "propranolol": _BETA,
    "atorvastatin": _STATIN, "simvastatin": _STATIN, "rosuvastatin": _STATIN, "pravastatin": _STATIN, "metformin": "a tablet for type 2 diabetes: it lowers blood glucose",
    "levothyroxine": "a thyroid hormone: it makes up for an underactive thyroid", "omeprazole": "a proton pump inhibitor: it lowers stomach acid, as in reflux", "lansoprazole": "a proton pump inhibitor: it lowers stomach acid, as in reflux",
    "sertraline": "an antidepressant (SSRI): it is used in depression and anxiety", "furosemide": "a diuretic: it rids the body of water, as in heart failure", "aspirin": "a blood thinner at a low dose, and a painkiller",
    "apixaban": "an anticoagulant: it prevents blood clots", "warfarin": "an anticoagulant: it prevents blood clots", "methotrexate": "a medicine that calms the immune system, as in rheumatoid arthritis",
}  # fmt: skip
_NAMES = re.compile(rf"\b({'|'.join(_KINDS)})\b")
_THEM = rf"(?:inhalers?|puffers?|medicines?|medications?|meds|tablets?|pills|{'|'.join(_KINDS)})"
_ASKED = re.compile(
    rf"\bwhat (?:do|does|are|is|'s)(?! (?:i|the best|we)\b)[^?.,]*\b{_THEM}\b[^?.,]{{0,20}}\b(?:do|actually do|for|supposed to do)\W*$"
    rf"|\b{_THEM}\b.*\bdifferen(?:ce|t)\b[^?.]{{0,12}}\b(?:(?:the|these|those|his|her|my|the two|both) (?:two|both|inhalers|medicines|tablets)|two|both|them)\W*$"
    rf"|\bdifference between\b[^?.]{{0,30}}\b(?:inhalers|medicines|tablets|meds|medications)\W*$|\bdifference between (?:{'|'.join(_KINDS)}) and (?:{'|'.join(_KINDS)})\b"
    rf"|\bwhy (?:is|am|are) (?:he|she|i|they) (?:on|taking|given) (?:{'|'.join(_KINDS)})\b"
)
_ELSE = re.compile(  # one that is named otherwise, an amount, or another matter
    r"\b(?:list|which|doses?|puffs?|how (?:often|much|many)|side|best|tests?|blows?|curves?|values?|blue|brown|purple|pink|green|orange|grey|red|white|relievers?|preventers?|combination|trelegy|seretide|symbicort|fostair|spiriva|ventolin|trimbow|anoro|relvar)\b"
)
_INHALED = frozenset((_RELIEVER, _SAMA, _LAMA, _LABA, _FAST_LABA, _STEROID))


def told_of_medicines(view: View, question: str) -> str:
    """What kind each medicine is that a question (small letters) names, else each that the record lists; facts written out. Empty where it asks for something else."""
    if not _ASKED.search(written_out(question)) or _ELSE.search(question):
        return ""
    listed = [one.strip() for one in view.text("medications").lower().split(",")] if view.has("medications") else []
    named = list(dict.fromkeys(_NAMES.findall(question)))
    if not named and re.search(r"\binhalers?|puffers?\b", question):
        listed = [one for one in listed if _kind(one) in _INHALED]
    elif not named and re.search(r"\b(?:tablets?|pills)\b", question):
        listed = [one for one in listed if _kind(one) not in _INHALED]
    told = named or [one for one in listed if one]
    if not any(_kind(one) for one in told):
        return ""
    said = " ".join(f"{one.capitalize()} is {_kind(one)}." if _kind(one) else f"I cannot say what {one} is for." for one in told)
    unlisted = [name for name in named if not any(name in one for one in listed)]
    more = f" Your record does not list {' or '.join(unlisted)}." if unlisted else ""
    return f"{said}{more} Why it was given to you, how much and when, is for the one who prescribes it, or a pharmacist."


def _kind(medicine: str) -> str:
    """Of which kind a medicine of a list is; empty where that is not known."""
    found = _NAMES.search(medicine)
    return _KINDS[found[1]] if found else ""
