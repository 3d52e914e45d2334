"""What an answer says of a patient, read from its words by rule, and what is true of the patient, read from the measurement.

Neither side uses the dialogue's own checks or the teacher's sentences: a fault of those would otherwise be invisible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.session import Session
from encoders.record import QUANTITY, RISK_TRAITS
from encoders.spirogram.interpret import BORDERLINE_Z, WORDS
from encoders.spirogram.results import LLN_Z

_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[])")
CITED = re.compile(r"\[(\d+)\]")
STATUS = r"borderline low|borderline|slightly low|low|normal|raised|high"
MEASURES: dict[str, str] = {  # longer names first: "FEV1/FVC" is not FEV1
    "fev1_fvc": r"FEV1/FVC(?: ratio)?|(?<!waist )\bratio\b", "fev1_l": r"\bFEV1\b", "fvc_l": r"\bFVC\b", "pef_l_s": r"\bPEF\b|peak flow", "fet_s": r"expiratory time",
    "systolic_bp_mmhg": r"systolic(?: blood pressure)?|(?<!diastolic )\bblood pressure", "diastolic_bp_mmhg": r"diastolic(?: blood pressure)?", "bmi_kg_m2": r"body mass index|\bBMI\b",
    "spo2_percent": r"oxygen saturation|\bSpO2\b", "hba1c_percent": r"\bHbA1c\b", "hdl_cholesterol_mg_dl": r"HDL cholesterol", "total_cholesterol_mg_dl": r"total cholesterol",
    "triglycerides_mg_dl": r"triglycerides", "glucose_mg_dl": r"\bglucose\b", "creatinine_mg_dl": r"creatinine", "heart_rate_bpm": r"heart rate",
    "respiratory_rate_bpm": r"respiratory rate", "temperature_c": r"\btemperature\b", "pack_years": r"smoking history", "smoking_status": r"smoking status",
    "waist_cm": r"\bwaist\b", "weight_kg": r"\bweight\b", "height_cm": r"\bheight\b", "age_years": r"\bage\b", "cotinine_ng_ml": r"cotinine",
    "conditions": r"list of conditions", "medications": r"list of medicines", "blows": r"number of blows", "sex": r"\bsex\b",
}  # fmt: skip
_MENTION = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in MEASURES.items()), re.IGNORECASE)
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_VALUE = re.compile(rf"^(?: of| is| are| was| you reached is)\s+{_NUMBER}(?!\d)(?!\s*% of predicted)(?! years? ago)", re.IGNORECASE)
_GAPS = (("percent", re.compile(rf"^ in percent of predicted is {_NUMBER}|{_NUMBER} % of predicted")), ("z", re.compile(rf"z-score (?:of|is) {_NUMBER}")))
_IS = re.compile(rf"\b(?:is|are|was|counts as) ({STATUS})\b(?! by itself)")
_IS_NOT = re.compile(rf"\b(?:is|are|was) not ({STATUS})\b")
_NAMED = re.compile(rf"\b(?:a|an|the|your) ({STATUS}) $")
_GRADE = re.compile(r"\bgrade(?: is)? ([A-FU])\b")
_PATTERN_NAMES = sorted(WORDS.items(), key=lambda item: -len(item[1]))
_RISK = re.compile(rf"\bof ({'|'.join(words for _, words in RISK_TRAITS)}) is (under 1|\d+) %(?: \(([a-z ]+)\))?")
_TRAIT = {words: trait for trait, words in RISK_TRAITS}


@dataclass(frozen=True)
class Said:
    """One thing an answer states: of what, which attribute of it, and the word or numeral."""

    subject: str
    attribute: str
    word: str
    sentence: str = field(default="", compare=False)


def split(text: str) -> tuple[str, ...]:
    """The sentences of an answer."""
    return tuple(part.strip() for part in _END.split(" ".join(text.split())) if part.strip())


def read_statements(answer: str) -> tuple[Said, ...]:
    """What the sentences of an answer state of the patient; those that cite a passage speak of people in general and are left out."""
    return tuple(dict.fromkeys(one for sentence in split(answer) if not CITED.search(sentence) for one in _read(sentence)))


def _read(sentence: str) -> Iterator[Said]:
    """One sentence: fixed phrases first, then every measure that is mentioned with what is said of it up to the next mention."""

    def said(subject: str, attribute: str, word: str) -> Said:
        return Said(subject, attribute, word.strip(" .").lower() if attribute != "grade" else word, sentence)

    rest = sentence
    for name, words in _PATTERN_NAMES:
        if re.search(rf"\bpattern\b(?: of (?:your|the|this)(?: whole)? test)? is {re.escape(words)}", sentence):
            yield said("pattern", "word", name)
        rest = rest.replace(words, "")
    if re.search(r"[Yy]our test is in the normal range", sentence):
        yield said("pattern", "word", "normal")
    for found in re.finditer(r"\b(mild|moderate|severe) by z-score|[Bb]y z-score it is (mild|moderate|severe)", sentence):
        yield said("severity", "word", found[1] or found[2])
    for part, pattern in (
        ("limb", r"descending limb of the loop looks (scooped|nearly straight|rounded)"), ("limb", r"the (scooped|nearly straight|rounded) descending limb"),
        ("peak", r"the peak is (sharp and early|late and blunt)"), ("size", r"the loop is (small|medium|large)"),
        ("tail", r"\bit (has a long tail|stops abruptly|ends smoothly)"),
    ):  # fmt: skip
        for found in re.finditer(pattern, sentence):
            yield said(part, "shape", found[1].replace("has a ", "").replace("sharp and early", "sharp early"))
    for status, pattern in (
        ("current", r"\byou smoke\b|current smoking"),
        ("former", r"you have stopped smoking|past smoking"),
        ("never", r"never(?: having)? smoked"),
    ):
        if re.search(pattern, sentence):
            yield said("smoking_status", "word", status)
    if match := re.search(r"smoking status is (current|former|never)\b", sentence):
        yield said("smoking_status", "word", match[1])
    if match := re.search(r"test shows (no )?significant response", sentence):
        yield said("bronchodilator", "word", "none" if match[1] else "response")
    if "does not hold a test before and after" in sentence:
        yield said("bronchodilator", "absent", "")
    if "no breathing test in your record" in sentence:
        yield said("test", "absent", "")
    for found in re.finditer(r"[Yy]our record (lists|does not list) ([A-Za-z0-9 ]+?)(?=[,.]| but)", sentence):
        yield said("conditions", "listed" if found[1] == "lists" else "not listed", found[2])
    if match := re.search(r"list of (conditions|medicines) is ([^.]+)", sentence):
        yield said("conditions" if match[1] == "conditions" else "medications", "list", match[2])
    if match := re.search(r"What was found: ([^.]+)", sentence):
        yield said("findings", "list", match[1])
    if "No faults were found" in sentence:
        yield said("findings", "list", "none")
    if match := re.search(r"\bfrom (\d+) blows?\b", sentence):
        yield said("blows", "value", match[1])
    for found in re.finditer(_RISK, sentence):
        yield said(f"risk_{_TRAIT[found[1]]}", "chance", found[2])
        if found[3]:
            yield said(f"risk_{_TRAIT[found[1]]}", "usual", found[3])
    for subject, attribute, pattern in (
        ("fev1_l", "lln", rf"For your FEV1 it is {_NUMBER}"), ("fev1_l", "value", rf"you reached {_NUMBER}"), ("fev1_l", "predicted", rf"FEV1 expected for [^.]*? is {_NUMBER}"),
        ("fev1_l", "z", rf"z-score of your FEV1 is {_NUMBER}"), ("fev1_fvc", "z", rf"z-score of your FEV1 is {_NUMBER} and of the ratio {_NUMBER}"),
        ("fvc_l", "value", rf"and reached {_NUMBER} L"), ("fet_s", "value", rf"blew out for {_NUMBER}"), ("age_years", "value", rf"^At {_NUMBER} years the"),
        ("pef_l_s", "value", rf"^Yours is {_NUMBER} L/s"), ("fev1_l", "grade", r"its quality grade is ([A-FU])\b"),
    ):  # fmt: skip
        if match := re.search(pattern, sentence):
            yield said(subject, attribute, match[match.lastindex or 1])
    if re.search(r"z-score of your|expected for|\bmeans?\b", rest):
        rest = re.sub(r"z-score of your FEV1 is \S+(?: and of the ratio \S+)?|FEV1 expected for.*|\b(?:[Aa]|The) (?:low|high|normal) \w+ means?.*", "", rest)
    yield from _measures(rest, sentence)


def _measures(text: str, sentence: str) -> Iterator[Said]:
    places = list(_MENTION.finditer(text))
    for index, place in enumerate(places):
        name = str(place.lastgroup)
        after = text[place.end() : places[index + 1].start() if index + 1 < len(places) else len(text)]
        if re.match(r" (?:is|are|was) not (?:measured|recorded)", after) or re.match(r"Not measured\b", text):
            yield Said(name, "absent", "", sentence)
            continue
        if found := _VALUE.search(after):
            yield Said(name, "value", found[1], sentence)
        for attribute, pattern in _GAPS:
            if found := pattern.search(after):
                yield Said(name, attribute, next(group for group in found.groups() if group), sentence)
        if found := _GRADE.search(after):
            yield Said(name, "grade", found[1], sentence)
        if found := _IS_NOT.search(after):
            yield Said(name, "status not", found[1].lower(), sentence)
        elif found := _IS.search(after):
            yield Said(name, "status", found[1].lower(), sentence)
        if found := _NAMED.search(text[: place.start()]):
            yield Said(name, "status", found[1].lower(), sentence)


# what is true --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Truth:
    """What is known of a patient: numbers by (subject, attribute), words by (subject, attribute)."""

    numbers: dict[tuple[str, str], float]
    words: dict[tuple[str, str], str]

    def knows(self, name: str) -> bool:
        return any(subject == name for subject, _ in (*self.numbers, *self.words))

    def shown(self, name: str) -> tuple[object, ...]:
        """Everything known of a subject, rounded as answers show it: two patients differ in it or they do not."""
        subject, _, _ = name.partition(":")
        found = [(key, round(value, 2)) for key, value in self.numbers.items() if key[0] == subject]
        return tuple(sorted([*found, *((key, word) for key, word in self.words.items() if key[0] == subject)], key=str))


def truth_of(session: Session) -> Truth:
    """From the patient's own fields and the measurement; words for values from the standard's limits."""
    patient, test = session.patient, session.spirometry
    numbers: dict[tuple[str, str], float] = {}
    words: dict[tuple[str, str], str] = {}
    adult = patient.age_years is not None and patient.age_years >= 18
    for name, quantity in QUANTITY.items():
        value = getattr(patient, name)
        if value is not None:
            numbers[name, "value"] = float(value)
            if quantity.status and (adult or name not in ("bmi_kg_m2", "systolic_bp_mmhg", "diastolic_bp_mmhg")):
                words[name, "status"] = quantity.status(value)
    for name in ("sex", "smoking_status"):
        if getattr(patient, name) is not None:
            words[name, "word"] = str(getattr(patient, name))
    for name in ("conditions", "medications"):
        if getattr(patient, name):
            words[name, "list"] = ", ".join(getattr(patient, name)).lower()
    for risk in session.risks:
        numbers[f"risk_{risk.trait}", "chance"] = risk.probability
        if risk.population:
            times = risk.probability / risk.population
            same = 0.75 <= times <= 1.25 or max(risk.probability, risk.population) < 0.01
            words[f"risk_{risk.trait}", "usual"] = "about usual" if same else "higher than usual" if times > 1.25 else "lower than usual"
    if test is None:
        return Truth(numbers, words)
    if test.interpretation is not None:
        words["pattern", "word"] = test.interpretation.pattern
        if test.interpretation.severity:
            words["severity", "word"] = test.interpretation.severity
    if test.best is not None:
        best = test.best
        for name, value in (("fev1_l", best.fev1_l), ("fvc_l", best.fvc_l), ("fev1_fvc", best.fev1_fvc), ("pef_l_s", best.pef_l_s), ("fet_s", best.fet_s)):
            if value is not None:
                numbers[name, "value"] = value
        for name, grade in (("fev1_l", best.fev1_grade), ("fvc_l", best.fvc_grade)):
            if grade:
                words[name, "grade"] = grade
    for key, name in (("fev1", "fev1_l"), ("fvc", "fvc_l"), ("fev1_fvc", "fev1_fvc")):
        reference = test.references.get(key)
        if reference is None or reference.z is None or (name, "value") not in numbers:
            continue
        numbers |= {(name, "z"): reference.z, (name, "lln"): reference.lln, (name, "predicted"): reference.predicted}
        if reference.percent_predicted is not None:
            numbers[name, "percent"] = reference.percent_predicted
        close = abs(reference.z - LLN_Z) <= BORDERLINE_Z
        words[name, "status"] = ("borderline low" if close else "low") if reference.z < LLN_Z else "borderline" if close else "normal"
    if test.maneuvers:
        numbers["blows", "value"] = float(len(test.maneuvers))
        for n, blow in enumerate(test.maneuvers, 1):
            own = {"fev1_l": blow.fev1_l, "fvc_l": blow.fvc_l, "fev1_fvc": blow.fev1_fvc, "pef_l_s": blow.pef_l_s, "bev_l": blow.bev_l, "fet_s": blow.fet_s}
            numbers |= {(f"blow {n}", name): value for name, value in own.items() if value is not None}
            found = re.findall(r"\d+\.\d+", " ".join(one.text for one in blow.findings))
            numbers |= {(f"blow {n}", f"finding {k}"): float(one) for k, one in enumerate(found)}
        words["findings", "list"] = ", ".join(sorted({one.code.replace("_", " ") for m in test.maneuvers for one in m.findings})) or "none"
    if len(test.shape) == 4:
        words |= dict(zip((("limb", "shape"), ("peak", "shape"), ("size", "shape"), ("tail", "shape")), test.shape, strict=True))
    if test.response is not None:
        words["bronchodilator", "word"] = "response" if test.response.significant else "none"
    return Truth(numbers, words)
