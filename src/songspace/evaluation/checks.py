"""Checks of the arguments of every task: vectors of finite numbers, labels that divide the songs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from songspace.categories import integers
from songspace.errors import SongspaceError
from songspace.space import Space


def check_points(points: np.ndarray | Space) -> np.ndarray | Space:
    """Return a space as it is, if there is something to compare in it, and vectors as :func:`check_vectors` does."""
    if not isinstance(points, Space):
        return check_vectors(points)
    check_vectors(points.vectors)
    return points


def check_vectors(vectors: np.ndarray) -> np.ndarray:
    """Return ``vectors`` as a floating-point array of shape (n, d), in the precision they came in.

    Raises
    ------
    ValueError
        If they are not a table of finite numbers.
    SongspaceError
        If there are fewer than two.
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ValueError(f"Expected vectors of shape (n, d), got an array of shape {vectors.shape}")
    if vectors.dtype.kind not in "fiub":
        raise ValueError(f"Expected vectors of real numbers, got dtype {vectors.dtype}")
    if len(vectors) < 2:
        raise SongspaceError(f"There is nothing to compare: {len(vectors)} of at least 2 songs.")
    if vectors.dtype not in (np.float32, np.float64):
        vectors = vectors.astype(np.float64)
    if not np.isfinite(vectors).all():
        raise ValueError("The vectors contain NaN or infinity")
    return vectors


def check_labels(labels: Sequence[Hashable] | np.ndarray, n: int) -> np.ndarray:
    """Return one integer for each of ``n`` labels: equal labels, equal integers, counted from 0.

    Raises
    ------
    ValueError
        If there are not ``n`` of them, or one is None.
    SongspaceError
        If all are the same.
    """
    if len(labels) != n:
        raise ValueError(f"Expected one label for each of {n} songs, got {len(labels)}")
    if any(label is None for label in labels):
        raise ValueError("A label is None: leave out the songs that have no label")
    codes = integers(labels)
    if codes.max() == 0:
        raise SongspaceError(f"There is nothing to compare: all songs have the one label {labels[0]!r}.")
    return codes
