"""The tables of the catalog, what brings older ones up to date, and the checksum that each row carries.

SQLite finds pages that make no sense, but not a byte that has changed inside of one. So each row has its checksum in
the column ``sum``; :mod:`songspace.library.mending` compares.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import fields

import xxhash

from songspace.library.scan import Tags

VERSION = 4
"""1: without the ids that media servers give to songs. 2: without the numbers of discs. 3: without checksums."""

TAGS = tuple(field.name for field in fields(Tags))

SUMMED = {
    "roots": ("path",),
    "songs": ("identity", "duration", "starts", "silent", *TAGS),
    "files": ("path", "size", "mtime_ns", "song", "failure"),
    "vectors": ("encoder", "song", "segments"),
    "facts": ("key", "value"),
    "links": ("server", "item", "identity", "artist"),
}
"""The columns of each table that its checksums are of: all but those that change and that others vouch for."""

# By what a song is, not by its number: a song that comes back, or is listened to anew, still has them.
_LINKS = """
CREATE TABLE IF NOT EXISTS links (
    server TEXT NOT NULL,
    item TEXT NOT NULL,
    identity BLOB NOT NULL,
    artist TEXT,            -- the server's id of the song's artist
    PRIMARY KEY (server, item)
) WITHOUT ROWID;
"""

_TABLES = f"""
CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE songs (
    id INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    duration REAL NOT NULL,
    starts BLOB NOT NULL,   -- float64 seconds, one for each segment
    silent BLOB NOT NULL,   -- one byte for each segment
    slot INTEGER UNIQUE,    -- where its spectrograms lie in the cache, if they do
    {", ".join(TAGS)}
);
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    song INTEGER REFERENCES songs (id),
    failure TEXT,
    CHECK ((song IS NULL) <> (failure IS NULL))
) WITHOUT ROWID;
CREATE INDEX files_of_song ON files (song, path);
CREATE TABLE vectors (
    encoder TEXT NOT NULL,
    song INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
    segments BLOB NOT NULL, -- float32, segments x dimensions
    PRIMARY KEY (encoder, song)
) WITHOUT ROWID;
CREATE INDEX vectors_of_song ON vectors (song);
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def _row_sum(table: str, values: Sequence[str] = ()) -> str:
    """The checksum of a row as an expression; text as its bytes, for damaged text is none."""
    plain = [
        value if column == "duration" else f"CAST({value} AS BLOB)"
        for column, value in zip(SUMMED[table], values or SUMMED[table], strict=True)
    ]
    return f"row_sum({', '.join(plain)})"


_SUMS = (
    *(f"ALTER TABLE {table} ADD COLUMN sum INTEGER" for table in SUMMED),
    *(f"UPDATE {table} SET sum = {_row_sum(table)}" for table in SUMMED),
    "ALTER TABLE songs ADD COLUMN codes INTEGER",  # the checksum of its spectrograms in the cache
)

_STEPS: dict[int, tuple[str, ...]] = {1: (_LINKS,), 2: ("ALTER TABLE songs ADD COLUMN disc",), 3: _SUMS}
"""What leads from each version to the next; songs that were listened to before do not tell their disc."""


def prepare(db: sqlite3.Connection) -> None:
    """Let a connection work out the checksums of rows."""
    db.create_function("row_sum", -1, row_sum, deterministic=True)


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or what older ones lack: all of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            steps = [*_TABLES.split(";"), _LINKS, *_SUMS]
        else:
            steps = [statement for step in range(version, VERSION) for statement in _STEPS[step]]
        for statement in steps:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def insert(table: str, *, instead: str = "REPLACE") -> str:
    """The statement that writes a row of the columns in ``SUMMED``, with its checksum."""
    columns = SUMMED[table]
    marks = [f"?{number}" for number in range(1, len(columns) + 1)]
    into = f"INSERT OR {instead} INTO {table} ({', '.join(columns)}, sum)"
    return f"{into} VALUES ({', '.join(marks)}, {_row_sum(table, marks)})"


def changed(table: str) -> str:
    """The condition that holds for rows that are not what was written."""
    return f"sum IS NOT {_row_sum(table)}"


def row_sum(*values: bytes | float | None) -> int:
    """A checksum of a row's values, as SQLite can keep it.

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


def codes_sum(codes: bytes) -> int:
    """A checksum of a song's spectrograms, as SQLite can keep it."""
    return xxhash.xxh3_64_intdigest(codes) - 2**63
