"""A forced expiration as it came from a device: the typed value every other room of the wing works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blow:
    """One manoeuvre on an even time grid, expiration positive.

    ``time_s`` (n,) seconds from the file's first sample, evenly spaced; ``volume_l`` (n,) exhaled litres from the start;
    ``flow_l_s`` (n,) litres per second (measured where the device gave it, else the derivative of the volume).
    ``bronchodilator`` is "pre", "post" or None (not stated). ``assumptions`` are sentences about what was inferred.
    """

    time_s: Array
    volume_l: Array
    flow_l_s: Array
    id: str = "1"
    file: str = ""
    bronchodilator: str | None = None
    date: str | None = None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sampling_hz(self) -> float:
        return float((len(self.time_s) - 1) / (self.time_s[-1] - self.time_s[0]))


class CurveError(ValueError):
    """A curve that cannot be read. The message is one plain sentence: what was wrong, what is allowed, what to do."""
