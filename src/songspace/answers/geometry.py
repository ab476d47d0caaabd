"""Where genres, artists and albums lie, what is between two of them, an artist's way through the years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.credits import Credits

if TYPE_CHECKING:
    from songspace import geometry
    from songspace.space import Space

    Along = Sequence[tuple[Song, float, float]]
    """Songs along a line, each with its position and its distance from the line."""

_NEAREST = 10
"""Regions that are named as near, or as overlapping, to each."""


class Kind(StrEnum):
    """Kinds of regions."""

    genres = "genres"
    artists = "artists"
    albums = "albums"

    @property
    def one(self) -> str:
        """The word for one of them."""
        return self.value.removesuffix("s")


@dataclass(frozen=True)
class Labelled:
    """A space with the label of each song.

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
        """The word for what intervals draw."""
        return "songs" if self.units is None else "artists"


def labelled(view: View, kind: Kind, *, needed: bool = True) -> Labelled:
    """Label each song of a library's space.

    Raises
    ------
    SongspaceError
        If no song has a label, and one is needed.
    """
    from songspace import geometry

    space, songs = view.space, view.songs
    label_songs = {
        Kind.genres: geometry.genre_labels,
        Kind.artists: main_artists,
        Kind.albums: geometry.album_labels,
    }
    labels = label_songs[kind](songs)
    if needed and not any(labels):
        raise SongspaceError(f"No song has a tag that says its {kind.one}.")
    units = main_artists(songs) if kind is Kind.genres else None
    several = sum(len(geometry.genres_of(song)) > 1 for song in songs) if kind is Kind.genres else 0
    return Labelled(kind, space, songs, labels, units, several)


def main_artists(songs: Sequence[Song]) -> list[str | None]:
    """Return the main artist of each song, as it is with genres; None for "Various Artists".

    A song in the regions of two artists would make them overlap by its tag alone, not by its sound.
    """
    credits = Credits(songs)
    return [credits.main(song) for song in songs]


class GeometryAnswer:
    """Base of these answers: numbers of four decimal places."""

    PLACES: ClassVar[int] = 4


@answer
class Estimate(GeometryAnswer):
    """A number with its 95 % interval, None where none can be given."""

    value: float | None
    interval: list[float] | None
    chance: float | None = None

    @classmethod
    def of(cls, figure: Any) -> Estimate:
        """Make one of a figure that has ``as_dict``."""
        return cls(**figure.as_dict())


@answer
class RegionDistance(GeometryAnswer):
    """A region, and the energy distance to it."""

    name: str
    distance: float


@answer
class RegionOverlap(GeometryAnswer):
    """A region, and the share of songs that its centre and the other one do not tell apart."""

    name: str
    overlap: float


@answer
class BorderSong(SongFacts):
    """A song at the border of its region."""

    towards: str
    margin: float = described(places=4)


@answer
class RegionAnswer(GeometryAnswer):
    """A genre, an artist or an album in the space."""

    name: str
    songs: int
    units: int
    spread: float
    at_home: Estimate
    nearest: list[RegionDistance]
    overlaps: list[RegionOverlap]
    heart: list[SongFacts]
    border: list[BorderSong]


@answer
class OverlappingPair(GeometryAnswer):
    """Two regions that overlap."""

    names: list[str]
    overlap: Estimate
    distance: float


@answer
class Joint(GeometryAnswer):
    """Two parts of the tree that meet."""

    parts: list[int] = described(
        "A number below that of the regions is a place in regions, others count the joints before."
    )
    distance: float
    regions: int


@answer
class Tree(GeometryAnswer):
    """Regions as a tree: the nearest meet first."""

    order: list[str] = described("Names from top to bottom.")
    joints: list[Joint]


@answer
class NamedSongs(GeometryAnswer):
    """A region and how many songs it has."""

    name: str
    songs: int


@answer
class RegionsAnswer(GeometryAnswer):
    """Positions of all regions, the largest first."""

    of: str
    songs: int = described("Those that have a label.")
    unlabelled: int
    several: int = described("Tags that name several genres, of which the first counts.")
    typical: float = described("The mean distance of two songs of the library.")
    at_home: Estimate = described(
        "The share of songs that are nearer to the centre of their own region than to any other."
    )
    regions: list[RegionAnswer]
    overlaps: list[OverlappingPair]
    tree: Tree
    distances: list[list[float]] = described("A matrix in the order of regions.")
    fewest: int = described("Songs that a centre needs.")
    small: list[NamedSongs] = described("Those that have too few songs for a centre.")
    beyond: int = described("How many regions were left out.")


@answer
class OnTheWay(GeometryAnswer):
    """A region beside the line from one centre to another."""

    name: str
    songs: int
    position: Estimate
    offset: Estimate
    margin: Estimate | None
    step: Estimate
    between: Literal["yes", "no", "unsure", "unknown"]


@answer
class SongOnTheWay(SongFacts):
    """A song along that line."""

    position: float = described(places=4)
    offset: float = described(places=4)


@answer
class BetweenAnswer(GeometryAnswer):
    """Regions and songs between two regions."""

    from_: NamedSongs = described(name="from")
    to: NamedSongs
    length: float
    between: list[OnTheWay]
    songs: list[SongOnTheWay] = described("Along the line.")


@answer
class StationAnswer(GeometryAnswer):
    """An album, or a year, of an artist."""

    name: str
    year: int | None
    songs: list[SongFacts]
    moved: float | None
    farther_than: float | None
    nearest: list[RegionDistance]


@answer
class Yardstick(GeometryAnswer):
    """The usual distance of two albums by one artist."""

    pairs: int
    median: float | None


@answer
class DriftAnswer(GeometryAnswer):
    """Correlation of the distance of albums with the years between them."""

    albums: int
    correlation: float | None
    p: float | None


@answer
class YearsAnswer(GeometryAnswer):
    """An artist's way through the years."""

    artist: str
    station: str = described("What stations are: album or year.")
    stations: list[StationAnswer]
    left_out: int
    two_albums_of_one_artist: Yardstick
    two_songs_of_different_artists: float | None
    drift: DriftAnswer


def find_regions(asked: Labelled, *, most: int) -> geometry.Regions:
    """Find where all regions lie.

    Raises
    ------
    SongspaceError
        If none has the songs that a centre needs.
    """
    from songspace import geometry
    from songspace.geometry.groups import FEWEST

    described = geometry.describe(asked.space, asked.labels, asked.units, most=most)
    if not described.regions:
        name, songs = described.groups.small[0] if described.groups.small else ("none", 0)
        raise SongspaceError(
            f"No {asked.kind.one} has the {FEWEST} songs that a centre needs: the largest, {name}, has {songs}."
        )
    return described


def regions_answer(asked: Labelled, described: geometry.Regions) -> RegionsAnswer:
    """Return the answer about all regions."""
    from songspace.geometry.groups import FEWEST

    def near(distances: Sequence[tuple[str, float]]) -> list[RegionDistance]:
        return [RegionDistance(*each) for each in distances[:_NEAREST]]

    regions = [
        RegionAnswer(
            region.name,
            region.size,
            region.units,
            region.spread,
            Estimate.of(region.at_home),
            near(region.nearest),
            [RegionOverlap(*each) for each in region.overlaps[:_NEAREST]],
            [SongFacts.of(asked.songs[row]) for row in region.heart],
            [BorderSong.of(asked.songs[edge.row], towards=edge.towards, margin=edge.margin) for edge in region.border],
        )
        for region in described.regions
    ]
    joints = [Joint([int(a), int(b)], float(distance), int(count)) for a, b, distance, count in described.joints]
    return RegionsAnswer(
        of=asked.kind.value,
        songs=len(asked.space) - described.groups.unlabelled,
        unlabelled=described.groups.unlabelled,
        several=asked.several,
        typical=described.typical,
        at_home=Estimate.of(described.at_home),
        regions=regions,
        overlaps=[
            OverlappingPair([*pair.names], Estimate.of(pair.overlap), pair.distance) for pair in described.overlaps
        ],
        tree=Tree([described.regions[number].name for number in described.order], joints),
        distances=described.distances.tolist(),
        fewest=FEWEST,
        small=[NamedSongs(*each) for each in described.groups.small],
        beyond=described.groups.beyond,
    )


def find_way(asked: Labelled, a: str, b: str, *, most: int) -> tuple[geometry.Way, Along]:
    """Find what lies between two regions, and the songs along the line."""
    from songspace import geometry

    way = geometry.way(asked.space, asked.labels, a, b, asked.units, most=most, what=asked.kind.one)
    rows, positions, offsets = geometry.songs_between(asked.space, way)
    along = [(asked.songs[row], float(p), float(o)) for row, p, o in zip(rows, positions, offsets, strict=True)]
    return way, along


def way_answer(way: geometry.Way, along: Along) -> BetweenAnswer:
    """Return the answer about what lies between two regions."""
    between = [
        OnTheWay(
            one.name,
            one.size,
            Estimate.of(one.position),
            Estimate.of(one.offset),
            Estimate.of(one.margin) if one.margin else None,
            Estimate.of(one.step),
            one.verdict,
        )
        for one in way.between
    ]
    songs = [SongOnTheWay.of(song, position=position, offset=offset) for song, position, offset in along]
    start, end = NamedSongs(way.a, way.sizes[0]), NamedSongs(way.b, way.sizes[1])
    return BetweenAnswer(start, end, way.length, between, songs)


def find_years(asked: Labelled, artist: str) -> geometry.Years:
    """Find an artist's way through the years."""
    from songspace import geometry

    songs = asked.songs
    return geometry.through_years(
        asked.space,
        main_artists(songs),
        geometry.album_labels(songs),
        [song.year for song in songs],
        artist,
        labels=asked.labels,
    )


def years_answer(asked: Labelled, years: geometry.Years) -> YearsAnswer:
    """Return the answer about an artist's way through the years."""
    yardstick = years.of_one_artist
    stations = [
        StationAnswer(
            station.name,
            station.year,
            [SongFacts.of(asked.songs[row]) for row in station.rows],
            station.moved,
            station.farther_than,
            [RegionDistance(*each) for each in station.nearest],
        )
        for station in years.stations
    ]
    return YearsAnswer(
        years.artist,
        years.kind,
        stations,
        years.left_out,
        Yardstick(len(yardstick), float(np.median(yardstick)) if len(yardstick) else None),
        years.of_others,
        DriftAnswer(years.drift.albums, years.drift.correlation, years.drift.p),
    )
