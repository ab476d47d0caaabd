"""The pictures of the experiment as PNG, drawn by matplotlib without its global state."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.drawing import FAINT, GREY, INK, PALE, PAPER, blank_figure, family, hide_frame, short
from songspace.poster.segments import DECIBELS, SECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORDER: tuple[tuple[str, ...], ...] = (
    ("classical", "opera", "orchestral", "soundtrack", "instrumental"),
    ("jazz", "blues", "swing", "easy listening", "historic"),
    ("latin", "world", "international", "reggae", "ska"),
    ("folk", "acoustic", "singer songwriter", "celtic", "spoken"),
    ("country", "americana", "bluegrass"),
    ("funk", "soul"),
    ("indie rock", "indie", "alternative"),
    ("rock", "punk"),
    ("metal", "hardcore"),
    (),
    ("pop",),
    ("r&b", "rnb"),
    ("hip hop", "hiphop"),
    ("rap",),
    ("house", "disco", "dance"),
    ("edm", "electronic", "electronica", "techno", "trance", "dubstep", "ambient", "idm", "experimental"),
)
"""The poster's fifteen genres in order from acoustic to electronic, each first in its group of similar genres.

The empty group in the middle, between bands and producers, is for unknown genres.
"""

MARKERS = "os^D"
"""Shapes that distinguish genres of similar colours, if there are many genres."""

FEW = 8
"""The most genres that are distinguished by colours alone."""


def in_order(genres: Sequence[str]) -> list[str]:
    """Sort genres from acoustic to electronic; those of one group by name.

    Examples
    --------
    >>> in_order(["Rap", "Hard Rock", "zydeco", "Electronic", "Hip-Hop", "Jazz", "classical"])
    ['classical', 'Jazz', 'Hard Rock', 'zydeco', 'Hip-Hop', 'Rap', 'Electronic']
    """
    return sorted(genres, key=lambda genre: (_place(genre), genre.casefold()))


def _place(genre: str) -> int:
    """Return the group of a genre, by its whole name or its last words ("acid jazz" is jazz)."""
    words = re.findall(r"[\w&]+", genre.casefold())
    for start in range(len(words)):
        name = " ".join(words[start:])
        for place, names in enumerate(ORDER):
            if name in names:
                return place
    return ORDER.index(())


@dataclass(frozen=True)
class Look:
    """The colour and the shape of each genre, the same in every picture.

    Attributes
    ----------
    genres : tuple of str
        Genres in the order of their colours, those of the rainbow from violet to red.
    """

    genres: tuple[str, ...]

    def of(self, genre: str) -> dict[str, Any]:
        """Return the options of matplotlib for the dots of a genre."""
        from matplotlib import colormaps

        number = self.genres.index(genre)
        return {
            "color": colormaps["rainbow"](number / max(1, len(self.genres) - 1)),
            "marker": MARKERS[number % len(MARKERS)] if len(self.genres) > FEW else "o",
        }


DPI = 110
WIDTH = 11.0
"""Width of every picture in inches."""

BLUE, BROWN = "#2f6fd0", "#bd5007"

CURVES: tuple[tuple[str, str, dict[str, tuple[str, str, str]]], ...] = (
    ("discriminator", "step", {"discriminator": ("", INK, "-")}),
    ("encoder + decoder", "step", {"encoder + decoder": ("", BLUE, "-")}),
    ("discriminator's AUC", "watched", {"auc": ("", INK, "-")}),
    (
        "cycle errors",
        "watched",
        {
            "cycle_z": ("codes", BLUE, "-"),
            "cycle_x": ("songs", BROWN, "-"),
            "cycle_x_pca": ("songs by PCA-64", GREY, "--"),
        },
    ),
    ("effective rank of codes", "watched", {"effective_rank": ("", BLUE, "-")}),
    ("same-song retrieval", "watched", {"retrieval": ("held-out songs", BLUE, "-"), "chance": ("chance", GREY, "--")}),
)
"""The panels of a training: label, horizontal axis, and the name, colour and line of each curve."""


def _figure(height: float) -> Figure:
    return blank_figure(WIDTH, height, dpi=DPI, layout="constrained")


def _png(figure: Figure) -> bytes:
    """Return a figure as PNG without the version of matplotlib: equal figures give equal files."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # letters without a font are drawn as boxes
        figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def _title(axes: Axes, text: str, **looks: Any) -> None:
    looks = {"fontsize": 10, "color": INK, "family": family(), **looks}
    axes.set_title(short(text, 60), loc="left", **looks).set_parse_math(False)


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(colors=FAINT, labelsize=8, length=3)
    axes.grid(True, color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def _sheet(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    hide_frame(axes)


def _legend(figure: Figure, look: Look, genres: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], linestyle="", markersize=7, markeredgewidth=0, **look.of(genre)) for genre in genres]
    names = [short(genre, 24) for genre in genres]
    _legend_below(figure, handles, names, columns=8, handletextpad=0.2, columnspacing=1.4)


def _legend_below(figure: Figure, handles: Sequence[Any], names: Sequence[str], *, columns: int, **looks: Any) -> None:
    looks |= {"ncols": min(columns, len(names)), "prop": {"family": family(), "size": 9}, "labelcolor": INK}
    legend = figure.legend(handles, names, loc="outside lower center", frameon=False, **looks)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _dots(axes: Axes, xy: np.ndarray, labels: Sequence[str], look: Look, size: float, **more: Any) -> None:
    """Draw dots in random order, so that no genre covers the others."""
    order = np.random.default_rng(0).permutation(len(xy))
    for marker in dict.fromkeys(look.of(label)["marker"] for label in labels):
        some = [i for i in order if look.of(labels[i])["marker"] == marker]
        colors = [look.of(labels[i])["color"] for i in some]
        axes.scatter(
            xy[some, 0], xy[some, 1], c=colors, s=size, marker=marker, linewidths=0.3, edgecolors=PAPER, **more
        )


def scores(rows: Sequence[tuple[str, Mapping[str, Mapping[str, Any]], bool]], tests: Mapping[str, str]) -> bytes:
    """Draw the headline score of every embedding in tests side by side, with intervals and chance.

    Parameters
    ----------
    rows : sequence of (name, scores by test, judged)
        Each score has ``value`` and ``interval``; the dot of an embedding that is not judged is hollow.
    tests : mapping of str to str
        The tests and their titles.
    """
    figure = _figure(1.1 + 0.34 * len(rows))
    panels = figure.subplots(1, len(tests), sharey=True, sharex=True, squeeze=False)[0]
    for panel, (test, title) in zip(panels, tests.items(), strict=True):
        _plain(panel)
        panel.set_title(title, loc="left", fontsize=9, color=INK)
        panel.axvline(0, color=GREY, linewidth=1)
        for y, (_, by_test, judged) in enumerate(reversed(rows)):
            if test in by_test:
                score = by_test[test]
                if score["interval"]:
                    panel.plot(score["interval"], [y, y], color="#7f8a99", linewidth=2.2, solid_capstyle="round")
                face = BLUE if judged else "white"
                panel.scatter([score["value"]], [y], s=30, facecolors=face, edgecolors=BLUE, zorder=3, linewidths=1)
        panel.set_xlabel("AMI of k-means (0: chance)", fontsize=8, color=FAINT)
    panels[0].set_yticks(range(len(rows)), [short(name, 34) for name, *_ in reversed(rows)], fontsize=9, color=INK)
    return _png(figure)


def training(rungs: Sequence[tuple[str, Mapping[str, Sequence[float]]]]) -> bytes:
    """Draw losses against batches, as on the poster, and the monitors below; one column for each rung.

    Parameters
    ----------
    rungs : sequence of (name, history)
    """
    from matplotlib.ticker import MaxNLocator, NullFormatter

    # Some monitors may be missing: retrieval is not measured if too few songs can be held out.
    known = [row for row in CURVES if any(_first(curve) in history for curve in row[2] for _, history in rungs)]
    figure = _figure(1.55 * len(known) + 0.4)
    panels = figure.subplots(len(known), len(rungs), sharex="col", squeeze=False)
    for column, (name, history) in enumerate(rungs):
        for panel, (label, against, curves) in zip(panels[:, column], known, strict=True):
            _plain(panel)
            drawn = {curve: _curve(history, curve) for curve in curves if _first(curve) in history}
            for curve, values in drawn.items():
                title, color, style = curves[curve]
                panel.plot(history[against], values, color=color, linestyle=style, linewidth=1.2, label=title)
                if len(values) == 1:
                    panel.scatter(history[against], values, color=color, s=12)
            if len(drawn) > 1:
                panel.legend(fontsize=7, frameon=False, labelcolor=FAINT)
            if "auc" in curves or "retrieval" in curves:
                panel.set_ylim(-0.03, 1.03)
            if "cycle_z" in curves and drawn and max(map(max, drawn.values())) > 3:
                panel.set_yscale("log")
                panel.yaxis.set_minor_formatter(NullFormatter())
            if column == 0:
                panel.set_ylabel(label, fontsize=8.5, color=INK)
        _title(panels[0, column], name, fontweight="bold")
        panels[-1, column].set_xlabel("batches", fontsize=8.5, color=FAINT)
        panels[-1, column].xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    return _png(figure)


def _first(curve: str) -> str:
    """Return the name of a curve in a history; for a sum, that of its first part."""
    return curve.split(" + ")[0]


def _curve(history: Mapping[str, Sequence[float]], name: str) -> list[float]:
    """Return a curve of a history, or the sum of several."""
    return [sum(values) for values in zip(*(history[part] for part in name.split(" + ")), strict=True)]


def maps(panels: Sequence[tuple[str, np.ndarray]], labels: Sequence[str], look: Look) -> bytes:
    """Draw the same items in the map of each embedding.

    Parameters
    ----------
    panels : sequence of (name, places of shape (n, 2))
    labels : sequence of length n
    """
    rows = math.ceil(len(panels) / 5)
    columns = math.ceil(len(panels) / rows)
    genres = [genre for genre in look.genres if genre in labels]
    figure = _figure(rows * (WIDTH / columns + 0.25) + 0.3 + 0.25 * math.ceil(len(genres) / 8))
    size = float(np.clip(2600 / max(len(labels), 1), 5, 30))
    figure.subplots(rows, columns, squeeze=False)
    for panel, (name, xy) in zip(figure.axes, panels, strict=False):
        _sheet(panel)
        panel.set_box_aspect(1)
        _title(panel, name)
        _dots(panel, xy, labels, look, size)
        panel.margins(0.06)
    for panel in figure.axes[len(panels) :]:
        panel.set_visible(False)
    _legend(figure, look, genres)
    return _png(figure)


def between(
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]], labels: Sequence[str], triple: tuple[str, str, str], look: Look
) -> bytes:
    """Draw songs of three genres along the line from A to B, and by t-SNE; one row for each embedding.

    Parameters
    ----------
    rows : sequence of (name, vectors of shape (n, d), places of shape (n, 2))
    """
    figure = _figure(3.9 * len(rows) + 0.4)
    panels = figure.subplots(len(rows), 2, squeeze=False, width_ratios=(1.5, 1))
    known = np.array(labels)
    for (left, right), (name, vectors, xy) in zip(panels, rows, strict=True):
        flat, centers = along_the_line(vectors, known, triple)
        _plain(left)
        _dots(left, flat, labels, look, 26, alpha=0.75)
        for genre, center in zip(triple, centers, strict=True):
            left.scatter(*center, s=190, edgecolors=INK, linewidths=1.6, zorder=4, **look.of(genre))
        left.plot(*centers[:2].T, color=INK, linewidth=1, linestyle=":", zorder=3)
        left.set_xticks([0, 1], [f"{short(genre, 20)} ({i})" for i, genre in enumerate(triple[:2])], family=family())
        for tick in left.get_xticklabels():
            tick.set_parse_math(False)
        left.set_yticks([])
        left.set_ylabel("the greatest spread across", fontsize=8, color=FAINT)
        _title(left, f"{name}: along the line between the centres")
        _sheet(right)
        _dots(right, xy, labels, look, 26)
        right.margins(0.06)
        _title(right, "t-SNE of the three")
    _legend(figure, look, triple)
    return _png(figure)


def along_the_line(
    vectors: np.ndarray, labels: np.ndarray, triple: tuple[str, str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute coordinates of songs (n, 2) and of the three centres (3, 2).

    The first coordinate is the position on the line from A to B, the second the direction of greatest spread across it.
    """
    wide = np.asarray(vectors, np.float64)
    centers = np.stack([wide[labels == genre].mean(axis=0) for genre in triple])
    line = centers[1] - centers[0]
    length = float(line @ line) or 1.0

    def across(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = (points - centers[0]) @ line / length
        return place, points - centers[0] - place[:, None] * line

    place, rest = across(wide)
    _, _, axes = np.linalg.svd(rest - rest.mean(axis=0), full_matrices=False)
    center_place, center_rest = across(centers)
    return np.column_stack([place, rest @ axes[0]]), np.column_stack([center_place, center_rest @ axes[0]])


def albums(panels: Sequence[tuple[str, np.ndarray]], albums: Sequence[str], years: Mapping[str, int]) -> bytes:
    """Draw the songs of an artist by album, from the oldest to the newest.

    Parameters
    ----------
    panels : sequence of (name, places of shape (n, 2))
    albums : sequence of length n
    years : mapping of str to int
        The year of each album.
    """
    from matplotlib import colormaps
    from matplotlib.lines import Line2D

    order = sorted(years, key=lambda album: (years[album], album))
    # Viridis without its end: yellow is hard to see on white.
    colors = [colormaps["viridis"](0.9 * i / max(1, len(order) - 1)) for i in range(len(order))]
    figure = _figure(4.6 + 0.25 * math.ceil(len(order) / 4))
    known = np.array(albums)
    for panel, (name, xy) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _sheet(panel)
        centers = np.stack([xy[known == album].mean(axis=0) for album in order])
        panel.plot(*centers.T, color=GREY, linewidth=1.2, zorder=1)
        for album, color, center in zip(order, colors, centers, strict=True):
            panel.scatter(*xy[known == album].T, s=42, color=[color], linewidths=0, alpha=0.9, zorder=2)
            panel.scatter(*center, s=150, marker="X", color=[color], edgecolors=PAPER, linewidths=1.2, zorder=3)
            panel.annotate(
                str(years[album]), center, xytext=(7, 6), textcoords="offset points", fontsize=9, color=INK, zorder=4
            )
        panel.margins(0.12)
        _title(panel, name)
    handles = [Line2D([], [], linestyle="", marker="o", markersize=7, color=color) for color in colors]
    _legend_below(figure, handles, [f"{years[album]}  {short(album, 30)}" for album in order], columns=4)
    return _png(figure)


def spectrograms(rows: Sequence[tuple[str, Sequence[tuple[str, np.ndarray]]]]) -> bytes:
    """Draw rows of spectrograms in decibels, each row with its own scale of colours.

    Parameters
    ----------
    rows : sequence of (name, pictures), each picture a title and an array of shape (bins, frames)
    """
    columns = max(len(pictures) for _, pictures in rows)
    figure = _figure(len(rows) * (0.62 * WIDTH / columns + 0.42) + 0.35)
    panels = figure.subplots(len(rows), columns, squeeze=False)
    extent = (0, SECONDS, 0, DECIBELS.rate / 2000)
    for last, line, (name, pictures) in zip([*[False] * (len(rows) - 1), True], panels, rows, strict=True):
        low, high = np.quantile(np.stack([picture for _, picture in pictures]), [0.02, 0.998])
        for panel, (title, picture) in zip(line, pictures, strict=False):
            panel.imshow(
                picture,
                origin="lower",
                aspect="auto",
                extent=extent,
                cmap="magma",
                vmin=low,
                vmax=max(high, low + 1e-3),
                interpolation="nearest",
            )
            panel.tick_params(colors=FAINT, labelsize=7, length=2)
            _title(panel, title, fontsize=8)
            for spine in panel.spines.values():
                spine.set_visible(False)
            if panel is not line[0]:
                panel.set_yticks([])
            panel.set_xticks([0, 2, 4] if last else [])
        for panel in line[len(pictures) :]:
            panel.set_visible(False)
        line[0].set_ylabel(f"{name}\nkHz", fontsize=8, color=INK)
    for panel in panels[-1]:
        panel.set_xlabel("seconds", fontsize=8, color=FAINT)
    return _png(figure)
