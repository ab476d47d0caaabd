"""Artists and albums as sets of songs: which sets are near each other, and which songs are typical of one.

The distance of two sets is the mean distance of each song to the nearest song of the other set, both ways (a modified
Hausdorff distance; Dubuisson and Jain 1994). Centres would tell less: an artist with quiet and loud songs has the
centre of one whose songs are all in between. A song that both sets hold tells nothing about the others, and is left
out. Unlike the regions of :mod:`songspace.geometry.regions`, which need four songs, every set has an answer here, also
one of a single song.

A large set has a song near everything, and a set in the middle of the space is near to all. So sets are ranked by
mutual proximity, as songs are (Schnitzer et al. 2012, see :mod:`songspace.space.proximity`): the chance that a set is
farther from each of the two than they are from each other. ``bench/artists.py`` compares this with other measures, by
signals without labels: how often some sets are near to others, and whether the size of a set decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from songspace.geometry.energy import pairwise
from songspace.space import Space

_MOST = 400  # songs of a set that are compared; of a larger one, a fixed sample
_OTHERS, _OF_EACH = 200, 50  # sets, and songs of each, in the sample for what is usual
_BLOCK = 2_000_000  # distances that are computed at a time
_LEAST = 0.01  # least deviation: if all distances are equal, rounding errors must not decide


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
    >>> [name for name, similarity, distance in sets.near("ann", 5)], sets.typical("ann")[0]
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
        self._compared = [self._sample(some, _MOST) for some in self._rows]
        self._means, self._deviations = self._usual()

    def __contains__(self, name: str) -> bool:
        return name in self._codes

    def rows(self, name: str) -> list[int]:
        """Return the rows of a set, in their order."""
        return self._rows[self._codes[name]].tolist()

    def near(self, name: str, count: int) -> list[tuple[str, float, float]]:
        """Return (name, similarity, distance) of the nearest other sets, the nearest first.

        The similarity is the mutual proximity, 0 to 1, and descends; the distance, 0 to 2, need not ascend.
        """
        own = self._codes[name]
        distances = np.zeros(len(self.names))
        for codes, block in self._blocks(range(len(self.names))):
            distances[codes] = _distances([self._compared[own]], block, self._space.vectors)[0]
        alike = self._farther(distances, self._means[own], self._deviations[own])
        alike *= self._farther(distances, self._means, self._deviations)
        nearest = np.lexsort((distances, -alike))
        nearest = nearest[nearest != own][:count]
        return [(self.names[code], float(alike[code]), float(distances[code])) for code in nearest.tolist()]

    def typical(self, name: str, *, towards: str | None = None) -> list[int]:
        """Return the rows of a set, those with the smallest mean distance to the set (or to another one) first."""
        vectors, rows = self._space.vectors, self._rows[self._codes[name]]
        others = self._compared[self._codes[towards or name]]
        means = pairwise(vectors[rows], vectors[others]).mean(axis=1)
        return rows[np.argsort(means, kind="stable")].tolist()

    def _usual(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation of the distances of each set to the others, or to a fixed sample of them."""
        first = np.array([int(self._space.numbers[rows].min()) for rows in self._rows], dtype=np.int64)
        codes = np.lexsort((np.array(self.names), first))  # so that the sample does not depend on the order of rows
        if len(codes) > _OTHERS:
            codes = np.random.default_rng(0).choice(codes, _OTHERS, replace=False)
        sample = [self._sample(self._rows[code], _OF_EACH) for code in codes]
        means, deviations = np.zeros(len(self.names)), np.zeros(len(self.names))
        for some, block in self._blocks(range(len(self.names)), sum(map(len, sample))):
            distances = _distances(sample, block, self._space.vectors)
            others = codes[:, None] != np.array(some)
            count = np.maximum(others.sum(axis=0), 1)
            means[some] = (distances * others).sum(axis=0) / count
            deviations[some] = np.sqrt(((distances - means[some]) ** 2 * others).sum(axis=0) / count)
        return means, np.maximum(deviations, _LEAST)

    def _farther(self, distances: np.ndarray, means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
        """Return the share of sets that are farther than some distances, by a normal distribution."""
        from scipy.special import ndtr

        farther: np.ndarray = ndtr((means - distances) / deviations)
        return farther

    def _blocks(self, codes: Sequence[int], others: int = _MOST) -> Iterator[tuple[list[int], list[np.ndarray]]]:
        """Yield the codes and the rows of as many sets as can be compared at once with a number of other songs."""
        some: list[int] = []
        songs = 0
        for code in codes:
            if some and (songs + len(self._compared[code])) * others > _BLOCK:
                yield some, [self._compared[one] for one in some]
                some, songs = [], 0
            some.append(code)
            songs += len(self._compared[code])
        if some:
            yield some, [self._compared[one] for one in some]

    def _sample(self, rows: np.ndarray, most: int) -> np.ndarray:
        """Return rows, or a fixed sample of them, which depends on the songs and not on the order of the rows."""
        if len(rows) <= most:
            return rows
        ordered = rows[np.argsort(self._space.numbers[rows], kind="stable")]
        return np.sort(np.random.default_rng(0).choice(ordered, most, replace=False))


def _distances(sets: Sequence[np.ndarray], others: Sequence[np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Return the distances of sets to others, of shape (len(sets), len(others)); each set is given by its rows."""
    rows, columns = np.concatenate(sets), np.concatenate(others)
    starts, other_starts = (np.cumsum([0, *map(len, some[:-1])]) for some in (sets, others))
    apart = pairwise(vectors[rows], vectors[columns])
    apart[rows[:, None] == columns] = np.inf  # a song that both hold
    there = np.minimum.reduceat(apart, other_starts, axis=1)  # of each song, to the nearest one of each other set
    back = np.minimum.reduceat(apart, starts, axis=0)
    distances: np.ndarray = (_means(there, starts) + _means(back.T, other_starts).T) / 2
    return distances


def _means(nearest: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the mean of each group of rows, without infinite values; 0 if there are no others."""
    known = np.isfinite(nearest)
    total = np.add.reduceat(np.where(known, nearest, 0.0), starts, axis=0, dtype=np.float64)
    return total / np.maximum(np.add.reduceat(known, starts, axis=0, dtype=np.int64), 1)
