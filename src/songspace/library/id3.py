"""ID3v2 tags reduced to the frames that are needed, so that parsing them is cheap and safe.

mutagen reads a whole tag, copies the rest of it once for each frame, and inflates compressed frames to any size: a tag
of 4 MB can take minutes, or 4 GB of memory. This module steps from frame header to frame header, and reads only wanted
frames of a plausible size.

Layouts: id3.org, ID3v2.2, 2.3 and 2.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO, NamedTuple

from songspace.library.eight_bits import decoded

_MOST_FRAMES = 20_000  # stepped over
_MOST_KEPT = 1_000
_DEFLATED = 4_096  # bytes that may be inflated, which makes up to a thousand times as many
_UNSYNCHRONISED = 16 * 2**20  # bytes of a tag that has to be read before its frames are found

# Bits for encryption and compression in the second byte of a frame's flags, by version.
_FLAGS = {2: (0, 0), 3: (0x40, 0x80), 4: (0x04, 0x08)}


class Header(NamedTuple):
    """The first ten bytes of a tag."""

    version: int
    flags: int
    size: int
    """Bytes of the tag after the header."""

    @property
    def end(self) -> int:
        """Bytes of the whole tag."""
        return 10 + self.size + (10 if self.flags & 0x10 else 0)


def header(data: bytes) -> Header | None:
    """Read the header of a tag from its first ten bytes; None if they are no header.

    Examples
    --------
    >>> header(b"ID3\\x04\\x00\\x00\\x00\\x00\\x02\\x01")
    Header(version=4, flags=0, size=257)
    """
    if len(data) < 10 or data[:3] != b"ID3" or max(data[6:10]) > 127:
        return None
    return Header(data[3], data[5], _synchsafe(data[6:10]))


def trimmed(
    file: BinaryIO, at: int, wanted: Callable[[bytes], bool], *, largest: int, most: int, cut: int | None = None
) -> bytes:
    """Return a copy of a tag that holds only the wanted frames that are not too large.

    Parameters
    ----------
    file : binary file
    at : int
        Offset of the tag in the file.
    wanted : callable
        Returns True for the names of wanted frames.
    largest, most : int
        Most bytes of one frame, and of all kept frames.
    cut : int, optional
        Most bytes of a frame to keep, for a look at how it begins.
    """
    file.seek(at)
    head = header(file.read(10))
    if head is None or head.version not in _FLAGS:
        return b""
    body, start, end = file, at + 10, at + 10 + head.size
    if head.flags & 0x80 and head.version < 4:  # the whole tag is unsynchronised; in version 4, each frame is
        data = file.read(min(head.size, _UNSYNCHRONISED))
        data = data if re.search(rb"\xff[\xe0-\xff]", data) else data.replace(b"\xff\0", b"\xff")
        body, start, end = BytesIO(data), 0, len(data)
    if head.flags & 0x40 and head.version > 2:
        start += _extended(body, start, head.version)
    kept: list[bytes] = []
    room, deflated = most, _DEFLATED
    encrypted, compressed = _FLAGS[head.version]
    for frame in _frames(body, start, end, head.version):
        flags = frame.flags[1] if frame.flags else 0
        size = frame.size if cut is None else min(cut, frame.size)
        if not wanted(frame.name) or not 0 < frame.size <= largest or size > room or flags & encrypted:
            continue
        if flags & compressed:
            if frame.size > deflated:
                continue
            deflated -= frame.size
        body.seek(frame.at)
        data = body.read(frame.size if cut is None or flags & compressed else min(cut, frame.size))
        kept += [frame.name, _number(len(data), head.version), frame.flags, data]
        room -= len(data)
        if len(kept) == 4 * _MOST_KEPT:
            break
    frames = b"".join(kept)
    return (
        b"ID3"
        + bytes([head.version, 0, head.flags & 0x80 if head.version == 4 else 0])
        + _number(len(frames), 4)
        + frames
    )


def version_1(tag: bytes, encoding: str | None = None) -> list[tuple[str, str]]:
    """Return (name, text) of the ID3v1 tag in the last 128 bytes of a file; empty if there is none.

    ``encoding`` is the encoding of its texts; see :func:`songspace.library.eight_bits.decoded`.

    Examples
    --------
    >>> tag = b"TAG" + b"Blue".ljust(30, b"\\0") + b"Ann".ljust(30) + bytes(30) + b"1990" + bytes(29) + b"\\x07\\x08"
    >>> version_1(tag)
    [('title', 'Blue'), ('artist', 'Ann'), ('date', '1990'), ('track', '7'), ('genre', 'Jazz')]
    """
    if len(tag) < 128 or tag[:3] != b"TAG":
        return []
    from mutagen.id3 import TCON

    places = {"title": (3, 33), "artist": (33, 63), "album": (63, 93), "date": (93, 97)}
    texts = [(name, tag[begin:end].partition(b"\0")[0].strip()) for name, (begin, end) in places.items()]
    pairs = [(name, decoded(text, encoding)) for name, text in texts if text]
    if tag[125] == 0 and tag[126]:
        pairs.append(("track", str(tag[126])))
    if tag[127] < len(TCON.GENRES):
        pairs.append(("genre", TCON.GENRES[tag[127]]))
    return pairs


class _Frame(NamedTuple):
    name: bytes
    flags: bytes
    at: int  # offset of its data
    size: int


def _frames(body: BinaryIO, start: int, end: int, version: int) -> list[_Frame]:
    frames, past = _walk(body, start, end, version)
    if version == 4:
        # iTunes once wrote plain sizes, which differ for large frames: the reading that finds more names is right.
        others, others_past = _walk(body, start, end, 3)
        more = sum(map(_is_known, others)) - sum(map(_is_known, frames))
        if more > 0 or (more == 0 and others_past <= 1 <= past):
            return others
    return frames


def _walk(body: BinaryIO, at: int, end: int, version: int) -> tuple[list[_Frame], int]:
    """Return the frames, and the bytes by which the last one extends beyond the end of the tag."""
    frames: list[_Frame] = []
    name, digits, width = (3, 3, 6) if version == 2 else (4, 4, 10)
    while at + width <= end and len(frames) < _MOST_FRAMES:
        body.seek(at)
        head = body.read(width)
        if len(head) < width or not head[:name].strip(b"\0"):  # the rest is padding
            return frames, 0
        size = _synchsafe(head[4:8]) if version == 4 else int.from_bytes(head[name : name + digits], "big")
        at += width
        frames.append(_Frame(head[:name], head[name + digits :], at, max(0, min(size, end - at))))
        at += size
    return frames, max(0, at - end)


def _is_known(frame: _Frame) -> bool:
    return re.fullmatch(rb"[A-Z][A-Z0-9]{3}", frame.name) is not None


def _extended(body: BinaryIO, at: int, version: int) -> int:
    """Return the size of the extended header, in bytes; 0 if a tagger set its flag but wrote none."""
    body.seek(at)
    data = body.read(4)
    if re.fullmatch(rb"[A-Z][A-Z0-9]{3}", data):
        return 0
    return _synchsafe(data) if version == 4 else 4 + int.from_bytes(data, "big")


def _synchsafe(data: bytes) -> int:
    """Decode an integer with seven bits in each byte."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 127
    return number


def _number(size: int, version: int) -> bytes:
    """Encode the size of a frame as a version of ID3 does."""
    if version < 4:
        return size.to_bytes(version + 1, "big")
    return bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
