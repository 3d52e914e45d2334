"""Is the blow good enough? ATS/ERS 2019 (Graham et al., doi 10.1164/rccm.201908-1590ST), for FEV1 and FVC apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from encoders.spirogram.measure import Expiration, expiration
from encoders.spirogram.read import Array
from encoders.spirogram.results import Best, Finding, Maneuver

HESITATION_S = 2.0
PLATEAU_L, PLATEAU_S, LONG_S = 0.025, 1.0, 15.0
LOWEST_HZ = 50.0  # the standard prefers 100 Hz; under 50 a warning
ZERO_L_S = 0.02  # a steady flow before the blow: over 6 s it adds 0.12 L
LEAK_L_S, LEAK_S = 0.02, 0.8  # a steady loss after the end, and for how long it is looked at
CLOSURE = 1.5  # ours, chosen on simulated closures
COUGH_DIP = 0.45  # flow must fall by this share and come back: ours, chosen on simulated coughs; the standard gives no figure


def judge(m: Maneuver, age_years: float | None = None) -> Maneuver:
    """Add findings and what the blow is acceptable and usable for, by itself (see ``judge_all`` for the blows of a visit).

    ATS/ERS 2019, table 7. "Usable" is stricter than the table in one place: an FVC cut off long before the lungs were empty,
    by an early end or a late glottic closure, is not used, since neither it nor its ratio can be trusted.
    """
    out = expiration(m.blow)
    if out is None or m.fvc_l is None or m.time_zero_s is None or m.bev_l is None:
        return _refuse(m, "nothing was breathed out here")
    if not _is_forced(m, out):
        return _refuse(m, "this does not look like a forced expiration")
    if _is_syringe(m):
        return _refuse(m, "flow stays nearly constant to the end, as from a calibration syringe, not from lungs")
    findings = [*_start(m, out), *_first_second(m, out), *_zero_and_leak(m, out)]
    closed = _closure(out, m)
    if closed is not None:
        text = f"flow stops suddenly {closed - m.time_zero_s:.1f} s after the start (glottic closure)"
        findings.append(Finding("glottic_closure", text, closed, float(out.time_s[-1])))
    ended = _has_plateau(out) or (m.fet_s or 0.0) >= LONG_S
    if not ended and closed is None:
        findings.append(Finding("early_end", _end_text(out, m), float(max(out.time_s[0], out.time_s[-1] - PLATEAU_S)), float(out.time_s[-1])))
    if m.fivc_l is not None and m.fivc_l - m.fvc_l > max(0.100, 0.05 * m.fvc_l):
        text = f"the inspiration after the blow is {m.fivc_l - m.fvc_l:.2f} L larger than the FVC: the blow did not start from full lungs"
        findings.append(Finding("inspiration_exceeds", text, float(out.time_s[-1]), float(m.blow.time_s[-1])))
    if m.blow.sampling_hz < LOWEST_HZ * 0.99:
        findings.append(Finding("low_sampling_rate", f"sampled at {m.blow.sampling_hz:.0f} Hz; at least 50 Hz is needed for peak flow and the start"))
    if m.fev1_l is None:
        text = f"the curve ends {out.time_s[-1] - m.time_zero_s:.2f} s after the start, so FEV1 cannot be measured"
        findings.append(Finding("truncated", text, float(out.time_s[-1]), float(out.time_s[-1])))
    codes = {finding.code for finding in findings}
    start_ok = not codes & {"slow_start", "hesitation", "zero_flow_error"}
    tight = not codes & {"leak", "inspiration_exceeds"}
    first_second = m.fev1_l is not None and start_ok and "cough" not in codes and not (closed is not None and closed < m.time_zero_s + 1.0)
    return replace(
        m, findings=tuple(findings), acceptable_fev1=first_second and tight, usable_fev1=first_second,
        acceptable_fvc=start_ok and tight and ended and closed is None,
        usable_fvc=start_ok and (ended or _nearly_empty(out)) and closed is None,
    )  # fmt: skip


def judge_all(maneuvers: Sequence[Maneuver], age_years: float | None = None) -> tuple[Maneuver, ...]:
    """The blows of one visit in their order. An FVC that repeats the largest one before it has reached its end too.

    That is the third sign of the end of the expiration (ATS/ERS 2019): FVC within the repeatability limit of, or larger than,
    the largest earlier FVC of the visit. It is for lungs that empty early; a blow that stops with over 0.100 L in its last
    second does not pass by it, as a recording cut short repeats itself just as well.
    """
    judged: list[Maneuver] = []
    largest: float | None = None
    for m in (judge(m, age_years) for m in maneuvers):
        out = expiration(m.blow)
        codes = {finding.code for finding in m.findings}
        if largest is not None and m.fvc_l is not None and out is not None and "early_end" in codes and _nearly_empty(out):
            limit = max(0.100, 0.10 * largest) if _is_young(age_years) else 0.150
            if m.fvc_l >= largest - limit:
                left = tuple(finding for finding in m.findings if finding.code != "early_end")
                fine = not codes & {"slow_start", "hesitation", "zero_flow_error", "leak", "inspiration_exceeds"}
                m = replace(m, findings=left, acceptable_fvc=fine)
        if m.fvc_l is not None and "not_an_expiration" not in codes:
            largest = max(largest or 0.0, m.fvc_l)
        judged.append(m)
    return tuple(judged)


def _refuse(m: Maneuver, why: str) -> Maneuver:
    return replace(
        m, findings=(Finding("not_an_expiration", f"{why}; check the file or repeat the test"),),
        acceptable_fev1=False, acceptable_fvc=False, usable_fev1=False, usable_fvc=False,
    )  # fmt: skip


def _start(m: Maneuver, out: Expiration) -> list[Finding]:
    """Back-extrapolated volume and hesitation."""
    assert m.fvc_l is not None
    assert m.bev_l is not None
    assert m.time_zero_s is not None
    found = []
    limit = max(0.05 * m.fvc_l, 0.100)  # 2019; the older 0.150 L no longer holds
    if m.bev_l > limit:
        text = f"slow start: back-extrapolated volume {m.bev_l:.2f} L; at most {limit:.2f} L is allowed"
        found.append(Finding("slow_start", text, float(out.time_s[0]), m.time_zero_s))
    begun = float(out.time_s[int(np.argmax(out.volume_l > 0.003))])
    waited = m.time_zero_s - begun
    if waited > HESITATION_S:
        found.append(Finding("hesitation", f"hesitation of {waited:.1f} s before the blow; at most 2 s is allowed", begun, m.time_zero_s))
    return found


def _first_second(m: Maneuver, out: Expiration) -> list[Finding]:
    assert m.time_zero_s is not None
    cough = _cough(out, m.time_zero_s)
    if cough is None:
        return []
    return [Finding("cough", f"cough {cough - m.time_zero_s:.1f} s after the start, within the first second", cough - 0.1, cough + 0.1)]


def _zero_and_leak(m: Maneuver, out: Expiration) -> list[Finding]:
    """A steady flow where there should be none: before the blow a faulty zero, after it a leak. Limits are ours."""
    assert m.time_zero_s is not None
    blow = m.blow
    begun = m.time_zero_s - 0.1
    quiet = blow.time_s < begun
    if quiet.sum() >= 5 and begun - blow.time_s[0] >= 0.12:
        quiet &= blow.time_s >= begun - 0.5
        rate, off = _line(blow.time_s[quiet], blow.volume_l[quiet])
        if ZERO_L_S <= abs(rate) <= 0.5 and off < 0.12 * abs(rate) * float(np.ptp(blow.time_s[quiet])) + 0.0005:
            text = f"flow reads {rate:+.2f} L/s before the blow, where it should be 0 (faulty zero flow): every volume is wrong by that much a second"
            return [Finding("zero_flow_error", text, float(blow.time_s[quiet][0]), begun)]
    step = (out.time_s[-1] - out.time_s[0]) / (len(out.time_s) - 1)
    width = round(LEAK_S / step) + 1
    after = _before_inspiration(out)[len(out.volume_l) - 1 :] if out.after_l.min() < out.after_l[0] - 0.3 else out.after_l
    if len(after) >= width:
        rate, off = _line(np.arange(width) * step, after[-width:])
        if LEAK_L_S <= -rate <= 0.25 and off < 0.15 * -rate * LEAK_S + 0.002:
            end = float(out.time_s[-1])
            return [Finding("leak", f"volume is lost at {-rate:.2f} L/s after the end of the blow (leak)", end, float(end + (len(after) - 1) * step))]
    return []


def _line(time: Array, volume: Array) -> tuple[float, float]:
    """Slope of the straight line through these points, and how far the farthest point lies from it."""
    slope, level = np.polyfit(time - time[0], volume, 1)
    return float(slope), float(np.abs(volume - level - slope * (time - time[0])).max())


def _is_young(age_years: float | None) -> bool:
    return age_years is not None and age_years <= 6


def _is_forced(m: Maneuver, out: Expiration) -> bool:
    """Breathing at rest has its peak in mid-volume, a forced blow near its start and much faster than what it empties. Ours."""
    if not m.pef_l_s or not m.fvc_l or m.fvc_l < 0.2 or m.pef_l_s < max(0.25, 0.3 * m.fvc_l) or _is_noise(out):
        return False
    return m.pef_l_s >= 0.6 or float(out.volume_l[int(np.argmax(out.flow_l_s))]) < 0.3 * m.fvc_l


def _is_syringe(m: Maneuver) -> bool:
    """Flow still over 85 % of its peak when three quarters are out: no lung does that. Ours."""
    late, middle = m.more.get("fef75_l_s"), m.fef25_75_l_s
    return bool(m.pef_l_s and late and middle and late > 0.85 * m.pef_l_s and middle > 0.9 * m.pef_l_s)


def _is_noise(out: Expiration) -> bool:
    """A real expiration goes one way; noise goes back nearly as much as forward."""
    steps = np.diff(out.volume_l)
    return bool(-steps[steps < 0].sum() > 0.5 * steps[steps > 0].sum())


def _cough(out: Expiration, time_zero: float) -> float | None:
    """When flow, smoothed over 30 ms, falls by COUGH_DIP of what it was and recovers within the first second."""
    step = (out.time_s[-1] - out.time_s[0]) / (len(out.time_s) - 1)
    width = max(1, round(0.03 / step))
    flow = np.convolve(np.gradient(out.volume_l, out.time_s), np.ones(width) / width, mode="same")
    peak = int(np.argmax(flow))
    part = (out.time_s > out.time_s[peak]) & (out.time_s < time_zero + 1.0)
    later, times = flow[part], out.time_s[part]
    if len(later) < 5:
        return None
    bottoms = np.minimum.accumulate(later)
    recovered = later - bottoms
    top = int(np.argmax(recovered))
    if not top:
        return None
    lowest = int(np.argmin(later[: top + 1]))
    before = float(later[max(0, lowest - round(0.12 / step)) : lowest + 1].max())  # the flow just before the dip
    deep = recovered[top] > max(COUGH_DIP * 0.7 * before, 0.03 * flow[peak], 0.12)
    return float(times[lowest]) if deep else None


def _closure(out: Expiration, m: Maneuver) -> float | None:
    """When flow falls to a tenth within 20 ms and stays there, though at its pace CLOSURE times as much volume was to come."""
    assert m.pef_l_s is not None
    step = (out.time_s[-1] - out.time_s[0]) / (len(out.time_s) - 1)
    span, gap = max(2, round(0.06 / step)), max(1, round(0.02 / step))
    whole = _before_inspiration(out)
    flow = (whole[span:] - whole[:-span]) / (span * step)  # mean over 60 ms
    last = len(flow) - 2 * (span + gap)
    if last < 1:
        return None
    earlier, before, after = flow[:last], flow[span + gap : span + gap + last], flow[2 * (span + gap) :]
    stops = np.arange(last) + 2 * span + gap  # the sample at which flow was last seen
    slowing = np.maximum((earlier - before) / ((span + gap) * step), 1e-6)  # litres per second, each second
    came = whole[-1] - whole[stops - span // 2]
    sudden = (before > max(0.15, 0.04 * m.pef_l_s)) & (after < 0.1 * before) & (before**2 / (2 * slowing) > CLOSURE * came + 0.01)
    for stop in stops[sudden & (stops > int(np.argmax(out.flow_l_s)))]:
        if len(whole) - stop > round(0.15 / step) and whole[-1] - whole[stop + gap] < 0.02 * whole[-1] + 0.02:
            return float(out.time_s[0] + stop * step)
    return None


def _before_inspiration(out: Expiration) -> Array:
    """Volumes of the expiration and of what follows it, until someone breathes in."""
    taken = out.after_l < out.after_l[0] - 0.05
    return np.concatenate([out.volume_l, out.after_l[1 : int(np.argmax(taken)) or None]])


def _last_second(out: Expiration) -> float:
    """Litres exhaled in the last second before the end of the recording or the inspiration."""
    step = (out.time_s[-1] - out.time_s[0]) / (len(out.time_s) - 1)
    whole = _before_inspiration(out)
    back = round(PLATEAU_S / step)
    return float(whole[-1] - whole[-1 - back]) if len(whole) > back else float(whole[-1])


def _has_plateau(out: Expiration) -> bool:
    return _last_second(out) < PLATEAU_L


def _nearly_empty(out: Expiration) -> bool:
    """Ended early, but with little left: under 0.100 L in the last second. Ours; the standard leaves "usable" FVC open here."""
    return _last_second(out) < 0.100


def _end_text(out: Expiration, m: Maneuver) -> str:
    return f"early end: {_last_second(out):.2f} L in the last second after {m.fet_s or 0.0:.1f} s; under 0.025 L or 15 s is needed"


# the visit -----------------------------------------------------------------------------------------------------------
def best_of(maneuvers: Sequence[Maneuver], age_years: float | None = None) -> Best | None:
    """Largest FEV1 and FVC over the usable blows, their ratio, and the grades; None where nothing was exhaled."""
    measured = [(index, m) for index, m in enumerate(maneuvers) if m.fvc_l is not None and not _refused(m)]
    if not measured:
        return None
    grades = {which: _grade(maneuvers, which, age_years) for which in ("fev1", "fvc")}
    fev1 = _largest(measured, "fev1")
    fvc = _largest(measured, "fvc")
    chosen = max(measured, key=lambda pair: (pair[1].usable_fev1, pair[1].usable_fvc, (pair[1].fev1_l or 0.0) + (pair[1].fvc_l or 0.0)))[0]
    other = maneuvers[chosen]
    reasons = tuple(f"{name}: {grades[which][1]}" for which, name in (("fev1", "FEV1"), ("fvc", "FVC")))
    ratio = fev1 / fvc if fev1 is not None and fvc is not None else None
    if ratio is not None and ratio > 1.0:  # of different blows: the one with the FEV1 was cut before it gave an FVC
        ratio, reasons = None, (*reasons, f"FEV1/FVC: not given, as the FEV1 of {fev1:.2f} L is larger than the largest usable FVC of {fvc:.2f} L")
    return Best(
        fev1, fvc, ratio, grades["fev1"][0], grades["fvc"][0], reasons,
        other.pef_l_s, other.fef25_75_l_s, other.bev_l, other.fet_s, chosen,
    )  # fmt: skip


def _refused(m: Maneuver) -> bool:
    return any(finding.code == "not_an_expiration" for finding in m.findings)


def _largest(measured: Sequence[tuple[int, Maneuver]], which: str) -> float | None:
    values = [getattr(m, f"{which}_l") for _, m in measured if getattr(m, f"usable_{which}") and getattr(m, f"{which}_l") is not None]
    return max(values) if values else None


def _grade(maneuvers: Sequence[Maneuver], which: str, age_years: float | None) -> tuple[str, str]:
    """The letter and why. Limits in litres, or a share of the largest for children of six years and under."""
    good = sorted((getattr(m, f"{which}_l") for m in maneuvers if getattr(m, f"acceptable_{which}") and getattr(m, f"{which}_l")), reverse=True)
    usable = sum(getattr(m, f"usable_{which}") for m in maneuvers)
    if not good:
        return ("U", f"no acceptable blow, {usable} usable") if usable else ("F", "no acceptable and no usable blow")
    if len(good) == 1:
        return "E", "one acceptable blow; a single blow never grades above E, as repeatability cannot be shown"
    young = _is_young(age_years)
    limits = [
        max(litres, share * good[0]) if young else litres
        for litres, share in (((0.100, 0.10), (0.150, 0.15), (0.200, 0.20)) if young else ((0.150, 0), (0.200, 0), (0.250, 0)))
    ]
    gap = good[0] - good[1]
    said = f"{len(good)} acceptable blows, the two largest {gap:.2f} L apart"
    slack = 1e-9
    if gap <= limits[0] + slack:
        third = len(good) >= 3 and good[0] - good[2] <= limits[0] + slack
        if len(good) >= 3 and not third:
            said += f", the third {good[0] - good[2]:.2f} L below the largest"
        return ("A", said) if third else ("B", said)
    if gap <= limits[1] + slack:
        return "C", said
    return ("D", said) if gap <= limits[2] + slack else ("E", said)
