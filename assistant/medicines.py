"""What the medicines of a record are: of which kind each is and what it is for. How much and when is for those who prescribe."""

from __future__ import annotations

import re

from assistant.lay_words import written_out
from encoders.teacher.view import View

_RELIEVER = "a short-acting bronchodilator, a reliever: breathed in, it opens the airways within minutes"
_LAMA = "a long-acting bronchodilator (LAMA): breathed in regularly, it keeps the airways open"
_LABA = "a long-acting bronchodilator (LABA): breathed in regularly, it keeps the airways open; in asthma only together with an inhaled steroid"
_STEROID = "a steroid, in an inhaler a preventer: used regularly, it calms the inflammation of the airways"
_ACE = "an ACE inhibitor: it lowers blood pressure and helps the heart; a dry cough is a known side effect"
_ARB = "an angiotensin receptor blocker: it lowers blood pressure"
_STATIN = "a statin: it lowers LDL cholesterol, and with it the risk of heart attack and stroke"
_BETA = "a beta blocker: it slows the heart and lowers blood pressure"
_KINDS = {  # a medicine by its generic name -> its kind and what it is for, as the British National Formulary groups it
    "salbutamol": _RELIEVER, "albuterol": _RELIEVER, "terbutaline": _RELIEVER, "ipratropium": "a bronchodilator (SAMA): breathed in, it opens the airways for some hours",
    "tiotropium": _LAMA, "umeclidinium": _LAMA, "glycopyrronium": _LAMA, "aclidinium": _LAMA, "formoterol": _LABA, "salmeterol": _LABA, "indacaterol": _LABA, "olodaterol": _LABA,
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
    rf"\bwhat (?:do|does|are|is|'s)\b[^?.]*\b{_THEM}\b[^?.]{{0,20}}\b(?:do|actually do|for|supposed to do)\W*$"
    rf"|\bwhat (?:are|is) (?:my|his|her|these|those|the|all|both|each|two|of| )+\b{_THEM}\W*(?:for)?\W*$"
    rf"|\b{_THEM}\b.*\bdifferen(?:ce|t)\b[^?.]{{0,24}}\b(?:two|both|them|each other|inhalers)\b|\bdifference between\b[^?.]{{0,30}}\b(?:inhalers|medicines|tablets|meds|medications)\b"
    rf"|\bdifference between (?:{'|'.join(_KINDS)}) and\b|\bwhy (?:is|am|are) (?:he|she|i|they) (?:on|taking|given) (?:{'|'.join(_KINDS)})\b"
)


def told_of_medicines(view: View, question: str) -> str:
    """What kind each medicine is that a question (small letters) names, else each that the record lists; facts written out. Empty where it asks for something else, or nothing is known of them."""
    if not _ASKED.search(written_out(question)) or re.search(r"\b(?:list|which|dose|puffs?|how (?:often|much|many)|side)\b", question):
        return ""
    listed = _NAMES.findall(view.text("medications").lower()) if view.has("medications") else []
    named = list(dict.fromkeys(_NAMES.findall(question)))
    told = named or list(dict.fromkeys(listed))
    if not told:
        return ""
    said = " ".join(f"{name.capitalize()} is {_KINDS[name]}." for name in told)
    unlisted = [name for name in named if name not in listed]
    more = f" Your record does not list {' or '.join(unlisted)}." if unlisted else ""
    return f"{said}{more} Why it was given to you, how much and when, is for the one who prescribes it, or a pharmacist."
