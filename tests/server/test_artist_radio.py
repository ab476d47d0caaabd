"""Radios of players: an artist and similar ones in turns, and nothing that the listener does not want."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home, Library, Song
from songspace.library.likes import Event, EventKind, Likes
from songspace.server.app import create_app
from songspace.server.user import User

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Home:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    User("ann", "sesame").save(home.user)
    return home


@pytest.fixture
def listed(home: Home, clients: Callable[..., TestClient]) -> Ask:
    """The songs that a call lists."""
    client = clients(create_app(home.folder))

    def call(name: str, outer: str, **parameters: object) -> list[dict[str, Any]]:
        own = {"u": "ann", "p": "sesame", "v": "1.16.1", "c": "tests", "f": "json"}
        told = client.get(f"/rest/{name}", params=own | parameters).json()["subsonic-response"]
        assert told["status"] == "ok", told
        songs: list[dict[str, Any]] = told[outer]["song"]
        return songs

    return call


@pytest.fixture
def artist(home: Home, listed: Ask) -> dict[str, Any]:
    """The first song, as players see it: with the ids of its artist."""
    songs = listed("search3", "searchResult3", query="")
    return min(songs, key=lambda song: song["path"])


def test_an_artist_and_similar_ones_take_turns(listed: Ask, artist: dict[str, Any]) -> None:
    songs = listed("getSimilarSongs2", "similarSongs2", id=artist["artistId"], count=18)
    assert len({song["id"] for song in songs}) == 18  # all songs, each once
    turns = [song["artistId"] for song in songs]
    assert turns[0] == artist["artistId"] and len({*turns[:6]}) == 6 and turns[:6] == turns[6:12]
    assert [song["id"] for song in songs[:5]] == [
        song["id"] for song in listed("getSimilarSongs", "similarSongs", id=artist["artistId"], count=5)
    ]


@pytest.mark.parametrize("kind", ["id", "artistId", "albumId"])
def test_what_is_not_wanted_is_left_out_and_the_number_is_kept(
    listed: Ask, artist: dict[str, Any], home: Home, kind: str
) -> None:
    before = listed("getSimilarSongs2", "similarSongs2", id=artist[kind], count=8)
    by_id: dict[int, Song] = {song.id: song for song in Library(home.folder).songs()}
    out = by_id[int(before[2]["id"])]
    Likes(home.likes).add([Event.of(EventKind.skip, out, float(time)) for time in (1, 2)])
    after = [song["id"] for song in listed("getSimilarSongs2", "similarSongs2", id=artist[kind], count=8)]
    assert len(after) == 8 and str(out.id) not in after
    assert [song["id"] for song in before if song["id"] != str(out.id)] == after[:7]


def test_what_is_played_most_is_on_top(listed: Ask, artist: dict[str, Any], home: Home) -> None:
    typical = listed("getTopSongs", "topSongs", artist=artist["artist"])
    last = Library(home.folder).catalog.song(int(typical[-1]["id"]))
    assert last is not None
    Likes(home.likes).add([Event.of(EventKind.play, last, 1.0)])
    top = listed("getTopSongs", "topSongs", artist=artist["artist"])
    assert [song["id"] for song in top] == [typical[-1]["id"], *(song["id"] for song in typical[:-1])]
