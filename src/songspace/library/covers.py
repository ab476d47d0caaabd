"""Cover art: the pictures inside music files and in their folders, and smaller ones made of them."""

from __future__ import annotations

import base64
import binascii
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

from songspace.errors import AudioError
from songspace.library.tagged import MUTAGEN_RAISES, Pictured, pictured

LARGEST = 8 * 2**20
"""Largest size of a picture, in bytes; a larger one is taken for a mistake or an attack."""

MOST_PIXELS = 40_000_000
"""Most pixels of a picture that is decoded: 6,300 x 6,300."""

_NAMES = ("cover", "folder", "front", "albumart", "album")  # of pictures in folders, the best first
_ENDINGS = ("jpg", "jpeg", "png", "webp", "gif")
_NAMED = re.compile(rf"(cover|folder|front|albumart.*|album)\.({'|'.join(_ENDINGS)})", re.IGNORECASE | re.DOTALL)
_DISC = re.compile(
    r"(cd|dis[ck]|disque|dvd|vinyl|lp|side)([\s._-]*\d{1,3}|[\s._-]+[a-z])\b.*", re.IGNORECASE | re.DOTALL
)
_FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
_QUALITY = 88  # of JPEG

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
        If there are only pictures of more than 8 MiB.
    """
    found = too_large = None
    for data, media_type in _covers(file):
        if len(data) <= LARGEST:
            found = data, media_type
            break
        too_large = AudioError(f"The cover is larger than {LARGEST // 2**20} MB.")
    if found is None and too_large is not None:
        raise too_large
    return found


def has_cover(file: BinaryIO) -> bool:
    """Return True if :func:`read_cover` finds a cover. No more is read of a large one than needed."""
    return any(len(data) <= LARGEST for data, _ in _covers(file, largest=LARGEST))


def _covers(file: BinaryIO, *, largest: int | None = None) -> Iterator[tuple[bytes, str]]:
    """Yield (picture, media type) of the pictures of a file, front covers first; see :func:`pictured`."""
    import mutagen

    try:
        of = pictured(file, largest=largest)
        pictures = sorted(_pictures(of), key=lambda picture: picture[0] != _FRONT) if of is not None else []
    except (mutagen.MutagenError, *MUTAGEN_RAISES):
        return
    for _, data in pictures:
        if media_type := picture_type(data):
            yield data, media_type


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


def pictures_among(names: Iterable[str]) -> list[str]:
    """Return the files of a folder that are its cover by their names, the best first.

    Examples
    --------
    >>> pictures_among(["Folder.JPG", "AlbumArt_{1}_Small.jpg", "AlbumArt_{1}_Large.jpg", "back.jpg", "cover.png"])
    ['cover.png', 'Folder.JPG', 'AlbumArt_{1}_Large.jpg', 'AlbumArt_{1}_Small.jpg']
    """

    def rank(name: str) -> tuple[int, bool, int, str]:
        stem, _, ending = name.lower().rpartition(".")
        kind = stem if stem in _NAMES else "albumart"
        return _NAMES.index(kind), "small" in stem, _ENDINGS.index(ending), name

    return sorted(filter(_NAMED.fullmatch, names), key=rank)


def is_of_a_disc(folder: str) -> bool:
    """Return True if a folder is named like one disc of an album, so that the album is the folder above.

    Examples
    --------
    >>> [is_of_a_disc(name) for name in ("CD1", "Disc 2", "disc_3 - Live", "Side B", "Discography", "CDs")]
    [True, True, True, True, False, False]
    """
    return _DISC.fullmatch(folder) is not None


_decoding = threading.Lock()  # one picture at a time: a large one takes a lot of memory


def scaled(data: bytes, size: int | None = None) -> tuple[bytes, str] | None:
    """Return a picture of at most ``size`` pixels in width and height, with its media type; None if it is damaged.

    A picture that is small enough is returned as it is. A JPEG stays one, and a PNG as well; others become the one or
    the other.

    Parameters
    ----------
    data : bytes
    size : int, optional
        None: whatever size it has.

    Raises
    ------
    AudioError
        If it has more pixels than :data:`MOST_PIXELS`. It is not decoded then.
    """
    from PIL import Image

    try:
        with _decoding, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("JPEG", "PNG", "GIF", "WEBP")) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise _too_many(f"{image.width:,} x {image.height:,} pixels")
                if size is None or max(image.size) <= size:
                    return (data, _FORMATS[image.format or ""])
                return _smaller(image, size)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many("too many pixels") from None
    except (SyntaxError, *MUTAGEN_RAISES):  # Pillow raises as many kinds of errors as mutagen
        return None


def _too_many(pixels: str) -> AudioError:
    return AudioError(f"The cover claims to have {pixels}: one of at most {MOST_PIXELS:,} is shown.")


def _smaller(image: Any, size: int) -> tuple[bytes, str]:
    from PIL import ImageOps

    kind, profile = _FORMATS[image.format], image.info.get("icc_profile")
    is_jpeg = kind == "image/jpeg"
    if not is_jpeg and image.mode not in ("L", "LA", "RGB", "RGBA"):
        image, profile = image.convert("RGBA"), None
    image.thumbnail((size, size))  # a JPEG is decoded at about this size
    image = ImageOps.exif_transpose(image)
    is_jpeg |= kind == "image/webp" and image.mode == "RGB"
    if is_jpeg and image.mode not in ("L", "RGB"):
        image, profile = image.convert("RGB"), None
    made = BytesIO()
    if is_jpeg:
        image.save(made, "JPEG", quality=_QUALITY, icc_profile=profile, exif=b"")
        return made.getvalue(), "image/jpeg"
    image.save(made, "PNG", icc_profile=profile, exif=b"")
    return made.getvalue(), "image/png"


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
