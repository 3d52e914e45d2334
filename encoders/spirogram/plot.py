"""Pictures of a test, in the standard's proportions (ATS/ERS 2019: 2 L/s as long as 1 L). matplotlib Figures, never pyplot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter, date2num
from matplotlib.figure import Figure

from encoders.spirogram.labels import Label, place
from encoders.spirogram.measure import Expiration, expiration
from encoders.spirogram.read import Array
from encoders.spirogram.reference import LABELS
from encoders.spirogram.results import Best, Finding, Maneuver, Spirometry
from encoders.spirogram.visits import DAYS, SHORT_YEARS, Visits

OTHER_LINES = ((0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))  # blows besides the chosen one, told apart in grey
SHOWN_OTHERS = 4  # more blows than these share one entry of the legend
DRAWN_INSPIRATION_L = 0.3
MARKED = "#F0E442"  # Okabe and Ito's yellow: no line of the picture has it
END_SHARE = 0.08  # of the volume, shaded on the loop where a blow ends early


@dataclass(frozen=True)
class _Ink:
    """Okabe and Ito's colours, told apart by colour-blind eyes; in grey the line styles and markers tell them apart."""

    paper: str
    text: str
    grid: str
    pre: str
    post: str
    faint: str
    fault: str
    reference: str


LIGHT = _Ink("#ffffff", "#22282f", "#dfe4e9", "#0072B2", "#D55E00", "#6f7a85", "#CC79A7", "#00775a")
DARK = _Ink("#15191e", "#e6e9ec", "#39424c", "#56B4E9", "#E69F00", "#9aa5b1", "#CC79A7", "#2bc79a")


@dataclass(frozen=True)
class _Trace:
    """A blow as it is drawn: its expiration, and the flow and volume of the inspiration it holds (empty where none)."""

    m: Maneuver
    out: Expiration
    name: str
    after: bool  # a bronchodilator
    chosen: bool
    inspired_l: Array
    inspired_l_s: Array


def _figure(dark: bool, width: float, height: float, title: str, note: str = "") -> tuple[Figure, Axes, _Ink]:
    ink = DARK if dark else LIGHT
    figure = Figure(figsize=(width, height), layout="constrained", facecolor=ink.paper)
    axes = figure.add_subplot()
    axes.set_facecolor(ink.paper)
    axes.tick_params(colors=ink.text, labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(ink.grid)
    axes.grid(color=ink.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", color=ink.text, fontsize=10.5, fontweight="bold")
    if note:
        axes.set_title(note, loc="left", color=ink.text, fontsize=8.5)
    return figure, axes, ink


def _plain(text: str, longest: int = 18) -> str:
    """A name from a file without matplotlib's formulas, cut to a legend's width."""
    return (text if len(text) <= longest else text[: longest - 1] + "…").replace("$", r"\$")


def _chosen(result: Spirometry) -> set[int]:
    """Positions of the blow that stands for the session, and of the one after the bronchodilator."""
    later = sum(m.blow.bronchodilator == "post" for m in result.maneuvers) if result.post is not None else 0
    first = len(result.maneuvers) - later

    def at(best: Best | None, start: int) -> set[int]:
        return {start + best.chosen} if best is not None and best.chosen is not None else set()

    return at(result.best, 0) | at(result.post, first) or {0}


def _traces(result: Spirometry) -> list[_Trace]:
    found, chosen = [], _chosen(result)
    for index, m in enumerate(result.maneuvers):
        out = expiration(m.blow)
        if out is None:
            continue
        state = m.blow.bronchodilator
        name = f"blow {_plain(m.blow.id)}{f' ({state})' if state else ''}"
        found.append(_Trace(m, out, name, state == "post" and result.post is not None, index in chosen, *_inspiration(m, out)))
    return found


def _inspiration(m: Maneuver, out: Expiration) -> tuple[Array, Array]:
    """Volumes (on the expiration's zero) and flows of the inspiration after the blow, else of the one before it."""
    blow = m.blow
    start, end = (int(np.searchsorted(blow.time_s, out.time_s[place_] - 1e-9)) for place_ in (0, -1))
    zero = blow.volume_l[start]
    later, earlier = blow.volume_l[end:] - zero, blow.volume_l[: start + 1] - zero
    if len(later) > 2 and later[0] - later.min() > DRAWN_INSPIRATION_L:
        part = slice(end, end + int(np.argmin(later)) + 1)
    elif len(earlier) > 2 and earlier.max() - earlier[-1] > DRAWN_INSPIRATION_L:
        part = slice(int(np.argmax(earlier)), start + 1)
    else:
        return np.empty(0), np.empty(0)
    return blow.volume_l[part] - zero, blow.flow_l_s[part]


def _draw(axes: Axes, traces: Sequence[_Trace], ink: _Ink, across: Sequence[tuple[Array, Array]]) -> None:
    """The blows, the chosen ones bold and on top; each line style is its own, so that grey print tells them apart."""
    others, several = 0, len(traces) > 1
    hidden = sum(not trace.chosen for trace in traces) - SHOWN_OTHERS
    for trace, (x, y) in zip(traces, across, strict=True):
        if trace.chosen:
            label = f"{trace.name}, chosen" if several else trace.name
            axes.plot(x, y, label=label, color=ink.post if trace.after else ink.pre, linewidth=2.4, linestyle="--" if trace.after else "-", zorder=3)
            continue
        if others < SHOWN_OTHERS:
            axes.plot(x, y, label=trace.name, color=ink.faint, linewidth=1.1, linestyle=OTHER_LINES[others], zorder=2)
        else:
            axes.plot(x, y, label=f"{hidden} more" if others == SHOWN_OTHERS else "_more", color=ink.faint, linewidth=0.6, zorder=2)
        others += 1


def _said(finding: Finding) -> str:
    return finding.code.replace("_", " ")


def _note(traces: Sequence[_Trace]) -> str:
    """Faults that have no place on the picture: those without a stretch of time, and those of the other blows."""
    parts = []
    for trace in traces:
        names = [_said(f) for f in trace.m.findings if not trace.chosen or f.start_s is None or f.end_s is None]
        if names:
            parts.append(f"{trace.name}: {', '.join(dict.fromkeys(names))}")
    shown = "; ".join(parts[:2]) + (f"; and {len(parts) - 2} more" if len(parts) > 2 else "")
    return shown if len(shown) <= 70 else shown[:69] + "…"


def _shade(axes: Axes, ink: _Ink, low: float, high: float) -> None:
    axes.axvspan(low, high, facecolor=ink.fault, alpha=0.28, linewidth=0, zorder=1)
    axes.axvspan(low, high, facecolor="none", edgecolor=ink.fault, hatch="////", linewidth=0, alpha=0.55, zorder=1)  # the hatch is seen in grey


def _finish(figure: Figure, axes: Axes, ink: _Ink, labels: Sequence[Label], columns: int = 3) -> Figure:
    """The legend under the axes, where it covers nothing, then the labels."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        columns = min(columns, 2 if max(map(len, names)) > 18 else 3)
        figure.legend(handles, names, loc="outside lower center", ncols=columns, fontsize=8, frameon=False, labelcolor=ink.text, handlelength=3.2)
    place(axes, labels, ink.paper)
    return figure


def flow_volume(result: Spirometry, *, dark: bool = False, mark: tuple[float, float] | None = None) -> Figure:
    """Flow over volume, all blows of the visit, the chosen one bold; PEF, FEV1, faults and the limits of FVC marked.

    Expiration upwards; where the blow holds an inspiration its limb is drawn below. ``mark``: a stretch of volume in litres
    to point out.
    """
    traces = _traces(result)
    top = max([2.0, *(float(t.out.flow_l_s.max()) for t in traces)])
    deepest = min([0.0, *(float(t.inspired_l_s.min()) for t in traces if len(t.inspired_l_s))])
    left = min([0.0, *(float(t.inspired_l.min()) for t in traces if len(t.inspired_l))])
    widest = max([1.0, *(float(t.out.volume_l.max()) for t in traces), *(float(t.inspired_l.max()) for t in traces if len(t.inspired_l))])
    fvc = result.references.get("fvc")
    widest = max(widest, fvc.predicted, fvc.lln) if fvc else widest
    across, up = 1.08 * widest - 1.04 * left, max(top * 1.14, 1.5 * widest) - 1.14 * deepest
    tall = float(np.clip(4.5 * up / 2.0 / across + 1.3, 3.6, 7.5))  # inches, so that the fixed proportions fill the picture
    figure, axes, ink = _figure(dark, 5.4, tall, "Flow-volume loop", _note(traces))
    _draw(axes, traces, ink, [(t.out.volume_l, t.out.flow_l_s) for t in traces])
    labels: list[Label] = []
    for trace in traces:
        if len(trace.inspired_l):
            color, width = (ink.post if trace.after else ink.pre, 2.0) if trace.chosen else (ink.faint, 0.9)
            axes.plot(trace.inspired_l, trace.inspired_l_s, color=color, linewidth=width, linestyle="--" if trace.after else "-")
        if trace.chosen:
            labels += _loop_marks(axes, trace, ink, max(top * 1.14, 1.5 * widest))
    if deepest < 0:
        axes.axhline(0, color=ink.text, linewidth=0.9)
        drawn = next(t for t in traces if len(t.inspired_l))
        at = int(np.argmin(drawn.inspired_l_s))
        labels.append(Label("inspiration", (float(drawn.inspired_l[at]), float(drawn.inspired_l_s[at])), ink.text))
    if fvc is not None:
        axes.axvline(fvc.lln, color=ink.reference, linewidth=1.3, linestyle=":")
        axes.plot(fvc.predicted, 0, "^", color=ink.reference, markersize=8, clip_on=False, label=f"FVC predicted {fvc.predicted:.2f} L", linestyle="none")
        labels.append(Label(f"FVC LLN {fvc.lln:.2f} L", (fvc.lln, 0.62 * top), ink.reference, rotation=90))
    if mark is not None:
        axes.axvspan(*mark, facecolor=MARKED, alpha=0.34, linewidth=0, zorder=1)
        axes.axvspan(*mark, facecolor="none", edgecolor=ink.text, hatch="....", linewidth=0, alpha=0.35, zorder=1)
        labels.insert(0, Label("spoken of", (sum(mark) / 2, max(top * 1.14, 1.5 * widest)), ink.text, weight="bold"))
    axes.set_xlim(1.04 * left, 1.08 * widest)
    axes.set_ylim(1.14 * deepest, max(top * 1.14, 1.5 * widest))
    axes.set_aspect(0.5)  # 2 L/s as long as 1 L
    axes.set_xlabel("Volume (L)", color=ink.text)
    axes.set_ylabel("Flow (L/s)", color=ink.text)
    return _finish(figure, axes, ink, labels)


def _loop_marks(axes: Axes, trace: _Trace, ink: _Ink, ceiling: float) -> list[Label]:
    """PEF, FEV1 and the faults of a chosen blow."""
    m, out, said = trace.m, trace.out, " post" if trace.after else ""
    labels: list[Label] = []
    if m.pef_l_s is not None and m.time_zero_s is not None:
        at = int(np.argmax(out.flow_l_s))
        peak = (float(out.volume_l[at]), float(out.flow_l_s[at]))
        axes.plot(*peak, "o", color=ink.text, markersize=5, zorder=4)
        labels.append(Label(f"PEF{said} {m.pef_l_s:.1f} L/s", peak, ink.text))
        if m.fev1_l is not None:
            point = (m.fev1_l, float(np.interp(m.fev1_l, np.maximum.accumulate(out.volume_l), out.flow_l_s)))
            axes.plot(*point, "s", color=ink.text, markersize=5, zorder=4)
            labels.append(Label(f"FEV1{said} {m.fev1_l:.2f} L", point, ink.text))
    for finding in m.findings:
        if finding.start_s is None or finding.end_s is None:
            continue
        low, high = (float(v) for v in np.interp([finding.start_s, finding.end_s], out.time_s, out.volume_l))
        whole = float(out.volume_l.max())
        if finding.code == "early_end":
            low = max(low, high - END_SHARE * whole)  # its last second may be half of a short blow; the end is what is missing
        high = max(high, low + 0.02 * whole)
        _shade(axes, ink, low, high)
        labels.append(Label(_said(finding), ((low + high) / 2, ceiling), ink.text, weight="bold"))
    return labels


def volume_time(result: Spirometry, *, dark: bool = False) -> Figure:
    """Volume over time, all blows from their time zero; FEV1, the end, faults, and what is predicted and its LLN marked."""
    traces = [trace for trace in _traces(result) if trace.m.time_zero_s is not None]
    figure, axes, ink = _figure(dark, 5.4, 4.7, "Volume-time curve", _note(traces))
    curves = [_with_plateau(trace) for trace in traces]
    _draw(axes, traces, ink, curves)
    first = min([-0.3, *(float(time[0]) - 0.1 for time, _ in curves)])
    last = max([2.0, *(float(time[-1]) for time, _ in curves)])
    axes.axvline(0, color=ink.text, linewidth=0.9, linestyle=":")
    labels: list[Label] = []
    highest = max([1.0, *(float(volume.max()) for _, volume in curves), *(result.references[n].predicted for n in ("fev1", "fvc") if n in result.references)])
    for trace, (time, volume) in zip(traces, curves, strict=True):
        if trace.chosen:
            labels += _time_marks(axes, trace, time, volume, ink, 1.14 * highest)
    for name, moment in (("fev1", 1.0), ("fvc", last)):
        ref = result.references.get(name)
        if ref is not None:
            axes.plot(moment, ref.lln, "_", color=ink.reference, markersize=16, markeredgewidth=2.4, clip_on=False, zorder=4)
            axes.plot(moment, ref.predicted, "^", color=ink.reference, markersize=7, clip_on=False, zorder=4)
            labels.append(Label(f"{name.upper()} LLN", (moment, ref.lln), ink.reference))
            labels.append(Label(f"{name.upper()} predicted", (moment, ref.predicted), ink.reference))
    labels.append(Label("time zero", (0.0, 0.15 * highest), ink.text, rotation=90))
    axes.set_xlim(first, last + 0.05 * (last - first))
    axes.set_ylim(0, 1.14 * highest)
    axes.set_xlabel("Time from time zero (s)", color=ink.text)
    axes.set_ylabel("Volume (L)", color=ink.text)
    return _finish(figure, axes, ink, labels)


def _with_plateau(trace: _Trace) -> tuple[Array, Array]:
    """Times from time zero and volumes of the expiration with the stillness after it, up to where air is drawn in."""
    out, blow = trace.out, trace.m.blow
    falls = out.after_l < out.after_l[0] - 0.05
    still = int(np.argmax(falls)) if falls.any() else len(out.after_l)
    end = int(np.searchsorted(blow.time_s, out.time_s[-1] - 1e-9))
    time = np.concatenate([out.time_s, blow.time_s[end + 1 : end + still]])
    return time - (trace.m.time_zero_s or 0.0), np.concatenate([out.volume_l, out.after_l[1:still]])


def _time_marks(axes: Axes, trace: _Trace, time: Array, volume: Array, ink: _Ink, ceiling: float) -> list[Label]:
    """FEV1, FVC, the plateau and the faults of a chosen blow."""
    m, said = trace.m, " post" if trace.after else ""
    labels: list[Label] = []
    if m.fev1_l is not None:
        axes.plot([1, 1], [0, m.fev1_l], color=ink.text, linewidth=0.9, linestyle="--")
        axes.plot(1, m.fev1_l, "s", color=ink.text, markersize=5, zorder=4)
        labels.append(Label(f"FEV1{said} {m.fev1_l:.2f} L", (1.0, m.fev1_l), ink.text))
    ended = not {finding.code for finding in m.findings} & {"early_end", "glottic_closure", "not_an_expiration"}
    if ended and time[-1] - time[0] > 1.5:
        last = time > time[-1] - 1.0
        axes.plot(time[last], volume[last], color=ink.text, linewidth=4.5, alpha=0.35, solid_capstyle="butt", zorder=2)
        if not trace.after:
            middle = float(time[-1]) - 0.5
            labels.append(Label("end plateau", (middle, float(np.interp(middle, time, volume))), ink.text, 8.0))
    if m.fvc_l is not None:
        labels.append(Label(f"FVC{said} {m.fvc_l:.2f} L", (0.75 * float(time[-1]), float(np.interp(0.75 * time[-1], time, volume))), ink.text))
    for finding in m.findings:
        if finding.start_s is not None and finding.end_s is not None:
            low, high = (moment - (m.time_zero_s or 0.0) for moment in (finding.start_s, finding.end_s))
            high = min(float(time[-1]), low + 0.5) if finding.code == "glottic_closure" else max(high, low + 0.02)
            _shade(axes, ink, low, high)
            labels.append(Label(_said(finding), ((low + high) / 2, ceiling), ink.text, weight="bold"))
    return labels


def z_bars(result: Spirometry, *, dark: bool = False) -> Figure:
    """Each z-score as a point on a horizontal bar, the normal band (5th to 95th percentile) shaded."""
    figure, axes, ink = _figure(dark, 5.8, 2.2, "How far from the usual")
    shown = [name for name in ("fev1_fvc", "fvc", "fev1") if name in result.references and result.references[name].z is not None]
    axes.axvspan(-1.645, 1.645, color=ink.reference, alpha=0.18, linewidth=0)
    for edge in (-1.645, 1.645):
        axes.axvline(edge, color=ink.reference, linewidth=1.0, linestyle=":")
    for row, name in enumerate(shown):
        measured = result.references[name].z or 0.0
        z = float(np.clip(measured, -5.9, 3.9))
        axes.plot([0, z], [row, row], color=ink.pre, linewidth=3)
        axes.plot(z, row, "o" if z == measured else "<" if z < 0 else ">", color=ink.pre, markersize=8)  # an arrow points beyond the picture
        side = -1 if z < 0 else 1
        above = z < -5.2 or z > 3.2  # beside it the number would leave the picture
        offset = (0, 8) if above else (9 * side, 0)
        align = "left" if above == (z < 0) else "right"
        axes.annotate(
            f"{measured:.2f}", (z, row), offset, textcoords="offset points", color=ink.text, fontsize=9, ha=align, va="bottom" if above else "center"
        ).set_in_layout(False)
    axes.set_yticks(range(len(shown)), [LABELS[name] for name in shown], color=ink.text)
    axes.set_ylim(-0.6, max(0, len(shown) - 1) + 0.8)
    axes.set_xlim(-6, 4)
    axes.set_xlabel("z-score (shaded: normal range)", color=ink.text)
    return figure


def trend(visits: Visits, *, dark: bool = False) -> Figure:
    """FEV1 and FVC over the visits' dates, or the ratio where there are no litres; the band runs from LLN to predicted.

    The thin line is the fitted change; its rate stands beside it.
    """
    names = [name for name in ("fvc", "fev1") if any(visit.value(name) is not None for visit in visits.visits)] or ["fev1_fvc"]
    figure, axes, ink = _figure(dark, 6.4, 4.4, "Visits over time")
    styles = {"fev1": (ink.pre, "o", "-", "////"), "fvc": (ink.post, "s", "--", "...."), "fev1_fvc": (ink.pre, "o", "-", "////")}
    labels: list[Label] = []
    heights: list[float] = []
    years = (visits.visits[-1].date - visits.visits[0].date).days / DAYS
    for name in names:
        color, marker, line, hatch = styles[name]
        used = [(float(date2num(v.date)), value, v.references.get(name)) for v in visits.visits if (value := v.value(name)) is not None]
        if not used:
            continue
        days, values = np.array([day for day, _, _ in used]), np.array([value for _, value, _ in used])
        unit = "" if name == "fev1_fvc" else " L"
        axes.plot(days, values, marker=marker, linestyle="none", markersize=7, color=color, label=LABELS[name], zorder=4)
        heights += values.tolist()
        band = [(day, ref.lln, ref.predicted) for day, _, ref in used if ref is not None]
        if len(band) >= 2:
            at, lln, predicted = map(np.array, zip(*band, strict=True))
            axes.fill_between(at, lln, predicted, facecolor=color, alpha=0.13, linewidth=0, zorder=1)
            axes.fill_between(at, lln, predicted, facecolor="none", edgecolor=color, hatch=hatch, alpha=0.25, linewidth=0, zorder=1)
            axes.plot(at, predicted, color=color, linewidth=1.0, linestyle="-.", label=f"{LABELS[name]} predicted", zorder=2)
            axes.plot(at, lln, color=color, linewidth=1.2, linestyle=":", label=f"{LABELS[name]} LLN", zorder=2)
            heights += [*lln.tolist(), *predicted.tolist()]
        change = visits.changes.get(name)
        if change is not None:
            per_day = change.per_year / (1000.0 if change.unit == "mL/year" else 1.0) / 365.25
            fitted = values.mean() + per_day * (days - days.mean())
            axes.plot(days, fitted, color=color, linewidth=1.8, linestyle=line, zorder=3)
            rate = f"{change.per_year:+.0f} mL a year" if change.unit == "mL/year" else f"{change.per_year:+.3f} a year"
            if years >= SHORT_YEARS:  # a rate from weeks means little
                labels.append(Label(f"{LABELS[name]} {rate}", (float(days.mean()), float(values.mean())), ink.text, weight="bold"))
        for index in (0, -1):
            labels.append(Label(f"{values[index]:.2f}{unit}", (float(days[index]), float(values[index])), ink.text))
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=6))
    axes.xaxis.set_major_formatter(DateFormatter("%Y" if years > 6 else "%Y-%m" if years > SHORT_YEARS else "%Y-%m-%d"))
    every = [float(date2num(visit.date)) for visit in visits.visits]
    margin = max(0.07 * (every[-1] - every[0]), 3.0)
    axes.set_xlim(every[0] - margin, every[-1] + margin)
    low, high = min(heights, default=0.0), max(heights, default=1.0)
    room = 0.15 * max(high - low, 0.2 * high)
    axes.set_ylim(max(0.0, low - room), high + room)
    axes.set_xlabel("Date", color=ink.text)
    axes.set_ylabel("FEV1/FVC" if names == ["fev1_fvc"] else "Volume (L)", color=ink.text)
    return _finish(figure, axes, ink, labels, columns=len(names) if len(names) > 1 else 3)
