"""What stands around the model: red flags and scope before it, every number and citation checked after it. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from assistant.scope import DOSE, INJECTION, OFF_TOPIC, OTHER, Refusal, asks_diagnosis, scope
from assistant.session import Checks
from assistant.triage import triage
from encoders.passages import Passage
from encoders.record import Fact

__all__ = ["DOSE", "INJECTION", "OFF_TOPIC", "OTHER", "Refusal", "allowed_numerals", "asks_diagnosis", "check", "clean", "scope", "triage"]


# text of people ------------------------------------------------------------------------------------------------------
_TEMPLATE = re.compile(
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|start_of_turn|end_of_turn|eot_id|begin_of_text|start_header_id|end_header_id|tool_call|tool_response|think|bos|eos|pad|unk|mask|s)\|?>|<\||\|>|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\]|<</?SYS>>",
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
