"""APE tags, at the beginning or the end of a file: what Monkey's Audio, Musepack and WavPack wear, and some MP3s.

Layout: APEv2 (wiki.hydrogenaud.io). Version 1 is the same, in whatever encoding the writer's computer had.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from songspace.library.eight_bits import decoded, utf8_or

MAGIC = b"APETAGEX"

_MOST_ITEMS = 1_000
_LARGEST, _ALL = 2**16, 2**20  # bytes of one text, and of all
_KIND = 0b110  # of an item's flags; texts have none of them


def texts(file: BinaryIO, at: int, *, encoding: str | None = None) -> list[tuple[str, str]]:
    """(key, text) of a tag, one for each value; pictures are stepped over.

    Parameters
    ----------
    file : binary file
    at : int
        Where its head lies, or if it has none, its foot.
    encoding : str, optional
        See :func:`songspace.library.eight_bits.decoded`.
    """
    file.seek(at)
    head = file.read(32)
    if len(head) < 32 or head[:8] != MAGIC:
        return []
    version, size, count, flags = struct.unpack("<4I", head[8:24])
    at += 32 if flags & 1 << 29 else 32 - size  # the size counts the foot
    found: list[tuple[str, str]] = []
    room = _ALL
    for _ in range(min(count, _MOST_ITEMS) if at >= 0 else 0):
        file.seek(at)
        item = file.read(8 + 256)
        key, zero, _ = item[8:].partition(b"\0")
        if not zero:
            break
        length, flags = struct.unpack("<2I", item[:8])
        at += 8 + len(key) + 1
        if not flags & _KIND and length <= min(_LARGEST, room):
            file.seek(at)
            values = file.read(length).split(b"\0")
            name = key.decode("latin-1")
            found += [(name, (decoded if version < 2000 else utf8_or)(value, encoding)) for value in values]
            room -= length
        at += length
    return found
