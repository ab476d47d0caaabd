"""Distances between groups of songs: the energy distance of their distributions.

Two genres may have the same centre and yet nothing in common (a ring around a cluster), and the distance between two
centres means little without the spread of the songs. The energy distance (Székely and Rizzo 2013) uses all songs: for
songs X of one group and Y of the other it is the root of

    2 E|X - Y| - E|X - X'| - E|Y - Y'|,

the excess of the distance of two songs of different groups over that of two songs of the same. With a Euclidean
distance, as here, it is a metric of distributions: zero if and only if both are the same. It needs no bandwidth, no
density and no covariance, which a few songs in a hundred dimensions do not determine. Each part of it is a mean of the
distances that ``similar`` shows. (It is twice the maximum mean discrepancy with the distance as its kernel; Sejdinovic
et al. 2013.)

It is estimated by the U-statistic: means over pairs of different songs. The expected distance of two halves of one
group is therefore 0, also with few songs; values below zero count as 0.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from songspace.geometry.groups import Groups, sample
from songspace.space import Space

SAMPLE = 20_000
"""The most songs that are compared with each other; from larger libraries the same number of each large group."""

TYPICAL = 2000
"""The most songs in the sample for mean distances over the whole space."""

BLOCK = 256


def mean_distances(space: Space, groups: Groups, *, seed: int = 0) -> np.ndarray:
    """Compute mean distances between the songs of groups.

    Pairs of songs by one unit are left out (see :mod:`songspace.geometry.groups`), unless there are no other pairs.

    Returns
    -------
    ndarray of shape (len(groups), len(groups)), float64
        Mean distances between two groups, and on the diagonal within a group.

    Examples
    --------
    >>> from songspace.geometry.groups import grouped
    >>> space = Space.from_vectors([[0.0, 1], [0, 2], [1, 0], [2, 0], [-3, -3]])
    >>> mean_distances(space, grouped(space, ["a", "a", "b", "b", None], fewest=2)).round(2).tolist()
    [[0.0, 1.41], [1.41, 0.0]]
    """
    k = len(groups)
    at = _sampled(space, groups, seed)
    vectors, codes, units = space.vectors[groups.rows[at]], groups.codes[at], groups.units[at]
    starts = np.searchsorted(codes, np.arange(k))
    sizes = np.bincount(codes, minlength=k).astype(float)
    total = summed(vectors, starts)
    same, pairs_of_same = _of_one_unit(vectors, codes, units, k)
    pairs = np.outer(sizes, sizes)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = (total - same) / (pairs - pairs_of_same)
        anyhow = total / (pairs - np.diag(sizes))
    means: np.ndarray = np.where(pairs > pairs_of_same, apart, anyhow)
    return (means + means.T) / 2


def energy_distances(means: np.ndarray) -> np.ndarray:
    """Compute the energy distances of groups from the mean distances between their songs.

    Parameters
    ----------
    means : ndarray of shape (k, k)
        Output of :func:`mean_distances`.

    Returns
    -------
    ndarray of shape (k, k)
        Distances, at most 2; 0 on the diagonal.

    Examples
    --------
    >>> energy_distances(np.array([[0.5, 1.0], [1.0, 0.5]])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    within = np.diag(means)
    squared = 2 * means - within[:, None] - within
    np.fill_diagonal(squared, 0)
    return np.sqrt(np.maximum(squared, 0))


def typical_distance(space: Space, units: np.ndarray, *, seed: int = 0) -> float:
    """Compute the mean distance of two songs by different units, or of any two songs if there is only one unit.

    ``units`` has one integer for each row.
    """
    at = sample(space.numbers, TYPICAL, seed)
    distances = pairwise(space.vectors[at], space.vectors[at]).astype(np.float64)
    other = units[at][:, None] != units[at]
    if not other.any():
        other = ~np.eye(len(at), dtype=bool)
    return float(distances[other].mean()) if other.any() else 0.0


def _sampled(space: Space, groups: Groups, seed: int) -> np.ndarray:
    """Return the indices in ``groups.rows`` of the songs that are compared."""
    low, high = 1, int(groups.sizes.max(initial=1))
    while low < high:  # find the largest number of songs of each group that fits
        middle = (low + high + 1) // 2
        if np.minimum(groups.sizes, middle).sum() <= SAMPLE:
            low = middle
        else:
            high = middle - 1
    each = max(low, 2)
    ids = space.numbers[groups.rows]
    parts = [groups.starts[g] + sample(ids[groups.of(g)], each, seed) for g in range(len(groups))]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def summed(vectors: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum the distances between the songs of consecutive groups, (k, k), without those of a song to itself.

    ``starts`` has the index of the first song of each group; no group is empty.
    """
    total = np.zeros((len(starts), len(starts)))
    codes = np.searchsorted(starts, np.arange(len(vectors)), side="right") - 1
    for begin in range(0, len(vectors), BLOCK):
        some = codes[begin : begin + BLOCK]
        distances = pairwise(vectors[begin : begin + BLOCK], vectors)
        distances[np.arange(len(some)), np.arange(begin, begin + len(some))] = 0  # instead of a rounding error
        first = np.flatnonzero(np.diff(some, prepend=-1))
        sums = np.add.reduceat(distances, starts, axis=1, dtype=np.float64)
        total[some[first]] += np.add.reduceat(sums, first, axis=0)
    return total


def pairwise(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute Euclidean distances of vectors of length 1 or 0."""
    squared = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b) - 2 * (a @ b.T)
    return np.sqrt(np.maximum(squared, 0, out=squared), out=squared)


def _of_one_unit(vectors: np.ndarray, codes: np.ndarray, units: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum the distances between songs of one unit, and count these pairs, for each two groups: (k, k)."""
    _, numbers, counts = np.unique(units, return_inverse=True, return_counts=True)
    members = sparse.csr_matrix((np.ones(len(codes)), (codes, numbers)), shape=(k, len(counts)))
    pairs = (members @ members.T).toarray()
    total = np.zeros((k, k))
    order = np.lexsort((codes, numbers))
    for songs in np.split(order, np.cumsum(counts)[:-1]) if len(counts) < len(codes) else []:
        if len(songs) > 1:
            groups, first = np.unique(codes[songs], return_index=True)
            total[np.ix_(groups, groups)] += summed(vectors[songs], first)
    return total, pairs
