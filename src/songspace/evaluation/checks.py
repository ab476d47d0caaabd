"""What every task asks of its arguments: vectors that are numbers, labels that divide the songs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

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


def artist_codes(artists: Sequence[Hashable | None] | np.ndarray | None, n: int) -> np.ndarray:
    """Return one integer for each song's artist; a song without a known artist (None, "") is its own.

    Examples
    --------
    >>> artist_codes(["Ada", None, "Ada", ""], 4).tolist()
    [0, 1, 0, 2]
    """
    if artists is None:
        return np.arange(n)
    if len(artists) != n:
        raise ValueError(f"Expected one artist for each of {n} songs, got {len(artists)}")
    return integers([(i,) if artist in (None, "") else artist for i, artist in enumerate(artists)])


def integers(values: Iterable[Hashable]) -> np.ndarray:
    """Number values by their first appearance, from 0: equal values, equal integers.

    Examples
    --------
    >>> integers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
