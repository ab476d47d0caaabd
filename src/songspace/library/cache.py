"""The cache of spectrograms, so that training and other encoders need not decode songs again.

It is one flat file of fixed-size records; the catalog holds the slot of each song. A file that has reached its cap
holds a random sample of the songs, and always the same one: the songs with the smallest identities (bottom-k sampling:
an identity is a hash, and serves as a random number that depends on the song alone).
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
    """The slot, number and checksum of a song's spectrograms."""

    slot: int
    segments: int
    checksum: int | None


class SpectrogramCache:
    """The cache of a library, open for reading and writing.

    Parameters
    ----------
    path : path
        The file; it may be missing.
    catalog : Catalog
        Holds the slots.
    shape : tuple of int
        (segments, bands, frames) of a record.
    cap : int
        Largest size of the file, in bytes.
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
        """Clear the slots in the catalog that the file does not hold, because it was deleted or cut off.

        Only the writer may do that: a reader may see a file that is still growing.
        """
        self._catalog.clear_slots(self._held)

    def forget_gone(self) -> None:
        """Delete the songs that are not in the catalog any more; their slots are free."""
        here = {song for song, *_ in self._catalog.slots()}
        gone = self._places.keys() - here
        self._sample = [(identity, song) for identity, song in self._sample if song not in gone]
        self._free += sorted(self._places.pop(song).slot for song in gone)

    def wants(self, identity: bytes) -> bool:
        """Return True if a song of this identity belongs to the sample."""
        return len(self._sample) < self.capacity or identity < self._sample[-1][0]

    def put(self, song: int, identity: bytes, codes: np.ndarray) -> None:
        """Write the spectrograms (segments, bands, frames) of a song, if it belongs to the sample.

        The slot of the song that it replaces is cleared in the catalog before the record is written, and the new slot
        is set after it, so that no slot ever points to the sound of another song.
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
        """Return True if the spectrograms of a song in the cache are undamaged."""
        place = self._places[song]
        return place.checksum == codes_sum(self._map()[place.slot].tobytes())

    def forget_damaged(self) -> int:
        """Clear the slots of songs with damaged spectrograms; return their number."""
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
            If they are damaged.
        """
        if not self.is_whole(song):
            raise SongspaceError(f"The cache {self.path} is damaged: run `songspace learn FOLDER` to mend it.")
        place = self._places[song]
        return np.array(self._map()[place.slot, : place.segments]).view(Codes)

    def rows(self, *, without: Container[int] = ()) -> tuple[Rows, np.ndarray]:
        """Return all segments in the cache, by the identity of their songs, and the song of each.

        Parameters
        ----------
        without : container of int
            Ids of songs to leave out.

        Returns
        -------
        X : Rows
            An array-like (n, bands, frames) of codes that is read from the disk when it is indexed.
        groups : ndarray of shape (n,), int64
            Index of the song in :meth:`songs`, not its id: ids depend on the order in which workers finish, and
            training must not.
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
        """Return the ids of the songs in the cache, in the order of their identities."""
        return [song for _, song in self._sample]

    def _map(self) -> np.ndarray:
        return np.memmap(self.path, np.uint8, "r", shape=(self.path.stat().st_size // self._record, *self.shape))


class Rows:
    """Some rows of a memory-mapped array; they are read when they are indexed.

    Parameters
    ----------
    array : ndarray
    where : ndarray of shape (n,)
        Indices of the rows.
    kind : type
        Type of the result of indexing.
    """

    def __init__(self, array: np.ndarray, where: np.ndarray, *, kind: type[np.ndarray] = np.ndarray) -> None:
        self._array, self._where, self._kind = array, where, kind
        self.shape = (len(where), *array.shape[1:])
        self.dtype = array.dtype

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, rows: Any) -> np.ndarray:
        read = np.asarray(self._array[self._where[rows]])
        # Pages that were read would stay in the process, and after an epoch that is the whole file. (They stay in the
        # cache of the system.)
        with suppress(AttributeError):  # no such advice on this system, or an array in memory
            self._array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
        return read.view(self._kind)


def codes_sum(codes: bytes) -> int:
    """Return the checksum of a song's spectrograms, a signed 64-bit integer."""
    return xxhash.xxh3_64_intdigest(codes) - 2**63
