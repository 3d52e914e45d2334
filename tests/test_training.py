"""One command teaches a model: every stage runs, a stopped run goes on, the result is loaded like the embedded one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from encoders.multimodal import MultimodalLM
from encoders.passages import read_passages
from encoders.training import STAGES, TrainConfig, train
from tests import tiny


def small(**given: object) -> TrainConfig:
    return TrainConfig.smoke_size(minutes=0.12, people=12, **given)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, size = np.random.default_rng(3), 120
    ratio, fvc = rng.uniform(0.5, 0.85, size), rng.uniform(2.0, 5.0, size)
    table = pd.DataFrame({
        "seqn": np.arange(size), "sex": rng.choice(["female", "male"], size), "age_years": rng.integers(20, 80, size), "height_cm": rng.normal(170, 8, size),
        "fev1_l": ratio * fvc, "fvc_l": fvc, "current_asthma": rng.integers(0, 2, size), "diabetes": rng.integers(0, 2, size),
    })  # fmt: skip
    path = tmp_path_factory.mktemp("cohort") / "cohort.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, cohort: Path) -> Path:
    return train(tmp_path_factory.mktemp("train") / "model", read_passages()[:6], small(), data=cohort)


def test_every_stage_runs_and_is_recorded(trained: Path) -> None:
    card = json.loads((trained / "training.json").read_text(encoding="utf-8"))
    assert set(card["losses"]) == set(STAGES)
    assert all(np.isfinite(loss) for loss in card["losses"].values())
    assert {"date", "commit", "hardware", "seed", "minutes", "tokens"} <= set(card)


def test_the_result_is_an_ordinary_transformers_folder(trained: Path) -> None:
    lm, tokenizer = AutoModelForCausalLM.from_pretrained(trained), AutoTokenizer.from_pretrained(trained)
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Explain my FEV1 of 2.31 L"}], add_generation_prompt=True, return_tensors="pt")[
        "input_ids"
    ]
    assert lm.generate(ids, max_new_tokens=3, do_sample=False).shape[1] <= ids.shape[1] + 3
    assert tokenizer("2026")["input_ids"] == [tokenizer.convert_tokens_to_ids(digit) for digit in "2026"]


def test_the_result_loads_as_our_model_and_reads_a_curve(trained: Path) -> None:
    model = MultimodalLM.load(trained)
    logits = model.score([tiny.person(1)], ("asthma?", "diabetes?"), "\ue001")
    assert logits.shape == (1, 2)
    assert np.isfinite(logits).all()


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    library = read_passages()[:6]
    train(tmp_path / "model", library, small())
    state = json.loads((tmp_path / "model-run" / "run.json").read_text(encoding="utf-8"))
    state["run"]["stage"] = 3
    state["run"]["spent"][3] = 0.0
    (tmp_path / "model-run" / "run.json").write_text(json.dumps(state), encoding="utf-8")
    train(tmp_path / "model", library, small(), resume=True)
    after = json.loads((tmp_path / "model-run" / "run.json").read_text(encoding="utf-8"))
    assert after["run"]["stage"] == 4
    assert after["run"]["tokens"] > state["run"]["tokens"]
    assert after["run"]["spent"][:3] == state["run"]["spent"][:3]


def test_another_language_model_gets_an_adapter(tmp_path: Path) -> None:
    base = tmp_path / "base"
    plain = tiny.model()
    plain.lm.save_pretrained(base)
    plain.tokenizer.save_pretrained(base)
    out = train(tmp_path / "adapted", read_passages()[:6], small(), base_model=str(base))
    adapted = MultimodalLM.load(out, base_model=str(base))
    assert adapted.reads
    assert (out / "adapter_model.safetensors").is_file() or list(out.rglob("adapter_model.safetensors"))


def test_the_first_people_of_a_seed_are_always_the_same() -> None:
    from encoders.cases import simulate_many

    first, again = simulate_many(3, 5, 1), simulate_many(3, 5, 1)
    assert [one.patient for one in first] == [one.patient for one in again]
