"""Steps from one song of a playlist to the next, and the smoothness of a playlist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from songspace.space import Space

TRANSITION = 0.2
"""Default weight of the end of a song and the beginning of the next one against whole songs; ``bench/playlists.py``."""


@dataclass(frozen=True)
class Steps:
    """The steps between the songs of a space.

    A step combines two distances: between the whole songs, and between the end of the first and the beginning of the
    second song, which are heard in succession. Steps are therefore not symmetric.

    Attributes
    ----------
    space : Space
    transition : float
        From 0 (only whole songs count) to 1 (only ends and beginnings count).

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
        """Return the steps from some songs to others: shape (len(rows), len(others)), 0 to 2."""
        return self.joined(self.space.pairwise(rows, others), rows, others)

    def joined(
        self, distances: np.ndarray, rows: Sequence[int] | np.ndarray, others: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """Return the steps from some songs to others whose distances are known."""
        if self.transition == 0:
            return distances
        transitions = self.space.transitions(rows, others)
        joined: np.ndarray = (1 - self.transition) * distances + self.transition * transitions
        return joined

    def of(self, rows: Sequence[int]) -> np.ndarray:
        """Return the steps of a list: shape (len(rows) - 1,)."""
        return np.array([self.between([a], [b])[0, 0] for a, b in pairwise(rows)])


def typical_distance(space: Space) -> float:
    """Return the median distance of two songs of a space, estimated from 500; 0 if there is only one song."""
    some = np.unique(np.linspace(0, len(space) - 1, 500).astype(np.int64))
    if len(some) < 2:
        return 0.0
    return float(np.median(space.pairwise(some, some)[np.triu_indices(len(some), 1)]))


@dataclass(frozen=True)
class Smoothness:
    """Smoothness of a playlist: distances of consecutive songs, 0 to 2; shares are parts of the typical distance.

    ``typical`` is the median distance of two songs of the space, ``largest_at`` the place of the song after the largest
    step.
    """

    largest: float
    mean: float
    typical: float
    largest_at: int
    largest_share: float
    mean_share: float


def smoothness(space: Space, rows: Sequence[int]) -> Smoothness:
    """Measure the smoothness of a playlist by the distances of consecutive songs.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0, 1], [-1, 0], [0, -1]])
    >>> smooth = smoothness(space, [0, 1, 3])
    >>> smooth.largest, smooth.largest_at, round(smooth.mean, 3)
    (2.0, 2, 1.707)
    """
    steps = np.array([space.distance(a, b) for a, b in pairwise(rows)] or [0.0])
    typical = typical_distance(space)
    largest, mean = float(steps.max()), float(steps.mean())
    shares = (each / typical if typical else 0.0 for each in (largest, mean))
    return Smoothness(largest, mean, typical, int(steps.argmax()) + 1, *shares)
