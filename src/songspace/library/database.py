"""The SQLite file of a catalog: opened by version, changed in transactions, with errors in one sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from songspace.errors import SongspaceError
from songspace.library import schema


class Database:
    """An open SQLite file with the tables of a catalog; see :class:`songspace.library.Catalog`."""

    def __init__(self, path: str | os.PathLike[str], *, write: bool = False) -> None:
        self.path = Path(path)
        if not write and not self.path.exists():
            raise self._missing()
        with self._errors_in_words("opened"):
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
    def _errors_in_words(self, what: str) -> Iterator[None]:
        """Turn an error of SQLite into one sentence: "The catalog PATH cannot be ``what``: ..."."""
        try:
            yield
        except (sqlite3.DatabaseError, SongspaceError) as error:
            if isinstance(error, SongspaceError) and str(error)[:1].isupper():  # it is a whole sentence
                raise
            raise SongspaceError(f"The catalog {self.path} cannot be {what}: {error}.") from error

    def close(self) -> None:
        """Close the file; it cannot be used afterwards."""
        self._db.close()

    def __enter__(self) -> Self:
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

    def _rows(self, query: str, *values: Any) -> Iterator[Any]:
        with self._errors_in_words("read"):
            yield from self._db.execute(query, values)

    def _row(self, query: str, *values: Any) -> Any:
        """Return the first row of a query; None if there is none."""
        return next(self._rows(query, *values), None)

    def _write(self, table: str, **values: Any) -> None:
        """Write a row; it replaces one of the same key."""
        self._db.execute(schema.write(table), values)
