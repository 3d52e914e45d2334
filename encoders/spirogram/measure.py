"""Numbers of one forced expiration, by the ATS/ERS 2019 standard (Graham et al., doi 10.1164/rccm.201908-1590ST)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.spirogram.read import Array, Blow
from encoders.spirogram.results import Maneuver

WINDOW_S = 0.080  # peak flow for the back-extrapolation tangent is the mean over 80 ms (ATS/ERS 2019)
STILL_L = 0.0005  # the end of the expiration: within half a millilitre of the largest volume
TURN_L, TURN_SHARE = 0.20, 0.10  # breathing in by more than this within an expiration begins another one; a cough breathes in less
INSPIRED_L = 0.30  # a smaller volume after the end is no inspiration worth measuring


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
    """The largest forced expiration, from the deepest inspiration before it; None where nothing is breathed out."""
    volume, time = blow.volume_l, blow.time_s
    if len(volume) < 10 or not np.isfinite(volume).all():
        return None
    lowest = np.minimum.accumulate(volume)
    top = int(np.argmax(volume - lowest))
    start = top - int(np.argmax(volume[top::-1] <= lowest[top] + 1e-9))
    breath = volume[start : top + 1]
    # a breath taken on the way means that two expirations were run together
    if float((np.maximum.accumulate(breath) - breath).max()) > max(TURN_L, TURN_SHARE * float(breath[-1] - breath[0])):
        start, top = _forced(volume)
    zero = volume[start]
    if top - start < 5 or volume[top] - zero < 0.05:
        return None
    part = slice(start, top + 1)
    return Expiration(time[part], volume[part] - zero, blow.flow_l_s[part], volume[top:] - zero)


def _forced(volume: Array) -> tuple[int, int]:
    """First and last sample of the forced one of several breaths: of those nearly as large as the largest, the fastest."""
    turn = max(TURN_L, TURN_SHARE * float(volume.max() - volume.min()))
    breaths: list[tuple[int, int]] = []
    start = top = 0
    for index, value in enumerate(volume.tolist()):
        if value > volume[top]:
            top = index
        elif value <= volume[start] and top == start:
            start = top = index
        elif volume[top] - value > turn:  # breathing in: the expiration before it is over
            breaths.append((start, top))
            start = top = index
    breaths.append((start, top))
    sizes = [float(volume[top] - volume[start]) for start, top in breaths]
    large = [breath for breath, size in zip(breaths, sizes, strict=True) if size > 0.7 * max(sizes)]
    return max(large, key=lambda breath: float(np.diff(volume[breath[0] : breath[1] + 1]).max(initial=0.0)))


def measure_many(blows: Sequence[Blow]) -> tuple[Maneuver, ...]:
    """All indices of each blow. One blow's samples are worked on as arrays; blows as rows of a matrix were no faster."""
    return tuple(measure(blow) for blow in blows)


def measure(blow: Blow) -> Maneuver:
    """All indices of one blow. What cannot be measured (a blow shorter than a second has no FEV1) is None.

    Time zero is where the tangent at peak flow (slope: mean flow over 80 ms) meets zero volume; BEV is the volume exhaled by
    then; FEV1 the volume 1 s later; FVC the largest volume; FEF25-75 half of FVC over the time between 25 and 75 % of it;
    FET from time zero to the end. ``more`` holds FEV0.5, FEV0.75, FEV3, FEV6, FEF25, FEF50, FEF75, PIF, the rise time of
    flow (10 to 90 % of PEF), the area under the expiratory flow-volume curve (L2/s) and ``concavity``: how far the descending
    limb runs under the straight line from PEF to FVC, as a mean share of PEF (ours; 0 is straight, above 0 scooped).
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
        "pif_l_s": float(-blow.flow_l_s[-len(out.after_l) :].min()) if inspired > INSPIRED_L else None,
        "rise_time_s": _rise_time(out, pef),
        "area_l2_s": float(np.sum(np.diff(volume) * (out.flow_l_s[1:] + out.flow_l_s[:-1]) / 2)),
        "concavity": _concavity(rising, out.flow_l_s, fvc, pef),
    }  # fmt: skip
    return Maneuver(
        blow, fvc_l=fvc, fev1_l=fev1, fev1_fvc=fev1 / fvc if fev1 is not None else None, pef_l_s=pef,
        fef25_75_l_s=0.5 * fvc / middle if middle > 0 else None, bev_l=bev, time_zero_s=time_zero,
        fet_s=max(0.0, float(end - time_zero)), fivc_l=inspired if inspired > INSPIRED_L else None, more=more,
    )  # fmt: skip


def _has_ended(out: Expiration, step: float) -> bool:
    """Whether the flow had died away by the end of the expiration (the last 0.1 s brought less than 10 mL)."""
    last = max(1, round(0.1 / step))
    return len(out.after_l) > last or float(out.volume_l[-1] - out.volume_l[max(0, len(out.volume_l) - 1 - last)]) < 0.010


def _end(out: Expiration, step: float) -> float:
    """The end of the expiration: where the volume comes within STILL_L of its largest."""
    index = int(np.argmax(out.volume_l >= out.volume_l.max() - STILL_L))
    return float(out.time_s[index])


def _rise_time(out: Expiration, pef: float) -> float:
    """Seconds from 10 % to 90 % of peak flow."""
    peak = int(np.argmax(out.flow_l_s))
    rising = out.flow_l_s[: peak + 1]
    low, high = int(np.argmax(rising >= 0.1 * pef)), int(np.argmax(rising >= 0.9 * pef))
    return float(max(0.0, out.time_s[high] - out.time_s[low]))


def _concavity(rising: Array, flow: Array, fvc: float, pef: float) -> float:
    """Mean of (straight line - flow) / PEF over the volumes from that of PEF to FVC; the line itself has a mean of one half."""
    peak = int(np.argmax(flow))
    under = float(np.dot(np.diff(rising[peak:]), (flow[peak + 1 :] + flow[peak:-1]) / 2))
    return 0.5 - under / (pef * max(fvc - float(rising[peak]), 1e-9))
