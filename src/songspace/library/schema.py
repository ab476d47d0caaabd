"""The tables of the catalog, the steps from version to version, and the checksum of each row.

The SQL of a step is written out and frozen: an old catalog is brought up to date by the statements that were released
after it, and these do not depend on the classes of the program. **Never edit a step that was released; add one.** The
checksums of a table are computed anew when a step gives it a new column, or changes its rows (``UPDATE table ...``).

The constraints of the columns are part of the tables, too: SQLite refuses to write other values, and finds those that
another program wrote. SQLite notices damaged pages, but not a changed byte inside a page. So each row has a checksum in
its column ``sum``; :mod:`songspace.library.mending` compares it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

import xxhash

from songspace.errors import SongspaceError

APPLICATION = 0x736F6E67
"""The application id that SQLite keeps in the file ("song"); catalogs from before the first release have none."""

LONGEST = 2**26
"""Largest size of a text, a blob or a row, in bytes; the vectors of the longest song need a hundredth of it."""

_UNSUMMED = frozenset({"sum", "id", "slot", "codes", "away", "why"})
"""Columns left out of the checksum: they change often, or can be computed again."""

_STEPS: tuple[tuple[str, ...], ...] = (
    # Version 1
    (
        "CREATE TABLE roots (path BLOB PRIMARY KEY CHECK (typeof(path) = 'blob'), sum INTEGER) WITHOUT ROWID",
        # A number is never given to another song, so it is drawn from a sequence that only grows.
        """CREATE TABLE songs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            identity BLOB NOT NULL UNIQUE,
            duration REAL NOT NULL,
            starts BLOB NOT NULL,   -- float64 seconds, one for each segment
            silent BLOB NOT NULL,   -- one byte for each segment; none: it has to be heard anew
            slot INTEGER UNIQUE,    -- where its spectrograms lie in the cache, if they do
            codes INTEGER,          -- the checksum of its spectrograms in the cache
            sum INTEGER,
            CHECK (id > 0 AND typeof(identity) = 'blob' AND length(identity) = 16),
            CHECK (typeof(duration) = 'real' AND duration BETWEEN 0 AND 1e12),
            CHECK (typeof(starts) = 'blob' AND typeof(silent) = 'blob' AND length(starts) = 8 * length(silent)),
            CHECK (typeof(slot) IN ('integer', 'null') AND typeof(codes) IN ('integer', 'null'))
        )""",
        """CREATE TABLE files (
            path BLOB PRIMARY KEY,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            ctime_ns INTEGER NOT NULL,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            sheet INTEGER NOT NULL, -- a checksum of what a CUE sheet says of it; 0 if none does
            failure TEXT,           -- why it could not be read
            away REAL,              -- since when it cannot be reached, in seconds since 1970; null: it can
            why TEXT,               -- why it cannot be reached
            sum INTEGER,
            CHECK (typeof(path) = 'blob' AND typeof(failure) IN ('text', 'null') AND typeof(why) IN ('text', 'null')),
            CHECK (typeof(size) = 'integer' AND typeof(mtime_ns) = 'integer' AND typeof(ctime_ns) = 'integer'),
            CHECK (typeof(device) = 'integer' AND typeof(inode) = 'integer' AND typeof(sheet) = 'integer'),
            CHECK (away IS NULL OR (typeof(away) = 'real' AND away BETWEEN 0 AND 1e11))
        ) WITHOUT ROWID""",
        # A song of a file; the tags are the file's, for two files of one sound may have different ones.
        """CREATE TABLE tracks (
            path BLOB NOT NULL REFERENCES files (path) ON DELETE CASCADE,
            number INTEGER NOT NULL, -- 0: the file is one song
            song INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
            start REAL,              -- seconds; null: from the beginning
            "end" REAL,              -- seconds; null: to the end
            title TEXT,
            artist TEXT,
            albumartist TEXT,
            album TEXT,
            genre TEXT,
            year INTEGER,
            track INTEGER,
            disc INTEGER,
            recording_mbid TEXT,
            release_mbid TEXT,
            artist_mbid TEXT,
            artists TEXT,            -- each value on a line
            genres TEXT,             -- each value on a line
            sum INTEGER,
            PRIMARY KEY (path, number),
            CHECK (typeof(path) = 'blob' AND typeof(number) = 'integer' AND typeof(song) = 'integer'),
            CHECK (start IS NULL OR (typeof(start) = 'real' AND start BETWEEN 0 AND 1e12)),
            CHECK ("end" IS NULL OR (typeof("end") = 'real' AND "end" BETWEEN 0 AND 1e12)),
            CHECK (typeof(title) IN ('text', 'null') AND typeof(artist) IN ('text', 'null')),
            CHECK (typeof(albumartist) IN ('text', 'null') AND typeof(album) IN ('text', 'null')),
            CHECK (typeof(genre) IN ('text', 'null') AND typeof(year) IN ('integer', 'null')),
            CHECK (typeof(track) IN ('integer', 'null') AND typeof(disc) IN ('integer', 'null')),
            CHECK (typeof(recording_mbid) IN ('text', 'null') AND typeof(release_mbid) IN ('text', 'null')),
            CHECK (typeof(artist_mbid) IN ('text', 'null')),
            CHECK (typeof(artists) IN ('text', 'null') AND typeof(genres) IN ('text', 'null'))
        ) WITHOUT ROWID""",
        "CREATE INDEX tracks_of_song ON tracks (song, path)",
        """CREATE TABLE vectors (
            encoder TEXT NOT NULL,
            song INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
            sum INTEGER,            -- before what is large: it is read without that
            segments BLOB NOT NULL, -- float32, segments x dimensions
            PRIMARY KEY (encoder, song),
            CHECK (typeof(encoder) = 'text' AND typeof(song) = 'integer' AND typeof(segments) = 'blob')
        ) WITHOUT ROWID""",
        "CREATE INDEX vectors_of_song ON vectors (song)",
        # By the identity of a song, not by its id: a song that comes back, or is heard again, still has them.
        """CREATE TABLE links (
            server TEXT NOT NULL,
            item TEXT NOT NULL,
            identity BLOB NOT NULL,
            artist TEXT,            -- the server's id of the song's artist
            sum INTEGER,
            PRIMARY KEY (server, item),
            CHECK (typeof(server) = 'text' AND typeof(item) = 'text' AND typeof(identity) = 'blob'),
            CHECK (typeof(artist) IN ('text', 'null'))
        ) WITHOUT ROWID""",
        """CREATE TABLE left_out (
            path BLOB PRIMARY KEY,
            reason TEXT NOT NULL,
            sum INTEGER,
            CHECK (typeof(path) = 'blob' AND typeof(reason) = 'text')
        ) WITHOUT ROWID""",
        """CREATE TABLE facts (
            key TEXT PRIMARY KEY,
            value TEXT NOT NULL,
            sum INTEGER,
            CHECK (typeof(key) = 'text' AND typeof(value) = 'text')
        ) WITHOUT ROWID""",
    ),
    # Version 2: the loudness, the side of a record, and whether the file holds a picture
    (
        "ALTER TABLE tracks ADD COLUMN side INTEGER CHECK (typeof(side) IN ('integer', 'null'))",
        "ALTER TABLE tracks ADD COLUMN track_gain REAL CHECK (typeof(track_gain) IN ('real', 'null'))",
        "ALTER TABLE tracks ADD COLUMN track_peak REAL CHECK (typeof(track_peak) IN ('real', 'null'))",
        "ALTER TABLE tracks ADD COLUMN album_gain REAL CHECK (typeof(album_gain) IN ('real', 'null'))",
        "ALTER TABLE tracks ADD COLUMN album_peak REAL CHECK (typeof(album_peak) IN ('real', 'null'))",
        "ALTER TABLE tracks ADD COLUMN pictured INTEGER NOT NULL DEFAULT 0 CHECK (pictured IN (0, 1))",
        # The next run reads the tags of every file again, as `Catalog.read_tags_again` does.
        """UPDATE files SET mtime_ns = -1, ctime_ns = -1
            WHERE EXISTS (SELECT 1 FROM tracks WHERE tracks.path = files.path)""",
    ),
)

VERSION = len(_STEPS)


def connect(path: Path, *, write: bool = True) -> sqlite3.Connection:
    """Open a file with SQLite without trusting its content: it may be damaged, or made by another program."""
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    prepare(db)
    if not (write or os.access(path.parent, os.W_OK) or path.with_name(path.name + "-wal").exists()):
        try:
            db.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:
            # SQLite keeps files beside a catalog even for readers. Where it may not, it can do without.
            db = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
            prepare(db)
    return db


def prepare(db: sqlite3.Connection) -> None:
    """Set the limits of a connection, and the function that computes the checksums of rows."""
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.create_function("row_sum", -1, row_sum, deterministic=True)


class OlderError(SongspaceError):
    """A catalog from before the first release: it cannot be brought up to date."""


class OtherTablesError(SongspaceError):
    """A catalog with other tables than its version has: damaged, or made by another program."""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of a catalog; 0 if it is empty.

    Raises
    ------
    OlderError
        If it is older than the first release.
    OtherTablesError
        If it has other tables than its version: reading them could run views and triggers of a stranger.
    SongspaceError
        If it is newer than this program.
    """
    application, version = marks(db)
    there = tables_of(db)
    if application == 0 and version == 0 and not there:
        return 0
    if application != APPLICATION:
        raise OlderError("it is of a songspace from before its first release")
    if version > VERSION:
        raise SongspaceError(f"it was written by a newer songspace (catalog version {version})")
    if there != tables(version):
        raise OtherTablesError("it has other tables than songspace makes")
    return version


def marks(db: sqlite3.Connection) -> tuple[int, int]:
    """Return the application id and the version in the first bytes of a file."""
    [(application,)], [(version,)] = (db.execute(f"PRAGMA {what}").fetchall() for what in _MARKS)
    return application, version


_MARKS = ("application_id", "user_version")


def mark(db: sqlite3.Connection) -> None:
    """Write the application id and this version into the first bytes of a file."""
    for what, number in zip(_MARKS, (APPLICATION, VERSION), strict=True):
        db.execute(f"PRAGMA {what} = {number}")


Tables = frozenset[tuple[str, str, str | None]]
"""(type, name, statement) of all tables, indexes, views and triggers, except those that SQLite makes itself."""


def tables_of(db: sqlite3.Connection) -> Tables:
    """Return the tables of a file."""
    return frozenset(
        db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'").fetchall()
    )


@cache
def tables(version: int) -> Tables:
    """Return the tables that a catalog of a version has."""
    with closing(_empty(version)) as db:
        return tables_of(db)


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
    is_real : bool
        True if it holds floating-point numbers.
    key : int
        Position in the primary key of the table, from 1; 0 if it is not part of the key.
    """

    name: str
    is_real: bool
    key: int


@cache
def columns(version: int) -> dict[str, list[Column]]:
    """Return the columns of each table of a version."""
    with closing(_empty(version)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()
        return {
            table: [
                Column(name, kind == "REAL", key)
                for _, name, kind, _, _, key in db.execute(f"PRAGMA table_info({table})")
            ]
            for (table,) in names
        }


def summed(table: str) -> list[Column]:
    """Return the columns of a table that go into the checksums of its rows, in their order."""
    return [column for column in columns(VERSION)[table] if column.name not in _UNSUMMED]


def _empty(version: int) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    prepare(db)
    for step in _STEPS[:version]:
        for statement in step:
            db.execute(statement)
    return db


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Create the tables, or run the steps that an older catalog lacks, in one transaction.

    Raises
    ------
    SongspaceError
        See :func:`version_of`.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(db)
        for step in _STEPS[version:]:
            for statement in step:
                db.execute(statement)
        for table in columns(VERSION):
            updated = any(statement.startswith(f"UPDATE {table} ") for step in _STEPS[version:] for statement in step)
            if updated or columns(version).get(table) != columns(VERSION)[table]:
                db.execute(f"UPDATE {table} SET sum = {_row_sum(table)}")
        mark(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def write(table: str) -> str:
    """Return the statement that writes a row and its checksum; it replaces a row of the same key.

    Its parameters are the columns of :func:`summed`, by name.
    """
    names = [column.name for column in summed(table)]
    key = [column.name for column in summed(table) if column.key] or ["identity"]  # SQLite draws the id of a song
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in (*names, "sum"))
    values = [f":{name}" for name in names]
    into = ", ".join(f'"{name}"' for name in names)
    return (
        f"INSERT INTO {table} ({into}, sum) VALUES ({', '.join(values)}, {_row_sum(table, values)}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
    )


def change(db: sqlite3.Connection, table: str, sets: str, where: str = "true") -> None:
    """Change rows and their checksums; the condition must hold for the same rows after the change."""
    db.execute(f"UPDATE {table} SET {sets} WHERE {where}")
    db.execute(f"UPDATE {table} SET sum = {_row_sum(table)} WHERE {where}")


def changed(table: str) -> str:
    """Return the condition for rows that differ from what was written."""
    return f"sum IS NOT {_row_sum(table)}"


def _row_sum(table: str, values: Sequence[str] = ()) -> str:
    """Return the SQL expression for the checksum of a row; text is taken as bytes, for damaged text cannot be read."""
    columns = summed(table)
    values = values or [f'"{column.name}"' for column in columns]
    plain = [
        value if column.is_real else f"CAST({value} AS BLOB)" for column, value in zip(columns, values, strict=True)
    ]
    return f"row_sum({', '.join(plain)})"


def row_sum(*values: bytes | float | None) -> int:
    """Return the checksum of the values of a row, a signed 64-bit integer.

    Examples
    --------
    >>> row_sum(b"ab", None) == row_sum(b"a", b"b"), row_sum(None) == row_sum(b"None")
    (False, False)
    """
    digest = xxhash.xxh3_64()
    for value in values:
        data = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(f"{type(value).__name__} {len(data)} ".encode())
        digest.update(data)
    return digest.intdigest() - 2**63
