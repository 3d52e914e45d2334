"""A blow as a grid of vectors: the curve on fixed axes, litres kept, through a one-dimensional residual network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.spirogram.results import Maneuver

POINTS = 320
LITRES = 9.6  # the volume axis: 30 mL a point, room for the largest lungs
SECONDS = 12.8  # the time axis: 40 ms a point
CHANNELS = 5


def curve_grid(maneuver: Maneuver) -> NDArray[np.float32] | None:
    """The measured blow as (CHANNELS, POINTS): what the encoder reads, or None where nothing could be measured.

    Channels: flow over volume (L/s / 10), 1 where the blow reaches that volume, flow/PEF over volume/FVC (shape without
    size), volume over time from time zero (L / 6), 1 while the expiration lasts.
    """
    if maneuver.fvc_l is None or maneuver.time_zero_s is None or not maneuver.pef_l_s:
        return None
    blow, zero, fvc, pef = maneuver.blow, maneuver.time_zero_s, maneuver.fvc_l, maneuver.pef_l_s
    top = int(np.argmax(blow.volume_l))
    # volume from the start of the expiration; a running maximum makes it a function that can be inverted
    volume = np.maximum.accumulate(np.clip(blow.volume_l[: top + 1] - (blow.volume_l[top] - fvc), 0.0, None))
    flow, time = blow.flow_l_s[: top + 1], blow.time_s[: top + 1] - zero
    keep = np.concatenate([[True], np.diff(volume) > 1e-6])
    litres = np.linspace(0.0, LITRES, POINTS)
    inside = litres <= fvc
    over_volume = np.where(inside, np.interp(litres, volume[keep], flow[keep]), 0.0)
    relative = np.interp(np.linspace(0.0, fvc, POINTS), volume[keep], flow[keep]) / pef
    seconds = np.linspace(0.0, SECONDS, POINTS)
    lasting = seconds <= time[-1]
    over_time = np.where(lasting, np.interp(seconds, time, volume), volume[-1])
    return np.stack([over_volume / 10.0, inside, relative, over_time / 6.0, lasting]).astype(np.float32)


@dataclass(frozen=True)
class SpirogramEncoderConfig:
    widths: tuple[int, ...] = (32, 48, 96, 128)
    blocks_per_stage: int = 2  # the ResNet18 family
    tokens: int = 16

    @property
    def width(self) -> int:
        return self.widths[-1]


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(inner, outer, 3, stride, 1, bias=False)
        self.first_norm = nn.GroupNorm(8, outer)
        self.second = nn.Conv1d(outer, outer, 3, 1, 1, bias=False)
        self.second_norm = nn.GroupNorm(8, outer)
        around: list[nn.Module] = [nn.AvgPool1d(stride, ceil_mode=True)] if stride > 1 else []
        around += [nn.Conv1d(inner, outer, 1, bias=False)] if inner != outer else []
        self.around = nn.Sequential(*around)

    def forward(self, x: Tensor) -> Tensor:
        inside = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(inside)) + self.around(x))


class SpirogramEncoder(nn.Module):
    """Curves (batch, CHANNELS, POINTS) -> soft tokens (batch, tokens, width), by learned queries over the grid."""

    def __init__(self, config: SpirogramEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv1d(CHANNELS, config.widths[0], 7, 2, 3)
        inner, blocks = config.widths[0], []
        for stage, outer in enumerate(config.widths):
            for block in range(config.blocks_per_stage):
                blocks.append(Block(inner, outer, 2 if stage and not block else 1))
                inner = outer
        self.blocks = nn.Sequential(*blocks)
        self.place = nn.Parameter(torch.randn(POINTS // 16, config.width) * 0.02)
        self.queries = nn.Parameter(torch.randn(config.tokens, config.width) * 0.5)
        self.attention = nn.MultiheadAttention(config.width, 4, batch_first=True)
        self.norm = nn.LayerNorm(config.width)

    def grid(self, curves: Tensor) -> Tensor:
        return self.blocks(self.stem(curves)).transpose(1, 2) + self.place  # (batch, POINTS / 16, width)

    def forward(self, curves: Tensor) -> Tensor:
        grid = self.grid(curves)
        queries = self.queries.expand(len(curves), -1, -1)
        read, _ = self.attention(queries, grid, grid, need_weights=False)
        return self.norm(read + queries)  # (batch, tokens, width)
