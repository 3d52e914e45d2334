"""The soft tokens of the risk prompt: the same curve encoder, with a table encoder and projectors of their own.

They are taught while the language model and everything that the conversation reads stay as they are (HeLM, arXiv 2307.09018),
so that learning risks cannot cost the conversation anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from encoders.projector import Projector
from encoders.tabular import COLUMNS


@dataclass(frozen=True)
class RiskReaderConfig:
    """``told``: whether the record stands in the prompt as text as well when a risk is scored. ``readers``: taught alike, from
    other beginnings; the mean of their log-odds is the score.

    Text beside the soft tokens made the embedded model worse on validation people, so it is left out; ``breathwise evaluate``
    measures it as an ablation.
    """

    width: int = 128
    tokens: int = 4
    readers: int = 2
    told: bool = False


class RiskReader(nn.Module):
    """Encoded curves (batch, slot, width) and tables (batch, 2, COLUMNS) -> soft tokens (batch, slot, outer) of each."""

    def __init__(self, config: RiskReaderConfig, curve_width: int, curve_tokens: int, outer: int, rms: float) -> None:
        super().__init__()
        self.config = config
        inner, size = 2 * len(COLUMNS), config.tokens * config.width
        self.straight = nn.Linear(inner, size)  # most of a risk is a sum; the bent way adds what is not
        self.bent = nn.Sequential(nn.Linear(inner, 2 * config.width), nn.GELU(), nn.Dropout(0.2), nn.Linear(2 * config.width, size))
        self.norm = nn.LayerNorm(config.width)
        self.project_curve, self.project_table = Projector(curve_width, outer, rms), Projector(config.width, outer, rms)
        self.curve_place = nn.Parameter(torch.randn(curve_tokens, outer) * rms / 2)
        self.table_place = nn.Parameter(torch.randn(config.tokens, outer) * rms / 2)

    def read_curves(self, encoded: Tensor) -> Tensor:
        return self.project_curve(encoded) + self.curve_place

    def read_tables(self, tables: Tensor) -> Tensor:
        flat = tables.flatten(1)
        mixed = torch.unflatten(self.straight(flat) + self.bent(flat), 1, (self.config.tokens, self.config.width))
        return self.project_table(self.norm(mixed)) + self.table_place
