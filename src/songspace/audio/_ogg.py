"""Vorbis, Opus and FLAC in Ogg, located page by page without the help of a decoder.

An Ogg file consists of pages, and each page has the number of samples of the song up to its end. Decoders that seek
count from the beginning of a page instead, and assume the lengths of Vorbis' blocks: libsndfile is wrong by 448 or 896
samples after one seek in 400, FFmpeg after more. Here the sound of a page ends at the number of the page, so that every
seek is exact to the sample.

The layout is that of RFC 3533 (Ogg), RFC 7845 (Opus in it), the Vorbis I specification and Xiph's mapping of FLAC.
FFmpeg decodes the packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from io import BufferedReader
from os import SEEK_END
from struct import Struct
from typing import Any, NamedTuple

import av
import numpy as np

from songspace.audio._pyav import mono
from songspace.audio._source import UndecodableError, check_rate, gather

_HEADER = Struct("<4sxBqI8xB")
_BLOCK = 1 << 16  # no page is larger
_PROBE = 1 << 13
_LONGEST = 1 << 25  # the most bytes of a packet: pictures in the comment may be longer, and are not needed
_CONTINUED, _BEGINNING = 1, 2  # flags of a page

# First bytes of a stream, its codec, and the number of packets before the sound (0: FLAC states it).
_CODECS = ((b"\x01vorbis", "vorbis", 3), (b"OpusHead", "opus", 2), (b"\x7fFLAC", "flac", 0))

# Samples that are decoded before a window. Vorbis overlaps blocks of up to 8,192; in Opus, the effect of earlier sound
# is a millionth after half a second. One packet more is lost if a page continues on the next one.
_VORBIS_PREROLL = 16_384
_OPUS_PREROLL = 30_000


class _Page(NamedTuple):
    position: int  # in the file
    end: int
    flags: int
    granule: int  # samples up to the end of the page; -1 if no packet ends on it
    serial: int  # number of its stream
    lacing: bytes
    data: bytes


class OggSource:
    """Vorbis, Opus or FLAC in an Ogg file; see :class:`songspace.audio._source.Source`."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        headers, self._first = self._read_headers()
        identity = headers[0]
        self._skip = 0
        if self._codec == "vorbis":
            self.rate, self._preroll = int.from_bytes(identity[12:16], "little"), _VORBIS_PREROLL
            comment = b"\x03vorbis" + bytes(8) + b"\x01"  # an empty one: the real one may contain pictures
            self._extradata = bytes([2, len(identity), len(comment)]) + identity + comment + headers[2]
        elif self._codec == "opus":
            self.rate, self._preroll = 48_000, _OPUS_PREROLL
            self._skip = int.from_bytes(identity[10:12], "little")
            # A decoder would skip these samples at every start: its header says 0.
            self._extradata = identity[:10] + bytes(2) + identity[12:]
        else:
            self._extradata = identity[17:51]  # its block STREAMINFO
            self.rate, self._preroll = int.from_bytes(self._extradata[10:13], "big") >> 4, 0
        check_rate(self.rate)
        self._final, self._anchor, last = self._read_end()
        self._origin = self._skip
        for page, sound in self._decode(self._first):  # a stream may be a part of a longer one
            if page.granule >= 0 and sound:
                if page.position < self._final:
                    self._origin += page.granule - sum(map(len, sound))
                break
        self.frames = max(0, last - self._origin)

    def read(self, start: int, stop: int) -> np.ndarray:
        return gather(self._sound(start), start, stop)

    def close(self) -> None:
        """Release nothing: there is no open decoder."""

    def _sound(self, start: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the position of each decoded block and its mono samples, from ``start`` or slightly earlier."""
        # Begin before the last page: the position of its sound is unknown.
        wanted = min(start + self._origin - self._preroll, self._anchor - 1)
        begin = self._find(wanted)
        position = -self._skip if begin == self._first else None
        for page, sound in self._decode(begin, wanted):
            # The song may end within the sound of its last page, which therefore follows the others.
            if page.granule >= 0 and page.position < self._final:
                position = page.granule - self._origin - sum(map(len, sound))
            if position is not None:
                for block in sound:
                    yield position, block
                    position += len(block)

    def _decode(self, position: int, after: int = -1) -> Iterator[tuple[_Page, list[np.ndarray]]]:
        """Yield the pages from ``position`` on, each with the sound of the packets that end on it.

        Pages that end at granule ``after`` or before are not decoded.
        """
        decoder: Any = av.CodecContext.create(self._codec, "r")
        decoder.extradata = self._extradata
        for page, packets in self._packets(position):
            sound: list[np.ndarray] = []
            for packet in packets if page.granule > after else []:
                try:
                    sound += [mono(frame) for frame in decoder.decode(av.Packet(packet))]
                except av.FFmpegError:  # a damaged packet: the page has the position of the others
                    continue
            yield page, sound

    def _packets(self, position: int) -> Iterator[tuple[_Page, list[bytes]]]:
        """Yield the pages from ``position`` on, each with the packets that end on it."""
        begun: bytearray | None = None  # the part of a packet on the page before
        for page in self._pages(position):
            if page.serial != self._serial:
                continue
            packets: list[bytes] = []
            packet = begun if page.flags & _CONTINUED else bytearray()
            at = 0
            for length in page.lacing:
                if packet is not None and len(packet) < _LONGEST:
                    packet += page.data[at : at + length]
                at += length
                if length < 255:
                    if packet:
                        packets.append(bytes(packet))
                    packet = bytearray()
            begun = packet if page.lacing.endswith(b"\xff") else None
            yield page, packets

    def _pages(self, position: int) -> Iterator[_Page]:
        """Yield the pages of all streams from ``position`` on; other bytes are skipped."""
        data = bytes(_BLOCK)
        while len(data) == _BLOCK:
            self._file.seek(position)
            data = self._file.read(_BLOCK)
            at = 0
            while (at := data.find(b"OggS", at)) >= 0 and (page := _page(data, at, position)):
                yield page
                at = page.end - position
            position += at if at > 0 else max(1, len(data) - 3)

    def _find(self, wanted: int) -> int:
        """Find a page that ends at granule ``wanted``, or less than a second before; return its position."""
        low, before = self._first, 0
        high, after = self._final, self._anchor
        halve = False
        while high - low > 2 * _PROBE and wanted - before > self.rate:
            share = 0.5 if halve else min(1.0, (wanted - before) / max(1, after - before))
            halve = not halve  # with a varying bit rate, proportion alone may be slow
            middle = max(low + 1, low + int(share * (high - low)) - _PROBE)
            position, granule = self._probe(middle, high)
            if granule > wanted or position >= high:
                high, after = middle, max(after if position >= high else granule, wanted + 1)
            else:
                low, before = position, granule
        return low

    def _probe(self, position: int, end: int) -> tuple[int, int]:
        """Return the position of the next page from ``position`` on, and its granule; ``end`` if there is none."""
        while position < end:
            self._file.seek(position)
            data = self._file.read(_PROBE + _HEADER.size)
            at = -1
            while 0 <= (at := data.find(b"OggS", at + 1)) <= len(data) - _HEADER.size:
                _, _, granule, serial, _ = _HEADER.unpack_from(data, at)
                if serial == self._serial and granule >= 0:
                    return position + at, granule
            position += _PROBE
        return end, 0

    def _tells(self, page: _Page) -> bool:
        """Return True if a page belongs to this stream and has a granule."""
        return page.serial == self._serial and page.granule >= 0

    def _read_headers(self) -> tuple[list[bytes], int]:
        """Choose the stream; return its header packets and the position of its pages of sound."""
        for page in self._pages(0):
            for magic, codec, needed in _CODECS:
                if page.data.startswith(magic):
                    self._serial, self._codec = page.serial, codec
                    return self._collect_headers(page.position, needed or 1 + page.data[8])
            if not page.flags & _BEGINNING:
                break
        raise UndecodableError("It is damaged, or of a kind that no decoder here knows.")

    def _collect_headers(self, position: int, needed: int) -> tuple[list[bytes], int]:
        headers: list[bytes] = []
        for page, packets in self._packets(position):
            headers += packets
            if len(headers) >= needed:
                return headers, page.end
        raise UndecodableError("It is damaged: its beginning is missing.")

    def _read_end(self) -> tuple[int, int, int]:
        """Return the position of the last page, and the granules before it and at its end."""
        size = self._file.seek(0, SEEK_END)
        begin = max(self._first, size - 2 * _BLOCK)
        pages = deque((page for page in self._pages(begin) if self._tells(page)), maxlen=2)
        if not pages and begin > self._first:
            raise UndecodableError("It holds several streams, or its end is damaged.")
        if not pages:
            raise UndecodableError("It holds no sound.")
        return pages[-1].position, pages[0].granule, pages[-1].granule


def _page(data: bytes, at: int, base: int) -> _Page | None:
    """Return the page at ``data[at:]``, position ``base + at`` in the file; None if it is incomplete."""
    if len(data) < at + _HEADER.size:
        return None
    _, flags, granule, serial, segments = _HEADER.unpack_from(data, at)
    begin = at + _HEADER.size + segments
    lacing = data[begin - segments : begin]
    end = begin + sum(lacing)
    if len(data) < end:
        return None
    return _Page(base + at, base + end, flags, granule, serial, lacing, data[begin:end])
