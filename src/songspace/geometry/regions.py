"""Genres, artists and albums as regions of the space: where they lie, how wide they are, how well separated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from songspace.geometry.energy import energy_distances, mean_distances, typical_distance
from songspace.geometry.groups import FEWEST, MOST, Groups, grouped
from songspace.geometry.tree import leaves, linkage
from songspace.intervals import MIN_ARTISTS, NOTHING, Score, Smaller, halves
from songspace.space import Space

OVERLAPPING = 0.2
"""Two regions overlap from this share on: a tenth of the songs of both is then nearer to the other's centre."""

SONGS = 3
"""Number of songs that are named of a region's heart, and of its border."""

DRAWS = 200
"""Halves of the units that figures are taken of anew: that costs little here."""

CHUNK = 50
"""Halves that are worked on at a time."""

BLOCK, GATHERED = 2048, 1 << 14
"""Songs, and songs with a centre each, that are worked on at a time."""


@dataclass(frozen=True)
class Border:
    """A song at the border of its region.

    Attributes
    ----------
    row : int
    towards : str
        The nearest other region.
    margin : float
        By how much farther its centre is than the own one's, in squared distance; below zero, it is nearer.
    """

    row: int
    towards: str
    margin: float


@dataclass(frozen=True)
class Region:
    """The songs of one label.

    Attributes
    ----------
    name : str
    size, units : int
        Numbers of its songs and of its units (the artists of a genre).
    center : ndarray of shape (d,), float64
        Their mean.
    spread : float
        Mean distance of two of its songs that are not by one unit.
    at_home : Score
        The share of its songs that are nearer to its centre than to any other, the song's unit left out of both.
    nearest : tuple of (str, float)
        The other regions and their energy distances, nearest first.
    overlaps : tuple of (str, float)
        Those that it overlaps with, and how much: 0 to 1.
    heart : tuple of int
        The rows of the songs nearest to the centre, the song's unit left out of it.
    border : tuple of Border
        Its songs that are about as near to another centre.
    """

    name: str
    size: int
    units: int
    center: np.ndarray
    spread: float
    at_home: Score
    nearest: tuple[tuple[str, float], ...]
    overlaps: tuple[tuple[str, float], ...]
    heart: tuple[int, ...]
    border: tuple[Border, ...]


@dataclass(frozen=True)
class Overlap:
    """Two regions that are not well separated.

    Attributes
    ----------
    names : tuple of str
    overlap : Score
        The share of their songs that are nearer to the other's centre than to their own, the two shares added: 0 where
        the centres separate all songs, 1 where they separate none. It bounds the overlapping area of both distributions
        from above, which is twice the least error by which songs can be separated (Weitzman 1970).
    distance : float
        Energy distance.
    """

    names: tuple[str, str]
    overlap: Score
    distance: float


@dataclass(frozen=True)
class Regions:
    """All regions of a space.

    Attributes
    ----------
    regions : list of Region
        The largest first, those of one size by name.
    distances : ndarray of shape (k, k)
        Energy distances.
    shares : ndarray of shape (k, k)
        Overlaps.
    overlaps : list of Overlap
        The greatest first; at most five times as many as there are regions.
    joints : ndarray of shape (k - 1, 4)
        The dendrogram, see :func:`songspace.geometry.tree.linkage`.
    order : list of int
        The regions in the order of the dendrogram.
    typical : float
        Mean distance of two songs of the whole space that are not by one unit.
    at_home : Score
        Mean of the regions' own.
    groups : Groups
        Their songs, and what is left out.
    """

    regions: list[Region]
    distances: np.ndarray
    shares: np.ndarray
    overlaps: list[Overlap]
    joints: np.ndarray
    order: list[int]
    typical: float
    at_home: Score
    groups: Groups


def describe(
    space: Space,
    labels: Sequence[str | None],
    units: Sequence[str | None] | None = None,
    *,
    fewest: int = FEWEST,
    most: int = MOST,
    seed: int = 0,
) -> Regions:
    """Describe the region of each label.

    Parameters
    ----------
    space : Space
    labels : sequence of str or None, one for each row
        Songs without are left out; labels that differ in case or surrounding space only are one.
    units : sequence of str or None, one for each row, optional
        What makes songs alike beyond their label: for genres, the artists. Of a unit's songs, none is compared with
        another, and intervals leave out units. Where there are none (artists, albums), songs are.
    fewest : int
        Labels of fewer songs get no region.
    most : int
        Number of regions that are described, the largest.
    seed : int
        Of the samples and the intervals.

    Returns
    -------
    Regions
        An empty one where no label has songs enough.

    Raises
    ------
    ValueError
        If there is not one label (and unit) for each row, or a number is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> space = Space.from_vectors(np.repeat(np.eye(3), 8, axis=0) + 0.3 * rng.normal(size=(24, 3)))
    >>> found = describe(space, ["jazz"] * 8 + ["rock"] * 8 + ["folk"] * 7 + [None])
    >>> [(region.name, region.size, region.at_home.value) for region in found.regions]
    [('jazz', 8, 1.0), ('rock', 8, 1.0), ('folk', 7, 1.0)]
    """
    groups = grouped(space, labels, units, fewest=fewest, most=most)
    whose = np.arange(len(space))
    whose[groups.rows] = len(space) + groups.units
    typical = typical_distance(space, whose, seed=seed)
    k = len(groups)
    if not k:
        nothing, nowhere = Score(float("nan"), float("nan"), NOTHING), np.zeros((0, 0))
        return Regions([], nowhere, nowhere, [], np.zeros((0, 4)), [], typical, nothing, groups)
    means = mean_distances(space, groups, seed=seed)
    distances = energy_distances(means)
    to_centers = center_distances(space, groups)
    home = np.add.reduceat(to_centers.margin >= 0, groups.starts[:-1], dtype=float) / groups.sizes
    away = np.stack([to_centers.nearer[groups.of(g)].mean(axis=0) for g in range(k)])
    shares = np.minimum(away + away.T, 1)
    pairs = [(int(a), int(b)) for a, b in np.argwhere(np.triu(shares, 1) >= OVERLAPPING)]
    pairs = sorted(pairs, key=lambda pair: -shares[pair])[: 5 * k]
    smaller = halves(groups.units, draws=DRAWS, random_state=seed)
    draws, everyones = _draws(groups, to_centers, pairs, smaller)
    joints = linkage(distances)
    counts = np.array([len(np.unique(groups.units[groups.of(g)])) for g in range(k)])

    def score(value: float, chance: float, drawn: np.ndarray, units: int) -> Score:
        return Score(value, chance, smaller.scatter(drawn) if units >= MIN_ARTISTS else NOTHING)

    regions = [
        _region(space, groups, g, to_centers, distances[g], shares[g], float(means[g, g]), int(counts[g]),
                score(float(home[g]), 1 / k, draws[g], int(counts[g])))
        for g in range(k)
    ]  # fmt: skip
    overlaps = [
        Overlap(
            (groups.names[a], groups.names[b]),
            score(float(shares[a, b]), 1.0, draws[k + number], int(min(counts[a], counts[b]))),
            float(distances[a, b]),
        )
        for number, (a, b) in enumerate(pairs)
    ]
    everyone = Score(float(home.mean()), 1 / k, smaller.scatter(everyones))
    return Regions(regions, distances, shares, overlaps, joints, leaves(joints), typical, everyone, groups)


def _region(
    space: Space,
    groups: Groups,
    g: int,
    to_centers: CenterDistances,
    distances: np.ndarray,
    shares: np.ndarray,
    spread: float,
    units: int,
    at_home: Score,
) -> Region:
    rows, part = groups.rows[groups.of(g)], groups.of(g)
    others = [int(other) for other in np.argsort(distances, kind="stable") if other != g]
    overlapping = [int(o) for o in np.argsort(-shares, kind="stable") if o != g and shares[o] >= OVERLAPPING]
    center = space.vectors[rows].mean(axis=0, dtype=np.float64)
    heart = np.argsort(to_centers.own[part], kind="stable")[:SONGS]
    # A song of the heart is none of the border, however few there are.
    edge = [int(i) for i in np.argsort(np.abs(to_centers.margin[part]), kind="stable") if i not in heart]
    return Region(
        name=groups.names[g],
        size=len(rows),
        units=units,
        center=center,
        spread=spread,
        at_home=at_home,
        nearest=tuple((groups.names[other], float(distances[other])) for other in others),
        overlaps=tuple((groups.names[other], float(shares[other])) for other in overlapping),
        heart=tuple(rows[heart].tolist()),
        border=tuple(
            Border(int(rows[i]), groups.names[to_centers.other[part][i]], float(to_centers.margin[part][i]))
            for i in edge[:SONGS]
            if to_centers.other[part][i] >= 0
        ),
    )


def _draws(
    groups: Groups, to_centers: CenterDistances, pairs: Sequence[tuple[int, int]], smaller: Smaller
) -> tuple[np.ndarray, np.ndarray]:
    """Compute in every half the share at home of each region and the overlap of each pair, and the mean share.

    The centres are those of the whole collection: only the songs are halved.
    """
    k = len(groups)
    _, first_song, units = np.unique(groups.units, return_index=True, return_inverse=True)
    kept = smaller.kept[:, first_song]
    shape = (k, int(units.max()) + 1)
    home = sparse.csr_matrix(((to_centers.margin >= 0).astype(float), (groups.codes, units)), shape=shape)
    size = sparse.csr_matrix((np.ones(len(units)), (groups.codes, units)), shape=shape)
    sides = [(a, b) for pair in pairs for a, b in (pair, pair[::-1])]
    lost_units = [units[groups.of(a)][to_centers.nearer[groups.of(a), b]] for a, b in sides]
    row = np.repeat(np.arange(len(sides)), np.array([len(lost) for lost in lost_units], int))
    column = np.concatenate([*lost_units, np.zeros(0, int)])
    away = sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(sides), shape[1]))
    first = np.array([a for a, _ in sides], int)
    drawn, means = [], []
    for begin in range(0, len(smaller.kept), CHUNK):
        weights = kept[begin : begin + CHUNK].T.astype(float)
        with np.errstate(invalid="ignore"):  # a region that is not drawn has no share
            sizes = size @ weights
            shares = (home @ weights) / sizes
            lost = (away @ weights) / sizes[first]
        drawn.append(np.concatenate([shares, np.minimum(lost[::2] + lost[1::2], 1)]))
        here = np.isfinite(shares)
        means.append(np.where(here, shares, 0).sum(axis=0) / np.maximum(here.sum(axis=0), 1))
    if not drawn:
        return np.zeros((k + len(pairs), 0)), np.zeros(0)
    return np.concatenate(drawn, axis=1), np.concatenate(means)


@dataclass(frozen=True)
class CenterDistances:
    """Songs against centres; songs come as in ``groups.rows``.

    Attributes
    ----------
    own : ndarray of shape (m,), float64
        Squared distance of each song to the centre of its own group, corrected; may be a little below zero.
    other : ndarray of shape (m,), int64
        The nearest other group; -1 if there is none.
    margin : ndarray of shape (m,), float64
        By how much farther that one is, in squared distance; below zero, the song is nearer to it than to its own.
    nearer : ndarray of shape (m, k), bool
        Whether a song is nearer to a group than to its own.
    """

    own: np.ndarray
    other: np.ndarray
    margin: np.ndarray
    nearer: np.ndarray


def center_distances(space: Space, groups: Groups) -> CenterDistances:
    """Compare every song with every centre, with the song and its unit left out of the centres.

    A centre is the mean of a group's songs. The mean of a few songs lies off the true centre, and so farther from every
    song: by the variance of its songs divided by their number, on average, in squared distance. That much is taken off,
    so that a song finds a small group as near as a large one. A unit (an artist of a genre) is left out of every centre
    that its songs are compared with; if nothing is left of their own group then, the song alone.
    """
    k, n = len(groups), len(groups.rows)
    sums = np.stack([space.vectors[groups.rows[groups.of(g)]].sum(axis=0, dtype=np.float64) for g in range(k)])
    sizes = groups.sizes.astype(float)
    cells = _Cells(space, groups, sums)
    own, margin = np.empty(n), np.empty(n)
    other = np.empty(n, np.int64)
    nearer = np.zeros((n, k), bool)
    for begin in range(0, n, BLOCK):
        at = np.arange(begin, min(begin + BLOCK, n))
        x, group = space.vectors[groups.rows[at]], groups.codes[at]
        along = x @ sums.T.astype(np.float32)
        squared = _squared(along, np.square(sums).sum(axis=1), sizes)
        cells.leave_out(squared, x, along.astype(np.float64), at)
        here = np.arange(len(at))
        own[at] = squared[here, group]
        squared[here, group] = np.inf
        other[at] = squared.argmin(axis=1)
        margin[at] = squared.min(axis=1) - own[at]
        nearer[at] = squared < own[at][:, None]
    other[~np.isfinite(margin)] = -1
    return CenterDistances(own, other, margin, nearer)


def _squared(along: np.ndarray, square: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Compute squared distances of unit vectors to means of ``sizes`` unit vectors, less what the means' error adds.

    ``along`` are the products with the sums of these vectors, ``square`` the sums' squared lengths.
    """
    center = square / sizes**2
    # One song alone has no error that is known: its square is 1.
    return 1 - 2 * along / sizes + center - (1 - center) / np.maximum(sizes - 1, 1)


class _Cells:
    """The songs that each unit has in each group."""

    def __init__(self, space: Space, groups: Groups, sums: np.ndarray) -> None:
        self._codes, self._units = groups.codes, groups.units
        self._sizes, self._square = groups.sizes, np.square(sums).sum(axis=1)
        k = len(groups)
        keys = groups.units * k + groups.codes
        order = np.argsort(keys, kind="stable")
        keys, first, self._count = np.unique(keys[order], return_index=True, return_counts=True)
        self._unit, self._group = keys // k, keys % k
        self._sums = np.add.reduceat(space.vectors[groups.rows[order]], first, axis=0)
        # The squared length of what is left of the group's sum.
        rest = np.empty(len(keys))
        for begin in range(0, len(keys), GATHERED):
            some = slice(begin, begin + GATHERED)
            rest[some] = np.square(sums[self._group[some]] - self._sums[some]).sum(axis=1)
        self._rest = rest

    def leave_out(self, squared: np.ndarray, x: np.ndarray, along: np.ndarray, at: np.ndarray) -> None:
        """Put right the ``squared`` distances of some songs to groups that have songs of their unit."""
        begin = np.searchsorted(self._unit, self._units[at])
        count = np.searchsorted(self._unit, self._units[at], side="right") - begin
        song = np.repeat(np.arange(len(at)), count)
        cell = np.arange(len(song)) + np.repeat(begin - np.cumsum(count) + count, count)
        for some in range(0, len(song), GATHERED):
            self._put(squared, x, along, at, song[some : some + GATHERED], cell[some : some + GATHERED])

    def _put(
        self, squared: np.ndarray, x: np.ndarray, along: np.ndarray, at: np.ndarray, song: np.ndarray, cell: np.ndarray
    ) -> None:
        group = self._group[cell]
        own = group == self._codes[at[song]]
        left = (self._sizes[group] - self._count[cell]).astype(float)
        products = along[song, group]
        kin = np.einsum("ij,ij->i", x[song], self._sums[cell], dtype=np.float64)
        rest = self._rest[cell].copy()
        alone = own & (left < 2)  # the group is this unit's alone, or nearly: only the song itself is left out
        left[alone] = self._sizes[group[alone]] - 1
        kin[alone] = 1
        rest[alone] = self._square[group[alone]] - 2 * products[alone] + 1
        gone = ~own & (left < 2)
        left[gone] = 2
        squared[song, group] = np.where(gone, np.inf, _squared(products - kin, rest, left))
