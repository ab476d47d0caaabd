"""The records of the catalog: songs, files, the songs of a file, and the ids of songs on media servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from songspace.library.cue import Part
from songspace.library.scan import Stamp


@dataclass(frozen=True, slots=True)
class Song:
    """One song of the library.

    Attributes
    ----------
    id : int
        Number in this library; it never changes.
    path : str
        Absolute path of its file (if there are copies, of the first by name that has a title).
    duration : float
        Seconds.
    artist, genre : str or None
        As they are shown, several values in one text ("Ann, Bea"; "Jazz; Funk").
    artists, genres : tuple of str
        Each value of the tags; empty if there is none. Genres are split at the separators that a person named.
    identity : bytes
        Identity of the sound: the same in every library.
    start, end : float or None
        Start and end in the file, in seconds, if a CUE sheet gives them; None is the start or end of the file.
    away : float or None
        Time since which none of its files can be reached, in seconds since 1970; None if one can.
    side : int or None
        Side of a record, from 1, if the number of its track names one: "A2", "B1".
    track_gain, album_gain, track_peak, album_peak : float or None
        Loudness by the tags: ReplayGain in decibels, and the largest sample.
    pictured : bool
        True if its file holds a picture.
    words : tuple of str
        Words that stand out in it (:mod:`songspace.library.words`); filled in only where a caller needs them.
    """

    id: int
    path: str
    duration: float
    title: str | None = None
    artist: str | None = None
    albumartist: str | None = None
    album: str | None = None
    genre: str | None = None
    year: int | None = None
    track: int | None = None
    disc: int | None = None
    recording_mbid: str | None = None
    release_mbid: str | None = None
    artist_mbid: str | None = None
    artists: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    identity: bytes = b""
    start: float | None = None
    end: float | None = None
    away: float | None = None
    words: tuple[str, ...] = ()
    side: int | None = None
    track_gain: float | None = None
    track_peak: float | None = None
    album_gain: float | None = None
    album_peak: float | None = None
    pictured: bool = False

    @property
    def name(self) -> str:
        """ "artist - title"; the title alone, or the name of the file, where the tags lack the others."""
        title = self.title or Path(self.path).stem.encode("utf-8", "replace").decode("utf-8")
        return f"{self.artist} - {title}" if self.artist else title


@dataclass(frozen=True, slots=True)
class Link:
    """Id of a song on a media server.

    Attributes
    ----------
    item : str
        Id of the song on the server.
    song : int
        Id of the song in this library.
    artist : str or None
        Id of its artist on the server.
    """

    item: str
    song: int
    artist: str | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A song of a file, with its segments and vectors; these are empty if the library has the song already.

    Attributes
    ----------
    identity : bytes
    part : Part
        Part of the file, with its tags.
    duration : float
        Seconds.
    starts, silent : sequences of float and bool
        Start of each segment, in seconds, and whether it is silent.
    vectors : dict of str to ndarray of shape (segments, dimensions)
        By encoder.
    """

    identity: bytes
    part: Part
    duration: float = 0.0
    starts: Sequence[float] | np.ndarray = ()
    silent: Sequence[bool] | np.ndarray = ()
    vectors: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file in the catalog.

    Attributes
    ----------
    stamp : Stamp
        State of the file when it was read.
    sheet : int
        Checksum of its entry in a CUE sheet; 0 if there is none.
    failure : str or None
        Reason why it could not be read.
    away : float or None
        Time since which it cannot be reached, in seconds since 1970; None if it can.
    why : str or None
        Reason why it cannot be reached.
    songs : tuple of int
        Ids of the songs that it holds, in their order.
    """

    stamp: Stamp
    sheet: int = 0
    failure: str | None = None
    away: float | None = None
    why: str | None = None
    songs: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Size of the file, in bytes."""
        return self.stamp.size

    @property
    def mtime_ns(self) -> int:
        """Time of the last change, in nanoseconds since 1970."""
        return self.stamp.mtime_ns
