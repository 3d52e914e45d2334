"""Teaching the model: five stages, one loop.

``encoder``   the curve encoder alone: from its soft tokens, what was measured and how the loop looks (no labels of disease)
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from encoders import teacher
from encoders.batch import Batch, Encoded, Person
from encoders.cases import Taught, cohort_people, simulate_many
from encoders.conversation import system_message, user_message
from encoders.loop import teach
from encoders.multimodal import ModelError, MultimodalConfig, MultimodalLM, choose_device, load_language_model
from encoders.passages import Passage
from encoders.record import FACT_NAMES, QUANTITIES, write_out
from encoders.risk_teaching import teach_risks
from encoders.spirogram.encode import SpirogramEncoderConfig
from encoders.teacher.chat import ChatTeacher

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
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


# conversations -> rows -----------------------------------------------------------------------------------------------
@dataclass
class Lessons:
    """Draws conversations about people, as encoded rows."""

    people: Sequence[Taught]
    library: Sequence[Passage]
    rng: random.Random
    names_facts: bool = True
    chat: ChatTeacher | None = None  # another teacher for rationales; what it writes is checked before it is learned

    @cached_property
    def unread(self) -> tuple[Taught, ...]:
        """People whose test names no pattern: too few to learn from if they were drawn as they come."""
        return tuple(one for one in self.people if one.spirometry is None or one.spirometry.interpretation is None)

    def conversation(
        self, *, curve: bool, turns: int, drill: float = 0.0, seen: float = 0.0, reasons: float = 0.0, step: str = "both"
    ) -> tuple[list[dict[str, str]], Person]:  # fmt: skip
        unread = self.rng.random() < 0.2 and self.unread
        one = self.rng.choice(unread or self.people)
        if not curve and one.spirometry is not None:
            one = replace(one, spirometry=replace(one.spirometry, shape=()))
        case = teacher.Case(one.patient, one.spirometry, one.facts)
        intents = teacher.SEEN if self.rng.random() < seen else None
        if self.rng.random() < reasons:
            taught = tuple(teacher.rationales(case, self.rng, step) for _ in range(self.rng.randint(1, 2)))
        elif self.rng.random() < drill:
            taught = tuple(teacher.drills(case, self.rng) for _ in range(self.rng.randint(1, 4)))
        else:
            taught = teacher.converse(case, self.library, self.rng, turns=turns, intents=intents)
        if self.chat is not None:
            taught = tuple(
                replace(turn, answer=self.chat.rationale(case, turn.question, turn.answer)) if turn.intent in teacher.RATIONALES else turn for turn in taught
            )
        has_curve = curve and one.person.curve is not None
        known = {fact.name for fact in one.facts}
        missing = tuple(name for name in FACT_NAMES if name not in known and not name.startswith("risk_"))
        shown = missing if self.names_facts else missing[:12]
        messages = [system_message(one.facts, shown, curve=has_curve, by_token=self.names_facts)]
        for turn in taught:
            topic = turn.intent if self.rng.random() < 0.9 else "unknown"
            answer = turn.answer if self.names_facts else write_out(turn.answer, one.facts)
            messages += [user_message(turn.question, turn.passages, topic, one.facts, by_token=self.names_facts), {"role": "assistant", "content": answer}]
        return messages, replace_curve(one.person, has_curve)


def replace_curve(person: Person, keep: bool) -> Person:
    return person if keep else Person(person.table, None)


def make_tokenizer(texts: Iterator[str], vocabulary: int) -> Any:
    """A byte-level BPE: digits one by one, a token for each fact, a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|im_start|>", "<|im_end|>", *(f"<|{name}|>" for name in FACT_NAMES)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|im_end|>", additional_special_tokens=special[3:],
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def make_language_model(config: TrainConfig, tokenizer: Any) -> Any:
    """A small Qwen3 with fresh weights (training starts from nothing; this is the only place that may do so)."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer), hidden_size=config.width, intermediate_size=config.inner,
            num_hidden_layers=config.layers, num_attention_heads=config.heads,
            num_key_value_heads=max(1, config.heads // 2), head_dim=64, max_position_embeddings=4096,
            tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip


def packed(rows: Sequence[tuple[Encoded, Person]], tokens: int) -> Iterator[list[tuple[Encoded, Person]]]:
    """Batches of about ``tokens`` padded tokens, rows of like length together."""
    batch: list[tuple[Encoded, Person]] = []
    for row in sorted(rows, key=lambda row: len(row[0].ids)):
        if batch and (len(batch) + 1) * len(row[0].ids) > tokens:
            yield batch
            batch = []
        batch.append(row)
    yield batch


# what each stage learns from -----------------------------------------------------------------------------------------
def conversations(
    model: MultimodalLM, lessons: Lessons, config: TrainConfig, *, curve: bool, seen: float, done: Callable[[], float], reasons: float = 0.0
) -> Iterator[Batch]:  # fmt: skip
    """Batches of conversations, from short to long as ``done()`` goes from 0 to 1; a share ``seen`` is about the curve.

    A share ``reasons`` asks for rationales, in steps: from the text, from the curve, then of all kinds (as ClinRaGen).
    """
    while True:
        progress = done()
        rows = []
        for _ in range(24 if config.smoke else 96):
            most = 1 if progress < 0.35 else 2 if progress < 0.6 else 4
            drill = 0.5 * (1.0 - progress) + 0.08
            step = ("text", "curve", "both")[min(2, int(3 * progress))]
            turns = lessons.rng.randint(1, most)
            messages, person = lessons.conversation(curve=curve, turns=turns, drill=drill, seen=seen, reasons=reasons, step=step)
            rows.append((model.encode(messages), person))
        fitting = [row for row in rows if len(row[0].ids) <= 1536] or [min(rows, key=lambda row: len(row[0].ids))]
        batches = list(packed(fitting, config.tokens_per_batch))
        lessons.rng.shuffle(batches)
        for batch in batches:
            yield model.batch([row for row, _ in batch], [person for _, person in batch])


class Probe(nn.Module):
    """What the encoder is taught first: from its soft tokens, the measured indices and the words for the loop."""

    INDICES = ("fev1_l", "fvc_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "fet_s")
    SCALES = (1.0, 1.2, 0.15, 2.5, 1.4, 0.06, 3.0)
    CENTRES = (2.6, 3.4, 0.76, 6.5, 2.4, 0.08, 6.0)

    def __init__(self, width: int, tokens: int, words: Sequence[str]) -> None:
        super().__init__()
        self.words = list(words)
        self.indices = nn.Linear(width * tokens, len(self.INDICES))
        self.look = nn.Linear(width * tokens, len(self.words))

    def targets(self, people: Sequence[Taught]) -> tuple[Tensor, Tensor]:
        values, looks = [], []
        for one in people:
            maneuver = _chosen(one)
            raw = [getattr(maneuver, name) for name in self.INDICES]
            values.append([math.nan if v is None else (v - c) / s for v, c, s in zip(raw, self.CENTRES, self.SCALES, strict=True)])
            shape = one.spirometry.shape if one.spirometry else ()
            codes = {finding.code for finding in maneuver.findings}
            looks.append([float(word in shape or word in codes) for word in self.words])
        return torch.tensor(values), torch.tensor(looks)

    def forward(self, soft: Tensor, values: Tensor, looks: Tensor) -> Tensor:
        flat = soft.flatten(1)
        known = ~values.isnan()
        error = nn.functional.smooth_l1_loss(self.indices(flat)[known], values[known])
        return error * 4 + nn.functional.binary_cross_entropy_with_logits(self.look(flat), looks)


def _chosen(one: Taught) -> Any:
    assert one.spirometry is not None
    best = one.spirometry.best
    return one.spirometry.maneuvers[best.chosen if best and best.chosen is not None else 0]


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
        lm = make_language_model(config, tokenizer)
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
            parameters, loss_of, rate = _stage(stage, model, lessons, config, minutes, run)
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
    stage: str, model: MultimodalLM, lessons: Lessons, config: TrainConfig, minutes: float, run: Run,
) -> tuple[list[nn.Parameter], Callable[[], tuple[Tensor, int]], float]:  # fmt: skip
    """Which weights a stage teaches, from what, and how fast."""
    model.requires_grad_(False)
    started, spent = time.monotonic(), run.spent[STAGES.index(stage)]

    def done() -> float:
        return min(1.0, (spent + time.monotonic() - started) / (60 * minutes))

    if stage == "encoder":
        with_curve = [one for one in lessons.people if one.person.curve is not None]
        words = sorted({word for one in with_curve if one.spirometry for word in one.spirometry.shape}) + ["cough", "slow_start", "early_end"]
        probe = Probe(model.config.curve.width, model.config.curve.tokens, words).to(model.device)
        curves = torch.from_numpy(np.stack([one.person.curve for one in with_curve if one.person.curve is not None]))
        values, looks = probe.targets(with_curve)

        def probe_loss() -> tuple[Tensor, int]:
            drawn = torch.from_numpy(np.random.default_rng(lessons.rng.getrandbits(32)).integers(0, len(curves), 64))
            soft = model.encode_curve(curves[drawn].to(model.device)).float()
            return probe(soft, values[drawn].to(model.device), looks[drawn].to(model.device)), 64

        return [*model.encode_curve.parameters(), *probe.parameters()], probe_loss, 2e-3

    if stage == "curve":  # without a curve there is nothing that this stage teaches
        lessons = replace(lessons, people=[one for one in lessons.people if one.person.curve is not None])
    about_curve = {"language": 0.0, "curve": 0.9, "dialogue": 0.12}[stage]
    batches = conversations(model, lessons, config, curve=stage != "language", seen=about_curve, done=done, reasons=RATIONALES if stage == "dialogue" else 0.0)
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
