"""Saved playlists: one JSPF file each, in a folder of the home.

An entry whose song cannot be found now (its drive is away, its file was moved) may be found again later. So each edit
keeps such entries in their places, as they were written; entries with a song are written anew.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from songspace import interchange
from songspace.answers.answer import answer, described
from songspace.errors import SongspaceError
from songspace.interchange import Entry, Matcher
from songspace.library import Song
from songspace.plainfiles import characters, parse_json, read_plain
from songspace.server.problems import NotReadyError, UnknownError
from songspace.server.questions import LONGEST_SAVED

MOST = 1000
"""Most playlists in a home."""

_LARGEST = 32 * 2**20  # bytes: the most songs, with the longest names
_PIECES = 64 * LONGEST_SAVED  # lists, objects and their members; the most songs have a sixth of them
_LONGEST_TITLE = 1000
_LONGEST_NAME = 100_000  # characters of an escaped file name
_LONGEST_SONG = 10.0**12  # milliseconds

_OPENING = 20  # songs of a playlist that are known without reading it again

_ID = re.compile(r"[0-9a-f]{16}")

_Track = dict[str, Any]
_Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of a saved playlist.

    Attributes
    ----------
    entry : Entry
        The entry as it is written.
    song : Song or None
        Its song, if that can be reached.
    away : float or None
        Time since which the song is away, in seconds since 1970, if it is known.
    """

    entry: Entry
    song: Song | None
    away: float | None = None

    @property
    def label(self) -> str:
        """Name for display."""
        if self.song is not None:
            return self.song.name
        if not self.entry.title:
            return self.entry.label
        return characters(" - ".join(filter(None, (self.entry.artist, self.entry.title))))


class Here:
    """Finds the songs of entries: by the identity of the sound, then by path, then by tags.

    Parameters
    ----------
    ids : container of int
        Ids of the songs that can be reached.
    at : callable
        Returns the song of a path, or None, as :meth:`Catalog.song_at`.
    of : callable
        Returns the song of an identity, also if it is away, or None, as :meth:`Catalog.song_of`.
    matcher : callable
        Returns the matcher by tags; it is called if neither of the others finds a song.
    """

    def __init__(
        self,
        ids: Container[int],
        at: Callable[[str], Song | None],
        of: Callable[[bytes], Song | None],
        matcher: Callable[[], Matcher],
    ) -> None:
        self._ids, self._at, self._of, self._matcher = ids, at, of, matcher

    def place(self, entry: Entry) -> Place:
        """Find the song of an entry."""
        song = self._of(entry.identity) if entry.identity else None
        song = song or (self._at(entry.path) if entry.path else None)
        if song is not None:
            # A song that is away is not replaced by another one with the same tags.
            return Place(entry, song) if self._is_here(song) else Place(entry, None, song.away)
        return Place(entry, self._matcher().like(entry))

    def _is_here(self, song: Song) -> bool:
        return song.away is None and song.id in self._ids


@answer
class SavedPlaylist:
    """A saved playlist, in the list of all."""

    id: str
    title: str
    songs: int
    seconds: float = described(places=3)
    comment: str
    public: bool = described("What a player said; songspace shows no playlist to strangers.")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A playlist as it is written in its file."""

    id: str
    title: str
    tracks: list[_Track]
    comment: str = ""
    public: bool = False

    def said(self, title: str | None, comment: str | None, public: bool | None) -> _Kept:
        """Return the playlist with another title or comment; None changes nothing."""
        return replace(
            self,
            title=self.title if title is None else _one_line(title),
            comment=self.comment if comment is None else characters(comment),
            public=self.public if public is None else public,
        )

    @property
    def opening(self) -> tuple[bytes, ...]:
        """Identities of the first songs."""
        identities = []
        for track in self.tracks[:_OPENING]:
            with suppress(ValueError):  # a path that no file can have
                identities.append(interchange.jspf_entry(track, Path(os.sep)).identity)
        return tuple(identity for identity in identities if identity)

    @property
    def in_brief(self) -> SavedPlaylist:
        """The playlist as it is in the list of all."""
        milliseconds = sum(_duration(track) for track in self.tracks)
        return SavedPlaylist(self.id, self.title, len(self.tracks), milliseconds / 1000, self.comment, self.public)


class Saved:
    """The playlists in a folder. Their ids are random, so that no title becomes the name of a file.

    Parameters
    ----------
    folder : Path
        A folder in the library's home.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()  # two threads must not write the same temporary file
        self._listing = threading.Lock()
        # State of each file at the last listing.
        self._listed: dict[str, tuple[_Stamp, SavedPlaylist | None, tuple[bytes, ...]]] = {}

    def all(self) -> list[SavedPlaylist]:
        """Return all playlists, by title.

        Other files in the folder are left out. Only files that have changed are read again.
        """
        with self._listing:
            known, self._listed = self._listed, {}
            for id in self._ids():
                stamp = self._stamp(id)
                if stamp is None:
                    continue
                if id not in known or known[id][0] != stamp:
                    kept = self._read(id)
                    known[id] = (stamp, None, ()) if kept is None else (stamp, kept.in_brief, kept.opening)
                self._listed[id] = known[id]
            playlists = [playlist for _, playlist, _ in self._listed.values() if playlist is not None]
        return sorted(playlists, key=lambda playlist: (playlist.title.casefold(), playlist.id))

    def opening(self, id: str) -> tuple[bytes, ...]:
        """Return the identities of the first songs of a playlist, as far as it names them."""
        with self._listing:
            if id in self._listed:
                return self._listed[id][2]
        return self._known(id).opening

    def places(self, id: str, here: Here) -> tuple[SavedPlaylist, list[Place]]:
        """Return a playlist, and its entries in their order.

        Raises
        ------
        UnknownError
            If there is no playlist with this id.
        """
        kept = self._known(id)
        return kept.in_brief, self._places(kept, here)

    def create(self, title: str, songs: Sequence[Song], *, comment: str = "", public: bool = False) -> SavedPlaylist:
        """Write a new playlist, and return it.

        Raises
        ------
        SongspaceError
            If there are too many playlists, or it cannot be written.
        """
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise NotReadyError(f"The playlist cannot be kept in {self._folder} ({error.strerror}).") from error
        with self._writing:
            if len(self._ids()) >= MOST:
                raise NotReadyError(f"There are {MOST} playlists already: delete some first.")
            tracks = [interchange.jspf_track(song) for song in songs]
            return self._write(_Kept(secrets.token_hex(8), _one_line(title), tracks, comment, public))

    def change(
        self,
        id: str,
        *,
        title: str | None = None,
        comment: str | None = None,
        public: bool | None = None,
        songs: Sequence[Song] | None = None,
        here: Here | None = None,
    ) -> SavedPlaylist:
        """Change what is said of a playlist or its songs, or both, in one step, and return it.

        Entries whose song cannot be found now stay after the song that they were after, or, if that is none of the new
        songs, after the one before it.

        Parameters
        ----------
        id : str
        title, comment : str, optional
        public : bool, optional
        songs : sequence of Song, optional
            All songs of the playlist that can be found; needs ``here``.
        here : Here, optional
            Finds the songs of the entries.

        Raises
        ------
        UnknownError
            If there is no playlist with this id.
        SongspaceError
            If the title is blank, or the playlist cannot be written.
        """
        with self._writing:
            kept = self._known(id)
            changed = kept.said(title, comment, public)
            if songs is None or here is None:
                return self._write(changed) if changed != kept else kept.in_brief
            return self._write(replace(changed, tracks=_merged(kept.tracks, self._places(kept, here), songs)))

    def edit(
        self,
        id: str,
        here: Here,
        *,
        title: str | None = None,
        comment: str | None = None,
        public: bool | None = None,
        remove: Collection[int] = (),
        add: Sequence[Song] = (),
        shown: bool = False,
    ) -> SavedPlaylist:
        """Remove entries by position, add songs at the end, and return the playlist.

        Parameters
        ----------
        id : str
        here : Here
        title, comment : str, optional
        public : bool, optional
        remove : collection of int
            Positions, from 0.
        add : sequence of Song
        shown : bool
            True if positions count only songs that can be found, as players show the playlist; otherwise they count
            all entries.

        Raises
        ------
        UnknownError
            If there is no playlist with this id, or no such position in it.
        SongspaceError
            If the title is blank, or the playlist is too long or cannot be written.
        """
        with self._writing:
            kept = self._known(id)
            places = self._places(kept, here)
            numbers = [number for number, place in enumerate(places) if place.song is not None or not shown]
            if any(not 0 <= place < len(numbers) for place in remove):
                raise UnknownError("The playlist has no song in that place.")
            out = {numbers[place] for place in remove}
            tracks = [
                track if place.song is None else interchange.jspf_track(place.song)
                for number, (track, place) in enumerate(zip(kept.tracks, places, strict=True))
                if number not in out
            ]
            tracks += [interchange.jspf_track(song) for song in add]
            return self._write(replace(kept.said(title, comment, public), tracks=tracks))

    def changed(self, id: str) -> float:
        """Return the time when a playlist was written, in seconds since 1970.

        Raises
        ------
        UnknownError
            If there is no playlist with this id.
        """
        try:
            return os.lstat(self._path(id)).st_mtime
        except OSError:
            raise UnknownError(f"There is no playlist {id}.") from None

    def delete(self, id: str) -> None:
        """Delete a playlist.

        Raises
        ------
        UnknownError
            If there is no playlist with this id.
        NotReadyError
            If it cannot be deleted.
        """
        try:
            self._path(id).unlink()
        except FileNotFoundError:
            raise UnknownError(f"There is no playlist {id}.") from None
        except OSError as error:
            raise NotReadyError(f"The playlist {id} cannot be deleted ({error.strerror}).") from None

    def _ids(self) -> list[str]:
        """Return the ids of all files that may be playlists, at most :data:`MOST`."""
        try:
            with os.scandir(self._folder) as listing:
                names = (os.path.splitext(entry.name) for entry in listing)
                return sorted(id for id, suffix in names if suffix == ".jspf" and _ID.fullmatch(id))[:MOST]
        except OSError:
            return []

    def _path(self, id: str) -> Path:
        if not _ID.fullmatch(id):
            raise SongspaceError("That is no id of a playlist.")
        return self._folder / f"{id}.jspf"

    def _stamp(self, id: str) -> _Stamp | None:
        try:
            status = os.lstat(self._path(id))
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def _known(self, id: str) -> _Kept:
        kept = self._read(id)
        if kept is None:
            raise UnknownError(f"There is no playlist {id}.")
        return kept

    def _read(self, id: str) -> _Kept | None:
        """Read a playlist; return None if the file is missing, or no playlist."""
        try:
            data = read_plain(self._path(id), _LARGEST)
            if sum(map(data.count, (b"[", b"{", b","))) > _PIECES:
                return None
            playlist = parse_json(data)["playlist"]
            title, tracks = playlist["title"], playlist["track"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not isinstance(title, str) or len(title) > _LONGEST_TITLE or not isinstance(tracks, list):
            return None
        if len(tracks) > LONGEST_SAVED or not all(map(_is_track, tracks)):
            return None
        comment, public = playlist.get("annotation"), _is_public(playlist.get("extension"))
        if not isinstance(comment, str) or len(comment) > _LONGEST_TITLE:
            comment = ""
        return _Kept(id, characters(title), tracks, characters(comment), public)

    def _places(self, kept: _Kept, here: Here) -> list[Place]:
        def place(track: _Track) -> Place:
            try:
                return here.place(interchange.jspf_entry(track, self._folder))
            except ValueError:  # a path that no file can have
                return Place(Entry(), None)

        return [place(track) for track in kept.tracks]

    def _write(self, kept: _Kept) -> SavedPlaylist:
        if len(kept.tracks) > LONGEST_SAVED:
            raise SongspaceError(f"A playlist has at most {LONGEST_SAVED} songs, with those that are away.")
        interchange.put(
            self._path(kept.id), interchange.jspf(kept.tracks, kept.title, comment=kept.comment, public=kept.public)
        )
        with self._listing:
            self._listed.pop(kept.id, None)
        return kept.in_brief


def _merged(tracks: Sequence[_Track], places: Sequence[Place], songs: Sequence[Song]) -> list[_Track]:
    """Return the tracks of new songs, each followed by the tracks that were after it and cannot be found now."""
    total = Counter(song.id for song in songs)
    after: dict[tuple[int, int] | None, list[_Track]] = defaultdict(list)
    seen: Counter[int] = Counter()
    anchor: tuple[int, int] | None = None  # (song id, number of its occurrence, for it may be in the list repeatedly)
    for track, place in zip(tracks, places, strict=True):
        if place.song is None:
            after[anchor].append(track)
        elif place.song.id in total:
            seen[place.song.id] = min(seen[place.song.id] + 1, total[place.song.id])
            anchor = (place.song.id, seen[place.song.id])
    merged, seen = [*after[None]], Counter()
    for song in songs:
        seen[song.id] += 1
        merged += [interchange.jspf_track(song), *after[song.id, seen[song.id]]]
    return merged


def _is_public(extension: Any) -> bool:
    """Return what MusicBrainz' extension of a playlist says."""
    about = extension.get(interchange.JSPF_EXTENSION) if isinstance(extension, Mapping) else None
    return isinstance(about, Mapping) and about.get("public") is True


def _is_track(track: Any) -> bool:
    """Return True if a value of JSON can be an entry."""
    if not isinstance(track, Mapping):
        return False
    locations = track.get("location") or []
    locations = locations if isinstance(locations, list) else [locations]
    return all(isinstance(one, str) and len(one) <= _LONGEST_NAME for one in locations)


def _duration(track: _Track) -> float:
    """Return the duration of a track, in milliseconds; 0 if it is missing or invalid."""
    given = track.get("duration")
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < _LONGEST_SONG:
        return float(given)
    return 0.0


def _one_line(title: str) -> str:
    """Return a title as one line.

    Raises
    ------
    SongspaceError
        If it is blank.
    """
    if line := " ".join(title.split()):
        return line
    raise SongspaceError("A playlist has a title of more than blanks.")
