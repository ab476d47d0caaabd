"""95 % intervals of scores, from their scatter over smaller collections of the same songs.

Songs of one artist are alike, so they are not independent: what is left out is artists, each with all songs. Both ways
leave artists out of the queries, of the candidates, and of what is clustered:

* :func:`deletions` leaves out one artist after the other (the delete-one-group jackknife: Tukey 1958; Efron and Stein,
  Annals of Statistics 1981). It is for scores that change little with an artist, such as shares of right neighbours.
* :func:`halves` takes halves of the artists at random (the delete-d jackknife: Shao and Wu, Annals of Statistics 1989).
  It holds for scores that jump, too: clusters found anew may be other clusters.

A bootstrap, which draws artists with repetition, is neither: repeated songs agree with themselves, and what is scored
with the neighbours and clusters of all songs hardly scatters. Such intervals were too narrow.

Encoders that are scored on the same songs meet the same smaller collections, so that their difference has an interval
of its own. `bench/coverage.py` shows how often the intervals hold what is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

MIN_ARTISTS = 10
"""With fewer artists no interval is given: they do not show how artists differ (Cameron et al., 2008)."""

MOST_DELETIONS = 200
"""Largest number of deletions: more artists are left out in groups."""

HALVES = 50
"""Halves of the artists that a score is taken of anew."""

SURE = 0.05
"""A difference is sure if equally good encoders differ so much less often than this."""


@dataclass(frozen=True)
class Scatter:
    """A score in smaller collections of the same songs.

    Attributes
    ----------
    values : ndarray of shape (r,)
        The score in each, NaN where there is none; empty where no interval can be given.
    scale : float
        The variance of the score, for one of these values.
    degrees : float
        Of freedom that the variance is known with.
    """

    values: np.ndarray
    scale: float = 1.0
    degrees: float = 1.0

    @property
    def error(self) -> float | None:
        """Return the standard error; None where there are no two values, or all are the same."""
        known = self.values[np.isfinite(self.values)]
        if len(known) < 2:
            return None
        # As if there were as many values as collections: of few, the variance is no smaller than of all.
        error = float(np.sqrt(self.scale * (1 - 1 / self.values.size) * known.var(ddof=1)))
        return error if error > 1e-12 else None

    def around(self, value: float) -> list[float] | None:
        """Return the 95 % interval around ``value``: as wide as Student's t makes it.

        Examples
        --------
        >>> [round(bound, 3) for bound in Scatter(np.array([0.4, 0.6]), degrees=50).around(0.5)]
        [0.299, 0.701]
        """
        if self.error is None:
            return None
        from scipy.special import stdtrit  # Student's t; a search for neighbours need not import it

        width = float(stdtrit(self.degrees, 0.975)) * self.error
        return [float(value) - width, float(value) + width]

    def chance_of(self, value: float) -> float | None:
        """Return the p-value: how often a score whose true value is 0 would be as far from it as ``value``."""
        if self.error is None:
            return None
        from scipy.special import stdtr

        return float(2 * stdtr(self.degrees, -abs(value) / self.error))

    def minus(self, other: Scatter) -> Scatter:
        """Return the scatter of a difference; both scores were taken in the same smaller collections."""
        return replace(self, values=self.values - other.values, degrees=min(self.degrees, other.degrees))


NOTHING = Scatter(np.zeros(0))
"""The scatter where no interval can be given."""


@dataclass(frozen=True)
class Smaller:
    """Smaller collections of some songs, and what the scatter of a score over them says.

    Attributes
    ----------
    kept : bool array of shape (r, n)
        Which songs are in each. None at all where there are fewer than ``MIN_ARTISTS`` artists.
    scale, degrees : float
        As of :class:`Scatter`.
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
    """One figure with what is needed to judge it.

    Attributes
    ----------
    value : float
        The score itself, at most 1.
    chance : float
        The expected score of an encoder that knows nothing.
    scatter : Scatter
    spread : float or None
        Standard deviation over clustering seeds, where there are several.
    lowest : float
        The smallest value that the measure can take.
    """

    value: float
    chance: float
    scatter: Scatter
    spread: float | None = None
    lowest: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return this score as plain values for JSON; the interval is None where none can be given."""
        within = _within(self.scatter.around(self.value), self.lowest, 1.0)
        values = {"value": float(self.value), "chance": float(self.chance), "interval": within}
        return values if self.spread is None else values | {"spread": float(self.spread)}

    def minus(self, other: Score) -> dict[str, Any]:
        """Return the difference to another score of the same songs, with its own (paired) interval.

        Returns
        -------
        dict
            ``value``; ``interval``, and ``p``, how often two equally good encoders would differ by so much or more
            (two-sided t-test); both None where no interval can be given: artists are too few, or the difference is
            the same whichever of them are left out.
        """
        difference = float(self.value - other.value)
        scatter = self.scatter.minus(other.scatter)
        within = _within(scatter.around(difference), self.lowest - 1, 1 - other.lowest)
        return {"value": difference, "interval": within, "p": scatter.chance_of(difference)}


def _within(bounds: list[float] | None, lowest: float, highest: float) -> list[float] | None:
    """Clip an interval to the range of the measure."""
    return bounds and [min(max(bound, lowest), highest) for bound in bounds]


def deletions(artists: np.ndarray, *, random_state: int = 0) -> Smaller:
    """Leave out one artist after the other; of more than ``MOST_DELETIONS``, one group of artists after the other.

    Parameters
    ----------
    artists : int array of shape (n,)
        The artist of each song.
    random_state : int
        Deals artists into groups.
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
    """Take halves of the artists at random.

    Parameters
    ----------
    artists : int array of shape (n,)
        The artist of each song.
    draws : int
        Number of halves.
    random_state : int
        Equal numbers give equal halves.
    """
    _, codes = np.unique(artists, return_inverse=True)
    count = int(codes.max()) + 1
    draws = draws if count >= MIN_ARTISTS else 0
    rng = np.random.default_rng(random_state)
    taken = np.array([rng.permutation(count) < count // 2 for _ in range(draws)], bool).reshape(draws, count)
    # What is left out of a half scatters it: (songs kept / songs left out) brings that to the scatter of the whole.
    scale = (count // 2) / (count - count // 2) * draws / max(draws - 1, 1)
    return Smaller(taken[:, codes], scale, _degrees(artists, draws))


def _degrees(artists: np.ndarray, collections: int) -> float:
    """Estimate the degrees of freedom of a variance over artists: fewer with a few large ones among small ones.

    (Sum of sizes)^2 / (sum of squared sizes) is the number of artists of equal size that would be as informative: the
    simplest case of Carter, Schnepel and Steigerwald, Review of Economics and Statistics 2017.
    """
    sizes = np.unique(artists, return_counts=True)[1].astype(float)
    return float(max(1.0, min(sizes.sum() ** 2 / np.square(sizes).sum(), collections) - 1))


def holm(chances: Sequence[float | None]) -> list[float | None]:
    """Correct the p-values of several comparisons, so that all of them together are wrong as rarely as one.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.

    Parameters
    ----------
    chances : sequence of float or None
        The p-value of each comparison; None where there is none, and it is not counted then.

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
