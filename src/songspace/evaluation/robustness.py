"""Robustness: retrieval of the original of altered copies (re-encoded, equalised, quieter, cut), without labels.

In a space of music, and not of codecs or mastering, the nearest song of an altered copy is its original, among all
songs of the library.

Metrics
-------
* :func:`original_ranks`: the place of the original among all songs, sorted by their distance to a copy
* top 1: the share of copies whose nearest song is their original
* mean reciprocal rank of the originals

Chance is exact: the expected score of a random order.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from songspace.categories import artist_codes, integers
from songspace.evaluation.neighbors import check_vectors, distance_blocks
from songspace.intervals import Score, deletions


def validate(
    songs: np.ndarray, copies: np.ndarray, originals: Sequence[int] | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors as floats and originals as an array; raise ValueError or SongspaceError if they do not fit."""
    songs, copies, rows = check_vectors(songs), np.asarray(copies), np.asarray(originals)
    if copies.ndim != 2 or copies.shape[1] != songs.shape[1] or len(copies) == 0:
        raise ValueError(f"Expected copies of shape (m, {songs.shape[1]}), got an array of shape {copies.shape}")
    if rows.shape != copies.shape[:1] or rows.dtype.kind not in "iu":
        raise ValueError(f"Expected the row of one original for each of {len(copies)} copies")
    if rows.min() < 0 or rows.max() >= len(songs):
        raise ValueError(f"There are {len(songs)} songs, but an original is in row {rows.min()} or {rows.max()}")
    if not np.isfinite(copies).all():
        raise ValueError("The copies contain NaN or infinity")
    return songs, copies.astype(songs.dtype), rows


def original_ranks(songs: np.ndarray, copies: np.ndarray, originals: np.ndarray) -> np.ndarray:
    """Return the place of each copy's original among all songs, nearest first, counted from 1.

    Equal distances count against the encoder.

    Parameters
    ----------
    songs : array of shape (n, d)
    copies : array of shape (m, d)
    originals : int array of shape (m,)
        The row of each copy's original among the songs.

    Returns
    -------
    int array of shape (m,)

    Examples
    --------
    >>> original_ranks(np.array([[0.0], [1.0], [5.0]]), np.array([[0.2], [0.9]]), np.array([0, 0])).tolist()
    [1, 2]
    """
    n = len(songs)
    ranks = np.empty(len(copies), np.int64)
    for rows, distances in distance_blocks(np.concatenate([songs, copies]), np.arange(n, n + len(copies))):
        own = np.take_along_axis(distances, originals[rows - n, None], axis=1)
        ranks[rows - n] = np.sum(distances[:, :n] <= own, axis=1)
    return ranks


def evaluate(
    songs: np.ndarray,
    copies: np.ndarray,
    originals: Sequence[int] | np.ndarray,
    *,
    artists: Sequence[Hashable | None] | None = None,
    random_state: int = 0,
) -> dict[str, Any]:
    """Score the places of the originals of altered copies among all songs.

    Parameters
    ----------
    songs : array of shape (n, d)
        Vectors of the library; centred and of unit length, if neighbours are searched in this way.
    copies : array of shape (m, d)
        Vectors of altered copies of some songs, computed in the same way.
    originals : int array of shape (m,)
        The row of each copy's original.
    artists : sequence of length n, optional
        The artist of each song, for the intervals: the copies of one artist after the other are left out, and all songs
        stay. By default the copies of one original after the other.
    random_state : int
        Seed of the intervals.

    Returns
    -------
    dict
        ``top1`` and ``reciprocal_rank`` (the mean), each ``{"value", "chance", "interval"}``; ``copies``, ``songs`` and
        ``random_state``. The interval is None with fewer than ten different originals (artists).

    Examples
    --------
    >>> songs = np.eye(4)
    >>> result = evaluate(songs, [[0.9, 0.1, 0.0, 0.0], [0.0, 0.4, 0.6, 0.0]], [0, 1])
    >>> result["top1"]["value"], result["reciprocal_rank"]["value"], result["top1"]["chance"]
    (0.5, 0.75, 0.25)
    """
    songs, copies, rows = validate(songs, copies, originals)
    n = len(songs)
    ranks = original_ranks(songs, copies, rows)
    groups = integers(artist_codes(artists, n)[rows].tolist())
    smaller = deletions(groups, random_state=random_state)

    def score(values: np.ndarray, chance: float) -> dict[str, Any]:
        return Score(values.mean(), chance, smaller.scatter([values[kept].mean() for kept in smaller.kept])).as_dict()

    return {
        "top1": score(ranks == 1, 1 / n),
        "reciprocal_rank": score(1 / ranks, float(np.mean(1 / np.arange(1, n + 1)))),
        "copies": len(copies),
        "songs": n,
        "random_state": random_state,
    }
