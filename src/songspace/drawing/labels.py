"""Labels beside what they name, none over another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from songspace.drawing import FAINT, PAPER
from songspace.drawing.text import extent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

RINGS = (2.0, 9.0, 20.0, 34.0, 52.0, 74.0, 100.0, 140.0)
"""Points between a mark and its label: the nearest place that is free is taken."""

TURNS = np.deg2rad([0, 180, 90, 270, 25, 155, -25, 205, 50, 130, -50, 230, 75, 105])
"""Directions that are tried: beside a mark first, where a label reads best."""


def place(axes: Axes, texts: Sequence[Text], marks: np.ndarray, radii: Sequence[float] | np.ndarray) -> int:
    """Move texts beside their marks, the first ones first, so that none covers another; thin lines lead to far ones.

    Parameters
    ----------
    axes : Axes
        With its final limits; no label leaves it.
    texts : sequence of n Text
        Of this axes.
    marks : array of shape (n or more, 2)
        The middle of each text's mark, in data coordinates, and of other marks that are better left free.
    radii : sequence of as many floats
        The marks' radii, in points.

    Returns
    -------
    int
        How many texts found no place and were taken away.
    """
    scale = axes.figure.dpi / 72
    points = axes.transData.transform(np.asarray(marks, float).reshape(-1, 2))
    reach = np.asarray(radii, float) * scale
    frame = axes.get_window_extent()
    taken: list[tuple[float, float, float, float]] = []
    lost = 0
    for text, (x, y), radius in zip(texts, points[: len(texts)], reach[: len(texts)], strict=True):
        # A ground, not an outline: SVG keeps outlined text as shapes only.
        text.set_bbox({"facecolor": PAPER, "alpha": 0.5, "edgecolor": "none", "pad": 0.6})
        text.set(ha="center", va="center", rotation_mode="anchor")
        half = np.array(extent(text)) / 2 + scale
        best: tuple[float, np.ndarray, float] | None = None
        for ring in RINGS:
            for preference, turn in enumerate(TURNS):
                way = np.array([np.cos(turn), np.sin(turn)])
                # How far the middle of a box must be for the box to clear a disc in this direction.
                clear = radius + ring * scale + min(half / np.maximum(np.abs(way), 1e-9))
                middle = np.array([x, y]) + way * clear
                low, high = middle - half, middle + half
                if low[0] < frame.x0 or low[1] < frame.y0 or high[0] > frame.x1 or high[1] > frame.y1:
                    continue
                if any(low[0] < b[2] and b[0] < high[0] and low[1] < b[3] and b[1] < high[1] for b in taken):
                    continue
                gaps = points - np.clip(points, low, high)
                depth = 1 - np.hypot(gaps[:, 0], gaps[:, 1]) / reach
                cost = 8 * float(np.maximum(depth, 0).sum()) + ring / 8 + preference / 10
                if best is None or cost < best[0]:
                    best = cost, middle, ring
            if best is not None and best[0] < ring / 8 + 2:  # farther off, nothing would be better
                break
        if best is None:
            text.remove()
            lost += 1
            continue
        _, middle, ring = best
        text.set_position(tuple(axes.transData.inverted().transform(middle)))
        taken.append((*(middle - half), *(middle + half)))
        if ring > RINGS[1]:
            end = np.clip([x, y], middle - half, middle + half)
            line = axes.transData.inverted().transform(np.array([[x, y], end]))
            axes.plot(*line.T, color=FAINT, linewidth=0.6, zorder=1.9, solid_capstyle="round")
    return lost


def sheet(axes: Axes, xy: np.ndarray, *, air: float = 0.16) -> None:
    """A sheet without axes, with one scale in both directions and some air around the places."""
    axes.set_facecolor(PAPER)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    low, high = (xy.min(axis=0), xy.max(axis=0)) if len(xy) else (np.zeros(2), np.zeros(2))
    frame = axes.get_window_extent()
    size = np.array([frame.width, frame.height])
    half = (0.5 + air) * max(float(((high - low) / size).max()), 1e-6) * size
    center = (low + high) / 2
    axes.set_xlim(center[0] - half[0], center[0] + half[0])
    axes.set_ylim(center[1] - half[1], center[1] + half[1])
