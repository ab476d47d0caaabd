"""All regions on one sheet: where they lie, how large and how wide they are, which overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from songspace.drawing import FAINT, GREY, INK, PALETTE, PAPER
from songspace.drawing.labels import place, sheet
from songspace.drawing.text import short, writer
from songspace.geometry.regions import OVERLAPPING, Regions
from songspace.geometry.tree import branches, linkage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 60
"""Regions in a picture: the largest."""

COLORS = 8
"""Branches of the tree that have a colour of their own."""


def draw_regions(found: Regions, *, title: str = "", what: str = "regions", most: int = SHOWN) -> Figure:
    """Draw regions as discs on a map of their energy distances.

    The map is classical scaling (Torgerson 1952). Energy distances are distances of points in a Euclidean space of many
    dimensions, one point for each distribution (Székely and Rizzo 2013), so that this is the principal plane of these
    points.

    Parameters
    ----------
    found : Regions
        Of one region at least.
    title : str
    what : str
        What they are: "genres".
    most : int
        So many are drawn, the largest; the note says how many are left out.

    Returns
    -------
    Figure
        An area of a disc is a number of songs, the width of its ring a spread, that of a line an overlap; colours are
        branches of the tree.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = found.regions[:most]
    k = len(shown)
    distances = found.distances[:k, :k]
    places, explained = plane(distances)
    figure = Figure(figsize=(12, 8), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    write = writer(figure)
    write(0.025, 0.955, short(title, 80), size=17, weight="bold")
    note = f"Near means alike: energy distances of their songs, in the plane that shows {explained:.0%} of them."
    write(0.025, 0.918, note, size=9.5, color=FAINT)
    axes = figure.add_axes((0.025, 0.035, 0.755, 0.865))
    sheet(axes, places, air=0.12)
    largest = max(region.size for region in shown)
    biggest = float(np.clip(110 / np.sqrt(k + 4), 9, 34))
    radius = np.array([max(biggest * np.sqrt(region.size / largest), 2.2) for region in shown])
    ring = np.array([biggest * 0.4 * region.spread / max(found.typical, 1e-9) for region in shown])
    color = [PALETTE[branch] for branch in branches(linkage(distances), COLORS)]
    links = _links(found.shares[:k, :k])
    for a, b in links:
        wide = 0.3 + 4.5 * found.shares[a, b]
        axes.plot(*places[[a, b]].T, color=GREY, alpha=0.32, linewidth=wide, zorder=1.5, solid_capstyle="round")
    order = np.argsort(-radius, kind="stable")  # the small ones upon the large ones
    for i in order:
        wide = (2 * (radius[i] + ring[i])) ** 2
        axes.scatter(places[i, :1], places[i, 1:], s=wide, color=color[i], alpha=0.22, linewidths=0, zorder=2)
    for i in order:
        looks = {"color": color[i], "edgecolors": PAPER, "linewidths": 0.8, "alpha": 0.95}
        axes.scatter(places[i, :1], places[i, 1:], s=(2 * radius[i]) ** 2, zorder=3, **looks)
    size = 11 if k <= 20 else 9.5 if k <= 40 else 8.5
    texts = [write(0, 0, short(region.name, 32), axes=axes, size=size, zorder=4) for region in shown]
    lost = place(axes, texts, places, radius + ring)
    _legend(figure, left_out(found, what, k), lost, largest, biggest, linked=bool(links))
    return figure


def _links(shares: np.ndarray) -> list[tuple[int, int]]:
    """The pairs that overlap: of each region the two with which it does most, or there would be more lines than map."""
    links = set()
    for a, row in enumerate(shares):
        for b in np.argsort(np.where(np.arange(len(row)) == a, 1, -row), kind="stable")[:2].tolist():
            if b != a and row[b] >= OVERLAPPING:
                links.add((min(a, b), max(a, b)))
    return sorted(links)


def plane(distances: np.ndarray) -> tuple[np.ndarray, float]:
    """Places (k, 2) whose distances are as near to the given ones as a plane allows, and the share that it shows.

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
    found = np.zeros((k, 2))
    for axis in range(min(2, k)):
        column = vectors[:, axis]
        sign = 1.0 if column[np.abs(column).round(9).argmax()] > 0 else -1.0
        found[:, axis] = sign * column * np.sqrt(values[axis])
    whole = values.sum()
    return found, float(values[:2].sum() / whole) if whole > 0 else 1.0


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
    """Discs of some sizes, as a scale; answers where it ends."""
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


def left_out(found: Regions, what: str, shown: int) -> list[str]:
    """What a picture does not show, in short sentences."""
    told = []
    more = len(found.regions) - shown + found.groups.beyond
    if more:
        told.append(f"Not shown: {more:,} smaller {what}.")
    if found.groups.small:
        told.append(f"With too few songs: {len(found.groups.small):,}.")
    return told
