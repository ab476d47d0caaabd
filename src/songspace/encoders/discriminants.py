"""Linear discriminants taught by songs and artists: where songs differ, and those of one artist differ less.

How the segments of a song differ (a verse is louder than a bridge), and how the songs of an artist do, is of less
interest when songs are compared. Numbers are turned and scaled until that scatter is the same in all directions, and
the directions in which songs differ most are kept. All that is known is which segments belong to one song, and which
songs to one artist.

Speakers are compared in this way (A. Hatch et al., "Within-class covariance normalization for SVM-based speaker
recognition", Interspeech 2006; A. Bar-Hillel et al., "Learning distance functions using equivalence relations", ICML
2003). Artists teach musical similarity without any label of genre (J. Park et al., "Representation learning of music
using artist labels", ISMIR 2018).

A library has hundreds of songs, and a song has a thousand numbers here. The scatter of artists' songs, taken as it
is, would make one point of each artist. So it only corrects what is expected before any artist is seen: half of that
is the scatter within songs, which ten times as many rows tell, and half is the same in all directions. The
expectation counts as much as one song for each number: the mean of an inverse Wishart prior (L. Haff, "Empirical
Bayes estimation of the multivariate normal covariance matrix", Annals of Statistics 8, 1980). With it, artists whom
the map was learnt from lie about as close to themselves as others do, in libraries of all sizes
(``bench/learning.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

ROWS = 1024
"""Rows that are worked on at a time."""

UNKNOWN = -1
"""The artist of songs whose artist is not known."""

SAMPLED = 1000
"""Songs that a map is found by, at most: some seconds, and 50 MB for a thousand numbers."""


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

    def each(self, rows: np.ndarray) -> np.ndarray:
        """Do the same row by row: a product of matrices rounds a row by where it stands among the others."""
        return np.stack([self(row) for row in rows])

    @classmethod
    def restored(cls, arrays: Mapping[str, np.ndarray], numbers: int | None = None) -> Discriminants:
        """Return a map that was saved, checked to take as many numbers as there are.

        Raises
        ------
        ValueError
            If it is one of others, as of another version, or none.
        """
        loaded = cls(**arrays)
        d = len(loaded.mean) if numbers is None else numbers
        if loaded.mean.shape != (d,) or loaded.directions.ndim != 2 or len(loaded.directions) != d:
            raise ValueError(f"its map takes {loaded.mean.size} numbers, and there are {d} here")
        return loaded


def sampled(songs: int) -> np.ndarray:
    """Return the songs by which a map is found, of the given number of songs."""
    return np.unique(np.linspace(0, songs - 1, min(SAMPLED, songs)).round().astype(int))


def fit(
    blocks: Sequence[np.ndarray], songs: np.ndarray, n_components: int, *, artists: np.ndarray | None = None
) -> Discriminants:
    """Find the discriminants of segments that are described by several blocks of numbers.

    Parameters
    ----------
    blocks : sequence of arrays of shape (n, d_i)
        A block counts as a whole, whatever its unit and however many numbers it has: each number is brought to the
        same scatter of songs, and then each block (block scaling; Westerhuis et al., Journal of Chemometrics 12, 1998).
    songs : int array of shape (n,)
        The song of each row, from 0 without gaps. Every song counts the same, however many rows it has.
    n_components : int
        Directions to keep; fewer come back where songs or numbers are fewer.
    artists : int array of shape (songs,), optional
        The artist of each song; :data:`UNKNOWN`, or an artist of one song, teaches nothing but how songs differ. If not
        given, songs alone teach.

    Returns
    -------
    Discriminants
        Of the blocks side by side.

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
    # A thousand songs have ten million numbers here: they are gone through a part at a time, and never copied whole.
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
    """Do as :func:`fit` does, where the rows of the blocks come in parts."""
    blocks: list[np.ndarray] = []
    start = 0
    for part in parts:
        blocks = blocks or [np.empty((len(songs), each.shape[1]), each.dtype) for each in part]
        for block, each in zip(blocks, part, strict=True):
            block[start : start + len(each)] = each
        start += len(part[0])
    return fit(blocks, songs, n_components, artists=artists)


def within(middles: np.ndarray, segments: np.ndarray, artists: np.ndarray | None) -> np.ndarray:
    """Compute the scatter to be expected between songs that sound alike to who made them.

    Parameters
    ----------
    middles : ndarray of shape (songs, d)
        The mean of each song's segments.
    segments : ndarray of shape (d, d)
        The scatter of segments about their song's mean, to any scale.
    artists : int array of shape (songs,), or None

    Returns
    -------
    ndarray of shape (d, d)
        Its trace is 1.
    """
    d = len(segments)
    expected = np.eye(d) / d
    if (trace := np.trace(segments)) > np.finfo(np.float32).eps ** 2 * max(np.square(middles).sum(), 1e-300):
        expected = (expected + segments / trace) / 2  # songs of one segment say nothing of the scatter within
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
    """Compute a factor for each number: blocks of standard deviation 1, shared among their numbers."""
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
    """Compute the symmetric matrix that makes a scatter the same in all directions."""
    values, vectors = linalg.eigh(scatter, driver="evd")  # the usual one fails where ranks are low
    solid = values > np.finfo(np.float32).eps * values[-1]
    whitening: np.ndarray = np.where(solid, vectors / np.sqrt(np.where(solid, values, 1)), 0) @ vectors.T
    return whitening
