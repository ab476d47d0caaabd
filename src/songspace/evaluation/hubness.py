"""Hubs: songs that are everybody's neighbour, and the songs that nobody can reach.

Metrics
-------
* :func:`k_occurrence`: in how many songs' lists of the ``k`` nearest each song stands (its mean is ``k``)
* :func:`skewness` of the k-occurrence: 0 without hubs, large with (Radovanović et al., JMLR 2010)
* the share of antihubs, whose k-occurrence is 0: no list ever shows them
* the largest hubs
"""

from __future__ import annotations

from typing import Any

import numpy as np

from songspace.evaluation.checks import check_vectors
from songspace.evaluation.neighbors import nearest


def validate(vectors: np.ndarray, k: int) -> np.ndarray:
    """Return the vectors as floats; ValueError or SongspaceError where neighbours mean nothing."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    return check_vectors(vectors)


def k_occurrence(neighbors: np.ndarray) -> np.ndarray:
    """Count in how many lists of neighbours each row stands.

    Parameters
    ----------
    neighbors : int array of shape (n, k)
        For each of ``n`` rows its nearest rows, however they were found; -1 stands for nobody.

    Returns
    -------
    int array of shape (n,)

    Examples
    --------
    >>> k_occurrence(np.array([[1], [2], [1]])).tolist()
    [0, 2, 1]
    """
    return np.bincount(neighbors[neighbors >= 0], minlength=len(neighbors))


def skewness(occurrence: np.ndarray) -> float:
    """The third standardised moment of the k-occurrence; 0 if all rows occur equally often.

    Examples
    --------
    >>> round(skewness(np.array([1, 1, 1, 5])), 3)
    1.155
    """
    deviations = occurrence - occurrence.mean()
    variance = np.mean(deviations**2)
    return float(np.mean(deviations**3) / variance**1.5) if variance > 0 else 0.0


def evaluate(vectors: np.ndarray, *, k: int = 10) -> dict[str, Any]:
    """Measure the hubness of a space by Euclidean distance.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Songs; centred and of unit length, if that is how neighbours will be sought.
    k : int
        Length of the lists; at most ``n - 1`` are used.

    Returns
    -------
    dict
        ``k`` as used, ``songs``, ``skewness``, ``antihubs`` (a share, 0..1), ``hubs`` (the ten largest, a list
        of ``[row, count]``, largest first) and ``k_occurrence`` (int array of shape (n,)).

    Examples
    --------
    >>> star = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.1]])
    >>> found = evaluate(star, k=1)
    >>> found["antihubs"], found["hubs"][0]
    (0.5, [0, 3])
    """
    neighbors = nearest(validate(vectors, k), k)
    occurrence = k_occurrence(neighbors)
    largest = np.argsort(-occurrence, kind="stable")[:10]
    return {
        "k": neighbors.shape[1],
        "songs": len(occurrence),
        "skewness": skewness(occurrence),
        "antihubs": float(np.mean(occurrence == 0)),
        "hubs": [[int(row), int(occurrence[row])] for row in largest],
        "k_occurrence": occurrence,
    }
