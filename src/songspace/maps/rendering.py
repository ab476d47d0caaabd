"""Maps as pictures (PNG), and as interactive pages: one HTML file that needs no other file."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from songspace.categories import OTHER, UNKNOWN, Categories, categorize, printable
from songspace.drawing import FAINT, GREY, INK, PALE, PALETTE, PAPER, headed_figure, sheet, short, writer, written
from songspace.library.names import artist_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Color = Literal["genre", "artist", "year", "tags"]
COLORS: tuple[Color, ...] = ("genre", "artist", "year", "tags")

DPI = 150
MAP, LEGEND = (0.025, 0.035, 0.755, 0.845), (0.795, 0.035, 0.185, 0.845)
"""Left, bottom, width and height, as shares of the figure."""

RAMP = (
    "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725",
)  # fmt: skip
"""Viridis without its darkest fifth, which is invisible on a dark page."""


def span(years: np.ndarray) -> tuple[float, float]:
    """Return the first and last year of the scale, without outliers, which are mostly wrong tags.

    An outlier is three interquartile ranges (Tukey's outer fences), and at least sixty years, away from the others.

    Examples
    --------
    >>> span(np.array([1970, 1985, 2003, 2010, 9999]))
    (1970.0, 2010.0)
    """
    low, high = np.quantile(years, (0.25, 0.75))
    far = 3 * max(high - low, 20)
    inside = years[(years >= low - far) & (years <= high + far)]
    return float(inside.min()), float(max(inside.max(), inside.min() + 1))


def check(xy: np.ndarray, songs: Sequence[Any], color: str) -> np.ndarray:
    """Return the places as float64, checked to be one for each song.

    Raises
    ------
    ValueError
        If they are not, or there is no such colouring.
    """
    xy = np.asarray(xy, dtype=np.float64)
    if xy.shape != (len(songs), 2):
        raise ValueError(f"xy must have shape ({len(songs)}, 2), one place for each song, got {xy.shape}")
    if not np.isfinite(xy).all():
        raise ValueError("xy must be finite, but some places are NaN or infinite")
    if color not in COLORS:
        raise ValueError(f"color must be one of {', '.join(COLORS)}, got {color!r}")
    return xy


def values_of(songs: Sequence[Any], color: str) -> list[str | None]:
    """Return the genre or the artist ("Various Artists" is None) or a tag of each song.

    The tag is the first of its tags that is among the most frequent ones, because a map has few colours.
    """
    if color == "tags":
        each = [getattr(song, "words", ()) for song in songs]
        counts = Counter(word for words in each for word in words)
        often = {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: len(PALETTE)]}
        return [next((word for word in words if word in often), next(iter(words), None)) for words in each]
    values = [getattr(song, color) for song in songs]
    return values if color != "artist" else [value if artist_of(value) else None for value in values]


def note(method: str) -> str:
    """Return an explanation of a map."""
    if method == "pca":
        return "PCA: the two directions in which these songs differ most."
    return "t-SNE: songs that sound alike lie together. Axes, and how far apart distant groups are, mean nothing."


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
        Path of the picture, which is written atomically.
    xy : array of shape (n, 2)
        Places from :func:`songspace.maps.layout`.
    songs : sequence of n songs
        Objects with ``genre``, ``artist`` and ``year``, each of which may be None.
    color : {"genre", "artist", "year", "tags"}
        Meaning of the colours. The twelve most frequent genres or artists have different ones; years are a scale.
    title : str
        The heading.
    method : {"tsne", "pca"}
        Method that the note below the heading explains.

    Raises
    ------
    SongspaceError
        If the picture cannot be written.
    ValueError
        If there is not one place for each song, or no such colouring.
    """
    xy = check(xy, songs, color)
    figure, _ = headed_figure(12, 8, printable(title) or f"{len(songs)} songs", note(method))
    axes = figure.add_axes(MAP)
    sheet(axes, xy, air=0.04)
    size = float(np.clip(9000 / max(len(songs), 1), 5, 90))
    with warnings.catch_warnings(), written(path) as beside:
        warnings.filterwarnings("ignore", message="Glyph")  # letters without a font are drawn as boxes
        if color == "year":
            _by_year(figure, axes, xy, [song.year for song in songs], size)
        else:
            categories = categorize(values_of(songs, color), most=len(PALETTE))
            _by_category(figure, axes, xy, categories, color, size)
            _name_regions(figure, axes, xy, categories, size)
        figure.savefig(beside, format="png", dpi=DPI)


def _dots(axes: Axes, xy: np.ndarray, colors: Any, size: float, **more: Any) -> Any:
    edge = 0.5 if size > 20 else 0.2
    return axes.scatter(xy[:, 0], xy[:, 1], c=colors, s=size, linewidths=edge, edgecolors=PAPER, **more)


def _by_category(figure: Figure, axes: Axes, xy: np.ndarray, categories: Categories, color: str, size: float) -> None:
    colors = {code: PALETTE[code] for code in range(len(categories.names))} | {OTHER: GREY, UNKNOWN: PALE}
    for code in (UNKNOWN, OTHER):
        _dots(axes, xy[categories.codes == code], colors[code], size)
    named = np.flatnonzero(categories.codes >= 0)
    # In random order, so that no category covers all others.
    named = np.random.default_rng(0).permutation(named)
    _dots(axes, xy[named], [colors[code] for code in categories.codes[named]], size)

    rows = list(zip(range(len(categories.names)), categories.names, strict=True))
    rows += [(code, name) for code, name in ((OTHER, "other"), (UNKNOWN, "unknown")) if categories.count(code)]
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
        write(
            0.98, y, f"{categories.count(code):,}", axes=legend, size=9.5, va="center_baseline", ha="right", color=FAINT
        )


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


def _name_regions(figure: Figure, axes: Axes, xy: np.ndarray, categories: Categories, size: float) -> None:
    """Write the names of large categories at their places, the largest first, beside the songs if there is room.

    Several positions around the middle of a category are tried. The one that covers the fewest songs is taken, unless
    it overlaps another name.
    """
    from matplotlib.patheffects import withStroke

    write = writer(figure)
    figure.canvas.draw()
    frame = axes.get_window_extent()
    dots, radius = axes.transData.transform(xy), DPI / 72 * np.sqrt(size / np.pi)
    taken: list[Any] = []
    for code, (name, count) in enumerate(zip(categories.names, categories.counts, strict=True)):
        if count < max(3, 0.02 * len(xy)):
            continue
        text = write(0, 0, short(name, 28), axes=axes, size=11, weight="bold", ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=3.5, foreground=PAPER, alpha=0.85)])
        extent = text.get_window_extent()
        center = axes.transData.transform(middle(xy[categories.codes == code]))
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
    """Return the point of a region that is nearest to its median: it is a song, even if the region has a hole."""
    return np.asarray(xy[np.square(xy - np.median(xy, axis=0)).sum(axis=1).argmin()])


def draw_html(
    path: str | os.PathLike[str],
    xy: np.ndarray,
    songs: Sequence[Any],
    *,
    color: Color = "genre",
    title: str = "",
    method: str = "tsne",
) -> None:
    """Write a map as one HTML file that works offline.

    It shows title, artist, album, year and genre of the song under the pointer, changes colours between genre, artist
    and year, filters by the legend, finds songs by words, and moves by mouse, fingers and keys. Its content security
    policy forbids all requests, and all scripts except its own.

    Parameters
    ----------
    path : path
        Path of the page, which is written atomically.
    xy : array of shape (n, 2)
        Places from :func:`songspace.maps.layout`.
    songs : sequence of n songs
        Objects with ``title``, ``artist``, ``album``, ``genre``, ``year``, each of which may be None, and ``name``. The
        page contains no paths, so that it can be shown to others.
    color : {"genre", "artist", "year", "tags"}
        Meaning of the colours when the page opens.
    title : str
        The heading.
    method : {"tsne", "pca"}
        Method that the note below the heading explains.

    Raises
    ------
    SongspaceError
        If the page cannot be written.
    ValueError
        If there is not one place for each song, or no such colouring.
    """
    xy = check(xy, songs, color)
    template, style, *scripts = (
        (files("songspace.maps") / name).read_text(encoding="utf-8")
        for name in ("page.html", "page.css", "page-map.js", "page-controls.js")
    )
    script = "\n".join(scripts)
    policy = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:"
    page = Template(template).substitute(
        policy=f"{policy}; style-src {_hash(style)}; script-src {_hash(script)}",
        title=html.escape(printable(title) or f"{len(songs)} songs"),
        note=html.escape(note(method)),
        style=style,
        script=script,
        data=_json(_data(xy, songs, color)),
    )
    with written(path) as beside:
        beside.write_text(page, encoding="utf-8", newline="\n")


def _data(xy: np.ndarray, songs: Sequence[Any], color: str) -> dict[str, Any]:
    places, (width, height) = _unit(xy)
    years = [None if song.year is None else int(song.year) for song in songs]
    known = np.array([year for year in years if year is not None], dtype=float)
    return {
        "color": color,
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "width": width,
        "height": height,
        "songs": [
            [
                printable(song.title) or printable(song.name),
                *(printable(value) or None for value in (song.artist, song.album, song.genre)),
            ]
            for song in songs
        ],
        "year": years,
        "span": [round(year) for year in span(known)] if len(known) else [0, 1],
        "genre": _grouping(categorize([song.genre for song in songs], most=len(PALETTE))),
        "artist": _grouping(categorize(values_of(songs, "artist"), most=len(PALETTE))),
        "tags": _grouping(categorize(values_of(songs, "tags"), most=len(PALETTE))),
        "palette": PALETTE,
        "ramp": RAMP,
    }


def _unit(xy: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Scale places to 0 to 1 on the longer side, with y downwards as on a screen; return them and their extent."""
    if not len(xy):
        return xy, (1.0, 1.0)
    low, high = xy.min(axis=0), xy.max(axis=0)
    size = max(float((high - low).max()), 1e-12)
    places = np.column_stack([xy[:, 0] - low[0], high[1] - xy[:, 1]]) / size
    extent = np.maximum((high - low) / size, 1e-3)
    return np.round(places, 5), (float(extent[0]), float(extent[1]))


def _grouping(categories: Categories) -> dict[str, Any]:
    return {"names": categories.names, "counts": categories.counts, "codes": categories.codes.tolist()}


def _json(data: dict[str, Any]) -> str:
    """Return JSON that is safe inside a script element, without tags and comments."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
