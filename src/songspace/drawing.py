"""Shared parts of all pictures: colours, text, places of labels, and files that are written atomically.

Pictures are drawn by matplotlib without its global state.
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
"""Colours of text, remarks, unnamed items, faint items, and the ground."""

PALETTE = (
    "#428ce8", "#eccf42", "#bd5007", "#4ee6fe", "#7553bc", "#90bb7e",
    "#ca77ac", "#ab3b75", "#019c69", "#fba8be", "#e69306", "#95b4fd",
)  # fmt: skip
"""Twelve colours that are distinct on white and on black, for normal and for red- or green-blind eyes.

They maximise the least distance in OKLab over normal vision, protanopia and deuteranopia.
"""

SCRIPTS = "Noto Sans CJK JP;Noto Sans CJK SC;Hiragino Sans;Yu Gothic;Microsoft YaHei;Segoe UI;Noto Sans".split(";")
"""Fonts with more scripts than that of matplotlib, used after it if they are installed."""


def blank_figure(width: float, height: float, *, dpi: int = 150, layout: Any = None) -> Figure:
    """Return an empty white figure; its size is in inches."""
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
    """Remove ticks and spines."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def family() -> list[str]:
    """Return the fonts for text; each character is written in the first font that has it."""
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
    """Compute the width and height of a text in pixels.

    Letters without a font are measured as boxes. A viewer of SVG may have a font for them, with wider broad characters.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        box = text.get_window_extent()
    broad = sum(unicodedata.east_asian_width(character) in "WF" for character in text.get_text())
    em = float(text.get_fontsize()) * text.figure.dpi / 72 if text.figure else 0.0
    return max(box.width, broad * em), box.height


def writer(figure: Figure) -> Callable[..., Text]:
    """Return a function that writes plain text, in which dollar signs do not mean formulas."""
    fonts = family()

    def write(x: float, y: float, text: str, *, axes: Axes | None = None, **looks: Any) -> Text:
        looks = {"color": INK, "family": fonts, "parse_math": False, **looks}
        return (axes or figure).text(x, y, printable(text), **looks)

    return write


RINGS = (2.0, 9.0, 20.0, 34.0, 52.0, 74.0, 100.0, 140.0)
"""Distances of a label from its mark in points; the nearest free place is taken."""

TURNS = np.deg2rad([0, 180, 90, 270, 25, 155, -25, 205, 50, 130, -50, 230, 75, 105])
"""Directions in the order that they are tried: beside the mark first, where labels read best."""


def place(axes: Axes, texts: Sequence[Text], marks: np.ndarray, radii: Sequence[float] | np.ndarray) -> int:
    """Move texts beside their marks without overlaps, in their order; thin lines lead to far ones.

    Parameters
    ----------
    axes : Axes
        Axes with final limits; labels stay inside.
    texts : sequence of n Text
        Texts of these axes.
    marks : array of shape (n or more, 2)
        The middle of the mark of each text, in data coordinates, and of other marks to keep free.
    radii : sequence of float, one for each mark
        Radii of the marks in points.

    Returns
    -------
    int
        Number of texts that are removed, because there is no free place.
    """
    scale = axes.figure.dpi / 72
    points = axes.transData.transform(np.asarray(marks, float).reshape(-1, 2))
    reach = np.asarray(radii, float) * scale
    frame = axes.get_window_extent()
    taken: list[tuple[float, float, float, float]] = []
    lost = 0
    for text, (x, y), radius in zip(texts, points[: len(texts)], reach[: len(texts)], strict=True):
        # A background instead of an outline: in SVG, outlined text would become shapes.
        text.set_bbox({"facecolor": PAPER, "alpha": 0.5, "edgecolor": "none", "pad": 0.6})
        text.set(ha="center", va="center", rotation_mode="anchor")
        half = np.array(extent(text)) / 2 + scale
        best: tuple[float, np.ndarray, float] | None = None
        for ring in RINGS:
            for preference, turn in enumerate(TURNS):
                way = np.array([np.cos(turn), np.sin(turn)])
                # The distance of the middle of a box at which the box clears the disc in this direction.
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
            if best is not None and best[0] < ring / 8 + 2:  # farther places cannot be better
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
    """Format axes as a sheet: no frame, the same scale in both directions, and a margin around the places."""
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
    """Yield a temporary path to write to; rename it to ``path`` after the block, unless it raises an exception.

    Raises
    ------
    SongspaceError
        If the file cannot be written, or ``path`` is a device, a pipe or a folder, which must not be replaced.
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
    """Write a figure as PNG or SVG atomically; equal figures give equal files.

    Text in SVG stays text: it can be searched and copied, and the viewer may have fonts that are missing here.

    Raises
    ------
    SongspaceError
        If the file has another extension, or cannot be written.
    """
    from matplotlib import rc_context

    kind = Path(path).suffix.lower()
    if kind not in PICTURES:
        raise SongspaceError(f"{os.fspath(path)}: a picture is a {' or '.join(PICTURES)} file.")
    # Without date and version of matplotlib.
    metadata = {"Software": None} if kind == ".png" else {"Date": None, "Creator": None}
    with (
        warnings.catch_warnings(),
        written(path) as beside,
        rc_context({"svg.fonttype": "none", "svg.hashsalt": "songspace"}),
    ):
        warnings.filterwarnings("ignore", message="Glyph")  # letters without a font are drawn as boxes
        figure.savefig(beside, format=kind[1:], dpi=dpi, metadata=metadata)
