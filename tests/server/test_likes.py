"""Likes over the API: what is told is kept, and lists, suggestions and radios follow."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home, Library, Song
from songspace.library.likes import Likes
from songspace.server.app import create_app

WRITE = {"X-Songspace": "1"}
Tell = Callable[..., Any]


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(learnt_home, tmp_path / "home"))


@pytest.fixture
def liking(home: Path, clients: Callable[..., TestClient]) -> TestClient:
    return clients(create_app(home), **WRITE)


@pytest.fixture
def tell(liking: TestClient) -> Tell:
    """Tells an event, which must be accepted."""

    def call(kind: str, *songs: Song, client: TestClient = liking, **more: Any) -> dict[str, Any]:
        response = client.post("/api/v1/likes", json={"kind": kind, "songs": [song.id for song in songs], **more})
        assert response.status_code == 200, response.text
        kept: dict[str, Any] = response.json()
        return kept

    return call


def ids(answer: Any, key: str = "songs") -> list[int]:
    assert answer.status_code == 200, answer.text
    return [song["id"] for song in answer.json()[key]]


def test_what_is_told_is_kept_and_listed(liking: TestClient, tell: Tell, home: Path) -> None:
    first, second, third, *_ = songs = Library(home).songs()
    assert tell("star", first, second, time=10.0) == {"kept": True}
    tell("rate", second, rating=5)
    tell("rate", third, rating=4)
    for time in (1.0, 2.0, 3.0):
        tell("play", third, time=time, player="a phone")
    tell("play", first, time=5.0)
    tell("unstar", second, time=20.0)
    for which, expected in {
        "starred": [first],
        "highest": [second, third],
        "frequent": [third, first],
        "recent": [first, third],
        "forgotten": [third, first],
        "skipped": [],
    }.items():
        assert ids(liking.get("/api/v1/likes", params={"which": which})) == [song.id for song in expected], which
    page = liking.get("/api/v1/likes", params={"which": "highest", "limit": 1, "offset": 1}).json()
    assert page["total"] == 2 and [song["id"] for song in page["songs"]] == [third.id]
    told = page["songs"][0]
    assert (told["rating"], told["plays"], told["played"], told["starred"], told["skips"]) == (4, 3, 3.0, None, 0)
    assert [event.player for event in Likes(Home(home).likes).events()].count("a phone") == 3
    assert len(songs) == 18  # the rest is on no list


def test_suggestions_come_from_what_is_liked_and_never_hold_what_was_skipped_twice(
    liking: TestClient, tell: Tell, home: Path
) -> None:
    songs = Library(home).songs()
    refused = liking.post("/api/v1/suggest", json={})
    assert refused.status_code == 422 and "No song is liked" in refused.json()["detail"]
    tell("star", *songs[:2])
    given = liking.post("/api/v1/suggest", json={"like": [song.id for song in songs[:2]], "count": 18}).json()
    own = liking.post("/api/v1/suggest", json={"count": 18}).json()
    assert own == given and not {song.id for song in songs[:2]} & {song["id"] for song in own["suggestions"]}
    skipped, disliked = (next(s for s in songs if s.id == own["suggestions"][place]["id"]) for place in (0, 1))
    tell("skip", skipped, time=1.0)
    assert skipped.id in ids(liking.post("/api/v1/suggest", json={"count": 18}), "suggestions")
    tell("skip", skipped, time=2.0)
    tell("rate", disliked, rating=1)
    left = ids(liking.post("/api/v1/suggest", json={"count": 18}), "suggestions")
    assert not {skipped.id, disliked.id} & {*left}
    for length in (8, 12):  # nor does a radio, but for a song that is asked for by name
        radio = {"song": songs[0].id, "length": length, "artist_gap": 0}
        assert not {skipped.id, disliked.id} & {*ids(liking.get("/api/v1/radio", params=radio))}
        assert ids(liking.get("/api/v1/radio", params=radio | {"song": skipped.id}))[0] == skipped.id
    order = liking.post("/api/v1/order", json={"songs": [song.id for song in songs]})
    assert {*ids(order)} == {song.id for song in songs}  # a list that the person made stays whole
    assert ids(liking.get("/api/v1/likes", params={"which": "skipped"})) == [
        song.id for song in songs if song in (skipped, disliked)
    ]


def test_an_answer_that_follows_the_likes_is_not_taken_from_a_cache(liking: TestClient, tell: Tell, home: Path) -> None:
    song, other, *_ = Library(home).songs()
    radio = {"song": song.id, "length": 6, "artist_gap": 0}
    first = liking.get("/api/v1/radio", params=radio)
    tagged = {"If-None-Match": first.headers["etag"]}
    assert liking.get("/api/v1/radio", params=radio, headers=tagged).status_code == 304
    tell("rate", other, rating=1)
    assert liking.get("/api/v1/radio", params=radio, headers=tagged).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "love", "songs": [1]},
        {"kind": "star", "songs": []},
        {"kind": "rate", "songs": [1]},
        {"kind": "star", "songs": [1], "rating": 3},
        {"kind": "rate", "songs": [1], "rating": 6},
        {"kind": "play", "songs": [1], "time": -1},
    ],
)
def test_what_is_no_event_is_refused(liking: TestClient, body: dict[str, Any], home: Path) -> None:
    assert liking.post("/api/v1/likes", json=body).status_code == 422
    assert not Home(home).likes.exists()


def test_a_server_without_history_keeps_nothing(home: Path, clients: Callable[..., TestClient], tell: Tell) -> None:
    song, *_ = Library(home).songs()
    client = clients(create_app(home, keeps_history=False), **WRITE)
    assert tell("play", song, client=client) == tell("skip", song, client=client) == {"kept": False}
    refused = client.post("/api/v1/likes", json={"kind": "star", "songs": [song.id]})
    assert refused.status_code == 409 and "--no-history" in refused.json()["detail"]
    assert client.post("/api/v1/likes", json={"kind": "star", "songs": [10**6]}).status_code in (404, 409)
    assert not Home(home).likes.exists()


def test_a_damaged_file_stops_stars_and_nothing_else(
    home: Path, clients: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    song, *_ = Library(home).songs()
    Home(home).likes.write_bytes(b"not a database" * 1000)
    client = clients(create_app(home), **WRITE)
    said: list[str] = []
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "error", lambda text, *more: said.append(text % more))
    for _ in range(3):
        assert ids(client.get("/api/v1/radio", params={"song": song.id, "length": 5, "artist_gap": 0}))
    assert len(said) == 1 and "likes.sqlite" in said[0]
    refused = client.post("/api/v1/likes", json={"kind": "star", "songs": [song.id]})
    assert refused.status_code == 422 and "cannot be written" in refused.json()["detail"]


def test_artists_and_albums_are_compared_over_the_api(liking: TestClient, home: Path) -> None:
    songs = Library(home).songs()
    artist = songs[0].artist
    near = liking.get("/api/v1/similar/artists", params={"artist": artist, "count": 3}).json()
    assert near["artist"] == artist and len(near["similar"]) == 3
    distances = [one["distance"] for one in near["similar"]]
    assert distances == sorted(distances) and artist not in {one["artist"] for one in near["similar"]}
    for one in near["similar"]:
        assert one["song"]["artist"] == one["artist"]
        assert one["songs"] == sum(song.artist == one["artist"] for song in songs)
    unknown = liking.get("/api/v1/similar/artists", params={"artist": f"{artist}x"})
    assert unknown.status_code == 404 and artist in unknown.json()["detail"]
    radio = ids(liking.get("/api/v1/radio", params={"artist": artist, "length": 9}))
    by = {song.id: song.artist for song in songs}
    assert len(radio) == 9 and by[radio[0]] == artist and len({by[id] for id in radio}) > 1
    assert liking.get("/api/v1/radio").status_code == 422
    album = f"{artist} - {songs[0].album}"
    albums = liking.get("/api/v1/similar/albums", params={"album": album, "count": 2}).json()
    assert (albums["album"], albums["artist"], len(albums["similar"])) == (songs[0].album, artist, 2)
