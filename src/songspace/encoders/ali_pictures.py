"""What a game is played with: rows of spectrograms as the networks see them, and songs set aside to watch it by."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from songspace.encoders.ali_networks import Codec

ROOM = 25 * 10**7
"""Bytes of memory that prepared pictures may take without a GPU; on one, they may take most of what is free.

Where they are more, they are prepared for each step anew: the same to the last bit, and a hundredth of a small step.
"""

ENOUGH_SONGS = 20
"""Songs below which none is held out of training."""

HELD_OUT = 50
"""The most songs that are held out: more would tell nothing more."""

HELD_OUT_ROWS = 10
"""The most segments of a held-out song."""


class Pictures:
    """Rows of spectrograms as the networks see them: prepared once if they fit into memory, otherwise each time.

    Parameters
    ----------
    codec : Codec
        Prepares spectrograms, on the device where the pictures are wanted.
    rows : callable
        Float spectrograms of an array of row numbers.
    where : ndarray
        The rows that there are.
    device : torch.device
    """

    def __init__(
        self, codec: Codec, rows: Callable[[np.ndarray], np.ndarray], where: np.ndarray, device: torch.device
    ) -> None:
        self.codec, self.rows, self._where, self._device = codec, rows, where, device
        height, width = codec.grid
        self._held: Tensor | None = None
        if 4 * len(where) * height * width <= _room(device):
            self._held = torch.empty(len(where), 1, height, width, device=device)
            for part in np.array_split(np.arange(len(where)), -(-len(where) // 64)):
                self._held[part[0] : part[-1] + 1] = self._prepared(part)

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, items: np.ndarray) -> Tensor:
        """The pictures (n, 1, *grid) of some of the rows, by their place among them."""
        if self._held is not None:
            return self._held[torch.from_numpy(items).to(self._device)]
        return self._prepared(items)

    def spread(self, size: int) -> Iterable[Tensor]:
        """Batches of at most ``size`` pictures in all, spread evenly."""
        items = np.unique(np.linspace(0, len(self) - 1, size).round().astype(int))
        for part in np.array_split(items, -(-len(items) // 64)):
            yield self[part]

    @torch.no_grad()
    def _prepared(self, items: np.ndarray) -> Tensor:
        return self.codec.prepare(torch.from_numpy(self.rows(self._where[items])).to(self._device))


def hold_out(songs: np.ndarray | None, *, seed: int) -> np.ndarray:
    """Rows of a tenth of the songs, at most 50, for the monitors alone; none where there are too few songs.

    Parameters
    ----------
    songs : ndarray of shape (n,), optional
        The song of each row, from 0 without gaps.
    seed : int
        Chooses the songs, among those that have at least three rows.

    Returns
    -------
    ndarray of int
        All rows of these songs, those of a song in their order.
    """
    none = np.empty(0, np.int64)
    if songs is None:
        return none
    counts = np.bincount(songs)
    fit = np.flatnonzero(counts >= 3)
    if len(fit) < ENOUGH_SONGS:
        return none
    count = min(HELD_OUT, max(4, len(fit) // 10))
    chosen = np.random.default_rng([seed, 2]).choice(fit, count, replace=False)
    return np.concatenate([np.flatnonzero(songs == song) for song in np.sort(chosen)])


def thinned(rows: np.ndarray, songs: np.ndarray) -> np.ndarray:
    """At most ten of the rows of each song, spread evenly over it."""
    kept = []
    for song in np.unique(songs[rows]):
        of_song = rows[songs[rows] == song]
        kept.append(of_song[np.unique(np.linspace(0, len(of_song) - 1, HELD_OUT_ROWS).round().astype(int))])
    return np.concatenate(kept)


def _room(device: torch.device) -> float:
    return 0.6 * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else ROOM
