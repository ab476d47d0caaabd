"""Shared parts of all pictures: colours, text, places for labels, and files that are written whole or not at all.

Everything is drawn by matplotlib's objects, without its global state.
"""

from __future__ import annotations

import os
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.categories import printable
from songspace.errors import SongspaceError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

INK, FAINT, GREY, PALE, PAPER = "#20242b", "#6b7280", "#9aa1ac", "#cfd4da", "#f6f7f9"
"""Text, remarks, what is not spoken of, what is hardly to be seen, and what all of it lies on."""

PALETTE = (
    "#428ce8", "#eccf42", "#bd5007", "#4ee6fe", "#7553bc", "#90bb7e",
    "#ca77ac", "#ab3b75", "#019c69", "#fba8be", "#e69306", "#95b4fd",
)  # fmt: skip
"""Twelve colours that stay apart on white and on black, for normal and for red- or green-blind eyes.

Found by maximising the least distance in OKLab over normal vision, protanopia and deuteranopia.
"""

SCRIPTS = "Noto Sans CJK JP;Noto Sans CJK SC;Hiragino Sans;Yu Gothic;Microsoft YaHei;Segoe UI;Noto Sans".split(";")
"""Fonts that know more scripts than matplotlib's own: used after it, if they are there."""


def blank_figure(width: float, height: float, *, dpi: int = 150, layout: Any = None) -> Figure:
    """Return an empty white figure of some inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def headed_figure(
    width: float, height: float, title: str, note: str, *, at: tuple[float, float, float] = (0.025, 0.955, 0.918)
) -> tuple[Figure, Callable[..., Text]]:
    """Return a figure with a title and a note (``at`` is their left edge and their heights), and its :func:`writer`."""
    figure = blank_figure(width, height)
    write = writer(figure)
    write(at[0], at[1], short(title, 80), size=17, weight="bold")
    write(at[0], at[2], note, size=9.5, color=FAINT)
    return figure, write


def hide_frame(axes: Axes) -> None:
    """Draw no ticks and no spines."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def family() -> list[str]:
    """Return the fonts to write in: of each character, the first font that knows it is used."""
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(font for font in SCRIPTS if font in known)]


def short(text: str, most: int) -> str:
    """Return a text on one line, cut to ``most`` characters.

    Examples
    --------
    >>> short("A night at the opera", 10)
    'A night a…'
    """
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def extent(text: Text) -> tuple[float, float]:
    """Return the width and height of a text in pixels.

    A script that no font here knows is measured as boxes; a viewer of SVG may have it, and broad characters broader.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        box = text.get_window_extent()
    broad = sum(unicodedata.east_asian_width(character) in "WF" for character in text.get_text())
    em = float(text.get_fontsize()) * text.figure.dpi / 72 if text.figure else 0.0
    return max(box.width, broad * em), box.height


def writer(figure: Figure) -> Callable[..., Text]:
    """Return a function that writes plain text: names may hold dollar signs, which are not formulas here."""
    fonts = family()

    def write(x: float, y: float, text: str, *, axes: Axes | None = None, **looks: Any) -> Text:
        looks = {"color": INK, "family": fonts, "parse_math": False, **looks}
        return (axes or figure).text(x, y, printable(text), **looks)

    return write


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
        Number of texts without a free place, which are removed.
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
    """Make a sheet of axes: no frame, one scale in both directions, and some air around the places."""
    axes.set_facecolor(PAPER)
    hide_frame(axes)
    low, high = (xy.min(axis=0), xy.max(axis=0)) if len(xy) else (np.zeros(2), np.zeros(2))
    frame = axes.get_window_extent()
    size = np.array([frame.width, frame.height])
    half = (0.5 + air) * max(float(((high - low) / size).max()), 1e-6) * size
    center = (low + high) / 2
    axes.set_xlim(center[0] - half[0], center[0] + half[0])
    axes.set_ylim(center[1] - half[1], center[1] + half[1])


PICTURES = (".png", ".svg")


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; rename it into place if all went well.

    Raises
    ------
    SongspaceError
        If the file system refuses, or a device, a pipe or a folder would be replaced: /dev/null is everybody's.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise SongspaceError(f"{os.fspath(path)} cannot be written (it is no ordinary file).")
    beside = Path(f"{os.fspath(path)}.new")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise SongspaceError(f"{os.fspath(path)} cannot be written ({error.strerror or error}).") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def save(figure: Figure, path: str | os.PathLike[str], *, dpi: int = 150) -> None:
    """Write a figure as PNG or SVG, whole or not at all; equal figures are equal files.

    Text in SVG stays text: it can be searched and copied, and a viewer has fonts for scripts that are unknown here.

    Raises
    ------
    SongspaceError
        If the file's name ends in neither, or it cannot be written.
    """
    from matplotlib import rc_context

    kind = Path(path).suffix.lower()
    if kind not in PICTURES:
        raise SongspaceError(f"{os.fspath(path)}: a picture is a {' or '.join(PICTURES)} file.")
    # No date and no version of matplotlib.
    metadata = {"Software": None} if kind == ".png" else {"Date": None, "Creator": None}
    with (
        warnings.catch_warnings(),
        written(path) as beside,
        rc_context({"svg.fonttype": "none", "svg.hashsalt": "songspace"}),
    ):
        warnings.filterwarnings("ignore", message="Glyph")  # a script that no font here knows is drawn as boxes
        figure.savefig(beside, format=kind[1:], dpi=dpi, metadata=metadata)
