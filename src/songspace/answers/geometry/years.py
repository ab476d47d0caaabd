"""An artist's way through the years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from songspace.answers.facts import song_facts
from songspace.answers.geometry.labelled import Labelled, artists
from songspace.answers.geometry.numbers import rounded_number

if TYPE_CHECKING:
    from songspace.geometry import Years


def find_years(asked: Labelled, artist: str) -> Years:
    """An artist's way through the years."""
    from songspace import geometry as rooms

    songs = asked.songs
    return rooms.through_years(
        asked.space,
        artists(songs),
        rooms.album_labels(songs),
        [song.year for song in songs],
        artist,
        labels=asked.labels,
    )


def years_facts(asked: Labelled, found: Years) -> dict[str, Any]:
    """A way through the years as JSON knows it."""
    yardstick = found.of_one_artist
    return {
        "artist": found.artist,
        "station": found.kind,
        "stations": [
            {
                "name": station.name,
                "year": station.year,
                "songs": [song_facts(asked.songs[row]) for row in station.rows],
                "moved": rounded_number(station.moved),
                "farther_than": rounded_number(station.farther_than),
                "nearest": [{"name": name, "distance": round(distance, 4)} for name, distance in station.nearest],
            }
            for station in found.stations
        ],
        "left_out": found.left_out,
        "two_albums_of_one_artist": {
            "pairs": len(yardstick),
            "median": round(float(np.median(yardstick)), 4) if len(yardstick) else None,
        },
        "two_songs_of_different_artists": rounded_number(found.of_others),
        "drift": {
            "albums": found.drift.albums,
            "correlation": rounded_number(found.drift.correlation),
            "p": rounded_number(found.drift.p),
        },
    }
