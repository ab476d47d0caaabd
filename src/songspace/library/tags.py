"""What music files say of themselves: title, artist and the like, in whichever kind of tag they carry."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, fields
from typing import Any

from songspace.library.tagged import tagged


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself; ``None`` (or nothing) where it says nothing.

    Attributes
    ----------
    artist, genre : str or None
        All values side by side, as they are shown: "Ann, Bea"; "Jazz; Funk".
    artists, genres : tuple of str
        Each value by itself.
    """

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
    artists: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()


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

_MOST_VALUES = 50

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
    return read_tags_and_sheet(path)[0]


def read_tags_and_sheet(path: str | os.PathLike[str]) -> tuple[Tags, str]:
    """The tags of a file, and the CUE sheet among them; an empty one if there is none."""
    import mutagen

    try:
        with open(path, "rb") as file:
            found = tagged(file)
        if found is None or not found.tags:
            return Tags(), ""
        return _tags(found.tags), _sheet(found.tags)
    except (mutagen.MutagenError, *MUTAGEN_RAISES):
        return Tags(), ""


def _tags(tags: Any) -> Tags:
    several = {field: _values(tags, where) for field, where in _WHERE.items()}
    texts = {field: values[0] if values else None for field, values in several.items()}
    year = next((y for key in ("original", "date", "year") if (y := number_in(texts[key], r"\d{4}"))), None)
    known: dict[str, Any] = {field.name: texts.get(field.name) for field in fields(Tags)}
    known |= {"year": year} | {field: number_in(texts[field], r"\d{1,4}") for field in ("track", "disc")}
    known |= {"artist": ", ".join(several["artist"])[:1000] or None, "artists": several["artist"]}
    known |= {"genre": "; ".join(several["genre"])[:1000] or None, "genres": several["genre"]}
    return Tags(**known)


def _sheet(tags: Any) -> str:
    for key in ("cuesheet", "TXXX:CUESHEET", "TXXX:cuesheet"):
        try:
            found = tags[key]
        except (KeyError, ValueError):
            continue
        found = getattr(found, "text", found)
        return str(found[0] if isinstance(found, list) and found else found)
    return ""


def _values(tags: Any, where: tuple[str, str, str, str]) -> tuple[str, ...]:
    """Every value of a field, in order; of several keys the first that has any."""
    for key in where:
        try:
            found = tags[key]
        except (KeyError, ValueError):  # Vorbis comments refuse a key that is not ASCII
            continue
        found = getattr(found, "genres", None) or getattr(found, "text", None) or getattr(found, "data", found)
        if values := tuple(dict.fromkeys(filter(None, map(_text, _flat(found))))):
            return values
    return ()


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [one for each in value[:_MOST_VALUES] for one in _flat(each)]
    return [value]


def _text(value: Any) -> str:
    value = getattr(value, "value", value)  # ASF attributes
    return plain_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def plain_text(text: str) -> str:
    """A text on one line of at most 1,000 characters, as it can be stored.

    Control characters would break tables and playlists; lone surrogates cannot be stored as text.

    Examples
    --------
    >>> plain_text(" Blue\\x00\\nMoon ")
    'Blue Moon'
    """
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).encode("utf-8", "replace").decode("utf-8")
    return text.strip()[:1000]


def number_in(text: str | None, pattern: str) -> int | None:
    """The first number of that pattern in a text."""
    found = re.search(pattern, text or "", re.ASCII)
    return int(found.group()) if found else None
