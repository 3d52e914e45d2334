"""The curve's encoder is taught without labels: to know what was measured, and a blow again in another view of it."""

from __future__ import annotations

import random

import torch

from encoders.cases import simulate_many
from encoders.curve_teaching import Probe, curve_lessons, view
from encoders.spirogram.encode import CHANNELS, POINTS, SpirogramEncoder, SpirogramEncoderConfig


def test_a_view_hides_a_stretch_of_at_most_a_fifth_and_keeps_the_rest_close() -> None:
    curves = torch.ones(20, CHANNELS, POINTS)
    seen = view(curves, torch.Generator().manual_seed(1))
    hidden = seen == 0.0
    assert hidden.any() and (hidden.sum((1, 2)) <= CHANNELS * POINTS // 5).all()
    assert (seen[~hidden] - 1.0).abs().max() < 0.05
    assert not torch.equal(seen, view(curves, torch.Generator().manual_seed(2)))


def test_two_views_of_one_blow_cost_less_than_views_of_two() -> None:
    torch.manual_seed(1)
    probe, soft = Probe(32, 4, ["scooped"]), torch.randn(16, 4, 32)
    assert probe.contrast(soft, soft + 0.01) < 0.1 * probe.contrast(soft, soft.roll(1, 0))


def test_a_minute_of_lessons_teaches_something() -> None:
    torch.manual_seed(1)
    encoder = SpirogramEncoder(SpirogramEncoderConfig(widths=(8, 8, 16, 32), tokens=16))
    parameters, loss_of = curve_lessons(encoder, simulate_many(24, 3, 1), random.Random(1), "cpu")
    steps = torch.optim.AdamW(parameters, lr=3e-3)
    losses = []
    for _ in range(25):
        loss, count = loss_of()
        assert count == 64
        loss.backward()
        steps.step()
        steps.zero_grad()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
