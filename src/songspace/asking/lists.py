"""Playlists that a person has, as rows of the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.playlists import files
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
    """The rows of the songs that a playlist names, in its order; those that the library lacks are told.

    Raises
    ------
    SongspaceError
        If the file cannot be read, or the library has none of its songs.
    """
    at = library.catalog.song_at
    entries = files.understood(files.entries(file), songs, prefixes=prefixes, at=at)
    found = files.match(entries, songs, prefixes=prefixes, at=at)
    unknown = [entry.label for entry, song in zip(entries, found, strict=True) if song is None]
    row_of = {song.id: row for row, song in enumerate(songs)}
    rows = [row_of[song.id] for song in found if song is not None and song.id in row_of]
    if not entries:
        raise SongspaceError(f"{file} names no songs.")
    if not rows:
        raise SongspaceError(f"The library has none of the {len(entries)} songs of {file}, as {unknown[0]}.")
    if unknown and reporter is not None:
        more = f"; and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        reporter.say(f"{len(unknown)} of {len(entries)} are not in the library: {'; '.join(unknown[:_NAMED])}{more}.")
    return rows
