"""Which pieces of which songs a contrastive step compares."""

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
    ) -> None:
        self.rows = rows
        self.by_song = np.argsort(songs, kind="stable")
        self.counts = np.bincount(songs)
        self.first = np.cumsum(self.counts) - self.counts
        count = len(self.counts)
        self.pick = epochs(count, batch_size, seed=seed)
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
