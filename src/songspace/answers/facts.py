"""What is told of a song."""

from __future__ import annotations

from typing import Any

from songspace.library.catalog import Song


def song_facts(song: Song) -> dict[str, Any]:
    """A song as it stands in every JSON answer."""
    return {
        "id": song.id,
        "path": song.path,
        "artist": song.artist,
        "title": song.title,
        "album": song.album,
        "genre": song.genre,
        "year": song.year,
        "duration": round(song.duration, 3),
        "part": song.start is not None,
    }
