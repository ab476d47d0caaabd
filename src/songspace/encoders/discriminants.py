"""Linear discriminants with songs as classes: in which directions songs differ, and segments of one song do not.

What differs between the segments of a song (a verse is louder than a bridge) is of no interest when songs are compared.
The numbers are turned and scaled until that scatter is the same in all directions, and the directions in which most is
left are kept. No label is involved: that segments belong together is all that is known, as in relevant component
analysis (A. Bar-Hillel et al., "Learning distance functions using equivalence relations", ICML 2003) and in the
compensation of channels by which speakers are compared (N. Dehak et al., "Front-end factor analysis for speaker
verification", IEEE TASLP 19, 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from sklearn.covariance import ledoit_wolf_shrinkage


@dataclass(frozen=True)
class Discriminants:
    """A linear map, from :func:`fit`.

    Attributes
    ----------
    mean : ndarray of shape (d,), float32
    directions : ndarray of shape (d, k), float32
        By falling scatter.
    """

    mean: np.ndarray
    directions: np.ndarray

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Map numbers (n, d) to discriminants (n, k)."""
        mapped: np.ndarray = (numbers - self.mean) @ self.directions
        return mapped


def fit(blocks: Sequence[np.ndarray], songs: np.ndarray, n_components: int) -> Discriminants:
    """Find the discriminants of segments that are described by several blocks of numbers.

    Parameters
    ----------
    blocks : sequence of arrays of shape (n, d_i)
        A block counts as a whole, whatever its unit and however many numbers it has: each is scaled to the same
        scatter of songs (block scaling; Westerhuis et al., Journal of Chemometrics 12, 1998).
    songs : int array of shape (n,)
        The song of each row, from 0 without gaps.
    n_components : int
        Directions to keep; fewer come back if there are not so many rows or numbers.

    Returns
    -------
    Discriminants
        Of the blocks side by side. The scatter within songs is estimated with the shrinkage of O. Ledoit and M. Wolf
        (Journal of Multivariate Analysis 88, 2004), so that it may have fewer rows than numbers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> songs = np.repeat(np.arange(50), 4)
    >>> tells, misleads = rng.normal(size=50)[songs], 5 * rng.normal(size=200)
    >>> X = np.stack([tells + 0.1 * rng.normal(size=200), misleads], axis=1)
    >>> found = fit([X], songs, n_components=1)(X)[:, 0]
    >>> bool(abs(np.corrcoef(found, tells)[0, 1]) > 0.95)
    True
    """
    numbers = np.concatenate(blocks, axis=1, dtype=np.float64)
    mean = numbers.mean(axis=0)
    numbers -= mean
    counts = np.bincount(songs)
    middles = _means(numbers, songs, counts)
    scale, start = np.ones(numbers.shape[1]), 0
    for block in blocks:
        part = slice(start, start + block.shape[1])
        scale[part] /= np.sqrt(np.square(middles[:, part]).sum(axis=1).mean()) or 1.0
        start = part.stop
    numbers *= scale
    middles *= scale
    whiten = scale[:, None] * _whitening(numbers, numbers - middles[songs])
    scatter = (numbers / scale) @ whiten
    kept = min(n_components, numbers.shape[1], max(1, len(numbers) - 1))
    _, turn = linalg.eigh(scatter.T @ scatter)
    directions = whiten @ turn[:, ::-1][:, :kept]
    return Discriminants(mean.astype(np.float32), np.ascontiguousarray(directions, np.float32))


def _means(numbers: np.ndarray, songs: np.ndarray, counts: np.ndarray) -> np.ndarray:
    sums = np.zeros((len(counts), numbers.shape[1]))
    np.add.at(sums, songs, numbers)
    return sums / counts[:, None]


def _whitening(numbers: np.ndarray, within: np.ndarray) -> np.ndarray:
    """The matrix that makes the scatter within songs the same in all directions."""
    if np.square(within).sum() <= np.finfo(np.float32).eps ** 2 * np.square(numbers).sum():
        return np.eye(numbers.shape[1])  # songs of one segment, or of equal ones, say nothing of it
    shrinkage = ledoit_wolf_shrinkage(within, assume_centered=True)
    covariance = within.T @ within / len(within)
    values, vectors = linalg.eigh(covariance)
    values = (1 - shrinkage) * np.maximum(values, 0) + shrinkage * values.mean()
    solid = values > np.finfo(np.float32).eps * values[-1]
    whitening: np.ndarray = np.where(solid, vectors / np.sqrt(np.where(solid, values, 1)), 0)
    return whitening
