"""What the catalog will tell by itself: replace each of these by what its line names."""

from __future__ import annotations

import os
from typing import BinaryIO, NamedTuple

import xxhash

from songspace.library import Catalog, Song
from songspace.library.catalog import Row
from songspace.library.scan import _PIECE, _PIECES, WHOLE


class Stamp(NamedTuple):
    """songspace.library.scan.Stamp."""

    size: int
    mtime_ns: int
    ctime_ns: int
    device: int
    inode: int

    @classmethod
    def of(cls, known: os.stat_result) -> Stamp:
        return cls(known.st_size, known.st_mtime_ns, known.st_ctime_ns, known.st_dev, known.st_ino)


def stamp_of(row: Row) -> tuple[int, ...] | None:
    """row.stamp."""
    return getattr(row, "stamp", None)


def identity_of(song: Song, catalog: Catalog) -> bytes:
    """song.identity."""
    if song.identity:
        return song.identity
    row = catalog._db.execute("SELECT identity FROM songs WHERE id = ?", (song.id,)).fetchone()
    return row[0] if row else b""


def identify(file: BinaryIO) -> bytes:
    """songspace.library.identity.identify."""
    file.seek(0)
    size = os.fstat(file.fileno()).st_size
    digest = xxhash.xxh3_128(size.to_bytes(8, "little"))
    if size <= WHOLE:
        while piece := file.read(_PIECE):
            digest.update(piece)
    else:
        for number in range(_PIECES):
            file.seek((size - _PIECE) * number // (_PIECES - 1))
            digest.update(file.read(_PIECE))
    return digest.digest()


def song_of(catalog: Catalog, identity: bytes) -> Song | None:
    """catalog.song_of(identity)."""
    if found := getattr(catalog, "song_of", None):
        return found(identity)
    row = catalog._db.execute("SELECT id FROM songs WHERE identity = ?", (identity,)).fetchone()
    return catalog.song(row[0]) if row else None
