"""What it takes to go from one song of a playlist to the next, and how smooth a playlist is by that measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from songspace.space import Space

TRANSITION = 0.2
"""How much the way one song ends and the next begins weighs against the songs as wholes: ``bench/playlists.py``."""


@dataclass(frozen=True)
class Steps:
    """The steps between the songs of a space.

    A step joins two distances, of the songs as wholes and of how the first one ends from how the second one begins:
    the latter is what is heard when the one goes over into the other, the former what stays in the ear. Steps are
    therefore not symmetric.

    Attributes
    ----------
    space : Space
    transition : float
        From 0 (only the songs as wholes count) to 1 (only ends and beginnings do).

    Raises
    ------
    ValueError
        If ``transition`` is not between 0 and 1.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [-1, 0]], openings=[[1, 0], [-1, 0]], endings=[[0, 1], [0, -1]])
    >>> Steps(space, transition=0.5).between([0], [1]).round(3).tolist()
    [[1.707]]
    """

    space: Space
    transition: float = TRANSITION

    def __post_init__(self) -> None:
        if not 0 <= self.transition <= 1:
            raise ValueError(f"transition must lie between 0 and 1, got {self.transition}")

    def between(self, rows: Sequence[int] | np.ndarray, others: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return how large the steps from some songs to some others are: shape (len(rows), len(others)), 0 to 2."""
        return self.joined(self.space.pairwise(rows, others), rows, others)

    def joined(
        self, distances: np.ndarray, rows: Sequence[int] | np.ndarray, others: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """Return the same, where the distances of the songs are known already."""
        if self.transition == 0:
            return distances
        over = self.space.transitions(rows, others)
        joined: np.ndarray = (1 - self.transition) * distances + self.transition * over
        return joined

    def of(self, rows: Sequence[int]) -> np.ndarray:
        """Return the steps of a list, one less than it has songs."""
        return np.array([self.between([a], [b])[0, 0] for a, b in pairwise(rows)])


def typical_distance(space: Space) -> float:
    """Return the median distance of two songs of a space (over 500 of them); 0 if there is one song only."""
    some = np.unique(np.linspace(0, len(space) - 1, 500).astype(np.int64))
    if len(some) < 2:
        return 0.0
    return float(np.median(space.pairwise(some, some)[np.triu_indices(len(some), 1)]))


@dataclass(frozen=True)
class Smoothness:
    """How smoothly a playlist flows.

    Attributes
    ----------
    largest, mean : float
        Distance of two songs that follow each other, 0 to 2.
    typical : float
        See :func:`typical_distance`.
    largest_at : int
        The position of the song that the largest step leads to.
    largest_share, mean_share : float
        The steps as shares of the typical distance.
    """

    largest: float
    mean: float
    typical: float
    largest_at: int
    largest_share: float
    mean_share: float


def smoothness(space: Space, rows: Sequence[int]) -> Smoothness:
    """Measure how smoothly a playlist flows, by the distances of its songs.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0, 1], [-1, 0], [0, -1]])
    >>> found = smoothness(space, [0, 1, 3])
    >>> found.largest, found.largest_at, round(found.mean, 3)
    (2.0, 2, 1.707)
    """
    steps = np.array([space.distance(a, b) for a, b in pairwise(rows)] or [0.0])
    typical = typical_distance(space)
    largest, mean = float(steps.max()), float(steps.mean())
    shares = (each / typical if typical else 0.0 for each in (largest, mean))
    return Smoothness(largest, mean, typical, int(steps.argmax()) + 1, *shares)
