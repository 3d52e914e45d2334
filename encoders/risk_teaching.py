"""Teaching risks, HeLM's way: the language model is frozen, only the risk prompt's soft tokens learn, by yes and no.

Answers of a few thousand people are noisy; logistic regression and three small networks that are fitted on the same people's tables first
soften them (distillation), so that the soft tokens learn in minutes what they would learn in an hour. What the networks cannot see, the
curve, is learned from the answers themselves, and more so because the table's spirometry fields are often hidden.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.baselines import logistic_regression
from encoders.batch import Person
from encoders.conversation import risk_messages
from encoders.loop import teach
from encoders.multimodal import MultimodalLM
from encoders.record import RISK_TRAITS
from encoders.tabular import COLUMNS, SPIROMETRY_COLUMNS

TRAITS = tuple(name for name, _ in RISK_TRAITS)
NETWORKS = 3


@dataclass(frozen=True)
class RiskLessons:
    """How a person is shown while risks are learned, so that any subset of inputs works."""

    people: int = 64
    questions: int = 8  # of one person in one step; they share its prefix
    softened: float = 0.7  # the classical models' share in what is to be said, the rest is the answer itself
    without_curve: float = 0.08
    spirometry_hidden: float = 0.4  # where there is a curve that tells it
    field_lost: float = 0.05
    with_text: float = 0.15  # share of steps in which the record stands in the prompt as text, too
    text_only: float = 0.2  # of those people: their soft tokens are those of an empty table


def softened_answers(tables: NDArray[np.float32], traits: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    """Probabilities (people, traits) by models fitted on these people's tables and answers (nan: unknown).

    The mean log-odds of logistic regression and of a few small networks: on people left out the two are equally good, and
    together no worse than either in any trait.
    """
    x = torch.from_numpy(tables.reshape(len(tables), -1))
    y = torch.from_numpy(traits.astype(np.float32))
    known, total = ~y.isnan(), torch.zeros_like(y)
    answer = y.nan_to_num()
    for member in range(NETWORKS):
        torch.manual_seed(seed + member)
        bent = nn.Sequential(nn.Linear(x.shape[1], 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, y.shape[1]))
        straight = nn.Linear(x.shape[1], y.shape[1])
        rounds, size = 30, 64
        steps = torch.optim.AdamW([*bent.parameters(), *straight.parameters()], lr=2e-3, weight_decay=0.03)
        slower = torch.optim.lr_scheduler.LinearLR(steps, 1.0, 0.0, rounds * -(-len(x) // size))
        for _ in range(rounds):
            for some in torch.randperm(len(x)).split(size):
                shown = x[some].unflatten(1, (2, -1))
                lost = torch.rand(len(some), 1, shown.shape[2]) < 0.1
                shown = shown.masked_fill(lost, 0.0).flatten(1)
                loss = nn.functional.binary_cross_entropy_with_logits(bent(shown) + straight(shown), answer[some], weight=known[some].float())
                steps.zero_grad()
                loss.backward()
                steps.step()
                slower.step()
        with torch.no_grad():
            total += bent.eval()(x) + straight(x)
    flat = x.numpy().astype(float)
    for trait in range(traits.shape[1]):
        known_here = ~np.isnan(traits[:, trait])
        if 0 < traits[known_here, trait].sum() < known_here.sum():
            summed = logistic_regression(flat[known_here], traits[known_here, trait], flat).clip(1e-6, 1 - 1e-6)
            total[:, trait] = (total[:, trait] + NETWORKS * torch.from_numpy(np.log(summed / (1 - summed)))) / 2
    return np.asarray(torch.sigmoid(total / NETWORKS))


def encoded_curves(model: MultimodalLM, people: Sequence[Person], batch: int = 128) -> Tensor:
    """The curve encoder's tokens of everyone, (people, slot, width), zeros where there is no curve: computed once, as it is frozen."""
    found = torch.zeros(len(people), model.config.curve.tokens, model.config.curve.width)
    given = [index for index, person in enumerate(people) if person.curve is not None]
    with torch.no_grad():
        for start in range(0, len(given), batch):
            some = given[start : start + batch]
            stacked = torch.from_numpy(np.stack([people[index].curve for index in some])).to(model.device)  # type: ignore[misc]
            found[some] = model.encode_curve(stacked).float().cpu()
    return found


def teach_risks(
    model: MultimodalLM, people: Sequence[Person], traits: NDArray[np.float64], *, minutes: float, seed: int, spent: float = 0.0,
    words: Sequence[str] | None = None, lessons: RiskLessons | None = None, curves: Tensor | None = None, checkpoint: Callable[[float], None] = lambda _: None, name: str = "risk",
) -> float:  # fmt: skip
    """Teach ``model.read_risk`` the answers (people, traits), nan where unknown: the readers one after the other, in equal time.

    ``words``: how each trait is asked for; ``curves``: ``encoded_curves`` of these people where they are known already.
    Returns the last mean loss. Everything else of the model stays as it is.
    """
    lessons = lessons or RiskLessons()
    system, questions = risk_messages(tuple(words or (one for _, one in RISK_TRAITS)))
    tables = np.stack([person.table for person in people])
    soft = softened_answers(tables, traits, seed)
    target = np.where(np.isnan(traits), soft, lessons.softened * soft + (1 - lessons.softened) * np.nan_to_num(traits)).astype(np.float32)
    curves = encoded_curves(model, people) if curves is None else curves
    has_curve = np.array([person.curve is not None for person in people])
    spirometry = np.array([COLUMNS.index(name) for name in SPIROMETRY_COLUMNS])

    share = minutes / len(model.read_risk)

    def loss_of(reader: int, rng: random.Random, draw: np.random.Generator) -> tuple[Tensor, int]:
        some = draw.integers(0, len(people), min(lessons.people, len(people)))
        asked = np.array(rng.sample(range(len(questions)), min(lessons.questions, len(questions))))
        shown, keep = tables[some].copy(), has_curve[some] & (draw.random(len(some)) >= lessons.without_curve)
        hidden = keep & (draw.random(len(some)) < lessons.spirometry_hidden)
        shown[np.ix_(np.flatnonzero(hidden), np.arange(2), spirometry)] = 0.0
        shown[np.broadcast_to((draw.random((len(some), 1, shown.shape[2])) < lessons.field_lost), shown.shape)] = 0.0
        text = rng.random() < lessons.with_text
        blind = (draw.random(len(some)) < lessons.text_only) & text
        log_odds = model.log_odds(
            shown, curves[some].to(model.device), keep & ~blind, [questions[index] for index in asked], system, reader=reader, told=text, reads_table=~blind
        )  # fmt: skip
        wanted = torch.from_numpy(target[np.ix_(some, asked)]).to(model.device)
        return nn.functional.binary_cross_entropy_with_logits(log_odds, wanted), 1

    was, loss = model.training, math.nan
    model.eval()
    try:
        for index, reader in enumerate(model.read_risk):
            begun = min(max(spent - 60 * share * index, 0.0), 60 * share)  # of this reader's time
            if begun >= 60 * share:
                continue
            model.requires_grad_(False)
            reader.train()
            lot = seed * 1000 + 100 * index + round(begun)
            loss = teach(
                list(reader.parameters()), partial(loss_of, index, random.Random(lot), np.random.default_rng(lot)), minutes=share, spent=begun,
                learning_rate=2e-3, name=f"{name} {index + 1}/{len(model.read_risk)}", device=str(model.device),
                checkpoint=lambda elapsed, before=60 * share * index: checkpoint(before + elapsed),  # type: ignore[misc]
            )  # fmt: skip
    finally:
        model.requires_grad_(False)
        model.train(was)
    return loss


__all__ = ["NETWORKS", "TRAITS", "RiskLessons", "encoded_curves", "softened_answers", "teach_risks"]
