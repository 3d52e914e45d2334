"""Units of a curve: as its headers name them, else the ones in which a person's blow results, which is said; what is ambiguous is asked."""

from __future__ import annotations

import numpy as np

from encoders.spirogram.headers import FACTORS
from encoders.spirogram.read import Array, CurveError

_PEAK_L_S = 17.0  # no one blows faster; used only to tell units apart


def time_factor(time: Array, volume: Array | None, units: dict[str, str], said: list[str]) -> float:
    unit = units.get("time", "")
    if unit in FACTORS:
        return FACTORS[unit]
    step, span = float(np.median(np.diff(time))), float(time[-1] - time[0])
    if step >= 0.9 and step == round(step) == 1.0 and volume is not None and span > 0:
        # rows counted from 0 look like 1 kHz: a person's peak flow tells which it is, as far as it can
        litres = float(volume.max() - volume.min())
        litres = litres / 1000 if units.get("volume", "") == "ml" or (not units.get("volume") and litres > 200) else litres
        rise = float(np.abs(volume[50:] - volume[:-50]).max()) / max(float(volume.max() - volume.min()), 1e-12) if len(volume) > 50 else 1.0
        if rise * litres / 0.05 > _PEAK_L_S:
            raise CurveError(
                "time rises by 1 from row to row: is that milliseconds, or the number of the sample; name the unit in the header, for example time_ms"
            )
    if step >= 0.9 or (step <= 0 and span > 120):
        said.append(f"time was taken to be in milliseconds, as it runs to {time[-1]:.0f}")
        return 0.001
    if step > 0.26:
        raise CurveError(f"time rises by {step:.2g} from row to row and has no unit: is it seconds or milliseconds; name it in the header, time_s or time_ms")
    said.append("time was taken to be in seconds")
    return 1.0


def in_litres(time: Array, volume: Array | None, flow: Array | None, units: dict[str, str], said: list[str]) -> tuple[Array, Array | None]:
    """Volume in litres (integrated from flow where there is none) and flow in litres per second."""
    for kind in ("volume", "flow"):
        if units.get(kind) == "%":
            raise CurveError(f"the {kind} column is in percent, from which no litres follow; export it in {'L' if kind == 'volume' else 'L/s'}")
    if volume is None:
        assert flow is not None
        flow = flow * _flow_factor(time, flow, units.get("flow", ""), said)
        steps = np.diff(time)
        volume = np.concatenate([[0.0], np.cumsum((flow[1:] + flow[:-1]) / 2 * steps)])
        said.append("volume was integrated from flow")
        return volume, flow
    unit, flow_unit = units.get("volume", ""), units.get("flow", "")
    agreed = _volume_by_flow(time, volume, flow, flow_unit, said) if flow is not None and flow_unit in FACTORS and unit not in FACTORS else None
    volume = volume * (agreed or _volume_factor(volume, unit, said))
    if flow is not None:
        flow = flow * (FACTORS[flow_unit] if flow_unit in FACTORS else _flow_by_volume(time, volume, flow, said))
    return volume, flow


def _volume_factor(volume: Array, unit: str, said: list[str]) -> float:
    span = float(volume.max() - volume.min())
    if unit in FACTORS:
        factor = FACTORS[unit]
        if span * factor > 15:
            raise CurveError(
                f"the volume reaches {span * factor:.0f} L; lungs hold at most about 12 L: the unit is probably {'mL' if unit == 'l' else 'another'}"
            )
        return factor
    if span > 15_000:
        raise CurveError(f"the volume spans {span:.0f} and has no unit; even in mL that is more than lungs hold: check the column")
    if span >= 200:
        said.append(f"volume was taken to be in mL, as it reaches {span:.0f}")
        return 0.001
    if span > 15:
        raise CurveError(f"the volume reaches {span:.1f} and has no unit: is it decilitres, centilitres or mL; name it in the header, for example volume_ml")
    said.append("volume was taken to be in litres")
    return 1.0


_CANDIDATES = (("L/s", 1.0), ("L/min", 1 / 60), ("mL/s", 0.001), ("mL/min", 1 / 60_000))


def _flow_factor(time: Array, flow: Array, unit: str, said: list[str]) -> float:
    """Of flow without volume: the unit in which the volume breathed and the peak flow are a person's."""
    if unit in FACTORS:
        return FACTORS[unit]
    volume = np.concatenate([[0.0], np.cumsum((flow[1:] + flow[:-1]) / 2 * np.diff(time))])
    litres, peak = float(volume.max() - volume.min()), float(np.abs(flow).max())
    likely = [(name, factor) for name, factor in _CANDIDATES if 0.5 <= litres * factor <= 10 and 0.5 <= peak * factor <= 18]
    if len(likely) > 1:
        names = " or ".join(name for name, _ in likely)
        raise CurveError(f"flow has no unit and {names} would both be possible; name it in the header, for example flow_l_s")
    if likely:
        said.append(f"flow was taken to be in {likely[0][0]}, as it reaches {peak:.3g} and the volume is then {litres * likely[0][1]:.1f} L")
        return likely[0][1]
    if peak > 25:
        raise CurveError(f"flow reaches {peak:.3g} and has no unit in which a person's volume follows from it; name it in the header, for example flow_l_s")
    said.append("flow was taken to be in L/s")
    return 1.0


def _flow_by_volume(time: Array, volume: Array, flow: Array, said: list[str]) -> float:
    """Of flow beside a volume in litres: the unit in which it is the slope of the volume."""
    slope = np.gradient(volume, time)
    size = float(np.sqrt(np.dot(slope, slope)) / max(float(np.sqrt(np.dot(flow, flow))), 1e-12))
    name, factor = min(_CANDIDATES, key=lambda pair: abs(np.log(max(size, 1e-12) / pair[1])))
    if abs(np.log(max(size, 1e-12) / factor)) > 0.7 and float(np.abs(flow).max()) > 1e-9:
        raise CurveError("flow has no unit and agrees with the volume in none of L/s, L/min or mL/s; name the unit in the header or leave the column out")
    said.append(f"flow was taken to be in {name}" + (", as it then agrees with the volume" if name != "L/s" else ""))
    return factor


def _volume_by_flow(time: Array, volume: Array, flow: Array, unit: str, said: list[str]) -> float | None:
    """Of volume without unit beside flow with one: the factor with which its slope is the flow; None where none fits."""
    slope = np.gradient(volume, time)
    size = float(np.sqrt(np.dot(flow, flow)) * FACTORS[unit] / max(float(np.sqrt(np.dot(slope, slope))), 1e-12))
    for name, factor in (("litres", 1.0), ("decilitres", 0.1), ("centilitres", 0.01), ("mL", 0.001)):
        if abs(np.log(max(size, 1e-12) / factor)) < 0.3 and float(volume.max() - volume.min()) * factor < 15:
            said.append(f"volume was taken to be in {name}" + (", as it then agrees with the flow" if name != "litres" else ""))
            return factor
    return None


def time_from_loop(volume: Array, flow: Array, units: dict[str, str], said: list[str]) -> tuple[Array, Array, Array]:
    """Time (s), litres and L/s of a flow-volume loop without time: each step lasts its volume over its mean flow."""
    volume = volume * _volume_factor(volume, units.get("volume", ""), said)
    unit = units.get("flow", "")
    if unit not in FACTORS:
        peak = float(np.abs(flow).max())
        likely = [(name, factor) for name, factor in _CANDIDATES if 0.8 <= peak * factor <= _PEAK_L_S]
        if len(likely) != 1:
            raise CurveError(
                f"flow reaches {peak:.3g} without a unit, and without a time column it cannot be told; name it in the header, for example flow_l_s"
            )
        said.append(f"flow was taken to be in {likely[0][0]}, as it reaches {peak:.3g}")
        unit = likely[0][0].lower()
    flow = flow * FACTORS[unit]
    moves, mean = np.diff(volume), (flow[1:] + flow[:-1]) / 2
    if float(np.dot(moves, mean)) < 0:
        flow, mean = -flow, -mean
    going = (np.abs(mean) > 1e-3) & (moves * mean > 0)
    travelled = float(np.abs(moves).sum())
    if travelled <= 0 or float(np.abs(moves[going]).sum()) < 0.9 * travelled:
        raise CurveError(
            "volume and flow do not belong together, so time cannot be reckoned from them; add a time column, or a line such as: sampling rate: 100 Hz"
        )
    keep = np.concatenate([[True], going])
    steps = moves[going] / mean[going]
    time = np.concatenate([[0.0], np.cumsum(steps)])
    if not 0.3 < time[-1] < 600:
        raise CurveError(f"by its flow the loop lasts {time[-1]:.3g} s; a spirogram lasts from 0.3 to 600 s: check the units, or add a time column")
    said.append("time was reckoned from volume and flow; pauses without flow are not seen, so how long the blow lasted is uncertain")
    even = np.arange(0.0, time[-1], 0.01)
    return even, np.interp(even, time, volume[keep]), np.interp(even, time, flow[keep])
