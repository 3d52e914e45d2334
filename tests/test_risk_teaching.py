"""Risks are taught to their own soft tokens only, and from answers that small networks have softened."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from encoders import loop
from encoders.batch import Person
from encoders.conversation import risk_messages
from encoders.record import RISK_TRAITS
from encoders.risk_teaching import RiskLessons, encoded_curves, softened_answers, teach_risks
from encoders.scores import auroc
from encoders.tabular import COLUMNS, told
from tests import tiny


def people(count: int) -> tuple[list[Person], np.ndarray]:
    """Older people have every trait more often; a fifth of the answers is unknown, a tenth has no curve."""
    rng = np.random.default_rng(0)
    made, traits = [], np.zeros((count, len(RISK_TRAITS)))
    for index in range(count):
        person = tiny.person(index, curve=index % 10 > 0)
        person.table[1] = 1.0
        made.append(person)
        odds = 2.0 * person.table[0, COLUMNS.index("age_years")]
        traits[index] = rng.random(len(RISK_TRAITS)) < 1 / (1 + np.exp(-odds))
    traits[rng.random(traits.shape) < 0.2] = np.nan
    return made, traits


def test_only_the_risk_prompts_own_weights_learn() -> None:
    model = tiny.model()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    made, traits = people(40)
    loss = teach_risks(model, made, traits, minutes=0.03, seed=1)
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert math.isfinite(loss) and changed and all(name.startswith("read_risk.") for name in changed)
    assert not any(weight.requires_grad for weight in model.parameters()) and not model.training


def test_what_was_taught_ranks_other_people(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.05 * next(ticks))  # as many steps on a busy machine as on a quiet one
    monkeypatch.setattr(loop, "time", clock)
    model = tiny.model()
    made, traits = people(500)
    teach_risks(model, made[:400], traits[:400], minutes=0.25, seed=1, lessons=RiskLessons(people=32, questions=4))
    system, questions = risk_messages()
    risk = model.score(made[400:], questions, system)
    known = ~np.isnan(traits[400:, 0])
    assert auroc(traits[400:, 0][known], risk[known, 0]) > 0.7


def test_softened_answers_are_close_to_the_true_probabilities_and_never_unknown() -> None:
    made, traits = people(1500)
    tables = np.stack([person.table for person in made])
    soft = softened_answers(tables, traits, 3)
    true = 1 / (1 + np.exp(-2.0 * tables[:, 0, COLUMNS.index("age_years")]))
    assert soft.shape == traits.shape and np.isfinite(soft).all()
    assert np.abs(soft[:, 0] - true).mean() < 0.08 < np.nanmean(np.abs(traits[:, 0] - true))
    assert np.array_equal(soft, softened_answers(tables, traits, 3)), "the same seed gives the same answers"


def test_encoded_curves_are_those_of_the_encoder_and_zero_without_one() -> None:
    model = tiny.model()
    made, _ = people(12)
    found = encoded_curves(model, made, batch=5)
    assert not found[0].any() and not found[10].any()
    with torch.no_grad():
        torch.testing.assert_close(found[3:4], model.encode_curve(torch.from_numpy(made[3].curve[None])))  # type: ignore[index]


@pytest.mark.parametrize(("column", "value", "words"), [("age_years", 0.5, "age 55.0"), ("fev1_l", -1.0, "fev1 2.00"), ("smoker", 1.0, "smoking current")])
def test_a_table_is_told_in_words_without_what_is_missing(column: str, value: float, words: str) -> None:
    table = np.zeros((2, len(COLUMNS)), np.float32)
    assert told(table) == ""
    table[:, COLUMNS.index(column)] = value, 1.0
    assert told(table) == words
