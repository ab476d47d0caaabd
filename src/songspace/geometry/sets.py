"""Artists and albums as sets of songs: which sets are near each other, and which songs are typical of one.

Two sets are compared by the energy distance of their songs (see :mod:`songspace.geometry.energy`), not by centres:
an artist with quiet and loud songs is not like one whose songs are all in between. Unlike the regions of
:mod:`songspace.geometry.regions`, which need four songs, every set has an answer here, also a set of one song. Then the
mean distance within a set is not known, or hardly; so it is estimated from its own pairs of songs and, with the weight
of a few pairs, from the other sets (shrinkage). Without that, small sets would seem nearer or farther than large ones
for their size alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.geometry.energy import pairwise
from songspace.space import Space

_BLOCK = 64  # songs that all others are compared with at a time
_MOST = 400  # songs of a set that are compared; of a larger one, a fixed sample
_PRIOR = 3.0  # weight of the other sets for the mean distance within one, in pairs: those of three songs


class Sets:
    """Sets of songs of a space.

    Parameters
    ----------
    space : Space
    names : sequence of sequences of str, one for each row
        The sets that each song belongs to. Songs without a direction in the space belong to none.

    Examples
    --------
    >>> space = Space.from_vectors([[2.0, 0], [2, 2], [2, 1], [0, 2], [-6, -5]])
    >>> sets = Sets(space, [["ann"], ["ann"], ["ann", "bea"], ["bea"], ["cid"]])
    >>> [name for name, distance in sets.near("ann", 5)], sets.typical("ann")[0]
    (['bea', 'cid'], 2)
    """

    def __init__(self, space: Space, names: Sequence[Sequence[str]]) -> None:
        self._space = space
        nowhere = set(np.asarray(space.undirected).tolist())
        rows: dict[str, list[int]] = {}
        for row, of_song in enumerate(names):
            for name in dict.fromkeys(of_song):
                if row not in nowhere:
                    rows.setdefault(name, []).append(row)
        self.names = [*rows]
        self._codes = {name: code for code, name in enumerate(self.names)}
        self._rows = [np.array(of_set) for of_set in rows.values()]
        self._compared = [some if len(some) <= _MOST else _sample(some, space) for some in self._rows]
        self._within = self._mean_distances_within()

    def __contains__(self, name: str) -> bool:
        return name in self._codes

    def rows(self, name: str) -> list[int]:
        """Return the rows of a set, in their order."""
        return self._rows[self._codes[name]].tolist()

    def near(self, name: str, count: int) -> list[tuple[str, float]]:
        """Return the nearest other sets with their energy distances (0 to 2), the nearest first."""
        own = self._codes[name]
        means = self._mean_distances(self._compared[own])
        squared = 2 * means - self._within[own] - self._within
        # Sets that lie within the error of zero are still told apart: by the value below zero.
        nearest = np.argsort(squared, kind="stable")
        nearest = nearest[nearest != own][:count]
        return [(self.names[code], float(np.sqrt(max(0.0, squared[code])))) for code in nearest.tolist()]

    def typical(self, name: str, *, towards: str | None = None) -> list[int]:
        """Return the rows of a set, those with the smallest mean distance to the set (or to another one) first."""
        vectors, rows = self._space.vectors, self._rows[self._codes[name]]
        others = self._compared[self._codes[towards or name]]
        means = pairwise(vectors[rows], vectors[others]).mean(axis=1)
        return rows[np.argsort(means, kind="stable")].tolist()

    def _mean_distances(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean distance of some songs to the songs of each set; a song is not compared with itself."""
        sizes = np.array([len(some) for some in self._compared])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        columns = np.concatenate(self._compared)
        vectors = self._space.vectors
        all_songs, totals = vectors[columns], np.zeros(len(sizes))
        for begin in range(0, len(rows), _BLOCK):
            block = rows[begin : begin + _BLOCK]
            apart = pairwise(vectors[block], all_songs)
            apart[block[:, None] == columns] = 0.0  # instead of a rounding error
            totals += np.add.reduceat(apart.sum(axis=0, dtype=np.float64), starts)
        shared = np.add.reduceat(np.isin(columns, rows), starts)
        pairs = sizes * len(rows) - shared
        return np.divide(totals, pairs, out=np.zeros_like(totals), where=pairs > 0)

    def _mean_distances_within(self) -> np.ndarray:
        """Return the mean distance of two songs of each set, shrunk towards that of all sets."""
        vectors = self._space.vectors
        pairs = np.array([len(rows) * (len(rows) - 1) / 2 for rows in self._compared])
        totals = np.array([_total(vectors[rows]) for rows in self._compared])
        known = pairs > 0
        usual = float((totals[known] / pairs[known]).mean()) if known.any() else 0.0
        return (totals + _PRIOR * usual) / (pairs + _PRIOR)


def _total(vectors: np.ndarray) -> float:
    """Return the sum of the distances of all pairs of vectors."""
    if len(vectors) < 2:
        return 0.0
    apart = pairwise(vectors, vectors)
    np.fill_diagonal(apart, 0.0)
    return float(apart.sum(dtype=np.float64)) / 2


def _sample(rows: np.ndarray, space: Space) -> np.ndarray:
    """Return a fixed sample of rows, which depends on the songs and not on the order of the rows."""
    ordered = rows[np.argsort(space.numbers[rows], kind="stable")]
    return np.sort(np.random.default_rng(0).choice(ordered, _MOST, replace=False))
