"""Linear discriminants learnt from songs and artists: directions in which songs differ, and those of an artist less.

The differences between the segments of a song (a verse is louder than a bridge) and between the songs of an artist
matter less when songs are compared. The numbers are rotated and scaled until this scatter is the same in all
directions; then the directions in which songs differ most are kept. Only two facts are known: the song of each segment,
and the artist of each song.

Speakers are compared in this way (A. Hatch et al., "Within-class covariance normalization for SVM-based speaker
recognition", Interspeech 2006; A. Bar-Hillel et al., "Learning distance functions using equivalence relations", ICML
2003). Artists teach musical similarity without any label of genre (J. Park et al., "Representation learning of music
using artist labels", ISMIR 2018).

A library has hundreds of songs, and a song has a thousand numbers here. The scatter of the artists' songs alone would
map each artist to one point. It therefore only corrects an expectation: half of that is the scatter within songs, which
is estimated from ten times as many rows, and half is the same in all directions. The expectation counts as much as one
song for each number: it is the mean of an inverse Wishart prior (L. Haff, "Empirical Bayes estimation of the
multivariate normal covariance matrix", Annals of Statistics 8, 1980). Then artists from whom the map was learnt lie
about as close to themselves as other artists do, in libraries of all sizes (``bench/learning.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from songspace.encoders.base import spread

ROWS = 1024
"""Rows that are processed at a time."""

UNKNOWN = -1
"""Number that stands for an unknown artist."""

SAMPLED = 1000
"""The most songs that a map is learnt from: some seconds, and 50 MB for a thousand numbers."""


@dataclass(frozen=True)
class Discriminants:
    """A linear map, from :func:`fit`.

    Attributes
    ----------
    mean : ndarray of shape (d,), float32
    directions : ndarray of shape (d, k), float32
        Sorted by falling scatter.
    """

    mean: np.ndarray
    directions: np.ndarray

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Map numbers (n, d) to discriminants (n, k)."""
        mapped: np.ndarray = (numbers - self.mean) @ self.directions
        return mapped

    def each(self, rows: np.ndarray) -> np.ndarray:
        """Map numbers row by row: a product of matrices rounds a row by its place among the others."""
        return np.stack([self(row) for row in rows])

    @classmethod
    def restored(cls, arrays: Mapping[str, np.ndarray], numbers: int | None = None) -> Discriminants:
        """Return a saved map, checked to take ``numbers`` numbers.

        Raises
        ------
        ValueError
            If it takes another number (as a map of another version may), or its arrays do not fit together.
        """
        loaded = cls(**arrays)
        d = len(loaded.mean) if numbers is None else numbers
        if loaded.mean.shape != (d,) or loaded.directions.ndim != 2 or len(loaded.directions) != d:
            raise ValueError(f"its map takes {loaded.mean.size} numbers, and there are {d} here")
        return loaded


def sampled(songs: int) -> np.ndarray:
    """Return the songs that a map is learnt from, at most :data:`SAMPLED`, out of a number of songs."""
    return spread(songs, SAMPLED)


def fit(
    blocks: Sequence[np.ndarray], songs: np.ndarray, n_components: int, *, artists: np.ndarray | None = None
) -> Discriminants:
    """Compute the discriminants of segments that are described by several blocks of numbers.

    Parameters
    ----------
    blocks : sequence of arrays of shape (n, d_i)
        All blocks count the same: each number is brought to the same scatter of songs, and then each block (block
        scaling; Westerhuis et al., Journal of Chemometrics 12, 1998).
    songs : int array of shape (n,)
        The song of each row, from 0 without gaps. All songs count the same, with few or many rows.
    n_components : int
        Directions to keep; fewer if songs or numbers are fewer.
    artists : int array of shape (songs,), optional
        The artist of each song. Songs of an unknown artist (:data:`UNKNOWN`) or of an artist with one song only show
        how songs differ. If not given, the map is learnt from songs alone.

    Returns
    -------
    Discriminants
        The map of all blocks side by side.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> songs = np.repeat(np.arange(50), 4)
    >>> tells, misleads = rng.normal(size=50)[songs], 5 * rng.normal(size=200)
    >>> X = np.stack([tells + 0.1 * rng.normal(size=200), misleads], axis=1)
    >>> first = fit([X], songs, n_components=1)(X)[:, 0]
    >>> bool(abs(np.corrcoef(first, tells)[0, 1]) > 0.95)
    True
    """
    # A thousand songs have ten million numbers here: they are processed in parts, and never copied as a whole.
    parts = np.array_split(np.arange(len(songs)), -(-len(songs) // ROWS))
    middles = np.zeros((songs.max() + 1, sum(block.shape[1] for block in blocks)))
    for rows in parts:
        np.add.at(middles, songs[rows], _beside(blocks, rows))
    middles /= np.bincount(songs)[:, None]
    scale = _scale(middles, [block.shape[1] for block in blocks])
    mean = middles.mean(axis=0)
    segments = np.zeros((len(mean), len(mean)))
    for rows in parts:
        apart = (_beside(blocks, rows) - middles[songs[rows]]) * scale
        segments += apart.T @ apart
    middles = (middles - mean) * scale
    whiten = _whitening(within(middles, segments, artists))
    kept = min(n_components, len(mean), max(1, len(middles) - 1))
    _, _, turn = linalg.svd(middles @ whiten, full_matrices=False, lapack_driver="gesvd")
    directions = scale[:, None] * (whiten @ turn[:kept].T)
    return Discriminants(mean.astype(np.float32), np.ascontiguousarray(directions, np.float32))


def fit_parts(
    parts: Iterable[Sequence[np.ndarray]], songs: np.ndarray, n_components: int, *, artists: np.ndarray | None = None
) -> Discriminants:
    """Compute the discriminants as :func:`fit` does, from an iterable of parts of the rows of the blocks."""
    blocks: list[np.ndarray] = []
    start = 0
    for part in parts:
        blocks = blocks or [np.empty((len(songs), each.shape[1]), each.dtype) for each in part]
        for block, each in zip(blocks, part, strict=True):
            block[start : start + len(each)] = each
        start += len(part[0])
    return fit(blocks, songs, n_components, artists=artists)


def within(middles: np.ndarray, segments: np.ndarray, artists: np.ndarray | None) -> np.ndarray:
    """Compute the expected scatter between songs of one artist.

    Parameters
    ----------
    middles : ndarray of shape (songs, d)
        The mean of each song's segments.
    segments : ndarray of shape (d, d)
        The scatter of segments about the mean of their song, in any unit.
    artists : int array of shape (songs,), or None

    Returns
    -------
    ndarray of shape (d, d)
        Scatter with trace 1.
    """
    d = len(segments)
    expected = np.eye(d) / d
    if (trace := np.trace(segments)) > np.finfo(np.float32).eps ** 2 * max(np.square(middles).sum(), 1e-300):
        expected = (expected + segments / trace) / 2  # songs of one segment have no scatter within
    if artists is None:
        return expected
    known = artists != UNKNOWN
    codes = np.unique(artists[known], return_inverse=True)[1]
    counts = np.bincount(codes)
    apart = middles[known]
    sums = np.zeros((len(counts), d))
    np.add.at(sums, codes, apart)
    apart = apart - (sums / np.maximum(counts, 1)[:, None])[codes]
    observed = int(np.maximum(counts - 1, 0).sum())
    scatter = apart.T @ apart
    if not observed or np.trace(scatter) <= 0:
        return expected
    return (observed * scatter / np.trace(scatter) + d * expected) / (observed + d)


def _scale(middles: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Compute a factor for each number that brings each block as a whole to standard deviation 1."""
    deviation = middles.std(axis=0)
    solid = deviation > 1e-6 * np.maximum(1e-300, np.abs(middles).max(axis=0))
    shares = np.repeat(np.sqrt(sizes), sizes)
    scale: np.ndarray = np.where(solid, 1 / (np.where(solid, deviation, 1) * shares), 0)
    return scale


def _beside(blocks: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Return some rows of the blocks side by side, float64."""
    numbers: np.ndarray = np.concatenate([block[rows] for block in blocks], axis=1, dtype=np.float64)
    return numbers


def _whitening(scatter: np.ndarray) -> np.ndarray:
    """Compute the symmetric matrix that makes a scatter equal in all directions."""
    values, vectors = linalg.eigh(scatter, driver="evd")  # the default driver fails on matrices of low rank
    solid = values > np.finfo(np.float32).eps * values[-1]
    whitening: np.ndarray = np.where(solid, vectors / np.sqrt(np.where(solid, values, 1)), 0) @ vectors.T
    return whitening
