"""Lyrics: of one song, and of a song that is named."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from typing import Any

from songspace.library import Song
from songspace.library.catalog import TAG_ENCODING
from songspace.library.lyrics import LARGEST, Lyrics, once, parse_file, read_lyrics
from songspace.library.names import plain
from songspace.server import media
from songspace.server.api.songs import search
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.problems import UnknownError

_LOOKED_AT = 5  # songs of one name


def _lyrics_of(call: Call, song: Song) -> list[Lyrics]:
    """Return the lyrics in the LRC file beside a song, then those in its tags.

    A song that is a part of its file has none: those of a file are of all its songs.
    """
    if song.start is not None or song.end is not None:
        return []
    catalog = call.at.library.catalog
    roots, encoding = media.shared(catalog), catalog.fact(TAG_ENCODING)
    found: list[Lyrics] = []
    for ending in (".lrc", ".LRC"):
        with suppress(OSError), media.open_beside(os.path.splitext(song.path)[0] + ending, roots) as file:
            data = file.read(LARGEST + 1)
            if len(data) <= LARGEST and (beside := parse_file(data, encoding)) is not None:
                found.append(beside)
            break
    with suppress(UnknownError, OSError), call.service.files.open(song, catalog) as file:
        found += read_lyrics(file, encoding)
    return once(found)


def _by_id(call: Call) -> Answered:
    song = call.song(call.text("id"))
    return {"lyricsList": {"structuredLyrics": [_structured(song, lyrics) for lyrics in _lyrics_of(call, song)]}}


def _structured(song: Song, lyrics: Lyrics) -> dict[str, Any]:
    """Return a ``structuredLyrics``."""
    lines = [
        {"value": line.text} if line.start is None else {"start": line.start, "value": line.text}
        for line in lyrics.lines
    ]
    facts: dict[str, Any] = {
        "displayArtist": song.artist or song.albumartist,
        "displayTitle": song.title,
        "lang": lyrics.language,
        "offset": lyrics.offset or None,
        "synced": lyrics.are_timed,
        "line": lines,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _by_name(call: Call) -> Answered:
    """Return the lyrics of the first song of a title, and of an artist, that has any; without times."""
    artist, title = call.text("artist", ""), call.text("title", "")
    for song in islice(_named(call, artist, title), _LOOKED_AT) if plain(title) else ():
        if found := _lyrics_of(call, song):
            lyrics = min(found, key=lambda one: one.are_timed)
            named = {"artist": song.artist or song.albumartist or artist, "title": song.title or title}
            return {"lyrics": {**named, "value": lyrics.text}}
    return {"lyrics": {"value": ""}}


def _named(call: Call, artist: str, title: str) -> list[Song]:
    wanted, by = plain(title), plain(artist)

    def is_by(song: Song) -> bool:
        names = (song.artist, song.albumartist, *song.artists)
        return not by or by in {plain(name) for name in names if name}

    # Songs without the title in their tags are found by the name of their file.
    found = [song for song in search(call.at.snapshot, title) if plain(_title(song)) == wanted and is_by(song)]
    return sorted(found, key=lambda song: song.start is not None)


def _title(song: Song) -> str:
    return song.title or os.path.splitext(os.path.basename(song.path))[0]


HANDLERS: dict[str, Handler] = {
    "getLyrics": _by_name,
    "getLyricsBySongId": _by_id,
}
