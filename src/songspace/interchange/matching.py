"""Finding the songs of a library for the entries of playlists, also from other machines.

An entry is matched by these, in order: the identity of the sound, if songspace wrote it; the path of the file, as it
is, as VLC or Windows write it, by the prefixes of a media server, and without case; the MusicBrainz id of the
recording; the end of the path, folder and file; artist and title. An entry that fits several songs is not matched.

A playlist in an unknown 8-bit encoding is read in the encoding in which most of its songs are found.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import TypeVar
from unicodedata import normalize

from songspace.interchange.paths import readings, turned, unmapped
from songspace.interchange.reading import Entry
from songspace.library.credits import Credits
from songspace.library.names import artist_of, compared
from songspace.library.records import Song
from songspace.library.titles import title_of

Key = TypeVar("Key")

_AS_LONG = 3.0  # largest difference of two durations of one song, in seconds
_SAMPLE = 500  # entries that an encoding is tried on

ENCODINGS = (
    *("cp1252", "utf-8", "cp1251", "cp932", "gb18030", "cp949", "big5", "euc-jp", "cp1250"),
    *("cp1254", "cp1253", "cp1257", "cp1255", "cp1256", "cp1258", "cp874", "koi8-r"),
    *("cp850", "cp437", "cp866", "mac-roman", "latin-1"),
)
"""Encodings that are tried for a playlist that declares none.

First come those of Windows, by their number of users, for its players wrote most such playlists, and "utf-8" for file
names with invalid bytes; then those of Unix, DOS and old Macs. The order matters only if the same number of songs is
found in several encodings.
"""


def match(
    entries: Iterable[Entry],
    songs: Sequence[Song],
    *,
    prefixes: Mapping[str, str] | None = None,
    at: Callable[[str], Song | None] | None = None,
) -> list[Song | None]:
    """Return the song that each entry of a playlist means.

    Parameters
    ----------
    entries : iterable of Entry
    songs : sequence of Song
        The songs of the library.
    prefixes : mapping of str to str, optional
        Folders here, and their names for the writer of the playlist; see :func:`songspace.interchange.write`.
    at : callable, optional
        Returns the song of a path, or None; :meth:`Catalog.song_at` also finds copies of a song.

    Returns
    -------
    list of Song or None
        One for each entry; None if there is no such song, or several are possible.

    Examples
    --------
    >>> songs = [Song(1, "/home/me/Music/Ann/Blue/01 Sea.flac", 60.0, "Sea"), Song(2, "/x.mp3", 60.0, "Sky", "Ann")]
    >>> matches = match([Entry("M:\\\\Ann\\\\Blue\\\\01 Sea.mp3"), Entry(artist="ann", title="Sky!")], songs)
    >>> [song and song.id for song in matches]
    [1, 2]
    """
    library = Matcher(songs, prefixes=prefixes, at=at)
    return [library.song(entry) for entry in library.understood(entries)]


def understood(
    entries: Iterable[Entry],
    songs: Sequence[Song],
    *,
    prefixes: Mapping[str, str] | None = None,
    at: Callable[[str], Song | None] | None = None,
) -> list[Entry]:
    """Return the entries of a playlist in the encoding in which most of them match songs; see :func:`match`."""
    return Matcher(songs, prefixes=prefixes, at=at).understood(entries)


class Matcher:
    """Indexes of songs by everything that a playlist may contain; each is built at its first use.

    Parameters
    ----------
    songs, prefixes, at
        See :func:`match`.
    """

    def __init__(
        self,
        songs: Sequence[Song],
        *,
        prefixes: Mapping[str, str] | None = None,
        at: Callable[[str], Song | None] | None = None,
    ) -> None:
        self._songs, self._prefixes = songs, prefixes or {}
        self._at = at if at is not None else lambda path: self._by_path.get(path)

    def understood(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries in the encoding in which most of them match songs."""
        entries = list(entries)
        unsure = [entry for entry in entries if entry.guessed is not None][:_SAMPLE]
        if not unsure:
            return entries
        best, most = "", sum(self.song(entry) is not None for entry in unsure)
        for encoding in ENCODINGS:
            again = [entry.reread(encoding) for entry in unsure]
            count = sum(entry is not None and self.song(entry) is not None for entry in again)
            if count > most:
                best, most = encoding, count
        return [(entry.reread(best) if best else None) or entry for entry in entries]

    def song(self, entry: Entry) -> Song | None:
        """Return the song of an entry; None if there is no such song, or several are possible."""
        if entry.identity and (same := self._identities.get(entry.identity)):
            return same
        paths = self._paths(entry)
        for path in paths:
            if (song := self._at(path)) and song.away is None:
                return self._part(song, entry)
        for path in paths:
            if len(alike := self._paths_in_any_case.get(_in_any_case(path), [])) == 1:
                return alike[0]
        return self.like(entry)

    def like(self, entry: Entry) -> Song | None:
        """Return the song with the tags or the file name of an entry, in any folder."""
        return self._by_recording(entry) or self._by_tail(entry) or self._by_title(entry)

    def _part(self, song: Song, entry: Entry) -> Song:
        """Return the song that an entry means, if its file holds several."""
        if song.start is None:
            return song
        parts = [one for one in self._songs if one.path == song.path]
        title = compared(entry.title or "")
        same_title = [one for one in parts if title and compared(one.title or "") == title]
        return _only(same_title or parts, entry, _lasts_as_long) or song

    def _paths(self, entry: Entry) -> list[str]:
        """Return the possible paths of the file of an entry, the likeliest first."""
        names = readings(entry.name or "", None)
        here = readings(entry.name, entry.folder) if entry.name and entry.folder is not None else []
        paths = [entry.path, *here, *(path for name in names for path in unmapped(name, self._prefixes))]
        # macOS decomposes accents.
        return list(
            dict.fromkeys(
                form
                for path in filter(None, paths)
                for form in ((path,) if path.isascii() else (path, *(normalize(way, path) for way in ("NFC", "NFD"))))
            )
        )

    @cached_property
    def _identities(self) -> dict[bytes, Song]:
        return {song.identity: song for song in self._songs if song.identity}

    @cached_property
    def _by_path(self) -> dict[str, Song]:
        return {song.path: song for song in self._songs}

    def _by_recording(self, entry: Entry) -> Song | None:
        # Any song of the recording is right; the one from the album of the entry is the best.
        songs = self._recordings.get(entry.recording_mbid or "", [])
        return _only(songs, entry, _on_its_album) or min(songs, key=lambda song: song.path, default=None)

    def _by_tail(self, entry: Entry) -> Song | None:
        name = entry.name or ""
        if "://" in name and not name.lower().startswith("file://"):
            return None
        songs = (self._by_tail_of(reading, entry) for reading in readings(name, None))
        return next((song for song in songs if song is not None), None)

    def _by_tail_of(self, name: str, entry: Entry) -> Song | None:
        tail = _tail(name)
        if not tail:
            return None
        best: list[Song] = []
        most = (0, False)
        for song in self._files.get(tuple(tail[:2])) or self._files.get((tail[0],)) or []:
            pairs = zip(tail, _tail(song.path), strict=False)
            alike = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
            likeness = (alike, _suffix(song.path) == _suffix(name))
            if likeness > most:
                most, best = likeness, []
            if likeness == most:
                best.append(song)
        if len(best) != 1 or _lasts_otherwise(best[0], entry):
            return None
        # A file name without a folder ("01 Intro.mp3") is too little.
        return best[0] if most[0] > 1 or _lasts_as_long(best[0], entry) else None

    def _by_title(self, entry: Entry) -> Song | None:
        title, artist = compared(entry.title or ""), artist_of(entry.artist)
        if not title:
            return None
        if artist is None:
            return _only(self._titles.get((None, title), []), entry, _lasts_as_long, needed=True)
        # "Ann & Bea" may be "Ann" here.
        for name in dict.fromkeys((artist, *self._credits.named(entry.artist)[:1])):
            songs = [song for song in self._titles.get((name, title), ()) if not _lasts_otherwise(song, entry)]
            if songs:
                return _only(songs, entry, _on_its_album) or _only(songs, entry, _lasts_as_long)
        # "Heroes - 2017 Remaster" may be "Heroes" here; a live version may, too, but has another duration.
        song, variant, telling = title_of(entry.title or "", entry.artist)
        others = self._versions.get((artist, song, variant), []) if telling else []
        return _only(others, entry, _lasts_as_long, needed=True)

    @cached_property
    def _recordings(self) -> dict[str, list[Song]]:
        return _index(self._songs, lambda song: [song.recording_mbid.lower()] if song.recording_mbid else [])

    @cached_property
    def _files(self) -> dict[tuple[str, ...], list[Song]]:
        def keys(song: Song) -> list[tuple[str, ...]]:
            tail = _tail(song.path)
            return list({tuple(tail[:1]), tuple(tail[:2])})

        return _index(self._songs, keys)

    @cached_property
    def _paths_in_any_case(self) -> dict[str, list[Song]]:
        return _index(self._songs, lambda song: [_in_any_case(song.path)])

    @cached_property
    def _credits(self) -> Credits:
        return Credits(self._songs)

    @cached_property
    def _titles(self) -> dict[tuple[str | None, str], list[Song]]:
        def keys(song: Song) -> list[tuple[str | None, str]]:
            title = compared(song.title or "")
            artists = {None, artist_of(song.artist), artist_of(song.albumartist), *self._credits.of(song)[:1]}
            return [(artist, title) for artist in artists] if title else []

        return _index(self._songs, keys)

    @cached_property
    def _versions(self) -> dict[tuple[str, str, str], list[Song]]:
        def keys(song: Song) -> list[tuple[str, str, str]]:
            title, artist = title_of(song.title or "", song.artist), artist_of(song.artist)
            return [(artist, title.song, title.variant)] if artist and title.telling else []

        return _index(self._songs, keys)


def _index(songs: Sequence[Song], keys: Callable[[Song], Iterable[Key]]) -> dict[Key, list[Song]]:
    index: dict[Key, list[Song]] = defaultdict(list)
    for song in songs:
        for key in keys(song):
            index[key].append(song)
    return index


def _only(
    songs: Sequence[Song], entry: Entry, fits: Callable[[Song, Entry], bool], *, needed: bool = False
) -> Song | None:
    """Return the only song of some, or the only one of them that fits; with ``needed``, it must fit in any case."""
    if len(songs) != 1 or needed:
        songs = [song for song in songs if fits(song, entry)]
    return songs[0] if len(songs) == 1 else None


def _on_its_album(song: Song, entry: Entry) -> bool:
    return bool(song.album and entry.album and compared(song.album) == compared(entry.album))


def _lasts_as_long(song: Song, entry: Entry) -> bool:
    return bool(song.duration and entry.duration and abs(song.duration - entry.duration) <= _AS_LONG)


def _lasts_otherwise(song: Song, entry: Entry) -> bool:
    return bool(song.duration and entry.duration and abs(song.duration - entry.duration) > _AS_LONG)


def _tail(path: str) -> list[str]:
    """Return the file name without its suffix and the folders above it, the nearest first, normalized."""
    parts = [part for part in _in_any_case(turned(path)).split("/") if part not in ("", ".", "..")]
    if parts:
        parts[-1] = os.path.splitext(parts[-1])[0]
    return parts[::-1]


def _in_any_case(path: str) -> str:
    """Normalize a path: macOS decomposes accents, and Windows ignores case."""
    return path.casefold() if path.isascii() else normalize("NFC", path).casefold()


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
