"""Exact nearest neighbours, in blocks of rows: memory does not grow with the square of the songs.

Vectors are ranked by their Euclidean distance. The songs of a :class:`songspace.Space` are ranked as the space ranks
them, so that the scores are those of the lists that users see.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from songspace.errors import SongspaceError
from songspace.space import Space

BLOCK_BYTES = 32 * 2**20
_STRIDE = 64


def check_points(points: np.ndarray | Space) -> np.ndarray | Space:
    """Return a space, checked to have two songs, or vectors as :func:`check_vectors` returns them."""
    if not isinstance(points, Space):
        return check_vectors(points)
    check_vectors(points.vectors)
    return points


def check_vectors(vectors: np.ndarray) -> np.ndarray:
    """Return ``vectors`` as a floating-point array of shape (n, d), in their own precision.

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


def distance_blocks(
    points: np.ndarray | Space, rows: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the distances from rows to all rows, in blocks.

    Parameters
    ----------
    points : float array of shape (n, d), or Space
        For vectors, the distance is the squared Euclidean one, in their precision; for a space, that which it ranks by.
    rows : int array, optional
        Rows to measure from; by default all.

    Yields
    ------
    rows : int array of shape (b,)
    distances : array of shape (b, n)
        Distances from these rows to every row; the caller may write into the array.
    """
    rows = np.arange(len(points)) if rows is None else rows
    if isinstance(points, Space) and not points.mutual:
        points = points.vectors
    if isinstance(points, Space):
        size = max(1, BLOCK_BYTES // (8 * len(points)))
        for start in range(0, len(rows), size):
            yield rows[start : start + size], points.remoteness(rows[start : start + size])
        return
    # Centred vectors have the same distances, with smaller rounding errors.
    vectors = points - points.mean(axis=0)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    size = max(1, BLOCK_BYTES // (len(vectors) * vectors.itemsize))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        distances = vectors[block] @ vectors.T
        distances *= -2
        distances += squares
        distances += squares[block, None]
        yield block, np.maximum(distances, 0, out=distances)


def nearest(
    points: np.ndarray | Space,
    k: int,
    *,
    apart: np.ndarray | None = None,
    rows: np.ndarray | None = None,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Find the ``k`` nearest other rows of every row, nearest first.

    Parameters
    ----------
    points : float array of shape (n, d), or Space
    k : int
    apart : int array of shape (n,), optional
        Rows with equal numbers are never neighbours (an artist filter). By default only a row itself is left out.
    rows : int array of shape (m,), optional
        Rows to find neighbours of; by default all.
    among : bool array of shape (n,), optional
        True for the rows that can be neighbours; by default all.

    Returns
    -------
    int array of shape (m, min(k, n - 1))
        Rows; -1 where there are no more. Of equal distances the lower row comes first. In collections of more than
        2,048 rows, however, it is not defined which of many equally distant rows are returned.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [3.0], [3.5]])
    >>> nearest(line, 2).tolist()
    [[1, 2], [0, 2], [3, 1], [2, 1]]
    >>> nearest(line, 2, apart=np.array([0, 0, 1, 1])).tolist()
    [[2, 3], [2, 3], [1, 0], [1, 0]]
    """
    n = len(points)
    apart = np.arange(n) if apart is None else apart
    neighbors = np.empty((n if rows is None else len(rows), min(k, n - 1)), dtype=np.int64)
    done = 0
    for some, distances in distance_blocks(points, rows):
        distances[apart[some, None] == apart] = np.inf
        if among is not None:
            distances[:, ~among] = np.inf
        near = _smallest(distances, neighbors.shape[1])
        neighbors[done : done + len(some)] = np.where(np.isinf(np.take_along_axis(distances, near, axis=1)), -1, near)
        done += len(some)
    return neighbors


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the ``k`` smallest values of each row, ascending."""
    n = values.shape[1]
    if n > max(2048, 2 * k * _STRIDE):
        # Fold the row into `_STRIDE` layers and take the minimum of each pile: the k smallest values lie in the k piles
        # with the smallest minima. This is one pass in order; a partition of the row would access memory at random.
        piles = n // _STRIDE
        minima = values[:, : piles * _STRIDE].reshape(len(values), _STRIDE, piles).min(axis=1)
        best = np.argpartition(minima, k - 1, axis=1)[:, :k]
        columns = (best[:, :, None] + piles * np.arange(_STRIDE)).reshape(len(values), -1)
        rest = np.broadcast_to(np.arange(piles * _STRIDE, n), (len(values), n - piles * _STRIDE))
        columns = np.sort(np.concatenate([columns, rest], axis=1), axis=1)
    else:
        columns = np.broadcast_to(np.arange(n), values.shape)
    order = np.argsort(np.take_along_axis(values, columns, axis=1), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(columns, order, axis=1)
