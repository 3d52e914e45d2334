"""Pictures of risks: each estimate beside what is usual, and what one risk rests on. matplotlib Figures, never pyplot."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from assistant.reasons import CURVE, SPIROMETRY, fields_of, stretches
from assistant.session import Contribution, RiskEstimate
from encoders.spirogram.measure import expiration
from encoders.spirogram.plot import DARK, LIGHT
from encoders.spirogram.results import Spirometry

TICKS = (0.01, 0.05, 0.10, 0.20, 0.35, 0.50, 0.75, 1.0)
SHOWN_FIELDS = 12
_STEPS = (1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)  # times the odds, as ticks


def _paper(dark: bool, width: float, height: float, title: str) -> tuple[Figure, Axes]:
    ink = DARK if dark else LIGHT
    figure = Figure(figsize=(width, height), layout="constrained", facecolor=ink.paper)
    axes = figure.add_subplot()
    axes.set_facecolor(ink.paper)
    axes.tick_params(colors=ink.text, labelsize=9, length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", color=ink.text, fontsize=10.5, fontweight="bold")
    return figure, axes


def percent(share: float) -> str:
    """A probability (0-1) for people: one place under 10 %, none above."""
    return "under 0.1 %" if share < 0.001 else f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def risk_bars(risks: Sequence[RiskEstimate], *, dark: bool = False) -> Figure:
    """A bar for each trait with its 90 % interval, the figure of the same age and sex, and the classical model's.

    The axis is the square root of the chance, from zero, so that a chance of 1 % can be seen beside one of 50 %.
    """
    ink = DARK if dark else LIGHT
    figure, axes = _paper(dark, 5.8, 1.3 + 0.44 * len(risks), "The chance of having been told of it by a doctor")
    figures = [value for one in risks for value in (one.high, one.population, one.classical) if value is not None]
    edge = math.sqrt(min(1.0, 1.12 * max([0.02, *figures])))
    for row, one in enumerate(risks):
        axes.barh(row, edge, height=0.62, color=ink.grid, alpha=0.45, linewidth=0, zorder=0)
        axes.barh(row, math.sqrt(one.probability), height=0.62, color=ink.pre, alpha=0.5 if dark else 0.4, linewidth=0, zorder=1)
        axes.plot([math.sqrt(one.low), math.sqrt(one.high)], [row, row], color=ink.pre, linewidth=3.2, solid_capstyle="round", zorder=2)
        axes.plot(math.sqrt(one.probability), row, "o", color=ink.pre, markeredgecolor=ink.paper, markersize=8.5, zorder=5)
        if one.population is not None:
            at = math.sqrt(one.population)
            axes.plot([at, at], [row - 0.42, row + 0.42], color=ink.text, linewidth=2.0, zorder=4)
        if one.classical is not None:
            axes.plot(math.sqrt(one.classical), row + 0.2, "D", color=ink.post, markeredgecolor=ink.paper, markersize=6.5, zorder=4)
        axes.text(1.02 * edge, row, percent(one.probability), color=ink.text, fontsize=10, fontweight="bold", va="center", ha="left")
    axes.set_yticks(range(len(risks)), [one.label[:1].upper() + one.label[1:] for one in risks], color=ink.text)
    ticks = [tick for tick in (0.0, *TICKS) if math.sqrt(tick) <= edge]
    axes.set_xticks([math.sqrt(tick) for tick in ticks], [f"{100 * tick:.0f} %" for tick in ticks], color=ink.text, fontsize=8)
    axes.grid(axis="x", color=ink.paper, linewidth=0.9)
    axes.set_xlim(0, 1.17 * edge)
    axes.set_ylim(len(risks) - 0.45, -0.55)
    shown = [
        Line2D([], [], color=ink.pre, marker="o", linewidth=3.2, markersize=8, markeredgecolor=ink.paper, label="this person, 90 % interval"),
        Line2D([], [], color=ink.text, marker="|", linestyle="none", markersize=12, markeredgewidth=2.0, label="same age and sex"),
        Line2D([], [], color=ink.post, marker="D", linestyle="none", markersize=6.5, label="logistic regression"),
    ]
    figure.legend(handles=shown, loc="outside lower left", ncols=3, fontsize=8, frameon=False, labelcolor=ink.text, columnspacing=1.4)
    return figure


def field_bars(found: Sequence[Contribution], words: str, *, dark: bool = False) -> Figure:
    """What each field adds to the odds, the strongest first: to the right what raises them. The curve as a whole stands below."""
    ink = DARK if dark else LIGHT
    whole = [one for one in found if one.name in (CURVE, SPIROMETRY)]
    shown = [*fields_of(found)[:SHOWN_FIELDS], *whole]
    figure, axes = _paper(dark, 5.4, 1.25 + 0.29 * max(len(shown), 3), f"What the risk of {words} rests on")
    largest = max([0.06, *(abs(one.log_odds) for one in shown)])
    for row, one in enumerate(shown):
        place = row + 0.4 * (one in whole)
        color, hatch = (ink.post, "////") if one.log_odds > 0 else (ink.pre, "")
        axes.barh(place, one.log_odds, height=0.66, facecolor=color, alpha=0.85, hatch=hatch, edgecolor=ink.paper, linewidth=0)
        side = 1 if one.log_odds > 0 else -1
        axes.text(
            one.log_odds + side * 0.03 * largest,
            place,
            f"×{math.exp(one.log_odds):.2f}",
            color=ink.text,
            fontsize=8,
            va="center",
            ha="left" if side > 0 else "right",
        )
    axes.set_yticks([row + 0.4 * (one in whole) for row, one in enumerate(shown)], [one.label for one in shown], color=ink.text)
    axes.axvline(0.0, color=ink.text, linewidth=0.9)
    steps = [step for step in _STEPS if math.log(step) <= 1.05 * largest][-2:]
    ticks = [*(-math.log(step) for step in reversed(steps)), 0.0, *(math.log(step) for step in steps)]
    axes.set_xticks(ticks, [f"÷{math.exp(-tick):g}" if tick < 0 else "×1" if tick == 0 else f"×{math.exp(tick):g}" for tick in np.round(ticks, 12)], fontsize=8)
    axes.grid(axis="x", color=ink.grid, linewidth=0.6)
    axes.set_xlim(-1.3 * largest, 1.3 * largest)
    axes.set_ylim(len(shown) - 0.1, -0.6)
    axes.set_xlabel("lowers  ←  times the odds  →  raises", fontsize=8.5, color=ink.text)
    return figure


def stretch_loop(spirometry: Spirometry, found: Sequence[Contribution], words: str, *, dark: bool = False) -> Figure | None:
    """The blow that was read as a flow-volume curve (2 L/s as long as 1 L), each stretch coloured by what it adds to the odds; None without a curve."""
    from encoders.cases import chosen

    read, parts = chosen(spirometry), stretches(found)
    out = expiration(read[0].blow) if read is not None else None
    if out is None or not parts:
        return None
    ink = DARK if dark else LIGHT
    top, widest = float(out.flow_l_s.max()), float(out.volume_l.max())
    up, across = max(1.2 * top, 1.5 * widest), 1.05 * widest
    figure, axes = _paper(dark, 5.4, float(np.clip(4.6 * up / 2.0 / across + 1.4, 3.4, 6.6)), f"The curve and the risk of {words}")
    volume = np.maximum.accumulate(out.volume_l)
    largest = max([0.02, *(abs(one.log_odds) for one in parts)])
    for one in parts:
        low, high = one.stretch_l or (0.0, 0.0)
        litres = np.linspace(low, high, 80)
        flow = np.interp(litres, volume, out.flow_l_s)
        color = ink.post if one.log_odds > 0 else ink.pre
        strength = abs(one.log_odds) / largest
        axes.fill_between(litres, 0, flow, facecolor=color, alpha=0.08 + 0.62 * strength, linewidth=0, zorder=1)
        if one.log_odds > 0:  # the hatch is seen in grey
            axes.fill_between(litres, 0, flow, facecolor="none", edgecolor=ink.paper, hatch="////", alpha=0.15 + 0.85 * strength, linewidth=0, zorder=1)
        axes.axvline(low, ymax=0.02, color=ink.text, linewidth=0.8)
        axes.text((low + high) / 2, float(flow.max()) + 0.03 * up, f"×{math.exp(one.log_odds):.2f}", color=ink.text, fontsize=8.5, ha="center", va="bottom",
                  fontweight="bold" if strength == 1 else "normal", zorder=5)  # fmt: skip
    axes.plot(out.volume_l, out.flow_l_s, color=ink.text, linewidth=2.0, zorder=3)
    axes.set_xlim(0, across)
    axes.set_ylim(min(0.0, float(out.flow_l_s.min())), up)
    axes.set_aspect(0.5)
    axes.grid(color=ink.grid, linewidth=0.6)
    axes.set_xlabel("Volume (L)", color=ink.text)
    axes.set_ylabel("Flow (L/s)", color=ink.text)
    shown = [Patch(facecolor=ink.post, hatch="////", edgecolor=ink.paper, label="raises the odds"), Patch(facecolor=ink.pre, label="lowers the odds")]
    figure.legend(handles=shown, loc="outside lower center", ncols=2, fontsize=8, frameon=False, labelcolor=ink.text)
    return figure
