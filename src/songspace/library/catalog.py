"""The catalog: what is known of each song, in SQLite. Only this room speaks SQL (see also `schema` and `mending`).

A *file* is a path; a *song* is a sound; a *track* is a song of a file. Two copies of one sound are one song, and a file
that moved, or was tagged anew, is still the same song. A file that cannot be reached is *away*: its songs keep all
that is known of them, and answer no question until it is back. Every change is one transaction, so a process may be
killed at any moment: what was finished stays.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import xxhash

from songspace.errors import SongspaceError
from songspace.library import schema
from songspace.library.cue import Part
from songspace.library.scan import Found, Stamp
from songspace.library.tags import Tags, genres_apart, shown_genres

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Song:
    """One song of the library.

    Attributes
    ----------
    id : int
        Its number in this library, for as long as the library lasts.
    path : str
        Absolute path of its file (if there are copies, of the first by name that has a title).
    duration : float
        Seconds.
    artist, genre : str or None
        As they are shown: several values stand side by side ("Ann, Bea"; "Jazz; Funk").
    artists, genres : tuple of str
        Each value that the tags give; empty where they give none. A genre may be parted by signs that a person named.
    identity : bytes
        Of its sound: the same in every library.
    start, end : float or None
        The part of the file that is the song, in seconds, where a CUE sheet says so; None is that of the file.
    away : float or None
        Since when none of its files can be reached, in seconds since 1970; None if one can.
    words : tuple of str
        Those that stand out in it to a trained ear (:mod:`.words`), where they were asked for.
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

    @property
    def name(self) -> str:
        """ "artist - title", or as much of it as is known, or the name of its file."""
        title = self.title or Path(self.path).stem.encode("utf-8", "replace").decode("utf-8")
        return f"{self.artist} - {title}" if self.artist else title


@dataclass(frozen=True, slots=True)
class Link:
    """The id of a song on a media server.

    Attributes
    ----------
    item : str
        The server's id of it.
    song : int
    artist : str or None
        The server's id of its artist.
    """

    item: str
    song: int
    artist: str | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A song of a file, with what was worked out of it: nothing, if the library has the song already.

    Attributes
    ----------
    identity : bytes
    part : Part
        Which part of the file it is, with its tags.
    duration : float
        Seconds.
    starts, silent : sequences of float and bool
        Where its segments begin, in seconds, and which of them are silent.
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
        Of the file as it was when it was read.
    sheet : int
        A checksum of what a CUE sheet says of it.
    failure : str or None
        Why it could not be read.
    away : float or None
        Since when it cannot be reached, in seconds since 1970; None if it can.
    why : str or None
        Why it cannot be reached.
    songs : tuple of int
        The songs that it holds, in their order.
    """

    stamp: Stamp
    sheet: int = 0
    failure: str | None = None
    away: float | None = None
    why: str | None = None
    songs: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.stamp.size

    @property
    def mtime_ns(self) -> int:
        """When the file was changed, in nanoseconds since 1970."""
        return self.stamp.mtime_ns


UNREAD = Stamp(-1)
"""The stamp of a file that is looked at again whatever it is like."""

TAG_ENCODING = "tag encoding"
"""The fact that holds the encoding of old tags."""

GENRE_SEPARATORS = "genre separators"
"""The fact that holds the signs which stand between several genres in one text."""

_TAGS = tuple(one.name for one in fields(Tags))
_LISTS = ("artists", "genres")
"""The tags that are stored with each value on a line."""

_COLUMNS = tuple(one.name for one in fields(Song) if one.name != "words")
"""The fields of a song that are stored: each is a column of that name."""

_SONG = "SELECT {} FROM tracks JOIN files USING (path) JOIN songs ON songs.id = song WHERE silent <> x''".format(
    ", ".join({"id": "songs.id", "path": "tracks.path"}.get(name, f'"{name}"') for name in _COLUMNS)
)
"""The question for songs; those whose sound has to be heard anew have no segments, and answer nothing."""

_HERE = "songs.id IN (SELECT song FROM tracks JOIN files USING (path) WHERE away IS NULL) AND silent <> x''"
"""The condition that holds for songs that can be reached."""

_HOLDS_SONGS = "EXISTS (SELECT 1 FROM tracks WHERE tracks.path = files.path)"
"""The condition that holds for files in which songs were heard."""

_AWAY = f"SELECT identity FROM songs WHERE NOT ({_HERE})"


class Catalog:
    """An open catalog.

    Parameters
    ----------
    path : path
        The SQLite file.
    write : bool
        Whether to create it when it is missing, and to change it. Readers never block the one writer.

    Raises
    ------
    SongspaceError
        If it is missing, damaged, written by a newer version, or none that songspace made.
    """

    def __init__(self, path: str | os.PathLike[str], *, write: bool = False) -> None:
        self.path = Path(path)
        if not write and not self.path.exists():
            raise self._missing()
        with self._telling("opened"):
            self._db = schema.connect(self.path, write=write)
            try:
                self._begin(write)
            except BaseException:
                self._db.close()
                raise

    def _begin(self, write: bool) -> None:
        try:
            version = schema.version_of(self._db)
        except schema.OlderError:
            raise SongspaceError(
                f"The library in {self.path.parent} is of a songspace from before its first release: run "
                "`songspace learn FOLDER` again. (Nothing in the music folder is touched.)"
            ) from None
        if version == 0 and not write:
            raise self._missing()
        if version < schema.VERSION and not write:
            raise SongspaceError("it is of an older songspace: `songspace update` brings it up to date")
        self._db.execute("PRAGMA foreign_keys = ON")
        if not write:
            self._db.execute("PRAGMA query_only = ON")
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        if version < schema.VERSION:
            schema.bring_up_to_date(self._db)

    def _missing(self) -> SongspaceError:
        return SongspaceError(f"There is no library in {self.path.parent}: run `songspace learn FOLDER` first.")

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turn an error of SQLite into one sentence."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise SongspaceError(f"The catalog {self.path} cannot be {what}: {error}.") from error
        except SongspaceError as error:
            if str(error)[:1].isupper():
                raise
            raise SongspaceError(f"The catalog {self.path} cannot be {what}: {error}.") from error

    def close(self) -> None:
        """Close the file; the catalog cannot be used after it."""
        self._db.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")

    def _rows(self, question: str, *values: Any) -> Iterator[Any]:
        with self._telling("read"):
            yield from self._db.execute(question, values)

    def _row(self, question: str, *values: Any) -> Any:
        return next(self._rows(question, *values), None)

    def _write(self, table: str, **values: Any) -> None:
        """Write a row in the place of one of the same key."""
        self._db.execute(schema.write(table), values)

    def _damaged(self, song: int) -> SongspaceError:
        return SongspaceError(
            f"The catalog {self.path} is damaged: what it says of song {song} does not fit together. "
            "`songspace update` mends it."
        )

    # What the library is made of

    def roots(self) -> list[str]:
        """Return the folders that make up the library, by name."""
        return [os.fsdecode(path) for (path,) in self._rows("SELECT path FROM roots ORDER BY path")]

    def add_root(self, folder: str) -> None:
        """Add a folder to the library."""
        self._write("roots", path=os.fsencode(folder))

    def replace_roots(self, folders: Iterable[str], folder: str) -> None:
        """Put a folder in the place of others, all at once: the songs in them are never without one."""
        with self._transaction():
            for one in folders:
                self._drop_root(one)
            self.add_root(folder)

    def _drop_root(self, folder: str) -> None:
        self._db.execute("DELETE FROM roots WHERE path = ?", (os.fsencode(folder),))

    def fact(self, key: str) -> str | None:
        """Return a fact, such as which encoder is in use."""
        row = self._row("SELECT value FROM facts WHERE key = ?", key)
        return row[0] if row else None

    def facts(self, prefix: str) -> list[str]:
        """Return the names of the facts with a prefix, in alphabetical order."""
        return [key for (key,) in self._rows("SELECT key FROM facts ORDER BY key") if key.startswith(prefix)]

    def json_fact(self, key: str, read: Callable[[dict[str, Any]], Fact]) -> Fact | None:
        """Return ``read`` of a fact that is a JSON object; None if there is no such fact.

        Raises
        ------
        SongspaceError
            If the fact is none that was written here.
        """
        value = self.fact(key)
        if value is None:
            return None
        try:
            return read(json.loads(value))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise SongspaceError(
                f"The catalog {self.path} is damaged: what it says of “{key}” makes no sense. Put it aside, and run "
                "`songspace learn FOLDER` again."
            ) from None

    def set_fact(self, key: str, value: str | None) -> None:
        """Write a fact; None deletes it."""
        if value is None:
            self._db.execute("DELETE FROM facts WHERE key = ?", (key,))
        else:
            self._write("facts", key=key, value=value)

    def read_tags_again(self) -> None:
        """Look at every file that holds songs again at the next run; what was heard of them stays."""
        with self._transaction():  # a date that no file has
            schema.change(self._db, "files", "mtime_ns = -1, ctime_ns = -1", _HOLDS_SONGS)

    def left_out(self) -> list[tuple[str, str]]:
        """Return (path, reason) of all that the last scan left out on purpose."""
        return [(os.fsdecode(path), why) for path, why in self._rows("SELECT path, reason FROM left_out ORDER BY path")]

    def set_left_out(self, folder: str, left_out: dict[str, str]) -> None:
        """Remember what is left out of a folder, in place of what was known of it."""
        with self._transaction():
            self._delete_inside("left_out", folder)
            for path, reason in left_out.items():
                self._write("left_out", path=os.fsencode(path), reason=reason)

    def _delete_inside(self, table: str, folder: str) -> None:
        path = os.fsencode(folder)
        below = path if path.endswith(os.fsencode(os.sep)) else path + os.fsencode(os.sep)
        behind = below[:-1] + bytes([below[-1] + 1])  # greater than all paths that begin with ``below``
        self._db.execute(f"DELETE FROM {table} WHERE path = ? OR (path > ? AND path < ?)", (path, below, behind))

    # Files

    def files(self) -> dict[str, FileRow]:
        """Return the row of every file, by path."""
        songs: dict[bytes, tuple[int, ...]] = {}
        for path, song in self._rows("SELECT path, song FROM tracks ORDER BY path, number"):
            songs[path] = (*songs.get(path, ()), song)
        rows = self._rows("SELECT path, size, mtime_ns, ctime_ns, device, inode, sheet, failure, away, why FROM files")
        return {os.fsdecode(path): _row(rest, songs.get(path, ())) for path, *rest in rows}

    def file(self, path: str) -> FileRow | None:
        """Return the row of one file."""
        row = self._row(
            "SELECT size, mtime_ns, ctime_ns, device, inode, sheet, failure, away, why FROM files WHERE path = ?",
            os.fsencode(path),
        )
        if row is None:
            return None
        songs = self._rows("SELECT song FROM tracks WHERE path = ? ORDER BY number", os.fsencode(path))
        return _row(row, tuple(song for (song,) in songs))

    def parts(self, path: str) -> tuple[Part, ...]:
        """Return the parts of a file that are songs of their own, without their tags; none if the file is one song."""
        rows = self._rows(
            'SELECT number, start, "end" FROM tracks WHERE path = ? AND (number > 0 OR start NOT NULL) ORDER BY number',
            os.fsencode(path),
        )
        return tuple(Part(*row) for row in rows)

    def tracks_sum(self, path: str) -> list[int]:
        """Return the checksums of the tracks of a file: they differ if anything of these has changed."""
        rows = self._rows("SELECT sum FROM tracks WHERE path = ? ORDER BY number", os.fsencode(path))
        return [one for (one,) in rows]

    def failures(self) -> list[tuple[str, str]]:
        """Return (path, reason) of every file that could not be read."""
        rows = self._rows("SELECT path, failure FROM files WHERE failure IS NOT NULL ORDER BY path")
        return [(os.fsdecode(path), failure) for path, failure in rows]

    def record_failure(self, file: Found, reason: str, *, lasting: bool = True) -> None:
        """Remember why a file cannot be read; it is tried again when it changes, or next time if not ``lasting``.

        Songs that it held are away: it may be put right.
        """
        with self._transaction():
            self._set_file(file.path, file.stamp if lasting else UNREAD, file.sheet, reason)
            self._set_away(file.path, reason)

    def forget(self, paths: Iterable[str]) -> None:
        """Delete files that are no longer there."""
        with self._transaction():
            self._db.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def forget_folder(self, folder: str) -> None:
        """Delete a folder, and all files in it."""
        with self._transaction():
            self._drop_root(folder)
            self._delete_inside("files", folder)
            self._delete_inside("left_out", folder)

    def set_away(self, away: dict[str, str]) -> None:
        """Remember why files that hold songs cannot be reached; since when stays as it was."""
        with self._transaction():
            for path, why in away.items():
                self._set_away(path, why)

    def _set_away(self, path: str, why: str) -> None:
        self._db.execute(
            f"UPDATE files SET away = coalesce(away, ?3), why = ?2 WHERE path = ?1 AND {_HOLDS_SONGS}",
            (os.fsencode(path), why, time.time()),
        )

    def set_back(self, files: Iterable[Found]) -> None:
        """Mark files as here again; the numbers of their device, or their own, may have changed."""
        with self._transaction():
            for file in files:
                known = self.file(file.path) if file.sheet_away else None
                self._set_file(file.path, file.stamp, known.sheet if known else file.sheet, None)

    def _set_file(self, path: str, stamp: Stamp, sheet: int, failure: str | None) -> None:
        """Write what is known of a file that can be reached; the songs in it stay."""
        name = os.fsencode(path)
        self._write("files", path=name, **stamp._asdict(), sheet=sheet, failure=failure)
        self._db.execute("UPDATE files SET away = NULL, why = NULL WHERE path = ?", (name,))

    def drop_orphans(self) -> int:
        """Delete songs that no file holds any more; return how many."""
        with self._transaction():
            return self._db.execute(
                "DELETE FROM songs WHERE NOT EXISTS (SELECT 1 FROM tracks WHERE song = songs.id)"
            ).rowcount

    # Songs

    def identities(self) -> dict[bytes, int]:
        """Return the id of every song that was heard, by identity; also of those that are away."""
        return dict(self._rows("SELECT identity, id FROM songs WHERE silent <> x'' ORDER BY identity"))

    def record(self, file: Found, tracks: Iterable[Track]) -> list[int]:
        """Remember which songs a file holds, in place of what was known of it; return their ids.

        A song that is known already keeps its id, and what is known of its sound.
        """
        with self._transaction():
            return self._record(file, tracks)

    def _record(self, file: Found, tracks: Iterable[Track]) -> list[int]:
        path = os.fsencode(file.path)
        songs = []
        self._set_file(file.path, file.stamp, file.sheet, None)
        self._db.execute("DELETE FROM tracks WHERE path = ?", (path,))
        for track in tracks:
            song = self._set_song(track)
            part = track.part
            tags = {name: getattr(part.tags, name) for name in _TAGS}
            tags |= {name: "\n".join(tags[name]) or None for name in _LISTS}
            self._write("tracks", path=path, number=part.number, song=song, start=part.start, end=part.end, **tags)
            songs.append(song)
        return songs

    def replace_all(self, tracks: Iterable[tuple[Found, Track, int | None]], facts: dict[str, str]) -> None:
        """Put songs, each the only one of its file, in the place of all others; and remember facts. All at once.

        A song is given the number that stands beside it; if that is None, the one that it had, or a new one.
        """
        with self._transaction():
            had = dict(self._db.execute("SELECT identity, id FROM songs").fetchall())
            for table in ("vectors", "tracks", "songs", "files", "left_out"):
                self._db.execute(f"DELETE FROM {table}")
            for file, track, number in tracks:
                number = had.get(track.identity) if number is None else number
                if number is not None:  # a song to be heard anew, with that number: it is filled in below
                    self._db.execute(
                        "INSERT INTO songs (id, identity, duration, starts, silent) VALUES (?, ?, 0.0, x'', x'')",
                        (number, track.identity),
                    )
                self._record(file, [track])
            for key, value in facts.items():
                self.set_fact(key, value)

    def _set_song(self, track: Track) -> int:
        known = self._row("SELECT id, silent FROM songs WHERE identity = ?", track.identity)
        if known is None or (not known[1] and len(track.silent)):  # it is new, or was to be heard anew
            self._write(
                "songs",
                identity=track.identity,
                duration=float(track.duration),
                starts=np.asarray(track.starts, np.float64).tobytes(),
                silent=np.asarray(track.silent, np.bool_).tobytes(),
            )
        song: int = self._row("SELECT id FROM songs WHERE identity = ?", track.identity)[0]
        for encoder, segments in track.vectors.items():
            self._set_vectors(encoder, song, segments)
        return song

    def songs(self, ids: Iterable[int] | None = None) -> list[Song]:
        """Return all songs that can be reached, in the order of their paths, or those with the given ids."""
        if ids is not None:
            return [song for song in map(self.song, ids) if song is not None]
        return self._by_path(f"{_SONG} AND away IS NULL ORDER BY tracks.path, number")

    def away(self) -> list[Song]:
        """Return all songs of which no file can be reached, in the order of their paths."""
        return self._by_path(f"{_SONG} AND NOT ({_HERE}) ORDER BY tracks.path, number")

    def _by_path(self, question: str) -> list[Song]:
        songs: dict[int, Song] = {}
        separators = self.fact(GENRE_SEPARATORS) or ""
        for row in self._rows(question):
            song = _song(row, separators)
            known = songs.get(song.id)
            if known is None:
                songs[song.id] = song
            elif known.title is None and song.title is not None:
                del songs[song.id]  # it takes the place of the path that has a title
                songs[song.id] = song
        return list(songs.values())

    def song(self, id: int) -> Song | None:
        """Return the song of that id, also if it is away."""
        return self._one_song("songs.id = ?", id)

    def song_of(self, identity: bytes) -> Song | None:
        """Return the song of that identity, also if it is away."""
        return self._one_song("identity = ?", identity)

    def _one_song(self, condition: str, value: Any) -> Song | None:
        order = "ORDER BY away IS NOT NULL, title IS NULL, tracks.path, number LIMIT 1"
        row = self._row(f"{_SONG} AND {condition} {order}", value) if _is_storable(value) else None
        return _song(row, self.fact(GENRE_SEPARATORS) or "") if row else None

    def song_at(self, path: str) -> Song | None:
        """Return the song that a file of the library holds; the first, if a CUE sheet says that it holds several."""
        row = self._row("SELECT song FROM tracks WHERE path = ? ORDER BY number LIMIT 1", os.fsencode(path))
        return self.song(row[0]) if row else None

    def count(self) -> int:
        """Return the number of songs that can be reached."""
        return int(self._row(f"SELECT COUNT(*) FROM songs WHERE {_HERE}")[0])

    def seconds(self) -> float:
        """Return the total duration of the songs that can be reached."""
        return float(self._row(f"SELECT TOTAL(duration) FROM songs WHERE {_HERE}")[0])

    def segments(self, song: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (starts in seconds, whether silent) of a song's segments, in order."""
        starts, silent = self._row("SELECT starts, silent FROM songs WHERE id = ?", song)
        if len(starts) != 8 * len(silent):
            raise self._damaged(song)
        return np.frombuffer(starts, np.float64), np.frombuffer(silent, np.bool_)

    def reset(self) -> None:
        """Delete all that was heard: every song is listened to anew, and keeps its id."""
        with self._transaction():
            self._db.execute("DELETE FROM vectors")
            schema.change(self._db, "songs", "duration = 0.0, starts = x'', silent = x'', slot = NULL, codes = NULL")
            # Where they lie is remembered: it tells a disk that is away from one that is there.
            schema.change(self._db, "files", "size = -1, mtime_ns = 0, ctime_ns = 0, sheet = 0")

    # Vectors

    def set_vectors(self, encoder: str, song: int, segments: np.ndarray) -> None:
        """Keep the segment vectors (segments, dimensions) that an encoder gave for a song."""
        with self._transaction():
            self._set_vectors(encoder, song, segments)

    def _set_vectors(self, encoder: str, song: int, segments: np.ndarray) -> None:
        blob = np.ascontiguousarray(segments, np.float32).tobytes()
        self._write("vectors", encoder=encoder, song=song, segments=blob)

    def vectors(self, encoder: str) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield (song id, segment vectors, silent) of every song with vectors of that encoder, by identity.

        Also for songs that are away.
        """
        rows = self._rows(
            "SELECT song, segments, silent FROM vectors JOIN songs ON songs.id = song "
            "WHERE encoder = ? ORDER BY identity",
            encoder,
        )
        for song, segments, silent in rows:
            yield song, self._shaped(song, segments, silent), np.frombuffer(silent, np.bool_)

    def encoded(self, encoder: str, song: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float] | None:
        """Return (vectors, starts, silent, duration) of a song's segments; None if it has no such vectors."""
        row = self._row(
            "SELECT segments, starts, silent, duration FROM vectors JOIN songs ON songs.id = song "
            "WHERE encoder = ? AND song = ?",
            encoder,
            song,
        )
        if row is None:
            return None
        segments, starts, silent, duration = row
        if len(starts) != 8 * len(silent):
            raise self._damaged(song)
        vectors = self._shaped(song, segments, silent)
        return vectors, np.frombuffer(starts, np.float64), np.frombuffer(silent, np.bool_), duration

    def _shaped(self, song: int, segments: bytes, silent: bytes) -> np.ndarray:
        if not silent or not segments or len(segments) % (4 * len(silent)):
            raise self._damaged(song)
        return np.frombuffer(segments, np.float32).reshape(len(silent), -1)

    def without_vectors(self, encoder: str) -> list[int]:
        """Return the songs that this encoder has not encoded yet, by identity; also those that are away."""
        rows = self._rows(
            "SELECT id FROM songs WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE encoder = ? AND song = songs.id) "
            "AND silent <> x'' ORDER BY identity",
            encoder,
        )
        return [song for (song,) in rows]

    def keep_vectors_of(self, encoders: Iterable[str]) -> None:
        """Delete the vectors of all other encoders."""
        kept = list(encoders)
        with self._transaction():
            self._db.execute(f"DELETE FROM vectors WHERE encoder NOT IN ({', '.join('?' * len(kept))})", kept)

    def digest(self, encoder: str) -> str:
        """Return a checksum of all songs that can be reached, their tracks and their vectors of that encoder.

        That is all that a space is made of, and how the songs in it are shown.
        """
        digest = xxhash.xxh3_64((self.fact(GENRE_SEPARATORS) or "").encode())
        for row in self._rows(
            f"WITH here AS (SELECT id FROM songs WHERE {_HERE}) "
            "SELECT id, sum FROM songs JOIN here USING (id) "
            "UNION ALL SELECT song, tracks.sum FROM tracks JOIN files USING (path) WHERE away IS NULL "
            "UNION ALL SELECT song, sum FROM vectors JOIN here ON id = song WHERE encoder = ? ORDER BY 1, 2",
            encoder,
        ):
            digest.update(repr(row).encode())
        return digest.hexdigest()

    # What media servers call songs

    def links(self) -> dict[str, list[Link]]:
        """Return what each media server calls the songs that can be reached, by the server's address."""
        by_server: dict[str, list[Link]] = {}
        rows = self._rows(
            "SELECT server, item, songs.id, links.artist FROM links JOIN songs USING (identity) "
            f"WHERE {_HERE} ORDER BY server, item"
        )
        for server, *link in rows:
            by_server.setdefault(server, []).append(Link(*link))
        return by_server

    def set_links(self, server: str, links: Iterable[Link]) -> None:
        """Remember what a media server calls songs, in place of what was known of those that are here."""
        with self._transaction():
            self._db.execute(f"DELETE FROM links WHERE server = ? AND identity NOT IN ({_AWAY})", (server,))
            for link in links:
                if (song := self._row("SELECT identity FROM songs WHERE id = ?", link.song)) is not None:
                    self._write("links", server=server, item=link.item, identity=song[0], artist=link.artist)

    # Slots of the spectrogram cache

    def slots(self) -> list[tuple[int, bytes, int, int, int | None]]:
        """Return (song id, identity, slot, segments, checksum) of every song in the cache, by identity."""
        return list(
            self._rows(
                "SELECT id, identity, slot, length(silent), codes FROM songs WHERE slot IS NOT NULL ORDER BY identity"
            )
        )

    def set_slot(self, song: int, slot: int | None, checksum: int | None = None) -> None:
        """Remember where in the cache a song's spectrograms lie, and their checksum."""
        self._db.execute("UPDATE songs SET slot = ?, codes = ? WHERE id = ?", (slot, checksum, song))

    def clear_slots(self, beyond: int = 0) -> None:
        """Forget the slots from ``beyond`` on, because the cache does not hold them."""
        self._db.execute("UPDATE songs SET slot = NULL WHERE slot >= ?", (beyond,))


def _row(columns: Sequence[Any], songs: tuple[int, ...]) -> FileRow:
    *stamp, sheet, failure, away, why = columns
    return FileRow(Stamp(*stamp), sheet, failure, away, why, songs)


def _is_storable(value: bytes | int) -> bool:
    """Return whether SQLite can look for a value: its numbers end at 2**63."""
    return isinstance(value, bytes) or -(2**63) <= value < 2**63


def _song(row: Sequence[Any], separators: str) -> Song:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["path"] = os.fsdecode(values["path"])
    values |= {name: tuple(values[name].split("\n")) if values[name] else () for name in _LISTS}
    if separators:
        values["genres"] = genres_apart(values["genres"], separators)
        values["genre"] = shown_genres(values["genres"])
    return Song(**values)
