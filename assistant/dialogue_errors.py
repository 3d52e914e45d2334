"""Errors of an answer in six classes, by rule: those by which CheXprompt sorts the errors of radiology reports.

False finding, omission, wrong place, wrong severity, invented comparison, missed comparison (Zambrano Chaves et al., arXiv
2403.08002). A "place" is here the measure or the part of the loop that something is said of; a comparison is one with the
reference values, with people alike, or of before and after a bronchodilator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.dialogue_statements import Said, Truth, read_statements
from assistant.scripted import Line

CLASSES = ("false finding", "omission", "wrong place", "wrong severity", "invented comparison", "missed comparison")
ASKED_AS = {  # what a question asks for -> where it stands among the statements
    "fev1_z": ("fev1_l", "z"), "fev1_percent_predicted": ("fev1_l", "percent"), "fev1_lln_l": ("fev1_l", "lln"), "fev1_grade": ("fev1_l", "grade"),
    "shape": ("limb", "shape"),
}  # fmt: skip
_COMPARED = ("status", "status not", "percent", "z", "lln", "predicted", "usual")
_TEST = ("fev1_l", "fvc_l", "fev1_fvc")
_LISTS = {"no conditions": "conditions", "no medicines": "medications", "no symptoms": "symptoms"}
_LOW, _HIGH = ("low", "borderline low", "slightly low", "borderline"), ("raised", "high")


@dataclass(frozen=True)
class Error:
    kind: str  # one of CLASSES
    what: str  # what was said or left out, and what is true
    sentence: str = ""


def errors_of(answer: str, line: Line, truth: Truth, *, declined: bool = False) -> tuple[Error, ...]:
    """Every error of one answer: what it states and is not so, then what was asked for, is known and is not there."""
    said = read_statements(answer)
    wrong = [error for one in said if (error := _wrong(one, truth)) is not None]
    return tuple(dict.fromkeys((*wrong, *(() if declined else _left_out(answer, said, line, truth)))))


def agrees(numeral: str, value: float) -> bool:
    """Whether a numeral is this value rounded to the numeral's own places (3.2 for 3.18 is, 3.1 is not)."""
    places = len(numeral.partition(".")[2])
    return abs(float(numeral) - value) <= 0.5 * 10.0**-places + 1e-9


def _wrong(one: Said, truth: Truth) -> Error | None:
    """The error of a statement; None where it is so, or where nothing is known that it could contradict."""

    def error(kind: str, known: object) -> Error:
        return Error(kind, f"{one.subject} {one.attribute} {one.word!r}, but it is {known}", one.sentence)

    key = (one.subject, one.attribute)
    if one.attribute == "absent":
        known = truth.knows(one.subject) if one.subject != "test" else any(truth.knows(name) for name in _TEST)
        return error("missed comparison" if one.subject == "bronchodilator" else "omission", "in the record") if known else None
    if one.attribute in ("listed", "not listed"):
        if one.word in ("no conditions", "no medicines", "no symptoms"):
            held = truth.words.get((_LISTS[one.word], "list"), "")
            return error("omission", held) if held else None
        listed = one.word in truth.words.get(("conditions", "list"), "")
        if listed == (one.attribute == "listed"):
            return None
        return error("omission" if listed else "false finding", "listed" if listed else "not listed")
    if one.attribute == "chance":
        return _wrong_chance(one, truth)
    if one.attribute in ("value", "percent", "z", "lln", "predicted"):
        if key not in truth.numbers:
            return error("false finding" if one.attribute == "value" else "invented comparison", "not known")
        if agrees(one.word, truth.numbers[key]) or (one.subject == "age_years" and one.word == str(int(truth.numbers[key]))):  # an age is one in whole years
            return None
        elsewhere = [
            name for name in _same_place(one.subject) if (name, one.attribute) in truth.numbers and agrees(one.word, truth.numbers[name, one.attribute])
        ]
        return error("wrong place" if elsewhere else "false finding" if one.attribute == "value" else "invented comparison", round(truth.numbers[key], 2))
    if one.attribute in ("status", "status not"):
        return _wrong_status(one, truth)
    if key not in truth.words:
        return error("invented comparison" if one.attribute == "usual" or one.subject == "bronchodilator" else "false finding", "not known")
    true = truth.words[key]
    if one.word.lower() == true.lower():
        return None
    if one.attribute == "list":
        return None if set(re.findall(r"\w+", one.word)) <= set(re.findall(r"\w+", true)) else error("false finding", true)
    if one.attribute == "grade":
        return error("wrong place" if any(truth.words.get((name, "grade")) == one.word for name in ("fev1_l", "fvc_l")) else "wrong severity", true)
    if one.subject == "severity":
        return error("wrong severity", true)
    return error("invented comparison" if one.attribute == "usual" or one.subject == "bronchodilator" else "false finding", true)


def _wrong_chance(one: Said, truth: Truth) -> Error | None:
    known = truth.numbers.get((one.subject, "chance"))

    def fits(chance: float) -> bool:
        return chance < 0.01 if one.word == "under 1" else agrees(one.word, 100 * chance)

    if known is not None and fits(known):
        return None
    others = [name for (name, attribute), chance in truth.numbers.items() if attribute == "chance" and fits(chance)]
    true = "not estimated" if known is None else f"{100 * known:.0f} %"
    return Error("wrong place" if others and known is not None else "false finding", f"{one.subject} {one.word} %, but it is {true}", one.sentence)


def _wrong_status(one: Said, truth: Truth) -> Error | None:
    true = truth.words.get((one.subject, "status"))
    what = f"{one.subject} {one.attribute} {one.word!r}, but it is {true or 'not compared'}"
    if true is None:
        return Error("invented comparison" if one.subject in _TEST else "false finding", what, one.sentence)
    if one.attribute == "status not":
        return Error("false finding", what, one.sentence) if one.word == true else None
    if one.word == true or (one.word == "low" and true == "borderline low"):
        return None
    same = any(one.word in side and true in side for side in (_LOW, _HIGH))
    return Error("wrong severity" if same else "false finding", what, one.sentence)


def _same_place(subject: str) -> tuple[str, ...]:
    """The measures with which one may be mistaken."""
    for group in (_TEST, ("systolic_bp_mmhg", "diastolic_bp_mmhg"), ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "triglycerides_mg_dl")):
        if subject in group:
            return tuple(name for name in group if name != subject)
    return ()


def _left_out(answer: str, said: Sequence[Said], line: Line, truth: Truth) -> Iterator[Error]:
    """What was asked for, is known, and is not said; an answer without the comparison that was asked for misses that."""
    for name in line.about:
        if name == "missing":
            if not re.search(r"[Nn]ot measured|are all there", answer):
                yield Error("omission", "what is not measured was asked for")
            continue
        subject, attribute = ASKED_AS.get(name, (name, ""))
        known = any(key[0] == subject and (not attribute or key[1] == attribute) for key in (*truth.numbers, *truth.words))
        if not known:
            continue
        mine = [one for one in said if one.subject == subject]
        if attribute:
            if not any(one.attribute == attribute for one in mine):
                yield Error("missed comparison" if line.compares else "omission", f"{name} was asked for and is known")
        elif line.compares and not any(one.attribute in _COMPARED or subject == "bronchodilator" for one in mine):
            compared = any(key[0] == subject and key[1] in _COMPARED for key in (*truth.numbers, *truth.words))
            if compared or not mine:
                yield Error("missed comparison" if compared else "omission", f"{name} was to be compared")
        elif not mine:
            yield Error("omission", f"{name} was asked for and is known")
