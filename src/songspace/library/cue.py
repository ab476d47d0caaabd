"""CUE sheets: one file holds an album, and a sheet beside it, or in its tags, says where each song begins.

Format: the CDRWIN manual, appendix A ("CUE sheet commands"), with the remarks (``REM``) that rippers write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePath, PureWindowsPath

from songspace.library.tags import Tags, number_in, plain_text

LARGEST = 2**20
"""Bytes of a sheet; one of 99 tracks has a hundredth of it."""

_MOST_TRACKS = 999
_COMMAND = re.compile(r"\s*(REM\s+\w+|\w+)\s+(.*?)\s*$")
_TIME = re.compile(r"(\d{1,5}):(\d{1,2}):(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that is a song of its own.

    Attributes
    ----------
    number : int
        Of the track.
    start, end : float or None
        Seconds in the file; None is the file's own start or end.
    tags : Tags
        What the sheet says of it.
    """

    number: int = 0
    start: float | None = None
    end: float | None = None
    tags: Tags = field(default_factory=Tags)


@dataclass(slots=True)
class _Track:
    number: int
    said: dict[str, str]
    start: float | None = None


def read_sheet(data: bytes, names: Iterable[str]) -> dict[str, tuple[Part, ...]]:
    """Return the parts of the files that a sheet is about, by the names of the files.

    Parameters
    ----------
    data : bytes
        The sheet. Of several encodings the one is taken in which its files are there.
    names : iterable of str
        The files that lie beside it. A name that is not among them stands for one that differs in case, or in its
        suffix: sheets go on calling a file ``.wav`` after it was made a ``.flac``.

    Returns
    -------
    dict of str to tuple of Part
        Only files that hold several songs. A sheet that makes no sense has none.

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
    """Return the parts of a file whose own tags hold a sheet; none if it is invalid, or is about several files.

    Examples
    --------
    >>> embedded_parts("TRACK 01 AUDIO")
    ()
    """
    files = _files(sheet[:LARGEST])
    return files[0][1] if len(files) == 1 and len(files[0][1]) > 1 else ()


def with_tags(part: Part, tags: Tags) -> Tags:
    """Return the tags of a part: those of the sheet, and where it has none, those of the whole file."""
    said = part.tags
    album = said.album or tags.album or tags.title
    return replace(
        tags,
        title=said.title,
        artist=said.artist or tags.artist,
        artists=said.artists or tags.artists,
        albumartist=said.albumartist or tags.albumartist,
        album=album,
        genre=said.genre or tags.genre,
        genres=said.genres or tags.genres,
        year=said.year or tags.year,
        track=part.number,
        disc=said.disc or tags.disc,
        recording_mbid=None,  # of the whole file, if of anything
    )


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
    """Return (name, parts) of each file of a sheet; a file whose times make no sense has no parts."""
    album: dict[str, str] = {}
    files: list[tuple[str, list[_Track]]] = []
    said = album
    for line in text.splitlines():
        command = _COMMAND.match(line)
        if command is None:
            continue
        word, rest = " ".join(command[1].upper().split()), command[2]
        if word == "FILE":
            files.append((_unquoted(re.sub(r"\s+\w+$", "", rest)), []))
        elif word == "TRACK" and files:
            match = re.match(r"(\d{1,3})\s+AUDIO", rest, re.IGNORECASE)
            said = {}
            if match is not None:
                files[-1][1].append(_Track(int(match[1]), said))
        elif word == "INDEX" and files and files[-1][1]:
            match = re.match(r"0*1\s+(.*)", rest)
            track = files[-1][1][-1]
            if match is not None and track.said is said and (time := _TIME.match(match[1])):
                track.start = int(time[1]) * 60 + int(time[2]) + int(time[3]) / 75
        else:
            said.setdefault(word, _unquoted(rest))
    return [(name, _parts(album, tracks)) for name, tracks in files]


def _parts(album: dict[str, str], tracks: list[_Track]) -> tuple[Part, ...]:
    starts = [track.start for track in tracks]
    sure = [start for start in starts if start is not None]
    numbers = {track.number for track in tracks}
    if len(sure) < len(tracks) or sorted(set(sure)) != sure or len(numbers) < len(tracks) or len(tracks) > _MOST_TRACKS:
        return ()
    ends = [*sure, None][1:]
    return tuple(
        Part(track.number, start, end, _tags(album, track))
        for track, start, end in zip(tracks, sure, ends, strict=True)
    )


def _tags(album: dict[str, str], track: _Track) -> Tags:
    owner = album.get("PERFORMER")
    artist = track.said.get("PERFORMER") or owner
    genre = track.said.get("REM GENRE") or album.get("REM GENRE")
    return Tags(
        title=track.said.get("TITLE"),
        artist=artist,
        artists=(artist,) if artist else (),
        albumartist=owner,
        album=album.get("TITLE"),
        genre=genre,
        genres=(genre,) if genre else (),
        year=number_in(track.said.get("REM DATE") or album.get("REM DATE"), r"\d{4}"),
        disc=number_in(album.get("REM DISCNUMBER"), r"\d{1,4}"),
    )


def _unquoted(text: str) -> str:
    return plain_text(text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text)


def _meant(called: str, names: list[str]) -> str | None:
    """Return the file among ``names`` that a sheet means by a name."""
    last = PureWindowsPath(called).name
    tests = (
        lambda name: name == last,
        lambda name: name.casefold() == last.casefold(),
        lambda name: PurePath(name).stem.casefold() == PurePath(last).stem.casefold(),
    )
    return next((fitting[0] for test in tests if len(fitting := [name for name in names if test(name)]) == 1), None)
