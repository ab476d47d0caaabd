"""The cache of spectrograms: what training and other encoders need of the songs, decoded once.

One flat file of fixed-size records: the slot of a song is in the catalog. When the file has reached its cap it holds
a random sample of the songs, and always the same one: those whose identities are smallest (bottom-k sampling: the
identity is a hash, and so as good as a random number that depends on nothing but the song).
"""

from __future__ import annotations

import bisect
import mmap
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash

from songspace.errors import SongspaceError
from songspace.frontends import Codes
from songspace.library.catalog import Catalog

CAP = 4 * 10**9


class _Place(NamedTuple):
    """The slot of a song's spectrograms, their number, and their checksum."""

    slot: int
    segments: int
    checksum: int | None


class SpectrogramCache:
    """The cache of one library, open for reading and writing.

    Parameters
    ----------
    path : path
        The file; it may be missing.
    catalog : Catalog
        Where the slots are kept.
    shape : tuple of int
        (segments, bands, frames) of a record.
    cap : int
        The most bytes that the file may have.
    """

    def __init__(self, path: Path, catalog: Catalog, *, shape: tuple[int, int, int], cap: int = CAP) -> None:
        self.path, self.shape, self._catalog = path, shape, catalog
        self._record = int(np.prod(shape))
        self.most = cap
        self.capacity = max(1, cap // self._record)
        self._held = min(self.capacity, path.stat().st_size // self._record if path.exists() else 0)
        self._places: dict[int, _Place] = {}
        self._sample: list[tuple[bytes, int]] = []  # (identity, song), ascending
        for song, identity, slot, segments, checksum in catalog.slots():
            if slot < self._held:
                self._places[song] = _Place(slot, segments, checksum)
                self._sample.append((identity, song))
        used = {place.slot for place in self._places.values()}
        self._free = [slot for slot in range(max(used, default=-1) + 1) if slot not in used]
        self._next = max(used, default=-1) + 1

    def __contains__(self, song: int) -> bool:
        return song in self._places

    def forget_lost(self) -> None:
        """Make the catalog forget the slots that the file does not hold, because it was deleted or cut short.

        For the writer only: a reader may see a file that is just growing.
        """
        self._catalog.clear_slots(self._held)

    def forget_gone(self) -> None:
        """Delete the songs that the catalog has no more; their places are free."""
        here = {song for song, *_ in self._catalog.slots()}
        gone = self._places.keys() - here
        self._sample = [(identity, song) for identity, song in self._sample if song not in gone]
        self._free += sorted(self._places.pop(song).slot for song in gone)

    def wants(self, identity: bytes) -> bool:
        """Return whether the sample has room for a song of this identity."""
        return len(self._sample) < self.capacity or identity < self._sample[-1][0]

    def put(self, song: int, identity: bytes, codes: np.ndarray) -> None:
        """Keep the spectrograms (segments, bands, frames) of a song, if it is in the sample.

        The catalog forgets whose place it takes before the place is written, and learns of the new song after it, so
        that no slot ever points to another song's sound.
        """
        if song in self._places or not self.wants(identity):
            return
        if len(self._sample) >= self.capacity:
            _, evicted = self._sample.pop()
            self._catalog.set_slot(evicted, None)
            self._free.append(self._places.pop(evicted).slot)
        if self._free:
            slot = self._free.pop()
        else:
            slot, self._next = self._next, self._next + 1
        record = np.ascontiguousarray(codes, np.uint8).tobytes().ljust(self._record, b"\0")
        try:
            with self.path.open("r+b" if self.path.exists() else "xb") as file:
                file.seek(slot * self._record)
                file.write(record)
        except OSError as error:
            raise SongspaceError(f"The cache {self.path} cannot be written: {error.strerror}.") from error
        place = _Place(slot, len(codes), codes_sum(record))
        self._catalog.set_slot(song, slot, place.checksum)
        self._places[song] = place
        bisect.insort(self._sample, (identity, song))

    def is_whole(self, song: int) -> bool:
        """Return whether the spectrograms of a song in the cache are those that were written."""
        place = self._places[song]
        return place.checksum == codes_sum(self._map()[place.slot].tobytes())

    def forget_damaged(self) -> int:
        """Make the catalog forget the songs whose spectrograms are not those that were written; return how many."""
        damaged = [song for song in self._places if not self.is_whole(song)]
        for song in damaged:
            self._catalog.set_slot(song, None)
        self.forget_gone()
        return len(damaged)

    def get(self, song: int) -> Codes:
        """Return the spectrograms (segments, bands, frames) of a song in the cache.

        Raises
        ------
        SongspaceError
            If they are not those that were written.
        """
        if not self.is_whole(song):
            raise SongspaceError(f"The cache {self.path} is damaged: run `songspace learn FOLDER` to mend it.")
        place = self._places[song]
        return np.array(self._map()[place.slot, : place.segments]).view(Codes)

    def rows(self, *, without: Container[int] = ()) -> tuple[Rows, np.ndarray]:
        """Return all segments in the cache, by the identity of their songs, and which belong together.

        Parameters
        ----------
        without : container of int
            Ids of songs to leave out.

        Returns
        -------
        X : Rows
            Like an array (n, bands, frames) of codes that is read from the disk as it is indexed.
        groups : ndarray of shape (n,), int64
            The number of the song in :meth:`songs`. (Not its id: ids follow the order in which workers finished, and
            what is learnt must not.)
        """
        where, groups = [], []
        for number, song in enumerate(self.songs()):
            if song in without:
                continue
            place = self._places[song]
            where.append(place.slot * self.shape[0] + np.arange(place.segments))
            groups.append(np.full(place.segments, number))
        flat = self._map().reshape(-1, *self.shape[1:])
        return Rows(flat, np.concatenate(where), kind=Codes), np.concatenate(groups)

    def __len__(self) -> int:
        return len(self._sample)

    def identities(self) -> list[bytes]:
        """Return the identities of the songs in the cache, ascending."""
        return [identity for identity, _ in self._sample]

    def songs(self) -> list[int]:
        """Return the ids of the songs in the cache, by their identities."""
        return [song for _, song in self._sample]

    def _map(self) -> np.ndarray:
        return np.memmap(self.path, np.uint8, "r", shape=(self.path.stat().st_size // self._record, *self.shape))


class Rows:
    """Some rows of a memory-mapped array, read when they are indexed.

    Parameters
    ----------
    array : ndarray
    where : ndarray of shape (n,)
        The rows.
    kind : type
        Of what comes of indexing: the file does not say that its numbers are codes.
    """

    def __init__(self, array: np.ndarray, where: np.ndarray, *, kind: type[np.ndarray] = np.ndarray) -> None:
        self._array, self._where, self._kind = array, where, kind
        self.shape = (len(where), *array.shape[1:])
        self.dtype = array.dtype

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, rows: Any) -> np.ndarray:
        read = np.asarray(self._array[self._where[rows]])
        # What was read would stay in the process, and after an epoch that is the whole file. (It stays in the system's
        # cache, where it is in nobody's way.)
        with suppress(AttributeError):  # no such advice on this system, or an array in memory
            self._array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
        return read.view(self._kind)


def codes_sum(codes: bytes) -> int:
    """Return a checksum of a song's spectrograms, as SQLite can keep it."""
    return xxhash.xxh3_64_intdigest(codes) - 2**63
