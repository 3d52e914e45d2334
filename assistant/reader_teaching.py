"""How the reader is taught: ``breathwise library reader``, about half an hour on two cores.

Two lessons take turns. Of the wordings in ``prompts/questions`` and ``assets/questions/*.txt`` and of the questions in ``assets/questions/natural.tsv`` it learns the
intents; of the natural ones that the library answers and of ``assets/questions/of_passages.tsv`` (passage, number of the sentence that answers, 0 for none, question) it
learns to lay a question beside the sentence that answers it, among all sentences of the library and "none". MiniLM itself stays as it is: taught through (LoRA), it read
the questions of authors whom it had not met worse than these heads do. Now and then the sentences are laid out without what their own questions add, so that a clinic's
own documents are found too. A question that goes on from others is read with them; one that stands alone is now and then put after another, of which it is to take
nothing. It is taught TIMES over, each time in another order, and the weights are averaged: one time alone varies, and reads fewer questions right. Where the questions lie
that it was taught with is remembered (``remembered``). Natural questions of authors left out judge it; then it is taught with all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from assistant.intents import UNKNOWN, Natural
from assistant.reader import BUCKETS, FOLDER, MEANING, SPELLINGS, QuestionReader, digest
from assistant.reader_lessons import OF_THE_PATIENT, Asked, Lessons, natural_asked, taught_with
from assistant.remembered import OF_INTENTS, OF_SENTENCES, UNLIKE, Remembered
from assistant.text_features import WIDTH

RATE, TURN_RATE = 5e-3, 2e-3  # learning rates, at their highest, of the intents and of what turns a question towards its sentence
BATCH, ASKED_BATCH, EPOCHS, TIMES = 128, 64, 5, 3
DROPPED = 0.2  # of what turns a question towards its sentence
OFTENER = 3  # times that a natural question is read for each time of a wording written for an intent
SMOOTHING = 0.1  # of the labels: many questions lie between two
WITHOUT_OWN = 0.3  # share of the batches that are laid beside sentences as a clinic's would be
AFTER_ANOTHER = 0.3  # share of the readings of a natural question that stands alone in which it follows another one
BESIDE = 12  # questions of this patient alone, or of nothing, that are laid beside the library with every batch: no sentence answers them
FOLDS = 3  # groups of authors; each is left out once


class _Net(nn.Module):
    def __init__(self, intents: int, sentences: Tensor) -> None:
        super().__init__()
        self.head = nn.Linear(WIDTH, intents)
        self.words, self.spelling = nn.EmbeddingBag(BUCKETS, intents, mode="sum"), nn.EmbeddingBag(SPELLINGS, intents, mode="sum")
        self.turn, self.lay = nn.Linear(WIDTH, MEANING, bias=False), nn.Linear(MEANING, MEANING, bias=False)
        self.leans, self.after = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, intents + MEANING, bias=False)  # how much, and what, a question takes of the one before
        for weight in (self.head.weight, self.words.weight, self.spelling.weight, self.turn.weight, self.lay.weight, self.leans.weight, self.after.weight):
            nn.init.zeros_(weight)
        self.own = nn.Parameter(torch.zeros(len(sentences) + 1, MEANING))  # the last is that of "none"
        self.drop, self.drop_turn = nn.Dropout(0.1), nn.Dropout(DROPPED)
        self.none, self.log_scale = nn.Parameter(torch.tensor(0.3)), nn.Parameter(torch.tensor(3.0))
        self.sentences = sentences

    def of_both(self, states: Tensor, both: Tensor) -> Tensor:
        """(text, intent + MEANING): what questions take of those before; ``both``: the states of each with the one before, zeros where there is none."""
        found: Tensor = torch.sigmoid(self.leans(states)) * self.after(self.drop(both))
        return found

    def intents(self, states: Tensor, bags: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], both: Tensor) -> Tensor:
        """(text, intent) sums."""
        sums: Tensor = self.head(self.drop(states)) + self.of_both(states, both)[:, :-MEANING]
        for layer, side in ((self.words, 0), (self.spelling, 1)):
            found = [one[side] for one in bags]
            lengths = np.array([len(each) for each in found])
            weights = np.repeat(np.maximum(lengths, 1) ** -0.5, lengths).astype(np.float32)
            starts = torch.tensor(np.cumsum([0, *lengths[:-1]]))
            sums = sums + layer(torch.tensor(np.concatenate(found)), starts, per_sample_weights=torch.tensor(weights))
        return sums

    def vectors(self, states: Tensor, both: Tensor) -> Tensor:
        """(text, MEANING): where questions lie, of length one."""
        return F.normalize(states[:, -MEANING:] + self.turn(self.drop_turn(states)) + self.of_both(states, both)[:, -MEANING:], dim=-1)

    def nearness(self, states: Tensor, both: Tensor, own: bool = True) -> Tensor:
        """(text, sentence + 1) sums; the last is that of "none"."""
        vectors = self.vectors(states, both)
        laid = self.sentences + self.lay(self.sentences)
        near = vectors @ (laid + self.own[:-1] if own else laid).T
        return torch.cat([near, (self.none + vectors @ self.own[-1])[:, None]], 1) * self.log_scale.exp()


def teach(folder: Path = FOLDER, seed: int = 7, epochs: int = EPOCHS, show: bool = False, without: Collection[str] = ()) -> dict[str, Any]:
    """Teach, write to ``folder``, and return what was found of the authors left out, a third of them at a time. ``without``: authors who only judge, in their stead."""
    lessons = Lessons()
    authors = sorted({one.author for one in lessons.natural})
    thirds = [authors[third::FOLDS] for third in range(FOLDS)] if len(authors) >= FOLDS else []
    judged: list[_Judged] = []
    for left in [list(without)] if without else thirds:
        net = _taught(lessons, left, seed, epochs, f"reader, {len(left)} authors left out" if show else "")
        judged.append(_judged(net, _remembered(net, lessons, left), lessons, [one for one in lessons.natural if one.author in left]))
    if not without:
        net = _taught(lessons, (), seed, epochs, "reader" if show else "")
    found: dict[str, Any] = {}
    sharpness = 1.0
    if judged:
        questions = [one for each in judged for one in each.questions]
        sums, near = np.concatenate([one.sums for one in judged]), np.concatenate([one.near for one in judged])
        found, sharpness = _of_intents(sums, questions, lessons.names)
        found |= _of_sentences(near, questions, lessons.of_passage)
        goes_on = [n for n, one in enumerate(questions) if one.before]
        if goes_on:
            some = [questions[n] for n in goes_on]
            by_itself = np.concatenate([one.sums_alone for one in judged])[goes_on], np.concatenate([one.near_alone for one in judged])[goes_on]
            found["following"] = {"questions": len(some)} | {
                name: {
                    "right": _of_intents(of, some, lessons.names)[0]["right"],
                    "sentence_found": _of_sentences(lies, some, lessons.of_passage)["sentence_found"],
                }
                for name, of, lies in (("with_those_before", sums[goes_on], near[goes_on]), ("alone", *by_itself))
            }
    found |= {
        "wordings": sum(not one.author for one in lessons.questions), "intents": len(lessons.names), "questions": len(lessons.asked), "natural": len(lessons.natural),
        "authors": len(authors), "seed": seed, "taught": taught_with(),
    }  # fmt: skip
    _write(net, _remembered(net, lessons, without), folder, lessons, sharpness, found)
    QuestionReader.load.cache_clear()
    return found


@dataclass(frozen=True)
class _Judged:
    """What questions whose authors were not read are read as: their sums (question, intent) and (question, sentence + 1), with the questions before them and alone."""

    questions: list[Natural]
    sums: NDArray[np.float32]
    near: NDArray[np.float32]
    sums_alone: NDArray[np.float32]
    near_alone: NDArray[np.float32]


def _judged(net: _Net, remembered: Remembered, lessons: Lessons, some: list[Natural]) -> _Judged:
    states, bags = lessons.states([one.text for one in some]), lessons.bags([one.text for one in some])
    found = []
    with torch.inference_mode():
        for both in (lessons.both([(one.text, one.before) for one in some]), torch.zeros(len(some), WIDTH)):
            sums, near, vectors = net.intents(states, bags, both).numpy(), net.nearness(states, both).numpy(), net.vectors(states, both).numpy()
            likeness = remembered.of_sentences(vectors, near.shape[1]) - UNLIKE
            found += [sums + OF_INTENTS * remembered.of_intents(vectors, sums.shape[1]), near + OF_SENTENCES * likeness]
    return _Judged(some, *found)


def _remembered(net: _Net, lessons: Lessons, left: Collection[str]) -> Remembered:
    """The questions taught, as the reader remembers them: each once, with what it asks and the sentence that answers it."""
    natural = [one for one in lessons.natural if one.author not in left]
    asks = {(one.text, one.before): lessons.names.index(one.intents[0]) for one in (*(one for one in lessons.questions if not one.author), *natural)}
    answers = {(one.text, one.before): one.sentence for one in (*lessons.asked, *natural_asked(natural)) if one.sentence >= 0}
    texts = list(dict.fromkeys([*asks, *answers]))
    found = []
    with torch.inference_mode():
        for n in range(0, len(texts), 2048):
            some = texts[n : n + 2048]
            found.append(net.vectors(lessons.states([text for text, _ in some]), lessons.both(some)).numpy())
    return Remembered.of(
        np.concatenate(found), np.array([asks.get(one, -1) for one in texts], dtype=np.int16), np.array([answers.get(one, -1) for one in texts], dtype=np.int16)
    )


def _taught(lessons: Lessons, left: Collection[str], seed: int, epochs: int, show: str) -> _Net:
    """The mean of the nets taught one after another."""
    nets = [_taught_once(lessons, left, seed + n, epochs, f"{show}, {n + 1} of {TIMES}" if show else "") for n in range(TIMES)]
    states = [net.state_dict() for net in nets]
    nets[0].load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})
    return nets[0]


def _taught_once(lessons: Lessons, left: Collection[str], seed: int, epochs: int, show: str) -> _Net:
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    natural = [one for one in lessons.natural if one.author not in left]
    questions = [one for one in lessons.questions if not one.author] + natural * OFTENER
    texts, labels = [one.text for one in questions], lessons.labels(questions)
    of_natural = natural_asked(natural)
    asked = [*lessons.asked, *(one for one in of_natural if one.passage)] + [one for one in of_natural if one.passage]
    nobody = [one for one in of_natural if not one.passage]
    nobody += [Asked(one.text, -1, "") for one in questions if not one.author and set(one.intents) <= set(OF_THE_PATIENT)]
    net = _Net(len(lessons.names), lessons.vectors).train()
    groups = (
        ([*net.head.parameters(), *net.words.parameters(), *net.spelling.parameters()], RATE, 0.02),
        ([*net.turn.parameters(), *net.lay.parameters(), net.own, *net.leans.parameters(), *net.after.parameters()], TURN_RATE, 0.2),
        ([net.none, net.log_scale], TURN_RATE, 0.0),
    )  # fmt: skip
    optimizer = torch.optim.AdamW([{"params": params, "lr": rate, "weight_decay": decay} for params, rate, decay in groups])
    steps = epochs * max(-(-len(questions) // BATCH), -(-len(asked) // ASKED_BATCH))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [rate for _, rate, _ in groups], total_steps=steps + 1)
    some_questions, some_asked = _turns(len(questions), BATCH, chance), _turns(len(asked), ASKED_BATCH, chance)
    from tqdm import trange

    alone = {one.text for one in natural if not one.before}

    def before(some: Sequence[Natural | Asked]) -> Tensor:
        """With the question before; one that stands alone is now and then put after another, of which it takes nothing."""
        strange = chance.random(len(some)) < AFTER_ANOTHER
        return lessons.both(
            [(one.text, one.before or (lessons.before(one.text, "") if other and one.text in alone else "")) for one, other in zip(some, strange, strict=True)]
        )

    for _ in trange(steps, desc=show, disable=not show):
        some = next(some_questions)
        put = [texts[n] for n in some]
        loss = F.cross_entropy(
            net.intents(lessons.states(put), lessons.bags(put), before([questions[n] for n in some])), labels[some], label_smoothing=SMOOTHING
        )
        rows = [asked[n] for n in next(some_asked)] + [nobody[n] for n in (chance.integers(len(nobody), size=BESIDE) if nobody else ())]
        near = net.nearness(lessons.states([one.text for one in rows]), before(rows), own=chance.random() >= WITHOUT_OWN)
        of_other = np.array([one.passage if one.sentence < 0 else "" for one in rows])[:, None]
        others = np.pad((of_other != "") & (of_other != lessons.of_passage[None]), ((0, 0), (0, 1)))
        near = near.masked_fill(torch.tensor(others), -1e4)  # what no sentence of its passage answers, another passage may
        answers = torch.tensor([one.sentence if one.sentence >= 0 else len(lessons.sentences) for one in rows])
        chances = F.log_softmax(near, -1)
        even = torch.where(near > -1e3, chances, torch.zeros(())).mean(-1)
        (loss - ((1 - SMOOTHING) * chances.gather(1, answers[:, None])[:, 0] + SMOOTHING * even).mean()).backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return net.eval()


def _turns(count: int, size: int, chance: np.random.Generator) -> Any:
    """Without end: all in random order, ``size`` at a time."""
    while True:
        order = chance.permutation(count).tolist()
        yield from (order[start : start + size] for start in range(0, count, size))


def _of_intents(sums: NDArray[np.float32], questions: Sequence[Natural], names: Sequence[str]) -> tuple[dict[str, Any], float]:
    """How the questions left out are read, and the sharpness under which the chances fit best."""
    from scipy.optimize import minimize_scalar

    right = np.array([names.index(one.intents[0]) for one in questions])

    def loss(sharp: float) -> float:
        return float(F.cross_entropy(torch.tensor(sums) * sharp, torch.tensor(right)))

    sharpness = float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x)
    order = np.argsort(-sums, axis=1)
    of_library = np.array([one.intents[0] == UNKNOWN for one in questions])
    either = np.array([names[first] in one.intents for first, one in zip(order[:, 0], questions, strict=True)])
    return {
        "right": round(float((order[:, 0] == right).mean()), 4), "either": round(float(either.mean()), 4), "of_three": round(float((order[:, :3] == right[:, None]).any(1).mean()), 4),
        "library_known": _share(order[:, 0] == names.index(UNKNOWN), of_library) if UNKNOWN in names else 0.0,
        "taken_for_library": _share(order[:, 0] == names.index(UNKNOWN), ~of_library) if UNKNOWN in names else 0.0,
    }, sharpness  # fmt: skip


def _of_sentences(near: NDArray[np.float32], questions: Sequence[Natural], of_passage: NDArray[np.str_]) -> dict[str, Any]:
    """How often the sentence that answers is the nearest, or another of its passage, among all; how often "none" is where none does."""
    places = {(one.text, one.before): one for one in natural_asked(questions)}
    kept = [n for n, one in enumerate(questions) if (one.text, one.before) in places]
    asked, best = [places[questions[n].text, questions[n].before] for n in kept], near[kept].argmax(1)
    answered = np.array([one.sentence >= 0 for one in asked], dtype=bool)
    among = np.array([*of_passage, ""])[near[kept][:, :-1].argmax(1)]
    return {
        "sentence_found": _share(near[kept][:, :-1].argmax(1) == np.array([one.sentence for one in asked]), answered),
        "passage_found": _share(among == np.array([one.passage for one in asked]), answered),
        "none_known": _share(best == len(of_passage), ~answered), "none_wrong": _share(best == len(of_passage), answered),
    }  # fmt: skip


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return round(float(of[among].mean()), 4) if among.any() else 0.0


def _write(net: _Net, remembered: Remembered, folder: Path, lessons: Lessons, sharpness: float, found: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = torch.cat([net.head.weight, net.words.weight.T, net.spelling.weight.T], 1)
    leans = torch.cat([net.leans.weight[0], net.leans.bias])
    tensors = {"weights": weights, "turn": net.turn.weight, "lay": net.lay.weight, "own": net.own, "leans": leans, "after": net.after.weight}
    kept = {name: np.ascontiguousarray(tensor.detach().numpy().astype(np.float16)) for name, tensor in tensors.items()}
    kept |= {"bias": net.head.bias.detach().numpy().astype(np.float32), "main": remembered.main.astype(np.float16)}
    save_file(kept | {"places": remembered.places, "of_intent": remembered.intents, "of_sentence": remembered.sentences}, folder / "heads.safetensors")
    (folder / "heads.safetensors").chmod(0o644)  # safetensors writes a file that only its owner may read
    about = {
        "intents": lessons.names, "sharpness": sharpness, "scale": float(net.log_scale.detach().exp()), "none": float(net.none.detach()), "made_of": found,
        "sentences": [digest(text) for text in lessons.sentences],
    }  # fmt: skip
    (folder / "reader.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
