"""Finding the songs of a library that the entries of a playlist mean, also of one from another machine.

By the identity of its sound, where songspace wrote it; by the file's path, as it stands and through a media server's
prefixes; by the MusicBrainz id of the recording; by the end of the path, folder and file; by artist and title. What
could be more than one song is none.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import TypeVar

from songspace.library.catalog import Song
from songspace.playlists.files.paths import turned, unmapped
from songspace.playlists.files.reading import Entry
from songspace.playlists.titles import artist_of, compared, title_of

Key = TypeVar("Key")

_DEEPEST = 3  # folders further up are different on every machine
_AS_LONG = 3.0  # seconds that two statements of one length may differ


def match(
    entries: Iterable[Entry],
    songs: Sequence[Song],
    *,
    prefixes: Mapping[str, str] | None = None,
    at: Callable[[str], Song | None] | None = None,
) -> list[Song | None]:
    """The song that each entry of a playlist means.

    Parameters
    ----------
    entries : iterable of Entry
    songs : sequence of Song
        The library.
    prefixes : mapping of str to str, optional
        As for :func:`songspace.playlists.files.write`: folders here, and what the writer of the playlist calls them.
    at : function of a path giving a Song or None, optional
        How to find a file of the library; :meth:`Catalog.song_at` knows the copies of a song as well.

    Returns
    -------
    list of Song or None
        One for each entry; None where there is no such song, or it could be more than one.

    Examples
    --------
    >>> songs = [Song(1, "/home/me/Music/Ann/Blue/01 Sea.flac", 60.0, "Sea"), Song(2, "/x.mp3", 60.0, "Sky", "Ann")]
    >>> found = match([Entry("M:\\\\Ann\\\\Blue\\\\01 Sea.mp3"), Entry(artist="ann", title="Sky!")], songs)
    >>> [song and song.id for song in found]
    [1, 2]
    """
    library = Matcher(songs, prefixes=prefixes, at=at)
    return [library.song(entry) for entry in entries]


class Matcher:
    """Songs by all that a playlist may say of them; each index is made when it is first asked.

    Parameters
    ----------
    songs, prefixes, at
        As for :func:`match`.
    """

    def __init__(
        self,
        songs: Sequence[Song],
        *,
        prefixes: Mapping[str, str] | None = None,
        at: Callable[[str], Song | None] | None = None,
    ) -> None:
        self._songs, self._prefixes = songs, prefixes or {}
        self._at = at if at is not None else lambda path: self._paths.get(path)

    def song(self, entry: Entry) -> Song | None:
        """The song that an entry means; None where there is no such song, or it could be more than one."""
        if entry.identity and (same := self._identities.get(entry.identity)):
            return same
        paths = [path for path in (entry.path, *unmapped(entry.name or "", self._prefixes)) if path]
        for path in paths:
            if (found := self._at(path)) and found.away is None:
                return found
        return self.like(entry)

    def like(self, entry: Entry) -> Song | None:
        """The song that has the tags or the file's name that an entry tells, wherever it lies."""
        return self._by_recording(entry) or self._by_tail(entry) or self._by_title(entry)

    @cached_property
    def _identities(self) -> dict[bytes, Song]:
        return {song.identity: song for song in self._songs if song.identity}

    @cached_property
    def _paths(self) -> dict[str, Song]:
        return {song.path: song for song in self._songs}

    def _by_recording(self, entry: Entry) -> Song | None:
        # Each song of one recording will do; the one from the entry's album is the best.
        found = self._recordings.get(entry.recording_mbid or "", [])
        return _only(found, entry, _on_its_album) or min(found, key=lambda song: song.path, default=None)

    def _by_tail(self, entry: Entry) -> Song | None:
        name = entry.name or ""
        tail = [] if "://" in name and not name.lower().startswith("file://") else _tail(name)
        if not tail:
            return None
        best: list[Song] = []
        most = (0, False)
        for song in self._files.get(tail[0], ()):
            there = _tail(song.path)
            alike = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(tail, there, strict=False))))
            likeness = (alike, _suffix(song.path) == _suffix(name))
            if likeness > most:
                most, best = likeness, []
            if likeness == most:
                best.append(song)
        if len(best) != 1 or _lasts_otherwise(best[0], entry):
            return None
        # A file's name alone ("01 Intro.mp3") is too little.
        return best[0] if most[0] > 1 or _lasts_as_long(best[0], entry) else None

    def _by_title(self, entry: Entry) -> Song | None:
        if not entry.title:
            return None
        title, artist = compared(entry.title), artist_of(entry.artist)
        if artist is None:
            return _only(self._titles.get((None, title), []), entry, _lasts_as_long, needed=True)
        found = [song for song in self._titles.get((artist, title), ()) if not _lasts_otherwise(song, entry)]
        if found:
            return _only(found, entry, _on_its_album) or _only(found, entry, _lasts_as_long)
        # "Heroes - 2017 Remaster" may be called "Heroes" here, and a live version may, too, but lasts otherwise.
        song, variant, telling = title_of(entry.title, entry.artist)
        others = self._versions.get((artist, song, variant), []) if telling else []
        return _only(others, entry, _lasts_as_long, needed=True)

    @cached_property
    def _recordings(self) -> dict[str, list[Song]]:
        return _index(self._songs, lambda song: [song.recording_mbid.lower()] if song.recording_mbid else [])

    @cached_property
    def _files(self) -> dict[str, list[Song]]:
        return _index(self._songs, lambda song: _tail(song.path)[:1])

    @cached_property
    def _titles(self) -> dict[tuple[str | None, str], list[Song]]:
        def keys(song: Song) -> list[tuple[str | None, str]]:
            title = compared(song.title or "")
            artists = {None, artist_of(song.artist), artist_of(song.albumartist)}
            return [(artist, title) for artist in artists] if song.title else []

        return _index(self._songs, keys)

    @cached_property
    def _versions(self) -> dict[tuple[str, str, str], list[Song]]:
        def keys(song: Song) -> list[tuple[str, str, str]]:
            title, artist = title_of(song.title or "", song.artist), artist_of(song.artist)
            return [(artist, title.song, title.variant)] if artist and title.telling else []

        return _index(self._songs, keys)


def _index(songs: Sequence[Song], keys: Callable[[Song], Iterable[Key]]) -> dict[Key, list[Song]]:
    found: dict[Key, list[Song]] = defaultdict(list)
    for song in songs:
        for key in keys(song):
            found[key].append(song)
    return found


def _only(
    songs: Sequence[Song], entry: Entry, fits: Callable[[Song, Entry], bool], *, needed: bool = False
) -> Song | None:
    """The one song of some, or the one of them that fits."""
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
    """The file's name without its suffix and the folders above it, the nearest first, as they are compared."""
    parts = [part for part in turned(path).split("/") if part not in ("", ".", "..")][-_DEEPEST:]
    if parts:
        parts[-1] = os.path.splitext(parts[-1])[0]
    # macOS takes accents apart, and Windows does not mind the case.
    return [unicodedata.normalize("NFC", part).casefold() for part in reversed(parts)]


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
