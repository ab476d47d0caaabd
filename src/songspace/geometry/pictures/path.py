"""An artist's way through the years on a map of the artist's songs and their surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from songspace.drawing import FAINT, GREY, INK, PALE, PAPER
from songspace.drawing.labels import place, sheet
from songspace.drawing.text import short, writer
from songspace.geometry.groups import sample
from songspace.geometry.years import Years
from songspace.space import Space

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKGROUND = 3000
SHOWN = 40


def draw_years(space: Space, found: Years, *, title: str = "", note: str = "", most: int = SHOWN) -> Figure:
    """Draw an artist's stations as a path, from dark to light, over the songs of the library.

    Parameters
    ----------
    space : Space
    found : Years
    title, note : str
        The heading, and a line below it.
    most : int
        So many stations are drawn, the first.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stations = found.stations[:most]
    rows = [row for station in stations for row in station.rows]
    songs = space.vectors[rows].astype(np.float64)
    centers = np.stack([space.vectors[list(s.rows)].mean(axis=0, dtype=np.float64) for s in stations])
    middle, axes_of = _plane(songs, centers)
    others = np.setdiff1d(np.arange(len(space)), rows)
    others = others[sample(space.numbers[others], BACKGROUND)]
    around = (space.vectors[others] - middle) @ axes_of
    flat, path = (songs - middle) @ axes_of, (centers - middle) @ axes_of

    figure = Figure(figsize=(12, 8), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    write = writer(figure)
    write(0.025, 0.955, short(title or found.artist, 80), size=17, weight="bold")
    write(0.025, 0.918, note, size=9.5, color=FAINT)
    axes = figure.add_axes((0.025, 0.06, 0.95, 0.84))
    sheet(axes, np.concatenate([flat, path]))
    axes.scatter(around[:, 0], around[:, 1], s=7, color=PALE, linewidths=0, zorder=1)
    dated = min(found.dated, len(stations))
    shades = [colormaps["viridis"](0.88 * i / max(1, dated - 1)) for i in range(dated)]
    colors = [*shades, *([GREY] * (len(stations) - dated))]
    end = 0
    for station, color in zip(stations, colors, strict=True):
        part = flat[end : end + len(station.rows)]
        end += len(station.rows)
        axes.scatter(
            part[:, 0], part[:, 1], s=26, color=[color], linewidths=0.4, edgecolors=PAPER, alpha=0.85, zorder=3
        )
    sizes = np.array([len(station.rows) for station in stations], float)
    radii = np.maximum(13 * np.sqrt(sizes / sizes.max()), 5)
    for number in range(1, dated):
        # Which of two albums of one year came first is not known.
        known = stations[number - 1].year != stations[number].year
        looks = {"arrowstyle": "-|>", "linewidth": 1.8} if known else {"arrowstyle": "-", "linestyle": (0, (1, 2))}
        axes.annotate(
            "",
            path[number],
            path[number - 1],
            arrowprops={"color": colors[number], "shrinkA": radii[number - 1], "shrinkB": radii[number] + 1, **looks},
            zorder=4,
        )
    for center, radius, color in zip(path, radii, colors, strict=True):
        axes.scatter(
            center[:1], center[1:], s=(2 * radius) ** 2, color=[color], edgecolors="white", linewidths=1.2, zorder=5
        )
    texts = [
        write(0, 0, _named(station.name, station.year, found.kind), axes=axes, size=10, zorder=6,
              color=INK if station.year else FAINT)
        for station in stations
    ]  # fmt: skip
    steps = np.linspace(0.1, 0.9, 17)[:, None]
    along = [path[i - 1] + steps * (path[i] - path[i - 1]) for i in range(1, dated)]
    marks = np.concatenate([path, flat, *along])
    lost = place(axes, texts, marks, [*(radii + 1), *([2.0] * (len(marks) - len(path)))])
    plural = "albums" if found.kind == "album" else "years"
    told = [f"Large discs: centres of {plural}, their area the songs. Small: songs of this artist. Pale: all others."]
    if len(found.stations) > most:
        told.append(f"Not shown: {len(found.stations) - most} more {plural}.")
    if lost:
        told.append(f"Without room for a name: {lost}.")
    write(0.025, 0.025, " ".join(told), size=9, color=FAINT, va="center")
    return figure


def _plane(songs: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of the stations, and the two directions (d, 2) in which they, and then the songs, differ most."""
    middle = centers.mean(axis=0)
    # The songs a little, so that there are two directions however few the stations are.
    points = np.concatenate([centers - middle, 0.1 * (songs - middle)])
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    found = np.zeros((songs.shape[1], 2))
    for column, axis in enumerate(axes[:2]):
        found[:, column] = axis * np.sign(axis[np.abs(axis).argmax()])
    return middle, found


def _named(name: str, year: int | None, kind: str) -> str:
    if kind == "year" or year is None:
        return short(name, 34)
    return f"{year}  {short(name, 30)}"
