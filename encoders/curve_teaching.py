"""Teaching the curve's encoder without labels: what was measured, how the loop looks, and which two views are of one blow."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from encoders.cases import Taught
from encoders.spirogram.encode import SpirogramEncoder

CONTRASTED, WARMTH = 64, 0.1  # width in which views are compared, and temperature
SHARE = 0.2  # of the contrast beside what was measured


class Probe(nn.Module):
    """What the encoder is taught first: from its soft tokens, the measured indices, the words for the loop and its faults, and
    which two of many partly hidden, noisy views are of one blow (contrast as in SimCLR, arXiv 2002.05709)."""

    INDICES = ("fev1_l", "fvc_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "fet_s")
    SCALES = (1.0, 1.2, 0.15, 2.5, 1.4, 0.06, 3.0)
    CENTRES = (2.6, 3.4, 0.76, 6.5, 2.4, 0.08, 6.0)

    def __init__(self, width: int, tokens: int, words: Sequence[str]) -> None:
        super().__init__()
        self.words = list(words)
        self.indices = nn.Linear(width * tokens, len(self.INDICES))
        self.look = nn.Linear(width * tokens, len(self.words))
        self.view = nn.Linear(width, CONTRASTED)

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
        """Loss of naming what was measured: soft tokens (batch, tokens, width), targets (batch, INDICES) and (batch, words)."""
        flat = soft.flatten(1)
        known = ~values.isnan()
        error = nn.functional.smooth_l1_loss(self.indices(flat)[known], values[known])
        return error * 4 + nn.functional.binary_cross_entropy_with_logits(self.look(flat), looks)

    def contrast(self, one: Tensor, other: Tensor) -> Tensor:
        """Loss of finding each blow's other view among all: soft tokens of two views, (batch, tokens, width) each."""
        left, right = (nn.functional.normalize(self.view(soft.mean(1)), dim=1) for soft in (one, other))
        alike, own = left @ right.T / WARMTH, torch.arange(len(left), device=left.device)
        return (nn.functional.cross_entropy(alike, own) + nn.functional.cross_entropy(alike.T, own)) / 2


def view(curves: Tensor, lots: torch.Generator) -> Tensor:
    """Curves (batch, CHANNELS, POINTS) with a little noise, a stretch of up to a fifth of the grid hidden in each."""
    count, _, points = curves.shape
    begin, length = torch.randint(0, points, (count, 1), generator=lots), torch.randint(0, points // 5, (count, 1), generator=lots)
    place = torch.arange(points)[None]
    hidden = ((place >= begin) & (place < begin + length))[:, None].to(curves.device)
    noise = torch.randn(curves.shape, generator=lots).to(curves.device) * 0.005
    return (curves + noise).masked_fill(hidden, 0.0)


def _chosen(one: Taught) -> Any:
    assert one.spirometry is not None
    best = one.spirometry.best
    return one.spirometry.maneuvers[best.chosen if best and best.chosen is not None else 0]


def curve_lessons(
    encoder: SpirogramEncoder, people: Sequence[Taught], rng: random.Random, device: str
) -> tuple[list[nn.Parameter], Callable[[], tuple[Tensor, int]]]:
    """The weights that the encoder's stage teaches and the loss of its next batch."""
    drawn = [one for one in people if one.person.curve is not None]
    words = sorted({word for one in drawn if one.spirometry for word in one.spirometry.shape}) + ["cough", "slow_start", "early_end"]
    probe = Probe(encoder.config.width, encoder.config.tokens, words).to(device)
    curves = torch.from_numpy(np.stack([one.person.curve for one in drawn if one.person.curve is not None]))
    values, looks = probe.targets(drawn)
    lots = torch.Generator().manual_seed(rng.getrandbits(32))

    def loss_of() -> tuple[Tensor, int]:
        some = torch.randint(0, len(curves), (64,), generator=lots)
        shown = curves[some].to(device)
        soft, one, other = encoder(torch.cat([shown, view(shown, lots), view(shown, lots)])).float().chunk(3)
        return probe(soft, values[some].to(device), looks[some].to(device)) + SHARE * probe.contrast(one, other), 64

    return [*encoder.parameters(), *probe.parameters()], loss_of
