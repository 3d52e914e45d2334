"""The quantitative fields of a record as soft tokens, with a flag for each that was not measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.record import QUANTITIES, Patient, Sex, Smoking
from encoders.spirogram.results import Spirometry

# mean and standard deviation over adults of NHANES 2007-2010, rounded
_SPIROMETRY = (
    ("fev1_l", 2.9, 0.9), ("fvc_l", 3.8, 1.0), ("fev1_fvc", 0.78, 0.08), ("pef_l_s", 8.0, 2.2), ("fef25_75_l_s", 2.8, 1.3),
)  # fmt: skip
SPIROMETRY_COLUMNS = tuple(name for name, _, _ in _SPIROMETRY)
COLUMNS: tuple[str, ...] = (
    *(quantity.name for quantity in QUANTITIES), *SPIROMETRY_COLUMNS, "male", "smoker", "former_smoker",
)  # fmt: skip
# how ``told`` writes each column: a short name, the mean and the standard deviation it was scaled by, decimals
_WRITTEN = {
    **{
        quantity.name: ("pack years" if quantity.name == "pack_years" else quantity.name.split("_")[0], quantity.mean, quantity.sd, min(quantity.decimals, 1))
        for quantity in QUANTITIES
    },
    **{name: (name.removesuffix("_l").removesuffix("_l_s").replace("_", " "), mean, sd, 2) for name, mean, sd in _SPIROMETRY},
}


def table_of(patient: Patient, spirometry: Spirometry | None = None) -> NDArray[np.float32]:
    """The record as (2, COLUMNS): standardised values clipped to +-5 (0 where missing) and flags, 1 = measured."""
    best = spirometry.best if spirometry else None
    raw: list[float | None] = []
    for quantity in QUANTITIES:
        value = getattr(patient, quantity.name)
        raw.append(None if value is None else (value - quantity.mean) / quantity.sd)
    for name, mean, sd in _SPIROMETRY:
        value = getattr(best, name) if best else None
        raw.append(None if value is None else (value - mean) / sd)
    raw.append(None if patient.sex is None else float(patient.sex is Sex.MALE))
    smoking = patient.smoking_status
    raw.append(None if smoking is None else float(smoking is Smoking.CURRENT))
    raw.append(None if smoking is None else float(smoking is Smoking.FORMER))
    values = np.array([0.0 if value is None else value for value in raw], np.float32)
    flags = np.array([value is not None for value in raw], np.float32)
    return np.stack([np.clip(values, -5.0, 5.0), flags])


def told(table: NDArray[np.float32]) -> str:
    """The table as a line of text for the risk prompt, "age 54; bmi 27.3; smoking former"; what was not measured is not said."""
    known = {name: float(value) for name, value, flag in zip(COLUMNS, table[0], table[1], strict=True) if flag}
    words = [f"{short} {abs(known[name] * sd + mean):.{digits}f}" for name, (short, mean, sd, digits) in _WRITTEN.items() if name in known]
    if "male" in known:
        words.insert(0, "male" if known["male"] > 0.5 else "female")
    if "smoker" in known:
        words.append("smoking " + ("current" if known["smoker"] > 0.5 else "former" if known.get("former_smoker", 0.0) > 0.5 else "never"))
    return "; ".join(words)


@dataclass(frozen=True)
class TabularEncoderConfig:
    width: int = 128
    tokens: int = 4


class TabularEncoder(nn.Module):
    """Tables (batch, 2, COLUMNS) -> soft tokens (batch, tokens, width)."""

    def __init__(self, config: TabularEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.mix = nn.Sequential(nn.Linear(2 * len(COLUMNS), 2 * config.width), nn.GELU(), nn.Linear(2 * config.width, config.tokens * config.width))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, tables: Tensor) -> Tensor:
        mixed = self.mix(tables.flatten(1))
        return self.norm(torch.unflatten(mixed, 1, (self.config.tokens, self.config.width)))  # (batch, tokens, width)
