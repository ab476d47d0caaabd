"""Mutual proximity: the nearness of two songs as seen from both, so that no song is a neighbour of too many.

In many dimensions some songs, the *hubs*, are among the nearest of far too many others, and some are among the nearest
of none: :func:`has_hubs`. Mutual proximity (Schnitzer, Flexer, Schedl & Widmer, JMLR 2012) of two songs is the product
of two shares: of the songs that are farther from the first than the second is, and of those that are farther from the
second than the first is. It is large only if both songs are near by their own standards. Here it is computed from
normal distributions, assumed independent, of *squared* distances (on unit vectors, twice the cosine distance). Their
mean and deviation follow from sums over the library, exactly and in one pass, for any number of songs.

The module computes one minus that product, the :func:`remoteness` of two songs: 0 at one point, nearly 1 far apart. It
ranks songs; it is no metric, and does not replace the distance.

It is used only in spaces with hubs. There it reaches songs that no list contained, with equally good or better
neighbours. In learnt spaces of real music without hubs it would lose one neighbour of the same genre in a hundred;
local scaling, NICDM and CSLS would lose more (``bench/hubness.py``).
"""

from __future__ import annotations

from functools import cache

import numpy as np

MANY_HUBS = 1.0
"""Skewness of the 10-occurrence above which a space has hubs: a "highly skewed" distribution (Bulmer 1979)."""

NEIGHBORS = 10
"""Length of the lists of neighbours for that skewness."""

LEAST_DEVIATION = 1e-3
"""Least deviation of squared distances: if all are equal, rounding errors must not decide."""

WIDEST = 2048
"""The most numbers of a vector for which sums over all songs fit in memory; only plain spectrograms have more."""

SAMPLE = 4096
"""Songs in the sample for computations with pairs."""

_BLOCK = 1 << 16  # numbers computed at a time: intermediate results stay in the processor's cache

# Chebyshev fit of the complementary error function (Press et al., Numerical Recipes), the highest power first.
_FIT = (0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368)


def has_hubs(vectors: np.ndarray) -> bool:
    """Return True if some songs are among the nearest, by distance, of far more others than most songs are.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Of more than :data:`SAMPLE` songs, only a fixed sample is used.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [has_hubs(rng.normal(size=(400, d))) for d in (3, 300)]
    [False, True]
    """
    if len(vectors) < 2:
        return False
    vectors = vectors[_sample(len(vectors))]
    squares = np.einsum("ij,ij->i", vectors, vectors)
    k, size = min(NEIGHBORS, len(vectors) - 1), max(1, 8 * _BLOCK // len(vectors))
    occurrence = np.zeros(len(vectors), np.int64)
    for start in range(0, len(vectors), size):
        apart = squares - 2 * (vectors[start : start + size] @ vectors.T)
        np.fill_diagonal(apart[:, start:], np.inf)
        occurrence += np.bincount(np.argpartition(apart, k - 1)[:, :k].ravel(), minlength=len(vectors))
    return skewness(occurrence) > MANY_HUBS


def skewness(values: np.ndarray) -> float:
    """Compute the third standardised moment; 0 if all values are equal.

    Examples
    --------
    >>> round(skewness(np.array([1, 1, 1, 5])), 3)
    1.155
    """
    deviations = values - values.mean()
    variance = np.mean(deviations**2)
    return float(np.mean(deviations**3) / variance**1.5) if variance > 0 else 0.0


def moments(vectors: np.ndarray) -> np.ndarray:
    """Compute the mean and the standard deviation of the squared distances of each song to all others.

    Parameters
    ----------
    vectors : array of shape (n, d)

    Returns
    -------
    ndarray of shape (n, 2), float32
        The deviation is at least :data:`LEAST_DEVIATION`. With more than :data:`WIDEST` dimensions, the others are a
        fixed sample of :data:`SAMPLE` songs.

    Examples
    --------
    >>> moments(np.array([[0.0], [1.0], [3.0]])).tolist()
    [[5.0, 4.0], [2.5, 1.5], [6.5, 2.5]]
    """
    n, d = vectors.shape
    others = _sample(n) if d > WIDEST else np.arange(n)
    sums = _sums_of_pairs(vectors, others) if d > WIDEST else _sums_at_once(vectors)
    count = len(others) - np.isin(np.arange(n), others)  # a song itself, at distance 0, does not count
    mean, square = sums / np.maximum(count, 1)
    deviation = np.sqrt(np.maximum(square - mean**2, LEAST_DEVIATION**2))
    return np.stack([mean, deviation], axis=1).astype(np.float32)


def _sample(n: int) -> np.ndarray:
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, SAMPLE, replace=False))


def _sums_at_once(vectors: np.ndarray) -> np.ndarray:
    """Compute the sums (2, n) of squared distances and of their squares, over all songs, without a loop over pairs.

    A squared distance is u.w with u = (v, |v|², 1) of the one and w = (-2v, 1, |v|²) of the other song. The sum over
    all others is u.(sum of w), and the sum of the squares is u.(sum of the products of w with itself).u
    """
    n, d = vectors.shape
    total, products = np.zeros(d + 2), np.zeros((d + 2, d + 2))
    starts = range(0, n, max(1, 8 * _BLOCK // d))

    def block(start: int) -> tuple[np.ndarray, np.ndarray]:
        some = vectors[start : start + starts.step].astype(np.float64)
        squares, one = np.einsum("ij,ij->i", some, some)[:, None], np.ones((len(some), 1))
        return np.hstack([some, squares, one]), np.hstack([-2 * some, one, squares])

    for start in starts:
        _, w = block(start)
        total += w.sum(axis=0)
        products += w.T @ w
    sums = np.empty((2, n))
    for start in starts:
        u, _ = block(start)
        sums[:, start : start + len(u)] = u @ total, np.einsum("ij,ij->i", u @ products, u)
    return sums


def _sums_of_pairs(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compute the same sums over a sample of songs, pair by pair."""
    few = vectors[others]
    own, squares = (np.einsum("ij,ij->i", some, some, dtype=np.float64) for some in (vectors, few))
    sums = np.empty((2, len(vectors)))
    for start in range(0, len(vectors), max(1, 8 * _BLOCK // len(few))):
        rows = slice(start, start + max(1, 8 * _BLOCK // len(few)))
        squared = np.maximum(own[rows, None] + squares - 2.0 * (vectors[rows] @ few.T), 0)
        sums[:, rows] = squared.sum(axis=1), (squared**2).sum(axis=1)
    return sums


def moments_of(squared: np.ndarray) -> np.ndarray:
    """Compute the two moments of a point outside the library, from its squared distances to all songs."""
    return np.array([squared.mean(dtype=np.float64), max(squared.std(dtype=np.float64), LEAST_DEVIATION)])


def remoteness(squared: np.ndarray, own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Compute one minus the mutual proximity of one song and others.

    Parameters
    ----------
    squared : array of shape (m,)
        Squared distances of the song to the others.
    own : array of shape (2,)
        :func:`moments` of the song.
    theirs : array of shape (m, 2)
        Moments of the others.

    Returns
    -------
    ndarray of shape (m,), float64
        0 to 1, the smallest for the nearest song; always 0 at distance 0. Relative errors stay below 3e-7 (NumPy has no
        error function), and are too smooth to change the order of songs with equal moments.

    Examples
    --------
    >>> remoteness(np.array([0.0, 1.0, 2.0]), np.array([2.0, 0.5]), np.array([[2.0, 0.5]] * 3)).round(4).tolist()
    [0.0, 0.045, 0.75]
    """
    p, q = (_normal((squared - mean) / deviation) for mean, deviation in (own, (theirs[:, 0], theirs[:, 1])))
    remote: np.ndarray = p + q - p * q
    remote[squared == 0] = 0
    return remote


def farness(squared: np.ndarray, own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Compute the larger one of the two standardised distances of songs and one song, in deviations.

    The remoteness of a song is at least the share of a normal distribution below that: see :func:`reach`. Deviations
    are compared without an error function.

    Parameters
    ----------
    squared, own
        As for :func:`remoteness`.
    theirs : array of shape (2, m)
        As there, but transposed, so that means and deviations are contiguous: this is computed for all songs.
    """
    by_them = squared - theirs[0]
    by_them /= theirs[1]
    by_one = squared - own[0]
    by_one /= own[1]
    far: np.ndarray = np.maximum(by_them, by_one, out=by_one)
    return far


def reach(remoteness: float) -> float:
    """Return a :func:`farness` above which every song has a larger remoteness than the given one, despite rounding.

    Examples
    --------
    >>> reach(0.5), reach(1.0)
    (0.015625, inf)
    """
    steps, shares = _steps()
    place = int(np.searchsorted(shares, remoteness * (1 + 1e-6), side="right"))
    return float(steps[place]) if place < len(steps) else np.inf


@cache
def _steps() -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(-38, 8, 1 / 64)
    return steps, _normal(steps)


def _normal(z: np.ndarray) -> np.ndarray:
    """Compute the share of a normal distribution below ``z`` deviations from its mean."""
    x = np.abs(z) / np.sqrt(2)
    t = 1 / (1 + 0.5 * x)
    fit = np.zeros_like(t)
    for coefficient in _FIT:
        fit = fit * t + coefficient
    tail = 0.5 * t * np.exp(fit * t - x * x - 1.26551223)
    return np.where(z > 0, 1 - tail, tail)
