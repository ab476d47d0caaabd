"""The map as a picture: PNG, by matplotlib's objects, without its global state."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.categories import OTHER, UNKNOWN, Categories, categorize
from songspace.drawing import FAINT, GREY, INK, PALE, PALETTE, PAPER
from songspace.drawing.files import written
from songspace.drawing.text import short, writer
from songspace.maps.categories import Color, check, note, span, values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
MAP, LEGEND = (0.025, 0.035, 0.755, 0.845), (0.795, 0.035, 0.185, 0.845)
"""Left, bottom, width and height, as shares of the figure."""


def draw_png(
    path: str | os.PathLike[str],
    xy: np.ndarray,
    songs: Sequence[Any],
    *,
    color: Color = "genre",
    title: str = "",
    method: str = "tsne",
) -> None:
    """Draw a map as a PNG picture of 1800 x 1200 pixels.

    Parameters
    ----------
    path : path
        Where to; written beside it and renamed, so that a picture is whole or is not there.
    xy : array of shape (n, 2)
        What :func:`songspace.maps.layout` answered.
    songs : sequence of n songs
        With ``genre``, ``artist`` and ``year``, each of which may be None.
    color : {"genre", "artist", "year", "tags"}
        The twelve most frequent genres or artists have colours of their own; years are a scale.
    title : str
        The heading.
    method : {"tsne", "pca"}
        What the note below the heading explains.

    Raises
    ------
    SongspaceError
        If the picture cannot be written.
    ValueError
        If there is not one place for each song, or no such colouring.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    xy = check(xy, songs, color)
    figure = Figure(figsize=(12, 8), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes(MAP)
    _frame(axes, xy)
    write = writer(figure)
    write(0.025, 0.955, short(title, 80) or f"{len(songs)} songs", size=17, weight="bold")
    write(0.025, 0.918, note(method), size=9.5, color=FAINT)
    size = float(np.clip(9000 / max(len(songs), 1), 5, 90))
    with warnings.catch_warnings(), written(path) as beside:
        warnings.filterwarnings("ignore", message="Glyph")  # a script that no font here knows is drawn as boxes
        if color == "year":
            _by_year(figure, axes, xy, [song.year for song in songs], size)
        else:
            found = categorize(values_of(songs, color), most=len(PALETTE))
            _by_category(figure, axes, xy, found, color, size)
            _name_regions(figure, axes, xy, found, size)
        figure.savefig(beside, format="png", dpi=DPI)


def _frame(axes: Axes, xy: np.ndarray) -> None:
    """A sheet without axes, with one scale in both directions and a little air around the songs."""
    axes.set_facecolor(PAPER)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    low, high = (xy.min(axis=0), xy.max(axis=0)) if len(xy) else (np.zeros(2), np.zeros(2))
    sheet = np.array([12 * MAP[2], 8 * MAP[3]])
    half = 0.54 * max(float(((high - low) / sheet).max()), 1e-6) * sheet
    center = (low + high) / 2
    axes.set_xlim(center[0] - half[0], center[0] + half[0])
    axes.set_ylim(center[1] - half[1], center[1] + half[1])


def _dots(axes: Axes, xy: np.ndarray, colors: Any, size: float, **more: Any) -> Any:
    edge = 0.5 if size > 20 else 0.2
    return axes.scatter(xy[:, 0], xy[:, 1], c=colors, s=size, linewidths=edge, edgecolors=PAPER, **more)


def _by_category(figure: Figure, axes: Axes, xy: np.ndarray, found: Categories, color: str, size: float) -> None:
    colors = {code: PALETTE[code] for code in range(len(found.names))} | {OTHER: GREY, UNKNOWN: PALE}
    for code in (UNKNOWN, OTHER):
        _dots(axes, xy[found.codes == code], colors[code], size)
    named = np.flatnonzero(found.codes >= 0)
    # Mixed, so that no category lies on top of all others only because it was drawn last.
    named = np.random.default_rng(0).permutation(named)
    _dots(axes, xy[named], [colors[code] for code in found.codes[named]], size)

    rows = list(zip(range(len(found.names)), found.names, strict=True))
    rows += [(code, name) for code, name in ((OTHER, "other"), (UNKNOWN, "unknown")) if found.count(code)]
    legend = figure.add_axes(LEGEND)
    legend.set_axis_off()
    legend.set_xlim(0, 1)
    legend.set_ylim(0, 1)
    write = writer(figure)
    write(0.02, 0.975, color.capitalize(), axes=legend, size=11, weight="bold", va="center_baseline")
    for row, (code, name) in enumerate(rows):
        y = 0.93 - 0.042 * row
        legend.scatter([0.05], [y], s=75, c=colors[code], linewidths=0)
        write(0.11, y, short(name, 24), axes=legend, size=9.5, va="center_baseline", color=INK if code >= 0 else FAINT)
        write(0.98, y, f"{found.count(code):,}", axes=legend, size=9.5, va="center_baseline", ha="right", color=FAINT)


def _by_year(figure: Figure, axes: Axes, xy: np.ndarray, years: Sequence[int | None], size: float) -> None:
    from matplotlib.ticker import MaxNLocator

    known = np.array([year is not None for year in years], dtype=bool)
    values = np.array([year if year is not None else 0 for year in years], dtype=float)
    _dots(axes, xy[~known], PALE, size)
    write = writer(figure)
    write(0.794, 0.858, "Year", size=11, weight="bold", va="center_baseline")
    if known.any():
        first, last = span(values[known])
        dots = _dots(axes, xy[known], values[known], size, cmap="viridis", vmin=first, vmax=last)
        ticks = MaxNLocator(nbins=8, integer=True)
        bar = figure.colorbar(dots, cax=figure.add_axes((0.8, 0.42, 0.014, 0.4)), ticks=ticks)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=9.5, labelcolor=INK)
    if not known.all():
        legend = figure.add_axes((0.79, 0.35, 0.2, 0.04))
        legend.set_axis_off()
        legend.set_xlim(0, 1)
        legend.scatter([0.085], [0], s=75, c=PALE, linewidths=0)
        write(0.15, 0, "unknown", axes=legend, size=9.5, va="center_baseline", color=FAINT)
        write(0.98, 0, f"{(~known).sum():,}", axes=legend, size=9.5, va="center_baseline", ha="right", color=FAINT)


def _name_regions(figure: Figure, axes: Axes, xy: np.ndarray, found: Categories, size: float) -> None:
    """Write the names of large categories where they lie, beside the songs if there is room; largest first.

    Of a few places around the middle of a category, the one that hides the fewest songs is taken, and none
    that would run into another name.
    """
    from matplotlib.patheffects import withStroke

    write = writer(figure)
    figure.canvas.draw()
    frame = axes.get_window_extent()
    dots, radius = axes.transData.transform(xy), DPI / 72 * np.sqrt(size / np.pi)
    taken: list[Any] = []
    for code, (name, count) in enumerate(zip(found.names, found.counts, strict=True)):
        if count < max(3, 0.02 * len(xy)):
            continue
        text = write(0, 0, short(name, 28), axes=axes, size=11, weight="bold", ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=3.5, foreground=PAPER, alpha=0.85)])
        extent = text.get_window_extent()
        center = axes.transData.transform(middle(xy[found.codes == code]))
        best = None
        for across, up in ((x, y) for y in (0, 1, -1, 2, -2) for x in (0, -0.6, 0.6)):
            at = center + np.array([across * extent.width, 1.2 * up * extent.height])
            box = extent.translated(*(at - extent.min - np.subtract(extent.max, extent.min) / 2))
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if not inside or any(box.overlaps(other) for other in taken):
                continue
            hidden = ((dots > box.min - radius) & (dots < box.max + radius)).all(axis=1).sum()
            cost = hidden + 0.4 * abs(up) + 0.5 * abs(across)
            if best is None or cost < best[0]:
                best = (cost, at, box)
        if best is None:
            text.remove()
        else:
            text.set_position(tuple(axes.transData.inverted().transform(best[1])))
            taken.append(best[2])


def middle(xy: np.ndarray) -> np.ndarray:
    """The point of a region that lies nearest its median: in it, even if the region has a hole."""
    return np.asarray(xy[np.square(xy - np.median(xy, axis=0)).sum(axis=1).argmin()])
