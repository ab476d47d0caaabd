"""The encoders that a library has learnt, or imported the vectors of, and the vectors that they gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog
from songspace.library.home import Home

if TYPE_CHECKING:
    from songspace.encoders.base import Encoder


IMPORTED = "imported"
"""The name that stands for the encoder of imported vectors, and the fact that tells where they came from."""


@dataclass(frozen=True)
class Learnt:
    """The record of a learnt encoder in the catalog.

    Attributes
    ----------
    fingerprint : str
        Of the encoder: its vectors in the catalog carry it.
    vectors : str
        The key in the catalog of what is kept of songs: the fingerprint, where that is the vectors themselves.
    key : str
        What it was learnt from and how: the same again need not be learnt again.
    held_out : list of int
        Ids of the songs that it was not trained on.
    check : dict or None
        How it did on them, beside the hand-made space.
    heard : float
        Seconds that it hears of a song for one vector: nearer than that, two vectors have some sound in common.
    words : bool
        Whether it gives words a place beside the sounds.
    teacher : {"artists", "songs", ""}
        What it was taught by beside sound: which songs one artist made, or only which segments one song has; "" of
        one that takes no notice of artists.
    songs : int
        How many songs it was learnt from; 0 of one that was made elsewhere and has no map.
    library : int
        How many songs the library had then: some may have been kept out, or have found no room in the cache.
    """

    fingerprint: str
    vectors: str
    key: str = ""
    held_out: list[int] = field(default_factory=list)
    check: dict[str, Any] | None = None
    heard: float = 5.0
    words: bool = False
    teacher: str = ""
    songs: int = 0
    library: int = 0


def learnt(catalog: Catalog, name: str) -> Learnt | None:
    """Return what the library knows of a learnt encoder; None if it has not learnt it."""
    return catalog.json_fact(f"learnt:{name}", lambda said: Learnt(**said))


def all_learnt(catalog: Catalog) -> list[str]:
    """Return the names of all learnt encoders, whether or not there still is a package for each."""
    return [key.removeprefix("learnt:") for key in catalog.facts("learnt:")]


def load_learnt(home: Home, catalog: Catalog, name: str) -> Encoder:
    """Load a learnt encoder from its folder.

    Raises
    ------
    SongspaceError
        If the library has not learnt it, or it cannot be read.
    """
    from songspace.encoders.base import load

    what = learnt(catalog, name)
    if what is None:
        raise SongspaceError(f"This library has not learnt {name}.")
    return load(home.encoder(name, what.fingerprint))


def set_learnt(catalog: Catalog, name: str, what: Learnt) -> None:
    """Remember that the library has learnt an encoder."""
    catalog.set_fact(f"learnt:{name}", json.dumps(asdict(what)))


@dataclass(frozen=True)
class Segments:
    """The segments of one song that are not silent, in the order of time.

    Attributes
    ----------
    vectors : ndarray of shape (s, d), float32
        As the encoder gave them.
    starts, ends : ndarray of shape (s,), float64
        Seconds.
    """

    vectors: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(
        cls, vectors: np.ndarray, starts: np.ndarray, silent: np.ndarray, *, seconds: float, duration: float
    ) -> Segments:
        """Return the segments that sound; only in a song shorter than one are they cut short."""
        starts = starts[~silent]
        return cls(vectors[~silent], starts, np.minimum(starts + seconds, duration))


def stored_segments(home: Home, catalog: Catalog, name: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (song id, vectors of its segments that are not silent) of every encoded song, by identity.

    Raises
    ------
    SongspaceError
        If the library has not learnt that encoder.
    """
    key, placed = _stored(home, catalog, name)
    for song, kept in kept_segments(catalog, key):
        yield song, placed(kept)


def kept_segments(catalog: Catalog, key: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (song id, what is stored of its segments that are not silent) under a key, by identity."""
    for song, segments, silent in catalog.vectors(key):
        yield song, segments[~silent]


def segments_of(home: Home, catalog: Catalog, name: str, songs: Iterable[int]) -> dict[int, Segments]:
    """Return the segments of some songs, by id; songs that this encoder has not encoded are left out.

    Raises
    ------
    SongspaceError
        If the library has not learnt that encoder.
    """
    key, placed = _stored(home, catalog, name)
    seconds = catalog.json_fact("listening", lambda said: float(said["seconds"])) or 5.0
    segments = {}
    for id in dict.fromkeys(songs):
        if (encoded := catalog.encoded(key, id)) is not None:
            vectors, starts, silent, duration = encoded
            segments[id] = Segments.of(placed(vectors), starts, silent, seconds=seconds, duration=duration)
    return segments


def _stored(home: Home, catalog: Catalog, name: str) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Return the key of an encoder's vectors in the catalog, and the function that places what is stored there."""
    what = learnt(catalog, name)
    if what is None:
        raise SongspaceError(f"This library has not learnt {name}: run `songspace learn FOLDER --encoder {name}`.")
    if what.vectors == what.fingerprint:
        return what.vectors, lambda stored: stored
    from songspace.encoders.base import load

    return what.vectors, load(home.encoder(name, what.fingerprint), check_files=False).placed


class SongVectors(NamedTuple):
    """The vectors of songs by an encoder, one row a song.

    Attributes
    ----------
    vectors, openings, endings : ndarrays of shape (n, d), float32
        The mean of a song's sounding segments, and the means of the first and the last fifth of them.
    songs : ndarray of shape (n,), int64
        Their ids.
    """

    vectors: np.ndarray
    openings: np.ndarray
    endings: np.ndarray
    songs: np.ndarray


def song_vectors(home: Home, catalog: Catalog, name: str) -> SongVectors:
    """Return the vectors of all songs that an encoder has encoded, in the order of the songs' paths."""
    return in_brief_each(catalog, stored_segments(home, catalog, name))


def in_brief_each(catalog: Catalog, songs: Iterable[tuple[int, np.ndarray]]) -> SongVectors:
    """Return the vectors of songs whose segments are given, in the order of the songs' paths."""
    means = {song: in_brief(segments) for song, segments in songs}
    ids = [song.id for song in catalog.songs() if song.id in means]
    if not ids:
        raise SongspaceError("This library has no songs yet: run `songspace learn FOLDER` first.")
    vectors, openings, endings = np.stack([means[id] for id in ids], axis=1)
    return SongVectors(vectors, openings, endings, np.array(ids, np.int64))


def in_brief(segments: np.ndarray) -> np.ndarray:
    """Return three means of a song's segments (s, d): of all, of the first fifth, of the last fifth."""
    few = at_either_end(len(segments))
    return np.stack([part.mean(axis=0) for part in (segments, segments[:few], segments[-few:])])


def at_either_end(segments: int) -> int:
    """Return how many of a song's segments are its beginning, or its end: a fifth.

    Examples
    --------
    >>> [at_either_end(segments) for segments in (1, 7, 10)]
    [1, 1, 2]
    """
    return max(1, round(segments / 5))


def imported_from(catalog: Catalog) -> str | None:
    """Return the file that the songs of a library were imported from; None if they were listened to."""
    return catalog.json_fact(IMPORTED, lambda said: str(said["from"]))


def demand_sound(catalog: Catalog, lacking: str) -> None:
    """Raise an error if the songs of a library were imported, and have no sound.

    Raises
    ------
    SongspaceError
        If they were: "The songs of this library were imported as vectors from FILE, so ``lacking``."
    """
    if (source := imported_from(catalog)) is not None:
        shown = source.encode("utf-8", "replace").decode("utf-8")
        raise SongspaceError(f"The songs of this library were imported as vectors from {shown}, so {lacking}.")
