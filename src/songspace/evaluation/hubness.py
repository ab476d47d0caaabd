"""Hubness: songs in very many lists of neighbours, and songs in none.

Metrics
-------
* :func:`k_occurrence`: the number of lists of the ``k`` nearest that contain each song (its mean is ``k``)
* :func:`skewness` of the k-occurrence: 0 without hubs, large with hubs (Radovanović et al., JMLR 2010)
* the share of antihubs, whose k-occurrence is 0: no list contains them
* the largest hub: the highest k-occurrence
"""

from __future__ import annotations

from typing import Any

import numpy as np

from songspace.evaluation.neighbors import check_points, nearest
from songspace.space import Space
from songspace.space.proximity import skewness

__all__ = ["evaluate", "k_occurrence", "of_lists", "skewness", "validate"]


def validate(points: np.ndarray | Space, k: int) -> np.ndarray | Space:
    """Return a space, or vectors as floats; raise ValueError or SongspaceError if neighbours are undefined."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    return check_points(points)


def k_occurrence(neighbors: np.ndarray) -> np.ndarray:
    """Count the lists of neighbours that contain each row.

    Parameters
    ----------
    neighbors : int array of shape (n, k)
        The nearest rows of each of ``n`` rows; -1 stands for none.

    Returns
    -------
    int array of shape (n,)

    Examples
    --------
    >>> k_occurrence(np.array([[1], [2], [1]])).tolist()
    [0, 2, 1]
    """
    return np.bincount(neighbors[neighbors >= 0], minlength=len(neighbors))


def evaluate(points: np.ndarray | Space, *, k: int = 10) -> dict[str, Any]:
    """Measure the hubness of songs.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
        A space, with its own order of neighbours; or vectors, ranked by Euclidean distance.
    k : int
        Length of the lists; at most ``n - 1`` are used.

    Returns
    -------
    dict
        The result of :func:`of_lists`.

    Examples
    --------
    >>> star = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.1]])
    >>> result = evaluate(star, k=1)
    >>> result["antihubs"], result["hubs"][0]
    (0.5, [0, 3])
    """
    return of_lists(nearest(validate(points, k), k))


def of_lists(neighbors: np.ndarray) -> dict[str, Any]:
    """Measure the hubness of lists of neighbours.

    Parameters
    ----------
    neighbors : int array of shape (n, k)
        As for :func:`k_occurrence`.

    Returns
    -------
    dict
        ``k``, ``songs``, ``skewness``, ``antihubs`` (a share, 0..1), ``largest_hub`` (a count), ``hubs`` (the ten
        largest, a list of ``[row, count]``, largest first) and ``k_occurrence`` (int array of shape (n,)).

    Examples
    --------
    >>> of_lists(np.array([[1], [2], [1]]))["largest_hub"]
    2
    """
    occurrence = k_occurrence(neighbors)
    largest = np.argsort(-occurrence, kind="stable")[:10]
    return {
        "k": neighbors.shape[1],
        "songs": len(occurrence),
        "skewness": skewness(occurrence),
        "antihubs": float(np.mean(occurrence == 0)),
        "largest_hub": int(occurrence.max()),
        "hubs": [[int(row), int(occurrence[row])] for row in largest],
        "k_occurrence": occurrence,
    }
