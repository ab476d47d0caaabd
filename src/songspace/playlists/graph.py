"""A graph of songs that are neighbours as seen from both."""

from __future__ import annotations

import numpy as np

from songspace.space import Space

NEIGHBORS = 10
_BLOCK = 1 << 17  # pairs of songs looked at together: what lies between two steps stays in the processor's cache


class NeighborGraph:
    """Some songs of a space, each joined to those nearest to it by mutual proximity, and to those it is nearest to.

    By plain distance a hub would be joined to nearly everybody, and every path would lead through it (mutual-proximity
    graphs: Flexer & Stevens 2018). How near a song is, is told by how unusual so small a distance is for the one and
    for the other of the two, whichever is less unusual; see :mod:`songspace.space.proximity`. Nothing is kept but how
    far each song's neighbours reach.

    Parameters
    ----------
    space : Space
    rows : int array of shape (m,)
        The songs.
    k : int
        How many neighbours each has at least.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0.9, 0.1], [-1, 0.1], [-0.9, 0.2]])
    >>> NeighborGraph(space, np.arange(4), k=1).joins([0], [1, 2, 3]).tolist()
    [[True, False, False]]
    """

    def __init__(self, space: Space, rows: np.ndarray, *, k: int = NEIGHBORS) -> None:
        self._space = space
        self._reach = np.full(len(space), -np.inf)
        k = min(k, len(rows) - 1)
        size = max(1, _BLOCK // max(1, len(rows)))
        for begin in range(0, len(rows) if k > 0 else 0, size):
            some = rows[begin : begin + size]
            apart = self._apart(some, rows, space.pairwise(some, rows))
            apart[some[:, None] == rows] = np.inf
            self._reach[some] = np.partition(apart, k - 1, axis=1)[:, k - 1]

    def joins(self, rows: np.ndarray, others: np.ndarray, distances: np.ndarray | None = None) -> np.ndarray:
        """Whether songs are neighbours: shape (len(rows), len(others)), bool. Pass distances that are known already."""
        rows, others = np.asarray(rows), np.asarray(others)
        distances = self._space.pairwise(rows, others) if distances is None else distances
        apart = self._apart(rows, others, distances)
        near: np.ndarray = apart <= np.maximum(self._reach[rows][:, None], self._reach[others])
        return near

    def _apart(self, rows: np.ndarray, others: np.ndarray, distances: np.ndarray) -> np.ndarray:
        mean, deviation = self._space.moments.T.astype(np.float64)
        squared = distances**2
        return np.maximum(
            (squared - mean[rows][:, None]) / deviation[rows][:, None], (squared - mean[others]) / deviation[others]
        )
