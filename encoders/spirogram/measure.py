"""Numbers of one forced expiration, by the ATS/ERS 2019 standard (Graham et al., doi 10.1164/rccm.201908-1590ST)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoders.spirogram.read import Array, Blow
from encoders.spirogram.results import Maneuver

WINDOW_S = 0.080  # peak flow for the back-extrapolation tangent is the mean over 80 ms (ATS/ERS 2019)
STILL_L_S = 0.025  # the end of the expiration: no more than 25 mL in the last second (ATS/ERS 2019)


@dataclass(frozen=True)
class Expiration:
    """The forced expiration within a blow: volumes from its start, up to its largest volume.

    ``time_s``, ``volume_l``, ``flow_l_s``: (n,) from the last point of fullest inspiration to the largest volume.
    """

    time_s: Array
    volume_l: Array
    flow_l_s: Array
    after_l: Array  # volumes that follow the end, on the same zero, for the inspiration after it


def expiration(blow: Blow) -> Expiration | None:
    """Find the expiration with the largest volume after the deepest inspiration; None where nothing is breathed out."""
    volume, time = blow.volume_l, blow.time_s
    if len(volume) < 10 or not np.isfinite(volume).all():
        return None
    bottom, top = _largest_rise(volume)
    if top - bottom < 5 or volume[top] - volume[bottom] < 0.05:
        return None
    zero = volume[bottom]
    part = slice(bottom, top + 1)
    return Expiration(time[part], volume[part] - zero, blow.flow_l_s[part], volume[top:] - zero)


def _largest_rise(volume: Array) -> tuple[int, int]:
    """First and last index of the largest expiration. A breath in between parts two expirations, though the volume may drift up over both."""
    best, parts = (0, 0), [(0, len(volume))]
    while parts:
        start, stop = parts.pop()
        part = volume[start:stop]
        if len(part) < 6:
            continue
        top = int(np.argmax(part - np.minimum.accumulate(part)))
        bottom = int(top - np.argmin(part[top::-1]))
        bottom = int(np.flatnonzero(part[: top + 1] <= part[bottom] + 1e-9)[-1])
        rise = float(part[top] - part[bottom])
        if best != (0, 0) and rise <= volume[best[1]] - volume[best[0]]:
            continue
        within = part[bottom : top + 1]
        falls = np.maximum.accumulate(within) - within
        turn = int(np.argmax(falls))
        if top > bottom and float(falls[turn]) > max(0.3, 0.5 * rise) and _is_breath_in(within, turn):
            parts += [(start, start + bottom + turn + 1), (start + bottom + turn, stop)]
        else:
            best = (start + bottom, start + top)
    return best


def _is_breath_in(volume: Array, turn: int) -> bool:
    """Whether the fall that ends at ``turn`` goes one way over several points, as a breath does and noise does not."""
    moves = np.diff(volume[int(np.argmax(volume[: turn + 1])) : turn + 1])
    return len(moves) > 5 and float(moves[moves > 0].sum()) < 0.1 * float(-moves.sum())


def measure(blow: Blow) -> Maneuver:
    """All indices of one blow. What cannot be measured (a blow shorter than a second has no FEV1) is None.

    Time zero is where the tangent at peak flow (slope: mean flow over 80 ms) meets zero volume; BEV is the volume exhaled by
    then; FEV1 the volume 1 s later; FVC the largest volume; FEF25-75 half of FVC over the time between 25 and 75 % of it.
    """
    out = expiration(blow)
    if out is None:
        return Maneuver(blow)
    time, volume = out.time_s, out.volume_l
    step = (time[-1] - time[0]) / (len(time) - 1)
    half = max(1, round(WINDOW_S / step / 2))
    slopes = (volume[2 * half :] - volume[: -2 * half]) / (time[2 * half :] - time[: -2 * half]) if len(volume) > 2 * half else None
    if slopes is None or slopes.max() <= 0:
        return Maneuver(blow)
    steepest = int(np.argmax(slopes)) + half
    slope = float(slopes.max())
    time_zero = float(time[steepest] - volume[steepest] / slope)
    pef = float(max(out.flow_l_s.max(), slope))
    fvc = float(volume.max())
    rising = np.maximum.accumulate(volume)

    def after(seconds: float) -> float | None:
        return float(np.interp(time_zero + seconds, time, volume)) if time[-1] >= time_zero + seconds - 1e-9 else None

    def when(share: float) -> float:
        index = int(np.argmax(rising >= share * fvc))
        if index == 0:
            return float(time[0])
        low, high = rising[index - 1], rising[index]
        return float(time[index - 1] + (time[index] - time[index - 1]) * (share * fvc - low) / max(high - low, 1e-12))

    def flow_at(share: float) -> float:
        moment = when(share)
        reach = max(step, WINDOW_S / 2)
        low, high = np.interp([moment - reach, moment + reach], time, volume)
        return float((high - low) / (2 * reach))

    fev1 = after(1.0)
    if fev1 is None:
        whole_second = fvc if _has_ended(out, step) else None  # a small child may be empty before one second
        fev1 = whole_second
    middle = when(0.75) - when(0.25)
    inspired = float(out.after_l[0] - out.after_l.min()) if len(out.after_l) > 1 else 0.0
    end = _end(out, step)
    bev = float(np.interp(time_zero, time, volume))
    more = {
        "fev05_l": after(0.5), "fev075_l": after(0.75), "fev3_l": after(3.0), "fev6_l": after(6.0),
        "fef25_l_s": flow_at(0.25), "fef50_l_s": flow_at(0.50), "fef75_l_s": flow_at(0.75),
        "pif_l_s": float(-blow.flow_l_s.min()) if inspired > 0.3 else None,
        "rise_time_s": _rise_time(out, pef),
        "area_l2_s": float(np.sum(np.diff(volume) * (out.flow_l_s[1:] + out.flow_l_s[:-1]) / 2)),
    }  # fmt: skip
    return Maneuver(
        blow, fvc_l=fvc, fev1_l=fev1, fev1_fvc=fev1 / fvc if fev1 is not None else None, pef_l_s=pef,
        fef25_75_l_s=0.5 * fvc / middle if middle > 0 else None, bev_l=bev, time_zero_s=time_zero,
        fet_s=max(0.0, float(end - time_zero)), fivc_l=inspired if inspired > 0.3 else None, more=more,
    )  # fmt: skip


def _has_ended(out: Expiration, step: float) -> bool:
    """Whether the flow had died away by the end of the expiration (the last 0.1 s brought less than 10 mL)."""
    last = max(1, round(0.1 / step))
    return len(out.after_l) > last or float(out.volume_l[-1] - out.volume_l[max(0, len(out.volume_l) - 1 - last)]) < 0.010


def _end(out: Expiration, step: float) -> float:
    """The end of the expiration: where the volume comes within half a millilitre of its largest."""
    index = int(np.argmax(out.volume_l >= out.volume_l.max() - 0.0005))
    return float(out.time_s[index])


def _rise_time(out: Expiration, pef: float) -> float:
    """Seconds from 10 % to 90 % of peak flow."""
    peak = int(np.argmax(out.flow_l_s))
    rising = out.flow_l_s[: peak + 1]
    low, high = int(np.argmax(rising >= 0.1 * pef)), int(np.argmax(rising >= 0.9 * pef))
    return float(max(0.0, out.time_s[high] - out.time_s[low]))
