"""The nearest of many songs: exactly those that measuring all of them would give, at a fraction of the cost.

What is known of a distance *at least* comes from one product over all songs, or from a part of one (see
:class:`Sketch`). A few songs that look near are measured; a song that is farther at least than ``k`` of them
are by measure cannot be among the ``k`` nearest. The others are measured, coordinate by coordinate, and put in order.
"""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from songspace.space import points, proximity

_SAMPLE = 4096  # songs that tell who looks near
_MANY = 8  # times as many songs as neighbours are worth a search
_FEW = 64  # songs that are measured sooner than bounded once more
_PATIENCE = 24  # questions take as long as it takes to make a sketch


WIDTH = 32
"""Axes that are kept: with 24 more songs are measured, with 48 the sketch itself takes twice as long."""

SMALLEST = 1 << 20
"""Spaces of fewer numbers stay in the processor's cache as they are."""

WIDEST = 2048
"""Vectors of more numbers (only spectrograms as they are) have no sketch: their axes would take too long to find."""

_EPS = float(np.finfo(np.float32).eps)


class Search:
    """Finds neighbours among some songs, which never change.

    Parameters
    ----------
    vectors : array of shape (n, d), float32
        Unit vectors; zeros for a song without a direction.
    undirected : int array
        The rows of these.
    moments : array of shape (n, 2)
        See :func:`songspace.space.proximity.moments`.
    """

    def __init__(self, vectors: np.ndarray, undirected: np.ndarray, moments: np.ndarray) -> None:
        self._vectors, self._undirected, self._moments = vectors, undirected, moments
        # A float32 product is off by up to d roundings, which matters near distance 0.
        self._error = 4 * (vectors.shape[1] + 4) * float(np.finfo(np.float32).eps)
        self._asked, self._sketching = 0, threading.Lock()
        self._sketch: Sketch | None = None

    def nearest(
        self, query: int | np.ndarray, k: int, *, barred: np.ndarray, mutual: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the ``k`` songs nearest to one of them, or to a point, and their distances.

        They are the first by remoteness or by distance, then by distance, then by row. At least ``k`` songs are not
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
            """Return all songs that could be among the nearest."""
            low = squared - self._error
            far = least(low, self._theirs)
            twins = np.flatnonzero(low <= 0)  # songs at distance 0 are the nearest whatever the moments
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

        everybody = _MANY * k > len(self._vectors)  # or nearly: most of them would be measured twice
        rows = np.setdiff1d(np.arange(len(self._vectors)), barred) if everybody else possible()
        distances, order = measured(rows)
        first = np.lexsort((rows, distances, order))[:k]
        return rows[first], distances[first]

    def _squared(self, products: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Return the squared distances to songs that have a direction: the largest products are the nearest songs."""
        products *= -2
        products += np.float32(1 + float(point @ point))
        return products

    @cached_property
    def _theirs(self) -> np.ndarray:
        return np.ascontiguousarray(self._moments.T)

    @cached_property
    def _steepest(self) -> float:
        """The smallest deviation: how much farness can change with a squared distance."""
        return float(self._theirs[1].min())

    def _short(self) -> Sketch | None:
        """Return a sketch of all songs, once there were enough questions; the first one then makes it."""
        if self._sketch is None and pays(self._vectors.shape):
            self._asked += 1
            if self._asked > _PATIENCE and self._sketching.acquire(blocking=False):
                try:
                    self._sketch = self._sketch or Sketch(self._vectors)
                finally:
                    self._sketching.release()
        return self._sketch


def _look_near(far: np.ndarray, k: int) -> np.ndarray:
    """Return at least ``k`` places at which ``far`` is small, by way of a sample."""
    apart = max(1, len(far) // max(_SAMPLE, 32 * k))
    bound = np.partition(far[::apart], k - 1)[k - 1] if k <= len(far[::apart]) else np.inf
    return np.flatnonzero(far <= bound) if bound < np.inf else np.flatnonzero(far < np.inf)


class Sketch:
    """Bounds the product of a vector with each of some vectors by a few numbers of each.

    A query over all songs is bound by how fast their vectors come from memory. What was learnt lies mostly along a few
    axes: with the 32 that hold most of it, a quarter of the numbers bounds a product of two vectors from above. What is
    left out of both is no more than the product of its two lengths (Cauchy and Schwarz). Only songs that could be near
    by that bound are measured, so that the result is exact.

    Parameters
    ----------
    vectors : array of shape (n, d), float32
        None longer than 1, but for rounding.
    width : int
        How many axes are kept; :data:`WIDTH`, if left out.

    Examples
    --------
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> bounds = Sketch(vectors, width=2)
    >>> bool((bounds.at_most(vectors[0]) >= vectors @ vectors[0]).all())
    True
    """

    def __init__(self, vectors: np.ndarray, *, width: int | None = None) -> None:
        _, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))  # by what they hold, ascending
        self._axes = axes[:, -(width or WIDTH) :].astype(np.float32)
        kept = self._axes.astype(np.float64)
        # Rounded axes are orthonormal but for this much, and so much the bounds are wider.
        self._slack = float(np.abs(kept.T @ kept - np.eye(kept.shape[1])).sum(axis=0).max())
        self._slack += (vectors.shape[1] + 4) * _EPS
        self._short = vectors @ self._axes
        self._rest = self._left(np.ones(len(vectors)), self._short).astype(np.float32)

    def at_most(self, query: np.ndarray) -> np.ndarray:
        """Return upper bounds of the products with a vector that is not longer than 1: (n,), float32."""
        short = query @ self._axes
        rest = float(self._left(np.array([float(query @ query)]), short[np.newaxis])[0])
        bounds: np.ndarray = self._rest * np.float32(rest)
        bounds += self._short @ short
        bounds += np.float32(2 * self._slack)
        return bounds

    def _left(self, squares: np.ndarray, short: np.ndarray) -> np.ndarray:
        """Return upper bounds of the lengths outside of the axes, for vectors whose squared lengths are known."""
        held = np.einsum("ij,ij->i", short, short, dtype=np.float64)
        left: np.ndarray = np.sqrt(np.maximum(squares - held, 0) + 4 * self._slack)
        return left


def pays(shape: tuple[int, ...]) -> bool:
    """Return whether vectors of this shape are worth a sketch."""
    n, d = shape
    return n * d >= SMALLEST and 2 * WIDTH <= d <= WIDEST
