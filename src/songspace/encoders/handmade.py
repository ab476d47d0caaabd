"""The hand-made numbers of segments, and encoders whose vectors are a linear map of them and perhaps of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from songspace.encoders import discriminants
from songspace.encoders.base import Encoder
from songspace.encoders.descriptors import N_DESCRIPTORS, check_descriptors, descriptors, is_describable
from songspace.encoders.discriminants import Discriminants
from songspace.encoders.textures import N_TEXTURES, textures
from songspace.frontends import Frontend, LogMel

HAND_MADE = N_DESCRIPTORS + N_TEXTURES
"""How many numbers :func:`hand_made` gives."""


class Described(Encoder):
    """An encoder that looks at hand-made numbers; ``_embed`` takes the descriptors, too, where they are known."""

    def transform_described(self, X: Any, described: np.ndarray) -> np.ndarray:
        X, described = self._checked(X), check_descriptors(described)
        if len(described) != X.shape[0]:
            raise ValueError(f"Expected the descriptors of {X.shape[0]} spectrograms, got those of {len(described)}")
        parts = np.array_split(described, range(self.batch_rows, len(described), self.batch_rows))
        return np.concatenate([self._embed(*each) for each in zip(self._batches(X), parts, strict=True)])

    def _embed(self, batch: np.ndarray, described: np.ndarray | None = None) -> np.ndarray:
        raise NotImplementedError


class Mapped(Described):
    """An encoder whose vectors are discriminants of blocks of numbers, which ``_describe`` gives.

    Attributes
    ----------
    discriminants_ : Discriminants
        The map from numbers to vectors.
    """

    n_components: int
    discriminants_: Discriminants

    def _describe(self, batch: np.ndarray, described: np.ndarray | None = None) -> list[np.ndarray]:
        """Blocks of numbers for each spectrogram; its descriptors, where they are known already."""
        raise NotImplementedError

    def _fit_map(
        self,
        X: Any,
        songs: np.ndarray,
        artists: np.ndarray | None,
        describe_each: Callable[[Iterable[np.ndarray]], Iterator[list[np.ndarray]]],
    ) -> None:
        """Find in which directions songs lie apart, on a sample of them."""
        chosen = discriminants.sampled(int(songs.max()) + 1)
        rows = np.flatnonzero(np.isin(songs, chosen))
        batches = (self._rows(X, part) for part in np.array_split(rows, -(-len(rows) // self.batch_rows)))
        self.discriminants_ = discriminants.fit_parts(
            describe_each(batches),
            np.searchsorted(chosen, songs[rows]),
            self.n_components,
            artists=None if artists is None else artists[chosen],
        )

    def _embed(self, batch: np.ndarray, described: np.ndarray | None = None) -> np.ndarray:
        return self.discriminants_.each(np.concatenate(self._describe(batch, described), axis=1))


def hand_made(batch: np.ndarray, frontend: Frontend, described: np.ndarray | None = None) -> list[np.ndarray]:
    """All hand-made numbers of spectrograms (n, bands, frames), a block for each family that counts as a whole.

    ``described`` are their descriptors, where they are known already.
    """
    assert isinstance(frontend, LogMel)  # or `fit` has refused it
    if described is None:
        described = descriptors(batch, frame_rate=frontend.frame_rate)
    return [described, *textures(batch, frame_rate=frontend.frame_rate)]


def check_describable(frontend: Frontend, shape: tuple[int, int]) -> None:
    """Check that spectrograms (bands, frames) of a frontend can be described by hand-made numbers.

    Raises
    ------
    ValueError
        Otherwise.
    """
    if not (isinstance(frontend, LogMel) and is_describable(shape)):
        raise ValueError("Hand-made numbers need a LogMel that makes spectrograms of at least 21 bands and 9 frames")
