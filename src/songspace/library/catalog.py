"""The catalog: what is known of each song, in SQLite. Only this room speaks SQL (see also `schema` and `mending`).

A *file* is a path; a *song* is a content. Two copies of one file are one song, and a file that moved is still the
same song. Every change is one transaction, so a process may be killed at any moment: what was finished stays.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import xxhash

from songspace.errors import SongspaceError
from songspace.library import schema
from songspace.library.scan import Found, Tags


@dataclass(frozen=True, slots=True)
class Song:
    """One song of the library.

    Attributes
    ----------
    id : int
        Its number in this library, for as long as the library lasts.
    path : str
        Absolute path of its file (the first by name if there are copies).
    duration : float
        Seconds.
    artist, genre : str or None
        As they are shown: several values stand side by side ("Ann, Bea"; "Jazz; Funk").
    artists, genres : tuple of str
        Each value that the tags give; empty where they give none.
    identity : bytes
        Of its sound: the same in every library.
    start, end : float or None
        The part of the file that is the song, in seconds, where a CUE sheet says so; None is the file's own start or end.
    away : float or None
        Since when none of its files can be reached, in seconds since 1970; None if one can.
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

    @property
    def name(self) -> str:
        """What to call it: "artist - title", or as much of it as is known, or the name of its file."""
        title = self.title or Path(self.path).stem.encode("utf-8", "replace").decode("utf-8")
        return f"{self.artist} - {title}" if self.artist else title


@dataclass(frozen=True, slots=True)
class Link:
    """What a media server calls a song.

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
class Row:
    """What the catalog remembers of a file: a song, or the reason why it is none."""

    size: int
    mtime_ns: int
    song: int | None
    failure: str | None

    @classmethod
    def of(cls, file: Found) -> Row:
        """What is remembered of a file that can be no song."""
        return cls(file.size, file.mtime_ns, None, file.problem)


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
        If it is missing, damaged, or written by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str], *, write: bool = False) -> None:
        self.path = Path(path)
        if not write and not self.path.exists():
            raise SongspaceError(f"There is no library in {self.path.parent}: run `songspace learn FOLDER` first.")
        try:
            self._db, version = self._connect(write)
            schema.prepare(self._db)
            self._db.execute("PRAGMA foreign_keys = ON")
            if version > schema.VERSION:
                raise SongspaceError(f"{self.path} was written by a newer songspace (catalog version {version}).")
            if write:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                if version < schema.VERSION:
                    schema.bring_up_to_date(self._db)
            else:
                self._db.execute("PRAGMA query_only = ON")
            self._has_links = write or version >= 2
            self._codes = "codes" if write or version >= 4 else "NULL"
            self._songs = _select(lacking=() if write or version >= 3 else ("disc",))
            if version == 0 and not write:
                raise SongspaceError(f"There is no library in {self.path.parent}: run `songspace learn FOLDER` first.")
        except sqlite3.DatabaseError as error:
            raise SongspaceError(f"The catalog {self.path} cannot be opened: {error}.") from error

    def _connect(self, write: bool) -> tuple[sqlite3.Connection, int]:
        """An open file, and its version."""
        db = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        try:
            return db, db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.OperationalError:
            # SQLite keeps files beside a catalog even for readers. Where it may not, and nobody else has the catalog
            # open, it can do without.
            if write or os.access(self.path.parent, os.W_OK) or self.path.with_name(self.path.name + "-wal").exists():
                raise
        db = sqlite3.connect(f"{self.path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
        return db, db.execute("PRAGMA user_version").fetchone()[0]

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

    # What the library is made of

    def roots(self) -> list[str]:
        """The folders that make up the library, by name."""
        return [os.fsdecode(path) for (path,) in self._db.execute("SELECT path FROM roots ORDER BY path")]

    def add_root(self, folder: str) -> None:
        """Add a folder to the library."""
        self._db.execute(schema.insert("roots"), (os.fsencode(folder),))

    def fact(self, key: str) -> str | None:
        """A remembered fact, such as which encoder is in use."""
        found = self._db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def set_fact(self, key: str, value: str) -> None:
        """Remember a fact."""
        self._db.execute(schema.insert("facts"), (key, value))

    # Files

    def files(self) -> dict[str, Row]:
        """Every file that was ever looked at and is still there, by path."""
        rows = self._db.execute("SELECT path, size, mtime_ns, song, failure FROM files")
        return {os.fsdecode(path): Row(*rest) for path, *rest in rows}

    def file(self, path: str) -> Row | None:
        """What is remembered of one file."""
        row = self._db.execute(
            "SELECT size, mtime_ns, song, failure FROM files WHERE path = ?", (os.fsencode(path),)
        ).fetchone()
        return Row(*row) if row else None

    def failures(self) -> list[tuple[str, str]]:
        """(path, reason) of every file that could not be read."""
        rows = self._db.execute("SELECT path, failure FROM files WHERE failure IS NOT NULL ORDER BY path")
        return [(os.fsdecode(path), failure) for path, failure in rows]

    def record_failure(self, file: Found, reason: str, *, lasting: bool = True) -> None:
        """Remember why a file is no song; it is tried again when it changes, or next time if not ``lasting``."""
        stamp = (file.size, file.mtime_ns) if lasting else (-1, 0)
        self._db.execute(schema.insert("files"), (os.fsencode(file.path), *stamp, None, reason))

    def record_problems(self, files: Iterable[Found]) -> None:
        """Remember files that can be no songs, which was seen without opening them: there may be very many."""
        with self._transaction():
            self._db.executemany(
                schema.insert("files"),
                ((os.fsencode(file.path), file.size, file.mtime_ns, None, file.problem) for file in files),
            )

    def forget(self, paths: Iterable[str]) -> None:
        """Let go of files that are no longer there."""
        with self._transaction():
            self._db.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def drop_orphans(self) -> int:
        """Let go of songs that no file holds any more; returns how many."""
        with self._transaction():
            return self._db.execute(
                "DELETE FROM songs WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.song = songs.id)"
            ).rowcount

    # Songs

    def identities(self) -> dict[bytes, int]:
        """The id of every song, by the identity of its content."""
        return dict(self._db.execute("SELECT identity, id FROM songs ORDER BY identity"))

    def record_song(
        self,
        file: Found,
        identity: bytes,
        tags: Tags,
        *,
        duration: float = 0.0,
        starts: Sequence[float] | np.ndarray = (),
        silent: Sequence[bool] | np.ndarray = (),
        vectors: dict[str, np.ndarray] | None = None,
    ) -> int:
        """Remember that a file holds a song, with all that was worked out of it; returns the song's id.

        A song that is known already keeps what is known of it.
        """
        with self._transaction():
            self._db.execute(
                schema.insert("songs", instead="IGNORE"),
                (
                    identity,
                    float(duration),
                    np.asarray(starts, np.float64).tobytes(),
                    np.asarray(silent, np.bool_).tobytes(),
                    *astuple(tags),
                ),
            )
            song: int = self._db.execute("SELECT id FROM songs WHERE identity = ?", (identity,)).fetchone()[0]
            self._db.execute(schema.insert("files"), (os.fsencode(file.path), file.size, file.mtime_ns, song, None))
            for encoder, segments in (vectors or {}).items():
                self._set_vectors(encoder, song, segments)
        return song

    def songs(self, ids: Iterable[int] | None = None) -> list[Song]:
        """All songs in the order of their paths, or those of the given ids in the order given."""
        if ids is None:
            return [_song(row) for row in self._db.execute(f"{self._songs} GROUP BY songs.id ORDER BY 2")]
        return [song for song in map(self.song, ids) if song is not None]

    def song(self, id: int) -> Song | None:
        """The song of that id."""
        row = self._db.execute(f"{self._songs} WHERE songs.id = ? GROUP BY songs.id", (id,)).fetchone()
        return _song(row) if row else None

    def song_at(self, path: str) -> Song | None:
        """The song that a file of the library holds."""
        row = self._db.execute("SELECT song FROM files WHERE path = ?", (os.fsencode(path),)).fetchone()
        return self.song(row[0]) if row and row[0] is not None else None

    def count(self) -> int:
        """How many songs there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM songs").fetchone()[0])

    def seconds(self) -> float:
        """How long all songs last together."""
        return float(self._db.execute("SELECT TOTAL(duration) FROM songs").fetchone()[0])

    def segments(self, song: int) -> tuple[np.ndarray, np.ndarray]:
        """(starts in seconds, whether silent) of a song's segments, in order."""
        starts, silent = self._db.execute("SELECT starts, silent FROM songs WHERE id = ?", (song,)).fetchone()
        return np.frombuffer(starts, np.float64), np.frombuffer(silent, np.bool_)

    def reset(self) -> None:
        """Let go of every song and file (but not of the folders): all will be listened to anew."""
        with self._transaction():
            self._db.execute("DELETE FROM files")
            self._db.execute("DELETE FROM songs")

    # Vectors

    def set_vectors(self, encoder: str, song: int, segments: np.ndarray) -> None:
        """Keep the segment vectors (segments, dimensions) that an encoder gave for a song."""
        with self._transaction():
            self._set_vectors(encoder, song, segments)

    def _set_vectors(self, encoder: str, song: int, segments: np.ndarray) -> None:
        blob = np.ascontiguousarray(segments, np.float32).tobytes()
        self._db.execute(schema.insert("vectors"), (encoder, song, blob))

    def vectors(self, encoder: str) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """(song id, segment vectors, silent) for every song that has vectors of that encoder, by identity."""
        rows = self._db.execute(
            "SELECT song, segments, silent FROM vectors JOIN songs ON songs.id = song "
            "WHERE encoder = ? ORDER BY identity",
            (encoder,),
        )
        for song, segments, silent in rows:
            flags = np.frombuffer(silent, np.bool_)
            yield song, np.frombuffer(segments, np.float32).reshape(len(flags), -1), flags

    def encoded(self, encoder: str, song: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float] | None:
        """(vectors, starts, silent, duration of the song) of a song's segments; None if it has no such vectors."""
        found = self._db.execute(
            "SELECT segments, starts, silent, duration FROM vectors JOIN songs ON songs.id = song "
            "WHERE encoder = ? AND song = ?",
            (encoder, song),
        ).fetchone()
        if found is None:
            return None
        segments, starts, silent, duration = found
        flags = np.frombuffer(silent, np.bool_)
        vectors = np.frombuffer(segments, np.float32).reshape(len(flags), -1)
        return vectors, np.frombuffer(starts, np.float64), flags, duration

    def without_vectors(self, encoder: str) -> list[int]:
        """The songs that this encoder has not encoded yet, by identity."""
        rows = self._db.execute(
            "SELECT id FROM songs WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE encoder = ? AND song = songs.id) "
            "ORDER BY identity",
            (encoder,),
        )
        return [song for (song,) in rows]

    def keep_vectors_of(self, encoders: Iterable[str]) -> None:
        """Let go of the vectors of all other encoders."""
        kept = list(encoders)
        with self._transaction():
            self._db.execute(f"DELETE FROM vectors WHERE encoder NOT IN ({', '.join('?' * len(kept))})", kept)

    def digest(self, encoder: str) -> str:
        """A checksum of all songs, their files and their vectors of that encoder: of all that a space is made of."""
        digest = xxhash.xxh3_64()
        for row in self._db.execute(
            "SELECT id, sum FROM songs UNION ALL SELECT song, sum FROM files "
            "UNION ALL SELECT song, sum FROM vectors WHERE encoder = ? ORDER BY 1, 2",
            (encoder,),
        ):
            digest.update(repr(row).encode())
        return digest.hexdigest()

    # What media servers call songs

    def links(self) -> dict[str, list[Link]]:
        """What each media server calls the songs that are here, by the server's address."""
        found: dict[str, list[Link]] = {}
        if self._has_links:
            rows = self._db.execute(
                "SELECT server, item, songs.id, links.artist FROM links JOIN songs USING (identity) "
                "ORDER BY server, item"
            )
            for server, *link in rows:
                found.setdefault(server, []).append(Link(*link))
        return found

    def set_links(self, server: str, links: Iterable[Link]) -> None:
        """Remember what a media server calls songs, in place of what was known of it."""
        with self._transaction():
            self._db.execute("DELETE FROM links WHERE server = ?", (server,))
            for link in links:
                for (identity,) in self._db.execute("SELECT identity FROM songs WHERE id = ?", (link.song,)).fetchall():
                    self._db.execute(schema.insert("links"), (server, link.item, identity, link.artist))

    # Slots of the spectrogram cache

    def slots(self) -> list[tuple[int, bytes, int, int, int | None]]:
        """(song id, identity, slot, number of segments, checksum) of every song in the cache, by identity.

        Spectrograms that older versions kept have no checksum yet.
        """
        return self._db.execute(
            f"SELECT id, identity, slot, length(silent), {self._codes} FROM songs "
            "WHERE slot IS NOT NULL ORDER BY identity"
        ).fetchall()

    def set_slot(self, song: int, slot: int | None, checksum: int | None = None) -> None:
        """Remember where in the cache a song's spectrograms lie, and their checksum."""
        self._db.execute("UPDATE songs SET slot = ?, codes = ? WHERE id = ?", (slot, checksum, song))

    def clear_slots(self, beyond: int = 0) -> None:
        """Forget the slots from ``beyond`` on, because the cache does not hold them."""
        self._db.execute("UPDATE songs SET slot = NULL WHERE slot >= ?", (beyond,))


def _select(lacking: Sequence[str]) -> str:
    """The question for songs, to which rows in the order of :class:`Song` answer."""
    tags = ", ".join("NULL" if field.name in lacking else f"songs.{field.name}" for field in fields(Tags))
    return f"SELECT songs.id, MIN(files.path), songs.duration, {tags} FROM songs JOIN files ON files.song = songs.id"


def _song(row: tuple) -> Song:
    id, path, duration, *tags = row
    return Song(id, os.fsdecode(path), duration, *tags)
