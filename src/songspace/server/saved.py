"""Playlists that are kept: each a JSPF file in a folder of the home.

An entry that cannot be found now (its drive is away, its file was moved while nobody looked) may be there again
tomorrow. So each edit keeps such entries in their places, as they were written; what is found is written as it is now.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songspace import interchange
from songspace.answers.answer import answer, described
from songspace.errors import SongspaceError
from songspace.interchange import Entry, Matcher
from songspace.library import Library, Song
from songspace.plainfiles import characters, parse_json, read_plain
from songspace.server.problems import NotReadyError, UnknownError
from songspace.server.questions import LONGEST_SAVED

MOST = 1000
"""Playlists in a home."""

_LARGEST = 32 * 2**20  # bytes: so many songs with the longest of names
_PIECES = 64 * LONGEST_SAVED  # lists, objects and what stands in them; so many songs have a sixth of them
_LONGEST_TITLE = 1000
_LONGEST_NAME = 100_000  # characters of a file's name, escaped as it may be
_LONGEST_SONG = 10.0**12  # milliseconds

_ID = re.compile(r"[0-9a-f]{16}")

_Track = dict[str, Any]
_Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of a playlist that is kept.

    Attributes
    ----------
    entry : Entry
        What the playlist says of it.
    song : Song or None
        The song that it means, if that is here.
    away : float or None
        Since when that song is away, in seconds since 1970, if that is known.
    """

    entry: Entry
    song: Song | None
    away: float | None = None

    @property
    def label(self) -> str:
        """What to call it."""
        if self.song is not None:
            return self.song.name
        said = self.entry
        named = " - ".join(filter(None, (said.artist, said.title)))
        return characters(named) if said.title else said.label


class Here:
    """Finds the songs of a library that entries mean: by the identity of their sound, then their path, then their tags.

    Parameters
    ----------
    ids : container of int
        The songs that are here.
    at : function of a path giving a Song or None
        Such as :meth:`Catalog.song_at`.
    of : function of an identity giving a Song or None
        Such as :meth:`Catalog.song_of`, which knows the songs that are away, too.
    matcher : function giving a Matcher
        It is asked for if neither leads to a song.
    """

    def __init__(
        self,
        ids: Container[int],
        at: Callable[[str], Song | None],
        of: Callable[[bytes], Song | None],
        matcher: Callable[[], Matcher],
    ) -> None:
        self._ids, self._at, self._of, self._matcher = ids, at, of, matcher

    @classmethod
    def among(
        cls, songs: Sequence[Song], at: Callable[[str], Song | None], of: Callable[[bytes], Song | None] | None = None
    ) -> Here:
        """Return of these songs, without anything that was made before."""
        known = {song.identity: song for song in songs if song.identity}
        return cls({song.id for song in songs}, at, of or known.get, lambda: Matcher(songs))

    def place(self, entry: Entry) -> Place:
        """Return what an entry means."""
        found = self._of(entry.identity) if entry.identity else None
        found = found or (self._at(entry.path) if entry.path else None)
        if found is not None:
            # A song that is away is not another one that is called like it.
            return Place(entry, found) if self._is_here(found) else Place(entry, None, found.away)
        return Place(entry, self._matcher().like(entry))

    def _is_here(self, song: Song) -> bool:
        return song.away is None and song.id in self._ids


@answer
class SavedPlaylist:
    """A playlist that is kept, in a list of all."""

    id: str
    title: str
    songs: int
    seconds: float = described(places=3)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A playlist as its file has it."""

    id: str
    title: str
    tracks: list[_Track]

    @property
    def in_brief(self) -> SavedPlaylist:
        """It, in a list of all."""
        milliseconds = sum(_duration(track) for track in self.tracks)
        return SavedPlaylist(self.id, self.title, len(self.tracks), milliseconds / 1000)


class Saved:
    """The playlists in a folder. Their ids are drawn at random, so that no title ever becomes the name of a file.

    Parameters
    ----------
    folder : Path
        It lies in the library's home.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()  # two who write one file beside it would take it from each other
        self._listing = threading.Lock()
        self._told: dict[str, tuple[_Stamp, SavedPlaylist | None]] = {}  # of a file as it was last seen

    def all(self) -> list[SavedPlaylist]:
        """List them by title.

        What another hand has put into the folder, and is none, is left out. Only files that have changed are read.
        """
        with self._listing:
            known, self._told = self._told, {}
            for id in self._ids():
                stamp = self._stamp(id)
                if stamp is None:
                    continue
                if id not in known or known[id][0] != stamp:
                    kept = self._read(id)
                    known[id] = (stamp, None if kept is None else kept.in_brief)
                self._told[id] = known[id]
            found = [brief for _, brief in self._told.values() if brief is not None]
        return sorted(found, key=lambda one: (one.title.casefold(), one.id))

    def one(
        self, id: str, songs: Sequence[Song], at: Callable[[str], Song | None]
    ) -> tuple[SavedPlaylist, list[Song], list[str]]:
        """(what :meth:`all` tells of it, its songs, what it holds that the library has no more).

        Raises
        ------
        UnknownError
            If there is none of that id.
        """
        brief, places = self.places(id, Here.among(songs, at))
        missing = [place.entry.label for place in places if place.song is None]
        return brief, [place.song for place in places if place.song is not None], missing

    def places(self, id: str, here: Here) -> tuple[SavedPlaylist, list[Place]]:
        """(what :meth:`all` tells of it, its entries in their order).

        Raises
        ------
        UnknownError
            If there is none of that id.
        """
        kept = self._known(id)
        return kept.in_brief, self._places(kept, here)

    def create(self, title: str, songs: Sequence[Song]) -> SavedPlaylist:
        """Keep a playlist; what :meth:`all` tells of it.

        Raises
        ------
        SongspaceError
            If there are too many, or it cannot be written.
        """
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise NotReadyError(f"The playlist cannot be kept in {self._folder} ({error.strerror}).") from error
        with self._writing:
            if len(self._ids()) >= MOST:
                raise NotReadyError(f"There are {MOST} playlists already: delete some first.")
            return self._write(
                _Kept(secrets.token_hex(8), _called(title), [interchange.jspf_track(song) for song in songs])
            )

    def change(
        self, id: str, *, title: str | None = None, songs: Sequence[Song] | None = None, here: Here | None = None
    ) -> SavedPlaylist:
        """Give a playlist another title, other songs, or both, in one step; what :meth:`all` tells of it.

        Entries that cannot be found now stay behind the song that they stood behind, or, if that is none of the new
        songs, behind the one before it.

        Parameters
        ----------
        id : str
        title : str, optional
        songs : sequence of Song, optional
            All that are to be in it, of those that can be found.
        here : Here, optional
            What can be found; the library in the home is asked, if it is left out.

        Raises
        ------
        UnknownError
            If there is none of that id.
        SongspaceError
            If the title is blank, or it cannot be written.
        """
        with self._writing:
            kept = self._known(id)
            title = kept.title if title is None else _called(title)
            if songs is None:
                return self._write(_Kept(id, title, kept.tracks)) if title != kept.title else kept.in_brief
            places = self._places(kept, here if here is not None else self._asked())
            return self._write(_Kept(id, title, _merged(kept.tracks, places, songs)))

    def edit(
        self,
        id: str,
        here: Here,
        *,
        title: str | None = None,
        remove: Collection[int] = (),
        add: Sequence[Song] = (),
        shown: bool = False,
    ) -> SavedPlaylist:
        """Take entries out by their places, and add songs at the end; what :meth:`all` tells of it.

        Parameters
        ----------
        id : str
        here : Here
        title : str, optional
        remove : collection of int
            From 0 on.
        add : sequence of Song
        shown : bool
            Whether places are those among the songs that are here, as players see the playlist, and not among all
            entries.

        Raises
        ------
        UnknownError
            If there is no playlist of that id, or it has no such place.
        SongspaceError
            If the title is blank, it would be too long, or it cannot be written.
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
            return self._write(_Kept(id, kept.title if title is None else _called(title), tracks))

    def changed(self, id: str) -> float:
        """When a playlist was written, in seconds since 1970.

        Raises
        ------
        UnknownError
            If there is none of that id.
        """
        try:
            return os.lstat(self._path(id)).st_mtime
        except OSError:
            raise UnknownError(f"There is no playlist {id}.") from None

    def delete(self, id: str) -> None:
        """Let go of a playlist.

        Raises
        ------
        UnknownError
            If there is none of that id.
        NotReadyError
            If it cannot be deleted.
        """
        try:
            self._path(id).unlink()
        except FileNotFoundError:
            raise UnknownError(f"There is no playlist {id}.") from None
        except OSError as error:
            raise NotReadyError(f"The playlist {id} cannot be deleted ({error.strerror}).") from None

    def _asked(self) -> Here:
        library = Library(self._folder.parent)
        return Here.among(library.songs(), library.catalog.song_at)

    def _ids(self) -> list[str]:
        """Return of all files that may be playlists; of a folder that others have filled, no more than may be kept."""
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
            known = os.lstat(self._path(id))
        except OSError:
            return None
        return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns

    def _known(self, id: str) -> _Kept:
        kept = self._read(id)
        if kept is None:
            raise UnknownError(f"There is no playlist {id}.")
        return kept

    def _read(self, id: str) -> _Kept | None:
        """Return a playlist; None if there is none, or what another hand has put in its place."""
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
        return _Kept(id, characters(title), tracks)

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
        interchange.put(self._path(kept.id), interchange.jspf(kept.tracks, kept.title))
        with self._listing:
            self._told.pop(kept.id, None)
        return kept.in_brief


def _merged(tracks: Sequence[_Track], places: Sequence[Place], songs: Sequence[Song]) -> list[_Track]:
    """New songs, and behind each what stood behind it and cannot be found now."""
    last: dict[int, int] = defaultdict(int)
    for song in songs:
        last[song.id] += 1
    behind: dict[tuple[int, int] | None, list[_Track]] = defaultdict(list)
    seen: dict[int, int] = defaultdict(int)
    anchor: tuple[int, int] | None = None  # a song, and the how manieth of it
    for track, place in zip(tracks, places, strict=True):
        if place.song is None:
            behind[anchor].append(track)
        elif place.song.id in last:
            seen[place.song.id] = min(seen[place.song.id] + 1, last[place.song.id])
            anchor = (place.song.id, seen[place.song.id])
    made, seen = [*behind[None]], defaultdict(int)
    for song in songs:
        seen[song.id] += 1
        made += [interchange.jspf_track(song), *behind[song.id, seen[song.id]]]
    return made


def _is_track(track: Any) -> bool:
    """Return whether this can be an entry, whatever it says."""
    if not isinstance(track, Mapping):
        return False
    locations = track.get("location") or []
    locations = locations if isinstance(locations, list) else [locations]
    return all(isinstance(one, str) and len(one) <= _LONGEST_NAME for one in locations)


def _duration(track: _Track) -> float:
    """Return how long a track says that it lasts, in milliseconds; 0 if that is no length."""
    said = track.get("duration")
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < _LONGEST_SONG:
        return float(said)
    return 0.0


def _called(title: str) -> str:
    """Return a title in one line."""
    if line := " ".join(title.split()):
        return line
    raise SongspaceError("A playlist has a title of more than blanks.")
