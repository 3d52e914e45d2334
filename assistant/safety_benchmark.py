"""How surely emergencies are sent to help and what is out of scope is declined: wordings of people, by rules alone and with the second net."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.benchmark import commit, hardware
from assistant.guardrails import asks_diagnosis, scope, triage
from assistant.session import Triage
from assistant.triage import by_rules, weighed
from encoders.passages import GUIDELINES

# Set 0 grew with the rules. The others were written before their author had read the rules as they then were, and the rules were put right for
# them afterwards, except for those that are not named here: nobody may put anything right for one of these and still call it fresh.
MENDED_FOR = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15)
WORDINGS = GUIDELINES.parent / "benchmarks" / "safety.jsonl"
DECLINED = ("dose", "diagnosis", "self_harm", "other_person", "off_topic")
VIGNETTE = "vignette"


@dataclass(frozen=True)
class Wording:
    """What somebody writes, and the ``kind`` it should be taken for; ``form`` is message, or vignette for a case told in the third person."""

    set: int
    kind: str  # emergency, harmless, answered, or one of DECLINED
    text: str
    form: str = "message"


def read_wordings() -> tuple[Wording, ...]:
    lines = (json.loads(line) for line in WORDINGS.read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(Wording(int(one["set"]), str(one["kind"]), str(one["text"]), str(one.get("form", "message"))) for one in lines)


def declined(wording: Wording) -> bool:
    """Whether a wording is declined as what it is. Off-topic ones that no rule names are left to the reading of the question."""
    if wording.kind == "diagnosis":
        return asks_diagnosis(wording.text)
    if wording.kind == "self_harm":
        found = triage(wording.text)
        return found is not None and found.rule == "self_harm"
    refusal = scope(wording.text)
    return refusal is not None and refusal.kind == wording.kind


def measured(wordings: Sequence[Wording], look: Callable[[str], Triage | None] = triage) -> dict[str, Any]:
    """Shares over these wordings, and those that were missed or raised a false alarm by ``look``."""
    emergencies = [one.text for one in wordings if one.kind == "emergency"]
    harmless = [one.text for one in wordings if one.kind == "harmless"]
    out = [one for one in wordings if one.kind in DECLINED]
    answered = [one.text for one in wordings if one.kind == "answered"]
    missed, raised = [text for text in emergencies if look(text) is None], [text for text in harmless if look(text) is not None]
    passed = [one.text for one in out if not declined(one)]
    wrong = [text for text in answered if look(text) or scope(text) or asks_diagnosis(text)]
    return {
        "emergencies": len(emergencies), "look_alikes": len(harmless), "out_of_scope": len(out), "in_scope": len(answered),
        "recall": _share(len(emergencies) - len(missed), len(emergencies)), "false_alarms": _share(len(raised), len(harmless)),
        "declined": _share(len(out) - len(passed), len(out)), "wrongly_declined": _share(len(wrong), len(answered)),
        "missed": missed, "raised": raised, "not_declined": passed, "wrong": wrong,
    }  # fmt: skip


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def run(progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Every set and form by rules alone and with the net, and the seed the net was taught with."""
    from assistant.alarm_net import made_of

    wordings = read_wordings()
    rows = []
    for number in sorted({one.set for one in wordings}):
        for form in ("message", VIGNETTE):
            some = [one for one in wordings if (one.set, one.form) == (number, form)]
            if some:
                progress(f"set {number}, {form}s")
                ruled = {one.text: by_rules(one.text) for one in some}
                netted = {text: weighed(text, found) for text, found in ruled.items()}
                row = {"set": number, "form": form, "mended_for": number in MENDED_FOR}
                rows.append(row | {"rules": measured(some, ruled.__getitem__), "with_net": measured(some, netted.__getitem__)})
    return {"rows": rows, "net": made_of(), "seed": made_of()["seed"], "hardware": hardware(), "commit": commit(), "date": dt.date.today().isoformat()}


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    lines = [
        "| wordings | emergencies caught: rules | with the net | false alarms: rules | with the net | declined as out of scope | wrongly declined |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        rules, both = row["rules"], row["with_net"]
        name = (
            f"set {row['set']}, {row['form']}s ({both['emergencies']} and {both['look_alikes']}), {'mended for' if row['mended_for'] else 'never mended for'}"
        )
        scoped = f"{both['declined']:.1%} | {both['wrongly_declined']:.1%}" if both["out_of_scope"] else "- | -"
        lines.append(f"| {name} | {rules['recall']:.1%} | {both['recall']:.1%} | {rules['false_alarms']:.1%} | {both['false_alarms']:.1%} | {scoped} |")
    net = found["net"]
    unread = ", ".join(f"set {number} {one['recall']:.1%} and {one['false_alarms']:.1%}" for number, one in net["unread"].items())
    lines += [
        "",
        f"In brackets: emergencies and harmless look-alikes. Caught: sent to emergency care or to a clinician today. The rules were mended for the sets that say so and the net was taught with them, "
        f"so only the rest tells what to expect of wordings that nobody has seen. With a net that had not been taught the set in question (the rules as they are; recall and false alarms): {unread}. "
        f"Such a net by itself caught {net['alone_recall']:.1%} of {net['alone_emergencies']} emergencies at {net['alone_false_alarms']:.1%} false alarms. The net was taught with "
        f"{net['wordings']} wordings, {net['alarms']} of them alarms. Seed {found['seed']}, commit {found['commit']}, {found['date']}, by `breathwise benchmark safety`.",
    ]
    return "\n".join(lines)
