"""The one loop that all stages of teaching share: steps until the minutes are spent."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def optimiser(parameters: Sequence[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    decayed = [p for p in parameters if p.ndim >= 2]
    rest = [p for p in parameters if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), fused=True)


def teach(
    parameters: Sequence[nn.Parameter], loss_of: Callable[[], tuple[Tensor, int]], *, minutes: float, spent: float,
    learning_rate: float, name: str, device: str, checkpoint: Callable[[float], None],
) -> float:  # fmt: skip
    """The one loop: until the stage's minutes are spent. Returns the running mean of the loss."""
    from tqdm import tqdm

    for parameter in parameters:
        parameter.requires_grad_(True)
    steps = optimiser(parameters, learning_rate)
    started, saved, mean, count = time.monotonic(), time.monotonic(), math.nan, 0
    bar = tqdm(total=round(minutes * 60), initial=round(spent), desc=name, unit="s", file=sys.stderr)
    while (elapsed := spent + time.monotonic() - started) < minutes * 60:
        progress = elapsed / (minutes * 60)
        warm = min(1.0, (count + 1) / 60)
        for group in steps.param_groups:
            group["lr"] = learning_rate * warm * (0.03 + 0.97 * min(1.0, (1.0 - progress) / 0.6))
        with torch.autocast(device.split(":")[0], torch.bfloat16):
            loss, _ = loss_of()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        steps.step()
        steps.zero_grad(set_to_none=True)
        count += 1
        value = float(loss.detach())
        mean = value if math.isnan(mean) else 0.97 * mean + 0.03 * value
        if count % 20 == 0:
            bar.set_postfix_str(f"step {count}, loss {mean:.3f}", refresh=False)
            bar.n = round(min(elapsed, minutes * 60))
            bar.refresh()
        if time.monotonic() - saved > 90:
            checkpoint(elapsed)
            saved = time.monotonic()
    bar.close()
    return mean
