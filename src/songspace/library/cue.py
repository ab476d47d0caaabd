"""CUE sheets: text beside an album in one file, or in its tags, that lists the start of each song.

Format: the CDRWIN manual, appendix A ("CUE sheet commands"), with the remarks (``REM``) that rippers write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePath, PureWindowsPath

from songspace.library.tags import Tags, number_in, plain_text

LARGEST = 2**20
"""Largest size of a sheet, in bytes; one of 99 tracks needs a hundredth of it."""

_MOST_TRACKS = 999
_IN_SHEETS = ("artist", "artists", "albumartist", "album", "genre", "genres", "year", "disc")
_COMMAND = re.compile(r"\s*(REM\s+\w+|\w+)\s+(.*?)\s*$")
_TIME = re.compile(r"(\d{1,5}):(\d{1,2}):(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that is one song.

    Attributes
    ----------
    number : int
        Number of the track.
    start, end : float or None
        Seconds in the file; None is the start or end of the file.
    tags : Tags
        Tags in the sheet.
    """

    number: int = 0
    start: float | None = None
    end: float | None = None
    tags: Tags = field(default_factory=Tags)


@dataclass(slots=True)
class _SheetTrack:
    number: int
    texts: dict[str, str]
    """Texts of its commands, by command."""
    start: float | None = None


def read_sheet(data: bytes, names: Iterable[str]) -> dict[str, tuple[Part, ...]]:
    """Return the parts of the files that a sheet lists, by the names of the files.

    Parameters
    ----------
    data : bytes
        The sheet. It is decoded in the first encoding in which the files that it names exist.
    names : iterable of str
        Files beside the sheet. Names in the sheet may differ from them in case, or in the suffix: a sheet often still
        names the ``.wav`` after the file was converted to ``.flac``.

    Returns
    -------
    dict of str to tuple of Part
        Only files that hold several songs. Empty for an invalid sheet.

    Examples
    --------
    >>> sheet = b'FILE "a.wav" WAVE\\nTRACK 01 AUDIO\\nINDEX 01 00:00:00\\nTRACK 02 AUDIO\\nINDEX 01 03:00:00'
    >>> [(part.number, part.start, part.end) for part in read_sheet(sheet, ["a.flac"])["a.flac"]]
    [(1, 0.0, 180.0), (2, 180.0, None)]
    """
    beside = list(names)
    for text in _readings(data):
        parts_of = {
            name: parts
            for called, parts in _files(text)
            if len(parts) > 1 and (name := _meant(called, beside)) is not None
        }
        if parts_of:
            return parts_of
    return {}


def embedded_parts(sheet: str) -> tuple[Part, ...]:
    """Return the parts of a file by the sheet in its tags; empty if the sheet is invalid, or lists several files.

    Examples
    --------
    >>> embedded_parts("TRACK 01 AUDIO")
    ()
    """
    files = _files(sheet[:LARGEST])
    return files[0][1] if len(files) == 1 and len(files[0][1]) > 1 else ()


def with_tags(part: Part, tags: Tags) -> Tags:
    """Return the tags of a part: those in the sheet, and for missing ones those of the whole file."""
    listed = {name: value for name in _IN_SHEETS if (value := getattr(part.tags, name))}
    # The recording id and the loudness of the whole file are not those of a part.
    own = {"title": part.tags.title, "track": part.number, "side": None, "recording_mbid": None}
    own |= {"track_gain": None, "track_peak": None}
    return replace(tags, **({"album": tags.album or tags.title} | listed | own))


def _readings(data: bytes) -> Iterable[str]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252", "cp1251", "cp932", "gbk", "latin-1")
    for encoding in encodings:
        try:
            yield data.decode(encoding)
        except UnicodeDecodeError:
            continue


def _files(text: str) -> list[tuple[str, tuple[Part, ...]]]:
    """Return (name, parts) of each file of a sheet; a file with invalid times has no parts."""
    album: dict[str, str] = {}
    files: list[tuple[str, list[_SheetTrack]]] = []
    texts = album
    for line in text.splitlines():
        command = _COMMAND.match(line)
        if command is None:
            continue
        word, rest = " ".join(command[1].upper().split()), command[2]
        if word == "FILE":
            files.append((_unquoted(re.sub(r"\s+\w+$", "", rest)), []))
        elif word == "TRACK" and files:
            match = re.match(r"(\d{1,3})\s+AUDIO", rest, re.IGNORECASE)
            texts = {}
            if match is not None:
                files[-1][1].append(_SheetTrack(int(match[1]), texts))
        elif word == "INDEX" and files and files[-1][1]:
            match = re.match(r"0*1\s+(.*)", rest)
            track = files[-1][1][-1]
            if match is not None and track.texts is texts and (time := _TIME.match(match[1])):
                track.start = int(time[1]) * 60 + int(time[2]) + int(time[3]) / 75
        else:
            texts.setdefault(word, _unquoted(rest))
    return [(name, _parts(album, tracks)) for name, tracks in files]


def _parts(album: dict[str, str], tracks: list[_SheetTrack]) -> tuple[Part, ...]:
    starts = [track.start for track in tracks]
    known = [start for start in starts if start is not None]
    numbers = {track.number for track in tracks}
    if len(tracks) > min(len(known), len(numbers), _MOST_TRACKS) or sorted(set(known)) != known:
        return ()
    ends = [*known, None][1:]
    return tuple(
        Part(track.number, start, end, _tags(album, track))
        for track, start, end in zip(tracks, known, ends, strict=True)
    )


def _tags(album: dict[str, str], track: _SheetTrack) -> Tags:
    albumartist = album.get("PERFORMER")
    artist = track.texts.get("PERFORMER") or albumartist
    genre = track.texts.get("REM GENRE") or album.get("REM GENRE")
    return Tags(
        title=track.texts.get("TITLE"),
        artist=artist,
        artists=(artist,) if artist else (),
        albumartist=albumartist,
        album=album.get("TITLE"),
        genre=genre,
        genres=(genre,) if genre else (),
        year=number_in(track.texts.get("REM DATE") or album.get("REM DATE"), r"\d{4}"),
        disc=number_in(album.get("REM DISCNUMBER"), r"\d{1,4}"),
    )


def _unquoted(text: str) -> str:
    return plain_text(text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text)


def _meant(called: str, names: list[str]) -> str | None:
    """Return the file among ``names`` that a name in a sheet means; None if there is none, or several."""
    last = PureWindowsPath(called).name
    tests = (
        lambda name: name == last,
        lambda name: name.casefold() == last.casefold(),
        lambda name: PurePath(name).stem.casefold() == PurePath(last).stem.casefold(),
    )
    return next((fitting[0] for test in tests if len(fitting := [name for name in names if test(name)]) == 1), None)
