"""Teaching the model: five stages, one loop.

``encoder``   the curve encoder alone: what was measured, how the loop looks, which views are of one blow (no labels of disease)
``language``  the language model, from nothing: records, passages and dialogue as text
``curve``     language model frozen: the curve's soft tokens through the projector -> shape, pattern
``dialogue``  everything together: conversations with curve and table
``risk``      all of that frozen: soft tokens of the risk prompt's own, taught yes and no of the traits of a cohort

Another base model (``base_model``) skips the first language stage and gets a LoRA in the last one.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from encoders.cases import Taught, cohort_people, rebuilt_people, simulate_many
from encoders.curve_teaching import curve_lessons
from encoders.lessons import Lessons, conversations
from encoders.loop import teach
from encoders.model_folder import ModelError, load_language_model
from encoders.multimodal import MultimodalConfig, MultimodalLM, choose_device
from encoders.new_model import make_language_model, make_tokenizer
from encoders.passages import Passage
from encoders.record import QUANTITIES
from encoders.risk_teaching import teach_risks
from encoders.spirogram.encode import SpirogramEncoderConfig
from encoders.teacher.chat import ChatTeacher

RATIONALES = 0.12  # share of the dialogue stage's conversations that ask for reasons
STAGES = ("encoder", "language", "curve", "dialogue", "risk")


@dataclass(frozen=True)
class TrainConfig:
    """One run. ``shares`` is how the minutes are divided over STAGES."""

    minutes: float = 98.0
    seed: int = 7
    people: int = 3000
    vocabulary: int = 6144
    width: int = 256
    layers: int = 4
    inner: int = 768
    heads: int = 4
    tokens_per_batch: int = 3072
    learning_rate: float = 2e-3
    curve_widths: tuple[int, ...] = (32, 48, 96, 128)
    shares: tuple[float, ...] = (0.03, 0.17, 0.05, 0.55, 0.20)
    smoke: bool = False

    @classmethod
    def smoke_size(cls, **given: Any) -> TrainConfig:
        small: dict[str, Any] = {
            "minutes": 0.4, "people": 40, "vocabulary": 1200, "width": 64, "layers": 2, "inner": 128, "heads": 2,
            "tokens_per_batch": 1024, "curve_widths": (8, 8, 16, 32), "smoke": True,
        }  # fmt: skip
        return cls(**{**small, **given})

    @classmethod
    def gpu_size(cls, **given: Any) -> TrainConfig:
        large: dict[str, Any] = {
            "people": 40_000, "vocabulary": 8192, "width": 512, "layers": 6, "inner": 1536, "heads": 8,
            "tokens_per_batch": 65_536, "learning_rate": 1.5e-3,
        }  # fmt: skip
        return cls(**{**large, **given})


# the loop ------------------------------------------------------------------------------------------------------------
@dataclass
class Run:
    """Where a run is: enough to go on after a stop (weights are beside it; the optimiser's moments start anew)."""

    stage: int = 0
    spent: list[float] = field(default_factory=lambda: [0.0] * len(STAGES))
    tokens: int = 0
    losses: dict[str, float] = field(default_factory=dict)

    def save(self, folder: Path, model: MultimodalLM, config: TrainConfig) -> None:
        """Weights first under another name, then the place in the run: a kill in between loses a minute, not the run."""
        from safetensors.torch import save_model

        save_model(model, str(folder / "weights.part"))
        (folder / "weights.part").replace(folder / "weights.safetensors")
        state = {"run": asdict(self), "config": asdict(config)}
        (folder / "run.part").write_text(json.dumps(state), encoding="utf-8")
        (folder / "run.part").replace(folder / "run.json")


def train(
    out: Path, library: Sequence[Passage], config: TrainConfig, *, data: Path | None = None, base_model: str | None = None,
    resume: bool = False, work: Path | None = None, chat: ChatTeacher | None = None,
) -> Path:  # fmt: skip
    """Teach a model and write it to ``out``; ``data`` is a cohort table with traits. Resumable from ``work``.

    ``chat``: another teacher of rationales in the dialogue stage. Raises TeacherError where it does not answer at all.
    """
    from safetensors.torch import load_model

    device, _ = choose_device()
    work = work or out.parent / f"{out.name}-run"
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    rng = random.Random(config.seed)
    workers = 1 if config.smoke else os.cpu_count() or 1
    people = simulate_many(config.people, config.seed, workers)
    lessons = Lessons(people, library, rng, names_facts=base_model is None)

    if base_model is None:
        kept = work / "tokenizer"
        if resume and kept.is_dir():
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(str(kept))
        else:
            texts = (
                message["content"]
                for index in range(200 if config.smoke else 4000)
                for message in lessons.conversation(curve=bool(index % 2), turns=2, drill=0.1)[0]
            )
            tokenizer = make_tokenizer((text.replace("\ue000", "").replace("\ue001", "") for text in texts), config.vocabulary)
            tokenizer.save_pretrained(kept)
        lm = make_language_model(tokenizer, width=config.width, inner=config.inner, layers=config.layers, heads=config.heads)
    else:
        lm, tokenizer = load_language_model(base_model)
    shape = MultimodalConfig(curve=SpirogramEncoderConfig(widths=config.curve_widths))
    model = MultimodalLM(lm, tokenizer, shape)
    if base_model is not None:
        model.attach_lora()
    model.to(device).train()

    run = Run()
    if resume and (work / "run.json").is_file():
        state = json.loads((work / "run.json").read_text(encoding="utf-8"))
        run = Run(**state["run"])
        load_model(model, str(work / "weights.safetensors"))
    for index, stage in enumerate(STAGES):
        if index < run.stage or (stage == "language" and base_model is not None):
            continue
        if stage == "risk" and data is None:
            continue
        run.stage = index
        minutes = config.minutes * config.shares[index]

        def checkpoint(elapsed: float, index: int = index) -> None:
            run.spent[index] = elapsed
            run.save(work, model, config)

        if stage == "risk" and data is not None:
            adults, traits = cohort_people(data, "train", 200 if config.smoke else None)
            loss = teach_risks(model, adults, traits, minutes=minutes, seed=config.seed, spent=run.spent[index], checkpoint=checkpoint)
        else:
            lessons.chat = chat if stage == "dialogue" else None
            rebuilt = rebuilt_people(data, "train", 40 if config.smoke else None) if stage == "encoder" and data is not None else ()
            parameters, loss_of, rate = _stage(stage, model, lessons, rebuilt, config, minutes, run)
            loss = teach(
                parameters, loss_of, minutes=minutes, spent=run.spent[index], learning_rate=rate, name=stage, device=device,
                checkpoint=checkpoint,
            )  # fmt: skip
        if not math.isnan(loss):  # a resumed stage may have nothing left to do
            run.losses[stage] = loss
        run.stage = index + 1
        run.save(work, model, config)

    model.eval()
    if base_model is not None:
        model.save(out, base_model=base_model)
    else:
        model.lm.to(torch.bfloat16)
        model.save(out)
        model.lm.float()
    (out / "training.json").write_text(
        json.dumps({**_card(config, run, device, base_model), "teacher": chat.card() if chat else "code"}, indent=1) + "\n", encoding="utf-8"
    )
    return out


def _stage(
    stage: str, model: MultimodalLM, lessons: Lessons, rebuilt: Sequence[Taught], config: TrainConfig, minutes: float, run: Run,
) -> tuple[list[nn.Parameter], Callable[[], tuple[Tensor, int]], float]:  # fmt: skip
    """Which weights a stage teaches, from what, and how fast."""
    model.requires_grad_(False)
    started, spent = time.monotonic(), run.spent[STAGES.index(stage)]

    def done() -> float:
        return min(1.0, (spent + time.monotonic() - started) / (60 * minutes))

    if stage == "encoder":
        return *curve_lessons(model.encode_curve, [*lessons.people, *rebuilt], lessons.rng, str(model.device)), 2e-3

    if stage == "curve":  # without a curve there is nothing that this stage teaches
        lessons = replace(lessons, people=[one for one in lessons.people if one.person.curve is not None])
    about_curve = {"language": 0.0, "curve": 0.9, "dialogue": 0.12}[stage]
    batches = conversations(
        model, lessons, config.tokens_per_batch, at_once=24 if config.smoke else 96, curve=stage != "language", seen=about_curve, done=done,
        reasons=RATIONALES if stage == "dialogue" else 0.0,
    )  # fmt: skip
    # the curve's encoder stays as it was taught to measure: taught on through a language model it forgot how
    others = [p for name, p in model.named_parameters() if not name.startswith(("lm.", "encode_curve.", "read_risk."))]
    language = list(model.lm.parameters())
    if hasattr(model.lm, "peft_config"):
        language = [p for name, p in model.lm.named_parameters() if "lora_" in name]
    if stage == "curve":
        model.project_curve.match(model.lm.get_input_embeddings().weight)
        trained, rate = list(model.project_curve.parameters()), 1e-3
    elif stage == "language":
        trained, rate = [*language, *model.encode_table.parameters(), *model.project_table.parameters()], config.learning_rate
    else:
        trained, rate = [*language, *others], config.learning_rate * 0.6

    def loss_of() -> tuple[Tensor, int]:
        batch = next(batches)
        loss = model(batch)
        run.tokens += int(batch.attention_mask.sum())
        return loss, 1

    return trained, loss_of, rate


def _card(config: TrainConfig, run: Run, device: str, base_model: str | None) -> dict[str, Any]:
    """What the run was, for the model card."""
    import datetime as dt
    import platform

    try:
        where = Path(__file__).parent
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=where, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    hardware = torch.cuda.get_device_name() if device.startswith("cuda") else f"{os.cpu_count()} CPU cores, {platform.machine()}"
    return {
        "date": dt.date.today().isoformat(), "commit": commit, "hardware": hardware, "seed": config.seed,
        "minutes": config.minutes, "minutes_spent": [round(spent / 60, 1) for spent in run.spent], "tokens": run.tokens, "losses": run.losses, "base_model": base_model,
        "config": asdict(config), "quantities": len(QUANTITIES),
    }  # fmt: skip


__all__ = ["ModelError", "TrainConfig", "train"]
