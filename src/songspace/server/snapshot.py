"""Snapshots: a library in memory, replaced by a new one when the library has changed."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from songspace.answers.view import View, in_rows, open_space, with_words
from songspace.errors import SongspaceError
from songspace.library import Catalog, Home, Library, Song
from songspace.library.credits import Credits
from songspace.library.names import sought
from songspace.library.words import Words
from songspace.server.problems import NotReadyError, UnknownError
from songspace.space import Space

EVERY = 1.0
"""Seconds between two checks for changes."""

_PATIENCE = 20.0  # pause after reading a snapshot, in times its duration: a library that learns changes all the time


@dataclass(frozen=True)
class Snapshot:
    """A library at one moment. It never changes, and can be used after there is a newer one.

    Attributes
    ----------
    key : str
        Digest of everything in it: equal keys give equal answers.
    space : Space or None
        None while nothing has been learnt.
    why_not : str
        Sentence that explains why there is no space.
    listed : list of Song
        All songs, in the order of their paths.
    songs : list of Song
        The song of each row of the space.
    """

    key: str
    space: Space | None
    why_not: str
    listed: list[Song]
    songs: list[Song]

    @cached_property
    def by_id(self) -> dict[int, Song]:
        """All songs by id."""
        return {song.id: song for song in self.listed}

    @cached_property
    def credits(self) -> Credits:
        """Artists of all songs."""
        return Credits(self.listed)

    @cached_property
    def searched(self) -> list[str]:
        """Text for searches of each song in ``listed``: name, album and file, normalized."""
        return [
            " ".join(map(sought, (song.name, song.album or "", os.path.basename(song.path)))) for song in self.listed
        ]

    def song(self, id: int) -> Song:
        """Return the song with an id.

        Raises
        ------
        UnknownError
            If there is none.
        """
        if (song := self.by_id.get(id)) is None:
            raise UnknownError(f"There is no song {id}.")
        return song

    def placed(self, id: int) -> Song:
        """Return the song with an id, which must be in the space.

        Raises
        ------
        UnknownError
            If there is none.
        NotReadyError
            If it is not in the space.
        """
        song = self.song(id)
        if self.space is None:
            raise NotReadyError(self.why_not)
        try:
            self.space.row(id)
        except SongspaceError:
            raise NotReadyError(f"Song {id} is not in the space yet: run `songspace update`.") from None
        return song

    def view(self, library: Library) -> View:
        """Return the view for :mod:`songspace.answers`.

        Raises
        ------
        NotReadyError
            If there is no space.
        """
        if self.space is None:
            raise NotReadyError(self.why_not)
        return View(library, (self.space, self.songs), self.credits)


class _Library(Library):
    """A library whose catalog is opened at its first use: most answers need only the snapshot."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @cached_property
    def catalog(self) -> Catalog:  # type: ignore[override]
        return Catalog(self.home.catalog)

    def close(self) -> None:
        if "catalog" in self.__dict__:
            self.catalog.close()


class Snapshots:
    """The newest snapshot of a home.

    Parameters
    ----------
    home : Home
    every : float
        Seconds between two checks for changes.

    Raises
    ------
    SongspaceError
        If there is no library.
    """

    def __init__(self, home: Home, *, every: float = EVERY) -> None:
        self.home = home
        self._every = every
        self._reading = threading.Lock()
        self._seen = self._stamp()
        self._current, self._encoder = self._read()
        self._next = time.monotonic() + every

    def current(self) -> Snapshot:
        """Return the newest snapshot.

        One thread at a time checks for changes; the others use the current one meanwhile.
        """
        if time.monotonic() >= self._next and self._reading.acquire(blocking=False):
            try:
                began = time.monotonic()
                self._refresh()
                self._next = began + self._every + _PATIENCE * (time.monotonic() - began)
            finally:
                self._reading.release()
        return self._current

    @contextmanager
    def library(self) -> Iterator[Library]:
        """Open the library for one request: the connection to its catalog belongs to one thread."""
        library = _Library(self.home)
        try:
            yield library
        finally:
            library.close()

    def _refresh(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        try:
            # While songs are heard, the catalog changes all the time, and the space does not.
            if stamp[0] != self._seen[0] or self._current.space is None or self._in_use() != self._encoder:
                self._current, self._encoder = self._read(self._current)
        except SongspaceError:
            return  # in the middle of a change: keep the current snapshot until the next check
        self._seen = stamp

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return the state of the files of space and catalog; it changes with them."""
        catalog = self.home.catalog
        return tuple(_stat(path) for path in (self.home.space, catalog, catalog.with_name(f"{catalog.name}-wal")))

    def _in_use(self) -> str | None:
        with self.library() as library:
            return library.catalog.fact("encoder")

    def _read(self, old: Snapshot | None = None) -> tuple[Snapshot, str | None]:
        with self.library() as library:
            encoder = library.catalog.fact("encoder")
            space, why_not = None, ""
            try:
                space = open_space(library)
            except SongspaceError as error:
                if old is not None and old.space is not None:
                    raise
                why_not = str(error)
            listed = with_words(
                library.songs(), Words.open(library.home.words, space.encoder) if space is not None else None
            )
        digest = hashlib.blake2b(repr((space and space.checksum, encoder)).encode(), digest_size=12)
        for song in listed:
            digest.update(repr(song).encode("utf-8", "surrogatepass"))
        songs = in_rows(space, listed) if space is not None else []
        return Snapshot(digest.hexdigest(), space, why_not, listed, songs), encoder


def _stat(path: os.PathLike[str]) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
