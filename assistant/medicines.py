"""What the medicines of a record are: of which kind each is and what it is for. How much and when is for those who prescribe."""

from __future__ import annotations

import re

from assistant.lay_words import written_out
from encoders.teacher.view import View

_RELIEVER = "a short-acting bronchodilator, a reliever: breathed in, it opens the airways within minutes"
_SAMA = "a bronchodilator (SAMA): breathed in, it opens the airways for some hours"
_LAMA = "a long-acting bronchodilator (LAMA): breathed in regularly, it keeps the airways open, in COPD and, beside other inhalers, in asthma"
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
    rf"\bwhat(?:'s| (?:do|does|are|is))(?! (?:i|the best|we)\b)[^?.,]*\b{_THEM}\b[^?.,]{{0,20}}\b(?:do|actually do|for|supposed to do)\b\W*(?:$|(?<=[?.]) ?)"
    rf"|\b{_THEM}\b.*\bdifferen(?:ce|t)\b[^?.]{{0,12}}\b(?:(?:the|these|those|his|her|my|the two|both) (?:two|both|inhalers|medicines|tablets)|two|both|them)\W*$"
    rf"|\bdifference between\b[^?.]{{0,30}}\b(?:inhalers|medicines|tablets|meds|medications)\W*$|\bdifference between (?:{'|'.join(_KINDS)}) and (?:{'|'.join(_KINDS)})\b"
    rf"|\b(?:why|what(?=.*\b(?:{'|'.join(_KINDS)}) for\b))(?:'s| (?:is|am|are|was|were|has|have|had|did|do|does|would)) (?:he|she|i|they|we|the doctor|my doctor|someone|(?:my |our |the |this )(?:\w+ )?(?:mum|mom|dad|mother|father|husband|wife|son|daughter|brother|sister|gran\w*|partner|patient|lady|man|woman)|mum|mom|dad|gran)\b(?: (?:still|also|now|even|just|only|always|been|being|be|have|having|had|need|to|told|supposed|meant|started))* (?:on|using|taking|take|takes|given|give|gave|put|prescribed?|have|has)(?: (?:me|him|her|on|with))*(?: (?:this|the|that))? (?:{'|'.join(_KINDS)})\b"
)
_ELSE = re.compile(  # one that is named otherwise, an amount, or another matter
    r"\b(?:list|which|doses?|puffs?|stop\w*|still|morning|wheez\w*|how (?:often|much|many)|side|best|tests?|blows?|curves?|values?|blue|brown|purple|pink|green|orange|grey|red|white|relievers?|preventers?|combination|trelegy|seretide|symbicort|fostair|spiriva|ventolin|trimbow|anoro|relvar)\b"
)
_OF_THE_TEST = re.compile(
    r"^(?!.*\b(?:recreational|wrong\w*)\b).*\b(?:(?:on|takes?|taking|uses?|using) (?:anything|something|any (?:medic\w+|tablets?|inhalers?|drugs?|pills))|(?:(?:my|his|her|their|these|those)(?: \w+){0,2}|(?:any|on|of)(?: (?!new\b)\w+){0,2}) (?:medic\w+|tablets?|pills|drugs|inhalers?))\b[^?.]*\b(?:affect\w*|chang\w*|influenc\w*|interfer\w*|alter\w*|skew\w*|mask\w*|spoil\w*)\b"
    r"[^?.]{0,30}\b(?:tests?|results?|blows?|spirometry|numbers|readings?|values|fev ?1|measurements?)\b"
)
_BRONCHODILATORS = frozenset((_RELIEVER, _SAMA, _LAMA, _LABA, _FAST_LABA))
_ON_THE_BREATH = {"open* the airways": _BRONCHODILATORS, "can narrow the airways in asthma": frozenset((_BETA,)), "can cause a dry cough": frozenset((_ACE,))}
_OF_THE_BREATH = re.compile(
    r"\b(?:my|his|her|their|these|those|mum'?s|dad'?s|gran'?s) (?:other |current |present |new |own )?(?:tablets?|pills|medicines?|medications?|meds|drugs)\b[^?.]*\b(?:affect\w*|harm\w*|caus\w*|worsen\w*|hurt\w*|bad for|behind|to blame for)\b[^?.]{0,20}\b(?:breath\w*|lungs?|chest|wheez\w*|cough\w*)\b"
)
_INHALED = frozenset((_RELIEVER, _SAMA, _LAMA, _LABA, _FAST_LABA, _STEROID))


def told_of_medicines(view: View, question: str) -> str:
    """What kind each medicine is that a question (small letters) names, else each that the record lists; facts written out. Empty where it asks for something else."""
    listed = [name for one in view.text("medications").lower().split(",") if (name := one.strip()) not in ("", "none")] if view.has("medications") else []
    if _OF_THE_TEST.search(question) and not _NAMES.search(question):
        return _of_the_test(view, listed)
    if _OF_THE_BREATH.search(question) and not _NAMES.search(question) and listed:
        return _of_the_breath(view, listed)
    if not _ASKED.search(written_out(question)) or _ELSE.search(question):
        return ""
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


def _of_the_test(view: View, listed: list[str]) -> str:
    """Which of the medicines listed open the airways: those change a breathing test, as the ATS/ERS standard (2019) withholds them before one. Empty where none is listed."""
    if not listed:
        return ""
    opening = [one for one in listed if any(_KINDS[name] in _BRONCHODILATORS for name in _NAMES.findall(one))]
    unknown = [one for one in listed if not _kind(one)]
    said = f"Your record lists these medicines: {view.token('medications')}."
    if opening:
        said += f" {' and '.join(opening).capitalize()} {'opens' if len(opening) == 1 else 'open'} the airways, so a dose before the test makes the values better than without it; when it was last used is not recorded."
    elif not unknown:
        said += " None of them is a bronchodilator, the medicines that change a breathing test most."
    slowed = [one for one in listed if any(_KINDS[name] == _BETA for name in _NAMES.findall(one))]
    said += f" {' and '.join(slowed).capitalize()} can narrow the airways in asthma." if slowed else ""
    said += f" I cannot say what {' and '.join(unknown)} would do." if unknown else ""
    return f"{said} No medicine should be left out before a test unless the laboratory or the prescriber says so."


def _of_the_breath(view: View, listed: list[str]) -> str:
    """What the medicines of a record are known to do to the breath: open the airways, narrow them in asthma, or make cough (British National Formulary)."""
    of_kind = {kind: [one for one in listed if any(_KINDS[name] in kinds for name in _NAMES.findall(one))] for kind, kinds in _ON_THE_BREATH.items()}
    told = [f"{' and '.join(some).capitalize()} {kind.replace('*', '' if len(some) > 1 else 's')}." for kind, some in of_kind.items() if some]
    return f"Your record lists these medicines: {view.token('medications')}. {' '.join(told)} {'What the others do to the breath' if told else 'Whether one of them does'} is a question for a pharmacist or the prescriber; stop none of them on your own."


def _kind(medicine: str) -> str:
    """Of which kind a medicine of a list is; empty where that is not known."""
    found = _NAMES.search(medicine)
    return _KINDS[found[1]] if found else ""
