"""Raw columns -> a Blow in litres and seconds on an even grid, expiration positive. What had to be inferred is said, what is unclear is asked."""

from __future__ import annotations

import numpy as np

from encoders.spirogram.read import Array, Blow, CurveError
from encoders.spirogram.units import in_litres, time_factor, time_from_loop

MAX_POINTS = 200_000  # of one blow: over three minutes at 1 kHz
LOWEST_HZ, HIGHEST_HZ = 20.0, 1000.0
_LIMIT = {"time": 1e15, "volume": 1e9, "flow": 1e9}
_NOT_EVEN = "the points were not evenly spaced and were resampled"


def build(
    time: Array | None, volume: Array | None, flow: Array | None, units: dict[str, str], *, id_: str, file: str,
    bronchodilator: str | None = None, step_s: float | None = None, date: str | None = None, said: tuple[str, ...] = (),
) -> Blow:  # fmt: skip
    """Columns (n,) as they stood in the file -> Blow. ``units`` by kind ("" or absent: inferred); ``step_s`` where there is no time column.

    Without time and ``step_s``, time is reckoned from volume and flow. Raises CurveError, also where a unit is ambiguous.
    """
    notes, warned = list(said), []  # type: list[str], list[str]
    time, volume, flow = _checked(time, volume, flow)
    if time is None and step_s is None:
        if volume is None or flow is None:
            raise CurveError("the curve has no time column; add one in seconds (or milliseconds), or a line such as: sampling rate: 100 Hz")
        time, volume, flow = time_from_loop(volume, flow, units, notes)
        units = {"time": "s", "volume": "l", "flow": "l/s"}
    elif time is None:
        assert step_s is not None
        if not 1e-5 <= step_s <= 10:
            raise CurveError(f"a sampling interval of {step_s:.3g} s is not possible; {LOWEST_HZ:.0f} to {HIGHEST_HZ:.0f} Hz are read")
        time = np.arange(len(volume if volume is not None else flow), dtype=np.float64) * step_s  # type: ignore[arg-type]
    else:
        time = (time - time[0]) * time_factor(time, volume, units, notes)
        time, volume, flow = _forwards(time, volume, flow, warned)
    if not 0.3 < time[-1] < 600:
        raise CurveError(f"the curve lasts {time[-1]:.3g} s; a spirogram lasts from 0.3 to 600 s: check the unit of time")
    volume, flow = in_litres(time, volume, flow, units, notes)
    time, volume, flow = _even(time, volume, flow, warned)
    volume, flow = _upright(time, volume, flow, notes)
    return Blow(time, volume, flow, id_, file, bronchodilator, date, tuple(notes), tuple(warned))


def _checked(time: Array | None, volume: Array | None, flow: Array | None) -> tuple[Array | None, Array | None, Array | None]:
    given = volume if volume is not None else flow
    if given is None:
        raise CurveError("a curve needs a volume or a flow column; name the columns, for example time_s,volume_l")
    if len(given) > MAX_POINTS:
        raise CurveError(f"{len(given):,} points are more than one blow can have; at most {MAX_POINTS:,} are read")
    if len(given) < 20:
        raise CurveError(f"{len(given)} points are too few for a spirogram; at least 20 are needed")
    for name, column in (("time", time), ("volume", volume), ("flow", flow)):
        if column is None:
            continue
        if len(column) != len(given):
            raise CurveError(f"{name} has {len(column):,} points but the curve has {len(given):,}; give one value of each at every point")
        reach = max(float(column.max()), -float(column.min()))
        if not np.isfinite(reach):
            raise CurveError(f"the {name} column holds empty or infinite values; every cell of a curve must be a number")
        if reach > _LIMIT[name]:
            raise CurveError(f"the {name} column reaches {reach:.0e}, which no spirometer measures; check the column and its unit")
    return time, volume, flow


def _forwards(time: Array, volume: Array | None, flow: Array | None, warned: list[str]) -> tuple[Array, Array | None, Array | None]:
    """Time from 0 s that only advances; repeated points are left out."""
    moves = np.diff(time)
    slowest = float(moves.min())
    if slowest < 0:
        at = int(np.argmax(moves < 0)) + 1
        raise CurveError(f"time runs backwards at point {at + 1}; the rows must be in the order in which they were recorded")
    if slowest < 1e-5:  # no spirometer samples at 100 kHz
        keep = np.concatenate([[True], moves >= 1e-5])
        steady = np.linspace(0.0, time[-1], len(time))
        if keep.sum() > 1 and np.mean(keep) < 0.96 and np.abs(steady - time).max() <= 1.01 * float(moves[moves >= 1e-5].min()):
            warned.append("time is written too coarsely to tell the points apart; they were taken to be evenly spaced")
            return steady, volume, flow
        if keep.sum() < 20:
            raise CurveError("the time column does not advance; give the time of each point")
        warned.append(f"{int((~keep).sum())} repeated points were left out")
        time, volume, flow = time[keep], volume[keep] if volume is not None else None, flow[keep] if flow is not None else None
    return time, volume, flow


def _even(time: Array, volume: Array, flow: Array | None, warned: list[str]) -> tuple[Array, Array, Array | None]:
    """On an even grid of 20 to 1000 Hz: as given where it is even, else interpolated with a warning."""
    moves = np.diff(time)
    step = float(np.median(moves))
    given = 1.0 / step
    if given < 49.5:
        warned.append(f"sampled at {given:.0f} Hz; at least 50 Hz is needed for peak flow and the start")
    widest = float(moves.max())
    if widest > max(0.1, 4.5 * step):
        warned.append(f"a gap of {widest:.2f} s at {time[int(np.argmax(moves))]:.2f} s was bridged by a straight line; values there are not measured")
    hertz = min(HIGHEST_HZ, max(LOWEST_HZ, given))
    hertz = float(round(hertz)) if abs(hertz - round(hertz)) < 0.002 * hertz and round(hertz) > 0 else hertz
    if hertz * (time[-1] + 1.0) > 2 * MAX_POINTS:
        raise CurveError(f"the curve lasts {time[-1]:.0f} s at {hertz:.0f} Hz, more than one blow can have; cut the file to one manoeuvre")
    even = np.arange(0.0, time[-1] + 0.25 / hertz, 1.0 / hertz)
    if len(even) == len(time) and float(np.abs(even - time).max()) <= 0.2 / hertz:
        return time, volume, flow
    if len(time) > 2 and widest - float(moves.min()) > 0.02 * step:
        warned.append(_NOT_EVEN)
    elif abs(given - hertz) > 0.01 * hertz:
        warned.append(f"the points were resampled from {given:.0f} to {hertz:.0f} Hz")
    return even, np.interp(even, time, volume), np.interp(even, time, flow) if flow is not None else None


# direction -----------------------------------------------------------------------------------------------------------
def _upright(time: Array, volume: Array, flow: Array | None, said: list[str]) -> tuple[Array, Array]:
    """Volume from its first sample and flow, expiration positive; flow is the slope of the volume where none was given."""
    if _is_inverted(volume, float(time[-1]) / (len(time) - 1)):
        volume = -volume
        said.append("the sign was reversed, so that expiration is positive")
    volume = volume - volume[0]
    slope = slope_of(volume, time)
    if flow is None:
        return volume, slope
    return volume, -flow if float(np.dot(flow, slope)) < 0 else flow


def slope_of(volume: Array, time: Array) -> Array:
    """L/s by central differences, wide enough (at most 40 ms to a side) that the steps of a coarsely written volume stay under 0.25 L/s."""
    step = float(time[-1]) / (len(time) - 1)
    moves = np.abs(np.diff(volume))
    coarse = moves[moves > 1e-7]
    quantum = float(coarse.min()) if len(coarse) else 0.0
    reach = 1
    if quantum > 0.5 * step * 1.01 and len(volume) > 20:
        parts = coarse / quantum
        if float(np.mean(np.abs(parts - np.round(parts)) < 0.05)) > 0.98:
            reach = int(min(np.ceil(quantum / (0.5 * step) - 0.01), max(1.0, 0.04 / step)))
    if reach == 1:
        return np.asarray(np.gradient(volume, time), dtype=np.float64)
    index = np.arange(len(volume))
    low, high = np.maximum(index - reach, 0), np.minimum(index + reach, len(volume) - 1)
    return np.asarray((volume[high] - volume[low]) / ((high - low) * step), dtype=np.float64)


def _stroke(volume: Array, step: float) -> tuple[float, float, float, float]:
    """The largest rise: litres, its fastest 80 ms (L/s), the share of it that was out by then, seconds from 5 to 95 % of it."""
    lowest = np.minimum.accumulate(volume)
    top = int(np.argmax(volume - lowest))
    bottom = int(top - np.argmin(volume[top::-1]))
    litres = float(volume[top] - volume[bottom])
    width = max(1, min(round(0.08 / step), top - bottom))
    part = volume[bottom : top + 1] - volume[bottom]
    if litres <= 0 or len(part) < 3:
        return 0.0, 0.0, 1.0, 0.0
    rises = part[width:] - part[:-width]
    at = int(np.argmax(rises))
    high = np.maximum.accumulate(part)
    seconds = float(np.searchsorted(high, 0.95 * litres) - np.searchsorted(high, 0.05 * litres)) * step
    return litres, float(rises[at]) / (width * step), float(part[at] + rises[at] / 2) / litres, max(seconds, step)


def _is_inverted(volume: Array, step: float) -> bool:
    """Whether expiration goes down. A forced expiration is fastest while little is out and ends slowly; an inspiration is fastest halfway."""
    up, down = _stroke(volume, step), _stroke(-volume, step)
    if min(up[0], down[0]) < 0.25 * max(up[0], down[0]):
        return down[0] > up[0]
    if min(up[1], down[1]) <= 0:
        return down[1] > up[1]
    evidence = np.log(down[1] / up[1]) + 3.0 * (up[2] - down[2]) + 0.7 * np.log(max(down[3], 0.05) / max(up[3], 0.05))
    return bool(evidence > 0.3)
