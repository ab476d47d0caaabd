"""Base class of encoders that were trained elsewhere, with a linear map that a library may learn of their vectors."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar, Self

import numpy as np

from songspace.encoders import discriminants
from songspace.encoders.base import Encoder
from songspace.encoders.checks import group_codes, teacher_codes
from songspace.encoders.discriminants import Discriminants
from songspace.errors import SongspaceError


class Pretrained(Encoder):
    """An encoder that learns nothing from songs, except a linear map of its vectors, on request.

    A library stores the vectors before the map, so that the map can be learnt again without decoding a song. A subclass
    computes these vectors in ``_own``.

    Attributes
    ----------
    discriminants_ : Discriminants or None
        Map from the vectors of ``_own`` to those of :meth:`transform`.
    """

    pretrained: ClassVar[bool] = True
    n_components: ClassVar[int] = 128

    discriminants_: Discriminants | None = None

    def fit_map(self, kept: np.ndarray, songs: Any, artists: Any = None) -> Self:
        """Learn the map: directions in which songs differ most, and those of one artist less (:mod:`.discriminants`).

        Parameters
        ----------
        kept : ndarray of shape (n, d)
            Stored vectors of segments, before the map. Of more than a thousand songs, a thousand are read.
        songs : array of shape (n,)
            The song of each row.
        artists : sequence of length n, optional
            The artist of each row; None where it is not known. If not given, the map is learnt from songs alone.
        """
        songs = group_codes(songs, len(kept))
        of_songs = teacher_codes(artists, songs)
        chosen = discriminants.sampled(int(songs.max()) + 1)
        rows = np.isin(songs, chosen)
        self.discriminants_ = discriminants.fit(
            [kept[rows]],
            np.searchsorted(chosen, songs[rows]),
            self.n_components,
            artists=None if of_songs is None else of_songs[chosen],
        )
        return self

    def without_map(self) -> Self:
        """Return a copy of this encoder without its map."""
        other = copy(self)
        other.discriminants_ = None
        return other

    @property
    def kept_as_(self) -> str:
        return self.without_map().fingerprint_

    def placed(self, kept: np.ndarray) -> np.ndarray:
        if self.discriminants_ is None:
            return kept
        if kept.shape[1] != (numbers := len(self.discriminants_.mean)):
            raise SongspaceError(f"The map of {self.name} vectors takes {numbers} numbers, not {kept.shape[1]}.")
        return self.discriminants_.each(kept)

    def keep_song(self, X: Any) -> np.ndarray:
        X = self._checked(X)
        return np.concatenate([self._own(batch) for batch in self._batches(X)]).astype(np.float32, copy=False)

    def _own(self, batch: np.ndarray) -> np.ndarray:
        """Encode a batch without the map, (n, d)."""
        raise NotImplementedError

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        return self.placed(self._own(batch))

    def _arrays(self) -> dict[str, np.ndarray]:
        return {} if self.discriminants_ is None else dict(vars(self.discriminants_))

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.discriminants_ = Discriminants.restored(arrays) if arrays else None
