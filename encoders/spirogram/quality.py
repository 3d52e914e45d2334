"""Is the blow good enough? ATS/ERS 2019 (Graham et al., doi 10.1164/rccm.201908-1590ST), for FEV1 and FVC apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from encoders.spirogram.measure import Expiration, expiration
from encoders.spirogram.results import Best, Finding, Maneuver

HESITATION_S = 2.0
PLATEAU_L, PLATEAU_S, LONG_S = 0.025, 1.0, 15.0
LOWEST_HZ = 50.0  # the standard prefers 100 Hz; under 50 a warning
COUGH_DIP = 0.45  # flow must fall by this share and come back: ours, chosen on simulated coughs; the standard gives no figure


def judge(m: Maneuver, age_years: float | None = None) -> Maneuver:
    """Add findings and what the blow is acceptable and usable for."""
    out = expiration(m.blow)
    if out is None or m.fvc_l is None or m.time_zero_s is None or m.bev_l is None or not _is_forced(m, out):
        text = "this does not look like a forced expiration; check the file or repeat the test"
        return replace(m, findings=(Finding("not_an_expiration", text),), acceptable_fev1=False, acceptable_fvc=False)
    findings: list[Finding] = []
    bev_limit = max(0.05 * m.fvc_l, 0.100)  # 2019; the older 0.150 L no longer holds
    slow = m.bev_l > bev_limit
    if slow:
        text = f"slow start: back-extrapolated volume {m.bev_l:.2f} L; at most {bev_limit:.2f} L is allowed"
        findings.append(Finding("slow_start", text, float(out.time_s[0]), m.time_zero_s))
    begun = float(out.time_s[int(np.argmax(out.volume_l > 0.003))])
    waited = m.time_zero_s - begun
    if waited > HESITATION_S:
        findings.append(Finding("hesitation", f"hesitation of {waited:.1f} s before the blow; at most 2 s is allowed", begun, m.time_zero_s))
    early_cough = _cough(out, m.time_zero_s)
    if early_cough is not None:
        findings.append(
            Finding("cough", f"cough {early_cough - m.time_zero_s:.1f} s after the start, within the first second", early_cough - 0.1, early_cough + 0.1)
        )
    closed = _closure(out, m)
    if closed is not None:
        findings.append(
            Finding("glottic_closure", f"flow stops suddenly {closed - m.time_zero_s:.1f} s after the start (glottic closure)", closed, float(out.time_s[-1]))
        )
    ended = _has_plateau(out, m) or (m.fet_s or 0.0) >= LONG_S
    if not ended and closed is None:
        findings.append(Finding("early_end", _end_text(out, m), float(max(out.time_s[0], out.time_s[-1] - PLATEAU_S)), float(out.time_s[-1])))
    if m.fivc_l is not None and m.fivc_l - m.fvc_l > max(0.100, 0.05 * m.fvc_l):
        findings.append(
            Finding(
                "inspiration_exceeds",
                f"the inspiration after the blow is {m.fivc_l - m.fvc_l:.2f} L larger than the FVC: the blow did not start from full lungs",
            )
        )
    if m.blow.sampling_hz < LOWEST_HZ:
        findings.append(Finding("low_sampling_rate", f"sampled at {m.blow.sampling_hz:.0f} Hz; at least 50 Hz is needed for peak flow and the start"))
    codes = {finding.code for finding in findings}
    start_ok = not codes & {"slow_start", "hesitation"}
    closed_early = closed is not None and closed < m.time_zero_s + 1.0
    if m.fev1_l is None:
        findings.append(Finding("truncated", f"the curve ends {out.time_s[-1] - m.time_zero_s:.2f} s after the start, so FEV1 cannot be measured"))
    fev1 = m.fev1_l is not None and start_ok and "cough" not in codes and not closed_early
    fvc = start_ok and ended and closed is None and "inspiration_exceeds" not in codes
    # usable: start and first second good, the end not; a cough or late closure leaves nothing to trust in the first second
    return replace(
        m, findings=tuple(findings), acceptable_fev1=fev1, acceptable_fvc=fvc,
        usable_fev1=m.fev1_l is not None and start_ok and "cough" not in codes and not closed_early,
        usable_fvc=start_ok and (ended or _nearly_empty(out)) and closed is None,
    )  # fmt: skip


def _is_forced(m: Maneuver, out: Expiration) -> bool:
    """Breathing at rest has no peak: a forced blow's peak flow empties its volume in well under two seconds."""
    return bool(m.pef_l_s and m.fvc_l and m.pef_l_s > 0.3 * m.fvc_l and m.pef_l_s > 0.6 and m.fvc_l > 0.2 and not _is_noise(out))


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
    """When a flow of over 0.5 L/s and a tenth of the peak falls to nothing within 60 ms and stays there."""
    assert m.pef_l_s is not None
    step = (out.time_s[-1] - out.time_s[0]) / (len(out.time_s) - 1)
    span = max(2, round(0.06 / step))
    whole = np.concatenate([out.volume_l, out.after_l[1:]])
    flow = np.diff(whole) / step
    quiet = np.abs(whole[-1] - whole[:-1]) < 0.004
    still = int(np.argmax(quiet)) if quiet.any() else len(whole) - 1
    if len(whole) - still < round(0.15 / step) or still < span:
        return None
    before = float(flow[max(0, still - 2 * span) : max(1, still - span)].mean()) if still > 2 * span else 0.0
    if before > max(0.6, 0.12 * m.pef_l_s):
        return float(m.blow.time_s[0] + (out.time_s[0] - m.blow.time_s[0]) + still * step)
    return None


def _last_second(out: Expiration) -> float:
    """Litres exhaled in the last second before the end of the recording or the inspiration."""
    step = (out.time_s[-1] - out.time_s[0]) / (len(out.time_s) - 1)
    flat = int(np.argmax(out.after_l < out.after_l[0] - 0.05)) or len(out.after_l)
    whole = np.concatenate([out.volume_l, out.after_l[1:flat]])
    back = round(PLATEAU_S / step)
    return float(whole[-1] - whole[-1 - back]) if len(whole) > back else float(whole[-1])


def _has_plateau(out: Expiration, m: Maneuver) -> bool:
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
    return Best(
        fev1, fvc, min(1.0, fev1 / fvc) if fev1 is not None and fvc is not None else None, grades["fev1"][0], grades["fvc"][0], reasons,
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
    young = age_years is not None and age_years <= 6
    limits = [
        max(litres, share * good[0]) if young else litres
        for litres, share in (((0.100, 0.10), (0.150, 0.15), (0.200, 0.20)) if young else ((0.150, 0), (0.200, 0), (0.250, 0)))
    ]
    gap = good[0] - good[1]
    said = f"{len(good)} acceptable blows, the two largest {gap:.2f} L apart"
    slack = 1e-9
    if gap <= limits[0] + slack:
        third = len(good) >= 3 and good[0] - good[2] <= limits[0] + slack
        return ("A", said) if third else ("B", said)
    if gap <= limits[1] + slack:
        return "C", said
    return ("D", said) if gap <= limits[2] + slack else ("E", said)
