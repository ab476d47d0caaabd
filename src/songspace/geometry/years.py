"""An artist's way through the years: the distance of each album from the one before, and the artist's drift.

In a library, an album may have one song only. Albums are therefore compared by the mean distance between the songs of
both. It is compared with two references over the whole library: the mean distance of two albums of one artist, and that
of songs by different artists.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songspace.categories import categorize
from songspace.errors import SongspaceError
from songspace.geometry.energy import TYPICAL, pairwise, summed
from songspace.geometry.groups import FEWEST, called, grouped, sample
from songspace.space import Space

DATED = 5
"""Fewest dated albums for a drift: of the 24 orders of four albums, 2 are equally good: no evidence."""

YEARS = 3
"""Fewest different years for a drift: two years only distinguish two groups."""

EXACT = 7
"""The most albums for which all orders of their years are tried (5,040)."""

DRAWN = 9999
"""Orders that are drawn for more albums; a tenth of them for a hundred albums or more."""

CHUNK = 1 << 21
"""Numbers that are computed at a time."""

ARTISTS = 2000
"""The most artists whose albums are the reference; a sample if there are more."""

SONGS = 50
"""The most songs of an album, and of an artist for the reference, that are compared; a sample if there are more."""

NEAREST = 3
"""Number of the nearest regions of a station."""

STATIONS = 500
"""The most albums of an artist: only "Various Artists" has more."""


@dataclass(frozen=True)
class Station:
    """An album on an artist's way (or a year, if no albums are known).

    Attributes
    ----------
    name : str
    year : int or None
        The earliest year in the tags of its songs.
    rows : tuple of int
        Rows of its songs.
    moved : float or None
        Mean distance of its songs to those of the station before; None for the first station, and without a year.
    farther_than : float or None
        Share of the pairs of albums of one artist that lie nearer to each other.
    nearest : tuple of (str, float)
        The nearest regions, without the songs of this artist, and the mean distances of their songs to those of the
        station.
    """

    name: str
    year: int | None
    rows: tuple[int, ...]
    moved: float | None
    farther_than: float | None
    nearest: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Drift:
    """The correlation of albums' distances in years with those in sound.

    Attributes
    ----------
    albums, years : int
        Numbers of albums with a year, and of different years.
    correlation : float or None
        Correlation of differences in years with distances, over all pairs of albums; None if there are too few.
    p : float or None
        Share of orders of the years with an equal or larger correlation.
    """

    albums: int
    years: int
    correlation: float | None
    p: float | None


@dataclass(frozen=True)
class Years:
    """An artist's way through the years.

    Attributes
    ----------
    artist : str
    stations : list of Station
        Stations by year; those without a year come last.
    distances : ndarray of shape (stations, stations)
        Mean distances between the songs of two stations.
    kind : {"album", "year"}
        The kind of the stations.
    dated : int
        Number of stations with a year.
    left_out : int
        Number of songs of the artist without an album (or without a year, if stations are years).
    of_one_artist : ndarray
        Reference distances of two albums of one artist, ascending: all pairs in the library, or a sample.
    of_others : float
        Mean distance of two songs by different artists.
    drift : Drift
    """

    artist: str
    stations: list[Station]
    distances: np.ndarray
    kind: str
    dated: int
    left_out: int
    of_one_artist: np.ndarray
    of_others: float
    drift: Drift


def through_years(
    space: Space,
    artists: Sequence[str | None],
    albums: Sequence[str | None],
    dates: Sequence[int | None],
    artist: str,
    *,
    labels: Sequence[str | None] | None = None,
    fewest: int = FEWEST,
    seed: int = 0,
) -> Years:
    """Compute an artist's way through the years.

    Parameters
    ----------
    space : Space
    artists, albums : sequences of str or None, one for each row
    dates : sequence of int or None, one for each row
        The year of each song.
    artist : str
        Name of the artist, in any case.
    labels : sequence of str or None, one for each row, optional
        Labels of the regions among which the nearest ones of each station are searched; by default the albums. Regions
        with fewer than ``fewest`` songs and the songs of this artist are left out.
    seed : int
        Seed of the samples and the permutations.

    Raises
    ------
    SongspaceError
        If there is no such artist (the message has similar names), or none of the artist's songs has a direction.
    ValueError
        If the length of a sequence is not the number of rows.

    Examples
    --------
    >>> turn = np.linspace(0, 1.5, 8)
    >>> space = Space.from_vectors(np.column_stack([np.cos(turn), np.sin(turn)]))
    >>> albums = [f"No. {number // 2}" for number in range(8)]
    >>> years = through_years(space, ["Ann"] * 8, albums, [1990 + number // 2 for number in range(8)], "ann")
    >>> [(station.year, station.name) for station in years.stations]
    [(1990, 'No. 0'), (1991, 'No. 1'), (1992, 'No. 2'), (1993, 'No. 3')]
    """
    n = len(space)
    for what, values in (("artist", artists), ("album", albums), ("year", dates), ("label", labels)):
        if values is not None and len(values) != n:
            raise ValueError(f"Expected one {what} (or None) for each of {n} songs, got {len(values)}")
    people = categorize(artists)
    artist = called(artist, people.names, "artist")
    placed = np.ones(n, bool)
    placed[space.undirected] = False
    mine = np.flatnonzero((people.codes == people.names.index(artist)) & placed)
    if not len(mine):
        raise SongspaceError(f"No song of {artist} has a direction in the space.")
    titles = categorize(albums)
    kind = "album" if (titles.codes[mine] >= 0).any() else "year"
    members: dict[str, list[int]] = {}
    for row in mine.tolist():
        name = titles.names[titles.codes[row]] if titles.codes[row] >= 0 else None
        if kind == "year":
            name = None if dates[row] is None else str(dates[row])
        if name is not None:
            members.setdefault(name, []).append(row)
    if not members:
        raise SongspaceError(f"No song of {artist} says its album or its year.")
    if len(members) > STATIONS:
        many = f"{artist} has {len(members):,} {kind}s"
        raise SongspaceError(f"{many}: a way through the years has {STATIONS} at most.")
    year_of = {name: min((year for row in rows if (year := dates[row]) is not None), default=None)
               for name, rows in members.items()}  # fmt: skip
    names = sorted(members, key=lambda name: (year_of[name] is None, year_of[name] or 0, name))
    distances = _between_albums(space, [members[name] for name in names])
    reference = _albums_of_one_artist(space, people.codes, titles.codes, placed, seed)
    nearest = _nearest(space, [members[name] for name in names], mine, titles.names, labels or albums, fewest)
    dated = sum(year_of[name] is not None for name in names)
    stations = []
    for number, name in enumerate(names):
        moved = float(distances[number - 1, number]) if 0 < number < dated else None
        share = None
        if moved is not None and len(reference):
            share = float(np.searchsorted(reference, moved) / len(reference))
        stations.append(Station(name, year_of[name], tuple(members[name]), moved, share, nearest[number]))
    return Years(
        artist=artist,
        stations=stations,
        distances=distances,
        kind=kind,
        dated=dated,
        left_out=len(mine) - sum(map(len, members.values())),
        of_one_artist=reference,
        of_others=_of_others(space, people.codes, placed, seed),
        drift=drift([year_of[name] for name in names[:dated]], distances[:dated, :dated], seed=seed),
    )


def drift(dates: Sequence[int | None], distances: np.ndarray, *, seed: int = 0) -> Drift:
    """Test the correlation of albums' distances in years with those in sound (Mantel 1967).

    The years are permuted among the albums: if time does not matter, all orders are equally likely. If they are few,
    all orders are tried.

    Parameters
    ----------
    dates : sequence of int
        The year of each album.
    distances : ndarray of shape (albums, albums)

    Examples
    --------
    >>> line = np.arange(5) / 10
    >>> result = drift([1990, 1992, 1994, 1996, 1998], np.abs(line[:, None] - line))
    >>> result.correlation, round(result.p, 3)
    (1.0, 0.017)
    """
    k = len(dates)
    when = np.array(dates, float)
    upper = np.triu_indices(k, 1)
    if k < DATED or len(set(dates)) < YEARS or np.ptp(distances[upper]) < 1e-9:
        return Drift(k, len(set(dates)), None, None)
    if k <= EXACT:
        orders = np.array(list(itertools.permutations(range(k))))
    else:
        rng = np.random.default_rng(seed)
        orders = np.array([np.arange(k), *(rng.permutation(k) for _ in range(DRAWN if k < 100 else DRAWN // 10))])
    sound = distances[upper] - distances[upper].mean()
    scale = len(sound) * np.abs(when[upper[0]] - when[upper[1]]).std() * sound.std()
    parts = np.array_split(orders, math.ceil(len(orders) * len(sound) / CHUNK))
    correlations = np.concatenate([np.abs(when[o][:, upper[0]] - when[o][:, upper[1]]) @ sound for o in parts]) / scale
    return Drift(
        k, len(set(dates)), round(float(correlations[0]), 12), float((correlations >= correlations[0] - 1e-9).mean())
    )


def _between_albums(space: Space, albums: Sequence[list[int]]) -> np.ndarray:
    """Compute mean distances between songs of two albums; on the diagonal, of different songs of one, or 0."""
    some = [np.asarray(album)[sample(space.numbers[album], SONGS)] for album in albums]
    sizes = np.array([len(album) for album in some], float)
    sums = summed(space.vectors[np.concatenate(some)], np.cumsum([0, *sizes[:-1]]).astype(int))
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    return np.asarray(np.divide(sums, pairs, out=np.zeros_like(sums), where=pairs > 0))


def _albums_of_one_artist(
    space: Space, people: np.ndarray, titles: np.ndarray, placed: np.ndarray, seed: int
) -> np.ndarray:
    """Compute the distances of two albums of one artist, ascending."""
    known = np.flatnonzero((people >= 0) & (titles >= 0) & placed)
    pairs = np.unique(np.column_stack([people[known], titles[known]]), axis=0)
    several = np.flatnonzero(np.bincount(pairs[:, 0]) > 1) if len(pairs) else np.zeros(0, int)
    several = several[sample(several, ARTISTS, seed)]
    order = known[np.argsort(people[known], kind="stable")]
    begins = np.searchsorted(people[order], several)
    ends = np.searchsorted(people[order], several, side="right")
    distances = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        rows = order[begin:end]
        rows = rows[sample(space.numbers[rows], SONGS, seed)]
        rows = rows[np.argsort(titles[rows], kind="stable")]
        albums = np.split(rows, np.flatnonzero(np.diff(titles[rows])) + 1)
        if len(albums) > 1:
            distances.append(_between_albums(space, [a.tolist() for a in albums])[np.triu_indices(len(albums), 1)])
    return np.sort(np.concatenate(distances)) if distances else np.zeros(0)


def _of_others(space: Space, people: np.ndarray, placed: np.ndarray, seed: int) -> float:
    """Compute the mean distance of two songs by different artists."""
    known = np.flatnonzero((people >= 0) & placed)
    known = known[sample(space.numbers[known], TYPICAL, seed)]
    other = people[known][:, None] != people[known]
    return float(pairwise(space.vectors[known], space.vectors[known])[other].mean()) if other.any() else math.nan


def _nearest(
    space: Space,
    stations: Sequence[Sequence[int]],
    mine: np.ndarray,
    titles: Sequence[str],
    labels: Sequence[str | None],
    fewest: int,
) -> list[tuple[tuple[str, float], ...]]:
    """Find the nearest regions of each station, without this artist's songs."""
    theirs: list[str | None] = list(labels)
    for row in mine.tolist():
        theirs[row] = None
    groups = grouped(space, theirs, fewest=fewest, most=len(space))
    if not len(groups):
        return [()] * len(stations)
    by_station = []
    for rows in stations:
        total = np.zeros(len(groups.rows))
        for row in rows:
            total += pairwise(space.vectors[row : row + 1], space.vectors[groups.rows])[0]
        means = np.add.reduceat(total, groups.starts[:-1]) / groups.sizes / len(rows)
        nearest = np.argsort(means, kind="stable")[:NEAREST]
        by_station.append(tuple((groups.names[g], float(means[g])) for g in nearest.tolist()))
    return by_station
