"""Exact search of the nearest songs, at a fraction of the time of measuring all distances.

Lower bounds of all distances come from one product over all songs, or from a part of one (see :class:`Sketch`). First a
few songs with small bounds are measured exactly. A song whose bound is larger than the distances of ``k`` of these
cannot be among the ``k`` nearest. All others are measured exactly, and sorted.
"""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from songspace.space import points, proximity

_SAMPLE = 4096  # songs in the sample for the first bound
_MANY = 8  # the least songs for each neighbour for which bounds save time
_FEW = 64  # songs for which a second bound takes longer than measuring
_PATIENCE = 24  # queries that take as long as making a sketch

WIDTH = 32
"""Axes of a sketch: with 24, more songs are measured; with 48, the sketch itself takes twice as long."""

SMALLEST = 1 << 20
"""Numbers from which a space has a sketch: smaller spaces fit in the processor's cache."""

WIDEST = 2048
"""The most numbers of a vector for a sketch: for more (plain spectrograms), the axes would take too long."""

_EPS = float(np.finfo(np.float32).eps)


class Search:
    """Search of neighbours among songs that do not change.

    Parameters
    ----------
    vectors : array of shape (n, d), float32
        Unit vectors; zeros for a song without a direction.
    undirected : int array
        Rows of the songs without a direction.
    moments : array of shape (n, 2)
        Output of :func:`songspace.space.proximity.moments`.
    """

    def __init__(self, vectors: np.ndarray, undirected: np.ndarray, moments: np.ndarray) -> None:
        self._vectors, self._undirected, self._moments = vectors, undirected, moments
        # The error of a float32 product is up to d roundings, which matters near distance 0.
        self._error = 4 * (vectors.shape[1] + 4) * float(np.finfo(np.float32).eps)
        self._asked, self._sketching = 0, threading.Lock()
        self._sketch: Sketch | None = None

    def nearest(
        self, query: int | np.ndarray, k: int, *, barred: np.ndarray, mutual: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the ``k`` songs nearest to a row or a point, and their distances.

        They are sorted by remoteness or by distance, then by distance, then by row. At least ``k`` songs must not be
        ``barred``.
        """
        inside = points.is_row(query)
        point = self._vectors[query] if inside else np.asarray(query)
        short = self._short() if inside else None
        squared = self._squared(self._vectors @ point if short is None else short.at_most(point), point)
        squared[self._undirected] = float(point @ point)
        own = None
        if mutual:
            own = self._moments[query] if inside else proximity.moments_of(squared)

        def least(squared: np.ndarray, theirs: np.ndarray) -> np.ndarray:
            return squared if own is None else proximity.farness(squared, own, theirs)

        def measured(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            distances = points.distances_to(self._vectors, rows, point)
            remote = None if own is None else proximity.remoteness(distances**2, own, self._moments[rows])
            return distances, distances if remote is None else remote

        def possible() -> np.ndarray:
            """Return the rows of all songs that may be among the nearest."""
            low = squared - self._error
            far = least(low, self._theirs)
            twins = np.flatnonzero(low <= 0)  # songs at distance 0 are always the nearest
            far[barred] = np.inf
            enough = float(np.partition(measured(_look_near(far, k))[1], k - 1)[k - 1])
            enough = enough**2 + self._error if own is None else proximity.reach(enough) + self._error / self._steepest
            near = far <= enough
            near[twins] = True
            near[barred] = False
            rows = np.flatnonzero(near)
            if short is not None and len(rows) > _FEW:
                many = len(rows) > len(near) // 4
                low = self._squared((self._vectors @ point)[rows] if many else self._vectors[rows] @ point, point)
                low[np.isin(rows, self._undirected)] = float(point @ point)
                low -= self._error
                rows = rows[(least(low, self._theirs[:, rows]) <= enough) | (low <= 0)]
            return rows

        # With few songs for each neighbour, all are measured: most of them would be measured in any case.
        all_songs = _MANY * k > len(self._vectors)
        rows = np.setdiff1d(np.arange(len(self._vectors)), barred) if all_songs else possible()
        distances, order = measured(rows)
        first = np.lexsort((rows, distances, order))[:k]
        return rows[first], distances[first]

    def _squared(self, products: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Compute squared distances to unit vectors from their products with a point, in place."""
        products *= -2
        products += np.float32(1 + float(point @ point))
        return products

    @cached_property
    def _theirs(self) -> np.ndarray:
        return np.ascontiguousarray(self._moments.T)

    @cached_property
    def _steepest(self) -> float:
        """The smallest deviation: it bounds the change of farness with the squared distance."""
        return float(self._theirs[1].min())

    def _short(self) -> Sketch | None:
        """Return the sketch of all songs, or None before :data:`_PATIENCE` queries; the next query makes it."""
        if self._sketch is None and pays(self._vectors.shape):
            self._asked += 1
            if self._asked > _PATIENCE and self._sketching.acquire(blocking=False):
                try:
                    self._sketch = self._sketch or Sketch(self._vectors)
                finally:
                    self._sketching.release()
        return self._sketch


def _look_near(far: np.ndarray, k: int) -> np.ndarray:
    """Return at least ``k`` indices at which ``far`` is small, with the help of a sample."""
    apart = max(1, len(far) // max(_SAMPLE, 32 * k))
    bound = np.partition(far[::apart], k - 1)[k - 1] if k <= len(far[::apart]) else np.inf
    return np.flatnonzero(far <= bound) if bound < np.inf else np.flatnonzero(far < np.inf)


class Sketch:
    """Upper bounds of the products of a vector with many vectors, from a few numbers of each.

    The time of a query over all songs is that of reading their vectors from memory. Learnt vectors vary mostly along a
    few axes: the 32 main ones, a quarter of the numbers, give a good bound of a product. The rest of the product is at
    most the product of the lengths of both rests (Cauchy and Schwarz). Only songs that may be near by this bound are
    measured, so that the result is exact.

    Parameters
    ----------
    vectors : array of shape (n, d), float32
        Vectors of length at most 1, except for rounding.
    width : int
        Number of axes; by default :data:`WIDTH`.

    Examples
    --------
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> bounds = Sketch(vectors, width=2)
    >>> bool((bounds.at_most(vectors[0]) >= vectors @ vectors[0]).all())
    True
    """

    def __init__(self, vectors: np.ndarray, *, width: int | None = None) -> None:
        _, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))  # sorted by their share, ascending
        self._axes = axes[:, -(width or WIDTH) :].astype(np.float32)
        kept = self._axes.astype(np.float64)
        # Rounded axes are not exactly orthonormal; the bounds are wider by their error.
        self._slack = float(np.abs(kept.T @ kept - np.eye(kept.shape[1])).sum(axis=0).max())
        self._slack += (vectors.shape[1] + 4) * _EPS
        self._short = vectors @ self._axes
        self._rest = self._left(np.ones(len(vectors)), self._short).astype(np.float32)

    def at_most(self, query: np.ndarray) -> np.ndarray:
        """Compute upper bounds of the products with a vector of length at most 1: (n,), float32."""
        short = query @ self._axes
        rest = float(self._left(np.array([float(query @ query)]), short[np.newaxis])[0])
        bounds: np.ndarray = self._rest * np.float32(rest)
        bounds += self._short @ short
        bounds += np.float32(2 * self._slack)
        return bounds

    def _left(self, squares: np.ndarray, short: np.ndarray) -> np.ndarray:
        """Compute upper bounds of the lengths outside of the axes, from the squared lengths of the vectors."""
        held = np.einsum("ij,ij->i", short, short, dtype=np.float64)
        left: np.ndarray = np.sqrt(np.maximum(squares - held, 0) + 4 * self._slack)
        return left


def pays(shape: tuple[int, ...]) -> bool:
    """Return True if a sketch saves time for vectors of this shape."""
    n, d = shape
    return n * d >= SMALLEST and 2 * WIDTH <= d <= WIDEST
