"""Matroska and WebM: the sound and the tags of a file; nothing else is read.

A file is a sequence of elements. Each has an id, a size, and content that may be elements again. An element never
extends beyond its parent, whatever its size claims.

Layout: RFC 8794 (EBML), RFC 9559 (Matroska), and the Matroska tag specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

MAGIC = b"\x1a\x45\xdf\xa3"

_SEGMENT, _CLUSTER, _INFO, _TITLE, _TAGS = 0x18538067, 0x1F43B675, 0x1549A966, 0x7BA9, 0x1254C367
_TAG, _TARGETS, _LEVEL, _CHAPTER, _ATTACHMENT = 0x7373, 0x63C0, 0x68CA, 0x63C4, 0x63C6
_SIMPLE, _NAME, _STRING = 0x67C8, 0x45A3, 0x4487

_SONG, _ALBUM = 30, 50
"""Target levels of tags. Without a level, a tag is about the album; writers of single songs give none."""

_OF_ALBUM = {"TITLE": "ALBUM", "ARTIST": "ALBUMARTIST", "PART_NUMBER": "DISC"}
"""Meaning of names in a tag about the album, if the file has tags about songs, too."""

_MOST_ELEMENTS = 100_000  # one for each second of a day
_LARGEST = 2**20  # bytes of all tags
_LONGEST = 2**16  # bytes of a text


class Element(NamedTuple):
    """The id of an element, and the range of its content in the file."""

    id: int
    begin: int
    end: int


class MalformedError(ValueError):
    """A file that breaks the rules, or leaves the size of an element open, as recorders do."""


def elements(file: BinaryIO, begin: int, end: int) -> Iterator[Element]:
    """Yield the elements between two offsets of a file, one after another.

    Raises
    ------
    MalformedError
        If there are no elements, or a size is unknown.
    """
    for _ in range(_MOST_ELEMENTS):
        if begin >= end:
            return
        file.seek(begin)
        head = file.read(min(12, end - begin))
        width, _ = _number(head)
        size_width, size = _number(head[width:])
        if not 1 <= width <= 4 or size == 2 ** (7 * size_width) - 1:
            raise MalformedError("an element of unknown size")
        begin += width + size_width
        yield Element(int.from_bytes(head[:width], "big"), begin, min(end, begin + size))
        begin += size
    raise MalformedError("too many elements")


def _number(data: bytes) -> tuple[int, int]:
    """Decode a number of variable width: return its width in bytes, given by its leading zeros, and the number."""
    width = 9 - data[0].bit_length() if data else 9
    if len(data) < width or width > 8:
        raise MalformedError("no element")
    return width, int.from_bytes(data[:width], "big") & 2 ** (7 * width) - 1


def _children(file: BinaryIO, begin: int, end: int) -> Iterator[Element]:
    """Return the elements at the top level of the first segment of a file."""
    segment = next((one for one in elements(file, begin, end) if one.id == _SEGMENT), None)
    if segment is None:
        raise MalformedError("no segment")
    return elements(file, segment.begin, segment.end)


def clusters(file: BinaryIO, begin: int, end: int) -> list[tuple[int, int]]:
    """Return (begin, end) of each cluster of sound.

    Raises
    ------
    MalformedError
    """
    return [(one.begin, one.end) for one in _children(file, begin, end) if one.id == _CLUSTER]


def texts(file: BinaryIO, begin: int, end: int) -> list[list[tuple[str, str]]]:
    """Return (name, text) of the tags of the song, then of the album, then the title of the file.

    In a damaged file, only the tags before the damage are read.
    """
    title: list[tuple[str, str]] = []
    tags: list[tuple[int | None, list[tuple[str, str]]]] = []
    room = _LARGEST
    try:
        for one in _children(file, begin, end):
            size = one.end - one.begin
            if one.id not in (_INFO, _TAGS) or size > room:
                continue
            room -= size
            file.seek(one.begin)
            content = BytesIO(file.read(size))
            for inner in elements(content, 0, size):
                if inner.id == _TITLE:
                    title.append(("TITLE", _text(content, inner)))
                elif inner.id == _TAG and (tag := _tag(content, inner)) is not None:
                    tags.append(tag)
    except MalformedError:
        pass
    songs = [text for level, tag in tags for text in tag if level is not None and level <= _SONG]
    others = [text for level, tag in tags for text in tag if level is None or level > _SONG]
    if songs:
        of_album = [(_OF_ALBUM.get(name.upper(), name), text) for name, text in others]
        return [songs, of_album, [text for text in others if text[0].upper() == "ARTIST"], title]
    return [others, title]


def _tag(content: BinaryIO, tag: Element) -> tuple[int | None, list[tuple[str, str]]] | None:
    """Return the target level of a tag, and its texts; None if the target is a chapter or a picture."""
    level, texts = None, []
    for one in elements(content, tag.begin, tag.end):
        if one.id == _TARGETS:
            for target in elements(content, one.begin, one.end):
                content.seek(target.begin)
                number = int.from_bytes(content.read(min(8, target.end - target.begin)), "big")
                if target.id in (_CHAPTER, _ATTACHMENT) and number:
                    return None
                if target.id == _LEVEL:
                    level = number
        elif one.id == _SIMPLE:
            text_of = {inner.id: _text(content, inner) for inner in elements(content, one.begin, one.end)}
            if _NAME in text_of and _STRING in text_of:
                texts.append((text_of[_NAME], text_of[_STRING]))
    return level, texts


def _text(content: BinaryIO, element: Element) -> str:
    content.seek(element.begin)
    return content.read(min(_LONGEST, element.end - element.begin)).decode("utf-8", "replace")
