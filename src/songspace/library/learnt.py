"""The learnt encoders of a library, and the vectors of its songs, whether learnt or imported."""

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
"""The encoder name of imported vectors, and the fact that holds the file that they were imported from."""


@dataclass(frozen=True)
class Learnt:
    """The record of a learnt encoder in the catalog.

    Attributes
    ----------
    fingerprint : str
        Fingerprint of the encoder.
    vectors : str
        Key of its vectors in the catalog: the fingerprint, or the key of the data that it computes its vectors from.
    key : str
        Digest of the data and settings that it was learnt with: with the same key, it need not be learnt again.
    held_out : list of int
        Ids of the songs that it was not trained on.
    check : dict or None
        Scores on these songs, beside those of the hand-made space.
    heard : float
        Seconds of sound for one vector: two vectors less than that apart share some sound.
    words : bool
        True if words have vectors in its space, too.
    teacher : {"artists", "songs", ""}
        Teacher beside the sound: the artists of the songs, or only the songs of the segments; "" for an encoder that
        ignores artists.
    songs : int
        Number of songs that it was learnt from; 0 for one that was made elsewhere and has no map.
    library : int
        Number of songs in the library at that time: some may have been held out, or not have fitted into the cache.
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
    """Return the record of a learnt encoder; None if the library has not learnt it."""
    return catalog.json_fact(f"learnt:{name}", lambda fields: Learnt(**fields))


def all_learnt(catalog: Catalog) -> list[str]:
    """Return the names of all learnt encoders, including those whose package is not installed any more."""
    return [key.removeprefix("learnt:") for key in catalog.facts("learnt:")]


def load_learnt(home: Home, catalog: Catalog, name: str) -> Encoder:
    """Load a learnt encoder from its folder.

    Raises
    ------
    SongspaceError
        If the library has not learnt it, or it cannot be read.
    """
    from songspace.encoders.base import load

    return load(home.encoder(name, _record(catalog, name).fingerprint))


def _record(catalog: Catalog, name: str) -> Learnt:
    record = learnt(catalog, name)
    if record is None:
        raise SongspaceError(f"This library has not learnt {name}: run `songspace learn FOLDER --encoder {name}`.")
    return record


def set_learnt(catalog: Catalog, name: str, record: Learnt) -> None:
    """Write the record of a learnt encoder."""
    catalog.set_fact(f"learnt:{name}", json.dumps(asdict(record)))


@dataclass(frozen=True)
class Segments:
    """The segments of one song without the silent ones, in the order of time.

    Attributes
    ----------
    vectors : ndarray of shape (s, d), float32
        Vectors by the encoder, neither centred nor scaled.
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
        """Return the segments without silent ones; none ends after the song."""
        starts = starts[~silent]
        return cls(vectors[~silent], starts, np.minimum(starts + seconds, duration))


def stored_segments(home: Home, catalog: Catalog, name: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (song id, vectors of its segments without silent ones) of every encoded song, by identity.

    Raises
    ------
    SongspaceError
        If the library has not learnt that encoder.
    """
    key, to_vectors = _key_and_mapping(home, catalog, name)
    for song, kept in kept_segments(catalog, key):
        yield song, to_vectors(kept)


def kept_segments(catalog: Catalog, key: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (song id, stored arrays of its segments without silent ones) under a key, by identity."""
    for song, segments, silent in catalog.vectors(key):
        yield song, segments[~silent]


def segments_of(home: Home, catalog: Catalog, name: str, songs: Iterable[int]) -> dict[int, Segments]:
    """Return the segments of some songs, by id; songs that this encoder has not encoded are left out.

    Raises
    ------
    SongspaceError
        If the library has not learnt that encoder.
    """
    key, to_vectors = _key_and_mapping(home, catalog, name)
    seconds = catalog.json_fact("listening", lambda settings: float(settings["seconds"])) or 5.0
    segments = {}
    for id in dict.fromkeys(songs):
        if (encoded := catalog.encoded(key, id)) is not None:
            kept, starts, silent, duration = encoded
            segments[id] = Segments.of(to_vectors(kept), starts, silent, seconds=seconds, duration=duration)
    return segments


def _key_and_mapping(home: Home, catalog: Catalog, name: str) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Return the key of an encoder's arrays in the catalog, and the function from these arrays to its vectors."""
    record = _record(catalog, name)
    if record.vectors == record.fingerprint:
        return record.vectors, lambda kept: kept
    from songspace.encoders.base import load

    return record.vectors, load(home.encoder(name, record.fingerprint), check_files=False).placed


class SongVectors(NamedTuple):
    """Vectors of songs by an encoder, one row for each song.

    Attributes
    ----------
    vectors, openings, endings : ndarrays of shape (n, d), float32
        Mean of a song's segments without silent ones, and the means of the first and the last fifth of them.
    songs : ndarray of shape (n,), int64
        Ids of the songs.
    """

    vectors: np.ndarray
    openings: np.ndarray
    endings: np.ndarray
    songs: np.ndarray


def song_vectors(home: Home, catalog: Catalog, name: str) -> SongVectors:
    """Return the vectors of all songs that an encoder has encoded, in the order of the songs' paths."""
    return in_brief_each(catalog, stored_segments(home, catalog, name))


def in_brief_each(catalog: Catalog, songs: Iterable[tuple[int, np.ndarray]]) -> SongVectors:
    """Return the vectors of songs from (song id, segments), in the order of the songs' paths."""
    means = {song: in_brief(segments) for song, segments in songs}
    ids = [song.id for song in catalog.songs() if song.id in means]
    if not ids:
        raise SongspaceError("This library has no songs yet: run `songspace learn FOLDER` first.")
    vectors, openings, endings = np.stack([means[id] for id in ids], axis=1)
    return SongVectors(vectors, openings, endings, np.array(ids, np.int64))


def in_brief(segments: np.ndarray) -> np.ndarray:
    """Return three means of a song's segments (s, d): of all, of the first fifth and of the last fifth."""
    few = at_either_end(len(segments))
    return np.stack([part.mean(axis=0) for part in (segments, segments[:few], segments[-few:])])


def at_either_end(segments: int) -> int:
    """Return the number of segments that make up the beginning, or the end, of a song: a fifth, at least one.

    Examples
    --------
    >>> [at_either_end(segments) for segments in (1, 7, 10)]
    [1, 1, 2]
    """
    return max(1, round(segments / 5))


def imported_from(catalog: Catalog) -> str | None:
    """Return the file that the songs of a library were imported from; None if they were listened to."""
    return catalog.json_fact(IMPORTED, lambda fact: str(fact["from"]))


def demand_sound(catalog: Catalog, lacking: str) -> None:
    """Raise an error if the songs of a library were imported without sound.

    Raises
    ------
    SongspaceError
        "The songs of this library were imported as vectors from FILE, so ``lacking``."
    """
    if (source := imported_from(catalog)) is not None:
        shown = source.encode("utf-8", "replace").decode("utf-8")
        raise SongspaceError(f"The songs of this library were imported as vectors from {shown}, so {lacking}.")
