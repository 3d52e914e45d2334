"""Words on a picture: each label finds a free place near its point, inside the axes, off the curves and off the other labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke

from encoders.spirogram.read import Array

_DIRECTIONS = [(1.0, 0.6), (1.0, -0.6), (-1.0, 0.6), (-1.0, -0.6), (0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0)]
_REACHES_PT = (5.0, 11.0, 20.0, 32.0, 48.0)
_LEADER_PT = 15.0  # farther away a thin line leads from the label to its point
_GAP_PX = 3.0
_GRID = 28  # where no place is free nearby, this many by this many places over the whole axes are tried


@dataclass(frozen=True)
class Label:
    """``text`` at the data coordinates ``at``; ``size`` in points, ``rotation`` in degrees."""

    text: str
    at: tuple[float, float]
    color: str
    size: float = 8.5
    rotation: float = 0.0
    weight: str = "normal"


def place(axes: Axes, labels: Sequence[Label], paper: str) -> None:
    """Write the labels, in their order of importance. Limits, title and legend have to be set before.

    ``paper`` is the colour of the halo that keeps words readable over lines.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = canvas.get_renderer()
    frame = np.array(axes.get_window_extent(renderer).extents)
    to_px = figure.dpi / 72.0
    ink, taken = _ink_px(axes), np.empty((0, 4))
    for label in labels:
        text = axes.annotate(
            label.text, label.at, (0.0, 0.0), textcoords="offset points", color=label.color, fontsize=label.size, rotation=label.rotation, weight=label.weight, ha="center",
            va="center", path_effects=[withStroke(linewidth=2.2, foreground=paper)],
        )  # fmt: skip
        text.set_in_layout(False)  # the layout is settled; a label must not move it again
        box = text.get_window_extent(renderer)
        half = np.array([box.width, box.height]) / 2.0
        point = axes.transData.transform(label.at)
        centres = _candidates(point, half, frame, to_px)
        centre = _best(centres, half, point, frame, taken, ink)
        boxed = np.concatenate([centre - half - _GAP_PX, centre + half + _GAP_PX])
        taken = np.vstack([taken, boxed])
        text.set_position(tuple((centre - point) / to_px))
        edge = np.clip(point, centre - half, centre + half)  # the leader starts where the label is nearest
        if float(np.hypot(*(edge - point))) > _LEADER_PT * to_px:
            leader = {"arrowstyle": "-", "linewidth": 0.7, "color": label.color, "shrinkA": 0, "shrinkB": 2}
            axes.annotate("", label.at, tuple((edge - point) / to_px), textcoords="offset points", arrowprops=leader).set_in_layout(False)


def _ink_px(axes: Axes) -> Array:
    """(n, 2) pixels every few pixels along all lines of the axes, and over their markers."""
    found = [np.empty((0, 2))]
    for line in axes.lines:
        path = line.get_transform().transform(line.get_xydata())
        path = path[np.isfinite(path).all(axis=1)]
        if line.get_marker() not in ("None", "none", "", " ", None):
            half = line.get_markersize() * axes.figure.dpi / 72.0 / 2.0
            side = np.linspace(-half, half, 5)
            box = np.stack(np.meshgrid(side, [0.0] if line.get_marker() == "_" else side), axis=-1).reshape(-1, 2)
            found.append((path[:, None] + box[None]).reshape(-1, 2))
        if len(path) < 2 or line.get_linestyle() in ("None", "none", "", " "):
            continue
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
        even = np.arange(0.0, along[-1] + 1e-9, 4.0)
        found.append(np.column_stack([np.interp(even, along, path[:, 0]), np.interp(even, along, path[:, 1])]))
    return np.concatenate(found)


def _candidates(point: Array, half: Array, frame: Array, to_px: float) -> Array:
    """(k, 2) centres: around the point at growing reach, then a grid over the axes."""
    near = [point + np.array(way) * (half + reach * to_px) for reach in _REACHES_PT for way in _DIRECTIONS]
    low, high = frame[:2] + half + _GAP_PX, frame[2:] - half - _GAP_PX
    grid = np.stack(np.meshgrid(np.linspace(low[0], high[0], _GRID), np.linspace(low[1], high[1], _GRID)), axis=-1).reshape(-1, 2)
    under = point - np.array([0.0, half[1] + _GAP_PX])  # centred right below the point, for names at the upper edge
    return np.concatenate([[under], np.array(near), grid])


def _best(centres: Array, half: Array, point: Array, frame: Array, taken: Array, ink: Array) -> Array:
    """The centre that keeps inside and apart, covers little ink and lies near."""
    low, high = centres - half - 1.0, centres + half + 1.0
    outside = (low < frame[:2]).any(axis=1) | (high > frame[2:]).any(axis=1)
    overlap = np.zeros(len(centres))
    for left, bottom, right, top in taken:
        across = np.minimum(high[:, 0], right) - np.maximum(low[:, 0], left)
        up = np.minimum(high[:, 1], top) - np.maximum(low[:, 1], bottom)
        overlap += np.where((across > 0) & (up > 0), across * up, 0.0)
    inside = (ink[None] > low[:, None]).all(axis=2) & (ink[None] < high[:, None]).all(axis=2)
    far = np.hypot(*(np.maximum(np.abs(centres - point) - half, 0.0)).T)
    cost = far + 0.05 * np.hypot(*(centres - point).T) + 6.0 * inside.sum(axis=1) + 1e4 * (overlap > 0) + overlap + 1e6 * outside
    return np.asarray(centres[int(np.argmin(cost))])
