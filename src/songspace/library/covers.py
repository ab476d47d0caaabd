"""Cover art: the pictures inside music files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, BinaryIO

from songspace.errors import AudioError
from songspace.library.tagged import MUTAGEN_RAISES, Pictured, pictured

LARGEST = 8 * 2**20
"""Largest size of a picture, in bytes; a larger one is taken for a mistake or an attack."""

_FRONT = 3  # the type of a front cover, in ID3 and in the formats that took over its numbers
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


def read_cover(file: BinaryIO) -> tuple[bytes, str] | None:
    """Read the cover of a music file: its front cover, or else its first picture.

    Parameters
    ----------
    file : binary file
        Open for reading at its beginning.

    Returns
    -------
    (picture, media type), or None
        The media type of the data itself, whatever the tag claims: JPEG, PNG, GIF or WebP. Other pictures are ignored:
        SVG could hold a script.

    Raises
    ------
    AudioError
        If the picture is larger than 8 MiB.
    """
    import mutagen

    try:
        of = pictured(file)
        pictures = sorted(_pictures(of), key=lambda picture: picture[0] != _FRONT) if of is not None else []
    except (mutagen.MutagenError, *MUTAGEN_RAISES):
        return None
    for _, data in pictures:
        if media_type := picture_type(data):
            if len(data) > LARGEST:
                raise AudioError(f"The cover is larger than {LARGEST // 2**20} MB.")
            return data, media_type
    return None


def has_cover(file: BinaryIO) -> bool:
    """Return True if :func:`read_cover` finds a cover."""
    try:
        return read_cover(file) is not None
    except AudioError:
        return False


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture, by its first bytes; None if it is not supported.

    Examples
    --------
    >>> picture_type(b"GIF89a..."), picture_type(b"<svg onload='alert()'>")
    ('image/gif', None)
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC.items() if data.startswith(magic)), None)


def _pictures(of: Pictured) -> Iterator[tuple[int, bytes]]:
    """Yield (type, data) of every picture, for all formats of tags."""
    for picture in of.pictures:
        yield picture.type, bytes(picture.data)
    tags = of.tags
    if tags is None:
        return
    if hasattr(tags, "getall"):  # ID3, in MP3, WAV and AIFF
        for frame in tags.getall("APIC"):
            yield int(frame.type), bytes(frame.data)
        return
    for key in ("covr", "metadata_block_picture", "WM/Picture", "Cover Art (Front)"):
        try:
            values = tags[key]
        except (KeyError, ValueError):
            continue
        for value in values if isinstance(values, list) else [values]:
            yield from _picture(key, value)


def _picture(key: str, value: Any) -> Iterator[tuple[int, bytes]]:
    from mutagen.flac import Picture

    if key == "covr":  # MP4
        yield _FRONT, bytes(value)
    elif key == "metadata_block_picture":  # Vorbis comments
        try:
            picture = Picture(base64.b64decode(value))
        except (binascii.Error, *MUTAGEN_RAISES):
            return
        yield picture.type, bytes(picture.data)
    elif key == "WM/Picture":  # ASF: a type, a length, two texts that end in two zeros, the picture
        data = bytes(value.value)
        at = 5
        for _ in range(2):
            while at < len(data) and data[at : at + 2] != b"\0\0":
                at += 2
            at += 2
        yield data[0], data[at:]
    else:  # APEv2: a file's name, a zero, the picture
        yield _FRONT, bytes(value.value).partition(b"\0")[2]
