"""Reading of the tags in music files, within limits: a tag may claim any size and hold any data."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from io import SEEK_END, SEEK_SET, BytesIO
from typing import Any, BinaryIO, NamedTuple

from songspace.formats import by_content
from songspace.library import chunks, id3, matroska
from songspace.library.eight_bits import decoded, read_anew, utf8_or
from songspace.library.identity import tags_behind

_MOST = 128 * 2**20  # bytes read from one file
_READS = 300_000

_TEXT = 2**16, 2**20  # bytes of one text in an ID3 or APE tag, and of all of them
_LYRICS = 2**18, 2**20
_MILLISECONDS = 2  # the unit of times in SYLT; the other is frames
_APE_ITEMS = 1_000
_APE_KIND = 0b110  # bits of an item's flags; both are 0 for texts
_PICTURE = 2**25, 2**25
_BEGINS = 2**11  # bytes of a picture with its description that show what it is

# A damaged file makes mutagen raise nearly any exception; each of these means "no tags".
MUTAGEN_RAISES = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    EOFError,
    MemoryError,
    RecursionError,
    NotImplementedError,
    struct.error,
)


class Pictured(NamedTuple):
    """The tags and pictures of a file, as mutagen reads them."""

    tags: Any
    pictures: tuple[Any, ...] = ()
    """Pictures beside the tags, in FLAC."""


Texts = list[tuple[str, Any]]
"""(name, value) of the fields of one tag, in order; a value may be a list of values."""


def pictured(file: BinaryIO, *, largest: int | None = None) -> Pictured | None:
    """Return the tags of a music file with its pictures; None if mutagen finds none.

    With ``largest``, pictures of more bytes are left out, and of those in ID3 only the first bytes are read.

    Raises
    ------
    Exception
        One of :data:`MUTAGEN_RAISES`, if the file is damaged.
    """
    import mutagen
    import mutagen.id3

    start, at = _id3_in(file)
    if at is None or start:
        opened = mutagen.File(_Bounded(file, start))
        return None if opened is None else Pictured(opened.tags, tuple(getattr(opened, "pictures", ())))
    most, cut = _PICTURE[1], None
    if largest is None:
        largest = _PICTURE[0]
    else:
        largest, cut = largest + _BEGINS, _BEGINS
    tag = id3.trimmed(file, at, lambda name: name in (b"APIC", b"PIC"), largest=largest, most=most, cut=cut)
    return Pictured(mutagen.id3.ID3(BytesIO(tag))) if tag else None


def texts(file: BinaryIO, encoding: str | None = None) -> Iterator[Texts]:
    """Yield the texts of each tag of a music file, the most reliable tag first.

    First comes the tag that belongs to the format: Vorbis comments, MP4 atoms, Matroska tags, ASF attributes; APEv2 in
    Monkey's Audio, Musepack and WavPack; ID3v2 in all other formats. Then come other tags around the sound, and last
    those with fewer data: INFO and the text chunks of AIFF (no album artist, no disc), and ID3v1 (30 letters).

    Parameters
    ----------
    file : binary file
        Open for reading.
    encoding : str, optional
        Encoding of texts that declare none; see :func:`songspace.library.eight_bits.decoded`.
    """
    import mutagen

    start, at = _id3_in(file)
    head = _read(file, start, 12)
    behind = tags_behind(file, start)
    readers: list[Callable[[], Texts]] = []
    format = by_content(head)
    own = format.tags if format is not None else "id3"
    if own == "mutagen":
        readers.append(partial(_by_mutagen, file, start))
    elif own == "matroska":
        readers += [partial(list, tag) for tag in matroska.texts(file, start, file.seek(0, SEEK_END))]
    apes = [partial(_ape, file, at, encoding) for at in (*(span.end - 32 for span in behind), start)]
    version_2 = [partial(_id3, file, at, encoding)] if at is not None else []
    readers += [*apes, *version_2] if own == "ape" else [*version_2, *apes]
    readers.append(partial(chunks.texts, file, head, encoding=encoding))
    readers += [partial(id3.version_1, _read(file, span.begin, 128), encoding) for span in behind]
    for read in readers:
        try:
            if fields := read():
                yield fields
        except (mutagen.MutagenError, *MUTAGEN_RAISES):
            continue


def id3_lyrics(file: BinaryIO, encoding: str | None = None) -> list[tuple[str, str | list[tuple[str, int]]]]:
    """Return (language, text) of the lyrics in the ID3 tag of a file; or for the text, (text, milliseconds) of pieces.

    Raises
    ------
    Exception
        One of :data:`MUTAGEN_RAISES`, if the file is damaged.
    """
    import mutagen.id3

    _, at = _id3_in(file)
    if at is None:
        return []
    largest, most = _LYRICS
    names = (b"USLT", b"ULT", b"SYLT", b"SLT")
    tag = id3.trimmed(file, at, lambda name: name in names, largest=largest, most=most)
    found: list[tuple[str, str | list[tuple[str, int]]]] = []
    for frame in mutagen.id3.ID3(BytesIO(tag), load_v1=False).values() if tag else ():
        again = encoding if frame.encoding == mutagen.id3.Encoding.LATIN1 else None
        if frame.FrameID == "USLT":
            found.append((frame.lang, read_anew(frame.text, again)))
        elif frame.format == _MILLISECONDS:
            found.append((frame.lang, [(read_anew(text, again), time) for text, time in frame.text]))
    return found


def _id3_in(file: BinaryIO) -> tuple[int, int | None]:
    """Return the offset of the music, and the offset of its ID3 tag (None if there is none)."""
    head = _read(file, 0, 12)
    if (first := id3.header(head)) is not None:
        format = by_content(_read(file, first.end, 12))
        return (first.end if format is not None and format.tags in ("mutagen", "ape") else 0), 0
    if head[:4] == b"DSD ":
        return 0, int.from_bytes(_read(file, 20, 8), "little") or None
    return 0, chunks.id3_in(file, head)


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)


def _by_mutagen(file: BinaryIO, start: int) -> Texts:
    import mutagen

    opened = mutagen.File(_Bounded(file, start))
    return list(opened.tags.items()) if opened is not None and opened.tags else []


def _id3(file: BinaryIO, at: int, encoding: str | None) -> Texts:
    import mutagen.id3

    largest, most = _TEXT
    tag = id3.trimmed(file, at, lambda name: name.startswith((b"T", b"UFI")), largest=largest, most=most)
    if not tag:
        return []
    fields: Texts = []
    for key, frame in mutagen.id3.ID3(BytesIO(tag), load_v1=False).items():
        values = getattr(frame, "genres", None) or getattr(frame, "text", None) or getattr(frame, "data", None)
        if getattr(frame, "encoding", None) == mutagen.id3.Encoding.LATIN1 and isinstance(values, list):
            values = [read_anew(str(value), encoding) for value in values]
        fields.append((key, values))
    return fields


def _ape(file: BinaryIO, at: int, encoding: str | None) -> Texts:
    """Read the APE tag with its header, or if it has none, its footer at ``at``; pictures are skipped.

    Layout: APEv2 (wiki.hydrogenaud.io). Version 1 is the same, but its texts have no declared encoding.
    """
    largest, room = _TEXT
    file.seek(at)
    head = file.read(32)
    if len(head) < 32 or head[:8] != b"APETAGEX":
        return []
    version, size, count, flags = struct.unpack("<4I", head[8:24])
    at += 32 if flags & 1 << 29 else 32 - size  # the size includes the footer
    texts: Texts = []
    for _ in range(min(count, _APE_ITEMS) if at >= 0 else 0):
        file.seek(at)
        item = file.read(8 + 256)
        key, zero, _ = item[8:].partition(b"\0")
        if not zero:
            break
        length, flags = struct.unpack("<2I", item[:8])
        at += 8 + len(key) + 1
        if not flags & _APE_KIND and length <= min(largest, room):
            file.seek(at)
            values = file.read(length).split(b"\0")
            name = key.decode("latin-1")
            texts += [(name, (decoded if version < 2000 else utf8_or)(value, encoding)) for value in values]
            room -= length
        at += length
    return texts


class _Bounded:
    """A file with a limit of bytes and of reads; beyond it, reading raises ``ValueError``."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        self._end = file.seek(0, SEEK_END)
        self._left, self._reads = _MOST, _READS
        self.name = getattr(file, "name", "")
        file.seek(start)

    def read(self, size: int | None = -1) -> bytes:
        rest = max(0, self._end - self._file.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        self._left -= wanted
        self._reads -= 1
        if self._left < 0 or self._reads < 0:
            raise ValueError("its tags are too much to read")
        return self._file.read(wanted)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self._file.seek(offset + (self._start if whence == SEEK_SET else 0), whence) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start
