"""Music files opened for their tags, within bounds: a tag may claim any size, and hold anything."""

from __future__ import annotations

import struct
from io import SEEK_END, SEEK_SET, BytesIO
from typing import Any, BinaryIO, NamedTuple

from songspace.library import id3

_MOST = 128 * 2**20  # bytes read of one file
_READS = 300_000
_CHUNKS = 10_000
_OLD = 512  # bytes at the end of a file that hold an ID3v1 tag, if it has one

_TEXT = 2**16, 2**20  # bytes of one text in an ID3 tag, and of all of them
_PICTURE = 2**25, 2**25


class Tagged(NamedTuple):
    """What mutagen found in a file."""

    tags: Any
    pictures: tuple[Any, ...] = ()
    """FLAC keeps them beside the tags."""


def tagged(file: BinaryIO, *, pictures: bool = False) -> Tagged | None:
    """The tags of a music file, or None if mutagen knows none in it.

    Parameters
    ----------
    file : binary file
        Open for reading.
    pictures : bool
        Whether the pictures are wanted of an ID3 tag, or else the texts. Other kinds of tags are read as they are.

    Raises
    ------
    Exception
        Nearly any, if the file is damaged: :data:`songspace.library.scan.MUTAGEN_RAISES`.
    """
    import mutagen
    import mutagen.id3

    start, at = _id3_in(file)
    if at is None:
        found = mutagen.File(_Bounded(file, start))
        return None if found is None else Tagged(found.tags, tuple(getattr(found, "pictures", ())))
    names, (largest, most) = ((b"APIC", b"PIC"), _PICTURE) if pictures else ((b"T", b"UFI"), _TEXT)
    tag = id3.trimmed(file, at, lambda name: name.startswith(names), largest=largest, most=most)
    file.seek(max(0, file.seek(0, SEEK_END) - _OLD))
    return Tagged(mutagen.id3.ID3(BytesIO(tag + file.read(_OLD))))


def _id3_in(file: BinaryIO) -> tuple[int, int | None]:
    """Where the music begins, and where its ID3 tag lies if that is the one to read."""
    file.seek(0)
    head = file.read(12)
    if (first := id3.header(head)) is not None:
        file.seek(first.end)
        others = file.read(4).startswith((b"fLaC", b"OggS", b"MAC ", b"MPCK", b"MP+", b"wvpk"))
        return (first.end, None) if others else (0, 0)
    if head[:4] == b"DSD ":
        file.seek(20)
        return 0, struct.unpack("<Q", file.read(8))[0]
    if head[:4] in (b"RIFF", b"FORM", b"FRM8"):
        # Without a chunk of ID3 mutagen finds nothing in these; the end of the file is none.
        chunk = _chunk(
            file, 16 if head[:4] == b"FRM8" else 12, {b"RIFF": "<4sI", b"FORM": ">4sI"}.get(head[:4], ">4sQ")
        )
        return 0, chunk
    return 0, None


def _chunk(file: BinaryIO, at: int, layout: str) -> int:
    """Where the chunk ``ID3`` of a file in chunks begins, or where the chunks end."""
    width = struct.calcsize(layout)
    for _ in range(_CHUNKS):
        file.seek(at)
        head = file.read(width)
        if len(head) < width:
            break
        name, size = struct.unpack(layout, head)
        at += width
        if name.upper() == b"ID3 ":
            break
        at += size + size % 2
    return at


class _Bounded:
    """A file of which only so much can be read, and only so often."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        self._end = file.seek(0, SEEK_END)
        self._left, self._reads = _MOST, _READS
        self.name = getattr(file, "name", "")
        file.seek(start)

    def read(self, size: int | None = -1) -> bytes:
        rest = max(0, self._end - self._file.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        self._left -= wanted
        self._reads -= 1
        if self._left < 0 or self._reads < 0:
            raise ValueError("its tags are too much to read")
        return self._file.read(wanted)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self._file.seek(offset + (self._start if whence == SEEK_SET else 0), whence) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start
