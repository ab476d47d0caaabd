"""A linear map of hand-made numbers, taught by who made the songs: seconds of linear algebra, without a network."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from songspace.encoders.base import Encoder
from songspace.encoders.checks import check_number, group_codes, teacher_codes
from songspace.encoders.discriminants import Discriminants
from songspace.encoders.handmade import HAND_MADE, Mapped, check_describable, hand_made
from songspace.frontends import LogMel


class Linear(Mapped):
    """A space in which songs lie apart, and songs by one artist less so, found in seconds.

    About a thousand hand-made numbers describe each segment (:mod:`.descriptors`, :mod:`.textures`). Linear
    discriminants (:mod:`.discriminants`) keep the directions in which songs differ most, measured by how far segments
    of a song, and songs of an artist, differ. Labels of genre are never read.

    Parameters
    ----------
    n_components : int
        Numbers of a vector. Fewer if there are fewer songs.
    frontend : LogMel, optional
        What makes the spectrograms, in decibels; ``LogMel()`` if not given.

    Attributes
    ----------
    discriminants_ : Discriminants
        The map from hand-made numbers to vectors.
    teacher_ : {"artists", "songs"}
        What it was taught by: whether artists were given.

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
        """Find the map.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            As in :meth:`transform`. Of more than a thousand songs, a thousand are read.
        y
            Not used.
        groups : array of shape (n,), optional
            The song of each row; if not given, each row is a song of its own.
        artists : sequence of length n, optional
            The artist of each row; None where that is not known. If not given, songs alone teach.

        Raises
        ------
        ValueError
            If a parameter, ``X``, ``groups`` or ``artists`` is not what it should be.
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
    """:class:`Linear` that never learns who made the songs."""

    name: ClassVar[str] = "from-songs"
    takes_artists: ClassVar[bool] = False
