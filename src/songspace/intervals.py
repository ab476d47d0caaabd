"""95 % intervals of scores, from their scatter over smaller collections of the same songs.

Songs of one artist are similar, and so not independent: artists are left out with all of their songs. Both methods
leave artists out of the queries, the candidates, and the clustered songs:

* :func:`deletions` leaves out one artist after the other (the delete-one-group jackknife: Tukey 1958; Efron and Stein,
  Annals of Statistics 1981). It is for scores that change little with an artist, such as shares of neighbours.
* :func:`halves` draws halves of the artists at random (the delete-d jackknife: Shao and Wu, Annals of Statistics 1989).
  It is valid for scores that change abruptly, too, such as those of clusters.

A bootstrap, which draws artists with repetition, is not used: repeated songs agree with themselves, and scores with the
neighbours and clusters of all songs hardly scatter. Such intervals were too narrow.

Encoders that are scored on the same songs use the same smaller collections, so that their difference has an interval,
too. `bench/coverage.py` measures how often the intervals contain the true value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

MIN_ARTISTS = 10
"""Fewest artists for an interval: fewer do not show the differences between artists (Cameron et al., 2008)."""

MOST_DELETIONS = 200
"""The most deletions; more artists are left out in groups."""

HALVES = 50
"""Halves of the artists for which a score is computed again."""

SURE = 0.05
"""Level of significance: a difference is sure if its p-value is smaller."""


@dataclass(frozen=True)
class Scatter:
    """A score in smaller collections of the same songs.

    Attributes
    ----------
    values : ndarray of shape (r,)
        The score in each collection, NaN if there is none; empty if there can be no interval.
    scale : float
        Factor from the variance of these values to that of the score.
    degrees : float
        Degrees of freedom of the variance.
    """

    values: np.ndarray
    scale: float = 1.0
    degrees: float = 1.0

    @property
    def error(self) -> float | None:
        """The standard error; None with fewer than two values, or if all are the same."""
        known = self.values[np.isfinite(self.values)]
        if len(known) < 2:
            return None
        # The number of collections, not of values: missing values must not reduce the variance.
        error = float(np.sqrt(self.scale * (1 - 1 / self.values.size) * known.var(ddof=1)))
        return error if error > 1e-12 else None

    def around(self, value: float) -> list[float] | None:
        """Compute the 95 % interval around ``value``, by Student's t.

        Examples
        --------
        >>> [round(bound, 3) for bound in Scatter(np.array([0.4, 0.6]), degrees=50).around(0.5)]
        [0.299, 0.701]
        """
        if self.error is None:
            return None
        from scipy.special import stdtrit  # Student's t; imported here, because a query does not need it

        width = float(stdtrit(self.degrees, 0.975)) * self.error
        return [float(value) - width, float(value) + width]

    def chance_of(self, value: float) -> float | None:
        """Compute the two-sided p-value of ``value``, for a true value of 0."""
        if self.error is None:
            return None
        from scipy.special import stdtr

        return float(2 * stdtr(self.degrees, -abs(value) / self.error))

    def minus(self, other: Scatter) -> Scatter:
        """Return the scatter of a difference of two scores in the same smaller collections."""
        return replace(self, values=self.values - other.values, degrees=min(self.degrees, other.degrees))


NOTHING = Scatter(np.zeros(0))
"""The scatter without an interval."""


@dataclass(frozen=True)
class Smaller:
    """Smaller collections of songs, for the scatter of a score over them.

    Attributes
    ----------
    kept : bool array of shape (r, n)
        True for the songs in each collection. There are no collections with fewer than ``MIN_ARTISTS`` artists.
    scale, degrees : float
        As in :class:`Scatter`.
    """

    kept: np.ndarray
    scale: float
    degrees: float

    def scatter(self, values: Sequence[float] | np.ndarray) -> Scatter:
        """Return the scatter of a score over these collections; NaN values are not counted."""
        values = np.asarray(values, dtype=float)
        return Scatter(values, self.scale, max(1.0, min(self.degrees, np.isfinite(values).sum() - 1.0)))


@dataclass(frozen=True)
class Score:
    """A score with its chance value and its scatter.

    Attributes
    ----------
    value : float
        The score, at most 1.
    chance : float
        The expected score of an encoder that knows nothing.
    scatter : Scatter
    spread : float or None
        Standard deviation over clustering seeds, if there are several.
    lowest : float
        The smallest value that the measure can take.
    """

    value: float
    chance: float
    scatter: Scatter
    spread: float | None = None
    lowest: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return this score as plain values for JSON; the interval may be None."""
        within = _within(self.scatter.around(self.value), self.lowest, 1.0)
        values = {"value": float(self.value), "chance": float(self.chance), "interval": within}
        return values if self.spread is None else values | {"spread": float(self.spread)}

    def minus(self, other: Score) -> dict[str, Any]:
        """Compute the difference to another score of the same songs, with its own (paired) interval.

        Returns
        -------
        dict
            ``value``; ``interval``, and ``p``, the p-value of the two-sided t-test. Both are None without an interval:
            if artists are too few, or the difference is the same in all smaller collections.
        """
        difference = float(self.value - other.value)
        scatter = self.scatter.minus(other.scatter)
        within = _within(scatter.around(difference), self.lowest - 1, 1 - other.lowest)
        return {"value": difference, "interval": within, "p": scatter.chance_of(difference)}


def _within(bounds: list[float] | None, lowest: float, highest: float) -> list[float] | None:
    """Clip an interval to the range of the measure."""
    return bounds and [min(max(bound, lowest), highest) for bound in bounds]


def deletions(artists: np.ndarray, *, random_state: int = 0) -> Smaller:
    """Leave out one artist after the other, or one group of artists, if they are more than ``MOST_DELETIONS``.

    Parameters
    ----------
    artists : int array of shape (n,)
        The artist of each song.
    random_state : int
        Seed of the division of artists into groups.
    """
    _, codes = np.unique(artists, return_inverse=True)
    count = int(codes.max()) + 1
    groups = min(count, MOST_DELETIONS)
    if groups < count:
        codes = (np.random.default_rng(random_state).permutation(count) % groups)[codes]
    if count < MIN_ARTISTS:
        groups = 0
    return Smaller(codes != np.arange(groups)[:, None], groups - 1.0, _degrees(artists, groups))


def halves(artists: np.ndarray, *, draws: int = HALVES, random_state: int = 0) -> Smaller:
    """Draw halves of the artists at random.

    Parameters
    ----------
    artists : int array of shape (n,)
        The artist of each song.
    draws : int
        Number of halves.
    random_state : int
        Seed of the draws.
    """
    _, codes = np.unique(artists, return_inverse=True)
    count = int(codes.max()) + 1
    draws = draws if count >= MIN_ARTISTS else 0
    rng = np.random.default_rng(random_state)
    taken = np.array([rng.permutation(count) < count // 2 for _ in range(draws)], bool).reshape(draws, count)
    # The factor (artists kept / artists left out) turns the scatter of halves into that of the whole collection.
    scale = (count // 2) / (count - count // 2) * draws / max(draws - 1, 1)
    return Smaller(taken[:, codes], scale, _degrees(artists, draws))


def _degrees(artists: np.ndarray, collections: int) -> float:
    """Estimate the degrees of freedom of a variance over artists: they are fewer with a few large artists.

    (Sum of sizes)^2 / (sum of squared sizes) is the equivalent number of artists of equal size: the simplest case of
    Carter, Schnepel and Steigerwald, Review of Economics and Statistics 2017.
    """
    sizes = np.unique(artists, return_counts=True)[1].astype(float)
    return float(max(1.0, min(sizes.sum() ** 2 / np.square(sizes).sum(), collections) - 1))


def holm(chances: Sequence[float | None]) -> list[float | None]:
    """Correct the p-values of several comparisons, so that the error of all together is that of one.

    From S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.

    Parameters
    ----------
    chances : sequence of float or None
        The p-value of each comparison; None is not counted.

    Examples
    --------
    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    order = sorted((p, place) for place, p in enumerate(chances) if p is not None)
    corrected: list[float | None] = [None] * len(chances)
    worst = 0.0
    for rank, (p, place) in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - rank) * p))
        corrected[place] = worst
    return corrected
