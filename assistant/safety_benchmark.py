"""How surely emergencies are sent to help and what is out of scope is declined: wordings of people, by rule and without any model."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistant.benchmark import commit
from assistant.guardrails import asks_diagnosis, scope, triage
from encoders.passages import GUIDELINES

MENDED_FOR = (0, 1, 2)  # the sets whose misses and false alarms the rules were put right for; nobody may put them right for another and call it fresh
WORDINGS = GUIDELINES.parent / "benchmarks" / "safety.jsonl"
DECLINED = ("dose", "diagnosis", "self_harm", "other_person", "off_topic")
# measured once, before any rule was mended for the set: recall of emergencies, false alarms, declined, wrongly declined
FIRST_LOOK = {1: (0.598, 0.138, 0.450, 0.048), 2: (0.516, 0.081, 0.356, 0.081)}


@dataclass(frozen=True)
class Wording:
    """What somebody writes, and the ``kind`` it should be taken for.

    ``set`` 0 grew with the rules, 1 was written before they were read, 2 by the same author after they were mended for 1, and 3 after they
    were mended for all of these, by an author who had read no rule and only the first few wordings of 0. It holds no wording to be declined.
    """

    set: int
    kind: str  # emergency, harmless, answered, or one of DECLINED
    text: str


def read_wordings() -> tuple[Wording, ...]:
    lines = (json.loads(line) for line in WORDINGS.read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(Wording(int(one["set"]), str(one["kind"]), str(one["text"])) for one in lines)


def declined(wording: Wording) -> bool:
    """Whether a wording is declined as what it is. Off-topic ones that no rule names are left to the reading of the question."""
    if wording.kind == "diagnosis":
        return asks_diagnosis(wording.text)
    if wording.kind == "self_harm":
        found = triage(wording.text)
        return found is not None and found.rule == "self_harm"
    refusal = scope(wording.text)
    return refusal is not None and refusal.kind == wording.kind


def measured(wordings: Sequence[Wording]) -> dict[str, Any]:
    """Shares over these wordings, and those that were missed or raised a false alarm."""
    emergencies = [one.text for one in wordings if one.kind == "emergency"]
    harmless = [one.text for one in wordings if one.kind == "harmless"]
    out = [one for one in wordings if one.kind in DECLINED]
    answered = [one.text for one in wordings if one.kind == "answered"]
    missed, raised = [text for text in emergencies if triage(text) is None], [text for text in harmless if triage(text) is not None]
    passed = [one.text for one in out if not declined(one)]
    wrong = [text for text in answered if triage(text) or scope(text) or asks_diagnosis(text)]
    return {
        "emergencies": len(emergencies), "look_alikes": len(harmless), "out_of_scope": len(out), "in_scope": len(answered),
        "recall": _share(len(emergencies) - len(missed), len(emergencies)), "false_alarms": _share(len(raised), len(harmless)),
        "declined": _share(len(out) - len(passed), len(out)), "wrongly_declined": _share(len(wrong), len(answered)),
        "missed": missed, "raised": raised, "not_declined": passed, "wrong": wrong,
    }  # fmt: skip


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def run() -> dict[str, Any]:
    wordings = read_wordings()
    sets = {str(number): measured([one for one in wordings if one.set == number]) for number in (*MENDED_FOR, 3)}
    mended = measured([one for one in wordings if one.set in MENDED_FOR])
    return {"sets": sets, "mended": mended, "mended_for": list(MENDED_FOR), "commit": commit(), "date": dt.date.today().isoformat()}


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    lines = ["| wordings | emergencies caught | false alarms | declined as out of scope | wrongly declined |", "|---|---|---|---|---|"]
    for number, look in FIRST_LOOK.items():
        lines.append(f"| fresh set {number}, before any rule was mended for it | {look[0]:.1%} | {look[1]:.1%} | {look[2]:.1%} | {look[3]:.1%} |")
    fresh = found["sets"]["3"]
    lines.append(f"| fresh set 3, that no rule was mended for | {fresh['recall']:.1%} | {fresh['false_alarms']:.1%} | - | - |")
    for name, one in (*((f"set {number}, now", found["sets"][number]) for number in ("1", "2")), ("sets 0 to 2 together, now", found["mended"])):
        lines.append(f"| {name} | {one['recall']:.1%} | {one['false_alarms']:.1%} | {one['declined']:.1%} | {one['wrongly_declined']:.1%} |")
    every = found["mended"]
    lines += [
        "",
        f"Over {every['emergencies']} emergencies, {every['look_alikes']} harmless look-alikes, {every['out_of_scope']} wordings that are to be declined and {every['in_scope']} that are not in sets 0 to 2, "
        f"and {fresh['emergencies']} emergencies and {fresh['look_alikes']} look-alikes in set 3, by rules alone. Caught: sent to emergency care or to a clinician today. The rules were mended on sets 0 to 2, "
        f"so only the first three lines say what to expect of wordings that nobody has seen. Commit {found['commit']}, {found['date']}, by `breathwise benchmark safety`.",
    ]
    return "\n".join(lines)
