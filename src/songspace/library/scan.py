"""A folder of music: which files it holds, and what their tags say.

Scanning looks at names and dates only; a file is opened by :func:`identify` and :func:`read_tags`, when it is new or
has changed.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import xxhash

from songspace.library.tagged import tagged

SUFFIXES = frozenset(
    ".mp3 .mp2 .flac .wav .wave .w64 .aif .aiff .aifc .caf .au .snd .ogg .oga .opus .spx .m4a .m4b .mp4 .aac .alac "
    ".mka .weba .wma .asf .wv .ape .mpc .tta .dsf .dff".split()
)
"""Suffixes that promise sound. What a file really is, its content decides when it is decoded."""

LEAVE_OUT = frozenset({".notmusic", ".nomedia"})
"""A folder with a file of such a name is left out, with everything below it."""

_SYSTEM = frozenset(
    {
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "@eadir",
        "#recycle",
        "#snapshot",
        "__macosx",
    }
)

WHOLE = 64 * 2**20
_PIECES, _PIECE = 64, 2**20


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a scan came across.

    Attributes
    ----------
    path : str
        Absolute; bytes that are not UTF-8 are kept as surrogates (``os.fsencode`` gives them back).
    size, mtime_ns : int
        Bytes, and nanoseconds since the epoch: when both are as before, the file is not opened again.
    problem : str or None
        Why it cannot be a song, if that can be seen without opening it.
    """

    path: str
    size: int
    mtime_ns: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself; ``None`` where it says nothing."""

    title: str | None = None
    artist: str | None = None
    albumartist: str | None = None
    album: str | None = None
    genre: str | None = None
    year: int | None = None
    track: int | None = None
    disc: int | None = None
    recording_mbid: str | None = None
    release_mbid: str | None = None
    artist_mbid: str | None = None


def scan(folder: str | os.PathLike[str]) -> Iterator[Found]:
    """Walk a folder of music, in the order of names.

    Hidden and system files, and folders that hold ``.notmusic`` or ``.nomedia``, are left out. Links are followed, and
    each real folder is walked once, so a circle of links ends.

    Yields
    ------
    Found
        One for each thing whose suffix promises sound, and for each folder that may not be read.
    """
    yield from _walk(os.path.abspath(folder), walked=set())


def _walk(folder: str, walked: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        here = os.stat(folder)
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield Found(folder, 0, 0, f"the folder cannot be read: {_reason(error)}")
        return
    # Not every file system numbers its files; where it does not (0), circles end by the length of their path.
    if here.st_ino:
        if (here.st_dev, here.st_ino) in walked:
            return
        walked.add((here.st_dev, here.st_ino))
    if LEAVE_OUT & {entry.name for entry in entries}:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link to itself
            is_folder = False
        if os.path.splitext(entry.name)[1].lower() in SUFFIXES:
            yield _look(entry)
        if is_folder:
            yield from _walk(entry.path, walked)


def _look(entry: os.DirEntry[str]) -> Found:
    try:
        status = entry.stat()
    except FileNotFoundError:
        return Found(entry.path, 0, 0, "a link that leads nowhere")
    except OSError as error:
        return Found(entry.path, 0, 0, f"cannot be reached: {_reason(error)}")
    problem = None
    if stat.S_ISDIR(status.st_mode):
        problem = "a folder, not a file"
    elif not stat.S_ISREG(status.st_mode):
        problem = "not a regular file"
    elif status.st_size == 0:
        problem = "the file is empty"
    # Clocks go wrong, and SQLite's numbers end in the year 2262.
    mtime_ns = min(max(status.st_mtime_ns, -(2**63)), 2**63 - 1)
    return Found(entry.path, status.st_size, mtime_ns, problem)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def identify(path: str | os.PathLike[str]) -> bytes:
    """The identity of a file's content: 16 bytes that stay when it is moved or renamed.

    It is XXH3-128 over the size and all bytes; of a file above 64 MiB over 64 evenly spaced pieces of 1 MiB, so that
    a recording of hours costs no more than a long song.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = xxhash.xxh3_128(size.to_bytes(8, "little"))
        if size <= WHOLE:
            while piece := file.read(_PIECE):
                digest.update(piece)
        else:
            for number in range(_PIECES):
                file.seek((size - _PIECE) * number // (_PIECES - 1))
                digest.update(file.read(_PIECE))
    return digest.digest()


# Where each field lives: ID3 frame, MP4 atom, Vorbis comment or APE key, ASF attribute.
_WHERE: dict[str, tuple[str, str, str, str]] = {
    "title": ("TIT2", "\xa9nam", "title", "Title"),
    "artist": ("TPE1", "\xa9ART", "artist", "Author"),
    "albumartist": ("TPE2", "aART", "albumartist", "WM/AlbumArtist"),
    "album": ("TALB", "\xa9alb", "album", "WM/AlbumTitle"),
    "genre": ("TCON", "\xa9gen", "genre", "WM/Genre"),
    "original": (
        "TDOR",
        "----:com.apple.iTunes:ORIGINALDATE",
        "originaldate",
        "WM/OriginalReleaseTime",
    ),
    "date": ("TDRC", "\xa9day", "date", "WM/Year"),
    "year": ("TYER", "\xa9day", "year", "WM/Year"),
    "track": ("TRCK", "trkn", "tracknumber", "WM/TrackNumber"),
    "disc": ("TPOS", "disk", "discnumber", "WM/PartOfSet"),
    "recording_mbid": (
        "UFID:http://musicbrainz.org",
        "----:com.apple.iTunes:MusicBrainz Track Id",
        "musicbrainz_trackid",
        "MusicBrainz/Track Id",
    ),
    "release_mbid": (
        "TXXX:MusicBrainz Album Id",
        "----:com.apple.iTunes:MusicBrainz Album Id",
        "musicbrainz_albumid",
        "MusicBrainz/Album Id",
    ),
    "artist_mbid": (
        "TXXX:MusicBrainz Artist Id",
        "----:com.apple.iTunes:MusicBrainz Artist Id",
        "musicbrainz_artistid",
        "MusicBrainz/Artist Id",
    ),
}

# A damaged file makes mutagen raise nearly anything; tags are a courtesy, so each of these means "no tags".
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


def read_tags(path: str | os.PathLike[str]) -> Tags:
    """The tags of a file; empty ones if it has none or they cannot be read.

    Titles without a tag stay ``None``: a name to show is :attr:`songspace.library.catalog.Song.name`.
    """
    import mutagen

    try:
        with open(path, "rb") as file:
            found = tagged(file)
        if found is None or not found.tags:
            return Tags()
        texts = {field: _text(found.tags, where) for field, where in _WHERE.items()}
    except (mutagen.MutagenError, *MUTAGEN_RAISES):
        return Tags()
    year = next((y for key in ("original", "date", "year") if (y := _number(texts[key], r"\d{4}"))), None)
    known: dict[str, Any] = {field.name: texts.get(field.name) for field in fields(Tags)}
    known |= {"year": year} | {field: _number(texts[field], r"\d{1,4}") for field in ("track", "disc")}
    return Tags(**known)


def _text(tags: Any, where: tuple[str, str, str, str]) -> str | None:
    for key in where:
        try:
            value = tags[key]
        except (KeyError, ValueError):  # Vorbis comments refuse a key that is not ASCII
            continue
        value = getattr(value, "genres", None) or getattr(value, "text", None) or getattr(value, "data", value)
        while isinstance(value, list | tuple) and value:
            value = value[0]
        value = getattr(value, "value", value)  # ASF attributes
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        # Control characters would break tables and playlists; lone surrogates cannot be stored as text.
        text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).encode("utf-8", "replace").decode("utf-8")
        if text := text.strip()[:1000]:
            return text
    return None


def _number(text: str | None, pattern: str) -> int | None:
    found = re.search(pattern, text or "", re.ASCII)
    return int(found.group()) if found else None


def is_inside(path: str, folder: str | Path) -> bool:
    """Whether an absolute path lies in a folder (as names go: nothing is opened)."""
    root = str(folder)
    return path == root or path.startswith(root if root.endswith(os.sep) else root + os.sep)
