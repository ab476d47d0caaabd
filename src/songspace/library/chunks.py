"""Files in chunks: what WAV, AIFF, CAF and DSDIFF say of themselves outside of ID3, and where their ID3 tag lies.

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
    """A chunk's name, and the bytes of its content."""

    name: bytes
    begin: int
    end: int


class _Form(NamedTuple):
    layout: str
    """Of a name and a size."""
    first: int
    """The offset of the first chunk."""
    align: int = 2


def _form(head: bytes) -> _Form | None:
    """Return the layout of a file's chunks, by its first twelve bytes."""
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
    """Return where a file's ID3 tag begins; None if it has none."""
    form = _form(head)
    if form is None:
        return None
    return next((chunk.begin for chunk in _Chunks(file, form).top() if chunk.name.upper() == b"ID3 "), None)


def texts(file: BinaryIO, head: bytes, *, encoding: str | None = None) -> list[tuple[str, str]]:
    """Return (name, text) of all texts in a file's own chunks.

    Parameters
    ----------
    file : binary file
    head : bytes
        Its first twelve.
    encoding : str, optional
        See :func:`songspace.library.eight_bits.decoded`; before all, texts are UTF-8.
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
    """The chunks of a file; their number, and the bytes that are read, are limited."""

    def __init__(self, file: BinaryIO, form: _Form) -> None:
        self._file, self._form = file, form
        self._end = file.seek(0, 2)
        self._steps, self._room = _MOST, _ALL

    def top(self) -> Iterator[Chunk]:
        """Yield the chunks that lie in no other."""
        long = None  # bytes of sound, where 32 bits do not tell
        for chunk in self._walk(self._form.first, self._end):
            if chunk.name == b"ds64":
                long = int.from_bytes(self.read(chunk, 16)[8:], "little")
            if chunk.name == b"data" and chunk.end == self._end and long is not None:
                yield from self._walk(chunk.begin + long + long % 2, self._end)
                return
            yield chunk

    def inside(self, chunk: Chunk, offset: int = 0) -> Iterator[Chunk]:
        """Yield the chunks that lie in one, from an offset on."""
        return self._walk(chunk.begin + offset, chunk.end)

    def read(self, chunk: Chunk, most: int = _LARGEST) -> bytes:
        """Return the beginning of a chunk's content."""
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
