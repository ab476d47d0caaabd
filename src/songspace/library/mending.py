"""A damaged catalog: found before a run writes into it, and made whole from what is left.

What is lost is let go of altogether, never half of it: the run then finds that it lacks it, and works it out anew.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from songspace.errors import SongspaceError
from songspace.library import schema

_SHORT_READ = 522
"""SQLite's SQLITE_IOERR_SHORT_READ: a file that was cut off."""

_MORE = {"songs": ("id", "slot", "codes"), "files": ("away", "why")}
"""The columns of a table beside those that its checksums are of."""

_KEYS = {"songs": ("id",), "tracks": ("path", "number"), "vectors": ("encoder", "song"), "links": ("server", "item")}
"""What a table is ordered by on the disk, where it is not by its first column."""

_SKIPPED = 1000
"""Numbers that are passed over where it is lost which was the last one given: none is ever given twice."""

_UNFIT = (
    ("songs", "typeof(starts) <> 'blob' OR typeof(silent) <> 'blob' OR length(starts) <> 8 * length(silent)"),
    ("tracks", "song NOT IN (SELECT id FROM songs) OR path NOT IN (SELECT path FROM files)"),
    (
        "vectors",
        "typeof(segments) <> 'blob' OR NOT EXISTS (SELECT 1 FROM songs WHERE id = song AND length(silent) > 0 "
        "AND length(segments) > 0 AND length(segments) % (4 * length(silent)) = 0)",
    ),
)
"""What rows do not fit to others, by table, in the order in which they are let go of."""


def mend(path: Path, say: Callable[[str], None]) -> None:
    """Let go of all that is damaged in a catalog, and tell the person; for the one who may write into it.

    A copy of a catalog that SQLite cannot read to its end stays beside it. Catalogs of other versions are left alone.

    Raises
    ------
    SongspaceError
        If it cannot be opened, or the mended one cannot be written.
    """
    if not path.exists():
        return
    try:
        whole = _is_sound(path)
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
    """Put a catalog from before the first release aside, so that a new one takes its place."""
    if not path.exists():
        return
    with closing(_connect(path)) as db:
        try:
            schema.version_of(db)
            return
        except schema.OlderError:
            pass
        except (SongspaceError, sqlite3.DatabaseError):  # of a newer songspace, or damaged: others see to that
            return
    aside = path.with_name(f"{path.stem}.older{path.suffix}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    say(f"The library was of a songspace from before its first release: it is kept in {aside}, and all is heard anew.")


def damage(path: Path) -> list[str]:
    """What is wrong with a catalog, each in a few words; nothing is changed.

    Raises
    ------
    sqlite3.Error
        If it cannot be opened.
    """
    with closing(_connect_to_look(path)) as db:
        try:
            problems = [said for (said,) in db.execute("PRAGMA integrity_check(3)") if said != "ok"]
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
        for table in schema.SUMMED:
            [(changed,)] = db.execute(f"SELECT COUNT(*) FROM {table} WHERE {schema.changed(table)}")
            if changed:
                problems.append(f"{changed} rows of {table} are not what was written")
        for table, condition in _UNFIT:
            [(unfit,)] = db.execute(f"SELECT COUNT(*) FROM {table} WHERE {condition}")
            if unfit:
                problems.append(f"{unfit} rows of {table} do not fit to others")
        return problems


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """As :func:`_connect`, but where nothing can be written, too."""
    alone = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    db = sqlite3.connect(f"{path.absolute().as_uri()}{'?immutable=1' * alone}", uri=True, isolation_level=None)
    schema.prepare(db)
    db.execute("PRAGMA query_only = ON")
    return db


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.stem}.damaged{path.suffix}")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    schema.prepare(db)
    return db


def _is_sound(path: Path) -> bool | None:
    """Whether SQLite can read all of a catalog; None if it is a file that is left alone: whoever opens it says why."""
    with closing(_connect(path)) as db:
        try:
            there = schema.tables_of(db)
            application, version = schema.marks(db)
            if there == schema.tables(schema.VERSION) and (application != schema.APPLICATION or version == 0):
                schema.mark(db)  # the very tables of this version: its first bytes are damaged
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
    """Whether a file has nothing but tables and indexes of a catalog's names, none of which works anything out."""
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
    """Let go of the rows that are not what was written, and of those that do not fit to others; returns how many."""
    with closing(_connect(path)) as db:
        if schema.version_of(db) != schema.VERSION:
            return 0
        db.execute("BEGIN IMMEDIATE")
        conditions = [*((table, schema.changed(table)) for table in schema.SUMMED), *_UNFIT]
        lost = sum(db.execute(f"DELETE FROM {table} WHERE {condition}").rowcount for table, condition in conditions)
        db.execute("COMMIT")
        return lost


def _rebuild(path: Path) -> None:
    """Put a new catalog in the place of one that SQLite cannot read to its end, with the rows that it can read."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with closing(_connect(beside)) as new, closing(_connect(path)) as old:
        schema.bring_up_to_date(new)
        new.execute("BEGIN")
        for table, columns in schema.SUMMED.items():
            names = (*_MORE.get(table, ()), *(f'"{column}"' for column in columns), "sum")
            marks = ", ".join("?" * len(names))
            insert = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})"
            new.executemany(insert, _readable(old, table, names))
        new.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'songs'", (_last_number(old, new),))
        new.execute("COMMIT")
    shutil.copyfile(path, _kept(path))
    for suffix in ("-wal", "-shm"):  # they belong to the damaged one
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    beside.replace(path)


def _last_number(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """The last number that was given to a song, or a larger one."""
    try:
        [(last,)] = old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'songs'")
        return int(last)
    except (sqlite3.DatabaseError, ValueError, TypeError):  # that page is damaged
        tables = ("SELECT id FROM songs", "SELECT song FROM tracks", "SELECT song FROM vectors")
        [(largest,)] = new.execute(f"SELECT coalesce(max(id), 0) FROM ({' UNION ALL '.join(tables)})")
        return int(largest) + _SKIPPED


def _readable(db: sqlite3.Connection, table: str, names: tuple[str, ...]) -> Iterator[tuple]:
    """The rows that are what was written, as far as they can be read from either end."""
    keys = _KEYS.get(table, names[:1])
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys)
        condition = f"NOT ({schema.changed(table)})"
        try:
            yield from db.execute(
                f"SELECT {', '.join(names)} FROM {table} NOT INDEXED WHERE {condition} ORDER BY {order}"
            )
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
        else:
            return
