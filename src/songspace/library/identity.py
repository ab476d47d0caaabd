"""The identity of a song, which depends neither on its file's name nor on its tags: a digest of the sound.

Each format keeps its sound in one place and what is said about it in another. Here the places of the sound are found,
and only their bytes are digested, so that a file has the same identity after its tags were edited. Of a format that is
not known, or a file that breaks its own rules, all bytes count.

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
"""Bytes of sound that are all digested; of more, so many pieces of a megabyte that lie evenly spaced in it."""

_PIECES, _PIECE = 64, 2**20
_MOST_PARTS = 100_000  # chunks, atoms, blocks of metadata: a damaged file must not keep anybody busy
_MOST_TAGS = 16
_LARGEST_COMMENT = 128 * 2**20


class Span(NamedTuple):
    """Bytes ``begin`` to ``end`` of a file."""

    begin: int
    end: int


def identify(file: str | os.PathLike[str] | BinaryIO) -> bytes:
    """Return the identity of the sound in a file: 16 bytes that stay when it is moved, renamed or tagged anew.

    It is XXH3-128 over the number of bytes of sound and the bytes themselves; where they are more than 64 MiB, over 64
    evenly spaced pieces of 1 MiB, so that a recording of hours costs no more than a long song.

    Parameters
    ----------
    file : path or binary file
        An open file is read from its beginning, whatever its position.

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
    """Return the identity of a part of a file that is a song, from the identity of the whole file.

    Parameters
    ----------
    whole : bytes
        As :func:`identify` gives it.
    start, end : float
        Seconds, as a CUE sheet says them: to a 75th.
    """
    frames = (round(75 * start), -1 if end is None else round(75 * end))
    return xxhash.xxh3_128(whole + struct.pack("<qq", *frames)).digest()


def _digest(file: BinaryIO, spans: list[Span]) -> bytes:
    length = sum(span.end - span.begin for span in spans)
    digest = xxhash.xxh3_128(length.to_bytes(8, "little"))
    pieces = [(0, length)]
    if length > WHOLE:
        pieces = [((length - _PIECE) * number // (_PIECES - 1), _PIECE) for number in range(_PIECES)]
    for begin, wanted in pieces:
        for data in _sequence(file, spans, begin, wanted):
            digest.update(data)
    return digest.digest()


def _sequence(file: BinaryIO, spans: list[Span], begin: int, wanted: int) -> Iterator[bytes]:
    """Yield ``wanted`` bytes from ``begin`` on of all spans one after another."""
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


# Tags around the sound, which any format may wear


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
    """Return the tags at the end of a file, the last one first; ``begin`` is where its music begins."""
    return list(_tags_between(file, begin, file.seek(0, SEEK_END)))


def _tags_between(file: BinaryIO, begin: int, end: int) -> Iterator[Span]:
    for _ in range(_MOST_TAGS):
        length = _tag_before(file, begin, end)
        if not length or end - length <= begin:
            return
        yield Span(end - length, end)
        end -= length


def _tag_at(head: bytes) -> int:
    """Return the bytes of the tag that begins so; 0 if it is none."""
    if (header := id3.header(head)) is not None:
        return header.end
    if head[:8] == b"APETAGEX":
        return 32 + _little(head[12:16])
    return 0


def _tag_before(file: BinaryIO, begin: int, end: int) -> int:
    """Return the bytes of the tag that ends at ``end``; 0 if there is none."""
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
        far = max(begin, end - 5_120)  # version 1 does not say its length, but is no longer than this
        at = _read(file, far, end - far).rfind(b"LYRICSBEGIN")
        return end - far - at if at >= 0 else 0
    return 0


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


# Where each format keeps its sound


def _sound(file: BinaryIO, head: bytes, inside: Span) -> list[Span] | None:
    """Return the bytes of sound, and those that say how to decode them; None if that is not known."""
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
    """Return the spans that hold sound or say how to decode it; None if none holds any sound.

    What says how it is to be read is the same in many files: by that alone, different songs would be one.
    """
    kept = [(name, span) for name, span in parts if name in sound | shape and span.begin < span.end]
    return [span for _, span in kept] if any(name in sound for name, _ in kept) else None


def _matroska(file: BinaryIO, inside: Span) -> list[Span] | None:
    """Return the clusters: editors write everything else anew, and often in another place."""
    try:
        return [
            span for begin, end in matroska.clusters(file, *inside) if (span := Span(begin, end)).begin < end
        ] or None
    except matroska.MalformedError:
        return None


def _flac(file: BinaryIO, inside: Span) -> list[Span] | None:
    """Return STREAMINFO and the frames behind the blocks of metadata.

    STREAMINFO's MD5 of the samples would do for a file that an encoder wrote; but programs that cut a FLAC without
    encoding it anew keep the MD5 of the whole, and then two songs would be one.
    """
    at = inside.begin + 4
    for _ in range(_MOST_PARTS):
        head = _read(file, at, 4)
        if len(head) < 4:
            return None
        at += 4 + int.from_bytes(head[1:4], "big")
        if head[0] & 0x80:
            break
    # Only what tells how the frames are read: the rest of STREAMINFO may be completed by a program that copies them.
    rate_and_shape = Span(inside.begin + 18, inside.begin + 22)
    return [rate_and_shape, Span(at, inside.end)] if at < inside.end else None


def _chunks(
    file: BinaryIO, at: int, end: int, layout: str, *, counts_itself: bool = False, align: int = 2
) -> Iterator[tuple[bytes, Span]]:
    """Yield (name, bytes) of each chunk of a file that is made of them.

    ``counts_itself`` says whether the size of a chunk counts its name and size, too; the next one begins at a multiple
    of ``align`` bytes from where this one began.
    """
    width = struct.calcsize(layout)
    for _ in range(_MOST_PARTS):
        head = _read(file, at, width)
        if len(head) < width:
            return
        name, size = struct.unpack(layout, head)
        length = max(width, size if counts_itself else width + size)
        if name == b"data" and not counts_itself and size in (0, 0xFFFFFFFF):
            length = end - at  # it was written while nobody knew how long it would be: all the rest is meant
        yield name, Span(at + width, min(end, at + length))
        at += length + -length % align
        if at >= end:
            return


def _atoms(file: BinaryIO, inside: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield (name, bytes) of each box at the top of an MP4 file."""
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


# Ogg: packets in pages, and pages are numbered anew when a comment grows

_PAGE = struct.Struct("<4sBBqIIIB")
_HEADERS = {b"\x01vorbis": 3, b"OpusHead": 2, b"Speex  ": 2}
"""The number of packets before the sound, by the first bytes of the first; the second holds the comments."""
_FLAC_IN_OGG = b"\x7fFLAC"


def _of_ogg(file: BinaryIO, inside: Span) -> bytes | None:
    """Return the identity of an Ogg file: of its packets without the comments; None if its codec is not known."""
    found = _ogg_headers(file, inside)
    if found is None:
        return None
    headers, begin = found
    length = inside.end - begin
    digest = xxhash.xxh3_128(length.to_bytes(8, "little"))
    for header in headers:
        digest.update(header)
    pieces = [(begin, length)]
    if length > WHOLE:
        pieces = [(begin + (length - _PIECE) * number // (_PIECES - 1), _PIECE) for number in range(_PIECES)]
    for at, wanted in pieces:
        for payload in _payloads(_read(file, at, wanted)):
            digest.update(payload)
    return digest.digest()


def _ogg_headers(file: BinaryIO, inside: Span) -> tuple[list[bytes], int] | None:
    """Return the packets before the sound but for the comments, and where the first page of sound begins."""
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
                kept.append(bytes(open_packet[9:]))  # all but how many packets follow: pictures are packets, too
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
    """Return the number of packets before the sound, by the first of them; 0 if that is not known."""
    if first.startswith(_FLAC_IN_OGG):
        count = int.from_bytes(first[7:9], "big")
        return count + 1 if count else 0
    return next((count for magic, count in _HEADERS.items() if first.startswith(magic)), 0)


def _payloads(data: bytes) -> Iterator[bytes]:
    """Return what the whole pages in a piece of an Ogg file carry, with their times."""
    at = data.find(b"OggS")
    view = memoryview(data)
    while 0 <= at <= len(data) - _PAGE.size:
        if view[at : at + 4] != b"OggS":  # damage: on with the next page
            at = data.find(b"OggS", at)
            continue
        count = data[at + 26]
        lacing = view[at + _PAGE.size : at + _PAGE.size + count]
        stop = at + _PAGE.size + count + sum(lacing)
        yield data[at + 6 : at + 14]
        yield bytes(view[at + _PAGE.size : min(stop, len(data))])
        at = stop
