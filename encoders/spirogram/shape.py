"""What a loop looks like, in four words, from the curve alone. Our own words for people, not a standard's."""

from __future__ import annotations

import numpy as np

from encoders.spirogram.measure import expiration
from encoders.spirogram.read import Blow
from encoders.spirogram.results import Maneuver

LIMBS = ("scooped", "nearly straight", "rounded")
PEAKS = ("sharp early", "late and blunt")
SIZES = ("small", "medium", "large")
ENDS = ("long tail", "stops abruptly", "ends smoothly")


def shape_words(blow: Blow, maneuver: Maneuver) -> tuple[str, ...]:
    """Descending limb, peak, size and end of the flow-volume loop; empty where nothing was measured."""
    out = expiration(blow)
    if out is None or not maneuver.pef_l_s or not maneuver.fvc_l or maneuver.time_zero_s is None:
        return ()
    volume, flow = out.volume_l / maneuver.fvc_l, out.flow_l_s / maneuver.pef_l_s
    peak = int(np.argmax(flow))
    share = np.linspace(volume[peak], 0.9, 40)
    rising = np.maximum.accumulate(volume)
    keep = np.concatenate([[True], np.diff(rising) > 1e-9])
    line = flow[peak] * (1.0 - (share - volume[peak]) / (1.0 - volume[peak]))
    above = float(np.mean(np.interp(share, rising[keep], flow[keep]) - line))  # mean distance from a straight limb
    limb = LIMBS[0] if above < -0.10 else LIMBS[2] if above > 0.04 else LIMBS[1]
    blunt = volume[peak] > 0.30 or (maneuver.bev_l or 0.0) > max(0.05 * maneuver.fvc_l, 0.100)
    size = SIZES[0] if maneuver.fvc_l < 2.5 else SIZES[2] if maneuver.fvc_l > 4.5 else SIZES[1]
    tail = float(np.interp(0.95, rising[keep], flow[keep]))
    slow = maneuver.fet_s is not None and float(np.interp(maneuver.time_zero_s + 0.6 * maneuver.fet_s, out.time_s, rising)) < 0.93
    abrupt = tail > 0.12 or any(finding.code in ("early_end", "glottic_closure") for finding in maneuver.findings)
    end = ENDS[1] if abrupt else ENDS[0] if slow or (maneuver.fet_s or 0.0) > 9.0 else ENDS[2]
    return limb, PEAKS[1] if blunt else PEAKS[0], size, end
