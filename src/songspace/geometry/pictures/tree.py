"""The tree of regions beside all their distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from songspace.drawing import FAINT, INK, PALE, PALETTE
from songspace.drawing.text import extent, short, writer
from songspace.geometry.pictures.overview import COLORS, SHOWN, left_out
from songspace.geometry.regions import Regions
from songspace.geometry.tree import branches, leaves, linkage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = 3.6
"""Inches for the branches, at least."""

NUMBERS = 14
"""With at most so many regions, distances are written into the matrix."""


def draw_tree(found: Regions, *, title: str = "", what: str = "regions", most: int = SHOWN) -> Figure:
    """Draw the dendrogram of regions and, in its order, the matrix of their energy distances.

    Parameters
    ----------
    found : Regions
        Of one region at least.
    title : str
    what : str
        What they are: "genres".
    most : int
        So many are drawn, the largest, in a tree of their own.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = found.regions[:most]
    k = len(shown)
    distances = found.distances[:k, :k]
    joints = linkage(distances)
    order = leaves(joints)
    cell = float(np.clip(4.5 / k, 0.17, 0.9))
    side, foot, head = cell * k, 0.75, 1.1
    height = side + foot + head
    figure = Figure(figsize=(10, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    write = writer(figure)
    size = float(np.clip(cell * 72 * 0.62, 7, 11))
    names = [
        write(0, 1 - (head + (row + 0.5) * cell) / height, f"{short(shown[i].name, 30)} ({shown[i].size:,})",
              size=size, ha="right", va="center")
        for row, i in enumerate(order)
    ]  # fmt: skip
    wide = max(extent(name)[0] for name in names) / figure.dpi
    note = f"Energy distances of {what}, 0: alike. A joint lies at the mean distance of what it joins."
    remark = " ".join([note, *left_out(found, what, k)])
    texts = [
        write(0, 1 - 0.42 / height, short(title, 80), size=16, weight="bold"),
        write(0, 1 - 0.75 / height, remark, size=9.5, color=FAINT),
    ]
    # Stems, names and matrix side by side, at least as wide as what is written above them.
    width = max(0.3 + STEM + 0.15 + wide + 0.12 + side + 0.3, max(extent(text)[0] for text in texts) / figure.dpi + 0.6)
    figure.set_size_inches(width, height)
    for text in texts:
        text.set_x(0.3 / width)
    left = width - 0.3 - side
    for name in names:
        name.set_x((left - 0.12) / width)
    matrix = figure.add_axes((left / width, foot / height, side / width, side / height))
    stem = figure.add_axes((0.3 / width, foot / height, (left - 0.12 - wide - 0.15 - 0.3) / width, side / height))
    _stems(stem, joints, order)
    _matrix(figure, matrix, distances[np.ix_(order, order)], k)
    scale = min(side, 3.0)
    bar = figure.add_axes(((width - 0.3 - scale) / width, 0.4 / height, scale / width, 0.12 / height))
    shades = np.linspace(0, 1, 256)[None]
    farthest = _farthest(distances)
    bar.imshow(shades, aspect="auto", cmap="cividis", extent=(0, farthest, 0, 1))
    bar.set_yticks([])
    if k == 1:  # there are no distances to have a scale
        bar.set_visible(False)
        stem.set_visible(False)
    bar.tick_params(length=0, labelsize=8, labelcolor=FAINT)
    bar.locator_params(axis="x", nbins=4)
    for spine in bar.spines.values():
        spine.set_visible(False)
    return figure


def _farthest(distances: np.ndarray) -> float:
    return max(float(distances.max(initial=0.0)), 1e-9)


def _stems(axes: Axes, joints: np.ndarray, order: list[int]) -> None:
    """Branches from the names on the right to the root on the left, in the colours of the overview."""
    k = len(order)
    place = {leaf: row + 0.5 for row, leaf in enumerate(order)}
    depth = dict.fromkeys(range(k), 0.0)
    branch = {leaf: int(number) for leaf, number in enumerate(branches(joints, COLORS))}
    for number, (left, right, distance) in enumerate(joints[:, :3]):
        a, b = int(left), int(right)
        shared = branch[a] if branch[a] == branch[b] else -1
        for end in (a, b):
            color = PALETTE[branch[end]] if branch[end] >= 0 else INK
            axes.plot([depth[end], distance], [place[end]] * 2, color=color, linewidth=1.8, solid_capstyle="butt")
        color = PALETTE[shared] if shared >= 0 else INK
        axes.plot([distance] * 2, [place[a], place[b]], color=color, linewidth=1.8, solid_capstyle="projecting")
        place[k + number], depth[k + number], branch[k + number] = (place[a] + place[b]) / 2, float(distance), shared
    farthest = max(float(joints[-1, 2]), 1e-9) if len(joints) else 1.0
    axes.set_xlim(1.06 * farthest, -0.01 * farthest)
    axes.set_ylim(k, 0)
    axes.set_yticks([])
    axes.tick_params(length=2, color=PALE, labelsize=8, labelcolor=FAINT)
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(PALE)


def _matrix(figure: Figure, axes: Axes, distances: np.ndarray, k: int) -> None:
    farthest = _farthest(distances)
    axes.imshow(distances, cmap="cividis", vmin=0, vmax=farthest, aspect="equal", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if k > NUMBERS:
        return
    write = writer(figure)
    for row, column in np.ndindex(k, k):
        if row != column:
            light = distances[row, column] < 0.55 * farthest
            write(
                column,
                row,
                f"{distances[row, column]:.2f}",
                axes=axes,
                size=min(9.0, 100 / k),
                ha="center",
                va="center",
                color="white" if light else INK,
            )
