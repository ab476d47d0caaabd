"""``songspace geometry``: where genres, artists and albums lie, what is between, an artist's way through the years.

With ``--json``, one document.

Regions: ``of``, ``songs`` (with a label), ``unlabelled``, ``several`` (tags that name several genres, of which the
first counts), ``typical`` (mean distance of two songs of the library), ``at_home`` (``value``, ``chance``,
``interval``), ``regions`` (the largest first: ``name``, ``songs``, ``units``, ``spread``, ``at_home``, ``nearest`` with
energy ``distance``, ``overlaps``, ``heart`` and ``border``, both songs), ``overlaps`` of pairs (``names``, ``overlap``,
``distance``), ``tree`` (``order``: names from top to bottom; ``joints``: two ``parts``, where a number below that of
the regions is a place in ``regions`` and others count the joints before; ``distance``, ``regions``), ``distances`` (a
matrix in the order of ``regions``), ``fewest``, ``small`` (``name``, ``songs``: too few for a centre) and ``beyond``
(how many regions --most left out).

``--between``: ``from``, ``to``, ``length``, ``between`` (``name``, ``songs``; ``position``, ``offset``, ``margin`` and
``step`` with ``value`` and ``interval``; ``between``: yes, no, unsure or unknown), ``songs`` (along the line, with
``position`` and ``offset``).

``--of``: ``artist``, ``stations`` (``name``, ``year``, ``songs``, ``moved``, ``farther_than``, ``nearest``),
``station`` (what they are: album or year), ``left_out``, ``two_albums_of_one_artist`` (``pairs``, ``median``),
``two_songs_of_different_artists``, ``drift`` (``albums``, ``years``, ``correlation``, ``p``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.errors import SongspaceError
from songspace.library import Library, Song

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songspace.geometry import Regions, Way, Years
    from songspace.space import Space

TABLE = 30
"""Regions in a table on the terminal, and"""
LISTED = 8
"""of which the songs at the heart and at the border are named."""
TREE = 60
"""Regions in a tree on the terminal."""


class Kind(StrEnum):
    """What geometry is about."""

    genres = "genres"
    artists = "artists"
    albums = "albums"

    @property
    def one(self) -> str:
        """One of them."""
        return self.value.removesuffix("s")


@dataclass(frozen=True)
class Labelled:
    """A space with what its songs are called.

    Attributes
    ----------
    kind : Kind
    space : Space
    songs : list of Song
        Of each row.
    labels : list of str or None
    units : list of str or None, or None
        What intervals draw: the artists of genres, the songs of artists and albums.
    several : int
        Tags that name several genres.
    """

    kind: Kind
    space: Space
    songs: list[Song]
    labels: list[str | None]
    units: list[str | None] | None
    several: int

    @property
    def unit(self) -> str:
        """What intervals draw, in a word."""
        return "songs" if self.units is None else "artists"


def geometry(
    kind: Annotated[Kind, typer.Argument(help="genres, artists or albums")],
    of: Annotated[
        str | None,
        typer.Option(metavar="ARTIST", help="An artist's way through the years, and what is near at each station."),
    ] = None,
    between: Annotated[tuple[str, str] | None, typer.Option(metavar="A B", help="What lies between two.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A picture: .png or .svg")] = None,
    tree: Annotated[bool, typer.Option("--tree", help="In the picture: the tree and all distances.")] = False,
    most: Annotated[int, typer.Option(min=2, help="Look at so many regions, the largest.")] = 500,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Where genres, artists and albums lie: how wide they are, who is next to whom, what lies between."""
    from songspace.drawing.files import PICTURES, save

    if of is not None and between:
        raise typer.BadParameter("--of and --between are two questions: ask one at a time.")
    if output is not None and output.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"{output}: a picture is a {' or '.join(PICTURES)} file.")
    if tree and (output is None or of is not None or between):
        raise typer.BadParameter("--tree is about the picture of all regions: give -o FILE with it.")
    asked = labelled(Library(home), kind, needed=of is None)
    if of is not None:
        figure = _years(asked, of, draw=output is not None, json=json)
    elif between:
        figure = _way(asked, *between, most=most, draw=output is not None, json=json)
    else:
        figure = _regions(asked, most=most, draw=output is not None, tree=tree, json=json)
    if output is not None and figure is not None:
        save(figure, output)
        show.say(f"Wrote {output}.")


def labelled(library: Library, kind: Kind, *, needed: bool = True) -> Labelled:
    """The space of a library with a label for each song.

    Raises
    ------
    SongspaceError
        If no song has one, and one is needed.
    """
    from songspace import geometry as rooms
    from songspace.cli.asking import opened

    space, songs = opened(library)
    labels = {
        Kind.genres: rooms.genre_labels,
        Kind.artists: _artists,
        Kind.albums: rooms.album_labels,
    }[kind](songs)
    if needed and not any(labels):
        raise SongspaceError(f"No song has a tag that says its {kind.one}.")
    artists = _artists(songs) if kind is Kind.genres else None
    several = sum(";" in (song.genre or "").strip("; ") for song in songs) if kind is Kind.genres else 0
    return Labelled(kind, space, songs, labels, artists, several)


def _artists(songs: Sequence[Song]) -> list[str | None]:
    return [song.artist or song.albumartist for song in songs]


# Regions


def _regions(asked: Labelled, *, most: int, draw: bool, tree: bool, json: bool) -> Figure | None:
    from songspace import geometry as rooms
    from songspace.geometry import pictures
    from songspace.geometry.groups import FEWEST

    found = rooms.describe(asked.space, asked.labels, asked.units, most=most)
    if not found.regions:
        name, songs = found.groups.small[0] if found.groups.small else ("none", 0)
        raise SongspaceError(
            f"No {asked.kind.one} has the {FEWEST} songs that a centre needs: the largest, {name}, has {songs}."
        )
    if json:
        show.answer(_regions_told(asked, found))
    else:
        _show_regions(asked, found)
    if not draw:
        return None
    k = len(found.regions)
    title = f"{k:,} {asked.kind.value if k > 1 else asked.kind.one} of {len(asked.space):,} songs"
    drawing = pictures.draw_tree if tree else pictures.draw_regions
    return drawing(found, title=title, what=asked.kind.value)


def _regions_told(asked: Labelled, found: Regions) -> dict[str, Any]:
    from songspace.geometry.groups import FEWEST

    def song(row: int) -> dict[str, Any]:
        return show.song_facts(asked.songs[row])

    return {
        "of": asked.kind.value,
        "songs": len(asked.space) - found.groups.unlabelled,
        "unlabelled": found.groups.unlabelled,
        "several": asked.several,
        "typical": round(found.typical, 4),
        "at_home": _rounded(found.at_home.as_dict()),
        "regions": [
            {
                "name": region.name,
                "songs": region.size,
                "units": region.units,
                "spread": round(region.spread, 4),
                "at_home": _rounded(region.at_home.as_dict()),
                "nearest": [{"name": name, "distance": round(distance, 4)} for name, distance in region.nearest[:10]],
                "overlaps": [{"name": name, "overlap": round(share, 4)} for name, share in region.overlaps[:10]],
                "heart": [song(row) for row in region.heart],
                "border": [
                    song(edge.row) | {"towards": edge.towards, "margin": round(edge.margin, 4)}
                    for edge in region.border
                ],
            }
            for region in found.regions
        ],
        "overlaps": [
            {
                "names": list(pair.names),
                "overlap": _rounded(pair.overlap.as_dict()),
                "distance": round(pair.distance, 4),
            }
            for pair in found.overlaps
        ],
        "tree": {
            "order": [found.regions[number].name for number in found.order],
            "joints": [
                {"parts": [int(a), int(b)], "distance": round(float(distance), 4), "regions": int(count)}
                for a, b, distance, count in found.joints
            ],
        },
        "distances": [[round(float(distance), 4) for distance in row] for row in found.distances],
        "fewest": FEWEST,
        "small": [{"name": name, "songs": songs} for name, songs in found.groups.small],
        "beyond": found.groups.beyond,
    }


def _show_regions(asked: Labelled, found: Regions) -> None:
    from songspace.drawing.text import short
    from songspace.geometry.tree import drawn, linkage

    kind = asked.kind.value
    sure = {frozenset(pair.names): bool(pair.overlap.draws.size) for pair in found.overlaps}
    shown = found.regions[:TABLE]
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
    if len(found.regions) > 1:
        part = found.distances[:TREE, :TREE]
        for line in drawn(linkage(part), [short(region.name, 32) for region in found.regions[:TREE]], width=56):
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
    for sentence in _remarks(asked, found, len(shown)):
        show.say(sentence)


def _remarks(asked: Labelled, found: Regions, shown: int) -> list[str]:
    from songspace.geometry.groups import FEWEST

    kind, k = asked.kind.value, len(found.regions)
    whole = _share(found.at_home.as_dict())
    told = [
        f"Spread: the mean distance of two songs ({found.typical:.2f} in all of the library). Nearest: energy "
        "distance, 0 where the songs lie in the same places."
    ]
    if k > 1:
        kin = "the artist" if asked.units is not None else "the song"
        told.append(
            f"At home: songs nearer to the centre of their own {asked.kind.one} than to any other, {kin} left out; "
            f"{whole} on average, by chance {1 / k:.0%}. Overlap: 0 where two centres tell all songs of both apart, 1 "
            f"where none; ?: of one there are fewer than ten {asked.unit}."
        )
    if found.groups.beyond or k > shown:
        more = f" (--json tells of the largest {k})" if k > shown else ""
        told.append(f"Smaller {kind} that are not shown: {k - shown + found.groups.beyond:,}{more}.")
    if found.groups.small:
        names = ", ".join(f"{name} ({songs})" for name, songs in found.groups.small[:4])
        more = f" and {len(found.groups.small) - 4:,} more" if len(found.groups.small) > 4 else ""
        told.append(f"With fewer than {FEWEST} songs there is no centre: {names}{more}.")
    if found.groups.unlabelled:
        told.append(f"Songs without {'a' if kind == 'genres' else 'an'} {asked.kind.one}: {found.groups.unlabelled:,}.")
    if asked.several:
        told.append(f"Tags that name several genres, of which the first counts: {asked.several:,}.")
    return told


# Between


def _way(asked: Labelled, a: str, b: str, *, most: int, draw: bool, json: bool) -> Figure | None:
    from songspace import geometry as rooms
    from songspace.geometry import pictures

    kind = asked.kind
    found = rooms.way(asked.space, asked.labels, a, b, asked.units, most=most, what=kind.one)
    rows, positions, offsets = rooms.songs_between(asked.space, found)
    along = [(asked.songs[row], float(p), float(o)) for row, p, o in zip(rows, positions, offsets, strict=True)]
    if json:
        show.answer(_way_told(found, along))
    else:
        _show_way(asked, found, along)
    if not draw:
        return None
    title = f"{found.a} + {found.b} ?="
    return pictures.draw_way(found, title=title, what=kind.value, unit=asked.unit)


def _way_told(found: Way, along: Sequence[tuple[Song, float, float]]) -> dict[str, Any]:
    return {
        "from": {"name": found.a, "songs": found.sizes[0]},
        "to": {"name": found.b, "songs": found.sizes[1]},
        "length": round(found.length, 4),
        "between": [
            {
                "name": one.name,
                "songs": one.size,
                "position": _rounded(one.position.as_dict()),
                "offset": _rounded(one.offset.as_dict()),
                "margin": one.margin and _rounded(one.margin.as_dict()),
                "step": _rounded(one.step.as_dict()),
                "between": one.verdict,
            }
            for one in found.between
        ],
        "songs": [
            show.song_facts(song) | {"position": round(position, 4), "offset": round(offset, 4)}
            for song, position, offset in along
        ],
    }


def _show_way(asked: Labelled, found: Way, along: Sequence[tuple[Song, float, float]]) -> None:
    from songspace.drawing.text import short

    kind = asked.kind.value
    inside = [one for one in found.between if 0 < one.position.value < 1]
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
        f"From the centre of {found.a} (0) to that of {found.b} (1), {found.length:.2f} apart; off the line as a share "
        f"of that, with 95 % intervals by bootstrap over {asked.unit}. Between: surely on the way, nearer to the "
        f"line than most other {kind}, and nearer to both ends than these are to each other."
    )
    beyond = len(found.between) - len(inside)
    if beyond or not inside:
        show.say(
            f"{beyond or 'No'} other {kind} lie{'s' if beyond == 1 else ''} beyond the ends.".replace("No other", "No")
        )


# Through the years


def _years(asked: Labelled, artist: str, *, draw: bool, json: bool) -> Figure | None:
    from songspace import geometry as rooms
    from songspace.geometry import pictures

    songs = asked.songs
    found = rooms.through_years(
        asked.space,
        _artists(songs),
        rooms.album_labels(songs),
        [song.year for song in songs],
        artist,
        labels=asked.labels,
    )
    if json:
        show.answer(_years_told(asked, found))
    else:
        _show_years(asked, found)
    if not draw:
        return None
    return pictures.draw_years(asked.space, found, title=f"{found.artist} through the years", note=_drift(found))


def _years_told(asked: Labelled, found: Years) -> dict[str, Any]:
    yardstick = found.of_one_artist
    return {
        "artist": found.artist,
        "station": found.kind,
        "stations": [
            {
                "name": station.name,
                "year": station.year,
                "songs": [show.song_facts(asked.songs[row]) for row in station.rows],
                "moved": _round(station.moved),
                "farther_than": _round(station.farther_than),
                "nearest": [{"name": name, "distance": round(distance, 4)} for name, distance in station.nearest],
            }
            for station in found.stations
        ],
        "left_out": found.left_out,
        "two_albums_of_one_artist": {
            "pairs": len(yardstick),
            "median": round(float(np.median(yardstick)), 4) if len(yardstick) else None,
        },
        "two_songs_of_different_artists": _round(found.of_others),
        "drift": {
            "albums": found.drift.albums,
            "correlation": _round(found.drift.correlation),
            "p": _round(found.drift.p),
        },
    }


def _show_years(asked: Labelled, found: Years) -> None:
    from songspace.drawing.text import short

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


# Numbers


def _share(score: dict[str, Any]) -> str:
    """A share with its interval, as "41% (32-50)"."""
    bounds = score["interval"]
    return f"{score['value']:.0%}" + (f" ({bounds[0]:.0%}-{bounds[1]:.0%})".replace("%-", "-") if bounds else "")


def _number(figure: dict[str, Any]) -> str:
    bounds = figure["interval"]
    return f"{figure['value']:.2f}" + (f" ({bounds[0]:.2f} to {bounds[1]:.2f})" if bounds else "")


def _round(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)


def _rounded(figure: dict[str, Any]) -> dict[str, Any]:
    """Numbers of four places, and none that JSON does not know."""
    bounds = figure["interval"]
    numbers = {key: _round(value) for key, value in figure.items() if key != "interval"}
    return numbers | {"interval": bounds and [round(bound, 4) for bound in bounds]}
