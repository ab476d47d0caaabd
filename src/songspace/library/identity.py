"""The identity of a song: a digest of its sound, independent of its tags and of the name of its file.

Each format keeps sound and tags in different places. This module finds the places of the sound, and digests only these
bytes, so that a file keeps its identity when its tags are edited. In a file of an unknown format, or one that breaks
the rules of its format, all bytes count.

Layouts: id3.org (ID3v1, ID3v2, Lyrics3), APEv2 (wiki.hydrogenaud.io), RFC 9639 (FLAC), RFC 3533 (Ogg), ISO 14496-12
(MP4), RFC 9559 (Matroska), the RIFF, AIFF, Wave64, CAF, DSF and DSDIFF specifications, and Microsoft's of ASF.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Set
from io import SEEK_END
from typing import BinaryIO, NamedTuple

import xxhash

from songspace.library import id3, matroska

WHOLE = 64 * 2**20
"""Most bytes of sound that are digested as a whole; of more, evenly spaced pieces are digested."""

_PIECES, _PIECE = 64, 2**20
_MOST_PARTS = 100_000  # chunks, atoms, blocks of metadata: a limit for damaged files
_MOST_TAGS = 16
_LARGEST_COMMENT = 128 * 2**20


class Span(NamedTuple):
    """Bytes ``begin`` to ``end`` of a file."""

    begin: int
    end: int


def identify(file: str | os.PathLike[str] | BinaryIO) -> bytes:
    """Return the identity of the sound in a file: 16 bytes that stay when it is moved, renamed or tagged again.

    It is XXH3-128 of the number of bytes of sound and the bytes themselves; if they are more than 64 MiB, of 64 evenly
    spaced pieces of 1 MiB, so that a recording of hours costs no more than a long song.

    Parameters
    ----------
    file : path or binary file
        An open file is read from its beginning, not from its position.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if isinstance(file, str | os.PathLike):
        with open(file, "rb") as opened:
            return identify(opened)
    size = file.seek(0, SEEK_END)
    inside = _untagged(file, size)
    head = _read(file, inside.begin, 64)
    if head[:4] == b"OggS" and (digest := _of_ogg(file, inside)) is not None:
        return digest
    return _digest(file, _sound(file, head, inside) or [inside])


def identity_of_part(whole: bytes, start: float, end: float | None) -> bytes:
    """Return the identity of a song that is a part of a file, from the identity of the whole file.

    Parameters
    ----------
    whole : bytes
        Identity of the file, by :func:`identify`.
    start, end : float
        Seconds, with the resolution of a CUE sheet, 1/75 s; an end of None is the end of the file.
    """
    frames = (round(75 * start), -1 if end is None else round(75 * end))
    return xxhash.xxh3_128(whole + struct.pack("<qq", *frames)).digest()


def _digest(file: BinaryIO, spans: list[Span]) -> bytes:
    length = sum(span.end - span.begin for span in spans)
    digest = xxhash.xxh3_128(length.to_bytes(8, "little"))
    for begin, wanted in _pieces(length):
        for data in _sequence(file, spans, begin, wanted):
            digest.update(data)
    return digest.digest()


def _pieces(length: int) -> list[tuple[int, int]]:
    """Return (begin, length) of the pieces of some bytes of sound that are digested."""
    if length <= WHOLE:
        return [(0, length)]
    return [((length - _PIECE) * number // (_PIECES - 1), _PIECE) for number in range(_PIECES)]


def _sequence(file: BinaryIO, spans: list[Span], begin: int, wanted: int) -> Iterator[bytes]:
    """Yield ``wanted`` bytes from ``begin`` on, where the spans count as one sequence of bytes."""
    for span in spans:
        length = span.end - span.begin
        if begin < length:
            file.seek(span.begin + begin)
            left = min(wanted, length - begin)
            wanted -= left
            while left > 0 and (data := file.read(min(left, _PIECE))):
                left -= len(data)
                yield data
        begin = max(0, begin - length)
        if wanted <= 0:
            return


def _read(file: BinaryIO, begin: int, length: int) -> bytes:
    file.seek(begin)
    return file.read(length)


# Tags around the sound, in files of any format


def _untagged(file: BinaryIO, size: int) -> Span:
    """Return the span of a file without the tags at its beginning and its end."""
    begin, end = 0, size
    for _ in range(_MOST_TAGS):
        length = _tag_at(_read(file, begin, 32))
        if not length or begin + length >= end:
            break
        begin += length
    for tag in _tags_between(file, begin, end):
        end = tag.begin
    return Span(begin, end)


def tags_behind(file: BinaryIO, begin: int) -> list[Span]:
    """Return the spans of the tags at the end of a file, the last one first; its music begins at ``begin``."""
    return list(_tags_between(file, begin, file.seek(0, SEEK_END)))


def _tags_between(file: BinaryIO, begin: int, end: int) -> Iterator[Span]:
    for _ in range(_MOST_TAGS):
        length = _tag_before(file, begin, end)
        if not length or end - length <= begin:
            return
        yield Span(end - length, end)
        end -= length


def _tag_at(head: bytes) -> int:
    """Return the size of the tag that begins with these bytes; 0 if it is no tag."""
    if (header := id3.header(head)) is not None:
        return header.end
    if head[:8] == b"APETAGEX":
        return 32 + _little(head[12:16])
    return 0


def _tag_before(file: BinaryIO, begin: int, end: int) -> int:
    """Return the size of the tag that ends at ``end``; 0 if there is none."""
    if end - begin >= 128 and _read(file, end - 128, 3) == b"TAG":
        return 128 + (227 if end - begin >= 355 and _read(file, end - 355, 4) == b"TAG+" else 0)
    last = _read(file, max(begin, end - 32), 32)[-(end - begin) :]
    if last[:8] == b"APETAGEX" and len(last) == 32:
        return _little(last[12:16]) + (32 if last[23] & 0x80 else 0)
    if last[-10:-7] == b"3DI" and (header := id3.header(b"ID3" + last[-7:])) is not None:
        return header.size + 20
    if last[-9:] == b"LYRICS200" and last[-15:-9].isdigit():
        return int(last[-15:-9]) + 15
    if last[-9:] == b"LYRICSEND":
        far = max(begin, end - 5_120)  # version 1 has no length field, but this largest size
        at = _read(file, far, end - far).rfind(b"LYRICSBEGIN")
        return end - far - at if at >= 0 else 0
    return 0


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


# The place of the sound in each format


def _sound(file: BinaryIO, head: bytes, inside: Span) -> list[Span] | None:
    """Return the spans of the sound and of its decoding parameters; None if the format is unknown."""
    begin, end = inside
    if head[:4] == b"fLaC":
        return _flac(file, inside)
    if head[4:8] == b"ftyp":
        return _wanted(_atoms(file, inside), {b"mdat"})
    if head[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _wanted(_chunks(file, begin + 12, end, "<4sI"), {b"data"}, {b"fmt "})
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _wanted(_chunks(file, begin + 12, end, ">4sI"), {b"SSND"}, {b"COMM"})
    if head[:4] == b"FRM8":
        return _wanted(_chunks(file, begin + 16, end, ">4sQ"), {b"DSD ", b"DST "}, {b"PROP"})
    if head[:4] == b"DSD ":
        return _wanted(_chunks(file, begin + 28, end, "<4sQ", counts_itself=True, align=1), {b"data"}, {b"fmt "})
    if head[:4] == b"caff":
        return _wanted(_chunks(file, begin + 8, end, ">4sQ", align=1), {b"data"}, {b"desc", b"kuki"})
    if head[:16] == _W64:
        return _wanted(_chunks(file, begin + 40, end, "<16sQ", counts_itself=True, align=8), {_W64_DATA}, {_W64_FMT})
    if head[:16] == _ASF:
        return _wanted(_chunks(file, begin, end, "<16sQ", counts_itself=True, align=1), {_ASF_DATA})
    if head[:4] == matroska.MAGIC:
        return _matroska(file, inside)
    return None


_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_FMT = bytes.fromhex("666d7420f3acd3118cd100c04f8edb8a")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


def _wanted(
    parts: Iterator[tuple[bytes, Span]], sound: Set[bytes], shape: Set[bytes] = frozenset()
) -> list[Span] | None:
    """Return the spans of ``sound`` and ``shape`` (decoding parameters); None if there is no sound.

    Many files share their decoding parameters: by these alone, different songs would have the same identity.
    """
    kept = [(name, span) for name, span in parts if name in sound | shape and span.begin < span.end]
    return [span for _, span in kept] if any(name in sound for name, _ in kept) else None


def _matroska(file: BinaryIO, inside: Span) -> list[Span] | None:
    """Return the clusters: editors write everything else again, and often in another place."""
    try:
        return [Span(begin, end) for begin, end in matroska.clusters(file, *inside) if begin < end] or None
    except matroska.MalformedError:
        return None


def _flac(file: BinaryIO, inside: Span) -> list[Span] | None:
    """Return the sampling rate and shape in STREAMINFO, and the frames after the blocks of metadata.

    The MD5 of the samples in STREAMINFO is not used: programs that cut a FLAC file without encoding it again keep the
    MD5 of the whole, so that two songs would have the same identity.
    """
    at = inside.begin + 4
    for _ in range(_MOST_PARTS):
        head = _read(file, at, 4)
        if len(head) < 4:
            return None
        at += 4 + int.from_bytes(head[1:4], "big")
        if head[0] & 0x80:
            break
    # Programs that copy a file may complete the rest of STREAMINFO.
    rate_and_shape = Span(inside.begin + 18, inside.begin + 22)
    return [rate_and_shape, Span(at, inside.end)] if at < inside.end else None


def _chunks(
    file: BinaryIO, at: int, end: int, layout: str, *, counts_itself: bool = False, align: int = 2
) -> Iterator[tuple[bytes, Span]]:
    """Yield (name, span) of each chunk.

    Parameters
    ----------
    file : binary file
    at, end : int
        Offsets of the first chunk, and of the end of the last one.
    layout : str
        Format of a chunk's name and size, for ``struct``.
    counts_itself : bool
        True if the size of a chunk includes its name and size.
    align : int
        Chunks begin at multiples of this number of bytes.
    """
    width = struct.calcsize(layout)
    for _ in range(_MOST_PARTS):
        head = _read(file, at, width)
        if len(head) < width:
            return
        name, size = struct.unpack(layout, head)
        length = max(width, size if counts_itself else width + size)
        if name == b"data" and not counts_itself and size in (0, 0xFFFFFFFF):
            length = end - at  # its length was not known when it was written: it is the rest of the file
        yield name, Span(at + width, min(end, at + length))
        at += length + -length % align
        if at >= end:
            return


def _atoms(file: BinaryIO, inside: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield (name, span) of each box at the top level of an MP4 file."""
    at, end = inside
    for _ in range(_MOST_PARTS):
        head = _read(file, at, 16)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head[:8])
        width = 8
        if size == 1 and len(head) == 16:
            size, width = int.from_bytes(head[8:], "big"), 16
        stop = end if size == 0 else min(end, at + max(size, width))
        yield name, Span(at + width, stop)
        at = stop
        if at >= end:
            return


# Ogg: packets in pages; pages get other numbers when a comment grows

_PAGE = struct.Struct("<4sBBqIIIB")
_HEADERS = {b"\x01vorbis": 3, b"OpusHead": 2, b"Speex  ": 2}
"""Number of packets before the sound, by the first bytes of the first packet; the second holds the comments."""
_FLAC_IN_OGG = b"\x7fFLAC"


def _of_ogg(file: BinaryIO, inside: Span) -> bytes | None:
    """Return the identity of the packets of an Ogg file without the comments; None if its codec is unknown."""
    headers_and_begin = _ogg_headers(file, inside)
    if headers_and_begin is None:
        return None
    headers, begin = headers_and_begin
    length = inside.end - begin
    digest = xxhash.xxh3_128(length.to_bytes(8, "little"))
    for header in headers:
        digest.update(header)
    for at, wanted in _pieces(length):
        for payload in _payloads(_read(file, begin + at, wanted)):
            digest.update(payload)
    return digest.digest()


def _ogg_headers(file: BinaryIO, inside: Span) -> tuple[list[bytes], int] | None:
    """Return the packets before the sound without the comments, and the offset of the first page of sound."""
    at, packets, open_packet = inside.begin, 0, bytearray()
    kept: list[bytes] = []
    needed, flac = 0, False
    for _ in range(_MOST_PARTS):
        head = _read(file, at, _PAGE.size)
        if len(head) < _PAGE.size or head[:4] != b"OggS":
            return None
        lacing = file.read(head[26])
        payload = file.read(sum(lacing))
        at += _PAGE.size + len(lacing) + len(payload)
        place = 0
        for length in lacing:
            open_packet += payload[place : place + length]
            place += length
            if length == 255:
                continue
            if packets == 0:
                needed = _headers_of(open_packet)
                if not needed:
                    return None
            if open_packet.startswith(_FLAC_IN_OGG):
                flac = True
                kept.append(bytes(open_packet[9:]))  # without the number of packets: pictures are packets, too
            elif packets != 1 and not flac:
                kept.append(bytes(open_packet))
            packets += 1
            open_packet.clear()
            if packets == needed:
                return kept, at
        if len(open_packet) > _LARGEST_COMMENT:
            return None
    return None


def _headers_of(first: bytes | bytearray) -> int:
    """Return the number of packets before the sound, by the first of them; 0 if the codec is unknown."""
    if first.startswith(_FLAC_IN_OGG):
        count = int.from_bytes(first[7:9], "big")
        return count + 1 if count else 0
    return next((count for magic, count in _HEADERS.items() if first.startswith(magic)), 0)


def _payloads(data: bytes) -> Iterator[bytes]:
    """Yield the times and contents of the whole pages in a piece of an Ogg file."""
    at = data.find(b"OggS")
    view = memoryview(data)
    while 0 <= at <= len(data) - _PAGE.size:
        if view[at : at + 4] != b"OggS":  # damage: continue with the next page
            at = data.find(b"OggS", at)
            continue
        count = data[at + 26]
        lacing = view[at + _PAGE.size : at + _PAGE.size + count]
        stop = at + _PAGE.size + count + sum(lacing)
        yield data[at + 6 : at + 14]
        yield bytes(view[at + _PAGE.size : min(stop, len(data))])
        at = stop
