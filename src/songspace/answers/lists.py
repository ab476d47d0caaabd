"""Playlists that a person has, as rows of the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from songspace import interchange
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.reporter import Reporter

_NAMED = 5  # entries that are named when they are unknown


def rows_of(
    library: Library,
    file: Path,
    songs: Sequence[Song],
    *,
    prefixes: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
) -> list[int]:
    """The rows of the songs that a playlist names, in its order; those that are away, or not there, are told.

    Raises
    ------
    SongspaceError
        If the file cannot be read, or the library has none of its songs.
    """
    at = library.catalog.song_at
    entries = interchange.understood(interchange.entries(file), songs, prefixes=prefixes, at=at)
    found = interchange.match(entries, songs, prefixes=prefixes, at=at)
    missing = [entry for entry, song in zip(entries, found, strict=True) if song is None]
    elsewhere = interchange.match(missing, library.catalog.away(), prefixes=prefixes) if missing else []
    away = [song.name for song in elsewhere if song is not None]
    unknown = [entry.label for entry, song in zip(missing, elsewhere, strict=True) if song is None]
    row_of = {song.id: row for row, song in enumerate(songs)}
    rows = [row_of[song.id] for song in found if song is not None and song.id in row_of]
    if not entries:
        raise SongspaceError(f"{file} names no songs.")
    if not rows and away:
        raise SongspaceError(f"Of the {len(entries)} songs of {file} none is here; away: {_listed(away)}.")
    if not rows:
        raise SongspaceError(f"The library has none of the {len(entries)} songs of {file}, as {unknown[0]}.")
    if reporter is not None:
        for names, where in ((away, "away"), (unknown, "not in the library")):
            if names:
                reporter.say(f"{len(names)} of {len(entries)} are {where}: {_listed(names)}.")
    return rows


def _listed(names: Sequence[str]) -> str:
    more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more
