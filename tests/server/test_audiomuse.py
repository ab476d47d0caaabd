"""AudioMuse's contract: what its plugins for media servers ask, in the ids of the media server."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace import Space
from songspace.library import Catalog, Home, Song
from songspace.library.records import Link
from songspace.library.tags import Tags
from songspace.playlists.steps import smoothness
from songspace.server.app import create_app

TOKEN = "a-token-for-tests-only"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LEFT_OUT = 2  # of the songs, by their places: the media server does not have it


def item(song: Song) -> str:
    return f"server-{song.id}"


@pytest.fixture(scope="module")
def linked_home(learnt_home: Path, songs: list[Song], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that knows what a media server calls all of its songs but one."""
    home = Home(Path(shutil.copytree(learnt_home, tmp_path_factory.mktemp("linked") / "home")))
    with Catalog(home.catalog, write=True) as catalog:
        kept = [song for place, song in enumerate(songs) if place != LEFT_OUT]
        catalog.set_links("http://server", [Link(item(song), song.id, f"of {song.artist}") for song in kept])
        catalog.set_fact("links", "1")
    return home.folder


@pytest.fixture(scope="module")
def plugin(linked_home: Path, clients: Callable[..., TestClient]) -> TestClient:
    """A plugin, as Navidrome's: it brings the token and no other header."""
    return clients(create_app(linked_home, token=TOKEN), **BEARER)


@pytest.fixture
def get(plugin: TestClient) -> Callable[..., Any]:
    def call(path: str, status: int = 200, **query: Any) -> Any:
        got = plugin.get(f"/api/{path}", params=query)
        assert got.status_code == status and got.headers["content-type"] == "application/json", got.text
        if status != 200:
            assert got.json().keys() == {"error"} and isinstance(got.json()["error"], str)
        return got.json()

    return call


Get = Callable[..., Any]


def test_similar_tracks_are_those_of_the_space_that_the_server_has(
    get: Get, linked_home: Path, songs: list[Song]
) -> None:
    space = Space.open(Home(linked_home).space)
    song, gone = songs[5], songs[LEFT_OUT]
    rows, distances = space.neighbors(space.row(song.id), 17)
    by_hand = [
        (f"server-{id}", distance)
        for id, distance in zip(space.ids[rows].tolist(), distances.tolist(), strict=True)
        if id != gone.id
    ]
    told = get("similar_tracks", item_id=item(song), n=50, eliminate_duplicates="false", radius_similarity="false")
    assert [track["item_id"] for track in told] == [name for name, _ in by_hand] and len(told) == 16
    assert [track["distance"] for track in told] == pytest.approx([chord**2 / 2 for _, chord in by_hand], abs=1e-6)
    of = {item(one): one for one in songs}
    for track in told:
        one = of[track["item_id"]]
        assert track.keys() == {"item_id", "title", "author", "album", "album_artist", "distance"}
        assert (track["title"], track["author"], track["album"]) == (one.title, one.artist, one.album)
    named = get("similar_tracks", title="TUNE 5", artist=next(s.artist for s in songs if s.title == "Tune 5"), n=3)
    assert len(named) == 3


def test_a_plugin_shows_the_cosine(get: Get, linked_home: Path, songs: list[Song]) -> None:
    # Navidrome's turns a distance into a similarity: 1 - distance, from 0 to 1.
    space = Space.open(Home(linked_home).space)
    vectors = {f"server-{id}": vector for id, vector in zip(space.ids.tolist(), space.vectors, strict=True)}
    for song in songs[3:6]:
        told = get("similar_tracks", item_id=item(song), n=50, eliminate_duplicates="false")
        shown = [min(1.0, max(0.0, 1.0 - track["distance"])) for track in told]
        cosines = [float(vectors[item(song)] @ vectors[track["item_id"]]) for track in told]
        assert shown == pytest.approx([max(0.0, cosine) for cosine in cosines], abs=1e-5)
        assert max(shown) > 0.5


def test_similar_tracks_without_too_many_of_one_artist_and_in_an_order_that_flows(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = made_up(tmp_path, [Tags(title=f"Song number {n}", artist=f"Artist {n % 4}") for n in range(40)])
    client = clients(create_app(home))
    space = Space.open(Home(home).space)

    def asked(**query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("/api/similar_tracks", params={"item_id": "1", **query}).json()
        return found

    many, few = asked(n=20, eliminate_duplicates="false"), asked(n=20)
    assert len(many) == 20 and max(Counter(track["author"] for track in many).values()) > 3
    assert len(few) == 12 and set(Counter(track["author"] for track in few).values()) == {3}
    flowing = asked(n=20, eliminate_duplicates="false", radius_similarity="true")
    assert flowing[0] == many[0] and sorted(map(str, flowing)) == sorted(map(str, many))

    def mean_step(tracks: list[dict[str, Any]]) -> float:
        mean: float = smoothness(space, [space.row(int(track["item_id"])) for track in tracks]).mean
        return mean

    assert mean_step(flowing) < 0.9 * mean_step(many)


def test_a_path_leads_through_songs_of_the_server(get: Get, linked_home: Path, songs: list[Song]) -> None:
    space = Space.open(Home(linked_home).space)
    vectors = {f"server-{id}": vector for id, vector in zip(space.ids.tolist(), space.vectors, strict=True)}
    for steps, length in ((6, 6), (1, 2), (200, 17)):
        told = get("find_path", start_song_id=item(songs[0]), end_song_id=item(songs[17]), max_steps=steps)
        ids = [track["item_id"] for track in told["path"]]
        assert len(set(ids)) == len(ids) == length and item(songs[LEFT_OUT]) not in ids
        assert (ids[0], ids[-1]) == (item(songs[0]), item(songs[17]))
        angles = [math.acos(vectors[one] @ vectors[next]) / math.pi for one, next in pairwise(ids)]  # AudioMuse's steps
        assert told["total_distance"] == pytest.approx(sum(angles), abs=1e-4)
    assert "same" in get("find_path", 400, start_song_id=item(songs[0]), end_song_id=item(songs[0]))["error"]
    assert get("find_path", 400, start_song_id=item(songs[0]))
    assert get("find_path", 404, start_song_id=item(songs[0]), end_song_id=item(songs[LEFT_OUT]))


def test_similar_artists_by_the_servers_id_or_by_name(get: Get, songs: list[Song]) -> None:
    artist = songs[0].artist
    assert artist is not None
    told = get("similar_artists", artist=f"of {artist}", n=3, include_component_matches="true")
    assert told == get("similar_artists", artist=artist.upper(), n=3, include_component_matches="true")
    assert len(told) == 3 and artist not in {one["artist"] for one in told}
    assert [one["divergence"] for one in told] == sorted(one["divergence"] for one in told)
    by = {item(song): song.artist for song in songs}
    for one in told:
        assert one["artist_id"] == f"of {one['artist']}"
        [match] = one["component_matches"]
        assert {by[song["item_id"]] for song in match["artist1_representative_songs"]} == {artist}
        assert {by[song["item_id"]] for song in match["artist2_representative_songs"]} == {one["artist"]}
        assert all(song.keys() == {"item_id", "title"} for song in match["artist1_representative_songs"])
    bare = get("similar_artists", artist_id=f"of {artist}")
    assert len(bare) == 5 and all(one.keys() == {"artist", "artist_id", "divergence"} for one in bare)
    assert get("similar_artists", 404, artist="nobody") and get("similar_artists", 400)


def test_search(get: Get, songs: list[Song]) -> None:
    told = get("search_tracks", search_query="tune 1")
    assert {"Tune 1", "Tune 10"} <= {track["title"] for track in told}
    assert all(track.keys() == {"item_id", "title", "author", "album", "album_artist"} for track in told)
    assert get("search_tracks", search_query="tune 1", start=2, end=4) == told[2:4]
    assert [track["title"] for track in get("search_tracks", title="Tune 7", artist=songs[0].artist)] in (
        ["Tune 7"],
        [],
    )
    assert get("search_tracks") == get("search_tracks", search_query="tu") == []
    assert songs[LEFT_OUT].title not in [track["title"] for track in get("search_tracks", search_query="tune", end=99)]


def test_a_playlist_is_kept(plugin: TestClient, songs: list[Song]) -> None:
    ids = [item(songs[0]), {"item_id": item(songs[5])}, item(songs[0])]
    made = plugin.post("/api/create_playlist", json={"playlist_name": "From a plugin", "track_ids": ids})
    assert made.status_code == 201 and made.json().keys() == {"message", "playlist_id"}
    kept = plugin.get(f"/api/v1/playlists/{made.json()['playlist_id']}").json()
    assert (kept["title"], [song["id"] for song in kept["entries"]]) == ("From a plugin", [songs[0].id, songs[5].id])
    for body, status in (
        ({"playlist_name": "x", "track_ids": []}, 400),
        ({"track_ids": ids}, 400),
        ({"playlist_name": "x" * 201, "track_ids": ids}, 400),
        ({"playlist_name": 5, "track_ids": 6}, 400),
        ([], 400),
        (None, 400),
        ({"playlist_name": "x", "track_ids": ["nowhere"]}, 404),
    ):
        got = plugin.post("/api/create_playlist", json=body)
        assert got.status_code == status and got.json().keys() == {"error"}, body


def test_what_is_no_json_is_told_as_audiomuse_would(plugin: TestClient) -> None:
    for body in (b"{", b"", b"[" * 100_000, b"\xff", b'{"playlist_name": "x", "track_ids": ["1"]'):
        for kind in ("application/json", "text/plain"):
            got = plugin.post("/api/create_playlist", content=body, headers={"Content-Type": kind})
            assert got.status_code == 400 and got.headers["content-type"] == "application/json"
            assert "JSON" in got.json()["error"]


def test_what_is_wrong(get: Get, songs: list[Song]) -> None:
    assert "item_id" in get("similar_tracks", 400)["error"] and get("similar_tracks", 400, title="Tune 5")
    for id in ("nowhere", "1", "../../etc/passwd", "\x00", "é" * 900):
        assert get("similar_tracks", 404, item_id=id)
    assert get("similar_tracks", 404, title="No", artist="body")
    assert len(get("similar_tracks", item_id=item(songs[0]), n="many", eliminate_duplicates="false")) == 10


def test_only_with_the_token(linked_home: Path, clients: Callable[..., TestClient]) -> None:
    locked = clients(create_app(linked_home, token=TOKEN))
    for path in ("similar_tracks?item_id=server-1", "find_path", "similar_artists", "search_tracks"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            assert locked.get(f"/api/{path}", headers=headers).status_code == 401
    assert locked.get("/api/health").json() == {"status": "ok"}
    body = {"playlist_name": "x", "track_ids": ["server-1"]}
    assert locked.post("/api/create_playlist", json=body, headers={"X-Songspace": "1"}).status_code == 401


def test_without_a_token_nothing_is_written(client: TestClient) -> None:
    got = client.post("/api/create_playlist", json={"playlist_name": "x", "track_ids": ["1"]})  # with X-Songspace
    assert got.status_code == 400 and "token" in got.json()["error"]


def test_unlinked_ids_are_songspaces_own_until_there_are_links(
    learnt_home: Path, songs: list[Song], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    client = clients(create_app(home))
    own = client.get("/api/similar_tracks", params={"item_id": songs[0].id, "n": 3}).json()
    assert {int(track["item_id"]) for track in own} <= {song.id for song in songs}
    [artist, *_] = client.get("/api/similar_artists", params={"artist": songs[0].artist}).json()
    assert artist["artist_id"].startswith("ar-")
    assert "songspace link" in client.get("/api/similar_tracks", params={"item_id": "x"}).json()["error"]
    with Catalog(home.catalog, write=True) as catalog:  # as `songspace link`, while the server runs
        catalog.set_links("http://server", [Link(item(song), song.id) for song in songs])
        catalog.set_fact("links", "2")
    told = client.get("/api/similar_tracks", params={"item_id": item(songs[0]), "n": 3}).json()
    assert [track["item_id"] for track in told] == [f"server-{track['item_id']}" for track in own]
    assert client.get("/api/similar_tracks", params={"item_id": songs[0].id}).status_code == 404


def test_the_native_documents_stay_without_it(client: TestClient) -> None:
    told = json.dumps(client.get("/api/v1/openapi.json").json()["paths"])
    assert "/api/similar_tracks" not in told and "/rest/" not in told
