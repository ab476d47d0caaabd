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

ROWS = 1024
"""Rows that are worked on at a time."""


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
    # A thousand songs have ten million numbers here: they are gone through a part at a time, and never copied whole.
    parts = np.array_split(np.arange(len(songs)), -(-len(songs) // ROWS))
    mean = np.sum([_beside(blocks, rows).sum(axis=0) for rows in parts], axis=0) / len(songs)
    middles = np.zeros((songs.max() + 1, len(mean)))
    for rows in parts:
        np.add.at(middles, songs[rows], _beside(blocks, rows) - mean)
    middles /= np.bincount(songs)[:, None]
    scale, start = np.ones(len(mean)), 0
    for block in blocks:
        part = slice(start, start + block.shape[1])
        scale[part] /= np.sqrt(np.square(middles[:, part]).sum(axis=1).mean()) or 1.0
        start = part.stop
    all_of_it, within, fourth = np.zeros((len(mean), len(mean))), np.zeros((len(mean), len(mean))), 0.0
    for rows in parts:
        numbers = (_beside(blocks, rows) - mean) * scale
        all_of_it += numbers.T @ numbers
        numbers -= middles[songs[rows]] * scale
        within += numbers.T @ numbers
        fourth += np.square(np.einsum("ij,ij->i", numbers, numbers)).sum()
    if np.trace(within) <= np.finfo(np.float32).eps ** 2 * np.trace(all_of_it):
        whiten = np.eye(len(mean))  # songs of one segment, or of equal ones, say nothing of the scatter within
    else:
        whiten = _whitening(within / len(songs), shrinkage(within / len(songs), fourth / len(songs), len(songs)))
    kept = min(n_components, len(mean), max(1, len(songs) - 1))
    _, turn = linalg.eigh(whiten.T @ all_of_it @ whiten)
    directions = scale[:, None] * (whiten @ turn[:, ::-1][:, :kept])
    return Discriminants(mean.astype(np.float32), np.ascontiguousarray(directions, np.float32))


def _beside(blocks: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Some rows of the blocks side by side, float64."""
    numbers: np.ndarray = np.concatenate([block[rows] for block in blocks], axis=1, dtype=np.float64)
    return numbers


def shrinkage(covariance: np.ndarray, fourth: float, n: int) -> float:
    """How far a covariance should be drawn towards a multiple of the identity (Ledoit and Wolf), 0 to 1.

    Parameters
    ----------
    covariance : ndarray of shape (d, d)
        The mean over n rows of the products of a row, whose mean is 0, with itself.
    fourth : float
        The mean over the rows of the fourth power of their lengths.
    n : int

    Examples
    --------
    >>> from sklearn.covariance import ledoit_wolf_shrinkage
    >>> X = np.random.default_rng(0).normal(size=(20, 5))
    >>> found = shrinkage(X.T @ X / 20, np.mean(np.square(X).sum(axis=1) ** 2), 20)
    >>> bool(np.isclose(found, ledoit_wolf_shrinkage(X, assume_centered=True)))
    True
    """
    squares = float(np.vdot(covariance, covariance))
    spread = squares - float(np.trace(covariance)) ** 2 / len(covariance)  # of the eigenvalues about their mean
    noise = (fourth - squares) / n
    return min(noise, spread) / spread if spread > 0 else 0.0


def _whitening(covariance: np.ndarray, shrunk: float) -> np.ndarray:
    """The matrix that makes the scatter within songs the same in all directions."""
    values, vectors = linalg.eigh(covariance)
    values = (1 - shrunk) * np.maximum(values, 0) + shrunk * values.mean()
    solid = values > np.finfo(np.float32).eps * values[-1]
    whitening: np.ndarray = np.where(solid, vectors / np.sqrt(np.where(solid, values, 1)), 0)
    return whitening
