"""The shapes in which curves arrive: tables of columns, UK Biobank strings, JSON. Units from headers, else inferred and stated."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from encoders.spirogram.read import Array, Blow, CurveError

MAX_ROWS = 2_000_000
MAX_POINTS = 200_000  # of one blow: over three minutes at 1 kHz
_NAMES = {
    "time": r"^(?:time|t|zeit|seconds?|sec|s|ms|elapsed)\b|time",
    "volume": r"^(?:vol(?:ume)?|v|l|ml|litres?|liters?|exhaled)\b|volum",
    "flow": r"^(?:flow|f|flux|debit)\b|flow",
    "id": r"^(?:id|trial|blow|effort|maneuver|manoeuvre|attempt|test|no)\b|trial|blow",
    "phase": r"bronchodilator|^(?:bd|pre[ /]?post|phase)\b",
}
_RATE = re.compile(r"\b(ml|l|millilit(?:re|er)s?|lit(?:re|er)s?)(?: ?(?:/|per|[.·]) ?| )(s|min)(?:ec(?:onds?)?|utes?)?\b")
_UNIT = re.compile(r"\b(ml/s|ml/min|l/min|lpm|l/s|ml|ms|l|s|sec|seconds?|litres?|liters?|millilitres?|milliliters?|milliseconds?)\b")
_FACTORS = {"ml/s": 0.001, "ml/min": 1 / 60_000, "l/min": 1 / 60, "lpm": 1 / 60, "l/s": 1.0, "ml": 0.001, "millilitre": 0.001, "milliliter": 0.001,
            "ms": 0.001, "millisecond": 0.001, "l": 1.0, "litre": 1.0, "liter": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0}  # fmt: skip


def number(cell: str, comma: bool = False) -> float:
    """A cell as a number; raises ValueError."""
    cell = cell.strip().replace("\u2212", "-")
    if "_" in cell or (comma and 0 <= cell.find(",") < cell.rfind(".")):
        raise ValueError("1_000 and 1,234.5 are not read: which mark is the decimal one would be a guess")
    return float(cell.replace(".", "").replace(",", ".") if comma and "," in cell else cell)


def ukb_blows(text: str, name: str) -> tuple[Blow, ...]:
    """UK Biobank field 3066: ``blowN,count,v1,v2,...`` cumulative mL every 10 ms, one blow a line."""
    blows = []
    for line in text.splitlines():
        cells = [cell for cell in line.strip().split(",") if cell]
        if not cells:
            continue
        try:
            values = np.array([float(cell) for cell in cells[2:]])
            count = int(cells[1])
        except (ValueError, IndexError) as error:
            raise CurveError(f"the blow {cells[0][:12]} holds something that is not a number; each line is blowN,count,values in mL") from error
        if len(values) < count:  # a longer line is padded with zeros on the left
            raise CurveError(f"{cells[0][:12]} announces {count} values but holds {len(values)}; the string was cut, export it again")
        blows.append(build(None, values, None, {"time": "s", "volume": "ml"}, id_=cells[0].removeprefix("blow"), file=name, step_s=0.01))
    return tuple(blows)


def json_blows(document: Any, name: str) -> tuple[Blow, ...]:
    """``{"time_s": [...], "volume_l": [...], "flow_l_s": [...]}``, or a list of such, or {"blows": [...]}."""
    items = document.get("blows", [document]) if isinstance(document, dict) else document
    if not isinstance(items, list) or not items:
        raise CurveError('this JSON holds no curve; give {"time_s": [...], "volume_l": [...]} or a list of them')
    blows = []
    for index, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise CurveError("each blow in JSON must be an object with time_s and volume_l or flow_l_s")
        columns: dict[str, Array] = {}
        units: dict[str, str] = {}
        for key, values in item.items():
            kind = kind_of(key)
            if kind in ("time", "volume", "flow") and isinstance(values, list):
                try:
                    columns[kind] = np.array(values, float)
                except (TypeError, ValueError, OverflowError) as error:
                    raise CurveError(f"{key[:20]} holds something that is not a number") from error
                if columns[kind].ndim != 1:
                    raise CurveError(f"{key[:20]} holds lists within a list; give one number a point")
                units[kind] = unit_of(key)
        blows.append(
            build(
                columns.get("time"),
                columns.get("volume"),
                columns.get("flow"),
                units,
                id_=str(item.get("id", index))[:20],
                file=name,
                bronchodilator=phase_of(str(item.get("bronchodilator", ""))),
            )
        )
    return tuple(blows)


def table_blows(text: str, name: str) -> tuple[Blow, ...]:
    """Columns with a header in any order: time, volume, flow; an id column makes several blows."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_ROWS:
        raise CurveError(f"{len(lines):,} rows are more than a spirogram can have; at most {MAX_ROWS:,} are read")
    headers = [i for i, line in enumerate(lines[:40]) if _is_header(line)]
    if not headers:
        raise CurveError("no header row with time, volume or flow was found; name the columns, for example time_s,volume_l")
    header_at = max(headers, key=lambda i: min(2, len(_signals(lines[i]))))  # a device's preamble may speak of time, too
    head = lines[header_at]
    mark = max(";\t,|", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines[header_at:])), delimiter=mark))
    except csv.Error as error:
        raise CurveError(f"{name or 'the curve'} is not a readable table; save it as CSV with one row of headers") from error
    names = [cell.strip() for cell in rows[0]]
    kinds = [kind_of(cell) for cell in names]
    for kind in ("time", "volume", "flow"):
        if kinds.count(kind) > 1:
            raise CurveError(f"more than one column looks like {kind}: {', '.join(n for n, k in zip(names, kinds, strict=True) if k == kind)}; leave one")
    if "volume" not in kinds and "flow" not in kinds:
        raise CurveError(f"the columns {', '.join(names)[:80]} hold neither volume nor flow; a curve needs one of them and time")
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    comma = mark != "," and any("," in cell for row in body for cell in row)
    wanted = [kind for kind in ("time", "volume", "flow") if kind in kinds]
    place = {kind: kinds.index(kind) for kind in (*wanted, *[k for k in ("id", "phase") if k in kinds])}
    groups: dict[tuple[str, str], list[list[float]]] = {}
    for line, row in enumerate(body, header_at + 2):
        try:
            values = [number(row[place[kind]], comma) for kind in wanted]
            key = (row[place["id"]].strip()[:20] if "id" in place else "1", row[place["phase"]].strip().lower()[:20] if "phase" in place else "")
        except (ValueError, IndexError) as error:
            raise CurveError(f"row {line} of {name or 'the curve'} holds something that is not a number; a curve's cells must all be numbers") from error
        groups.setdefault(key, []).append(values)
    if not groups:
        raise CurveError("the file has a header but no rows")
    units: dict[str, str] = {kind: unit_of(names[place[kind]]) for kind in wanted}
    blows = []
    for (id_, phase), rows_ in groups.items():
        table = dict(zip(wanted, np.array(rows_).T, strict=True))
        blows.append(build(table.get("time"), table.get("volume"), table.get("flow"), units, id_=id_, file=name, bronchodilator=phase_of(phase)))
    return tuple(blows)


def _signals(line: str) -> set[str]:
    """Which of time, volume and flow the cells of a line name."""
    return {kind for cell in re.split(r"[;\t,|]", line) if (kind := kind_of(cell.strip())) in ("time", "volume", "flow")}


def _is_header(line: str) -> bool:
    return bool(_signals(line)) and not any(re.fullmatch(r"\s*-?\d+([.,]\d+)?\s*", cell) for cell in re.split(r"[;\t,|]", line))


def kind_of(header: str) -> str | None:
    """time, volume, flow, id or phase by a column's header; None for anything else."""
    text = re.sub(r"[_\-]+", " ", header.strip().strip("\ufeff\"'").lower())
    for kind in ("flow", "volume", "time", "phase", "id"):
        if re.search(_NAMES[kind], text):
            return kind
    return None


def unit_of(header: str) -> str:
    """The unit in a header, normalised ("" where it names none)."""
    text = re.sub(r"[\s_\[\]()]+", " ", header.lower())
    text = _RATE.sub(lambda rate: f"{'ml' if rate[1].startswith('m') else 'l'}/{rate[2]}", text)
    found = _UNIT.findall(text)
    unit = found[-1] if found else ""
    return unit if unit in _FACTORS else unit.rstrip("s")


def phase_of(text: str) -> str | None:
    """ "pre", "post" or None."""
    text = text.lower()
    return "post" if "post" in text or "after" in text else "pre" if "pre" in text or "before" in text else None


def build(
    time: Array | None, volume: Array | None, flow: Array | None, units: dict[str, str], *, id_: str, file: str,
    bronchodilator: str | None = None, step_s: float | None = None,
) -> Blow:  # fmt: skip
    """Raw columns -> a Blow in litres and seconds on an even grid, expiration positive. Says what it had to infer."""
    said: list[str] = []
    warned: list[str] = []
    given = volume if volume is not None else flow
    if given is None:
        raise CurveError("a curve needs a volume or a flow column; name the columns, for example time_s,volume_l")
    if len(given) > MAX_POINTS:
        raise CurveError(f"{len(given):,} points are more than one blow can have; at most {MAX_POINTS:,} are read")
    if len(given) < 20:
        raise CurveError(f"{len(given)} points are too few for a spirogram; at least 20 are needed")
    for name, column in (("time", time), ("volume", volume), ("flow", flow)):
        if column is not None and len(column) != len(given):
            raise CurveError(f"{name} has {len(column):,} points but the curve has {len(given):,}; give one value of each at every point")
        if column is not None and not np.isfinite(column).all():
            raise CurveError(f"the {name} column holds empty or infinite values; every cell of a curve must be a number")
        if column is not None and np.abs(column).max() > (1e15 if name == "time" else 1e9):
            raise CurveError(f"the {name} column reaches {np.abs(column).max():.0e}, which no spirometer measures; check the column and its unit")
    if time is None and step_s is None:
        raise CurveError("the curve has no time column; add one in seconds (or milliseconds), or say how often it was sampled")
    if step_s is not None:
        time = np.arange(len(given), dtype=np.float64) * step_s
    assert time is not None
    time = time * _time_factor(time, units.get("time", ""), said)
    time = time - time[0]
    moves = np.diff(time)
    if (moves < 0).any():
        at = int(np.argmax(moves < 0)) + 1
        raise CurveError(f"time runs backwards at point {at + 1}; the rows must be in the order in which they were recorded")
    if (moves < 1e-5).any():  # no spirometer samples at 100 kHz
        keep = np.concatenate([[True], moves >= 1e-5])
        if keep.sum() < 20:
            raise CurveError("the time column does not advance; give the time of each point")
        warned.append(f"{int((~keep).sum())} repeated points were left out")
        time = time[keep]
        volume = volume[keep] if volume is not None else None
        flow = flow[keep] if flow is not None else None
    if not 0.3 < time[-1] - time[0] < 600:
        raise CurveError(f"the curve lasts {time[-1] - time[0]:.3g} s; a spirogram lasts from 0.3 to 600 s: check the unit of time")
    if volume is not None:
        volume = volume * _volume_factor(volume, units.get("volume", ""), said)
    if flow is not None:
        flow = flow * _FACTORS.get(units.get("flow", ""), 0.0) if units.get("flow") else flow * _flow_factor(flow, said)
    volume, flow = _upright(time, volume, flow, said)
    hertz = min(1000.0, max(20.0, 1.0 / float(np.median(np.diff(time)))))
    hertz = 1.0 / float(np.median(np.diff(time))) if abs(hertz - round(hertz)) > 1e-6 else float(round(hertz))
    given_hertz = 1.0 / float(np.median(np.diff(time)))
    if given_hertz < 49.5:
        warned.append(f"sampled at {given_hertz:.0f} Hz; at least 50 Hz is needed for peak flow and the start")
    even = np.arange(time[0], time[-1] + 0.25 / hertz, 1.0 / hertz)
    if len(even) != len(time) or not np.allclose(even, time, rtol=0.0, atol=0.2 / hertz):
        warned.append("the points were not evenly spaced and were resampled")
        volume, flow = np.interp(even, time, volume), np.interp(even, time, flow)
        time = even
    return Blow(time - time[0], volume, flow, id_, file, bronchodilator, None, tuple(said), tuple(warned))


def _time_factor(time: Array, unit: str, said: list[str]) -> float:
    if unit in ("ms", "millisecond"):
        return 0.001
    if unit:
        return 1.0
    if time[-1] - time[0] > 120:
        said.append("time was taken to be in milliseconds, as it runs to " + f"{time[-1]:.0f}")
        return 0.001
    said.append("time was taken to be in seconds")
    return 1.0


def _volume_factor(volume: Array, unit: str, said: list[str]) -> float:
    span = float(volume.max() - volume.min())
    if unit in _FACTORS:
        factor = _FACTORS[unit]
        if span * factor > 15:
            raise CurveError(f"the volume reaches {span * factor:.0f} L; lungs hold at most about 12 L: the unit is probably mL")
        return factor
    if span > 50:
        said.append(f"volume was taken to be in mL, as it reaches {span:.0f}")
        return 0.001
    if span > 15:
        raise CurveError(f"the volume reaches {span:.1f} and has no unit; name it in the header, volume_l or volume_ml")
    said.append("volume was taken to be in litres")
    return 1.0


def _flow_factor(flow: Array, said: list[str]) -> float:
    peak = float(np.abs(flow).max())
    if peak > 1200:
        said.append("flow was taken to be in mL/s")
        return 0.001
    if peak > 25:
        said.append("flow was taken to be in L/min")
        return 1 / 60
    said.append("flow was taken to be in L/s")
    return 1.0


def _upright(time: Array, volume: Array | None, flow: Array | None, said: list[str]) -> tuple[Array, Array]:
    """Volume and flow with expiration positive; the one that is missing comes from the other."""
    if volume is None:
        assert flow is not None
        volume = np.concatenate([[0.0], np.cumsum((flow[1:] + flow[:-1]) / 2 * np.diff(time))])
        said.append("volume was integrated from flow")
    slope = np.gradient(volume, time)
    # the fastest movement of a forced manoeuvre is the expiration
    width = max(1, round(0.08 / float(np.median(np.diff(time)))))
    smooth = np.convolve(slope, np.ones(width) / width, mode="same")
    if -smooth.min() > 1.05 * smooth.max():
        volume, slope = -volume, -slope
        said.append("the sign was reversed, so that expiration is positive")
    volume = volume - volume[0]
    if flow is None:
        return volume, slope
    if float(np.dot(flow, slope)) < 0:
        flow = -flow
    return volume, flow


def parse_json(text: str, name: str) -> tuple[Blow, ...]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CurveError(f"{name or 'the file'} is not valid JSON; export it again") from error
    return json_blows(document, name)


__all__: Sequence[str] = ("json_blows", "parse_json", "table_blows", "ukb_blows")
