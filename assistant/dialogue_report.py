"""The conversation's measures as Markdown and JSON, and what it was measured on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.benchmark import commit, hardware, write_json
from assistant.dialogue_errors import CLASSES
from assistant.dialogue_systems import SYSTEMS
from encoders.model_folder import fingerprint

_COLUMNS: tuple[tuple[str, str], ...] = (  # column, key of a system's summary
    ("numbers supported", "numbers_supported"), ("citations valid", "citations_valid"), ("claims supported", "claims_supported"),
    ("cited passage on topic", "cited_passage_on_topic"), ("refused, of what must be", "right_refusals"), ("refused, of what must not be", "wrong_refusals"),
    ("answers with an error", "answers_with_an_error"), ("passed as written", "passed_as_written"),
)  # fmt: skip


def provenance(model_folder: Path, name: str, device: str, curves: Sequence[Path], seed: int, minutes: float) -> dict[str, Any]:
    """What was measured, on what, when: enough to do it again."""
    where = hardware()
    if device.startswith("cuda"):
        import torch

        where = str(torch.cuda.get_device_name())
    return {
        "model": name, "weights_sha256": fingerprint(model_folder) if name == model_folder.name else "another", "curves": [path.name for path in curves], "seed": seed, "commit": commit(),
        "date": dt.date.today().isoformat(), "hardware": where, "minutes": round(minutes, 1),
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The README's and the card's lines."""
    ours, said, sources = found["systems"]["ours"], found["provenance"], found["sources"]
    real = f", {sources['real']} about real blows beside made-up records" if sources["real"] else ""
    lines = [
        f"{found['conversations']} scripted conversations ({found['turns']} turns of 3 to 6 each: {sources['simulated']} about simulated people, {sources['example']} about the "
        f"example patients{real}), asked in wordings the assistant was not built with, typing errors included. Systems other than ours held {found['conversations_ablated']} of "
        'them. Everything is measured by rule, apart from the dialogue\'s own checks; "as written" is what the model first wrote, before anything was checked.',
        "",
        f"| system | turns | {' | '.join(column for column, _ in _COLUMNS)} |",
        f"|---|---|{'---|' * len(_COLUMNS)}",
    ]
    for name, label in _rows(found):
        one = found["systems"][name]
        lines.append(f"| {label} | {one['turns']} | {' | '.join(_percent(one[key]) for _, key in _COLUMNS)} |")
    lines += ["", f"| errors by class, each 100 answers | {' | '.join(CLASSES)} |", f"|---|{'---|' * len(CLASSES)}"]
    for name, label in _rows(found):
        one = found["systems"][name]
        rates = (f"{100 * one['errors'][kind] / max(one['turns'], 1):.1f}" for kind in CLASSES)
        lines.append(f"| {label} | {' | '.join(rates)} |")
    lines += ["", *_sentences(found), ""]
    first, total = ours["first_token_s"], ours["total_s"]
    took = (
        f"First token after {first['median']:.2f} s (95th percentile {first['p95']:.2f}), checked answer after {total['median']:.2f} s ({total['p95']:.2f}). "
        if first
        else ""
    )
    lines.append(
        f"{took}Model {said['model']} (weights {said['weights_sha256']}), seed {said['seed']}, commit {said['commit']}, {said['hardware']}, {said['date']}, "
        f"{said['minutes']:g} minutes; by `breathwise evaluate dialogue`."
    )
    return "\n".join(lines)


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Each system that was measured, as answered and as the model wrote it, with its words."""
    both = [(f"{name}{end}", f"{label}{end}") for name, label in SYSTEMS.items() for end in ("", ", as written")]
    return [(name, label) for name, label in both if name in found["systems"]]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _sentences(found: dict[str, Any]) -> list[str]:
    """What is said once, of ours."""
    ours, changes = found["systems"]["ours"], found["changes"]
    lines = [
        f"Red flags: {_percent(ours['red_flag_recall'])} of {ours['red_flags']} were sent to emergency or same-day care; of {ours['look_alikes']} harmless look-alikes "
        f"{_percent(ours['false_alarms_of_look_alikes'])} were, of all other questions {_percent(ours['false_alarms_elsewhere'])}. "
        f"{_percent(ours['guidance_from_a_passage_on_topic'])} of the questions for guidance are answered from a passage on their topic. "
        f"{ours['turns_that_contradict_an_earlier']} of {ours['turns']} turns contradict an earlier one; {ours['repeated_sentences']} sentences stand twice in an answer. "
        f"Reading grade (Flesch-Kincaid, median): {ours['reading_grade_median']}."
    ]
    if changes["conversations"]:
        lines += [
            "",
            f"About changed patients ({changes['conversations']} conversations): with another person's blows beside the same record {_percent(changes['changed_with_the_curve'])} of "
            f"{changes['due']} answers that had to change did; under another label and with lists in another order {_percent(changes['same_under_another_label'])} of "
            f"{changes['idle']} answers stayed the same.",
        ]
    return lines


def write(found: dict[str, Any], out: Path) -> str:
    """``dialogue.json`` and ``dialogue.md`` (the table, then examples of everything found wrong) into a folder; returns the table's lines."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(found, out / "dialogue.json")
    lines = table(found)
    (out / "dialogue.md").write_text(f"# The conversation, measured\n\n{lines}\n\n{_examples(found)}\n", encoding="utf-8")
    return lines


def _examples(found: dict[str, Any]) -> str:
    lines = ["## What was found wrong", "", "Up to twelve examples each. Everyone asked about is made up."]
    for system, kinds in found["found"].items():
        label = dict(_rows(found))[system]
        for kind, notes in kinds.items():
            lines += ["", f"### {label}: {kind}", ""]
            lines += [f"- *{_line(one['asked'])}* {_line(one['answer'])} ({_line(one['why'])})" for one in notes]
    if found["changes"]["unmoved"] or found["changes"]["moved"]:
        lines += ["", "### Changed patients", ""]
        lines += [f"- {label}: {_line(text)}" for label in ("unmoved", "moved") for text in found["changes"][label]]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())
