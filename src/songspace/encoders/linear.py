"""Encoders of hand-made numbers: their base classes, and `Linear`, a linear map learnt from artists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Self

import numpy as np

from songspace.encoders import discriminants
from songspace.encoders.base import Encoder
from songspace.encoders.checks import check_number, group_codes, teacher_codes
from songspace.encoders.descriptors import (
    N_DESCRIPTORS,
    N_TEXTURES,
    check_descriptors,
    descriptors,
    is_describable,
    textures,
)
from songspace.encoders.discriminants import Discriminants
from songspace.frontends import Frontend, LogMel

HAND_MADE = N_DESCRIPTORS + N_TEXTURES
"""Number of columns of :func:`hand_made`."""


class Described(Encoder):
    """Base class of encoders of hand-made numbers; ``_embed`` also takes the descriptors, where they are known."""

    def transform_described(self, X: Any, described: np.ndarray) -> np.ndarray:
        X, described = self._checked(X), check_descriptors(described)
        if len(described) != X.shape[0]:
            raise ValueError(f"Expected the descriptors of {X.shape[0]} spectrograms, got those of {len(described)}")
        parts = np.array_split(described, range(self.batch_rows, len(described), self.batch_rows))
        return np.concatenate([self._embed(*each) for each in zip(self._batches(X), parts, strict=True)])

    def _embed(self, batch: np.ndarray, described: np.ndarray | None = None) -> np.ndarray:
        raise NotImplementedError


class Mapped(Described):
    """Base class of encoders whose vectors are discriminants of blocks of numbers, computed by ``_describe``.

    Attributes
    ----------
    discriminants_ : Discriminants
        Map from numbers to vectors.
    """

    n_components: int
    discriminants_: Discriminants

    def _describe(self, batch: np.ndarray, described: np.ndarray | None = None) -> list[np.ndarray]:
        """Return blocks of numbers of a batch; ``described`` are its descriptors, if they are known."""
        raise NotImplementedError

    def _fit_map(
        self,
        X: Any,
        songs: np.ndarray,
        artists: np.ndarray | None,
        describe_each: Callable[[Iterable[np.ndarray]], Iterator[list[np.ndarray]]],
    ) -> None:
        """Learn the discriminants from a sample of the songs."""
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
    """Compute all hand-made numbers of spectrograms (n, bands, frames), one block for each family.

    ``described`` are their descriptors, if they are known.
    """
    assert isinstance(frontend, LogMel)  # `fit` refuses others
    if described is None:
        described = descriptors(batch, frame_rate=frontend.frame_rate)
    return [described, *textures(batch, frame_rate=frontend.frame_rate)]


def check_describable(frontend: Frontend, shape: tuple[int, int]) -> None:
    """Check that hand-made numbers of spectrograms (bands, frames) can be computed.

    Raises
    ------
    ValueError
        If the frontend is no LogMel, or its spectrograms are too small.
    """
    if not (isinstance(frontend, LogMel) and is_describable(shape)):
        raise ValueError("Hand-made numbers need a LogMel that makes spectrograms of at least 21 bands and 9 frames")


class Linear(Mapped):
    """A space in which songs differ, and songs by one artist differ less; learnt in seconds.

    About a thousand hand-made numbers describe each segment (:mod:`.descriptors`). Linear discriminants
    (:mod:`.discriminants`) keep the directions in which songs differ most, relative to the differences of segments of a
    song and of songs of an artist. Labels of genre are never read.

    Parameters
    ----------
    n_components : int
        Numbers of a vector; fewer if there are fewer songs.
    frontend : LogMel, optional
        Maker of the spectrograms, in decibels; ``LogMel()`` if not given.

    Attributes
    ----------
    discriminants_ : Discriminants
        Map from hand-made numbers to vectors.
    teacher_ : {"artists", "songs"}
        "artists" if ``fit`` was given artists.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(-30, 10, (8, 64, 251)).astype(np.float32)
    >>> songs = [0, 0, 1, 1, 2, 2, 3, 3]
    >>> Linear().fit(X, groups=songs, artists=[song // 2 for song in songs]).transform(X).shape
    (8, 3)
    """

    name: ClassVar[str] = "linear"
    batch_rows: ClassVar[int] = 10
    seconds_to_fit: ClassVar[float] = 0.006
    seconds_to_encode: ClassVar[float] = 0.006
    takes_artists: ClassVar[bool] = True

    def __init__(self, n_components: int = 128, frontend: LogMel | None = None) -> None:
        self.n_components = n_components
        self.frontend = frontend

    def fit(self, X: Any, y: None = None, *, groups: Any = None, artists: Any = None) -> Self:
        """Learn the map.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            As in :meth:`transform`. Of more than a thousand songs, a thousand are read.
        y
            Not used.
        groups : array of shape (n,), optional
            The song of each row; if not given, each row is a song of its own.
        artists : sequence of length n, optional
            The artist of each row; None where it is not known. If not given, the map is learnt from songs alone.

        Raises
        ------
        ValueError
            If a parameter, ``X``, ``groups`` or ``artists`` is not valid.
        """
        X = self._start_fit(X)
        songs = group_codes(groups, X.shape[0])
        of_songs = teacher_codes(artists, songs)
        check_number("n_components", self.n_components, least=1, whole=True)
        check_describable(self.get_frontend(), self.shape_)
        self.teacher_ = "songs" if of_songs is None or not self.takes_artists else "artists"
        self._fit_map(X, songs, of_songs, lambda batches: map(self._describe, batches))
        return self

    def controls(self) -> dict[str, Encoder]:
        return {"from-songs": FromSongs(**self.get_params(deep=False))} if self.teacher_ == "artists" else {}

    def _describe(self, batch: np.ndarray, described: np.ndarray | None = None) -> list[np.ndarray]:
        return hand_made(batch, self.get_frontend(), described)

    def _arrays(self) -> dict[str, np.ndarray]:
        return dict(vars(self.discriminants_))

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.discriminants_ = Discriminants.restored(arrays, HAND_MADE)
        self.teacher_ = facts["teacher"]

    def _facts(self) -> dict[str, Any]:
        return {"teacher": self.teacher_}


class FromSongs(Linear):
    """:class:`Linear` that learns from songs alone, without their artists."""

    name: ClassVar[str] = "from-songs"
    takes_artists: ClassVar[bool] = False
