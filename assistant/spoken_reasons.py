"""Reasons for and against a risk or a pattern, said in the chat: from the record and from the curve, the stretch marked on the loop.

The score stands first and no word changes it. Reasons of a risk are what it rests on (``assistant.reasons``) and no others. Reasons of a pattern follow ERS/ATS 2022 and the shape of the curve.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from assistant.reasons import CURVE, SPIROMETRY, SPOKEN, STRETCHES, explain, fields_of, spoken_stretch
from assistant.session import Contribution, Session, Turn
from encoders.record import Fact, write_out
from encoders.spirogram.measure import expiration
from encoders.spirogram.results import Maneuver
from encoders.teacher.risk import asked_trait
from encoders.teacher.sayable import Asked, compose, sentences
from encoders.teacher.sentences import join
from encoders.teacher.view import Case

SIXTHS = ("first", "second", "third", "fourth", "fifth", "last")  # of the breath out
BENT = 0.05  # of peak flow: a stretch within this of the straight line follows it; our own limit, no standard has one
NOT_A_CAUSE = "These are what the estimate was read from, which need not be causes, and it is not a diagnosis."
CLEAR = 0.25  # of the strongest field's share: weaker ones are not spoken of; our own limit
_OBSTRUCTIVE = ("obstruction", "possible_mixed", "possible_dysanapsis")
_RISK_TOKEN = re.compile(r"<\|risk_(\w+)\|>")
_ASKS_WHY = re.compile(r"\b(?:why|reasons?|what makes|what speaks|justify|evidence|based on|rests? on|how sure)\b", re.IGNORECASE)
_OF_PATTERN = re.compile(r"\b(?:pattern|obstruct\w*|restrict\w*|mixed|prism|dysanapsis|interpretation)\b", re.IGNORECASE)


def add(assistant: Any, session: Session, turn: Turn, intent: str, answer: str, *, meant: str = "") -> tuple[str, Turn]:
    """The answer with its reasons and the turn with its marked loop; both unchanged where no reasons were asked for.

    ``assistant`` has ``reader`` and ``risk``; ``meant`` is the question with its slips put right, if there were any.
    """
    if intent == "why_pattern" or (intent != "why_risk" and _ASKS_WHY.search(turn.question) and _OF_PATTERN.search(turn.question)):
        return _of_pattern(session, turn, "" if intent == "unknown" or "risk" in answer else answer)
    trait = asked_trait_of(session, meant or turn.question, intent)
    return _of_risk(assistant, session, turn, trait, answer) if trait else (answer, turn)


def asked_trait_of(session: Session, question: str, intent: str) -> str:
    """The trait whose reasons were asked for, else an empty string; "why?" right after a risk is about that risk."""
    told = session.told
    before = told[-1] if told else None
    about_risk = before is not None and before.seen.intent in ("risks", "why_risk")
    if intent != "why_risk" and not (intent == "why" and about_risk):
        return ""
    if intent == "why" and _OF_PATTERN.search(question):
        return ""
    known = {one.trait for one in session.risks}
    named = [asked_trait(question)]
    if before is not None and about_risk:
        named += [asked_trait(before.question), *_RISK_TOKEN.findall(before.seen.said)]
    return next((one for one in (*named, "copd") if one in known), "")


# a risk --------------------------------------------------------------------------------------------------------------
def _of_risk(assistant: Any, session: Session, turn: Turn, trait: str, answer: str) -> tuple[str, Turn]:
    """One set of reasons: those that the estimate rests on. What a model gave as reasons is let go, as it may not be what was read."""
    found = explain(assistant, session, trait)
    if not found:
        return answer, turn
    spoken = spoken_stretch(found)
    turn = replace(turn, reasons=found)
    if spoken is not None and spoken.stretch_l is not None:
        turn = replace(turn, plot="flow_volume", mark_l=spoken.stretch_l)
    return f"{score(session, trait)} {reasons_in_words(session.facts, found)} {NOT_A_CAUSE}", turn


def score(session: Session, trait: str) -> str:
    """The estimate with its interval, beside what is usual."""
    one = next(one for one in session.risks if one.trait == trait)
    status = next((fact.status for fact in session.facts if fact.name == f"risk_{trait}" and fact.status), "")
    told = f"{percent(one.probability)} ({status})" if status else percent(one.probability)
    shown = f"The estimated risk of {one.label} is {told}, with an interval from {percent(one.low)} to {percent(one.high)}"
    return f"{shown}; {percent(one.population)} is usual for your age and sex." if one.population else f"{shown}."


def percent(chance: float) -> str:
    """A chance as it is shown: a whole percent."""
    return f"{100 * chance:.0f} %" if chance >= 0.01 else "under 1 %"


def figures(session: Session) -> tuple[Fact, ...]:
    """The intervals and usual chances of the estimated risks as facts: an answer may hold their numerals."""
    return tuple(
        Fact(f"risk_{one.trait}_{name}", f"Estimated risk of {one.label}, {name}", percent(value), value, "")
        for one in session.risks for name, value in (("low", one.low), ("high", one.high), ("population", one.population)) if value is not None
    )  # fmt: skip


def reasons_in_words(facts: Sequence[Fact], found: Sequence[Contribution], *, marked: bool = True) -> str:
    """What raises an estimate and what lowers it, at most two fields each, then the curve; each value as its fact states it.

    A field is spoken of where it does at least ``CLEAR`` of what the strongest does. The values of the breathing test are one
    reason, since they tell of each other; height is none, since it says what to expect of them. ``marked``: whether a loop with
    the stretch marked stands beside the words.
    """
    from encoders.tabular import SPIROMETRY_COLUMNS  # needs torch, which a report without risks does without

    known = {fact.name: fact for fact in facts}
    apart = [one for one in fields_of(found) if one.name in known and one.name not in (*SPIROMETRY_COLUMNS, "height_cm")]
    test = [one for one in found if one.name == SPIROMETRY]
    fields = sorted((*apart, *test), key=lambda one: -abs(one.log_odds))
    test_fact = next((known[name] for name in ("pattern", "fev1_fvc", "fev1_l") if name in known), None)
    known |= {SPIROMETRY: Fact(SPIROMETRY, "Breathing test", test_fact.text if test_fact else "as a whole", None, "", "")}
    least = max(SPOKEN, CLEAR * max((abs(one.log_odds) for one in fields), default=0.0))
    sides = {side: [_named(known[one.name]) for one in fields if side * one.log_odds >= least][:2] for side in (1, -1)}
    said = [f"What {verb} it most is {join(sides[side])}" for verb, side in (("raises", 1), ("lowers", -1)) if sides[side]]
    words = f"{said[0]}; {said[1][0].lower()}{said[1][1:]}." if len(said) == 2 else f"{said[0]}." if said else "No single value changes it clearly."
    return " ".join([words, *curve_in_words(found, marked=marked)])


def curve_in_words(found: Sequence[Contribution], *, marked: bool = True) -> tuple[str, ...]:
    """What the curve does to an estimate, and its stretch that does most; empty where no curve was read."""
    whole = next((one.log_odds for one in found if one.name == CURVE), None)
    if whole is None:
        return ()
    spoken = spoken_stretch(found)
    verb = "raises" if whole > 0 else "lowers"
    head = f"The curve as a whole {verb} it" if abs(whole) >= SPOKEN else "The curve as a whole hardly changes it"
    if spoken is None:
        return (f"{head}.",)
    where = ", which is marked on the loop" if marked else ""
    if spoken.log_odds * whole > 0 and abs(whole) >= SPOKEN:
        return (f"{head}, most of all the {sixth(spoken, found)} of the breath out{where}.",)
    return (f"{head}, but the {sixth(spoken, found)} of the breath out{f'{where},' if where else ''} {'raises' if spoken.log_odds > 0 else 'lowers'} it.",)


def sixth(spoken: Contribution, found: Sequence[Contribution]) -> str:
    """Which part of the breath a stretch is, in words."""
    whole = max(one.stretch_l[1] for one in found if one.stretch_l is not None)
    return _sixth(spoken.stretch_l[0] if spoken.stretch_l else 0.0, whole)


def _sixth(low_l: float, whole_l: float) -> str:
    return f"{SIXTHS[min(round(STRETCHES * low_l / whole_l), STRETCHES - 1)]} sixth"


def _named(fact: Fact) -> str:
    """A fact as a reason: "your age (67 years)", "your FEV1/FVC (0.45, low)"."""
    first = fact.label.split()[0]
    label = fact.label[:1].lower() + fact.label[1:] if first[1:].islower() else fact.label
    return f"your {label} ({fact.text}{f', {fact.status}' if fact.status else ''})"


# a pattern -----------------------------------------------------------------------------------------------------------
def _of_pattern(session: Session, turn: Turn, answer: str) -> tuple[str, Turn]:
    """``answer`` is empty where it spoke of something else; then the teacher's own reasons stand for it."""
    from encoders.cases import chosen

    test, known = session.spirometry, {fact.name: fact for fact in session.facts}
    if test is None or test.interpretation is None or "pattern" not in known:
        return answer, turn
    pattern = test.interpretation.pattern
    if not answer:
        reply = compose(Case(session.patient, test, session.facts), (Asked("why", turn.question),))
        answer = write_out(reply.text, session.facts) if reply is not None else ""
    said = list(sentences(answer))
    if known["pattern"].text not in " ".join(said):
        said.insert(0, f"The pattern is {known['pattern'].text}.")
    if "against it" not in answer:
        said.append(_against(known))
    read = chosen(test)
    bent = bend(read[0]) if read is not None else None
    if read is not None and bent is not None:
        low, high, off = bent
        lies = "runs below" if off < -BENT else "runs above" if off > BENT else "keeps close to"
        side = "for" if (off < -BENT) is (pattern in _OBSTRUCTIVE) else "against"
        where = f"{_sixth(low, read[0].fvc_l or high)} of the breath out, which is marked on the loop"
        if any(
            one.startswith("On the curve") and f"nothing clear speaks {side} it" in one for one in said
        ):  # the whole limb was judged, so no part of it is against that
            said.append(f"The part of the curve that lies farthest from a straight line from the peak to the end is the {where}.")
        else:
            said.append(f"On the curve, the {where}, {lies} a straight line from the peak to the end: that speaks {side} it.")
        turn = replace(turn, plot="flow_volume", mark_l=(low, high))
    return " ".join(said), turn


def _against(known: dict[str, Fact]) -> str:
    """What in the test calls for caution: a value at its limit, a weak grade."""
    names = {"fev1_fvc": "FEV1/FVC ratio", "fev1_l": "FEV1", "fvc_l": "FVC"}
    found = [f"your {words} is close to its limit" for name, words in names.items() if name in known and "borderline" in known[name].status]
    if "fev1_grade" in known and known["fev1_grade"].text[:1] in "DEU":
        found.append(f"the FEV1 has quality grade {known['fev1_grade'].text}")
    return f"What speaks against it is that {join(found)}." if found else "Nothing among the values speaks against it."


def bend(maneuver: Maneuver) -> tuple[float, float, float] | None:
    """The sixth of the breath after the peak that lies farthest from a straight limb: its litres, and how far (of peak flow, below it negative)."""
    out = expiration(maneuver.blow)
    if out is None or not maneuver.fvc_l or not maneuver.pef_l_s:
        return None
    volume = np.maximum.accumulate(out.volume_l)
    peak = int(np.argmax(out.flow_l_s))
    edges = np.linspace(0.0, maneuver.fvc_l, STRETCHES + 1)
    found = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        litres = np.linspace(low, high, 40)
        litres = litres[litres >= volume[peak]]
        if len(litres) < 20:  # most of it lies before the peak
            continue
        line = out.flow_l_s[peak] * (maneuver.fvc_l - litres) / max(maneuver.fvc_l - float(volume[peak]), 1e-6)
        found.append((float(low), float(high), float(np.mean(np.interp(litres, volume, out.flow_l_s) - line)) / maneuver.pef_l_s))
    return max(found, key=lambda one: abs(one[2]), default=None)
