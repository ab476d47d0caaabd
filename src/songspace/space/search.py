"""The nearest of many songs: exactly those that measuring all of them would give, at a fraction of the cost.

What is known of a distance *at least* comes from one product over all songs, or from a part of one (see
:mod:`songspace.space.sketch`). A few songs that look near are measured; whoever is farther at least than ``k`` of them
are by measure cannot be among the ``k`` nearest. The others are measured, coordinate by coordinate, and put in order.
"""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from songspace.space import points, proximity, sketch

_SAMPLE = 4096  # songs that tell who looks near
_MANY = 8  # times as many songs as neighbours are worth a search
_FEW = 64  # songs that are measured sooner than bounded once more
_PATIENCE = 24  # questions take as long as it takes to make a sketch


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
        self._sketch: sketch.Sketch | None = None

    def nearest(
        self, query: int | np.ndarray, k: int, *, barred: np.ndarray, mutual: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the ``k`` songs nearest to one of them, or to a point, and their distances.

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
            """All songs that could be among the nearest."""
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
        """Squared distances to songs that have a direction: the largest products are the nearest songs."""
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

    def _short(self) -> sketch.Sketch | None:
        """A sketch of all songs, as soon as there were so many questions that it pays; whoever comes first makes it."""
        if self._sketch is None and sketch.pays(self._vectors.shape):
            self._asked += 1
            if self._asked > _PATIENCE and self._sketching.acquire(blocking=False):
                try:
                    self._sketch = self._sketch or sketch.Sketch(self._vectors)
                finally:
                    self._sketching.release()
        return self._sketch


def _look_near(far: np.ndarray, k: int) -> np.ndarray:
    """At least ``k`` numbers for which ``far`` is small, found by way of a sample."""
    apart = max(1, len(far) // max(_SAMPLE, 32 * k))
    bound = np.partition(far[::apart], k - 1)[k - 1] if k <= len(far[::apart]) else np.inf
    return np.flatnonzero(far <= bound) if bound < np.inf else np.flatnonzero(far < np.inf)
