"""The main numbers of a blow by a plain loop over its samples, written apart from ``measure``: its check, and the benchmark's baseline."""

from __future__ import annotations

from collections.abc import Sequence


def plain(time_s: Sequence[float], volume_l: Sequence[float]) -> dict[str, float]:
    """fvc_l, fev1_l, bev_l, pef80_l_s (mean over 80 ms), fef25_75_l_s and time_zero_s of one expiration that begins with rest.

    ATS/ERS 2019 (Graham et al., doi 10.1164/rccm.201908-1590ST); ValueError where nothing is breathed out.
    """
    count, step = len(volume_l), (time_s[-1] - time_s[0]) / (len(time_s) - 1)
    half = max(1, round(0.040 / step))
    slope, steepest, fvc = 0.0, 0, 0.0
    for index in range(count):
        fvc = max(fvc, volume_l[index] - volume_l[0])
        if half <= index < count - half:
            here = (volume_l[index + half] - volume_l[index - half]) / (2 * half * step)
            if here > slope:
                slope, steepest = here, index
    if slope <= 0:
        raise ValueError("nothing was breathed out")
    zero = time_s[steepest] - (volume_l[steepest] - volume_l[0]) / slope
    found = {"fvc_l": fvc, "pef80_l_s": slope, "time_zero_s": zero}
    for name, moment in (("bev_l", zero), ("fev1_l", zero + 1.0)):
        for index in range(1, count):
            if time_s[index] >= moment:
                part = (moment - time_s[index - 1]) / (time_s[index] - time_s[index - 1])
                found[name] = volume_l[index - 1] + part * (volume_l[index] - volume_l[index - 1]) - volume_l[0]
                break
    crossed = []
    for share in (0.25, 0.75):
        for index in range(1, count):
            if volume_l[index] - volume_l[0] >= share * fvc:
                part = (share * fvc + volume_l[0] - volume_l[index - 1]) / (volume_l[index] - volume_l[index - 1])
                crossed.append(time_s[index - 1] + part * (time_s[index] - time_s[index - 1]))
                break
    found["fef25_75_l_s"] = 0.5 * fvc / (crossed[1] - crossed[0])
    return found
