"""Pictures of a test, in the standard's proportions (ATS/ERS 2019: 2 L/s as long as 1 L). matplotlib Figures, never pyplot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from encoders.spirogram.measure import expiration
from encoders.spirogram.results import Maneuver, Spirometry

# Okabe and Ito's palette: told apart by colour-blind eyes, and by lightness in grey
PRE, POST, FAINT, FAULT, REFERENCE = "#0072B2", "#D55E00", "#8a94a0", "#CC79A7", "#009E73"


@dataclass(frozen=True)
class _Ink:
    paper: str
    text: str
    grid: str


def _ink(dark: bool) -> _Ink:
    return _Ink("#15191e", "#e6e9ec", "#39424c") if dark else _Ink("#ffffff", "#22282f", "#dfe4e9")


def _figure(dark: bool, width: float, height: float) -> tuple[Figure, Axes, _Ink]:
    ink = _ink(dark)
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
    return figure, axes, ink


def _chosen(result: Spirometry) -> int | None:
    return result.best.chosen if result.best is not None else None


def _style(m: Maneuver, main: bool) -> dict[str, object]:
    after = m.blow.bronchodilator == "post"
    return {"color": POST if after else PRE if main else FAINT, "linewidth": 2.2 if main or after else 1.1, "linestyle": "--" if after else "-"}


def flow_volume(result: Spirometry, *, dark: bool = False, mark: tuple[float, float] | None = None) -> Figure:
    """Flow over volume, all blows of the visit, the chosen one bold; PEF, FEV1 and the limits of FVC marked.

    ``mark``: a stretch of volume in litres to point out.
    """
    figure, axes, ink = _figure(dark, 5.4, 4.5)
    _title(axes, "Flow-volume loop", ink)
    chosen, peak, widest = _chosen(result), 2.0, 1.0
    for index, m in enumerate(result.maneuvers):
        out = expiration(m.blow)
        if out is None:
            continue
        name = f"blow {m.blow.id}{f' ({m.blow.bronchodilator})' if m.blow.bronchodilator else ''}"
        axes.plot(out.volume_l, out.flow_l_s, label=name, **_style(m, index == chosen))  # type: ignore[arg-type]
        peak, widest = max(peak, float(out.flow_l_s.max())), max(widest, float(out.volume_l.max()))
        if index == chosen and m.pef_l_s is not None and m.time_zero_s is not None:
            at = int(np.argmax(out.flow_l_s))
            axes.plot(out.volume_l[at], out.flow_l_s[at], "o", color=ink.text, markersize=5)
            axes.annotate(f"PEF {m.pef_l_s:.1f} L/s", (out.volume_l[at], out.flow_l_s[at]), (6, 4), textcoords="offset points", color=ink.text, fontsize=9)
            if m.fev1_l is not None:
                flow = float(np.interp(m.time_zero_s + 1.0, out.time_s, out.flow_l_s))
                axes.plot(m.fev1_l, flow, "s", color=ink.text, markersize=5)
                axes.annotate(f"FEV1 {m.fev1_l:.2f} L", (m.fev1_l, flow), (6, 8), textcoords="offset points", color=ink.text, fontsize=9)
            _shade_faults(axes, m, out.time_s, out.volume_l, ink)
    if "fvc" in result.references:
        ref = result.references["fvc"]
        widest = max(widest, ref.predicted)
        axes.axvline(ref.lln, color=REFERENCE, linewidth=1.2, linestyle=":")
        axes.annotate("FVC LLN", (ref.lln, 0), (2, 3), textcoords="offset points", color=REFERENCE, fontsize=8, rotation=90)
        axes.plot(ref.predicted, 0, "^", color=REFERENCE, markersize=8, clip_on=False, label="FVC predicted")
    if mark is not None:
        axes.axvspan(*mark, color=FAULT, alpha=0.25, linewidth=0)
    axes.set_xlim(0, widest * 1.08)
    axes.set_ylim(0, max(peak * 1.12, 1.5 * widest))
    axes.set_aspect(0.5)  # 2 L/s as long as 1 L
    axes.set_xlabel("Volume (L)", color=ink.text)
    axes.set_ylabel("Flow (L/s)", color=ink.text)
    _legend(axes, ink, "upper right")
    return figure


def volume_time(result: Spirometry, *, dark: bool = False) -> Figure:
    """Volume over time from time zero; FEV1, the LLN of FEV1 and FVC, and faults marked."""
    figure, axes, ink = _figure(dark, 5.4, 4.5)
    _title(axes, "Volume-time curve", ink)
    chosen, longest = _chosen(result), 2.0
    for index, m in enumerate(result.maneuvers):
        out = expiration(m.blow)
        if out is None or m.time_zero_s is None:
            continue
        time = out.time_s - m.time_zero_s
        name = f"blow {m.blow.id}{f' ({m.blow.bronchodilator})' if m.blow.bronchodilator else ''}"
        axes.plot(time, out.volume_l, label=name, **_style(m, index == chosen))  # type: ignore[arg-type]
        longest = max(longest, float(time[-1]))
        if index == chosen:
            if m.fev1_l is not None:
                axes.plot([1, 1], [0, m.fev1_l], color=ink.text, linewidth=0.9, linestyle="--")
                axes.plot(1, m.fev1_l, "s", color=ink.text, markersize=5)
                axes.annotate(f"FEV1 {m.fev1_l:.2f} L", (1, m.fev1_l), (7, -12), textcoords="offset points", color=ink.text, fontsize=9)
            if m.fvc_l is not None:
                axes.annotate(f"FVC {m.fvc_l:.2f} L", (time[-1], m.fvc_l), (-4, 5), textcoords="offset points", color=ink.text, fontsize=9, ha="right")
            for finding in m.findings:
                if finding.start_s is not None and finding.end_s is not None:
                    axes.axvspan(finding.start_s - m.time_zero_s, finding.end_s - m.time_zero_s, color=FAULT, alpha=0.25, linewidth=0)
                    axes.annotate(finding.code.replace("_", " "), (finding.start_s - m.time_zero_s, 0.1), color=ink.text, fontsize=8, rotation=90)
    axes.axvline(0, color=ink.text, linewidth=0.9, linestyle=":")
    axes.annotate("time zero", (0, 0), (3, 3), textcoords="offset points", color=ink.text, fontsize=8, rotation=90)
    for name, moment in (("fev1", 1.0), ("fvc", longest)):
        if name in result.references:
            axes.plot(moment, result.references[name].lln, "_", color=REFERENCE, markersize=16, markeredgewidth=2.2, clip_on=False)
            axes.annotate(
                f"{name.upper()} LLN", (moment, result.references[name].lln), (0, -11), textcoords="offset points", color=REFERENCE, fontsize=8, ha="center"
            )
    axes.set_xlim(-0.3, longest * 1.04)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Time from time zero (s)", color=ink.text)
    axes.set_ylabel("Volume (L)", color=ink.text)
    _legend(axes, ink, "lower right")
    return figure


def z_bars(result: Spirometry, *, dark: bool = False) -> Figure:
    """Each z-score as a point on a horizontal bar, the normal band (5th to 95th percentile) shaded."""
    figure, axes, ink = _figure(dark, 7.6, 2.1)
    _title(axes, "How far from the usual", ink)
    names = {"fev1_fvc": "FEV1/FVC", "fvc": "FVC", "fev1": "FEV1"}
    shown = [name for name in names if name in result.references and result.references[name].z is not None]
    axes.axvspan(-1.645, 1.645, color=REFERENCE, alpha=0.18, linewidth=0)
    for place, name in enumerate(shown):
        z = float(np.clip(result.references[name].z or 0.0, -6, 4))
        axes.plot([0, z], [place, place], color=PRE, linewidth=3)
        axes.plot(z, place, "o", color=PRE, markersize=8)
        axes.annotate(f"{result.references[name].z:.2f}", (z, place), (0, 8), textcoords="offset points", color=ink.text, fontsize=9, ha="center")
    axes.set_yticks(range(len(shown)), [names[name] for name in shown], color=ink.text)
    axes.set_ylim(-0.6, max(0, len(shown) - 1) + 0.8)
    axes.set_xlim(-6, 4)
    axes.set_xlabel("z-score (shaded: normal range)", color=ink.text)
    return figure


def _shade_faults(axes: Axes, m: Maneuver, time: np.ndarray, volume: np.ndarray, ink: _Ink) -> None:
    for finding in m.findings:
        if finding.start_s is None or finding.end_s is None:
            continue
        low, high = np.interp([finding.start_s, finding.end_s], time, volume)
        axes.axvspan(float(low), float(max(high, low + 0.02)), color=FAULT, alpha=0.25, linewidth=0)
        axes.annotate(finding.code.replace("_", " "), (float(low), 0), (2, 20), textcoords="offset points", color=ink.text, fontsize=8, rotation=90)


def _title(axes: Axes, text: str, ink: _Ink) -> None:
    axes.set_title(text, loc="left", color=ink.text, fontsize=10.5, fontweight="bold")


def _legend(axes: Axes, ink: _Ink, place: str) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=place, fontsize=8, frameon=False, labelcolor=ink.text)
