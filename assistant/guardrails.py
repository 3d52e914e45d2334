"""What stands around the model: red flags and scope before it, every number and citation checked after it. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.session import Checks
from assistant.triage import triage
from encoders.passages import Passage
from encoders.record import Fact

__all__ = ["Refusal", "allowed_numerals", "asks_diagnosis", "check", "clean", "scope", "triage"]


@dataclass(frozen=True)
class Refusal:
    """Something that is declined, with the fixed sentence that says so and whom to ask."""

    kind: str
    text: str


DOSE = (
    "I cannot advise on doses or prescriptions. Please ask the clinician who prescribes for you, or a pharmacist; bring your inhaler or medicine list with you."
)
OTHER = "I only have the record that is open here, and I never show another person's. Open that record in a session of its own if you are allowed to see it."
OFF_TOPIC = "That is outside what I can help with: I talk about this patient's lung function, record and wellness."
INJECTION = "I follow my own safety rules and cannot change them or show them; I am glad to talk about this patient's lung function and wellness."

_DRUG = r"(?:salbutamol|albuterol|ventolin|prednisolone|prednisone|steroids?|inhaler|puffer|tiotropium|budesonide|antibiotics?|amoxicillin|metformin|insulin|ramipril|amlodipine|statin|atorvastatin|varenicline|medicines?|medication|tablets?|pills?|drug|ibuprofen|paracetamol|aspirin|nicotine patch(?:es)?|reliever|preventer|oxygen(?! (?:is|do|does|in|level|levels|saturation)\b))"
_DOSE = re.compile(
    rf"\b(?:what|which|right|correct|max\w*|safe|usual|starting|my|the) (?:\w+ )?(?:dose|dosage|dosing)\b|\bdos(?:e|age) of\b|{_DRUG} dos(?:e|age|ing)\b|^\W*(?:wh?at )?(?:dose|dosage)\W*$|do i need {_DRUG}(?! (?:on|for|in|to) (?:a |an |the |my )?(?:plane|flight|flying|fly|aircraft|air travel))|(?:take|use|have) (?:\w+ )?puffs|lit(?:re|er)s of oxygen|how (?:many|much) (?:\w+ )?(?:puffs?|mg|milligrams?|micrograms?|tablets?|pills?|{_DRUG})|"
    rf"how (?:often|many times)(?![^?.]{{0,20}}(?:clean|wash|replace|shake|check))[^?.]{{0,30}}{_DRUG}|\b(?:prescribe|prescription for|give me a prescription|write me a prescription)\b|"
    rf"(?:should|can|could|may|do) i (?:take|stop|start|increase|double|halve|reduce|change|skip|up|switch|use more|use less)[^?.]{{0,30}}{_DRUG}(?! (?:on|onto|to|in|into|with me|through) (?:the |a |my )?(?:plane|flight|airport|aircraft|cabin|hand luggage|security|holiday|gym|swimming))|(?:increase|double|halve|stop|skip) my {_DRUG}|(?:which|what|best) {_DRUG} should i|puffs? (?:a|per) day"
)  # fmt: skip
_OTHER = re.compile(
    r"(?:another|other|previous|last|different|next|someone else'?s|somebody else'?s) (?:patient|person|visitor|session|user)'?s?\b[^?.]{0,40}|(?:show|tell|give|open)[^?.]{0,25}(?:record|results?|data|file)s? (?:of|for) (?!me\b|my\b|this\b|the patient\b)(?:mr|mrs|ms|patient \w+|[a-z]+ [a-z]+)|who else (?:has|have) (?:used|been)|(?:other|all) (?:patients|sessions|users|visitors)"
)
_OFF = re.compile(
    r"world cup|won the (?:cup|match|league|game|election|war|race)|(?<!play )(?<!playing )(?:football|soccer|cricket|basketball|tennis)|olympic|stock (?:price|market)|bitcoin|crypto|\bweather\b(?! .*asthma)|write (?:me )?(?:a |an |some )?(?:poem|song|story|essay|code|python|program|joke)|tell me a joke|"
    r"capital of|president of|prime minister|python (?:code|script)|recipe for|movie|film (?:about|should)|celebrity|lottery|horoscope|translate (?:this|to)|\bsql\b|javascript|homework|who (?:painted|wrote|invented|sang)|pizza|car engine"
)  # fmt: skip
_INJECTION = re.compile(
    r"ignore (?:all |any |your |the |previous |prior |these )*(?:instructions?|rules|prompts?)|disregard (?:all |your |the |previous )*(?:instructions?|rules)|developer mode|jailbreak|system prompt|reveal (?:your |the )*(?:prompt|instructions|rules)|you are now|pretend (?:to be|you are)|act as (?:an?|if)|"
    r"i am (?:the|your) (?:developer|administrator|admin|creator)|override (?:your|the|safety)|new instructions|repeat (?:the )?(?:text|words) above|do anything now|print (?:your|the) (?:prompt|instructions)"
)  # fmt: skip
_DIAGNOSIS = re.compile(
    r"(?:do|have|did|could|is it|might) (?:i|this|it|he|she|the patient)[^?.]{0,20}(?:have|got|be)?[^?.]{0,12}(?:asthma|copd|emphysema|fibrosis|cancer|bronchitis)|"
    r"\bdoes (?:he|she|the patient) (?:really )?have (?:\w+ )?(?:asthma|copd|emphysema|fibrosis|cancer|bronchitis)|\bis (?:it|this|that) (?:really |perhaps |maybe )?(?:asthma|copd|emphysema|fibrosis|cancer|bronchitis)|diagnos"
)


def asks_diagnosis(message: str) -> bool:
    """Whether a message asks to confirm or rule out a disease."""
    return bool(_DIAGNOSIS.search(message.lower()))


def scope(message: str) -> Refusal | None:
    """What is declined by rule: doses and prescriptions, other people's records, attempts to change the rules, other topics."""
    text = " ".join(message.lower().replace("\u2019", "'").split())
    for kind, pattern, answer in (
        ("injection", _INJECTION, INJECTION), ("other_person", _OTHER, OTHER), ("dose", _DOSE, DOSE), ("off_topic", _OFF, OFF_TOPIC),
    ):  # fmt: skip
        if pattern.search(text):
            return Refusal(kind, answer)
    return None


# text of people ------------------------------------------------------------------------------------------------------
_TEMPLATE = re.compile(
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|start_of_turn|end_of_turn|eot_id|begin_of_text|s)\|?>|<\||\|>|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """Text of people as data: control and bidirectional characters and the marks of soft tokens out, template tokens broken."""
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return _TEMPLATE.sub(" ", kept)


# after the model -----------------------------------------------------------------------------------------------------
_NUMERAL = re.compile(r"(?<![A-Za-z0-9])(?<!\d[.,])[-\u2212]?\d+(?:[.,]\d+)*")
_TERM = re.compile(r"\b(?:FEV|FEF|FVC|HbA|SpO|PM|CO|COVID-)\d[\d.\-]*(?:/FVC)?|\bFEF25-75\b|\[\d+(?:\s*[,;]\s*\d+)*\]|\bA1c\b", re.IGNORECASE)
_CITATION = re.compile(r"\[(\d+(?:\s*[,;]\s*\d+)*)\]")
_NAMES = {
    "fev1_l": r"FEV1(?!/)", "fvc_l": r"(?<!/)FVC", "fev1_fvc": r"(?:FEV1/FVC|ratio)", "systolic_bp_mmhg": r"systolic(?: blood)?(?: pressure)?",
    "bmi_kg_m2": r"body mass index|BMI", "hba1c_percent": r"HbA1c", "spo2_percent": r"oxygen saturation|SpO2",
}  # fmt: skip


def allowed_numerals(facts: Iterable[Fact], passages: Iterable[Passage] = ()) -> frozenset[str]:
    """Numerals that an answer may hold: those of facts (also rounded to fewer places) and of passages."""
    allowed: set[str] = set()
    for fact in facts:
        allowed |= {_plain(found) for found in _NUMERAL.findall(_TERM.sub(" ", fact.text))}
        if fact.value is not None:
            places = len(fact.text.split()[0].partition(".")[2]) if fact.text else 0
            value = float(_NUMERAL.findall(fact.text)[0].replace("\u2212", "-")) if _NUMERAL.findall(fact.text) else fact.value
            allowed |= {_plain(f"{value:.{n}f}") for n in range(0 if abs(value) >= 10 else 1, places + 1)}
    for passage in passages:
        allowed |= {_plain(found) for found in _NUMERAL.findall(_TERM.sub(" ", f"{passage.title} {passage.text} {passage.year}"))}
    return frozenset(allowed)


def _plain(numeral: str) -> str:
    return numeral.replace("\u2212", "-").lstrip("-").rstrip(".,")


def check(answer: str, facts: Sequence[Fact], passages: Sequence[Passage]) -> Checks:
    """Every numeral supported, every citation among the passages, and no word that turns a fact round."""
    allowed = allowed_numerals(facts, passages)
    spoken = _TERM.sub(" ", answer)
    unsupported = tuple(n for n in dict.fromkeys(_NUMERAL.findall(spoken)) if _plain(n) not in allowed)
    cited = [int(n) for found in _CITATION.findall(answer) for n in re.findall(r"\d+", found)]
    notes = []
    words = {fact.name: fact.status for fact in facts}
    for name, pattern in _NAMES.items():
        status = words.get(name, "")
        if not status:
            continue
        for match in re.finditer(
            rf"your (?:{pattern})(?: of (?:[^,.;]|\.(?=\d)){{0,24}})?(?: is| was)?(?: (?:[^,.;]|\.(?=\d)){{0,24}}?)?,? (?:which is |is |was )?(?<!limit of )(?<!range of )(?<!not )(?<!than )(?<!below )(?<!above )(borderline low|borderline|low|normal|high|raised)\b",
            answer,
            re.IGNORECASE,
        ):
            said = match.group(1).lower()
            if said != status and not (said in status or status in said):
                notes.append(f"{name} was called {said} but is {status}")
    return Checks(not unsupported, unsupported, all(1 <= n <= len(passages) for n in cited), tuple(notes))
