"""Genres, artists and albums as regions of the space: their places, their spread, their separation."""

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
"""Share from which two regions overlap: a tenth of the songs of each is then nearer to the other's centre."""

SONGS = 3
"""Number of songs in a region's heart, and at its border."""

DRAWS = 200
"""Halves of the units that are drawn for intervals: they cost little here."""

CHUNK = 50
"""Halves that are computed at a time."""

BLOCK, GATHERED = 2048, 1 << 14
"""Songs, and pairs of a song and a centre, that are computed at a time."""


@dataclass(frozen=True)
class Border:
    """A song at the border of its region.

    Attributes
    ----------
    row : int
    towards : str
        The nearest other region.
    margin : float
        Squared distance to that region's centre less that to its own; below zero, the other centre is nearer.
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
        Mean of its songs.
    spread : float
        Mean distance of two of its songs by different units.
    at_home : Score
        Share of its songs that are nearer to its centre than to any other; the centres are computed without the unit of
        the song.
    nearest : tuple of (str, float)
        The other regions and their energy distances, nearest first.
    overlaps : tuple of (str, float)
        The regions that it overlaps with, and their overlaps, 0 to 1.
    heart : tuple of int
        Rows of the songs nearest to the centre, which is computed without the unit of the song.
    border : tuple of Border
        Songs that are about equally near to another centre.
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
        Sum of the two shares of songs that are nearer to the other's centre than to their own: 0 if the centres
        separate all songs, 1 if they separate none. It is an upper bound of the overlapping area of both distributions,
        which is twice the least error of any separation (Weitzman 1970).
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
        Overlapping pairs, the greatest overlap first; at most five for each region.
    joints : ndarray of shape (k - 1, 4)
        The dendrogram, see :func:`songspace.geometry.tree.linkage`.
    order : list of int
        The regions in the order of the dendrogram.
    typical : float
        Mean distance of two songs of the space by different units.
    at_home : Score
        Mean over the regions.
    groups : Groups
        The songs of the regions, and the groups that are left out.
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
        The label of each song; songs without one are left out. Labels that differ only in case or surrounding space are
        equal.
    units : sequence of str or None, one for each row, optional
        The unit of each song: for genres, its artist. Songs of one unit are not compared with each other, and intervals
        leave out whole units. By default each song is a unit, as for artists and albums.
    fewest : int
        Fewest songs of a region.
    most : int
        The most regions; the largest are described.
    seed : int
        Seed of the samples and the intervals.

    Returns
    -------
    Regions
        Without regions if no label has enough songs.

    Raises
    ------
    ValueError
        If the number of labels (or units) is not that of the rows, or a number is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> space = Space.from_vectors(np.repeat(np.eye(3), 8, axis=0) + 0.3 * rng.normal(size=(24, 3)))
    >>> regions = describe(space, ["jazz"] * 8 + ["rock"] * 8 + ["folk"] * 7 + [None])
    >>> [(region.name, region.size, region.at_home.value) for region in regions.regions]
    [('jazz', 8, 1.0), ('rock', 8, 1.0), ('folk', 7, 1.0)]
    """
    groups = grouped(space, labels, units, fewest=fewest, most=most)
    units_of_all = np.arange(len(space))
    units_of_all[groups.rows] = len(space) + groups.units
    typical = typical_distance(space, units_of_all, seed=seed)
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
    draws, means_drawn = _draws(groups, to_centers, pairs, smaller)
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
    at_home = Score(float(home.mean()), 1 / k, smaller.scatter(means_drawn))
    return Regions(regions, distances, shares, overlaps, joints, leaves(joints), typical, at_home, groups)


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
    # Songs of the heart are left out of the border, also in a small region.
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
    """Compute, in every half, the share at home of each region, the overlap of each pair, and the mean share.

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
        with np.errstate(invalid="ignore"):  # a region without a song in a half has no share
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
    """Distances of songs, in the order of ``groups.rows``, to centres.

    Attributes
    ----------
    own : ndarray of shape (m,), float64
        Corrected squared distance of each song to the centre of its own group; may be slightly below zero.
    other : ndarray of shape (m,), int64
        The nearest other group; -1 if there is none.
    margin : ndarray of shape (m,), float64
        Squared distance to that group less that to its own; below zero, the song is nearer to that group.
    nearer : ndarray of shape (m, k), bool
        True if a song is nearer to a group than to its own.
    """

    own: np.ndarray
    other: np.ndarray
    margin: np.ndarray
    nearer: np.ndarray


def center_distances(space: Space, groups: Groups) -> CenterDistances:
    """Compute the distance of every song to every centre, without the song and its unit in the centres.

    A centre is the mean of a group's songs. The mean of a few songs lies off the true centre, and so farther from every
    song: in squared distance, by the variance of its songs divided by their number, on average. This is subtracted, so
    that small groups seem as near as large ones. The unit of a song (its artist) is left out of every centre; if no
    other song of its own group is left, only the song itself is left out.
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
    """Compute squared distances of unit vectors to means of ``sizes`` unit vectors, less the error of the means.

    ``along`` are the products with the sums of these vectors, ``square`` the squared lengths of the sums.
    """
    center = square / sizes**2
    # The error of a single song is unknown: `center` is 1, and nothing is subtracted.
    return 1 - 2 * along / sizes + center - (1 - center) / np.maximum(sizes - 1, 1)


class _Cells:
    """The songs of each unit in each group."""

    def __init__(self, space: Space, groups: Groups, sums: np.ndarray) -> None:
        self._codes, self._units = groups.codes, groups.units
        self._sizes, self._square = groups.sizes, np.square(sums).sum(axis=1)
        k = len(groups)
        keys = groups.units * k + groups.codes
        order = np.argsort(keys, kind="stable")
        keys, first, self._count = np.unique(keys[order], return_index=True, return_counts=True)
        self._unit, self._group = keys // k, keys % k
        self._sums = np.add.reduceat(space.vectors[groups.rows[order]], first, axis=0)
        # The squared length of the group's sum without the unit.
        rest = np.empty(len(keys))
        for begin in range(0, len(keys), GATHERED):
            some = slice(begin, begin + GATHERED)
            rest[some] = np.square(sums[self._group[some]] - self._sums[some]).sum(axis=1)
        self._rest = rest

    def leave_out(self, squared: np.ndarray, x: np.ndarray, along: np.ndarray, at: np.ndarray) -> None:
        """Correct the ``squared`` distances of songs to groups that contain songs of their unit."""
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
        alone = own & (left < 2)  # at most one song of other units is left: leave out only the song itself
        left[alone] = self._sizes[group[alone]] - 1
        kin[alone] = 1
        rest[alone] = self._square[group[alone]] - 2 * products[alone] + 1
        gone = ~own & (left < 2)
        left[gone] = 2
        squared[song, group] = np.where(gone, np.inf, _squared(products - kin, rest, left))
