"""The catalog: everything known about each song, in SQLite. Only this room speaks SQL (see `schema` and `mending`).

A *file* is a path; a *song* is a sound; a *track* is a song of a file. Two copies of one sound are one song, and a file
that moved or got new tags is still the same song. A file that cannot be reached is *away*: the data of its songs are
kept, but queries leave these songs out until the file is back. Every change is one transaction, so a process may be
killed at any moment without losing finished work.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import xxhash

from songspace.errors import SongspaceError
from songspace.library import schema
from songspace.library.cue import Part
from songspace.library.database import Database
from songspace.library.records import FileRow, Link, Song, Track
from songspace.library.scan import Found, Stamp
from songspace.library.tags import Tags, genres_apart, shown_genres

Fact = TypeVar("Fact")

UNREAD = Stamp(-1)
"""The stamp of a file that the next run reads again in any case."""

TAG_ENCODING = "tag encoding"
"""The fact that holds the encoding of old tags."""

GENRE_SEPARATORS = "genre separators"
"""The fact that holds the characters that separate several genres in one text."""

_TAGS = tuple(one.name for one in fields(Tags))
_LISTS = ("artists", "genres")
"""The tags with several values; they are stored with one value on each line."""

_COLUMNS = tuple(one.name for one in fields(Song) if one.name != "words")
"""The stored fields of a song; each is a column of the same name."""

_SONG = "SELECT {} FROM tracks JOIN files USING (path) JOIN songs ON songs.id = song WHERE silent <> x''".format(
    ", ".join({"id": "songs.id", "path": "tracks.path"}.get(name, f'"{name}"') for name in _COLUMNS)
)
"""The query for songs. Songs that have to be heard again have no segments; they are left out."""

_HERE = "songs.id IN (SELECT song FROM tracks JOIN files USING (path) WHERE away IS NULL) AND silent <> x''"
"""Condition for songs that can be reached."""

_HOLDS_SONGS = "EXISTS (SELECT 1 FROM tracks WHERE tracks.path = files.path)"
"""Condition for files that hold songs."""

_AWAY = f"SELECT identity FROM songs WHERE NOT ({_HERE})"


class Catalog(Database):
    """An open catalog.

    Parameters
    ----------
    path : path
        The SQLite file.
    write : bool
        True to create a missing file, and to allow changes. Readers never block the one writer.

    Raises
    ------
    SongspaceError
        If it is missing, damaged, written by a newer version, or not made by songspace.
    """

    # Folders, facts, and what scans leave out

    def roots(self) -> list[str]:
        """Return the folders of the library, by name."""
        return [os.fsdecode(path) for (path,) in self._rows("SELECT path FROM roots ORDER BY path")]

    def add_root(self, folder: str) -> None:
        """Add a folder to the library."""
        self._write("roots", path=os.fsencode(folder))

    def replace_roots(self, folders: Iterable[str], folder: str) -> None:
        """Replace some folders by one, in one transaction: their songs always belong to a folder."""
        with self._transaction():
            for one in folders:
                self._drop_root(one)
            self.add_root(folder)

    def _drop_root(self, folder: str) -> None:
        self._db.execute("DELETE FROM roots WHERE path = ?", (os.fsencode(folder),))

    def fact(self, key: str) -> str | None:
        """Return a fact, such as the name of the encoder in use; None if it is not set."""
        row = self._row("SELECT value FROM facts WHERE key = ?", key)
        return row[0] if row else None

    def facts(self, prefix: str) -> list[str]:
        """Return the names of all facts with a prefix, in alphabetical order."""
        return [key for (key,) in self._rows("SELECT key FROM facts ORDER BY key") if key.startswith(prefix)]

    def json_fact(self, key: str, read: Callable[[dict[str, Any]], Fact]) -> Fact | None:
        """Decode a fact that is a JSON object, and return ``read`` of it; None if the fact is not set.

        Raises
        ------
        SongspaceError
            If it is not an object of the kind that ``read`` needs.
        """
        value = self.fact(key)
        if value is None:
            return None
        try:
            return read(json.loads(value))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise SongspaceError(
                f"The catalog {self.path} is damaged: the entry “{key}” makes no sense. Put it aside, and run "
                "`songspace learn FOLDER` again."
            ) from None

    def set_fact(self, key: str, value: str | None) -> None:
        """Write a fact; None deletes it."""
        if value is None:
            self._db.execute("DELETE FROM facts WHERE key = ?", (key,))
        else:
            self._write("facts", key=key, value=value)

    def read_tags_again(self) -> None:
        """Read the tags of every file again at the next run; what was heard of the songs stays."""
        with self._transaction():  # a date that no file has
            schema.change(self._db, "files", "mtime_ns = -1, ctime_ns = -1", _HOLDS_SONGS)

    def left_out(self) -> list[tuple[str, str]]:
        """Return (path, reason) of everything that the last scan left out on purpose."""
        return [(os.fsdecode(path), why) for path, why in self._rows("SELECT path, reason FROM left_out ORDER BY path")]

    def set_left_out(self, folder: str, left_out: dict[str, str]) -> None:
        """Replace the list of what is left out of a folder."""
        with self._transaction():
            self._delete_inside("left_out", folder)
            for path, reason in left_out.items():
                self._write("left_out", path=os.fsencode(path), reason=reason)

    def _delete_inside(self, table: str, folder: str) -> None:
        path = os.fsencode(folder)
        below = path if path.endswith(os.fsencode(os.sep)) else path + os.fsencode(os.sep)
        after = below[:-1] + bytes([below[-1] + 1])  # greater than all paths that begin with ``below``
        self._db.execute(f"DELETE FROM {table} WHERE path = ? OR (path > ? AND path < ?)", (path, below, after))

    # Files

    def files(self) -> dict[str, FileRow]:
        """Return the row of every file, by path."""
        songs: dict[bytes, tuple[int, ...]] = {}
        for path, song in self._rows("SELECT path, song FROM tracks ORDER BY path, number"):
            songs[path] = (*songs.get(path, ()), song)
        rows = self._rows("SELECT path, size, mtime_ns, ctime_ns, device, inode, sheet, failure, away, why FROM files")
        return {os.fsdecode(path): _file_row(rest, songs.get(path, ())) for path, *rest in rows}

    def file(self, path: str) -> FileRow | None:
        """Return the row of one file."""
        row = self._row(
            "SELECT size, mtime_ns, ctime_ns, device, inode, sheet, failure, away, why FROM files WHERE path = ?",
            os.fsencode(path),
        )
        if row is None:
            return None
        songs = self._rows("SELECT song FROM tracks WHERE path = ? ORDER BY number", os.fsencode(path))
        return _file_row(row, tuple(song for (song,) in songs))

    def parts(self, path: str) -> tuple[Part, ...]:
        """Return the parts of a file that holds several songs, without their tags; empty if the file is one song."""
        rows = self._rows(
            'SELECT number, start, "end" FROM tracks WHERE path = ? AND (number > 0 OR start NOT NULL) ORDER BY number',
            os.fsencode(path),
        )
        return tuple(Part(*row) for row in rows)

    def tracks_sum(self, path: str) -> list[int]:
        """Return the checksums of the tracks of a file; they differ if anything in these tracks has changed."""
        rows = self._rows("SELECT sum FROM tracks WHERE path = ? ORDER BY number", os.fsencode(path))
        return [checksum for (checksum,) in rows]

    def failures(self) -> list[tuple[str, str]]:
        """Return (path, reason) of every file that could not be read."""
        rows = self._rows("SELECT path, failure FROM files WHERE failure IS NOT NULL ORDER BY path")
        return [(os.fsdecode(path), failure) for path, failure in rows]

    def record_failure(self, file: Found, reason: str, *, lasting: bool = True) -> None:
        """Write why a file cannot be read. It is tried again when it changes, or at the next run if not ``lasting``.

        Songs that it held are away: the file may be repaired.
        """
        with self._transaction():
            self._set_file(file.path, file.stamp if lasting else UNREAD, file.sheet, reason)
            self._set_away(file.path, reason)

    def forget(self, paths: Iterable[str]) -> None:
        """Delete files, and their tracks."""
        with self._transaction():
            self._db.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def forget_folder(self, folder: str) -> None:
        """Delete a folder, and all files in it."""
        with self._transaction():
            self._drop_root(folder)
            self._delete_inside("files", folder)
            self._delete_inside("left_out", folder)

    def set_away(self, away: dict[str, str]) -> None:
        """Write why files that hold songs cannot be reached; the time since when stays as it was."""
        with self._transaction():
            for path, why in away.items():
                self._set_away(path, why)

    def _set_away(self, path: str, why: str) -> None:
        self._db.execute(
            f"UPDATE files SET away = coalesce(away, ?3), why = ?2 WHERE path = ?1 AND {_HOLDS_SONGS}",
            (os.fsencode(path), why, time.time()),
        )

    def set_back(self, files: Iterable[Found]) -> None:
        """Mark files as reachable again; their device and inode numbers may have changed."""
        with self._transaction():
            for file in files:
                known = self.file(file.path) if file.sheet_away else None
                self._set_file(file.path, file.stamp, known.sheet if known else file.sheet, None)

    def _set_file(self, path: str, stamp: Stamp, sheet: int, failure: str | None) -> None:
        """Write the row of a file that can be reached; its songs stay."""
        name = os.fsencode(path)
        self._write("files", path=name, **stamp._asdict(), sheet=sheet, failure=failure)
        self._db.execute("UPDATE files SET away = NULL, why = NULL WHERE path = ?", (name,))

    def drop_orphans(self) -> int:
        """Delete songs that are in no file any more; return their number."""
        with self._transaction():
            return self._db.execute(
                "DELETE FROM songs WHERE NOT EXISTS (SELECT 1 FROM tracks WHERE song = songs.id)"
            ).rowcount

    # Songs

    def identities(self) -> dict[bytes, int]:
        """Return the id of every song that was heard, by identity; songs that are away included."""
        return dict(self._rows("SELECT identity, id FROM songs WHERE silent <> x'' ORDER BY identity"))

    def record(self, file: Found, tracks: Iterable[Track]) -> list[int]:
        """Replace the row of a file and its tracks; return the ids of its songs.

        A song that the catalog has already keeps its id, segments and vectors.
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
        """Replace all songs, each the only one of its file, and set facts, in one transaction.

        The third element of each tuple is the id of the song; None keeps the id that it had, or draws a new one.
        """
        with self._transaction():
            had = dict(self._db.execute("SELECT identity, id FROM songs").fetchall())
            for table in ("vectors", "tracks", "songs", "files", "left_out"):
                self._db.execute(f"DELETE FROM {table}")
            for file, track, number in tracks:
                number = had.get(track.identity) if number is None else number
                if number is not None:  # an empty song with that id: it is filled in below
                    self._db.execute(
                        "INSERT INTO songs (id, identity, duration, starts, silent) VALUES (?, ?, 0.0, x'', x'')",
                        (number, track.identity),
                    )
                self._record(file, [track])
            for key, value in facts.items():
                self.set_fact(key, value)

    def _set_song(self, track: Track) -> int:
        known = self._row("SELECT id, silent FROM songs WHERE identity = ?", track.identity)
        if known is None or (not known[1] and len(track.silent)):  # it is new, or has to be heard again
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
        """Return all songs that can be reached, in the order of their paths, or the songs of some ids."""
        if ids is not None:
            return [song for song in map(self.song, ids) if song is not None]
        return self._by_path(f"{_SONG} AND away IS NULL ORDER BY tracks.path, number")

    def away(self) -> list[Song]:
        """Return all songs without a file that can be reached, in the order of their paths."""
        return self._by_path(f"{_SONG} AND NOT ({_HERE}) ORDER BY tracks.path, number")

    def _by_path(self, query: str) -> list[Song]:
        songs: dict[int, Song] = {}
        separators = self.fact(GENRE_SEPARATORS) or ""
        for row in self._rows(query):
            song = _song_of_row(row, separators)
            known = songs.get(song.id)
            if known is None:
                songs[song.id] = song
            elif known.title is None and song.title is not None:
                del songs[song.id]  # its place in the order is that of the path with a title
                songs[song.id] = song
        return list(songs.values())

    def song(self, id: int) -> Song | None:
        """Return the song with this id, also if it is away; None if there is none."""
        return self._one_song("songs.id = ?", id)

    def song_of(self, identity: bytes) -> Song | None:
        """Return the song with this identity, also if it is away; None if there is none."""
        return self._one_song("identity = ?", identity)

    def _one_song(self, condition: str, value: Any) -> Song | None:
        order = "ORDER BY away IS NOT NULL, title IS NULL, tracks.path, number LIMIT 1"
        row = self._row(f"{_SONG} AND {condition} {order}", value) if _is_storable(value) else None
        return _song_of_row(row, self.fact(GENRE_SEPARATORS) or "") if row else None

    def song_at(self, path: str) -> Song | None:
        """Return the first song of a file; None if the file holds none."""
        row = self._row("SELECT song FROM tracks WHERE path = ? ORDER BY number LIMIT 1", os.fsencode(path))
        return self.song(row[0]) if row else None

    def count(self) -> int:
        """Return the number of songs that can be reached."""
        return int(self._row(f"SELECT COUNT(*) FROM songs WHERE {_HERE}")[0])

    def seconds(self) -> float:
        """Return the total duration of the songs that can be reached."""
        return float(self._row(f"SELECT TOTAL(duration) FROM songs WHERE {_HERE}")[0])

    def segments(self, song: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the starts (in seconds, float64) and silences (bool) of a song's segments, in order."""
        starts, silent = self._row("SELECT starts, silent FROM songs WHERE id = ?", song)
        if len(starts) != 8 * len(silent):
            raise self._damaged(song)
        return np.frombuffer(starts, np.float64), np.frombuffer(silent, np.bool_)

    def reset(self) -> None:
        """Delete segments and vectors of all songs: every song is heard again, and keeps its id."""
        with self._transaction():
            self._db.execute("DELETE FROM vectors")
            schema.change(self._db, "songs", "duration = 0.0, starts = x'', silent = x'', slot = NULL, codes = NULL")
            # Device and inode stay: they show whether a disk is away.
            schema.change(self._db, "files", "size = -1, mtime_ns = 0, ctime_ns = 0, sheet = 0")

    # Vectors

    def set_vectors(self, encoder: str, song: int, segments: np.ndarray) -> None:
        """Write the segment vectors (segments, dimensions) of a song by an encoder."""
        with self._transaction():
            self._set_vectors(encoder, song, segments)

    def _set_vectors(self, encoder: str, song: int, segments: np.ndarray) -> None:
        blob = np.ascontiguousarray(segments, np.float32).tobytes()
        self._write("vectors", encoder=encoder, song=song, segments=blob)

    def vectors(self, encoder: str) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield (song id, segment vectors, silent) of every song with vectors of this encoder, by identity.

        Songs that are away are included.
        """
        rows = self._rows(
            "SELECT song, segments, silent FROM vectors JOIN songs ON songs.id = song "
            "WHERE encoder = ? ORDER BY identity",
            encoder,
        )
        for song, segments, silent in rows:
            yield song, self._shaped(song, segments, silent), np.frombuffer(silent, np.bool_)

    def encoded(self, encoder: str, song: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float] | None:
        """Return (vectors, starts, silent, duration) of a song's segments; None if this encoder has none."""
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
        """Return the ids of songs without vectors of this encoder, by identity; songs that are away included."""
        rows = self._rows(
            "SELECT id FROM songs WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE encoder = ? AND song = songs.id) "
            "AND silent <> x'' ORDER BY identity",
            encoder,
        )
        return [song for (song,) in rows]

    def keep_vectors_of(self, encoders: Iterable[str]) -> None:
        """Delete the vectors of all encoders except some."""
        kept = list(encoders)
        with self._transaction():
            self._db.execute(f"DELETE FROM vectors WHERE encoder NOT IN ({', '.join('?' * len(kept))})", kept)

    def digest(self, encoder: str) -> str:
        """Return a checksum of all songs that can be reached, their tracks and their vectors of this encoder.

        A space depends on nothing else, nor does the way its songs are shown.
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

    # Ids of songs on media servers

    def links(self) -> dict[str, list[Link]]:
        """Return the ids on each media server of songs that can be reached, by the address of the server."""
        by_server: dict[str, list[Link]] = {}
        rows = self._rows(
            "SELECT server, item, songs.id, links.artist FROM links JOIN songs USING (identity) "
            f"WHERE {_HERE} ORDER BY server, item"
        )
        for server, *link in rows:
            by_server.setdefault(server, []).append(Link(*link))
        return by_server

    def set_links(self, server: str, links: Iterable[Link]) -> None:
        """Replace the ids on a media server; those of songs that are away stay."""
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
        """Write the slot of a song's spectrograms in the cache, and their checksum; None clears it."""
        self._db.execute("UPDATE songs SET slot = ?, codes = ? WHERE id = ?", (slot, checksum, song))

    def clear_slots(self, beyond: int = 0) -> None:
        """Clear the slots from ``beyond`` on: the cache does not hold them."""
        self._db.execute("UPDATE songs SET slot = NULL WHERE slot >= ?", (beyond,))

    def _damaged(self, song: int) -> SongspaceError:
        return SongspaceError(
            f"The catalog {self.path} is damaged: the data of song {song} do not fit together. "
            "`songspace update` mends it."
        )


def _file_row(columns: Sequence[Any], songs: tuple[int, ...]) -> FileRow:
    *stamp, sheet, failure, away, why = columns
    return FileRow(Stamp(*stamp), sheet, failure, away, why, songs)


def _is_storable(value: bytes | int) -> bool:
    """Return True if SQLite can store a value: integers have 64 bits."""
    return isinstance(value, bytes) or -(2**63) <= value < 2**63


def _song_of_row(row: Sequence[Any], separators: str) -> Song:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["path"] = os.fsdecode(values["path"])
    values |= {name: tuple(values[name].split("\n")) if values[name] else () for name in _LISTS}
    values["pictured"] = bool(values["pictured"])
    if separators:
        values["genres"] = genres_apart(values["genres"], separators)
        values["genre"] = shown_genres(values["genres"])
    return Song(**values)
