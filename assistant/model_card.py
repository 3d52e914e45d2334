"""A model's card, written from what its training and its test on held-out people recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(folder: Path) -> Path:
    """Write README.md into a model's folder from its training.json, breathwise.json and risk.json."""
    spoken = _read(folder.parent.parent / "transcripts" / "summary.json")
    if spoken.get("model") != folder.name:
        spoken = {}
    text = card(*(_read(folder / name) for name in ("training.json", "config.json", "risk.json")), sizes=_sizes(folder), spoken=spoken)
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    return path


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _sizes(folder: Path) -> dict[str, float]:
    """Weights by file, in millions, from the headers of the safetensors files."""
    from safetensors import safe_open

    sizes = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "np") as file:
            shapes = [file.get_slice(key).get_shape() for key in file.keys()]  # noqa: SIM118 - it is no dict
        total = 0
        for shape in shapes:
            count = 1
            for side in shape:
                count *= side
            total += count
        sizes[path.name] = total / 1e6
    return sizes


def card(training: dict[str, Any], config: dict[str, Any], risk: dict[str, Any], *, sizes: dict[str, float], spoken: dict[str, Any]) -> str:
    """The card as Markdown."""
    losses = ", ".join(f"{stage} {loss:.3f}" for stage, loss in training.get("losses", {}).items())
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: transformers",
        "tags: [spirometry, health, multimodal]",
        "---",
        "",
        f"# {training.get('name', 'breathwise-mini')}",
        "",
        "> Research and education only. Not a medical device: it states patterns and risks, never a diagnosis, a prescription or a dose.",
        "",
        f"A {config.get('architectures', ['causal'])[0]} of {config.get('num_hidden_layers')} layers and width {config.get('hidden_size')} with its own byte-level BPE "
        f"({config.get('vocab_size')} tokens), an encoder of the spirogram (at most 16 soft tokens) and one of the table. "
        + "; ".join(f"{name}: {size:.1f} M weights" for name, size in sizes.items())
        + ".",
        "",
        "## How it was taught",
        "",
        f"From nothing, by `breathwise train --data COHORT --minutes {training.get('minutes'):g} --seed {training.get('seed')}`"
        f"{' in several sittings, named below: no single command gives these weights again' if training.get('note') else ''}, on {training.get('hardware')}, {training.get('date')}, "
        f"commit {training.get('commit')}; {training.get('tokens', 0) / 1e6:.1f} M tokens of text read. Running mean of the loss at the end of each stage: {losses}.",
        "",
        "The text is written by a code teacher that knows the (simulated) patient and the passages; the traits for risk are those of the training fold of NHANES "
        "2007-2010, with curves rebuilt from recorded indices. No other text was read: it speaks about a patient's lung function, record and wellness, and about little else.",
        "",
        f"This is the size that the hardware at hand taught well in the time given ({training.get('hardware')}). On a GPU the same command teaches a larger one.",
        "",
    ]
    if isinstance(training.get("teacher"), dict):
        told = training["teacher"]
        lines += [
            f"Rationales were also written by `{told['name']}`: asked {told['asked']} times, {told['learned']} were learned and {told['rejected']} rejected by the check "
            "against the patient; the code teacher's were learned instead.",
            "",
        ]
    if training.get("note"):
        lines += [training["note"], ""]
    if spoken:
        counts = spoken["answers"]
        total = sum(counts.values())
        lines += [
            "## What it says by itself",
            "",
            f"Every sentence is checked against the facts and the cited passages. Of the answers to the twelve questions about the seven example patients {spoken['by_rule']} were fixed by rule; of the other {total} "
            f"{counts.get('model', 0)} passed as the model wrote them, {counts.get('model, second try', 0)} on its second try, and {counts.get('code', 0)} had to be composed by code "
            f"(`breathwise transcripts`, {spoken['hardware']}, commit {spoken['commit']}, {spoken['date']}). It most often errs on looking up a single word of the record "
            "(a smoking status, whether a blood pressure is raised).",
            "",
        ]
    lines += [
        "## The honest table",
        "",
        "Yes against no of each question, calibrated on the training and validation folds, with the same columns for the classical models. Written by `breathwise evaluate risk COHORT --readme README.md` of this folder, after training.",
        "",
        "<!-- evaluation -->",
        "<!-- /evaluation -->",
        "",
        "## The conversation, measured",
        "",
        "Written by `breathwise evaluate dialogue --readme README.md` of this folder, after training.",
        "",
        "<!-- dialogue -->",
        "<!-- /dialogue -->",
        "",
    ]
    lines += [
        "## Limits",
        "",
        "- It learned to speak from simulated people and one teacher; wordings far from those it saw may be misread.",
        "- It may write a number only by naming a fact (code writes the value) or as it stands in a passage; every answer is checked by code afterwards.",
        "- Risks are of having been told of a condition in one American survey; they are not chances of falling ill.",
        "",
    ]
    return "\n".join(lines)
