"""The tags of music files: title, artist and so on, from all formats of tags."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from songspace.library.covers import has_cover
from songspace.library.tagged import MUTAGEN_RAISES, Texts, texts


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a file; ``None`` or an empty tuple where it has none.

    Attributes
    ----------
    artist, genre : str or None
        All values in one text, for display: "Ann, Bea"; "Jazz; Funk".
    artists, genres : tuple of str
        Each value by itself. If a file lists its artists in a field of their own, beside the credit, this list is
        used.
    side : int or None
        Side of a record, from 1, if the number of the track names it: "A2" is of 1, "B1" of 2, "AA1" of 27.
    track_gain, album_gain : float or None
        ReplayGain, in decibels, for a loudness of -18 LUFS.
    track_peak, album_peak : float or None
        Largest sample; 1 is full scale.
    pictured : bool
        True if the file holds a picture that can be shown.
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
    side: int | None = None
    track_gain: float | None = None
    track_peak: float | None = None
    album_gain: float | None = None
    album_peak: float | None = None
    pictured: bool = False


# Names of each field, normalized by `spelled`: ID3 frames, MP4 atoms, RIFF and AIFF chunks, ASF attributes, and the
# words that Vorbis comments, APEv2, Matroska, CAF and the free texts of ID3 and MP4 share. The first one set counts.
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("tit2", "\xa9nam", "title", "inam", "name", "diti"),
    "artist": ("tpe1", "\xa9art", "artist", "iart", "author", "auth", "diar"),
    "artists": ("artists", "wmartists"),
    "albumartist": ("tpe2", "aart", "albumartist", "wmalbumartist"),
    "album": ("talb", "\xa9alb", "album", "wmalbumtitle", "iprd"),
    "genre": ("tcon", "\xa9gen", "genre", "wmgenre", "ignr"),
    "original": ("tdor", "originaldate", "originalyear", "wmoriginalreleasetime", "wmoriginalreleaseyear"),
    "date": ("tdrc", "\xa9day", "date", "datereleased", "daterecorded", "recordeddate", "wmyear", "icrd", "(c)"),
    "year": ("tyer", "year"),
    "track": ("trck", "trkn", "tracknumber", "track", "wmtracknumber", "partnumber", "itrk", "iprt"),
    "disc": ("tpos", "disk", "discnumber", "disc", "wmpartofset"),
    "recording_mbid": ("ufid:http://musicbrainz.org", "musicbrainztrackid"),
    "release_mbid": ("musicbrainzalbumid",),
    "artist_mbid": ("musicbrainzartistid",),
    "track_gain": ("replaygaintrackgain",),
    "track_peak": ("replaygaintrackpeak",),
    "album_gain": ("replaygainalbumgain",),
    "album_peak": ("replaygainalbumpeak",),
    "track_r128": ("r128trackgain",),
    "album_r128": ("r128albumgain",),
}
_WANTED = frozenset(name for names in _NAMES.values() for name in names) | {"cuesheet"}

_MOST_VALUES = 50
_LOUDEST, _HIGHEST = 100.0, 1000.0  # decibels and full scales: more is a mistake
_R128 = 5.0  # decibels from Opus' -23 LUFS (RFC 7845) to ReplayGain's -18
_SIGNS = str.maketrans("", "", " _-")


def read_tags(path: str | os.PathLike[str], *, encoding: str | None = None) -> Tags:
    """Read the tags of a file; empty ones if it has none or they cannot be read.

    Without a tag, the title is ``None``; :attr:`songspace.library.records.Song.name` is a name for display. If a file
    has several tags, each field comes from the first tag that has it; see :func:`songspace.library.tagged.texts`.

    Parameters
    ----------
    path : path
    encoding : str, optional
        Encoding of texts that declare none, or Latin-1; see :func:`songspace.library.eight_bits.decoded`.
    """
    return read_tags_and_sheet(path, encoding=encoding)[0]


def read_tags_and_sheet(path: str | os.PathLike[str], *, encoding: str | None = None) -> tuple[Tags, str]:
    """Read the tags of a file, and the CUE sheet in them; an empty text if there is none."""
    try:
        with open(path, "rb") as file:
            tags = [_by_name(pairs) for pairs in texts(file, encoding)]
            file.seek(0)
            pictured = has_cover(file)
    except MUTAGEN_RAISES:
        return Tags(), ""
    return replace(_tags(tags), pictured=pictured), next((sheet for tag in tags if (sheet := _sheet(tag))), "")


_Tag = dict[str, list[Any]]
"""The values of one tag by name, normalized as in ``_NAMES``."""


def _by_name(pairs: Texts) -> _Tag:
    tag: _Tag = {}
    for name, value in pairs:
        if (wanted := spelled(name)) in _WANTED:
            tag.setdefault(wanted, []).append(value)
    return tag


def spelled(name: str) -> str:
    """Normalize the name of a field: tags write "Album Artist", "ALBUMARTIST", "album_artist".

    Examples
    --------
    >>> [spelled(name) for name in ("TXXX:MusicBrainz Album Id", "MusicBrainz/Album Id", "MUSICBRAINZ_ALBUMID")]
    ['musicbrainzalbumid', 'musicbrainzalbumid', 'musicbrainzalbumid']
    >>> spelled("----:com.apple.iTunes:ARTISTS")
    'artists'
    """
    name = name.casefold()
    if name.startswith(("txxx:", "----:")):
        name = name.rpartition(":")[2]
    return name if name.startswith("ufid:") else name.translate(_SIGNS).replace("/", "")


def _tags(tags: list[_Tag]) -> Tags:
    each = [{field: _values(tag, names) for field, names in _NAMES.items()} for tag in tags]
    several = {field: next((tag[field] for tag in each if tag[field]), ()) for field in _NAMES}
    # Credit and list of artists come from the same tag: two tags may name them in different ways.
    who = next((tag for tag in each if tag["artist"] or tag["artists"]), None)
    credit, artists = ((), ()) if who is None else (who["artist"] or who["artists"], who["artists"] or who["artist"])
    texts = {field: values[0] if values else None for field, values in several.items()}
    dates = (tag[field][0] for field in ("original", "date", "year") for tag in each if tag[field])
    known: dict[str, Any] = {field.name: texts[field.name] for field in fields(Tags) if field.name in texts}
    known |= {"year": next((year for date in dates if (year := number_in(date, r"\d{4}"))), None)}
    known |= {field: number_in(texts[field], r"\d{1,4}") for field in ("track", "disc")}
    known |= {"side": side_in(texts["track"])}
    if known["side"] is not None and known["track"] is None:  # "A", on a single
        known["track"] = 1
    for what in ("track", "album"):
        known[f"{what}_gain"] = _gain(texts[f"{what}_gain"], texts[f"{what}_r128"])
        known[f"{what}_peak"] = _within(texts[f"{what}_peak"], 0.0, _HIGHEST) or None  # 0 is not known
    known |= {"artist": ", ".join(credit)[:1000] or None, "artists": artists}
    known |= {"genre": shown_genres(several["genre"]), "genres": several["genre"]}
    return Tags(**known)


def shown_genres(genres: Iterable[str]) -> str | None:
    """Join several genres for display.

    Examples
    --------
    >>> shown_genres(["Jazz", "Funk"])
    'Jazz; Funk'
    """
    return "; ".join(genres)[:1000] or None


def genres_apart(genres: Iterable[str], separators: str) -> tuple[str, ...]:
    """Split genres at the characters that a person named.

    Examples
    --------
    >>> genres_apart(["Jazz/Funk", "Soul, Funk"], "/,")
    ('Jazz', 'Funk', 'Soul')
    >>> genres_apart(["Jazz/Funk"], "")
    ('Jazz/Funk',)
    """
    if not separators:
        return tuple(genres)
    between = f"[{re.escape(separators)}]"
    return tuple(dict.fromkeys(filter(None, (one.strip() for genre in genres for one in re.split(between, genre)))))


def side_in(track: str | None) -> int | None:
    """Return the side of a record that the number of a track names, from 1; None if it names none.

    Examples
    --------
    >>> [side_in(text) for text in ("A1", "b2", "C", "AA1", "D-3/4", "12", "AB1", "Overture")]
    [1, 2, 3, 27, 4, None, None, None]
    """
    match = re.fullmatch(r"([A-Z])(\1?)[ .-]?\d{0,2}(\s*/.*)?", (track or "").strip(), re.ASCII | re.IGNORECASE)
    return None if match is None else ord(match[1].upper()) - ord("A") + 1 + (26 if match[2] else 0)


def _gain(text: str | None, r128: str | None) -> float | None:
    """Return a gain in decibels; that of Opus is a whole number of 1/256 dB."""
    if (gain := _within(text, -_LOUDEST, _LOUDEST)) is not None:
        return gain
    if re.fullmatch(r"[+-]?\d{1,5}", (r128 or "").strip(), re.ASCII):
        return int(r128 or "") / 256 + _R128
    return None


def _within(text: str | None, least: float, most: float) -> float | None:
    """Return the number at the beginning of a text ("-6.52 dB"); None if there is none within the limits."""
    match = re.match(r"\s*([+-]?(\d{1,6}([.,]\d{0,30})?|[.,]\d{1,30}))(?![\d.,])", text or "", re.ASCII)
    number = float(match[1].replace(",", ".")) if match is not None else math.nan
    return number if least <= number <= most else None


def _sheet(tag: _Tag) -> str:
    value = next(iter(_flat(tag.get("cuesheet", []))), "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _values(tag: _Tag, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return all values of a field, in order, under the first of its names that has any."""
    for name in names:
        if values := tuple(dict.fromkeys(filter(None, map(_text, _flat(tag.get(name, ())))))):
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
    """Return a text as one line of at most 1,000 characters that can be stored.

    Control characters would break tables and playlists; lone surrogates cannot be stored as text.

    Examples
    --------
    >>> plain_text(" Blue\\x00\\nMoon ")
    'Blue Moon'
    """
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).encode("utf-8", "replace").decode("utf-8")
    return text.strip()[:1000]


def number_in(text: str | None, pattern: str) -> int | None:
    """Return the first number in a text that matches a pattern; None if there is none."""
    match = re.search(pattern, text or "", re.ASCII)
    return int(match.group()) if match else None
