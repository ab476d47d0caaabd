"""An artist's way through the years."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from songspace.answers.geometry.labelled import Labelled
from songspace.answers.geometry.years import find_years, years_facts
from songspace.cli import show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songspace.geometry import Years


def answer(asked: Labelled, artist: str, *, keep: Callable[[Figure], None] | None, json: bool) -> None:
    """Draw an artist's way through the years, if there is somebody to keep the picture, and tell it."""
    from songspace.geometry import pictures

    found = find_years(asked, artist)
    if keep:
        title = f"{found.artist} through the years"
        keep(pictures.draw_years(asked.space, found, title=title, note=_drift(found)))
    if json:
        show.answer(years_facts(asked, found))
    else:
        _show(asked, found)


def _show(asked: Labelled, found: Years) -> None:
    from songspace.drawing import short

    dated = found.dated > 0
    columns = [*(["year"] if dated else []), found.kind, "songs", *(["moved", "farther than"] if dated else [])]
    rows = []
    for station in found.stations:
        cells: list[object] = [station.year or "?"] if dated else []
        cells += [short(station.name, 40), len(station.rows)]
        if dated:
            cells.append("" if station.moved is None else f"{station.moved:.2f}")
            cells.append("" if station.farther_than is None else f"{station.farther_than:.0%}")
        near = ", ".join(f"{short(name, 28)} {distance:.2f}" for name, distance in station.nearest[:2])
        rows.append([*cells, near])
    if found.kind == "year":
        columns, rows = columns[1:], [row[1:] for row in rows]
    at = columns.index("songs")
    show.table([*columns, f"nearest {asked.kind.value} of others"], rows, right=range(at, len(columns)))
    yardstick = found.of_one_artist
    measure = "Distances: the mean between the songs of both."
    if dated and len(yardstick):
        measure += (
            f" Two albums of one artist lie {np.median(yardstick):.2f} apart (median of {len(yardstick):,} pairs in "
            "the library; “farther than”: the share of them that lie nearer)"
        )
        measure += "." if math.isnan(found.of_others) else f", two songs by different artists {found.of_others:.2f}."
    show.say(measure)
    show.say(_drift(found))
    if found.left_out:
        show.say(f"Left out, because they say no {found.kind}: {found.left_out} of the artist's songs.")


def _drift(found: Years) -> str:
    """What may be said of an artist's drift, in a sentence."""
    albums = f"{found.kind}s"
    if not found.dated:
        return f"No song says its year: the {albums} come in the order of their names, and of a drift nothing is known."
    remarks = ""
    if len(found.stations) > found.dated:
        remarks += f" Without a year, and so last: {len(found.stations) - found.dated}."
    if found.drift.years < found.dated:
        remarks += f" {albums.capitalize()} of one year come by name."
    drift = found.drift
    if drift.correlation is None or drift.p is None:
        dated = f"{drift.albums} dated {found.kind if drift.albums == 1 else albums}"
        where = f" in {drift.years} different years" if 1 < drift.years < drift.albums else ""
        return f"To tell a drift from chance, {dated}{where} are too few.{remarks}"
    how = f"correlation {drift.correlation:.2f}, p = {max(drift.p, 0.0001):.2g}, {drift.albums} {albums}"
    if drift.p <= 0.05:
        return f"There is a drift: the more years lie between two {albums}, the less alike they are ({how}).{remarks}"
    return f"No drift can be told from chance: shuffled years go with the distances as well ({how}).{remarks}"
