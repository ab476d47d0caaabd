"""MP3, located frame by frame without the help of a decoder.

An MP3 file is a sequence of frames, each with a header that has its length. Most files do not contain the number or the
positions of their frames. To seek in such a file, decoders guess (libsndfile takes a clip of 30 s for one of 14 s) or
read all of it. Here, ten places of a file show if its bit rate is constant. Then the position of a frame follows from
one multiplication; in other files, all headers are read, and every 256th position is stored.

Headers are laid out as in ISO/IEC 11172-3 and 13818-3. The Info frame, with the numbers of samples that the encoder
added at both ends, is LAME's. FFmpeg decodes the frames.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from os import SEEK_END
from typing import Any, NamedTuple

import av
import numpy as np

from songspace.audio._pyav import mono
from songspace.audio._source import UndecodableError

_BLOCK = 1 << 15
_LONGEST = 1441  # bytes in a frame: 320 kbit/s at 32 kHz, padded
_CHAIN = 3  # consecutive headers that are no coincidence
_STRIDE = 256
_SLACK = 8  # bytes by which the position of a frame may differ, for instance where songs were joined

# A frame may use bytes of earlier frames (the bit reservoir); the overlapping transform and the filter bank need one
# more frame each. For each number of samples in a frame: bytes of the reservoir, bytes of a frame that are never part
# of it (header, checksum, side information), and the most frames that it may reach back.
_RESERVOIR = {1152: (511, 38, 12), 576: (255, 23, 260)}

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KILOBITS = {
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class Mp3Source:
    """An MP3 file; see :class:`songspace.audio._source.Source`."""

    def __init__(self, file: BufferedReader) -> None:
        self._row, first = _find(file)
        info = _read_info(self._row, first)
        self._index: _Grid | _Table
        try:
            self._index = _Grid(self._row, info.first)
        except UndecodableError:
            self._index = _Table(self._row, info.first)
        self._skip = info.skip
        # If the end of the file is missing, so is the padding of the encoder.
        surplus = info.skip + (info.padding if info.frames == self._index.frames else 0)
        self.rate = self._row.kind.rate
        self.frames = max(0, self._index.frames * self._row.kind.samples - surplus)

    def read(self, start: int, stop: int) -> np.ndarray:
        size = self._row.kind.samples
        begin, end = start + self._skip, stop + self._skip
        reservoir, overhead, enough = _RESERVOIR[size]
        wanted, last = begin // size, -(-end // size)
        early = max(0, wanted - enough)
        frames = [data for _, data in islice(self._row.walk(self._index.locate(early)), last - early)]
        if len(frames) < last - early:
            raise UndecodableError("It is damaged: parts of it are missing.")
        first = max(0, wanted - early - 2)
        while first > 0 and reservoir > 0:
            first -= 1
            reservoir -= max(1, len(frames[first]) - overhead)
        sound = _decode(frames[first:], size)
        return sound[begin - (early + first) * size :][: stop - start]

    def close(self) -> None:
        """Release nothing: there is no open decoder."""


def _decode(frames: list[bytes], size: int) -> np.ndarray:
    """Decode consecutive frames to mono; a damaged one becomes silence of the same length."""
    decoder: Any = av.CodecContext.create("mp3float", "r")
    sound = np.zeros(len(frames) * size, np.float32)
    damaged = 0
    for number, data in enumerate(frames):
        try:
            for frame in decoder.decode(av.Packet(data)):
                sound[number * size : (number + 1) * size] = mono(frame)
        except av.FFmpegError:
            damaged += 1
    if damaged == len(frames):
        raise UndecodableError("It is damaged: nothing of it can be decoded.")
    return sound


class _Kind(NamedTuple):
    """The common properties of all frames of a file."""

    second: int  # second byte of the header, without the bit for a checksum
    rate: int
    samples: int  # in one frame
    means: tuple[float, ...]  # mean length in bytes, by the third byte of the header; 0 for an invalid byte
    lengths: tuple[int, ...]  # length in bytes, by the third byte, with its padding


def _kind(header: bytes) -> _Kind | None:
    """Parse the header of a frame; return None if it is no header of Layer III with a bit rate."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, choice = header[1] >> 3 & 3, header[2] >> 2 & 3
    if version == 1 or choice == 3:
        return None
    rate, samples = _RATES[version][choice], 1152 if version == 3 else 576
    means = [0.0] * 256
    for number, kilobits in enumerate(_KILOBITS[version], start=1):
        for low in range(choice << 2, (choice << 2) + 4):
            means[number << 4 | low] = samples * kilobits * 125 / rate
    lengths = [int(mean) + (third >> 1 & 1 if mean else 0) for third, mean in enumerate(means)]
    kind = _Kind(header[1] | 1, rate, samples, tuple(means), tuple(lengths))
    return kind if kind.lengths[header[2]] else None


class _Row(NamedTuple):
    """The sequence of frames in a file."""

    file: BufferedReader
    kind: _Kind

    def walk(self, position: int) -> Iterator[tuple[int, bytes]]:
        """Yield each whole frame from ``position`` on, and its position."""
        for base, data, places in self.blocks(position):
            for at in places:
                yield base + at, data[at : at + self.kind.lengths[data[at + 2]]]

    def blocks(self, position: int) -> Iterator[tuple[int, bytes, list[int]]]:
        """Yield parts of the file from ``position`` on, and the places of whole frames in each.

        Other bytes are skipped. The loop is plain for speed: three hours have 413,000 frames.
        """
        second, lengths = self.kind.second, self.kind.lengths
        last = False
        while not last:
            data = self.read(position, _BLOCK)
            last = len(data) < _BLOCK
            limit = len(data) - (4 if last else _CHAIN * _LONGEST + 4)
            places = []
            at = 0
            while at <= limit:
                length = lengths[data[at + 2]]
                if data[at] == 0xFF and data[at + 1] | 1 == second and length:
                    places.append(at)
                    at += length
                else:
                    place = self.search(data, at + 1)
                    at = limit + 1 if place is None else place
            if last and at > len(data):  # the last frame is incomplete
                places.pop()
            yield position, data, places
            position += at

    def search(self, data: bytes, at: int) -> int | None:
        """Return the place of the next chain of frames in ``data``."""
        while (at := data.find(0xFF, at)) >= 0:
            if self.chain(data, at):
                return at
            at += 1
        return None

    def chain(self, data: bytes, at: int) -> bool:
        """Return True if consecutive frames begin at ``data[at]``."""
        for _ in range(_CHAIN):
            if at < 0 or at + 4 > len(data) or data[at] != 0xFF or data[at + 1] | 1 != self.kind.second:
                return False
            if not (length := self.kind.lengths[data[at + 2]]):
                return False
            at += length
        return True

    def read(self, position: int, size: int) -> bytes:
        self.file.seek(position)
        return self.file.read(size)


def _find(file: BufferedReader) -> tuple[_Row, int]:
    """Find the sequence of frames, after the ID3 tags and a few other bytes; return it and its position."""
    position = 0
    file.seek(0)
    while (tag := file.read(10))[:3] == b"ID3" and len(tag) == 10:
        size = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
        position += 10 + size + (10 if tag[5] & 0x10 else 0)
        file.seek(position)
    file.seek(position)
    data = file.read(_BLOCK)
    at = -1
    while (at := data.find(0xFF, at + 1)) >= 0:
        kind = _kind(data[at : at + 4])
        if kind and _Row(file, kind).chain(data, at):
            return _Row(file, kind), position + at
    raise UndecodableError("It is not an MP3 file.")


class _Info(NamedTuple):
    """The contents of an Info or VBRI frame, a first frame without sound."""

    first: int  # position of the first frame of sound
    frames: int | None = None
    skip: int = 0  # samples before the song: the encoder's delay and the decoder's, 529
    padding: int = 0  # samples after it


def _read_info(row: _Row, position: int) -> _Info:
    _, frame = next(row.walk(position))
    after = position + len(frame)
    if frame[36:40] == b"VBRI":
        return _Info(after, int.from_bytes(frame[50:54], "big"))
    at = max(frame.find(b"Xing", 4, 44), frame.find(b"Info", 4, 44))  # after the side information
    if at < 0:
        return _Info(position)
    flags = frame[at + 7]
    frames = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else None
    at += 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    if frame[at : at + 4] not in (b"LAME", b"Lavf", b"Lavc"):
        return _Info(after, frames)
    added = int.from_bytes(frame[at + 21 : at + 24], "big")
    return _Info(after, frames, (added >> 12) + 529, max(0, (added & 0xFFF) - 529))


class _Table:
    """The positions of frames, from the headers of all frames."""

    def __init__(self, row: _Row, first: int) -> None:
        self._row = row
        self._positions = array("Q")
        self.frames = 0
        for position, _, places in row.blocks(first):
            self._positions.extend(position + at for at in places[-self.frames % _STRIDE :: _STRIDE])
            self.frames += len(places)

    def locate(self, number: int) -> int:
        walk = self._row.walk(self._positions[number // _STRIDE])
        return next(islice(walk, number % _STRIDE, None))[0]


class _Grid:
    """The positions of frames in a file of constant bit rate, near multiples of their mean length.

    Raises
    ------
    UndecodableError
        If one of ten places has no frame of that bit rate: then it is not constant.
    """

    def __init__(self, row: _Row, first: int) -> None:
        self._row, self._first = row, first
        begin = [frame for _, frame in islice(row.walk(first), _STRIDE)]
        self._bit_rate = begin[0][2] & 0xF0
        # Frames with a mean of 417.96 bytes have 417 or 418, unless the encoder never pads them.
        lengths = {len(frame) for frame in begin}
        self._step = row.kind.means[begin[0][2]] if len(lengths) > 1 else float(lengths.pop())
        estimate = int((row.file.seek(0, SEEK_END) - first) / self._step)
        if estimate < 4 * _STRIDE:
            raise UndecodableError("It is too short for guesses.")
        for place in range(1, 10):
            self.locate(estimate * place // 10)
        late = estimate - _STRIDE // 4  # tags may follow the last frame
        self.frames = late + sum(1 for _ in row.walk(self.locate(late)))

    def locate(self, number: int) -> int:
        guess = self._first + round(number * self._step)
        begin = max(self._first, guess - _SLACK)
        data = self._row.read(begin, 2 * _SLACK + _CHAIN * _LONGEST + 4)
        for at in sorted(range(2 * _SLACK + 1), key=lambda at: abs(begin + at - guess)):
            if self._row.chain(data, at) and data[at + 2] & 0xF0 == self._bit_rate:
                return begin + at
        raise UndecodableError("Its bit rate is not constant.")
