"""Regions and their tree as figures, which :func:`songspace.drawing.save` writes as PNG or SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from songspace.drawing import (
    FAINT,
    GREY,
    INK,
    PALE,
    PALETTE,
    PAPER,
    blank_figure,
    extent,
    headed_figure,
    hide_frame,
    place,
    sheet,
    short,
    writer,
)
from songspace.geometry.regions import OVERLAPPING, Regions
from songspace.geometry.tree import branches, leaves, linkage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 60
"""The most regions in a picture; the largest are drawn."""

BRANCHES = 8
"""The most branches of the tree with different colours."""

STEM = 3.6
"""Least width of the branches, in inches."""

NUMBERS = 14
"""The most regions for which distances are written into the matrix."""


def draw_regions(regions: Regions, *, title: str = "", what: str = "regions", most: int = SHOWN) -> Figure:
    """Draw regions as discs on a map of their energy distances.

    The map is made by classical scaling (Torgerson 1952). Energy distances are distances of points in a Euclidean space
    of many dimensions, one point for each distribution (Székely and Rizzo 2013). The map is the principal plane of
    these points.

    Parameters
    ----------
    regions : Regions
        At least one region.
    title : str
    what : str
        Word for the regions: "genres".
    most : int
        The most regions that are drawn, the largest; a note has the number of those left out.

    Returns
    -------
    Figure
        The area of a disc is the number of songs, the width of its ring the spread, the width of a line the overlap.
        Colours are branches of the tree.
    """
    shown = regions.regions[:most]
    k = len(shown)
    distances = regions.distances[:k, :k]
    places, explained = plane(distances)
    note = f"Near means alike: energy distances of their songs, in the plane that shows {explained:.0%} of them."
    figure, write = headed_figure(12, 8, title, note)
    axes = figure.add_axes((0.025, 0.035, 0.755, 0.865))
    sheet(axes, places, air=0.12)
    largest = max(region.size for region in shown)
    biggest = float(np.clip(110 / np.sqrt(k + 4), 9, 34))
    radius = np.array([max(biggest * np.sqrt(region.size / largest), 2.2) for region in shown])
    ring = np.array([biggest * 0.4 * region.spread / max(regions.typical, 1e-9) for region in shown])
    color = [PALETTE[branch] for branch in branches(linkage(distances), BRANCHES)]
    links = _links(regions.shares[:k, :k])
    for a, b in links:
        wide = 0.3 + 4.5 * regions.shares[a, b]
        axes.plot(*places[[a, b]].T, color=GREY, alpha=0.32, linewidth=wide, zorder=1.5, solid_capstyle="round")
    order = np.argsort(-radius, kind="stable")  # small discs above large ones
    for i in order:
        wide = (2 * (radius[i] + ring[i])) ** 2
        axes.scatter(places[i, :1], places[i, 1:], s=wide, color=color[i], alpha=0.22, linewidths=0, zorder=2)
    for i in order:
        looks = {"color": color[i], "edgecolors": PAPER, "linewidths": 0.8, "alpha": 0.95}
        axes.scatter(places[i, :1], places[i, 1:], s=(2 * radius[i]) ** 2, zorder=3, **looks)
    size = 11 if k <= 20 else 9.5 if k <= 40 else 8.5
    texts = [write(0, 0, short(region.name, 32), axes=axes, size=size, zorder=4) for region in shown]
    lost = place(axes, texts, places, radius + ring)
    _legend(figure, left_out(regions, what, k), lost, largest, biggest, linked=bool(links))
    return figure


def _links(shares: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs to join by lines: each region with the two that it overlaps most with."""
    links = set()
    for a, row in enumerate(shares):
        for b in np.argsort(np.where(np.arange(len(row)) == a, 1, -row), kind="stable")[:2].tolist():
            if b != a and row[b] >= OVERLAPPING:
                links.add((min(a, b), max(a, b)))
    return sorted(links)


def plane(distances: np.ndarray) -> tuple[np.ndarray, float]:
    """Compute places (k, 2) by classical scaling of distances (k, k), and the share of their variance in this plane.

    Examples
    --------
    >>> line = np.array([0.0, 1, 3])
    >>> places, explained = plane(np.abs(line[:, None] - line))
    >>> np.abs(np.diff(places[:, 0])).round(6).tolist(), round(explained, 6)
    ([1.0, 2.0], 1.0)
    """
    k = len(distances)
    squared = -0.5 * np.square(distances)
    centered = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    values, vectors = np.linalg.eigh((centered + centered.T) / 2)
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    places = np.zeros((k, 2))
    for axis in range(min(2, k)):
        column = vectors[:, axis]
        sign = 1.0 if column[np.abs(column).round(9).argmax()] > 0 else -1.0
        places[:, axis] = sign * column * np.sqrt(values[axis])
    whole = values.sum()
    return places, float(values[:2].sum() / whole) if whole > 0 else 1.0


def _legend(figure: Figure, remarks: list[str], lost: int, largest: int, biggest: float, *, linked: bool) -> None:
    write = writer(figure)
    axes = figure.add_axes((0.795, 0.035, 0.19, 0.865))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    y = _discs(axes, write, largest, biggest)
    y -= 0.06
    write(0.02, y, "Ring: spread of its songs", axes=axes, size=9.5, weight="bold", va="center")
    y -= 0.075
    for x, share, label in ((0.14, 0.5, "half"), (0.5, 1.0, "as all songs")):
        inner = min(biggest, 14) * 0.4
        axes.scatter([x], [y], s=(2 * (inner + biggest * 0.4 * share)) ** 2, color=GREY, alpha=0.35, linewidths=0)
        axes.scatter([x], [y], s=(2 * inner) ** 2, color=GREY, edgecolors=PAPER, linewidths=0.8)
        write(x, y - 0.055, label, axes=axes, size=8.5, color=FAINT, ha="center", va="center")
    y -= 0.12
    if linked:
        write(0.02, y, "Line: whom it overlaps most", axes=axes, size=9.5, weight="bold", va="center")
        for x, share in ((0.05, 0.2), (0.37, 0.6), (0.69, 1.0)):
            wide = 0.3 + 4.5 * share
            axes.plot([x, x + 0.2], [y - 0.04] * 2, color=GREY, alpha=0.5, linewidth=wide, solid_capstyle="round")
            write(x + 0.1, y - 0.075, f"{share:.1f}", axes=axes, size=8.5, color=FAINT, ha="center", va="center")
        y -= 0.135
    write(0.02, y, "Colour: branch of the tree", axes=axes, size=9.5, weight="bold", va="center")
    if lost:
        remarks = [*remarks, f"Without room for a name: {lost}."]
    for line, remark in enumerate(remarks):
        write(0.02, 0.03 + 0.03 * (len(remarks) - 1 - line), remark, axes=axes, size=8.5, color=FAINT, va="center")


def _discs(axes: Axes, write, largest: int, biggest: float) -> float:  # type: ignore[no-untyped-def]  # a local writer
    """Draw discs of several sizes as a scale; return the height of its lower end."""
    write(0.02, 0.975, "Disc: its songs", axes=axes, size=9.5, weight="bold", va="center")
    steps = [n for e in range(7) for n in (10**e, 2 * 10**e, 5 * 10**e) if n <= largest]
    points = 0.865 * 8 * 72
    y = 0.955
    for count in [*dict.fromkeys(steps[-1:] + steps[-3:-2] + steps[-5:-4])]:
        radius = max(biggest * np.sqrt(count / largest), 2.2)
        y -= (radius + 5) / points
        axes.scatter([0.2], [y], s=(2 * radius) ** 2, color=GREY, linewidths=0)
        write(0.45, y, f"{count:,}", axes=axes, size=9, color=INK, va="center")
        y -= (radius + 5) / points
    return y


def left_out(regions: Regions, what: str, shown: int) -> list[str]:
    """Describe the regions that a picture does not show, in short sentences."""
    remarks = []
    more = len(regions.regions) - shown + regions.groups.beyond
    if more:
        remarks.append(f"Not shown: {more:,} smaller {what}.")
    if regions.groups.small:
        remarks.append(f"With too few songs: {len(regions.groups.small):,}.")
    return remarks


def draw_tree(regions: Regions, *, title: str = "", what: str = "regions", most: int = SHOWN) -> Figure:
    """Draw the dendrogram of regions and, in its order, the matrix of their energy distances.

    Parameters
    ----------
    regions : Regions
        At least one region.
    title : str
    what : str
        Word for the regions: "genres".
    most : int
        The most regions that are drawn, the largest; the tree is computed from these.
    """
    shown = regions.regions[:most]
    k = len(shown)
    distances = regions.distances[:k, :k]
    joints = linkage(distances)
    order = leaves(joints)
    cell = float(np.clip(4.5 / k, 0.17, 0.9))
    side, foot, head = cell * k, 0.75, 1.1
    height = side + foot + head
    figure = blank_figure(10, height)
    write = writer(figure)
    size = float(np.clip(cell * 72 * 0.62, 7, 11))
    names = [
        write(0, 1 - (head + (row + 0.5) * cell) / height, f"{short(shown[i].name, 30)} ({shown[i].size:,})",
              size=size, ha="right", va="center")
        for row, i in enumerate(order)
    ]  # fmt: skip
    wide = max(extent(name)[0] for name in names) / figure.dpi
    note = f"Energy distances of {what}, 0: alike. A joint lies at the mean distance of what it joins."
    remark = " ".join([note, *left_out(regions, what, k)])
    texts = [
        write(0, 1 - 0.42 / height, short(title, 80), size=16, weight="bold"),
        write(0, 1 - 0.75 / height, remark, size=9.5, color=FAINT),
    ]
    # Stems, names and matrix side by side, at least as wide as the texts above them.
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
    if k == 1:  # no distances, no scale
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
    """Draw branches from the names on the right to the root on the left, in the colours of :func:`draw_regions`."""
    k = len(order)
    place = {leaf: row + 0.5 for row, leaf in enumerate(order)}
    depth = dict.fromkeys(range(k), 0.0)
    branch = {leaf: int(number) for leaf, number in enumerate(branches(joints, BRANCHES))}
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
    hide_frame(axes)
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
