"""Hostile sound files, made by code: those that are made to be too much, of memory, of time, or of a name.

Tests reach it through the fixture ``bombs`` of ``conftest.py``. Holes in files take no disk, where it can have any.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile

Part = tuple[int, bytes]
"""Bytes, and where in a file they lie; between parts there is nothing."""


def write(folder: Path, songs: Mapping[str, bytes]) -> None:
    """Write all of them into a folder."""
    for name, parts in (*in_tags(songs), *in_headers(songs), *in_length(songs), *in_names(songs)):
        with (folder / name).open("wb") as file:
            for at, data in parts:
                file.truncate(at)
                file.seek(at)
                file.write(data)


def in_tags(songs: Mapping[str, bytes]) -> Iterator[tuple[str, list[Part]]]:
    """Songs that are whole, behind a tag that is too much."""
    mp3, flac, ogg, m4a = (songs[kind] for kind in ("mp3 constant", "flac 16", "ogg vorbis", "aac, index first"))
    big = 100 * 2**20

    cover = b"APIC" + _synchsafe(big) + b"\0\0\0image/png\0\3\0"
    yield "cover of 100 MB.mp3", [(0, _id3(cover, size=big + 10)), (big + 20, mp3)]
    yield "tag of 256 MB.mp3", [(0, _id3(size=2**28 - 1)), (2**28 + 9, mp3)]
    frames = [_frame(b"TXXX", b"\3%d\0x" % number) for number in range(200_000)]
    yield "200,000 frames.mp3", [(0, _id3(*frames) + mp3)]
    nested = b""
    for _ in range(300):
        nested = _frame(b"CHAP", b"x\0" + bytes(16) + nested)
    yield "nested chapters.mp3", [(0, _id3(nested) + mp3)]
    text = b"\3\x1b[2J\x1b]0;x\x07\r\n\0\xe2\x80\xae\xf0\x9f\x92\xa3"
    yield "control characters.mp3", [(0, _id3(_frame(b"TIT2", text)) + mp3)]

    deflated = _zeros_deflated(2**32)
    for name in (b"TIT2", b"APIC", b"CHAP"):
        bomb = _id3(_frame(name, _synchsafe(2**27) + deflated, flags=0b1001))
        yield f"4 GB deflated in {name.decode()}.mp3", [(0, bomb + mp3)]
    old = b"TIT2" + struct.pack(">I", len(deflated) + 4) + b"\0\x80" + bytes(4) + deflated
    yield "4 GB deflated in version 3.mp3", [(0, _id3(old, version=3) + mp3)]
    wav, aiff = songs["wav 16"], songs["aiff"]
    chunk = _id3(_frame(b"TIT2", _synchsafe(2**27) + deflated, flags=0b1001))
    chunk += bytes(len(chunk) % 2)
    yield "4 GB deflated.wav", [(0, b"RIFF" + struct.pack("<I", len(wav) + len(chunk)) + wav[8:]),
                                (len(wav), b"ID3 " + struct.pack("<I", len(chunk)) + chunk)]  # fmt: skip
    yield "4 GB deflated.aiff", [(0, b"FORM" + struct.pack(">I", len(aiff) + len(chunk)) + aiff[8:]),
                                 (len(aiff), b"ID3 " + struct.pack(">I", len(chunk)) + chunk)]  # fmt: skip

    size = 2**24 - 1
    block = struct.pack(">9I", 6 << 24 | size, 3, 0, 0, 0, 0, 0, 0, size - 32)
    pictures = [(42 + number * (4 + size), block) for number in range(12)]
    yield "twelve covers of 16 MB.flac", [(0, flac[:42]), *pictures, (42 + 12 * (4 + size), flac[42:])]
    second = ogg.index(b"OggS", 4)
    comment = b"".join(
        _page(ogg[14:18], number + 1, (b"\0" if number else b"\3vorbis") + bytes(70_000), continued=number > 0)
        for number in range(300)
    )
    yield "comment of 20 MB.ogg", [(0, ogg[:second] + comment + ogg[second:])]
    moov = m4a.index(b"moov") - 4
    nothing = struct.pack(">I", big) + b"free"
    yield "100 MB of nothing.m4a", [(0, m4a[:moov] + nothing), (moov + big, _moved(m4a[moov:], big))]


def in_headers(songs: Mapping[str, bytes]) -> Iterator[tuple[str, list[Part]]]:
    """Songs whose headers claim what cannot be."""
    wav, flac, m4a = (songs[kind] for kind in ("wav 16", "flac 16", "aac, index first"))
    claims = {
        "65,535 channels": (22, struct.pack("<H", 65_535)),
        "1,024 channels": (22, struct.pack("<H", 1_024)),
        "no channels": (22, bytes(2)),
        "2^31 samples a second": (24, struct.pack("<I", 2**31)),
        "a million samples a second": (24, struct.pack("<I", 1_000_000)),
        "no samples a second": (24, bytes(4)),
        "4 GB of sound": (40, b"\xff" * 4),
    }
    for name, (at, value) in claims.items():
        yield f"{name}.wav", [(0, _with(wav, at, value))]
    yield "comment of 4 GB.flac", [(0, flac[:42] + b"\4\0\0\x08" + b"\xff" * 8)]
    for atom, at in {b"stsz": 12, b"stts": 8, b"stsc": 8, b"stco": 8, b"mdhd": 16}.items():
        for value, power in ((b"\xff" * 4, 32), (b"\x7f\xff\xff\xff", 31)):
            yield f"2^{power} in {atom.decode()}.m4a", [(0, _with(m4a, m4a.index(atom) + at, value))]
    atoms = b"".join(struct.pack(">I", 8 * (400 - number)) + b"moov" for number in range(400))
    yield "nested atoms.m4a", [(0, m4a[:32] + atoms + m4a[32:])]


def in_length(songs: Mapping[str, bytes]) -> Iterator[tuple[str, list[Part]]]:
    """Files that are, or become, far longer than they should be."""
    quiet = _silence(hours=3, rate=8_000)
    damaged = bytearray(quiet)
    for at in range(10_000, len(damaged), 10_000):
        damaged[at] ^= 0xFF
    yield "three hours of silence.flac", [(0, quiet)]
    yield "three hours of silence, damaged.flac", [(0, bytes(damaged))]
    yield (
        "three hours of silence, of unknown length.flac",
        [(0, _with(quiet, 21, bytes([quiet[21] & 0xF0, 0, 0, 0, 0])))],
    )
    fast = bytes([0xF4, 0x24, quiet[20] & 0x0F])
    yield "three hours of silence, a million samples a second.flac", [(0, _with(quiet, 18, fast))]
    hole = 2**32
    form = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, hole, hole - 80, hole // 4, 0)
    yield "seven hours of silence.wav", [(0, form + songs["wav 16"][12:36] + b"data\xff\xff\xff\xff"), (hole, b"")]
    mp3 = songs["mp3 constant, no header"]
    yield "twenty minutes of frames.mp3", [(0, mp3[mp3.index(b"\xff") :] * 400)]
    for suffix in ("mp3", "flac", "m4a"):
        yield f"a hole of 4 GB.{suffix}", [(hole, b"")]
    for kind, suffix in {"wav 16": "wav", "aiff": "aiff", "flac 16": "flac", "aac": "m4a", "wma": "wma"}.items():
        if kind in songs:
            yield f"a song and a hole of 4 GB.{suffix}", [(0, songs[kind]), (hole, b"")]


def in_names(songs: Mapping[str, bytes]) -> Iterator[tuple[str, list[Part]]]:
    """Names that a terminal would obey, and next to nothing in a file."""
    yield "a line\nbreak, \x1b[31mred and \x07.mp3", [(0, b"these are words")]
    yield "nothing.mp3", [(0, b"")]
    yield "one byte.mp3", [(0, b"\xff")]


def _id3(*frames: bytes, size: int | None = None, version: int = 4) -> bytes:
    body = b"".join(frames)
    return b"ID3" + bytes([version, 0, 0]) + _synchsafe(len(body) if size is None else size) + body


def _frame(name: bytes, data: bytes, *, flags: int = 0) -> bytes:
    return name + _synchsafe(len(data)) + bytes([0, flags]) + data


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def _zeros_deflated(size: int) -> bytes:
    """What zlib makes of zeros, without the minutes that it would take for so many."""
    packer = zlib.compressobj()
    start, again = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return start + again * (size // 2**20 - 1) + packer.flush()


def _page(serial: bytes, number: int, data: bytes, *, continued: bool) -> bytes:
    """A page of Ogg on which a packet goes on and does not end: as much of the data as fits."""
    return (
        b"OggS\0" + bytes([continued]) + b"\xff" * 8 + serial + struct.pack("<II", number, 0) + b"\xff" * 256
    ) + data[: 255 * 255]


def _with(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def _moved(moov: bytes, by: int) -> bytes:
    """The rest of an MP4 from its index on, which lies further behind than it did."""
    at = moov.index(b"stco") + 8
    count = struct.unpack_from(">I", moov, at)[0]
    places = struct.unpack_from(f">{count}I", moov, at + 4)
    return _with(moov, at + 4, struct.pack(f">{count}I", *(place + by for place in places)))


def _silence(*, hours: float, rate: int) -> bytes:
    with BytesIO() as file:
        soundfile.write(file, np.zeros(round(hours * 3_600 * rate), np.float32), rate, format="FLAC")
        return file.getvalue()
