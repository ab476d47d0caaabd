"""Versions of one song among the songs of a library, so that no two of them stand in one playlist.

Two songs are versions of one song in these cases:

* They are the same recording for MusicBrainz.
* Artist and title are the same, apart from notes such as "Live at ..." or "2011 Remaster"
  (:mod:`songspace.library.titles`). Their sound does not count, since a live version may sound different.
* Artist and title are the same, but this is no evidence ("Intro", a remix with a name, a title that one album has
  twice), and they sound like two parts of one song.
* One of them lacks the tags for artist or title, the other tags do not contradict, and they sound the same and have the
  same duration.

In doubt, they are different songs. A cover by another artist is a different song.

The scale of distances depends on the space. The two limits are therefore shares of the usual distance of a song's fifth
neighbour (:func:`reach`). They were chosen without labels by ``bench/versions.py``, which measures the distances of
halves of songs, songs of one artist, and altered copies.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from songspace.library.names import artist_of, plain
from songspace.library.records import Song
from songspace.library.titles import Title, artist_and_title, title_of
from songspace.space import Space

CLOSE = 0.5
"""Share of a space's reach within which two songs sound like parts of one song."""
SAME = 0.2
"""Share of a space's reach within which two songs of equal duration sound like one recording."""

_NEIGHBORS = 5  # a library may contain every song two or three times
_QUERIES = 200
_LEAST = 0.01  # nearer songs differ only by rounding
_STRANGERS = 2**0.5  # distance of two unrelated songs

_EQUALLY_LONG = 0.5  # seconds: encoders pad, and headers round
_TOO_MANY = 4000  # songs: a property that more have in common is no evidence, and comparing them takes long
_TRACK_NUMBER = re.compile(r"\s*\d{1,3}(?:[-.]\d{1,3})?(?:\s*[-.)_]\s*|\s+)(?=\S)")


def reach(space: Space) -> float:
    """Compute the median distance of a song's fifth neighbour, over at most 200 songs."""
    if len(space) <= _NEIGHBORS:
        return _STRANGERS
    rows = np.linspace(0, len(space) - 1, min(_QUERIES, len(space))).round().astype(int)
    cosines = np.partition(space.vectors[rows] @ space.vectors.T, -_NEIGHBORS - 1, axis=1)[:, -_NEIGHBORS - 1]
    return max(float(2 - 2 * np.median(cosines)), _LEAST**2) ** 0.5


def versions(songs: Sequence[Song], space: Space, *, within: float | None = None) -> np.ndarray:
    """Number the songs; all versions of a song have the same number.

    Parameters
    ----------
    songs : sequence of Song
        The song of each row of the space.
    space : Space
    within : float, optional
        The :func:`reach` of a larger space that this one is a part of; by default that of ``space``.

    Returns
    -------
    ndarray of shape (n,), int64
        For each row, the first row of the same song.

    Raises
    ------
    ValueError
        If the number of songs is not that of the rows.

    Examples
    --------
    >>> songs = [Song(1, "/1.mp3", 200.0, "Blue", "Ann"), Song(2, "/2.mp3", 9.0, "Red", "Ann"),
    ...          Song(3, "/3.mp3", 250.0, "Blue - Live", "Ann"), Song(4, "/4.mp3", 200.0, "Blue", "Bea")]
    >>> versions(songs, Space.from_vectors([[0, 1], [1, 0], [-1, 0], [0, -1]])).tolist()
    [0, 1, 0, 3]
    """
    if len(songs) != len(space):
        raise ValueError(f"Expected a song for each of {len(space)} rows, got {len(songs)}")
    known = [_Known.of(song) for song in songs]
    within = reach(space) if within is None else within
    groups = _Groups(len(songs))
    recordings: dict[str, int] = {}
    named: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, (song, what) in enumerate(zip(songs, known, strict=True)):
        if song.recording_mbid:
            groups.join(row, recordings.setdefault(song.recording_mbid.lower(), row))
        for artist in what.artists:
            named[artist, what.title.song].append(row)
    for rows in named.values():
        if len(rows) > 1:
            for a, b in _of_one_name(rows, songs, known, space, CLOSE * within):
                groups.join(a, b)
    for a, b in _of_one_sound(songs, known, space, SAME * within):
        groups.join(a, b)
    return groups.numbers()


@dataclass(frozen=True, slots=True)
class _Known:
    """The title and artists of a song, from its tags, or from the name of its file if these are missing."""

    title: Title
    artists: frozenset[str]
    has_title: bool
    has_artist: bool

    @classmethod
    def of(cls, song: Song) -> _Known:
        # Of several values the first is the main artist, as before "feat.": copies differ in how they write guests.
        artist = artist_of(song.artists[0] if song.artists else song.artist)
        of_album = artist_of(song.albumartist)
        has_artist = bool(artist or of_album)
        text = song.title or _TRACK_NUMBER.sub("", os.path.splitext(os.path.basename(song.path))[0], count=1)
        if not has_artist:
            suggested, text = artist_and_title(text)
            artist = artist_of(suggested)
        artists = {artist or of_album}
        # The album artist of "Queen & David Bowie" may be "Queen"; the editor of a compilation is no artist of the
        # song.
        if artist and of_album and f" {of_album} " in f" {artist} ":
            artists.add(of_album)
        return cls(title_of(text, song.artist), frozenset(filter(None, artists)), bool(song.title), has_artist)

    @property
    def silent(self) -> bool:
        """True if the tags lack the artist or a telling title."""
        return not (self.has_title and self.has_artist and self.title.telling)

    def contradicts(self, other: _Known) -> bool:
        """Return True if the tags show that these are different songs."""
        titled = all(what.has_title and what.title.telling for what in (self, other))
        performed = self.has_artist and other.has_artist
        return (titled and self.title.song != other.title.song) or (
            performed and self.artists.isdisjoint(other.artists)
        )


def _of_one_name(
    rows: list[int], songs: Sequence[Song], known: Sequence[_Known], space: Space, close: float
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of versions among songs of one artist and title."""
    tracks = defaultdict(set)
    for song in (songs[row] for row in rows):
        if song.album and song.track:
            tracks[plain(song.album), plain(song.title or "")].add(song.track)
    first = {}
    if known[rows[0]].title.telling and all(len(numbers) == 1 for numbers in tracks.values()):
        first = {known[row].title.variant: row for row in reversed(rows)}
        yield from ((row, first[known[row].title.variant]) for row in rows)
    if len(first) != 1 and len(rows) <= _TOO_MANY:
        yield from _near(space, rows, rows, close)


def _of_one_sound(
    songs: Sequence[Song], known: Sequence[_Known], space: Space, same: float
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of songs with the same sound and duration, if one of them lacks tags."""
    seconds = np.array([song.duration for song in songs])
    order = np.argsort(seconds, kind="stable")
    order = order[(seconds[order] > 0) & np.isfinite(seconds[order])]
    sorted_seconds = seconds[order]
    silent = np.array([row for row in order if known[row].silent], dtype=np.int64)
    begin = 0
    while begin < len(silent):
        shortest = seconds[silent[begin]]
        end = int(np.searchsorted(seconds[silent], shortest + _EQUALLY_LONG, "right"))
        rows = silent[begin:end]
        low = np.searchsorted(sorted_seconds, shortest - _EQUALLY_LONG, "left")
        high = np.searchsorted(sorted_seconds, seconds[rows[-1]] + _EQUALLY_LONG, "right")
        if high - low <= _TOO_MANY:
            for a, b in _near(space, rows, order[low:high], same):
                if abs(seconds[a] - seconds[b]) <= _EQUALLY_LONG and not known[a].contradicts(known[b]):
                    yield a, b
        begin = end


def _near(
    space: Space, rows: Sequence[int] | np.ndarray, others: Sequence[int] | np.ndarray, limit: float
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of different songs within a distance."""
    a, b = np.asarray(rows, np.int64), np.asarray(others, np.int64)
    for i, j in zip(*np.nonzero(space.vectors[a] @ space.vectors[b].T >= 1 - limit**2 / 2), strict=True):
        if a[i] != b[j]:
            yield int(a[i]), int(b[j])


class _Groups:
    """Disjoint sets of rows: a forest in which each row points to an earlier one of its set."""

    def __init__(self, n: int) -> None:
        self._before = list(range(n))

    def _first(self, row: int) -> int:
        before = self._before
        while before[row] != row:
            before[row] = row = before[before[row]]
        return row

    def join(self, a: int, b: int) -> None:
        a, b = self._first(a), self._first(b)
        self._before[max(a, b)] = min(a, b)

    def numbers(self) -> np.ndarray:
        return np.array([self._first(row) for row in range(len(self._before))], dtype=np.int64)
