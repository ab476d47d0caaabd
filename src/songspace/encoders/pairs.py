"""Which pieces of which songs a contrastive step compares, and by whom those songs are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from songspace.encoders.training import epochs


@dataclass(frozen=True)
class Crops:
    """The batch of a step.

    Attributes
    ----------
    songs : ndarray of shape (n,)
        Numbers of the songs, each once.
    decibels : ndarray of shape (2 * n, bands, frames), float32
        A piece of each song, then another piece of each.
    """

    songs: np.ndarray
    decibels: np.ndarray

    def __len__(self) -> int:
        return len(self.decibels)


SONGS_OF_AN_ARTIST = 2
"""In a batch, at most: as many artists as possible, and songs of each that attract each other."""


def by_artists(artists: np.ndarray, size: int, *, seed: int) -> Callable[[int], np.ndarray]:
    """Songs for batches in which artists have several: of a large library hardly two songs of a batch would be by one.

    An artist is drawn with a chance that grows with the square root of the number of their songs: artists with many
    songs do not fill every batch, and their songs are not drawn too rarely either (A. Conneau and G. Lample,
    "Cross-lingual language model pretraining", arXiv 1901.07291, draw languages in this way).

    Parameters
    ----------
    artists : int array of shape (songs,)
        The artist of each song.
    size : int
        Songs in a batch; all of them if there are fewer.
    seed : int

    Returns
    -------
    callable
        The songs of a step, each once, as a pure function of its number.

    Examples
    --------
    >>> pick = by_artists(np.array([0, 0, 0, 1, 1, 2]), 4, seed=0)
    >>> len(set(pick(0).tolist())), bool((pick(7) == pick(7)).all())
    (4, True)
    """
    songs = len(artists)
    counts = np.bincount(artists)
    shares = np.log(np.maximum(counts, 1)) / 2

    def pick(step: int) -> np.ndarray:
        draw = np.random.default_rng([seed, 2, step])
        # Sorted by the logarithm of their share plus Gumbel noise, artists are drawn without putting any back.
        order = np.argsort(np.argsort(-(shares + draw.gumbel(size=len(counts)))))
        shuffled = draw.permutation(songs)
        turns = _turns(artists[shuffled])
        # First two songs of each artist, in the order of the artists; those that are left over fill small libraries.
        first = np.lexsort((turns, order[artists[shuffled]], turns // SONGS_OF_AN_ARTIST))
        return shuffled[first[: min(size, songs)]]

    return pick


def _turns(artists: np.ndarray) -> np.ndarray:
    """How many songs by its artist stand before each."""
    order = np.argsort(artists, kind="stable")
    counts = np.bincount(artists)
    turns = np.empty(len(artists), int)
    turns[order] = np.arange(len(artists)) - np.repeat(np.cumsum(counts) - counts, counts)
    return turns


class Pairs:
    """Batches of two crops of each of some songs, no song twice.

    Two different segments of a song where it has two; otherwise two crops of its only segment, one
    from its beginning and one from its end.

    Parameters
    ----------
    rows : callable
        Float spectrograms of an array of row numbers.
    songs : ndarray of shape (n,)
        The song of each row, from 0 without gaps.
    frames, crop : int
        Length of a spectrogram, and of what is cut from it.
    batch_size : int
        Songs in a batch; all of them if there are fewer.
    seed : int
        With the step, the source of all choices.
    artists : int array of shape (songs,), optional
        The artist of each song; with them, batches are those of :func:`by_artists`.
    """

    def __init__(
        self,
        rows: Callable[[np.ndarray], np.ndarray],
        songs: np.ndarray,
        *,
        frames: int,
        crop: int,
        batch_size: int,
        seed: int,
        artists: np.ndarray | None = None,
    ) -> None:
        self.rows = rows
        self.by_song = np.argsort(songs, kind="stable")
        self.counts = np.bincount(songs)
        self.first = np.cumsum(self.counts) - self.counts
        count = len(self.counts)
        self.pick = (
            epochs(count, batch_size, seed=seed) if artists is None else by_artists(artists, batch_size, seed=seed)
        )
        self.crop = min(crop, frames)
        self.slack = frames - self.crop
        self.seed = seed

    def __call__(self, step: int) -> Crops:
        """The crops of a step: all first ones, then all second ones."""
        draw = np.random.default_rng([self.seed, 1, step])
        songs = self.pick(step)
        counts = self.counts[songs]
        one = draw.integers(counts)
        other = (one + 1 + draw.integers(np.maximum(counts - 1, 1))) % counts
        rows = self.by_song[np.concatenate([self.first[songs] + one, self.first[songs] + other])]

        starts = draw.integers(self.slack + 1, size=(2, len(songs)))
        quarters = draw.integers(self.slack // 4 + 1, size=(2, len(songs)))
        quarters[1] = self.slack - quarters[1]
        starts = np.where(one == other, quarters, starts).ravel()
        crops = np.lib.stride_tricks.sliding_window_view(self.rows(rows), self.crop, axis=2)
        return Crops(songs, crops[np.arange(len(rows)), :, starts])
