"""Files of what a person likes and plays: songspace's own events, and listens in the format of ListenBrainz.

Both are JSON lines. A line of an own file is an event, whose song has the identity of its sound; a line of a file of
ListenBrainz (listenbrainz.readthedocs.io, "JSON documentation") is a play, whose song has names and MusicBrainz ids.
ListenBrainz's own export is a ZIP archive of such files.
"""

from __future__ import annotations

import codecs
import json
import math
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import Any

from songspace.errors import SongspaceError
from songspace.interchange.matching import match
from songspace.interchange.reading import Entry
from songspace.library.likes import HIGHEST, Event, EventKind, Thing
from songspace.library.records import Song
from songspace.plainfiles import characters, open_plain, parse_json, put_plain

LISTENS = ".listens.jsonl"
"""Suffix of files in the format of ListenBrainz."""

_LONGEST = 2**20  # bytes of a line
_LONGEST_TEXT = 1000
_MOST_SONGS = 10_000  # of an album or an artist
_LARGEST = 2**30  # bytes of an archive's files, unpacked
_MOST_LINES = 2_000_000  # 100 a day for 50 years
_LATEST = 1e11  # seconds since 1970


def write_events(path: Path, events: Iterable[Event]) -> int:
    """Write events as JSON lines, and return their number.

    Raises
    ------
    SongspaceError
        If the file cannot be written.
    """
    return _put(path, map(event_as_json, events))


def write_listens(path: Path, events: Iterable[Event], songs: Mapping[bytes, Song]) -> int:
    """Write plays as JSON lines in the format of ListenBrainz, and return their number.

    Parameters
    ----------
    path : Path
    events : iterable of Event
        Other events than plays are left out, for ListenBrainz has no place for them.
    songs : mapping of bytes to Song
        The songs of the library by identity, for the names that they have now.

    Raises
    ------
    SongspaceError
        If the file cannot be written.
    """
    plays = (event for event in events if event.kind is EventKind.play)
    return _put(path, (listen_of(event, songs.get(event.songs[0])) for event in plays))


def _put(path: Path, lines: Iterable[dict[str, Any]]) -> int:
    count = 0

    def encoded() -> Iterator[bytes]:
        nonlocal count
        for line in lines:
            count += 1
            yield json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    try:
        put_plain(path, encoded(), mode=0o600)
    except OSError as error:
        raise SongspaceError(f"{path} cannot be written ({error.strerror}).") from error
    return count


def event_as_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object; :func:`event_of` is the inverse.

    Examples
    --------
    >>> event_as_json(Event(EventKind.play, "00" * 16, (bytes(16),), 5.0, title="Blue"))
    {'time': 5.0, 'kind': 'play', 'song': '00000000000000000000000000000000', 'title': 'Blue'}
    """
    known = {"value": event.value, "player": event.player or None}
    known |= {"title": event.title, "artist": event.artist, "album": event.album}
    about: dict[str, Any] = {"song": event.key}
    if event.thing is not Thing.song:
        songs = [identity.hex() for identity in event.songs]
        about = {"thing": event.thing.value, "id": event.key, "songs": songs}
    given = {name: value for name, value in known.items() if value is not None}
    return {"time": event.time, "kind": event.kind.value, **about, **given}


def event_of(line: Any) -> Event:
    """Return the event of a JSON object.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not isinstance(line, dict):
        raise ValueError("it is no object")
    thing = Thing(str(line.get("thing", "song")))
    kind, value = EventKind(str(line.get("kind"))), line.get("value")
    key = line.get("song" if thing is Thing.song else "id")
    songs = [key] if thing is Thing.song else line.get("songs")
    if not (isinstance(songs, list) and 0 < len(songs) <= _MOST_SONGS and all(isinstance(one, str) for one in songs)):
        raise ValueError("it names no songs")
    if not isinstance(key, str) or key != characters(key):
        raise ValueError("it has no id")
    identities = tuple(bytes.fromhex(one) for one in songs)
    if any(len(identity) != 16 for identity in identities) or not 0 < len(key) <= 200:
        raise ValueError("an identity has 32 hexadecimal digits")
    if (kind is EventKind.rate) != (isinstance(value, int) and not isinstance(value, bool)) or not 0 <= (
        value or 0
    ) <= HIGHEST:
        raise ValueError("a rating is a number from 0 to 5")
    names = (_text(line.get(name)) for name in ("title", "artist", "album"))
    key = identities[0].hex() if thing is Thing.song else key
    return Event(kind, key, identities, _time(line.get("time")), thing, _text(line.get("player")) or "", value, *names)


def listen_of(event: Event, song: Song | None) -> dict[str, Any]:
    """Return a play as a listen of ListenBrainz."""
    title, artist, album = event.title, event.artist, event.album
    more: dict[str, Any] = {"submission_client": "songspace"}
    if event.player:
        more["media_player"] = event.player
    if song is not None:
        title, artist, album = song.title or song.name, song.artist, song.album
        more["duration_ms"] = round(1000 * song.duration)
        mbids = {"recording_mbid": song.recording_mbid, "release_mbid": song.release_mbid}
        more |= {name: mbid for name, mbid in mbids.items() if mbid}
    names = {"artist_name": artist or "[unknown]", "track_name": title or "[unknown]", "release_name": album}
    known = {name: text for name, text in names.items() if text}
    return {"listened_at": int(event.time), "track_metadata": {**known, "additional_info": more}}


@dataclass(frozen=True)
class Read:
    """The content of a file.

    Attributes
    ----------
    events : list of Event
    unknown : list of str
        Names of listens whose song is not in the library.
    """

    events: list[Event]
    unknown: list[str]


def read(path: Path, songs: Sequence[Song]) -> Read:
    """Read a file of events or of listens, or an archive of such files.

    Parameters
    ----------
    path : Path
    songs : sequence of Song
        The library, to find the songs of listens by MusicBrainz id and names.

    Raises
    ------
    SongspaceError
        If the file cannot be read, or a line is neither an event nor a listen.
    """
    events: list[Event] = []
    listens: list[tuple[float, str, Entry]] = []
    for number, (where, line) in enumerate(_lines(path)):
        if number >= _MOST_LINES:
            raise SongspaceError(f"{path} has more than {_MOST_LINES:,} lines.")
        try:
            document = parse_json(line)
            if isinstance(document, dict) and "track_metadata" in document:
                listens.append(_listen(document))
            else:
                events.append(event_of(document))
        except ValueError as error:
            raise SongspaceError(f"{where} is neither an event nor a listen: {error}.") from None
    matches = match([entry for _, _, entry in listens], songs) if listens else []
    unknown: list[str] = []
    for (time, player, entry), song in zip(listens, matches, strict=True):
        if song is None:
            unknown.append(entry.label)
        else:
            events.append(Event.of(EventKind.play, song, time, player=player))
    return Read(events, unknown)


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (description, content) of each line that is not blank."""
    try:
        with open_plain(path, links=True) as opened:
            if not zipfile.is_zipfile(opened):
                opened.seek(0)
                yield from _lines_in(opened, os.fspath(path))
                return
            with zipfile.ZipFile(opened) as archive:
                names = [one for one in archive.infolist() if one.filename.endswith(".jsonl")]
                if sum(one.file_size for one in names) > _LARGEST:
                    raise SongspaceError(f"{path} is too large.")
                for one in names:
                    if "listens" in one.filename.split("/")[0]:
                        with archive.open(one) as file:
                            yield from _lines_in(file, f"{path}, {one.filename}")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, LZMAError) as error:
        raise SongspaceError(f"{path} is a damaged archive: {error}.") from None
    except OSError as error:
        raise SongspaceError(f"{path} cannot be read ({error.strerror or error}).") from None


def _lines_in(file: Any, name: str) -> Iterator[tuple[str, bytes]]:
    number = 0
    while line := file.readline(_LONGEST + 1):
        number += 1
        if len(line) > _LONGEST:
            raise SongspaceError(f"Line {number} of {name} is too long.")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield f"Line {number} of {name}", line


def _listen(document: dict[str, Any]) -> tuple[float, str, Entry]:
    about = document["track_metadata"]
    if not isinstance(about, dict):
        raise ValueError("it names no song")
    more, mapped = (_object(about.get(name)) for name in ("additional_info", "mbid_mapping"))
    mbid = _text(more.get("recording_mbid")) or _text(mapped.get("recording_mbid"))
    milliseconds = more.get("duration_ms")
    seconds = milliseconds / 1000 if isinstance(milliseconds, int | float) and milliseconds > 0 else None
    entry = Entry(
        title=_text(about.get("track_name")),
        artist=_text(about.get("artist_name")),
        album=_text(about.get("release_name")),
        duration=seconds,
        recording_mbid=mbid and mbid.lower(),
    )
    return _time(document.get("listened_at")), _text(more.get("media_player")) or "", entry


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value < _LATEST:
        return float(value)
    raise ValueError("a time is a number of seconds since 1970")


def _text(value: Any) -> str | None:
    return value[:_LONGEST_TEXT] if isinstance(value, str) and value else None
