"""Files made of chunks (WAV, AIFF, CAF, DSDIFF): their own texts, and the place of their ID3 tag.

Layouts: Microsoft's RIFF (LIST/INFO), EBU Tech 3306 (RF64), Apple's AIFF and CAF, and Philips' DSDIFF specifications.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from songspace.library.eight_bits import utf8_or

_MOST = 10_000
_LARGEST, _ALL = 2**16, 2**20  # bytes of one text, and of all


class Chunk(NamedTuple):
    """The name of a chunk, and the range of its content in the file."""

    name: bytes
    begin: int
    end: int


class _Form(NamedTuple):
    layout: str
    """Format of a chunk's name and size, for ``struct``."""
    first: int
    """Offset of the first chunk."""
    align: int = 2


def _form(head: bytes) -> _Form | None:
    """Return the layout of the chunks of a file, by its first twelve bytes; None if it has no chunks."""
    if head[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _Form("<4sI", 12)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _Form(">4sI", 12)
    if head[:4] == b"FRM8":
        return _Form(">4sQ", 16)
    if head[:4] == b"caff":
        return _Form(">4sQ", 8, align=1)
    return None


def id3_in(file: BinaryIO, head: bytes) -> int | None:
    """Return the offset of the ID3 tag of a file; None if it has none."""
    form = _form(head)
    if form is None:
        return None
    return next((chunk.begin for chunk in _Chunks(file, form).top() if chunk.name.upper() == b"ID3 "), None)


def texts(file: BinaryIO, head: bytes, *, encoding: str | None = None) -> list[tuple[str, str]]:
    """Return (name, text) of all texts in the chunks of a file, outside of ID3.

    Parameters
    ----------
    file : binary file
    head : bytes
        Its first twelve bytes.
    encoding : str, optional
        Encoding of texts that are not UTF-8; see :func:`songspace.library.eight_bits.decoded`.
    """
    form = _form(head)
    if form is None:
        return []
    chunks = _Chunks(file, form)
    raw: list[tuple[str, bytes]] = []
    for chunk in chunks.top():
        if chunk.name == b"LIST" and chunks.read(chunk, 4) == b"INFO":
            raw += [(_name(one.name), chunks.read(one)) for one in chunks.inside(chunk, 4)]
        elif head[:4] == b"FORM" and chunk.name in (b"NAME", b"AUTH", b"(c) "):
            raw.append((_name(chunk.name), chunks.read(chunk)))
        elif head[:4] == b"FRM8" and chunk.name == b"DIIN":  # its texts begin with their length
            inner = [one for one in chunks.inside(chunk) if one.name in (b"DIAR", b"DITI")]
            raw += [(_name(one.name), chunks.read(one)[4:]) for one in inner]
        elif head[:4] == b"caff" and chunk.name == b"info":  # a number, then names and texts that end in zeros
            words = chunks.read(chunk)[4:].split(b"\0")
            raw += [(_name(name), text) for name, text in zip(words[::2], words[1::2], strict=False)]
    return [(name, utf8_or(text.partition(b"\0")[0], encoding)) for name, text in raw]


def _name(name: bytes) -> str:
    return name.decode("latin-1").strip()


class _Chunks:
    """The chunks of a file, up to a limit of chunks and of bytes."""

    def __init__(self, file: BinaryIO, form: _Form) -> None:
        self._file, self._form = file, form
        self._end = file.seek(0, 2)
        self._steps, self._room = _MOST, _ALL

    def top(self) -> Iterator[Chunk]:
        """Yield the chunks at the top level."""
        long = None  # bytes of sound, if they do not fit into 32 bits
        for chunk in self._walk(self._form.first, self._end):
            if chunk.name == b"ds64":
                long = int.from_bytes(self.read(chunk, 16)[8:], "little")
            if chunk.name == b"data" and chunk.end == self._end and long is not None:
                yield from self._walk(chunk.begin + long + long % 2, self._end)
                return
            yield chunk

    def inside(self, chunk: Chunk, offset: int = 0) -> Iterator[Chunk]:
        """Yield the chunks inside a chunk, from an offset on."""
        return self._walk(chunk.begin + offset, chunk.end)

    def read(self, chunk: Chunk, most: int = _LARGEST) -> bytes:
        """Return at most ``most`` bytes of the content of a chunk."""
        length = min(most, self._room, chunk.end - chunk.begin)
        self._room -= length
        self._file.seek(chunk.begin)
        return self._file.read(length)

    def _walk(self, at: int, end: int) -> Iterator[Chunk]:
        width = struct.calcsize(self._form.layout)
        while at + width <= end and self._steps:
            self._steps -= 1
            self._file.seek(at)
            head = self._file.read(width)
            if len(head) < width:
                return
            name, size = struct.unpack(self._form.layout, head)
            yield Chunk(name, at + width, min(end, at + width + size))
            at += width + size + size % self._form.align
