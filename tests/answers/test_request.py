"""The rules as a person gives them, for songs as their tags name artists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from songspace.answers.geometry import Kind, labelled
from songspace.answers.request import Ruling
from songspace.answers.view import View
from songspace.evaluation.labels import labels
from songspace.library import Song
from songspace.library.likes import History
from songspace.playlists.mixes.naming import name_lists
from songspace.space import Space

CREDITS = [
    "Mau",
    "Mau feat. Rob",
    "Kas & MAU",
    "Rob",
    "The Mau",
    *["Various Artists"] * 3,
    "Simon & Garfunkel",
    "Simons",
]


@pytest.fixture
def view() -> View:
    songs = [
        Song(number, f"/{number}.flac", 60.0, f"Song {number}", artist, genre="Jazz; Funk", genres=("Jazz", "Funk"))
        for number, artist in enumerate(CREDITS, 1)
    ]
    library: Any = None  # nothing is asked of it
    view = View(library, (Space.from_vectors(np.eye(len(songs)), ids=np.arange(1, len(songs) + 1)), songs))
    view.history = History()
    return view


def test_gaps_and_limits_count_every_artist_and_nobody_not_at_all(view: View) -> None:
    rules = Ruling(1, most_of_artist=2).rules(view, view.songs, view.space)
    assert rules.gaps_kept([5, 6, 7, 0, 8, 9])
    together = {(a, b) for a in range(10) for b in range(a + 1, 10) if not rules.gaps_kept([a, b])}
    assert together == {(0, 1), (0, 2), (0, 4), (1, 2), (1, 3), (1, 4), (2, 4)}
    assert rules.broken([0, 3, 2, 8, 4]) == ["Songs 1, 3, 5 are by one artist, and at most 2 may be."]


def test_where_an_artist_is_one_of_several(view: View) -> None:
    rules = Ruling(0, where="artist = mau").rules(view, view.songs, view.space)
    assert np.flatnonzero(~rules.barred).tolist() == [0, 1, 2, 4]


def test_regions_and_labels_are_those_of_the_first_artist_and_nobody_has_one(view: View) -> None:
    main = ["Mau", "Mau", "Kas", "Rob", "Mau", None, None, None, "Simon & Garfunkel", "Simons"]
    assert labelled(view, Kind.artists).labels == main
    genres = labelled(view, Kind.genres)
    assert (genres.units, set(genres.labels), genres.several) == (main, {"Jazz"}, 10)
    others = [replace(song, genres=(), genre="Jazz" if song.id % 2 else "Funk") for song in view.songs]
    assert labels(others, "genre").artists == tuple(main)


def test_a_mix_is_not_named_after_nobody(view: View) -> None:
    mau, various = (
        [song for song, artist in zip(view.songs, CREDITS, strict=True) if part in artist.lower()]
        for part in ("mau", "various")
    )
    first, second = name_lists([mau, various], view.songs)
    assert first.startswith("Mau") and "Various" not in second.replace("Around Various Artists", "")
