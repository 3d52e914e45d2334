"""Vital signs that are an emergency, in a message or, beside a symptom, in the record.

Limits as the RCP's NEWS2 (2017) scores them 3, with SpO2 92 % (88 % in known hypercapnic COPD), glucose after JBDS, peak flow after BTS/SIGN 158, blood pressure after NICE NG136.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.tenses import NOW, PAST
from encoders.record import Patient

WORST_PEAK_FLOW = 0.5  # of one's best, under which an attack of asthma is severe (BTS/SIGN 158)
_NEAR = r"[^\d.;?!]{0,28}?"
_MESSAGE: tuple[tuple[str, re.Pattern[str], Callable[[float], bool]], ...] = (
    ("spo2", re.compile(rf"(?:spo2|sp02|\bo2\b(?: sat\w*)?|\bsats?\b|saturations?|satt?ing|saturating|finger (?:clip|probe|thing|monitor)|(?:blood )?oxygen(?: level\w*| saturation| sat\w*| monitor| reading)?|(?:pulse )?ox(?:im\w+)?\b){_NEAR}(\d{{2,3}})(?![\d.]*[ -]?(?:m\b|lit|l/|minutes|mmhg|kpa|years?|yrs?|y/?o\b))|\b(\d{{2}}) ?(?:%|percent|per cent)?(?: \w+){{0,2}} (?:on|by|from) (?:the|my|his|her|a|our) (?:\w+ )?(?:oximeter|sats?|spo2|finger|clip|pulse ox|probe)"), lambda v: 50 <= v <= 92),
    ("respiratory_rate", re.compile(rf"(?:respiratory rate|respirations?|breathing rate|breaths (?:a|per) min\w*|resp(?:s| rate)|\brr\b){_NEAR}(\d{{1,2}})(?![\d/]| (?:or \d+ )?sec)|(?:breathing |taking )?(\d{{2}}) (?:breaths|times (?:a|per) minute\b(?=[^.;?!]*breath)|resps)|breath\w*{_NEAR}(\d{{2}}) times (?:a|per) min"), lambda v: v >= 25 or 2 <= v <= 8),
    ("heart_rate", re.compile(rf"(?:heart ?rate|pulse(?! ox)|heart ?beat|\bhr\b|heart (?:is |was )?(?:beating|racing|going|pounding|stuck)|\bbpm\b){_NEAR}(\d{{2,3}})|(\d{{3}}) ?(?:bpm|beats (?:a|per) min)"), lambda v: 130 <= v <= 300 or 15 <= v <= 40),
    ("temperature", re.compile(rf"(?:temperature|\btemp\b|fever|febrile|thermometer){_NEAR}(\d{{2,3}}(?:[.,]\d)?)"), lambda v: 40 <= v < 46 or 104 <= v < 115 or 25 <= v <= 35),
    ("potassium", re.compile(rf"\bpotassium{_NEAR}(\d(?:\.\d)?)(?!\d)"), lambda v: v >= 6.5 or 1 <= v < 2.5),
    ("sodium", re.compile(rf"\bsodium{_NEAR}(\d{{3}})(?! ?m?g)"), lambda v: v <= 120 or 160 <= v < 200),
)  # fmt: skip
_PRESSURE = re.compile(rf"(?:blood pressure|\bbp\b|systolic|\bsbp\b){_NEAR}(\d{{2,3}})(?![\d.]*[ -]?(?:years?|yrs?|y/?o)\b)(?:\s*(?:/|over|on)\s*(\d{{2,3}}))?")
_PEAK_FLOW = re.compile(  # what was blown and one's best, in either order
    r"(?:peak ?flow|\bpef\b)[^.;?!]{0,24}?\b(?P<now>\d{2,3})\b(?! ?(?:%|per ?cent|years?|yrs?|y/?o|cm))[^.;?!]{0,12}?\b(?:normal\w*|usual\w*|best)\b[^.;?!\d]{0,16}(?P<best>\d{3})\b"
    r"|\bbest (?:peak ?flow|pef)\b[^.;?!\d]{0,12}(?P<best_first>\d{3})\b[^.;?!\d]{0,30}\b(?P<now_after>\d{2,3})\b(?! ?(?:%|per ?cent))"
)
_NOT_BLOWN = re.compile(r"\b(?:below|under|above|over|zone|plan|if|what would|last (?:year|month|week|summer|winter)|ago|when i was|used to)\b")
_GLUCOSE = re.compile(r"(?:glucose|blood sugar|sugars?|\bbm\b|\bbgl?\b)[^\d;?!]{0,20}(\d{1,3}(?:\.\d)?)(?! ?%|\d| ?grams?| ?g\b)\s*(mmol|mg)?")
_SYMPTOM = re.compile(
    r"breathless|short of breath|breath|dizzy|diz+iness|head ?ache|blurr|confus|sweat|shak|faint|unwell|sick|vomit|chest|weak|\bhead (?:is |was |keeps )?(?:pound|throb|split|burst|hurt|explod)\w*|(?:pounding|throbbing|splitting|bursting) (?:head|in my head)|drows|palpit|thirst|feel (?:awful|terrible|ill|bad|strange)|numb|vision|nosebleed|light[- ]?headed|collaps|wake|clammy"
)
_ELSEWHEN = re.compile(
    r"\b(?:^\W*(?:and |so |but )?(?:is|are|was|were) (?:\w+ ){1,3}(?:below|under|above|over|less|more)|targets?|aim|range|goal|would|were|(?<!tell me )(?<!know )(?<!wonder )(?<!wondering )(?<!ask )if|should (?:it|my|i) be|predicted|dangerous|emergency|too low|too high|\d\d (?:to|-|and|\u2013) \d\d\b|what (?:does|do|is|would)\b[^.;?!]{0,40}\bmean|before (?:treatment|she|he|i)|dream\w*|film|suppos\w+|imagine|what if|when (?:the|an?|your|oxygen|sats|it)\b|reads? (?:under|below|less)|as (?:it )?(?:always|usual|ever)|(?:my|his|her) (?:normal|usual)|(?:clinic|doctor|nurse|team) (?:says?|said)|cut-?off|threshold|limit|mean(?:s|t)? (?:as|by))\b"
)
_NOT_COUNTED = (
    r"(?! ?(?:kg|kilos?|cm|years?|ml|/|over|m\b|met(?:re|er)s|steps|cig\w*|fags|(?:a|per) (?:day|week)\b(?! ago)))"  # after a figure: of something else
)
_SATURATION_UNNAMED = re.compile(  # "88 percent, was 95 yesterday", "down from 95 to 84", "the number is 83 and she breathes quick"
    rf"\b(?P<fell>[5-8]\d)\b ?(?:%|per ?cent)?,? (?:and )?(?:it |which )?(?:(?:was|were|is) )?(?:(?:down from|was|were|normally|usually|instead of)\b[^.;?!\d]{{0,12}}\b(?:9[3-9]|100)|from 9[3-9])\b{_NOT_COUNTED}"
    rf"|\b(?:from 9[3-9]|(?:down|dropped|fell|fallen|gone) from 100) ?(?:%|per ?cent)? (?:down )?to (?P<to>[5-8]\d)\b{_NOT_COUNTED}"
    rf"|(?<!question )(?<!page )(?<!phone )(?<!age )\b(?:number(?!\D{{0,14}}\d\d:)|figure|reading(?! (?:age|page))|meter|machine|clip|gadget)\b(?! for)[^\d.;?!]{{0,14}}\b(?P<shown>[5-8]\d)\b(?!\.\d){_NOT_COUNTED}[^.;?!]{{0,30}}\b(?:breath(?:es|ing|less)|(?:out|short) of breath|to breathe|puff(?:s|ing|ed)|pant(?:s|ing)|gasp(?:s|ing))\b"
)
_OF_BREATH = re.compile(
    r"\b(?:(?<!\bless )(?<!\bnot )(?<!\bnever )(?<! longer )(?:breathless|(?:out|short) of breath)\b|to breathe\b|breathes\b|breathing\b(?! (?:is |was |gets )?(?:\w+ )?(?:fine|ok(?:ay)?|normal\w*|easier|easy|better|good|well|test|exercis\w*))|puff(?:s|ing|ed)|pant(?:s|ing)|gasp(?:s|ing)|blue|drows\w*|confus\w*)"
)
_NO_SATURATION = re.compile(
    r"\b(?:fev ?1|fvc|predicted|lung (?:function|age)|spirometry|peak ?flow|ratio|risk|battery|score|weigh\w*|kilos?|heart|pulse|pressure|bp|diastolic|systolic|humidity|pollen|temperature|sugar|glucose)\b"
)
_EFFORT = re.compile(
    r"\brun\w*|\bjog\w*|exercis|training|workout|work out|treadmill|cycl\w+|\bbike|sprint|\brow(?:ing|ed)\b|gym|climb|hik\w+|zone|\bmax|\btrain\b"
)
_WELL_AGAIN = re.compile(  # another reading after it, of another finger or a warm one
    r"\b(?:9[5-9]|100) ?%? (?:on|once|when|after)(?: \w+){0,3} (?:warm\w*|(?:other|another|different|bare) (?:\w+ )?(?:finger|hand|thumb|clip|oximeter)|ear\w*)\b"
    r"|\b(?:warm\w*|earlobe|(?:other|another|different|bare) (?:finger|hand|thumb))\b(?![^.;?!\n]{0,30}\b(?:pulse|heart|hr|rate|bp|pressure|temp\w*|fever|weigh\w*|usual\w*|normal\w*|was|were|litres?|he|she)\b)[^.;?!\n]{0,30}\b(?:9[5-9]|100)\b(?![.\d]| ?(?:kg|years?|/))"
)
_OF_A_STUDY = re.compile(r"\bsleep study\b|\b(?:6|six)[ -]min\w*(?: of)? walk\w*|\b6mwt\b")
_HIGH_UP = re.compile(r"altitude|mountain|\bsummit|\d{4} ?m\b|\d,\d{3} ?m\b|plane\b|flight|everest|trek")


_AGE = re.compile(
    r"\b(?:someone|somebody|people|a (?:man|woman|person|child)) (?:of|aged|at)\W*$|\blungs at\W*$|\b(?:low|high|normal|good|ok|okay|bad|fine) for\W*$"
)  # before an age
_OF_A_RISK = re.compile(r"^\W*(?:%|per ?cent) (?:risk|chance|of (?:predicted|getting|having))\b")  # after a figure that is a share
_HYPERTENSION = re.compile(r"^\W*(?:%|per ?cent) (?:hypertension|for (?:hypertension|high blood pressure))\b")


def hypercapnic(patient: Patient | None) -> bool:
    """Whether a record lists a lung failure that keeps carbon dioxide back: its target of oxygen saturation lies lower."""
    return patient is not None and re.search(r"(?<!non-)(?<!non )(?<!no )(?<!not )hypercapni", " ".join(patient.conditions).lower()) is not None


def beside_own_target(text: str, patient: Patient | None) -> str:
    """A lower-case text without the figure of an oxygen saturation from 89 %, where the person's own target begins at 88 %; as it is for anybody else, or beside a symptom."""
    if not hypercapnic(patient) or _SYMPTOM.search(text):
        return text
    pattern = next(pattern for name, pattern, _ in _MESSAGE if name == "spo2")
    return pattern.sub(lambda found: re.sub(r"\b(?:89|9\d|100)\b", " ", found[0]), text)


def danger(text: str, patient: Patient | None = None) -> str | None:
    """The name of the vital sign in danger: said in the lower-case ``text``, or in the record beside a symptom that the text tells of."""
    keeps_dioxide = hypercapnic(patient)
    symptom = bool(_SYMPTOM.search(text))
    for name, pattern, bad in _MESSAGE:
        for match in pattern.finditer(text):
            value = float(next(group for group in match.groups() if group).replace(",", "."))
            if bad(value) and not (name == "spo2" and keeps_dioxide and value > 88) and not _elsewhen(text, match, name):
                if ((value <= 40 and name == "heart_rate") or (name == "temperature" and value <= 35)) and not symptom:
                    continue  # a rower's pulse, the temperature of a room
                return f"vital_{name}"
    unnamed = _SATURATION_UNNAMED.search(text)
    other = unnamed is None or _NO_SATURATION.search(text) or (_ELSEWHEN.search(unnamed[0]) and not unnamed["to"]) or PAST.search(text)
    if unnamed and not other and _OF_BREATH.search(text) and not (keeps_dioxide and float(unnamed["fell"] or unnamed["to"] or unnamed["shown"]) > 88):
        return "vital_spo2"
    pressure = _PRESSURE.search(text)
    if pressure and not _elsewhen(text, pressure, "blood_pressure"):
        systolic = float(pressure.group(1))
        if 40 <= systolic < 90 or (systolic >= 180 and symptom) or (systolic >= 220 and pressure.group(2)):
            return "vital_blood_pressure"
    blown = _PEAK_FLOW.search(text)
    if blown and not _NOT_BLOWN.search(text):
        now, best = blown["now"] or blown["now_after"], blown["best"] or blown["best_first"]
        if float(now) < WORST_PEAK_FLOW * float(best):
            return "vital_peak_flow"
    glucose = _GLUCOSE.search(text)
    if glucose and (symptom or "." in glucose.group(1)) and not _elsewhen(text, glucose, "glucose"):
        value, unit = float(glucose.group(1)), glucose.group(2)
        mg = value * 18.0 if unit == "mmol" or (unit is None and value < 40) else value
        if mg < 54 or (symptom and mg > 300):  # below 3.0 mmol/L is serious by itself (ADA level 2)
            return "vital_glucose"
    return _recorded(text, patient, 88.0 if keeps_dioxide else 92.0) if patient is not None else None


def _elsewhen(text: str, match: re.Match[str], name: str) -> bool:
    """Whether a value is an age, a risk, a target, somebody's past, effort or altitude rather than what is measured now."""
    number = next(n for n, group in enumerate(match.groups(), 1) if group)
    after = text[match.end(number) :]
    if name == "spo2" and _AGE.search(text[match.start() : match.start(number)]) and not re.match(r"\W*(?:%|per ?cent)", after):
        return True
    if _OF_A_RISK.search(after) or (name == "blood_pressure" and _HYPERTENSION.search(after)):
        return True
    start = max(text.rfind(mark, 0, match.start()) for mark in ".;?!") + 1
    sentence = re.split(r"[;?!]|\.(?!\d)", text[start : match.end() + 120])[0] if start <= match.start() else text[match.start() : match.end()]
    if NOW.search(sentence):
        return False
    if name == "spo2" and _OF_A_STUDY.search(sentence):
        return True
    again = _WELL_AGAIN.search(after) if name == "spo2" and not _SYMPTOM.search(text) else None
    if again and not re.search(r"\b[5-8]\d\b", after[again.end() :]):
        return True
    if name == "heart_rate" and _EFFORT.search(sentence):
        return True
    return bool(_ELSEWHEN.search(sentence) or PAST.search(sentence) or (name == "spo2" and _HIGH_UP.search(sentence)))


def _recorded(text: str, patient: Patient, lowest_spo2: float) -> str | None:
    """What the record holds counts only beside a symptom that somebody has now."""
    if not re.search(r"\b(?:i feel|i'm|i am|feeling|i have|i've|he is|she is|he's|she's|he feels|she feels|the patient)\b", text) or not _SYMPTOM.search(text):
        return None
    if re.search(r"\b(?:not|no|never|without) (?:\w+ )?(?:breathless|dizzy|unwell|sick|short of breath|headache|faint)", text):
        return None
    breath, pulse = patient.respiratory_rate_bpm, patient.heart_rate_bpm
    if patient.spo2_percent is not None and patient.spo2_percent <= lowest_spo2 and "breath" in text:
        return "record_spo2_with_symptoms"
    if breath is not None and (breath >= 25 or breath <= 8) and "breath" in text:
        return "record_respiratory_rate_with_symptoms"
    if pulse is not None and (pulse >= 130 or pulse <= 40) and re.search(r"faint|dizz|breath|palpit|light[- ]?headed|chest|weak|unwell|sick", text):
        return "record_heart_rate_with_symptoms"
    if patient.systolic_bp_mmhg is not None and (patient.systolic_bp_mmhg >= 180 or patient.systolic_bp_mmhg < 90):
        return "record_blood_pressure_with_symptoms"
    if (
        patient.glucose_mg_dl is not None
        and (patient.glucose_mg_dl < 54 or patient.glucose_mg_dl > 300)
        and re.search(r"sweat|shak|confus|vomit|thirst|drows|faint|weak|sick", text)
    ):
        return "record_glucose_with_symptoms"
    return None
