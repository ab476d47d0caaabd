"""Which centre each song is nearest to, with itself and its kin left out of the centres.

A centre is the mean of a group's songs. The mean of a few songs lies off the true centre, and so farther from every
song: by the variance of its songs divided by their number, on average, in squared distance. That much is taken off, so
that a song finds a small group as near as a large one. A unit (an artist of a genre) is left out of every centre that
its songs are compared with; if nothing is left of their own group then, the song alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songspace.geometry.groups import Groups
from songspace.space import Space

BLOCK = 2048
GATHERED = 1 << 14


@dataclass(frozen=True)
class Homes:
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


def homes(space: Space, groups: Groups) -> Homes:
    """Compare every song with every centre."""
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
    return Homes(own, other, margin, nearer)


def _squared(along: np.ndarray, square: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Squared distances of unit vectors to means of ``sizes`` unit vectors, less what the means' own error adds.

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
