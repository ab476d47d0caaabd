"""``songspace map`` and ``geometry``: where songs, genres, artists and albums lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from songspace.answers.geometry import (
    Kind,
    Labelled,
    find_regions,
    find_way,
    find_years,
    labelled,
    regions_answer,
    way_answer,
    years_answer,
)
from songspace.answers.view import View, opened
from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Library

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songspace.answers.geometry import Along
    from songspace.geometry import Regions, Way, Years

TABLE = 30
"""Regions in a table on the terminal."""

LISTED = 8
"""Number of regions whose central and border songs are named."""

TREE = 60
"""Regions in a tree on the terminal."""


class Method(StrEnum):
    """Layouts of a map."""

    tsne = "tsne"
    pca = "pca"


class Color(StrEnum):
    """Colourings of a map."""

    genre = "genre"
    artist = "artist"
    year = "year"
    tags = "tags"


def map_(
    output: Annotated[Path, typer.Option("-o", "--output", help=".png or .html")],
    method: Annotated[Method, typer.Option(help="Layout of the map.")] = Method.tsne,
    color: Annotated[Color, typer.Option(help="Colours of the songs.")] = Color.genre,
    seed: Annotated[int, typer.Option(min=0, help="Seed of t-SNE.")] = 0,
    home: HomeOption = None,
) -> None:
    """Draw a map of the whole library: a picture, or a page that works offline."""
    from songspace import maps

    draw = {".png": maps.draw_png, ".html": maps.draw_html}.get(output.suffix.lower())
    if draw is None:
        raise typer.BadParameter(f"{output}: a map is a .png or an .html file.")
    library = Library(home)
    space, songs = opened(library)
    points = maps.layout(space.vectors, method=method.value, seed=seed)
    title = f"{len(songs)} songs in the {library.encoder} space"
    draw(output, points, songs, color=color.value, title=title, method=method.value)
    show.say(f"Wrote {output}.")


def geometry(
    kind: Annotated[Kind, typer.Argument(help="genres, artists or albums")],
    of: Annotated[
        str | None,
        typer.Option(metavar="ARTIST", help="Follow an artist through the years, with what is near each album."),
    ] = None,
    between: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Show what lies between two of them.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A picture: .png or .svg")] = None,
    tree: Annotated[bool, typer.Option("--tree", help="Draw the tree and all distances.")] = False,
    most: Annotated[
        int, typer.Option(min=2, help="Use only the largest genres, artists or albums, at most this many.")
    ] = 500,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show where genres, artists and albums lie: their spread, their neighbours, what lies between two."""
    from songspace.drawing import PICTURES

    if of is not None and between:
        raise typer.BadParameter("--of and --between are two questions: ask one at a time.")
    if output is not None and output.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"{output}: a picture is a {' or '.join(PICTURES)} file.")
    if tree and (output is None or of is not None or between):
        raise typer.BadParameter("--tree is about the picture of all regions: give -o FILE with it.")
    asked = labelled(View(Library(home)), kind, needed=of is None)
    # The picture is kept first: it is there even if the reader of the answer stops early.
    keep = partial(_keep, output) if output is not None else None
    if of is not None:
        _years(asked, of, keep=keep, json=json)
    elif between:
        _way(asked, *between, most=most, keep=keep, json=json)
    else:
        _regions(asked, most=most, keep=keep, tree=tree, json=json)


def _keep(output: Path, figure: Figure) -> None:
    from songspace.drawing import save

    save(figure, output)
    show.say(f"Wrote {output}.")


def _regions(asked: Labelled, *, most: int, keep: Callable[[Figure], None] | None, tree: bool, json: bool) -> None:
    """Draw all regions or their tree, if a picture is wanted, and print where they lie."""
    from songspace.geometry import pictures

    described = find_regions(asked, most=most)
    if keep:
        k = len(described.regions)
        title = f"{k:,} {asked.kind.value if k > 1 else asked.kind.one} of {len(asked.space):,} songs"
        drawing = pictures.draw_tree if tree else pictures.draw_regions
        keep(drawing(described, title=title, what=asked.kind.value))
    if json:
        show.answer(regions_answer(asked, described))
    else:
        _show_regions(asked, described)


def _show_regions(asked: Labelled, described: Regions) -> None:
    from songspace.drawing import short
    from songspace.geometry.tree import drawn, linkage

    kind = asked.kind.value
    sure = {frozenset(pair.names): pair.overlap.scatter.error is not None for pair in described.overlaps}
    shown = described.regions[:TABLE]
    by_artists = asked.units is not None
    rows = []
    for region in shown:
        near = ", ".join(f"{short(name, 24)} {distance:.2f}" for name, distance in region.nearest[:2])
        # Those that are sure come first.
        overlaps = [(name, share, sure.get(frozenset((name, region.name)), False)) for name, share in region.overlaps]
        over = ", ".join(
            f"{short(name, 24)} {share:.2f}{'' if known else '?'}"
            for name, share, known in sorted(overlaps, key=lambda overlap: not overlap[2])[:2]
        )
        more = f", +{len(region.overlaps) - 2}" if len(region.overlaps) > 2 else ""
        cells = [short(region.name, 40), region.size, *([region.units] if by_artists else [])]
        rows.append([*cells, f"{region.spread:.2f}", _share(region.at_home.as_dict()), near, over + more])
    columns = [kind, "songs", *(["artists"] if by_artists else []), "spread", "at home", "nearest", "overlaps with"]
    show.table(columns, rows, right=range(1, len(columns) - 2))
    if len(described.regions) > 1:
        part = described.distances[:TREE, :TREE]
        for line in drawn(linkage(part), [short(region.name, 32) for region in described.regions[:TREE]], width=56):
            print(show.clean(f" {line}"))
    if len(shown) > 1:
        show.table(
            (kind, "at the heart", "at the border", "towards"),
            [
                (
                    short(region.name, 24),
                    short(asked.songs[region.heart[0]].name, 44),
                    short(asked.songs[region.border[0].row].name, 44) if region.border else "",
                    short(region.border[0].towards, 24) if region.border else "",
                )
                for region in shown[:LISTED]
            ],
        )
    for sentence in _remarks_on_regions(asked, described, len(shown)):
        show.say(sentence)


def _remarks_on_regions(asked: Labelled, described: Regions, shown: int) -> list[str]:
    from songspace.geometry.groups import FEWEST

    kind, k = asked.kind.value, len(described.regions)
    whole = _share(described.at_home.as_dict())
    told = [
        f"Spread: the mean distance of two songs ({described.typical:.2f} in all of the library). Nearest: energy "
        "distance, 0 where the songs lie in the same places."
    ]
    if k > 1:
        kin = "the artist" if asked.units is not None else "the song"
        told.append(
            f"At home: songs nearer to the centre of their own {asked.kind.one} than to any other, {kin} left out; "
            f"{whole} on average, by chance {1 / k:.0%}. Overlap: 0 where two centres tell all songs of both apart, 1 "
            f"where none; ?: of one there are fewer than ten {asked.unit}."
        )
    if described.groups.beyond or k > shown:
        more = f" (--json tells of the largest {k})" if k > shown else ""
        told.append(f"Smaller {kind} that are not shown: {k - shown + described.groups.beyond:,}{more}.")
    if described.groups.small:
        names = ", ".join(f"{name} ({songs})" for name, songs in described.groups.small[:4])
        more = f" and {len(described.groups.small) - 4:,} more" if len(described.groups.small) > 4 else ""
        told.append(f"With fewer than {FEWEST} songs there is no centre: {names}{more}.")
    if described.groups.unlabelled:
        told.append(
            f"Songs without {'a' if kind == 'genres' else 'an'} {asked.kind.one}: {described.groups.unlabelled:,}."
        )
    if asked.several:
        told.append(f"Tags that name several genres, of which the first counts: {asked.several:,}.")
    return told


def _way(asked: Labelled, a: str, b: str, *, most: int, keep: Callable[[Figure], None] | None, json: bool) -> None:
    """Draw what lies between two regions, if a picture is wanted, and print it."""
    from songspace.geometry.way_pictures import draw_way

    kind = asked.kind
    way, along = find_way(asked, a, b, most=most)
    if keep:
        keep(draw_way(way, title=f"{way.a} + {way.b} ?=", what=kind.value, unit=asked.unit))
    if json:
        show.answer(way_answer(way, along))
    else:
        _show_way(asked, way, along)


def _show_way(asked: Labelled, way: Way, along: Along) -> None:
    from songspace.drawing import short

    kind = asked.kind.value
    inside = [one for one in way.between if 0 < one.position.value < 1]
    if inside:
        show.table(
            (kind, "songs", "position", "off the line", "between?"),
            [
                (
                    short(one.name, 40),
                    one.size,
                    _number(one.position.as_dict()),
                    _number(one.offset.as_dict()),
                    {"unknown": "too few to tell"}.get(one.verdict, one.verdict),
                )
                for one in inside[:TABLE]
            ],
            right=(1, 2, 3),
        )
    if along:
        show.table(
            ("position", "off the line", "songs along the line", "genre"),
            [
                (f"{position:.2f}", f"{offset:.2f}", short(song.name, 60), song.genre or "")
                for song, position, offset in along
            ],
            right=(0, 1),
        )
    show.say(
        f"From the centre of {way.a} (0) to that of {way.b} (1), {way.length:.2f} apart; off the line as a share "
        f"of that, with 95 % intervals over {asked.unit}. Between: surely on the way, nearer to the "
        f"line than most other {kind}, and nearer to both ends than these are to each other."
    )
    beyond = len(way.between) - len(inside)
    if beyond or not inside:
        show.say(
            f"{beyond or 'No'} other {kind} lie{'s' if beyond == 1 else ''} beyond the ends.".replace("No other", "No")
        )


def _years(asked: Labelled, artist: str, *, keep: Callable[[Figure], None] | None, json: bool) -> None:
    """Draw an artist's way through the years, if a picture is wanted, and print it."""
    from songspace.geometry.way_pictures import draw_years

    years = find_years(asked, artist)
    if keep:
        title = f"{years.artist} through the years"
        keep(draw_years(asked.space, years, title=title, note=_drift(years)))
    if json:
        show.answer(years_answer(asked, years))
    else:
        _show_years(asked, years)


def _show_years(asked: Labelled, years: Years) -> None:
    from songspace.drawing import short

    dated = years.dated > 0
    columns = [*(["year"] if dated else []), years.kind, "songs", *(["moved", "farther than"] if dated else [])]
    rows = []
    for station in years.stations:
        cells: list[object] = [station.year or "?"] if dated else []
        cells += [short(station.name, 40), len(station.rows)]
        if dated:
            cells.append("" if station.moved is None else f"{station.moved:.2f}")
            cells.append("" if station.farther_than is None else f"{station.farther_than:.0%}")
        near = ", ".join(f"{short(name, 28)} {distance:.2f}" for name, distance in station.nearest[:2])
        rows.append([*cells, near])
    if years.kind == "year":
        columns, rows = columns[1:], [row[1:] for row in rows]
    at = columns.index("songs")
    show.table([*columns, f"nearest {asked.kind.value} of others"], rows, right=range(at, len(columns)))
    yardstick = years.of_one_artist
    measure = "Distances: the mean between the songs of both."
    if dated and len(yardstick):
        measure += (
            f" Two albums of one artist lie {np.median(yardstick):.2f} apart (median of {len(yardstick):,} pairs in "
            "the library; “farther than”: the share of them that lie nearer)"
        )
        measure += "." if math.isnan(years.of_others) else f", two songs by different artists {years.of_others:.2f}."
    show.say(measure)
    show.say(_drift(years))
    if years.left_out:
        show.say(f"Left out, because they say no {years.kind}: {years.left_out} of the artist's songs.")


def _drift(years: Years) -> str:
    """Return what may be said of an artist's drift, in a sentence."""
    albums = f"{years.kind}s"
    if not years.dated:
        return f"No song says its year: the {albums} come in the order of their names, and of a drift nothing is known."
    remarks = ""
    if len(years.stations) > years.dated:
        remarks += f" Without a year, and so last: {len(years.stations) - years.dated}."
    if years.drift.years < years.dated:
        remarks += f" {albums.capitalize()} of one year come by name."
    drift = years.drift
    if drift.correlation is None or drift.p is None:
        dated = f"{drift.albums} dated {years.kind if drift.albums == 1 else albums}"
        where = f" in {drift.years} different years" if 1 < drift.years < drift.albums else ""
        return f"To tell a drift from chance, {dated}{where} are too few.{remarks}"
    how = f"correlation {drift.correlation:.2f}, p = {max(drift.p, 0.0001):.2g}, {drift.albums} {albums}"
    if drift.p <= 0.05:
        return f"There is a drift: the more years lie between two {albums}, the less alike they are ({how}).{remarks}"
    return f"No drift can be told from chance: shuffled years go with the distances as well ({how}).{remarks}"


def _share(score: dict[str, Any]) -> str:
    """Return a share with its interval, as "41% (32-50%)"."""
    bounds = score["interval"]
    return f"{score['value']:.0%}" + (f" ({bounds[0]:.0%}-{bounds[1]:.0%})".replace("%-", "-") if bounds else "")


def _number(figure: dict[str, Any]) -> str:
    """Return a number with its interval, as "0.71 (0.61 to 0.81)"."""
    bounds = figure["interval"]
    return f"{figure['value']:.2f}" + (f" ({bounds[0]:.2f} to {bounds[1]:.2f})" if bounds else "")
