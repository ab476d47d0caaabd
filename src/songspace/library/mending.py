"""The repair of a damaged catalog, before a run writes into it.

Damaged rows are deleted. The run then finds that they are missing, and computes them again.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from songspace.errors import SongspaceError
from songspace.library import schema

_SHORT_READ = 522
"""SQLITE_IOERR_SHORT_READ of SQLite: a file that was cut off."""

_SKIPPED = 1000
"""Ids that are skipped if the last one given is lost: no id is ever given twice."""

_UNFIT = (
    ("songs", "length(starts) <> 8 * length(silent)"),
    ("tracks", "song NOT IN (SELECT id FROM songs) OR path NOT IN (SELECT path FROM files)"),
    (
        "vectors",
        "NOT EXISTS (SELECT 1 FROM songs WHERE id = song AND length(silent) > 0 "
        "AND length(segments) > 0 AND length(segments) % (4 * length(silent)) = 0)",
    ),
)
"""(table, condition) of rows that contradict other rows, in the order in which they are deleted."""


def mend(path: Path, say: Callable[[str], None]) -> None:
    """Delete all damaged rows of a catalog, and report that; the home must be locked.

    If SQLite cannot read the whole file, a copy of it is kept beside it. Catalogs of other versions are left alone.

    Raises
    ------
    SongspaceError
        If it cannot be opened, or the mended one cannot be written.
    """
    if not path.exists():
        return
    try:
        whole = _is_readable(path)
        if whole is None:
            return
        if not whole:
            _rebuild(path)
        lost = _drop_damaged(path)
    except (sqlite3.Error, OSError) as error:
        raise SongspaceError(f"The catalog {path} is damaged and cannot be mended: {error}.") from error
    if lost or not whole:
        beside = "" if whole else f" As it was, it is kept in {_kept(path)}."
        say(f"The catalog {path} was damaged: what it lost is worked out anew from the music.{beside}")


def put_aside(path: Path, say: Callable[[str], None]) -> None:
    """Rename a catalog from before the first release, so that a new one can be made."""
    if not path.exists():
        return
    with closing(schema.connect(path)) as db:
        try:
            schema.version_of(db)
            return
        except schema.OlderError:
            pass
        except (SongspaceError, sqlite3.DatabaseError):  # of a newer songspace, or damaged: not handled here
            return
    aside = path.with_name(f"{path.stem}.older{path.suffix}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    say(f"The library was of a songspace from before its first release: it is kept in {aside}, and all is heard anew.")


def damage(path: Path) -> list[str]:
    """Return the defects of a catalog, each in a few words; the catalog is not changed.

    Raises
    ------
    sqlite3.Error
        If it cannot be opened.
    """
    with closing(schema.connect(path, write=False)) as db:
        db.execute("PRAGMA query_only = ON")
        try:
            problems = [text for (text,) in db.execute("PRAGMA integrity_check(3)") if text != "ok"]
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return [str(error)]
            raise
        if problems:
            return problems
        try:
            if schema.version_of(db) != schema.VERSION:
                return []
        except schema.OtherTablesError as error:
            return [str(error)]
        for table, condition, what in _damaged_rows():
            [(count,)] = db.execute(f"SELECT COUNT(*) FROM {table} WHERE {condition}")
            if count:
                problems.append(f"{count} rows of {table} {what}")
        return problems


def _damaged_rows() -> Iterator[tuple[str, str, str]]:
    """Yield (table, condition, defect) of damaged rows, in the order in which they are deleted."""
    yield from ((table, schema.changed(table), "are not what was written") for table in schema.columns(schema.VERSION))
    yield from ((table, condition, "do not fit to others") for table, condition in _UNFIT)


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.stem}.damaged{path.suffix}")


def _is_readable(path: Path) -> bool | None:
    """Return True if SQLite can read all of a catalog; None for a file that is left alone."""
    with closing(schema.connect(path)) as db:
        try:
            there = schema.tables_of(db)
            application, version = schema.marks(db)
            if there == schema.tables(schema.VERSION) and (application != schema.APPLICATION or version == 0):
                schema.mark(db)  # it has the tables of this version, so its first bytes are damaged
            try:
                schema.version_of(db)
            except schema.OtherTablesError:
                return False if _are_plain(there) else None
            except SongspaceError:
                return None
            return bool(db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return False
            raise


def _are_plain(there: schema.Tables) -> bool:
    """Return True if a file has only tables and indexes with the names of a catalog's, none of them computed."""
    known = {name for _, name, _ in schema.tables(schema.VERSION)}
    return all(
        kind in ("table", "index")
        and name in known
        and not re.search(r"\b(VIRTUAL|GENERATED|AS|SELECT)\b", sql or "", re.IGNORECASE)
        for kind, name, sql in there
    )


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    kind = error.sqlite_errorcode
    return kind == _SHORT_READ or kind & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _drop_damaged(path: Path) -> int:
    """Delete damaged rows; return their number."""
    with closing(schema.connect(path)) as db:
        if schema.version_of(db) != schema.VERSION:
            return 0
        db.execute("BEGIN IMMEDIATE")
        lost = sum(
            db.execute(f"DELETE FROM {table} WHERE {condition}").rowcount for table, condition, _ in _damaged_rows()
        )
        db.execute("COMMIT")
        return lost


def _rebuild(path: Path) -> None:
    """Replace a catalog that SQLite cannot read to its end by a new one with all readable rows."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with closing(schema.connect(beside)) as new, closing(schema.connect(path)) as old:
        schema.bring_up_to_date(new)
        new.execute("BEGIN")
        for table, columns in schema.columns(schema.VERSION).items():
            names = ", ".join(f'"{column.name}"' for column in columns)
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
            new.executemany(insert, _readable(old, table, names))
        new.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'songs'", (_last_number(old, new),))
        new.execute("COMMIT")
    shutil.copyfile(path, _kept(path))
    for suffix in ("-wal", "-shm"):  # they belong to the damaged one
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    beside.replace(path)


def _last_number(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Return the last id that was given to a song, or a larger one."""
    try:
        [(last,)] = old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'songs'")
        return int(last)
    except (sqlite3.DatabaseError, ValueError, TypeError):  # that page is damaged
        tables = ("SELECT id FROM songs", "SELECT song FROM tracks", "SELECT song FROM vectors")
        [(largest,)] = new.execute(f"SELECT coalesce(max(id), 0) FROM ({' UNION ALL '.join(tables)})")
        return int(largest) + _SKIPPED


def _readable(db: sqlite3.Connection, table: str, names: str) -> Iterator[tuple]:
    """Yield the undamaged rows, as far as they can be read from either end."""
    key = sorted((column for column in schema.columns(schema.VERSION)[table] if column.key), key=lambda each: each.key)
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{column.name} {direction}" for column in key)
        condition = f"NOT ({schema.changed(table)})"
        try:
            yield from db.execute(f"SELECT {names} FROM {table} NOT INDEXED WHERE {condition} ORDER BY {order}")
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
        else:
            return
