"""How the reader is taught: ``breathwise library reader``, about twenty minutes on two cores.

Two lessons take turns. Of the wordings in ``prompts/questions`` and ``assets/questions/*.txt`` it learns the intents; of the questions in
``assets/questions/of_passages.tsv`` (passage, number of the sentence that answers, 0 for none, question) it learns to lay a question beside the sentence that answers
it, among all sentences of the library and "none". The vectors of the sentences are MiniLM's own and stay as they are, so that a clinic's own documents are found
the same way. A tenth of both is never taught, and judges it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from assistant.answering import candidates, stated
from assistant.intents import OF_PASSAGES, UNKNOWN, fingerprint, load_taught
from assistant.minilm import load_minilm, minilm
from assistant.reader import BUCKETS, FOLDER, LONGEST, SPELLINGS, QuestionReader
from assistant.text_features import LAYERS, WIDTH, buckets, spellings
from encoders.passages import PassageError, read_passages

RANK, RATE, HEAD_RATE = 16, 1e-3, 1e-2  # of the adapter; learning rates of the adapter and of the heads, at their highest
BATCH, EPOCHS, LEFT_OUT = 32, 5, 0.1
FINDING = 0.5  # what finding a sentence counts beside reading an intent
SMOOTHING = 0.1  # of the intents' labels: many questions lie between two
BESIDE = 10  # questions of this patient alone, or of nothing, that are laid beside the library with every batch: no sentence answers them
OF_THE_PATIENT = (
    "my_numbers", "explain_result", "pattern", "quality", "risks", "why_risk", "why_pattern", "show_flow_volume", "show_volume_time", "missing_data", "what_is_missing",
    "percentile", "lowest_value", "lung_age", "which_blow", "every_blow", "lists_held", "open_record", "app_use", "export", "not_held", "two_values", "odd_record", "letter",
    "privacy", "greeting", "thanks", "shorter", "plain_words", "why", "is_it_bad", "off_topic", "risk_meaning", "risk_made_how", "over_time", "normal_for_me", "own_value_good",
    "why_not_read", "headline", "no_curve", "axes", "overlaid", "a_program", "capabilities", "change_record", "not_able", "other_language", "certainty", "how_real",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question of the library: which sentence answers it (-1: none of its passage's), and the passage."""

    text: str
    sentence: int
    passage: str


def library_sentences() -> tuple[list[str], list[str]]:
    """All sentences that can be quoted, as they are turned into vectors, and their passages' ids."""
    found = [(stated(passage, sentence), passage.id) for passage in read_passages() for _, _, sentence in candidates([passage])]
    return [text for text, _ in found], [name for _, name in found]


def read_asked(path: Path = OF_PASSAGES) -> tuple[Asked, ...]:
    """The questions of the library. Raises PassageError for a line whose passage or sentence does not exist."""
    _, of = library_sentences()
    first: dict[str, int] = {}
    for n, name in enumerate(of):
        first.setdefault(name, n)
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("\t")
        number, _, text = rest.partition("\t")
        if name not in first or not number.isdigit() or int(number) > of.count(name) or not text:
            raise PassageError(
                f"{path.name} names {name} {number}, which is no sentence of the library; a line is a passage, the number of its sentence or 0, and a question"
            )
        found.append(Asked(text, first[name] + int(number) - 1 if int(number) else -1, name))
    return tuple(found)


class _Net(nn.Module):
    def __init__(self, intents: int) -> None:
        from peft import LoraConfig, get_peft_model

        super().__init__()
        model, self.tokenizer = load_minilm()
        self.model: Any = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=["query", "key", "value", "dense"], lora_dropout=0.05))
        self.head = nn.Linear(WIDTH, intents)
        self.words, self.spelling = nn.EmbeddingBag(BUCKETS, intents, mode="sum"), nn.EmbeddingBag(SPELLINGS, intents, mode="sum")
        for weight in (self.head.weight, self.words.weight, self.spelling.weight):
            nn.init.zeros_(weight)
        self.drop = nn.Dropout(0.1)
        self.none, self.log_scale = nn.Parameter(torch.tensor(0.3)), nn.Parameter(torch.tensor(3.0))

    def states(self, texts: Sequence[str]) -> list[Tensor]:
        """(text) -> per layer of LAYERS (text, 384), of length one."""
        batch = self.tokenizer(list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        hidden = self.model(**batch, output_hidden_states=True).hidden_states
        mask = batch["attention_mask"][..., None].float()
        return [F.normalize((hidden[layer] * mask).sum(1) / mask.sum(1), dim=-1) for layer in LAYERS]

    def intents(self, texts: Sequence[str], states: Sequence[Tensor]) -> Tensor:
        """(text, intent) sums."""
        sums: Tensor = self.head(self.drop(torch.cat(list(states), -1)))
        for bag, found in ((self.words, [buckets(text, BUCKETS) for text in texts]), (self.spelling, [spellings(text, SPELLINGS) for text in texts])):
            flat = torch.tensor([one for each in found for one in each])
            starts = torch.tensor(np.cumsum([0, *(len(each) for each in found[:-1])]))
            weights = torch.tensor([max(len(each), 1) ** -0.5 for each in found for _ in each])
            sums = sums + bag(flat, starts, per_sample_weights=weights)
        return sums

    def nearness(self, vectors: Tensor, sentences: Tensor) -> Tensor:
        """(text, sentence + 1) sums; the last is that of "none"."""
        return torch.cat([vectors @ sentences.T, self.none.expand(len(vectors), 1)], 1) * self.log_scale.exp()


def teach(folder: Path = FOLDER, seed: int = 7, epochs: int = EPOCHS, show: bool = False) -> dict[str, Any]:
    """Teach, write to ``folder``, and return what was found of the tenth that was left out."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    taught = [(text, intent) for intent, texts in load_taught().items() for text in texts]
    texts, names = [text for text, _ in taught], sorted({intent for _, intent in taught})
    right = np.array([names.index(intent) for _, intent in taught])
    asked = read_asked()
    sentences, of = library_sentences()
    vectors = torch.tensor(np.array(minilm().embed_documents(sentences), dtype=np.float32))
    of_passage = np.array(of)
    left_intents, left_asked = chance.random(len(texts)) < LEFT_OUT, chance.random(len(asked)) < LEFT_OUT
    patient = np.isin(np.array([intent for _, intent in taught]), OF_THE_PATIENT)
    of_nobody = np.flatnonzero(patient & ~left_intents)
    net = _Net(len(names)).train()
    groups = (
        ([one for one in net.model.parameters() if one.requires_grad], RATE, 0.01),
        ([*net.head.parameters(), *net.words.parameters(), *net.spelling.parameters()], HEAD_RATE, 0.02), ([net.none, net.log_scale], HEAD_RATE, 0.0),
    )  # fmt: skip
    optimizer = torch.optim.AdamW([{"params": params, "lr": rate, "weight_decay": decay} for params, rate, decay in groups])
    steps = epochs * -(-int((~left_intents).sum()) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [rate for _, rate, _ in groups], total_steps=steps + 1, pct_start=0.1)
    intent_turns = _batches(np.flatnonzero(~left_intents), [len(text) for text in texts], chance)
    asked_turns = _batches(np.flatnonzero(~left_asked), [len(one.text) for one in asked], chance)
    from tqdm import trange

    for _ in trange(steps, desc="reader", disable=not show):
        some = next(intent_turns)
        some_texts = [texts[n] for n in some]
        loss = F.cross_entropy(net.intents(some_texts, net.states(some_texts)), torch.tensor(right[some]), label_smoothing=SMOOTHING)
        loss.backward()  # type: ignore[no-untyped-call]
        some_asked = [asked[n] for n in next(asked_turns)] + [Asked(texts[n], -1, "") for n in (chance.choice(of_nobody, BESIDE) if len(of_nobody) else ())]
        near = net.nearness(net.states([one.text for one in some_asked])[-1], vectors)
        others = torch.tensor(
            np.array([[bool(one.passage) and one.sentence < 0 and name != one.passage for name in of_passage] + [False] for one in some_asked])
        )
        near = near.masked_fill(others, -1e4)  # what no sentence of its passage answers, another passage may
        answers = torch.tensor([one.sentence if one.sentence >= 0 else len(sentences) for one in some_asked])
        (FINDING * F.cross_entropy(near, answers)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(groups[0][0], 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    net.eval()
    judged = np.flatnonzero(left_intents)
    sums = _in_batches(net, [texts[n] for n in judged], lambda some: net.intents(some, net.states(some)))
    found, sharpness = _of_intents(sums, right[judged], names)
    kept = [one for n, one in enumerate(asked) if left_asked[n]]
    lies = _in_batches(net, [one.text for one in kept], lambda some: net.nearness(net.states(some)[-1], vectors))
    beside = _in_batches(net, [texts[n] for n in np.flatnonzero(patient & left_intents)], lambda some: net.nearness(net.states(some)[-1], vectors))
    apart = round(float((beside[:, -1] > beside[:, :-1].max(1)).mean()), 4) if len(beside) else 0.0
    found |= _of_sentences(lies, kept, of_passage) | {
        "patient_known": apart,
        "wordings": len(texts),
        "intents": len(names),
        "questions": len(asked),
        "seed": seed,
        "taught": taught_with(),
    }
    _write(net, folder, names, sharpness, found)
    QuestionReader.load.cache_clear()
    return found


def taught_with() -> str:
    """A fingerprint of all wordings, questions and sentences: another one where any has changed."""
    import hashlib

    return hashlib.sha256((fingerprint() + OF_PASSAGES.read_text(encoding="utf-8") + json.dumps(library_sentences())).encode()).hexdigest()[:16]


def _batches(which: NDArray[np.int64], lengths: Sequence[int], chance: np.random.Generator) -> Iterator[list[int]]:
    """Without end: all in random order, those of like length together."""
    while True:
        order = chance.permutation(which)
        runs = [sorted(order[start : start + 20 * BATCH].tolist(), key=lambda n: lengths[n]) for start in range(0, len(order), 20 * BATCH)]
        batches = [run[start : start + BATCH] for run in runs for start in range(0, len(run), BATCH)]
        random.Random(int(chance.integers(2**31))).shuffle(batches)
        yield from batches


def _in_batches(net: _Net, texts: Sequence[str], work: Any) -> NDArray[np.float32]:
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    rows: list[Any] = [None] * len(texts)
    with torch.inference_mode():
        for start in range(0, len(order), 128):
            some = order[start : start + 128]
            for n, row in zip(some, work([texts[n] for n in some]).numpy(), strict=True):
                rows[n] = row
    return np.array(rows, dtype=np.float32)


def _of_intents(sums: NDArray[np.float32], right: NDArray[np.int64], names: Sequence[str]) -> tuple[dict[str, Any], float]:
    """How the wordings left out are read, and the sharpness under which the chances fit best."""
    from scipy.optimize import minimize_scalar

    def loss(sharp: float) -> float:
        return float(F.cross_entropy(torch.tensor(sums) * sharp, torch.tensor(right)))

    sharpness = float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x)
    order = np.argsort(-sums, axis=1)
    unknown = names.index(UNKNOWN) if UNKNOWN in names else -1
    of_library = right == unknown
    return {
        "right": round(float((order[:, 0] == right).mean()), 4), "of_three": round(float((order[:, :3] == right[:, None]).any(1).mean()), 4),
        "library_known": round(float((order[of_library, 0] == unknown).mean()), 4) if of_library.any() else 0.0,
        "taken_for_library": round(float((order[~of_library, 0] == unknown).mean()), 4),
    }, sharpness  # fmt: skip


def _of_sentences(near: NDArray[np.float32], asked: Sequence[Asked], of_passage: NDArray[np.str_]) -> dict[str, Any]:
    """How often the sentence that answers is the nearest, or another of its passage, among all."""
    answered = np.array([one.sentence >= 0 for one in asked], dtype=bool)
    best = near[:, :-1].argmax(1)
    to = np.array([one.sentence for one in asked])
    passages = np.array([one.passage for one in asked])
    own = np.where(of_passage[None] == passages[:, None], near[:, :-1], -np.inf).max(1)

    def share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
        return round(float(of[among].mean()), 4) if among.any() else 0.0

    return {
        "sentence_found": share(best == to, answered), "passage_found": share(of_passage[best] == passages, answered), "none_known": share(near[:, -1] > own, ~answered),
    }  # fmt: skip


def _write(net: _Net, folder: Path, names: Sequence[str], sharpness: float, found: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    net.model.half().save_pretrained(str(folder), safe_serialization=True)
    (folder / "README.md").unlink(missing_ok=True)
    config = folder / "adapter_config.json"
    kept = json.loads(config.read_text(encoding="utf-8"))
    kept["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"  # the way to a folder is nobody's business
    config.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    weights = torch.cat([net.head.weight, net.words.weight.T, net.spelling.weight.T], 1).detach().numpy().astype(np.float16)
    save_file({"weights": np.ascontiguousarray(weights), "bias": net.head.bias.detach().numpy().astype(np.float32)}, folder / "heads.safetensors")
    for written in folder.iterdir():
        written.chmod(0o644)  # safetensors writes files that only their owner may read
    about = {"intents": list(names), "sharpness": sharpness, "scale": float(net.log_scale.detach().exp()), "none": float(net.none.detach()), "made_of": found}
    (folder / "reader.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
