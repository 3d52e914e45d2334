"""Small real models for tests: a few thousand weights, made here, nothing downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from encoders.batch import CURVE_MARK, RECORD_MARK, Person
from encoders.multimodal import MultimodalConfig, MultimodalLM
from encoders.new_model import make_language_model, make_tokenizer
from encoders.spirogram.encode import CHANNELS, POINTS, SpirogramEncoderConfig
from encoders.tabular import COLUMNS, TabularEncoderConfig

CONFIG = MultimodalConfig(SpirogramEncoderConfig(widths=(8, 8, 16, 32), tokens=16), TabularEncoderConfig(width=32))
SENTENCES = (
    "Your FEV1 is 1.85 L, which is low. Regular activity helps [1]. yes no",
    "What does my z-score mean? The lower limit of normal is the fifth percentile.",
    "0 1 2 3 4 5 6 7 8 9 . , %",
)


def tokenizer() -> Any:
    return make_tokenizer(iter(SENTENCES * 20), 700)


def model(seed: int = 0, lm: Any = None) -> MultimodalLM:
    torch.manual_seed(seed)
    own = tokenizer()
    lm = lm or make_language_model(own, width=64, layers=2, inner=96, heads=2)
    return MultimodalLM(lm, own, CONFIG).eval()


def person(seed: int = 0, *, curve: bool = True) -> Person:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(2, len(COLUMNS))).astype(np.float32)
    return Person(table, rng.normal(size=(CHANNELS, POINTS)).astype(np.float32) if curve else None)


def chat(question: str = "What does my z-score mean?", *, curve: bool = True) -> list[dict[str, str]]:
    head = (CURVE_MARK if curve else "") + RECORD_MARK + "\n<|fev1_l|> low 1.85 L"
    return [{"role": "system", "content": head}, {"role": "user", "content": question}]
