"""What a person likes: stars, ratings, plays and skips, kept as events in a file of their own.

The catalog can be made again from the music, and what a person did cannot: so it lies in another file, which nothing
else writes. An event names a song by the identity of its sound, so that it outlives new tags and other folders. Events
are only added, each in one transaction that reaches the disk: players that write at once lose none, and a process that
is killed loses at most the one that it was writing.

The state (what is starred now, how often a song was played) is computed from the events, the latest one by its time
first, so that it does not depend on the order in which they were written: events of another machine can be added later.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from songspace.errors import SongspaceError
from songspace.library import schema
from songspace.library.records import Song
from songspace.library.tags import plain_text

HIGHEST = 5
"""The highest rating; the lowest is 1, and 0 takes a rating back."""

GOOD, BAD = 4, 2
"""From and up to which rating a song counts as liked, and as disliked."""

OFTEN = 3
"""Fewest plays of a song that was played often."""

SKIPPED = 2
"""From how many skips on a song is not wanted."""

_APPLICATION = 0x6C696B65  # "like"
_VERSION = 1
_TABLE = """CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,     -- seconds since 1970
    kind TEXT NOT NULL,
    thing TEXT NOT NULL,    -- song, album or artist
    key TEXT NOT NULL,      -- a song's identity in hexadecimal digits; the id of an album or an artist
    songs BLOB NOT NULL,    -- identities of its songs
    value INTEGER,          -- a rating
    player TEXT NOT NULL,
    title TEXT,
    artist TEXT,
    album TEXT,
    UNIQUE (time, kind, thing, key, player),
    CHECK (typeof(time) = 'real' AND time BETWEEN 0 AND 1e11),
    CHECK (kind IN ('star', 'unstar', 'rate', 'play', 'skip') AND thing IN ('song', 'album', 'artist')),
    CHECK (typeof(key) = 'text' AND typeof(songs) = 'blob' AND length(songs) > 0 AND length(songs) % 16 = 0),
    CHECK (value IS NULL OR (typeof(value) = 'integer' AND value BETWEEN 0 AND 5)),
    CHECK (typeof(player) = 'text' AND typeof(title) IN ('text', 'null')),
    CHECK (typeof(artist) IN ('text', 'null') AND typeof(album) IN ('text', 'null'))
)"""
_COLUMNS = ("time", "kind", "thing", "key", "songs", "value", "player", "title", "artist", "album")
_IDENTITY = 16  # bytes
_LATEST = 1e11  # seconds since 1970


Key = TypeVar("Key", bytes, str)


class EventKind(StrEnum):
    """Kinds of events."""

    star = "star"
    unstar = "unstar"
    rate = "rate"
    play = "play"
    skip = "skip"


class Thing(StrEnum):
    """Things that an event is about."""

    song = "song"
    album = "album"
    artist = "artist"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a person did.

    Attributes
    ----------
    kind : EventKind
    key : str
        Identity of the song, in hexadecimal digits; the id of an album or an artist.
    songs : tuple of bytes
        Identities of the songs: of the song itself, or of all songs of the album or artist, by which it is found again
        when its name has changed.
    time : float
        Seconds since 1970. Of a play, the time when it began.
    thing : Thing
    player : str
        Name of the program; empty if it gave none.
    value : int or None
        The rating, from 0 (none) to 5.
    title, artist, album : str or None
        Names at that time, for those who read an export.
    """

    kind: EventKind
    key: str
    songs: tuple[bytes, ...]
    time: float
    thing: Thing = Thing.song
    player: str = ""
    value: int | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None

    @classmethod
    def of(cls, kind: EventKind, song: Song, time: float, *, player: str = "", value: int | None = None) -> Event:
        """Return an event about a song.

        Examples
        --------
        >>> Event.of(EventKind.play, Song(1, "/a.mp3", 60.0, "Blue", "Ann", identity=b"0" * 16), 5.0).title
        'Blue'
        """
        name = song.title or song.name
        return cls(
            kind, song.identity.hex(), (song.identity,), time, Thing.song, player, value, name, song.artist, song.album
        )


@dataclass(slots=True)
class Record:
    """Everything that a person did with a song, an album or an artist.

    Attributes
    ----------
    starred : float or None
        Time of the star; None without one.
    rating : int
        From 1 to 5; 0 without one.
    plays, skips : int
    played : float or None
        Time of the last play.
    songs : tuple of bytes
        Identities of its songs.
    """

    starred: float | None = None
    rating: int = 0
    plays: int = 0
    skips: int = 0
    played: float | None = None
    songs: tuple[bytes, ...] = ()
    _star: tuple[float, int] = (-1.0, 0)
    _rate: tuple[float, int] = (-1.0, 0)

    @property
    def touched(self) -> float:
        """Time of the last play, or if there was none, of the last star or rating."""
        return self.played or max(0.0, self._star[0], self._rate[0])

    def add(self, event: Event, number: int) -> None:
        """Add an event. The order in which events are added does not matter."""
        at = (event.time, number)
        self.songs = event.songs or self.songs
        if event.kind in (EventKind.star, EventKind.unstar) and at > self._star:
            self._star, self.starred = at, event.time if event.kind is EventKind.star else None
        elif event.kind is EventKind.rate and at > self._rate:
            self._rate, self.rating = at, event.value or 0
        elif event.kind is EventKind.play:
            self.plays, self.played = self.plays + 1, max(event.time, self.played or 0.0)
        elif event.kind is EventKind.skip:
            self.skips += 1


@dataclass(frozen=True)
class History:
    """The state after all events.

    Attributes
    ----------
    mark : str
        Changes with the state.
    songs : mapping of bytes to Record
        By the identity of the sound.
    albums, artists : mapping of str to Record
        By id.
    """

    mark: str = ""
    songs: Mapping[bytes, Record] = field(default_factory=dict)
    albums: Mapping[str, Record] = field(default_factory=dict)
    artists: Mapping[str, Record] = field(default_factory=dict)

    def of(self, song: Song) -> Record:
        """Return the record of a song; an empty one if nothing happened to it."""
        return self.songs.get(song.identity) or Record()

    @property
    def often(self) -> float:
        """Fewest plays of a song that was played often: three, or the mean of all songs that were played."""
        plays = [record.plays for record in self.songs.values() if record.plays]
        return max(OFTEN, sum(plays) / len(plays)) if plays else OFTEN

    def liked(self) -> set[bytes]:
        """Return the identities of songs that are starred, rated with 4 or 5, or played often and rarely skipped."""
        often = self.often
        return {
            identity
            for identity, record in self.songs.items()
            if record.rating > BAD or not record.rating
            if record.starred is not None
            or record.rating >= GOOD
            or (record.plays >= often and record.plays > 2 * record.skips)
        }

    def disliked(self) -> set[bytes]:
        """Return the identities of songs that are rated with 1 or 2."""
        return {identity for identity, record in self.songs.items() if 0 < record.rating <= BAD}

    def unwanted(self) -> set[bytes]:
        """Return the identities of songs that are disliked, or were skipped twice and are not liked."""
        skipped = {identity for identity, record in self.songs.items() if record.skips >= SKIPPED}
        return (skipped - self.liked()) | self.disliked()


class Likes:
    """The events in a file; it is made when the first one is added.

    Parameters
    ----------
    path : path
        An SQLite file that only its owner can read.

    Examples
    --------
    >>> import tempfile
    >>> song = Song(1, "/a.mp3", 60.0, "Blue", "Ann", identity=b"0" * 16)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     likes = Likes(os.path.join(folder, "likes.sqlite"))
    ...     _ = likes.add([Event.of(EventKind.star, song, 5.0), Event.of(EventKind.play, song, 7.0)])
    ...     likes.history().of(song).starred, likes.history().of(song).plays
    (5.0, 1)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._reading, self._making = threading.Lock(), threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._history = History()
        # Number of the last event in the state, number of all events in it, and the last one itself.
        self._last, self._count, self._tail = 0, 0, None

    def add(self, events: Iterable[Event]) -> int:
        """Write events, all or none, and return how many were new: an event that is there already is not added again.

        Raises
        ------
        SongspaceError
            If the file cannot be written, or is no file of this kind.
        """
        rows = [_row(event) for event in events]
        if not rows:
            return 0
        names, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
        with self._writing() as db:
            before = db.total_changes
            db.executemany(f"INSERT OR IGNORE INTO events ({names}) VALUES ({marks})", rows)
            return db.total_changes - before

    def events(self) -> Iterator[Event]:
        """Yield all events, the oldest first.

        Raises
        ------
        SongspaceError
            If the file cannot be read.
        """
        with self._connected() as db:
            if db is None:
                return
            for row in db.execute(f"SELECT {', '.join(_COLUMNS)} FROM events ORDER BY time, number"):
                yield _event(row)

    def history(self) -> History:
        """Return the state; it is computed anew only when the file has changed.

        Raises
        ------
        SongspaceError
            If the file cannot be read.
        """
        with self._reading:
            stamp = self._stamp()
            if stamp != self._seen:
                self._history, self._seen = self._read(), stamp
            return self._history

    def forget(self) -> int:
        """Delete all events, and return their number."""
        with self._connected() as db:
            count = 0 if db is None else int(db.execute("SELECT count(*) FROM events").fetchone()[0])
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise SongspaceError(f"{self.path} cannot be deleted: {error.strerror}.") from None
        return count

    def _read(self) -> History:
        """Add what is new to the last state; begin anew if the file is another one, or events were deleted."""
        columns = ", ".join(_COLUMNS)
        with self._connected() as db:
            if db is None:
                return self._kept(0, 0, None, History())
            [count], tail = (
                db.execute("SELECT count(*) FROM events WHERE number <= ?", (self._last,)).fetchone(),
                db.execute(f"SELECT {columns} FROM events WHERE number = ?", (self._last,)).fetchone(),
            )
            is_same = (count, tail) == (self._count, self._tail)
            number, count, known = (self._last, count, self._history) if is_same else (0, 0, History())
            songs, albums, artists = {**known.songs}, {**known.albums}, {**known.artists}
            query = f"SELECT number, {columns} FROM events WHERE number > ? ORDER BY number"
            for number_of, *row in db.execute(query, (number,)):
                event, number, count, tail = _event(row), number_of, count + 1, tuple(row)
                if event.thing is Thing.song:
                    _add(songs, event.songs[0], event, number)
                else:
                    _add(albums if event.thing is Thing.album else artists, event.key, event, number)
        return self._kept(
            number, count, tail, History(f"{number}-{count}-{tail[0]}" if count else "", songs, albums, artists)
        )

    def _kept(self, last: int, count: int, tail: Any, history: History) -> History:
        self._last, self._count, self._tail = last, count, tail
        return history

    def _stamp(self) -> tuple[int, ...]:
        try:
            status = os.stat(self.path)
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection | None]:
        """Open the file for reading; None if there is none yet."""
        if not self.path.exists():
            yield None
            return
        # A journal that a killed process left can only be rolled back by a connection that may write.
        mode = "rw" if os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK) else "ro"
        with self._errors_in_words("read"), self._open(mode) as db:
            tables = schema.tables_of(db)
            if tables:
                self._check(db, tables)
            yield db if tables else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file in a transaction, and make it if it is new."""
        with self._errors_in_words("written"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Closing a file drops all locks that this process has on it, so that no other thread may be writing then.
            with self._making, suppress(FileExistsError):
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with self._open("rw") as db:
                db.execute("BEGIN IMMEDIATE")
                if tables := schema.tables_of(db):
                    self._check(db, tables)
                else:
                    db.execute(_TABLE)
                    db.execute(f"PRAGMA application_id = {_APPLICATION}")
                    db.execute(f"PRAGMA user_version = {_VERSION}")
                yield db
                db.execute("COMMIT")

    def _open(self, mode: str) -> closing[sqlite3.Connection]:
        db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)
        schema.prepare(db)
        return closing(db)

    @contextmanager
    def _errors_in_words(self, done: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise SongspaceError(f"The file with your likes, {self.path}, cannot be {done}: {why}.") from error

    def _check(self, db: sqlite3.Connection, tables: schema.Tables) -> None:
        """Refuse a file with other tables: reading them could run views and triggers of a stranger."""
        application, version = schema.marks(db)
        if application == _APPLICATION and version > _VERSION:
            raise SongspaceError(f"The file with your likes, {self.path}, was written by a newer songspace.")
        if tables != {("table", "events", _TABLE)}:
            raise SongspaceError(
                f"The file with your likes, {self.path}, is damaged, or was made by another program: put it aside."
            )


def _add(records: dict[Key, Record], key: Key, event: Event, number: int) -> None:
    records[key] = copy(records[key]) if key in records else Record()  # others may be reading the old one
    records[key].add(event, number)


def _row(event: Event) -> tuple[Any, ...]:
    time = min(max(float(event.time), 0.0), _LATEST)
    texts = (None if text is None else plain_text(text) for text in (event.title, event.artist, event.album))
    player = plain_text(event.player)[:200]
    return time, event.kind.value, event.thing.value, event.key, b"".join(event.songs), event.value, player, *texts


def _event(row: Sequence[Any]) -> Event:
    time, kind, thing, key, songs, value, player, *names = row
    each = tuple(songs[at : at + _IDENTITY] for at in range(0, len(songs), _IDENTITY))
    return Event(EventKind(kind), key, each, time, Thing(thing), player, value, *names)
