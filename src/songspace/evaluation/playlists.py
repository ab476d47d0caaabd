"""The flow of playlists, measured in a space: best in another one than that which chose them.

Metrics
-------
For one list:

* :func:`steps`: the distance from each song to the next; the largest is the jump that a listener hears
* :func:`evenness` of the steps: Jain's index of fairness (Jain, Chiu & Hawe 1984), which is 1 / (1 + cv²) for the
  coefficient of variation cv: 1 for equal steps, 1 / m if one of m steps goes all the way
* :func:`progress`: the agreement of the order with the way to the last song, as Kendall's tau-b (Kendall 1945)
* :func:`detour`: its length over that of the straight line
* :func:`astray`: the share of the library's songs that lie nearer to its ends than its own songs do
* :func:`broken`: the number of artists that come again too soon, and of songs that come again

For many lists together: the number of lists with the most repeated song, and the share of places with hubs
(:mod:`~songspace.evaluation.hubness`). The first and the last song are given, so that they do not count.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from songspace.categories import artist_codes
from songspace.errors import SongspaceError
from songspace.evaluation import hubness
from songspace.evaluation.neighbors import check_points, nearest
from songspace.playlists.steps import typical_distance
from songspace.space import Space

HUBS = 0.01
"""Share of a library's songs that count as hubs: those in the most lists of 10 nearest."""


def validate(space: Space, lists: Sequence[Sequence[int]], artist_gap: int) -> list[list[int]]:
    """Return the lists with rows as ints; raise ValueError or SongspaceError if they cannot be measured."""
    check_points(space)
    if artist_gap < 0:
        raise ValueError(f"artist_gap must not be negative, got {artist_gap}")
    if len(lists) == 0:
        raise SongspaceError("There is nothing to measure: no list was given.")
    checked = [[space.checked(row) for row in rows] for rows in lists]
    if min(map(len, checked)) < 2:
        raise ValueError("A list of fewer than 2 songs has no steps")
    if typical_distance(space) == 0:
        raise SongspaceError("There is nothing to measure: most songs lie at one point of this space.")
    return checked


def steps(space: Space, rows: Sequence[int]) -> np.ndarray:
    """Compute the distance from each song of a list to the next: shape (len(rows) - 1,).

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0, 1], [-1, 0], [0, -1]])
    >>> steps(space, [0, 1, 3]).round(3).tolist()
    [1.414, 2.0]
    """
    vectors = space.vectors[np.asarray(rows, dtype=np.int64)].astype(np.float64)
    lengths: np.ndarray = np.linalg.norm(np.diff(vectors, axis=0), axis=1)
    return lengths


def evenness(lengths: np.ndarray) -> float:
    """Compute Jain's index of some steps: their sum squared, over their number times the sum of their squares.

    Examples
    --------
    >>> evenness(np.array([1.0, 1.0, 1.0, 1.0])), evenness(np.array([0.0, 0.0, 3.0, 0.0]))
    (1.0, 0.25)
    """
    squares = len(lengths) * float(lengths @ lengths)
    return float(lengths.sum() ** 2 / squares) if squares else 1.0


def progress(space: Space, rows: Sequence[int]) -> float:
    """Compute Kendall's tau-b between the place of each inner song and how far it is along the line between the ends.

    A song is as far along as the foot of its perpendicular on that line. The first and the last song, which are given,
    are left out.

    Returns
    -------
    float
        1 if every song is farther along than all before it, 0 for a random order, -1 for the opposite order; NaN with
        fewer than two inner songs, or if all of them are equally far along.

    Examples
    --------
    >>> space = Space.from_vectors([[1.0, 0.0], [0.9, 0.4], [0.6, 0.8], [0.3, 0.9], [0.0, 1.0]])
    >>> progress(space, [0, 1, 2, 3, 4]), progress(space, [0, 3, 2, 1, 4])
    (1.0, -1.0)
    """
    ends = space.vectors[[rows[0], rows[-1]]].astype(np.float64)
    inner = space.vectors[np.asarray(rows[1:-1], dtype=np.int64)].astype(np.float64)
    along = inner @ (ends[1] - ends[0])
    signs = np.sign(np.subtract.outer(along, along).T[np.triu_indices(len(along), 1)])
    untied = np.count_nonzero(signs)
    # Places have no ties, so that only ties among the songs count in the denominator of tau-b.
    return float(signs.sum() / np.sqrt(len(signs) * untied)) if untied else float("nan")


def detour(space: Space, rows: Sequence[int]) -> float:
    """Compute the length of a list over the distance of its ends: at least 1; NaN if the ends lie at one point.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0, 1], [-1, 0], [0, -1]])
    >>> round(detour(space, [0, 1, 2]), 3)
    1.414
    """
    straight = float(steps(space, [rows[0], rows[-1]])[0])
    return float(steps(space, rows).sum() / straight) if straight else float("nan")


def astray(space: Space, rows: Sequence[int]) -> float:
    """Compute the share of the library's songs that lie nearer to the ends of a list than its inner songs.

    A list may have small steps and still lead far away from its ends, through dense parts of a library. The distance of
    a song counts to the nearer one of the two ends.

    Returns
    -------
    float
        Mean over the inner songs: near 0 if no song lies nearer, 0.5 for songs drawn at random; NaN without inner
        songs.

    Examples
    --------
    >>> space = Space.from_vectors([[1.0, 0.0], [0.9, 0.4], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.1], [-1.0, 0.0]])
    >>> astray(space, [0, 1, 3]), round(astray(space, [0, 4, 5, 3]), 2)
    (0.0, 0.83)
    """
    vectors = space.vectors.astype(np.float64)
    ends, inner = [rows[0], rows[-1]], np.asarray(rows[1:-1], dtype=np.int64)
    if not len(inner):
        return float("nan")
    away = np.min([np.square(vectors - vectors[end]).sum(axis=1) for end in ends], axis=0)
    others = np.sort(np.delete(away, ends))
    return float(np.searchsorted(others, away[inner]).mean() / max(1, len(others) - 1))


def broken(artists: np.ndarray, rows: Sequence[int], artist_gap: int) -> int:
    """Count the pairs that break a rule: one song twice, or one artist with fewer than ``artist_gap`` others between.

    Parameters
    ----------
    artists : int array of shape (n,)
        The artist of each row.

    Examples
    --------
    >>> broken(np.array([0, 0, 1, 2]), [0, 2, 1, 3], 2), broken(np.array([0, 0, 1, 2]), [0, 2, 3, 1], 2)
    (1, 0)
    """
    songs = np.asarray(rows, dtype=np.int64)
    artist = artists[songs]
    apart = np.subtract.outer(np.arange(len(songs)), np.arange(len(songs)))
    too_soon = (artist[:, None] == artist) & (apart <= artist_gap)
    return int(np.count_nonzero((too_soon | (songs[:, None] == songs)) & (apart > 0)))


def hubs(space: Space) -> np.ndarray:
    """Return the rows of the hubs: the share :data:`HUBS` of songs (at least one) in the most lists of 10 nearest.

    Neighbours are ranked by distance, even in a space that ranks by mutual proximity.
    """
    occurrence = hubness.k_occurrence(nearest(space.vectors, 10))
    return np.argsort(-occurrence, kind="stable")[: max(1, round(HUBS * len(space)))]


def evaluate(
    space: Space,
    lists: Sequence[Sequence[int]],
    *,
    artists: Sequence[Hashable | None] | None = None,
    artist_gap: int = 2,
) -> dict[str, Any]:
    """Measure playlists that lead from a first to a last song.

    Parameters
    ----------
    space : Space
        Space in which distances are measured.
    lists : sequence of sequences of int
        Rows of the space, at least two in each list.
    artists : sequence, one for each row of the space, optional
        The artist of each song; None is an unknown artist with one song.
    artist_gap : int
        Least number of other songs between two of one artist.

    Returns
    -------
    dict
        One number for each list, as arrays of shape (len(lists),): ``largest`` and ``mean`` step, as multiples of
        ``typical``; ``evenness``, ``progress``, ``detour``, ``astray``, ``artists`` (the number of different ones) and
        ``broken``. For all lists: ``typical`` (the median distance of two songs), ``most_repeated`` (the most lists
        that have one inner song in common) and ``hubs`` (the share of inner places with :func:`hubs`; NaN without inner
        places).

    Raises
    ------
    ValueError
        If there is no such row, a list has fewer than two songs, or the number of artists is not that of the rows.
    SongspaceError
        If there is no list, or most songs of the space lie at one point.

    Examples
    --------
    >>> space = Space.from_vectors([[1.0, 0.0], [0.9, 0.4], [0.6, 0.8], [0.3, 0.9], [0.0, 1.0]])
    >>> result = evaluate(space, [[0, 1, 2, 4], [0, 2, 1, 4]], artists=["Ada", "Ben", "Ada", "Cy", "Dee"])
    >>> result["progress"].tolist(), result["broken"].tolist(), result["most_repeated"]
    ([1.0, -1.0], [1, 1], 2)
    """
    checked = validate(space, lists, artist_gap)
    artist = artist_codes(artists, len(space))
    unit = typical_distance(space)
    walked = [steps(space, rows) / unit for rows in checked]
    inner = np.array([row for rows in checked for row in rows[1:-1]], dtype=np.int64)
    in_lists = np.bincount([row for rows in checked for row in set(rows[1:-1])], minlength=len(space))
    return {
        "typical": unit,
        "largest": np.array([lengths.max() for lengths in walked]),
        "mean": np.array([lengths.mean() for lengths in walked]),
        "evenness": np.array([evenness(lengths) for lengths in walked]),
        "progress": np.array([progress(space, rows) for rows in checked]),
        "detour": np.array([detour(space, rows) for rows in checked]),
        "astray": np.array([astray(space, rows) for rows in checked]),
        "artists": np.array([len(set(artist[rows].tolist())) for rows in checked]),
        "broken": np.array([broken(artist, rows, artist_gap) for rows in checked]),
        "most_repeated": int(in_lists.max()),
        "hubs": float(np.isin(inner, hubs(space)).mean()) if len(inner) else float("nan"),
    }
