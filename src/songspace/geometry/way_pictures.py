"""Ways between regions, and artists' ways through the years, as figures.

:func:`songspace.drawing.save` writes them as PNG or SVG.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.drawing import FAINT, GREY, INK, PALE, PALETTE, PAPER, extent, headed_figure, place, sheet, short
from songspace.geometry.between import Between, Way
from songspace.geometry.groups import sample
from songspace.geometry.years import Years
from songspace.space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OTHERS = 40
"""The most regions drawn beside a way; those between its ends come first."""

VERDICT_COLORS = {"yes": PALETTE[8], "unsure": PALETTE[10], "unknown": GREY, "no": PALE}
VERDICT_WORDS = {"yes": "lies between", "unsure": "may lie between", "unknown": "too few to tell", "no": "does not"}

BACKGROUND = 3000
"""The most songs of the library around an artist's way; a sample if there are more."""

STATIONS = 40
"""The most stations in a picture; the first are drawn."""


def draw_way(way: Way, *, title: str = "", what: str = "regions", unit: str = "songs", most: int = OTHERS) -> Figure:
    """Draw the way between two regions as an axis, and the other regions by their positions and offsets.

    Parameters
    ----------
    way : Way
    title : str
    what, unit : str
        Words for the regions, and for the units of the intervals: "genres", "artists".
    most : int
        The most regions that are drawn; those between the ends come first.
    """
    inside = [each for each in way.between if -0.25 < each.position.value < 1.25 and np.isfinite(each.offset.value)]
    shown = inside[:most]
    note = f"Centres against the line between two of them. Crosses: 95 % intervals over {unit}."
    figure, write = headed_figure(12, 7.2, title, note, at=(0.03, 0.945, 0.905))
    axes = figure.add_axes((0.075, 0.16, 0.9, 0.72))
    axes.set_facecolor(PAPER)
    offsets = [each.offset.value for each in shown]
    top = 1.18 * max([*offsets, 0.4])
    axes.set_xlim(-0.3, 1.3)
    axes.set_ylim(-0.08 * top, top)
    axes.plot([0, 1], [0, 0], color=INK, linewidth=1.6, zorder=2)
    axes.axvspan(0, 1, color="white", zorder=0)
    largest = max([*way.sizes, *(each.size for each in shown)])

    def radius(size: int) -> float:
        return float(max(15 * np.sqrt(size / largest), 2.5))

    ends = np.array([radius(size) for size in way.sizes])
    marks, radii, texts = [], [], []
    lines: list[tuple[float, float]] = []
    axes.scatter([0, 1], [0, 0], s=np.square(2 * ends), color=PALETTE[0], edgecolors=PAPER, zorder=4)
    for x, name in ((0.0, way.a), (1.0, way.b)):
        write(x, -0.13 * top, short(name, 30), axes=axes, size=12, weight="bold", ha="center", va="center")
    bold = {"yes", "unsure"}
    for one in sorted(shown, key=lambda each: -each.size):  # small discs above large ones
        lines += _cross(axes, one)
        at = (one.position.value, one.offset.value)
        axes.scatter(
            at[:1], at[1:], s=(2 * radius(one.size)) ** 2, color=VERDICT_COLORS[one.verdict], edgecolors=PAPER, zorder=3
        )
        marks.append(at)
        radii.append(radius(one.size))
        texts.append(
            write(0, 0, short(one.name, 30), axes=axes, size=10, zorder=5,
                  color=INK if one.verdict in bold else FAINT)
        )  # fmt: skip
    lost = place(
        axes, texts, np.array([*marks, (0.0, 0.0), (1.0, 0.0), *lines]), [*radii, *ends, *([1.0] * len(lines))]
    )
    _frame(axes)
    write(0.02, 0.52, "off the way, as a share of it", size=10, color=FAINT, rotation=90, va="center")
    left = 0.075
    for verdict in ("yes", "unsure", "unknown", "no"):
        if any(each.verdict == verdict for each in shown):
            key = figure.add_axes((left, 0.025, 0.02, 0.04))
            key.set_axis_off()
            key.scatter([0], [0], s=70, color=VERDICT_COLORS[verdict], linewidths=0)
            text = write(left + 0.022, 0.045, VERDICT_WORDS[verdict], size=9.5, va="center")
            left += 0.022 + extent(text)[0] / figure.dpi / 12 + 0.02
    rest = len(way.between) - len(shown) + way.groups.beyond
    remarks = [f"Discs: songs. {rest:,} other {what} lie farther off or beyond the ends." if rest else "Discs: songs."]
    if lost:
        remarks.append(f"Without room for a name: {lost}.")
    write(0.975, 0.045, " ".join(remarks), size=9, color=FAINT, ha="right", va="center")
    return figure


def _cross(axes: Axes, one: Between) -> list[tuple[float, float]]:
    """Draw the intervals of a region; return points on them."""
    looks: dict[str, Any] = {"color": VERDICT_COLORS[one.verdict], "linewidth": 1.4, "zorder": 2.5, "alpha": 0.8}
    x, y = one.position.value, one.offset.value
    points = []
    if one.position.interval:
        axes.plot(one.position.interval, [y, y], **looks)
        points += [(float(at), y) for at in np.linspace(*one.position.interval, 7)]
    if one.offset.interval:
        axes.plot([x, x], one.offset.interval, **looks)
        points += [(x, float(at)) for at in np.linspace(*one.offset.interval, 7)]
    return points


def _frame(axes: Axes) -> None:
    axes.set_xticks([0.25, 0.5, 0.75], ["¼", "½", "¾"])
    axes.locator_params(axis="y", nbins=6)
    axes.tick_params(colors=FAINT, labelsize=9, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def draw_years(space: Space, years: Years, *, title: str = "", note: str = "", most: int = STATIONS) -> Figure:
    """Draw an artist's stations as a path, from dark to light, over the songs of the library.

    Parameters
    ----------
    space : Space
    years : Years
    title, note : str
        The heading, and a line below it.
    most : int
        The most stations that are drawn; the first are drawn.
    """
    from matplotlib import colormaps

    stations = years.stations[:most]
    rows = [row for station in stations for row in station.rows]
    songs = space.vectors[rows].astype(np.float64)
    centers = np.stack([space.vectors[list(s.rows)].mean(axis=0, dtype=np.float64) for s in stations])
    middle, axes_of = _plane(songs, centers)
    others = np.setdiff1d(np.arange(len(space)), rows)
    others = others[sample(space.numbers[others], BACKGROUND)]
    around = (space.vectors[others] - middle) @ axes_of
    flat, path = (songs - middle) @ axes_of, (centers - middle) @ axes_of

    figure, write = headed_figure(12, 8, title or years.artist, note)
    axes = figure.add_axes((0.025, 0.06, 0.95, 0.84))
    sheet(axes, np.concatenate([flat, path]))
    axes.scatter(around[:, 0], around[:, 1], s=7, color=PALE, linewidths=0, zorder=1)
    dated = min(years.dated, len(stations))
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
        # The order of two albums of one year is unknown.
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
        write(0, 0, _named(station.name, station.year, years.kind), axes=axes, size=10, zorder=6,
              color=INK if station.year else FAINT)
        for station in stations
    ]  # fmt: skip
    steps = np.linspace(0.1, 0.9, 17)[:, None]
    along = [path[i - 1] + steps * (path[i] - path[i - 1]) for i in range(1, dated)]
    marks = np.concatenate([path, flat, *along])
    lost = place(axes, texts, marks, [*(radii + 1), *([2.0] * (len(marks) - len(path)))])
    plural = "albums" if years.kind == "album" else "years"
    remarks = [
        f"Large discs: centres of {plural}, their area the songs. Small: songs of this artist. Pale: all others."
    ]
    if len(years.stations) > most:
        remarks.append(f"Not shown: {len(years.stations) - most} more {plural}.")
    if lost:
        remarks.append(f"Without room for a name: {lost}.")
    write(0.025, 0.025, " ".join(remarks), size=9, color=FAINT, va="center")
    return figure


def _plane(songs: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of the stations, and two directions (d, 2) in which stations, and then songs, differ most."""
    middle = centers.mean(axis=0)
    # Songs have a small weight, so that there are two directions also with one or two stations.
    points = np.concatenate([centers - middle, 0.1 * (songs - middle)])
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    directions = np.zeros((songs.shape[1], 2))
    for column, axis in enumerate(axes[:2]):
        directions[:, column] = axis * np.sign(axis[np.abs(axis).argmax()])
    return middle, directions


def _named(name: str, year: int | None, kind: str) -> str:
    if kind == "year" or year is None:
        return short(name, 34)
    return f"{year}  {short(name, 30)}"
