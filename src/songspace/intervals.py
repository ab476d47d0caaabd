"""How sure a score is: a 95 % interval by bootstrap over artists.

Songs of one artist are alike, so they are not independent: what is drawn, with replacement, is artists, each
with all songs (a cluster bootstrap; Field & Welsh 2007). Encoders that are scored on the same songs meet the
same draws, so that their difference has an interval of its own.

A drawn artist's songs come several times and agree with themselves, which lifts every measure of agreement
between labels and clusters: the draws lie above the estimate, and their plain percentiles would miss the truth.
So the draws only say how far a score scatters: their deviations from their own mean are laid around the estimate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

DRAWS = 1000
"""Resampled collections behind every interval."""

MIN_ARTISTS = 10
"""With fewer artists than this no interval is given: such a bootstrap is sure too early (Cameron et al., 2008)."""


@dataclass(frozen=True)
class Score:
    """One figure with what is needed to judge it.

    Attributes
    ----------
    value : float
        The score itself, at most 1.
    chance : float
        What an encoder that knows nothing would expect.
    draws : ndarray of shape (DRAWS,) or (0,)
        The score in every resampled collection; empty where artists are too few.
    spread : float or None
        Standard deviation over clustering seeds, where there are several.
    lowest : float
        The smallest value that the measure can take.
    """

    value: float
    chance: float
    draws: np.ndarray
    spread: float | None = None
    lowest: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """This score in numbers that JSON knows; its interval is None where artists are too few."""
        bounds = interval(self.value, self.draws)
        within = bounds and [min(max(bound, self.lowest), 1.0) for bound in bounds]
        found = {"value": float(self.value), "chance": float(self.chance), "interval": within}
        return found if self.spread is None else found | {"spread": float(self.spread)}

    def minus(self, other: Score) -> dict[str, Any]:
        """The difference to another score of the same songs, with its own (paired) interval."""
        difference = self.value - other.value
        return {"value": float(difference), "interval": interval(difference, self.draws - other.draws)}


def interval(value: float, draws: np.ndarray) -> list[float] | None:
    """The 95 % interval around ``value`` by the scatter of ``draws``; None if there are none.

    Examples
    --------
    >>> interval(0.5, np.array([0.5, 0.75, 1.0]))
    [0.2625, 0.7375]
    """
    if draws.size == 0:
        return None
    low, high = value + np.quantile(draws - draws.mean(), [0.025, 0.975])
    return [float(low), float(high)]


def resamples(artists: np.ndarray, *, random_state: int = 0) -> Iterator[np.ndarray]:
    """Draw artists with replacement, ``DRAWS`` times.

    Parameters
    ----------
    artists : int array of shape (n,)
        The artist of each song, counted from 0.
    random_state : int
        Equal numbers give equal draws.

    Yields
    ------
    int array of shape (n,)
        How often each song is in the resampled collection. Nothing at all, if there are fewer than
        ``MIN_ARTISTS`` artists.
    """
    count = int(artists.max()) + 1
    rng = np.random.default_rng(random_state)
    for _ in range(DRAWS if count >= MIN_ARTISTS else 0):
        yield np.bincount(rng.integers(count, size=count), minlength=count)[artists]
