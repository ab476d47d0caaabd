"""A few numbers that stand for a song's many: enough to say of most songs that they are not near.

A query over all songs is bound by how fast their vectors come from memory. What was learnt lies mostly along a few
axes: with the 32 that hold most of it, a quarter of the numbers says what a product of two vectors is at most. What is
left out of both is no more than the product of its two lengths (Cauchy and Schwarz). Only songs that could be near by
that are looked at in full, so that what is found is exact; where the few axes hold little, the sketch saves nothing and
loses nothing but its own product.
"""

from __future__ import annotations

import numpy as np

WIDTH = 32
"""Axes that are kept: with 24 more songs are measured, with 48 the sketch itself takes twice as long."""

SMALLEST = 1 << 20
"""Spaces of fewer numbers stay in the processor's cache as they are."""

WIDEST = 2048
"""Vectors of more numbers (only spectrograms as they are) have no sketch: their axes would take too long to find."""

_EPS = float(np.finfo(np.float32).eps)


class Sketch:
    """A bound on the product of a vector with each of some vectors.

    Parameters
    ----------
    vectors : array of shape (n, d), float32
        None longer than 1, but for rounding.
    width : int
        How many axes are kept; :data:`WIDTH`, if left out.

    Examples
    --------
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> sketch = Sketch(vectors, width=2)
    >>> bool((sketch.at_most(vectors[0]) >= vectors @ vectors[0]).all())
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
        """What the products with a vector, not longer than 1, are at most: (n,), float32."""
        short = query @ self._axes
        rest = float(self._left(np.array([float(query @ query)]), short[np.newaxis])[0])
        found: np.ndarray = self._rest * np.float32(rest)
        found += self._short @ short
        found += np.float32(2 * self._slack)
        return found

    def _left(self, squares: np.ndarray, short: np.ndarray) -> np.ndarray:
        """The length at most of what the axes do not hold of vectors whose squared lengths are known."""
        held = np.einsum("ij,ij->i", short, short, dtype=np.float64)
        left: np.ndarray = np.sqrt(np.maximum(squares - held, 0) + 4 * self._slack)
        return left


def pays(shape: tuple[int, ...]) -> bool:
    """Whether vectors of this shape are worth a sketch."""
    n, d = shape
    return n * d >= SMALLEST and 2 * WIDTH <= d <= WIDEST
