"""What lies between two regions: along the way, and off it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.drawing import FAINT, GREY, INK, PALE, PALETTE, PAPER
from songspace.drawing.labels import place
from songspace.drawing.text import extent, short, writer
from songspace.geometry.between import Between, Way

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 40
COLORS = {"yes": PALETTE[8], "unsure": PALETTE[10], "unknown": GREY, "no": PALE}
WORDS = {
    "yes": "lies between",
    "unsure": "may lie between",
    "unknown": "too few to tell",
    "no": "does not",
}


def draw_way(found: Way, *, title: str = "", what: str = "regions", unit: str = "songs", most: int = SHOWN) -> Figure:
    """Draw the way from one region to another as an axis, and all others by their place along it and their way off it.

    Parameters
    ----------
    found : Way
    title : str
    what, unit : str
        What the regions are, and what intervals are drawn over: "genres", "artists".
    most : int
        So many are drawn: those that lie between first.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    inside = [one for one in found.between if -0.25 < one.position.value < 1.25 and np.isfinite(one.offset.value)]
    shown = inside[:most]
    figure = Figure(figsize=(12, 7.2), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    write = writer(figure)
    write(0.03, 0.945, short(title, 80), size=17, weight="bold")
    note = f"Centres against the line between two of them. Crosses: 95 % intervals over {unit}."
    write(0.03, 0.905, note, size=9.5, color=FAINT)
    axes = figure.add_axes((0.075, 0.16, 0.9, 0.72))
    axes.set_facecolor(PAPER)
    offsets = [one.offset.value for one in shown]
    top = 1.18 * max([*offsets, 0.4])
    axes.set_xlim(-0.3, 1.3)
    axes.set_ylim(-0.08 * top, top)
    axes.plot([0, 1], [0, 0], color=INK, linewidth=1.6, zorder=2)
    axes.axvspan(0, 1, color="white", zorder=0)
    largest = max([*found.sizes, *(one.size for one in shown)])

    def radius(size: int) -> float:
        return float(max(15 * np.sqrt(size / largest), 2.5))

    ends = np.array([radius(size) for size in found.sizes])
    marks, radii, texts = [], [], []
    lines: list[tuple[float, float]] = []
    axes.scatter([0, 1], [0, 0], s=np.square(2 * ends), color=PALETTE[0], edgecolors=PAPER, zorder=4)
    for x, name in ((0.0, found.a), (1.0, found.b)):
        write(x, -0.13 * top, short(name, 30), axes=axes, size=12, weight="bold", ha="center", va="center")
    bold = {"yes", "unsure"}
    for one in sorted(shown, key=lambda one: -one.size):  # the small ones upon the large ones
        lines += _cross(axes, one)
        at = (one.position.value, one.offset.value)
        axes.scatter(
            at[:1], at[1:], s=(2 * radius(one.size)) ** 2, color=COLORS[one.verdict], edgecolors=PAPER, zorder=3
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
        if any(one.verdict == verdict for one in shown):
            key = figure.add_axes((left, 0.025, 0.02, 0.04))
            key.set_axis_off()
            key.scatter([0], [0], s=70, color=COLORS[verdict], linewidths=0)
            text = write(left + 0.022, 0.045, WORDS[verdict], size=9.5, va="center")
            left += 0.022 + extent(text)[0] / figure.dpi / 12 + 0.02
    rest = len(found.between) - len(shown) + found.groups.beyond
    told = [f"Discs: songs. {rest:,} other {what} lie farther off or beyond the ends." if rest else "Discs: songs."]
    if lost:
        told.append(f"Without room for a name: {lost}.")
    write(0.975, 0.045, " ".join(told), size=9, color=FAINT, ha="right", va="center")
    return figure


def _cross(axes: Axes, one: Between) -> list[tuple[float, float]]:
    """Draw the intervals of a region, and answer some points on them."""
    looks: dict[str, Any] = {"color": COLORS[one.verdict], "linewidth": 1.4, "zorder": 2.5, "alpha": 0.8}
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
