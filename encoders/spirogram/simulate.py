"""Blows with chosen numbers and faults, by a flow-volume model: the truth of the tests, and curves to learn from.

Flow rises over a few hundredths of a second to its peak and then falls with the volume exhaled,

    F(u) = PEF (1 - u^m)^p,   u = share of the remaining volume,

which never rises again (m < 1, p > 1 is the scooped limb of narrowed airways; m > 1 a shoulder; p < 1 a rounded limb), until a
tail empties the rest by the chosen end. The exponents (m, p) give FEV1 and FEF25-75; what ``measure`` then reads from the
sampled curve is fed back until it agrees with what was wished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from encoders.spirogram.measure import measure
from encoders.spirogram.read import Array, Blow
from encoders.spirogram.reference import lms

COMMON_FAULTS = ("slow_start", "hesitation", "cough", "early_end", "glottic_closure")
FAULTS = (*COMMON_FAULTS, "leak", "zero_flow_error", "inspiration_exceeds")
_LEAD_S, _TRAIL_S = 0.25, 1.1
# what every curve is made of, reckoned once: rebuilding a person's curve draws some sixty
_U = np.linspace(0.0, 1.0, 300) ** 1.4
_BETWEEN = np.diff(_U)
_TAIL_AT = int(np.searchsorted(_U, 0.92))
_SHARE = np.linspace(0.0, 1.0, 120)
_LEFT = 1.0 - _SHARE
_PART = np.linspace(0.0, 1.0, 40)
_RISEN = _PART - np.sin(np.pi * _PART) / np.pi


def _fall(pef: float, fvc: float, peak_l: float, m: float, p: float, fet: float) -> tuple[Array, Array]:
    """Times and volumes after peak flow: times from 0, volumes from ``peak_l`` to ``fvc`` at about ``fet``."""
    rest = fvc - peak_l
    flow = pef * (1.0 - _U**m) ** p
    flow = np.maximum(flow, 1e-4 * pef)
    slow = 1.0 / flow
    time = np.zeros(len(_U))
    np.cumsum(_BETWEEN * rest * 0.5 * (slow[1:] + slow[:-1]), out=time[1:])
    volume = peak_l + _U * rest
    # the tail starts where 8 % of the volume is left, or before, so that it neither comes too late nor has to speed up
    start = _TAIL_AT
    while start > 10 and (time[start] > 0.85 * fet or flow[start] * (fet - time[start]) < 1.3 * (fvc - volume[start])):
        start -= 1
    left, span = fvc - volume[start], max(fet - time[start], 0.05)
    power = max(1.3, flow[start] * span / left)
    creep = min(0.3, 0.006 / left)  # the last few millilitres come to the very end
    tail = fvc - left * ((1.0 - creep) * _LEFT**power + creep * _LEFT)
    return np.concatenate([time[:start], time[start] + span * _SHARE]), np.concatenate([volume[:start], tail])


def _curve(pef: float, fvc: float, bev: float, m: float, p: float, fet: float) -> tuple[Array, Array]:
    """Times (0 = first flow) and volumes of a whole expiration; the rise is a half cosine of flow."""
    rise = min(max(7.0 * bev / pef, 0.02), 0.9)
    peak_l = min(0.5 * pef * rise, 0.45 * fvc)
    rise = 2.0 * peak_l / pef
    up = pef * rise * 0.5 * _RISEN
    time, volume = _fall(pef, fvc, peak_l, m, p, fet)
    return np.concatenate([_PART[:-1] * rise, rise + time]), np.concatenate([up[:-1], volume])


def _errors(pef: float, fvc: float, bev: float, fet: float, shape: Array, fev1: float, fef: float) -> Array:
    m, p = np.exp(shape)
    time, volume = _curve(pef, fvc, bev, float(m), float(p), fet)
    zero = 0.5 * min(7.0 * bev / pef, 0.9 * fvc / pef)
    at_one = float(np.interp(zero + 1.0, time, volume))
    t25, t75 = np.interp([0.25 * fvc, 0.75 * fvc], volume, time)
    return np.array([np.log(at_one / fev1), 0.7 * np.log(0.5 * fvc / max(t75 - t25, 1e-3) / fef)])


def _shape(pef: float, fvc: float, bev: float, fet: float, fev1: float, fef: float, start: Array) -> Array:
    """Logarithms of the exponents (m, p) whose curve has this FEV1 and FEF25-75: damped Gauss-Newton steps."""
    shape, damping = start.copy(), 1e-3
    error = _errors(pef, fvc, bev, fet, shape, fev1, fef)
    for _ in range(14):
        if np.abs(error).max() < 5e-4:
            break
        slope = np.stack(
            [(_errors(pef, fvc, bev, fet, shape + delta, fev1, fef) - error) / 0.01 for delta in (np.array([0.01, 0.0]), np.array([0.0, 0.01]))],
            axis=1,
        )
        step = np.linalg.solve(slope.T @ slope + damping * np.eye(2), -slope.T @ error)
        tried = np.clip(shape + np.clip(step, -0.5, 0.5), np.log([0.12, 0.1]), np.log([5.0, 12.0]))
        better = _errors(pef, fvc, bev, fet, tried, fev1, fef)
        if np.square(better).sum() < np.square(error).sum():
            shape, error, damping = tried, better, damping / 3
        else:
            damping *= 8
    return shape


def _sampled(time: Array, volume: Array, sampling_hz: float) -> tuple[Array, Array, Array]:
    """On an even grid with a silence before and after: time, volume, flow."""
    grid = np.arange(0.0, _LEAD_S + time[-1] + _TRAIL_S, 1.0 / sampling_hz)
    even = np.interp(grid - _LEAD_S, time, volume, left=0.0, right=float(volume[-1]))
    return grid, even, np.gradient(even, grid)


def simulate(
    fev1_l: float, fvc_l: float, pef_l_s: float | None = None, fef25_75_l_s: float | None = None, bev_l: float | None = 0.05,
    fet_s: float | None = 7.0, *, sampling_hz: float = 100.0, faults: Sequence[str] = (), seed: int = 0, noise_l_s: float = 0.0,
) -> Blow:  # fmt: skip
    """A blow that measures to these values (1 % or 10 mL where they can belong to one curve); missing ones are typical.

    ``faults`` from FAULTS are put in afterwards, so that the values then differ. ``noise_l_s`` is the flow's noise.
    """
    ratio = min(fev1_l / fvc_l, 0.995)
    fef = fef25_75_l_s or fvc_l * 0.763 * float(np.exp(4.7 * (ratio - 0.8)))
    pef = max(pef_l_s or 2.65 * fev1_l, 1.02 * fev1_l)
    bev, fet = max(bev_l if bev_l is not None else 0.05, 0.002 * fvc_l), max(fet_s or 7.0, 0.6)
    wished = np.array([fev1_l, fvc_l, pef, fef, bev, fet])
    asked = wished.copy()
    shape = np.log([1.0, 1.0] if ratio > 0.7 else [0.6, 2.0])
    best: tuple[float, Any] = (np.inf, None)
    for _ in range(7):
        f1, vc, pf, fe, bv, ft = asked
        shape = _shape(pf, vc, bv, ft, f1, fe, shape)
        grid = _sampled(*_curve(pf, vc, bv, float(np.exp(shape[0])), float(np.exp(shape[1])), ft), sampling_hz)
        read = measure(Blow(*grid))
        got = np.array([x if x is not None else w for x, w in zip(
            (read.fev1_l, read.fvc_l, read.pef_l_s, read.fef25_75_l_s, read.bev_l, read.fet_s), wished, strict=True)])  # fmt: skip
        off = float(np.max(np.abs(got - wished) / np.maximum(0.01 * wished, [0.01, 0.01, 0.03, 0.02, 0.01, 0.15])))
        if off < best[0]:
            best = (off, grid)
        if off < 0.5:
            break
        asked = np.clip(asked * np.clip(wished / np.maximum(got, 1e-3), 0.8, 1.25), 0.3 * wished, 3.0 * wished)
        asked[1] = wished[1]
    time, volume, flow = best[1]
    rng = np.random.default_rng(seed)
    for fault in faults:
        time, volume = _spoil(fault, time, volume, rng)
    if noise_l_s:
        volume = volume + np.concatenate([[0.0], np.cumsum(rng.normal(0.0, noise_l_s, len(time) - 1) * np.diff(time))])
    flow = np.gradient(volume, time)
    return Blow(time, volume, flow)


def _spoil(fault: str, time: Array, volume: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    step, fvc = time[1] - time[0], volume[-1]
    start = int(np.argmax(volume > 0.01 * fvc))
    flow = np.diff(volume, prepend=volume[0]) / step
    if fault == "slow_start":
        wanted = min(max(0.12, 0.07 * fvc) + 0.15, 0.5 * fvc)
        steps = int(1.2 / step)
        creep = np.linspace(0.0, wanted, steps) ** 2 / wanted
        return np.arange(len(volume) + steps) * step, np.concatenate([volume[:start], creep, creep[-1] + volume[start:] * (1 - wanted / fvc)])
    if fault == "hesitation":
        steps = int(rng.uniform(2.3, 3.0) / step)
        creep = np.linspace(0.0, 0.03, steps)
        return np.arange(len(volume) + steps) * step, np.concatenate([volume[:start], creep, creep[-1] + volume[start:]])
    if fault == "cough":
        moment = time[start] + rng.uniform(0.35, 0.75)
        for k in range(int(rng.integers(2, 4))):
            dip = np.exp(-(((time - moment - 0.16 * k) / 0.035) ** 2))
            flow = flow * (1.0 - 0.97 * dip)
        return time, np.cumsum(flow) * step
    if fault == "early_end":
        end = start + int(rng.uniform(1.3, 2.0) / step)
        kept = min(end, int(np.argmax(volume >= 0.93 * fvc)))
        kept = max(kept, start + int(0.4 / step))
        return time[: kept + 2], volume[: kept + 2]
    if fault == "glottic_closure":
        shut = max(start + int(0.25 / step), int(np.argmax(volume >= rng.uniform(0.5, 0.75) * fvc)))
        flow[shut:] = 0.0
        return time, np.cumsum(flow) * step
    if fault == "leak":  # a share of what a volume spirometer holds is lost every second
        lost = np.cumsum(volume) * step * max(rng.uniform(0.02, 0.05), 0.06 / fvc)
        return time, volume - lost
    if fault == "zero_flow_error":
        return time, volume + time * rng.uniform(0.03, 0.12) * rng.choice([-1.0, 1.0])
    if fault == "inspiration_exceeds":
        size = fvc + max(0.12, 0.07 * fvc) + rng.uniform(0.0, 0.4)
        breath = volume[-1] - size * 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, round(1.5 / step))))
        return np.arange(len(volume) + len(breath)) * step, np.concatenate([volume, breath])
    raise ValueError(f"unknown fault {fault!r}; choose from {', '.join(FAULTS)}")


def rebuild(
    fev1_l: float, fvc_l: float, pef_l_s: float | None = None, fef25_75_l_s: float | None = None, bev_l: float | None = None,
    fet_s: float | None = None,
) -> Blow:  # fmt: skip
    """A curve for a person whose indices are known but whose curve is not."""
    return simulate(fev1_l, fvc_l, pef_l_s, fef25_75_l_s, bev_l, fet_s)


def whole_range(rng: np.random.Generator) -> dict[str, float]:
    """The six values of a blow by someone of 5 to 90 years with z from -6 to +3; drawn again until they can belong to one curve."""
    while True:
        male, age = bool(rng.random() < 0.5), float(rng.uniform(5, 90))
        height = float(np.clip((176 if male else 163) * min(1.0, 0.45 + 0.55 * (age / 16) ** 0.75) + rng.normal(0, 6), 100, 205))
        body: dict[str, Any] = {"male": male, "age_years": age, "height_cm": height}
        ratio_z, fvc_z = float(rng.uniform(-6, 2)), float(rng.uniform(-6, 3))
        fvc, ratio = _at("fvc", fvc_z, **body), float(np.clip(_at("fev1_fvc", ratio_z, **body), 0.3, 0.95))
        fet = float(np.clip(rng.normal(11 if ratio < 0.65 else 7 if age > 12 else 3, 1.5), 1.8, 15.5))
        fef = fvc * 0.763 * float(np.exp(4.7 * (ratio - 0.8) + rng.normal(0, 0.08)))
        bev, pef = float(rng.uniform(0.015, 0.03)) * fvc, fvc * ratio * float(rng.uniform(2.2, 3.1))
        if fvc * ratio >= 0.3 and 0.5 * fvc / fef < 0.4 * fet:
            return {"fev1_l": fvc * ratio, "fvc_l": fvc, "pef_l_s": pef, "fef25_75_l_s": fef, "bev_l": bev, "fet_s": fet}


def _at(measure_name: str, z: float, *, male: bool, age_years: float, height_cm: float) -> float:
    """The value at a z-score by GLI Global 2022."""
    skew, median, spread = (float(x[0]) for x in lms(measure_name, male=male, age_years=age_years, height_cm=height_cm))
    return median * max(1.0 + z * skew * spread, 0.05) ** (1.0 / skew)


_PATTERNS = ("normal", "obstruction", "restriction", "mixed", "prism")


def simulate_person(rng: np.random.Generator, pattern: str | None = None) -> dict[str, Any]:
    """A made-up person: ``sex``, ``age_years``, ``height_cm``, ``blows`` (one to three), ``pattern`` and ``faults``."""
    pattern = pattern or str(rng.choice(_PATTERNS, p=[0.38, 0.36, 0.13, 0.07, 0.06]))
    male = bool(rng.random() < 0.5)
    age = float(np.round(rng.uniform(6, 18) if rng.random() < 0.12 else rng.uniform(18, 90), 1))
    grown = (176.0 if male else 163.0) - 0.05 * max(0.0, age - 40)
    childhood = min(1.0, 0.45 + 0.55 * (age / 16.0) ** 0.75)
    height = float(np.round(np.clip(grown * childhood + rng.normal(0, 6.5 * childhood), 100, 205), 1))
    z_ratio = {"normal": (0.0, 0.8), "obstruction": (-3.0, 1.0), "restriction": (0.4, 0.7), "mixed": (-2.8, 0.7), "prism": (-0.9, 0.5)}
    z_fvc = {"normal": (0.0, 0.8), "obstruction": (-0.4, 0.9), "restriction": (-2.7, 0.8), "mixed": (-2.6, 0.7), "prism": (-1.2, 0.4)}
    zr, zv = (float(np.clip(rng.normal(*table[pattern]), -6.0, 3.0)) for table in (z_ratio, z_fvc))

    body: dict[str, Any] = {"male": male, "age_years": age, "height_cm": height}
    fvc, ratio = _at("fvc", zv, **body), float(np.clip(_at("fev1_fvc", zr, **body), 0.22, 0.97))
    fev1 = fvc * ratio
    pef = fev1 * float(rng.uniform(2.2, 3.1))
    fef = fvc * 0.763 * float(np.exp(4.7 * (ratio - 0.8) + rng.normal(0, 0.08)))
    fet = float(np.clip(rng.normal(11.0 if ratio < 0.65 else 7.0 if age > 12 else 3.0, 1.5), 1.6, 15.5))
    count = int(rng.choice((1, 2, 3), p=[0.4, 0.25, 0.35]))
    fault = str(rng.choice(COMMON_FAULTS)) if rng.random() < 0.26 else None
    blows = []
    for index in range(count):
        effort = 1.0 if index == 0 else float(rng.uniform(0.95, 1.0) if rng.random() < 0.8 else rng.uniform(0.82, 0.95))
        spoiled = (fault,) if fault and (index == 0 or rng.random() < 0.4) else ()
        blow = simulate(
            fev1 * effort, fvc * effort, pef * effort, fef * effort, float(rng.uniform(0.02, 0.09)) * min(1.0, fvc / 3), fet,
            faults=spoiled, seed=int(rng.integers(2**31)), noise_l_s=float(rng.uniform(0.0, 0.03)),
        )  # fmt: skip
        blows.append(replace(blow, id=str(index + 1)))
    return {
        "sex": "male" if male else "female", "age_years": age, "height_cm": height, "blows": tuple(blows), "pattern": pattern,
        "faults": (fault,) if fault else (),
    }  # fmt: skip
