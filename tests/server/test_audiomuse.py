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

import numpy as np
import pytest
from starlette.testclient import TestClient

from songspace import Space
from songspace.library import Catalog, Home, Song
from songspace.library.likes import Event, EventKind, Likes
from songspace.library.progress import Telling
from songspace.library.records import Link
from songspace.library.tags import Tags
from songspace.library.words import Words
from songspace.playlists.steps import smoothness
from songspace.reporter import Reporter
from songspace.server.app import create_app
from songspace.server.work import Outcome

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
        [match, *_] = one["component_matches"]
        assert [pair["distance"] for pair in one["component_matches"]] == sorted(
            pair["distance"] for pair in one["component_matches"]
        )
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


def angles(space: Space, song: int) -> dict[int, float]:
    """The angle of each song to one, as AudioMuse measures it: from 0 to 1."""
    cosines = np.clip(space.vectors @ space.vectors[space.row(song)], -1, 1)
    return dict(zip(space.ids.tolist(), (np.arccos(cosines) / np.pi).tolist(), strict=True))


def test_the_farthest_song(get: Get, linked_home: Path, songs: list[Song]) -> None:
    space = Space.open(Home(linked_home).space)
    told = get("max_distance", item_id=item(songs[5]))
    cosines = {
        f"server-{id}": float(vector @ space.vectors[space.row(songs[5].id)])
        for id, vector in zip(space.ids.tolist(), space.vectors, strict=True)
        if id != songs[LEFT_OUT].id
    }
    assert told["farthest_item_id"] == min(cosines, key=cosines.__getitem__)
    assert told["max_distance"] == pytest.approx(1 - min(cosines.values()), abs=1e-5)
    assert "item_id" in get("max_distance", 400)["error"] and get("max_distance", 404, item_id="nowhere")


def test_a_track(get: Get, songs: list[Song]) -> None:
    assert get("track", item_id=item(songs[5]))["title"] == songs[5].title
    assert get("track", 400) and get("track", 404, item_id=item(songs[LEFT_OUT]))


Post = Callable[..., Any]


@pytest.fixture
def post(plugin: TestClient) -> Post:
    def call(path: str, body: Any, status: int = 200) -> Any:
        got = plugin.post(f"/api/{path}", json=body)
        assert got.status_code == status and got.headers["content-type"] == "application/json", got.text
        return got.json()

    return call


def test_alchemy_adds_and_subtracts(post: Post, linked_home: Path, songs: list[Song]) -> None:
    space = Space.open(Home(linked_home).space)
    of = {item(song): song for song in songs}
    add, subtract = songs[5], songs[11]
    near, away = angles(space, add.id), angles(space, subtract.id)
    items = [{"id": item(add), "op": "ADD"}]
    alone = post("alchemy", {"items": items, "n": 6})
    assert alone.keys() == {"results", "filtered_out", "centroid_2d", "add_points", "sub_points"}
    assert 0 < len(alone["results"]) <= 6 and alone["filtered_out"] == alone["sub_points"] == []
    assert [(point["item_id"], point["type"]) for point in alone["add_points"]] == [(item(add), "song")]
    assert post("alchemy", {"items": items, "n": 6, "temperature": 3}) == alone  # the same answer each time
    items.append({"id": item(subtract), "op": "subtract", "type": "song"})
    told = post("alchemy", {"items": items, "n": "200", "subtract_distance": 0.3})
    ids = [of[one["item_id"]].id for one in told["results"]]
    assert len(set(ids)) == len(ids) > 0 and not {add.id, subtract.id, songs[LEFT_OUT].id} & {*ids}
    for one, id in zip(told["results"], ids, strict=True):
        assert one["distance"] == pytest.approx(near[id], abs=1e-4)
        assert away[id] >= 0.3 and near[id] < away[id]  # nothing near what is subtracted
        assert {"item_id", "title", "author", "album", "album_artist", "distance", "embedding_2d"} == one.keys()
    left_out = [of[one["item_id"]].id for one in told["filtered_out"]]
    assert all(away[id] < 0.3 and near[id] <= max(near[other] for other in ids) for id in left_out)
    assert not {*left_out} & {*ids}


def test_alchemy_of_artists_and_playlists(post: Post, plugin: TestClient, songs: list[Song]) -> None:
    artist, other = (song.artist for song in (songs[0], songs[17]))
    by = {item(song): song.artist for song in songs}
    items = [{"id": f"of {artist}", "op": "ADD", "type": "artist"}, {"id": other, "op": "SUBTRACT", "type": "artist"}]
    told = post("alchemy", {"items": items})
    assert told["add_points"][0]["title"] == artist and told["sub_points"][0]["title"] == other
    assert told["results"] and not {artist, other} & {by[one["item_id"]] for one in told["results"]}
    body = {"playlist_name": "To add", "track_ids": [item(songs[0]), item(songs[1])]}
    id = plugin.post("/api/create_playlist", json=body).json()["playlist_id"]
    told = post("alchemy", {"items": [{"id": id, "op": "ADD", "type": "playlist"}, {"id": "x", "op": "ADD"}]})
    assert [point["title"] for point in told["add_points"]] == ["To add"]  # what is unknown is left out
    assert told["results"] and not {item(songs[0]), item(songs[1])} & {one["item_id"] for one in told["results"]}


def test_alchemy_of_sets_that_share_songs(post: Post, songs: list[Song]) -> None:
    artist = songs[0].artist
    own = [item(song) for song in songs if song.artist == artist and song.id != songs[LEFT_OUT].id]
    whole = {"id": f"of {artist}", "type": "artist"}
    told = post("alchemy", {"items": [whole | {"op": "ADD"}, {"id": own[0], "op": "SUBTRACT"}], "subtract_distance": 0})
    assert own[0] not in [one["item_id"] for one in told["results"]] and told["results"]
    told = post("alchemy", {"items": [{"id": own[0], "op": "ADD"}, whole | {"op": "SUBTRACT"}], "subtract_distance": 0})
    assert not {*own} & {one["item_id"] for one in told["results"]}
    assert post("alchemy", {"items": [whole | {"op": "ADD"}, whole | {"op": "SUBTRACT"}]}, 400).keys() == {"error"}
    items = [whole | {"op": "ADD"}, *({"id": id, "op": "SUBTRACT"} for id in own)]
    assert post("alchemy", {"items": items}, 200 if songs[LEFT_OUT].artist == artist else 400)  # if one is left


@pytest.mark.parametrize(
    ("items", "status"),
    [
        (None, 400),
        ([], 400),
        ([{"id": "server-1", "op": "SUBTRACT"}], 400),
        ([{"id": 5, "op": "ADD"}, {"op": "ADD"}, 7, {"id": "server-1", "op": []}], 400),
        ([{"id": "nowhere", "op": "ADD"}], 404),
        ([{"id": "1", "op": "ADD", "type": "anchor"}], 400),
        ([{"id": "happy", "op": "ADD", "type": "mood"}], 400),
        ([{"id": "server-1", "op": "ADD"}, {"id": "server-1", "op": "SUBTRACT"}], 400),
    ],
)
def test_alchemy_of_nothing(post: Post, items: Any, status: int) -> None:
    assert post("alchemy", {"items": items}, status).keys() == {"error"}


def test_alchemy_that_leaves_nothing(post: Post, songs: list[Song]) -> None:
    items = [{"id": item(songs[0]), "op": "ADD"}, {"id": item(songs[5]), "op": "SUBTRACT"}]
    told = post("alchemy", {"items": items, "subtract_distance": 1.1, "n": float("1e300")})
    assert told["results"] == [] and len(told["filtered_out"]) == 15  # of 18: one is not on the server, two are named


def test_search_by_what_words_mean(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = Home(made_up(tmp_path, [Tags(title=f"Song number {n}", artist=f"Artist {n}") for n in range(8)]))
    likeness = np.random.default_rng(5).normal(size=(8, 2))
    Words.of(["sad", "female vocalists"], np.arange(1, 9), likeness, "made-up").save(home.words)
    client = clients(create_app(home, token=TOKEN), **BEARER)

    def asked(**body: Any) -> Any:
        got = client.post("/api/clap/search", json=body)
        assert got.status_code == 200, got.text
        return got.json()

    told = asked(query="Sad", limit=3)
    by_hand = np.argsort(-likeness[:, 0])[:3] + 1
    assert told["query"] == "Sad" and told["count"] == 3
    assert [one["item_id"] for one in told["results"]] == [str(id) for id in by_hand]
    assert [one["similarity"] for one in told["results"]] == pytest.approx([1, 6 / 7, 5 / 7], abs=1e-6)
    assert (
        len(asked(query="sad female vocalists")["results"]) == len(asked(query="sad", n=-5, limit="x")["results"]) == 8
    )
    for body in ({}, {"query": " "}, {"query": 5}, {"query": "cheerful"}):  # of the last word, the ear knows nothing
        got = client.post("/api/clap/search", json=body)
        assert got.status_code == 400 and got.json().keys() == {"error"}


def test_playlists_are_those_that_are_kept(
    linked_home: Path, songs: list[Song], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    client = clients(create_app(Path(shutil.copytree(linked_home, tmp_path / "home")), token=TOKEN), **BEARER)
    shutil.rmtree(tmp_path / "home" / "playlists", ignore_errors=True)
    assert client.get("/api/playlists").json() == {"multi_server": False, "servers": []}
    body = {"name": "Evening", "songs": [songs[0].id, songs[LEFT_OUT].id, songs[5].id]}
    body["title"] = body.pop("name")
    assert client.post("/api/v1/playlists", json=body).status_code in (200, 201)
    [server] = client.get("/api/playlists").json()["servers"]
    assert server["playlists"] == {
        "Evening": [
            {"item_id": item(song), "title": song.title, "author": song.artist} for song in (songs[0], songs[5])
        ]
    }


def test_a_fingerprint_of_what_is_liked(
    linked_home: Path, songs: list[Song], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = Home(Path(shutil.copytree(linked_home, tmp_path / "home")))
    client, path = clients(create_app(home, token=TOKEN), **BEARER), "/api/sonic_fingerprint/generate"
    assert client.get(path, params={"jellyfin_user_identifier": "ann"}).json() == []  # nothing is liked yet
    stars = [Event.of(EventKind.star, song, 5.0 + number) for number, song in enumerate((songs[0], songs[LEFT_OUT]))]
    plays = [Event.of(EventKind.play, songs[5], 10.0 + number) for number in range(4)]
    skips = [Event.of(EventKind.rate, songs[9], 20.0, value=1)]
    Likes(home.likes).add([*stars, *plays, *skips])
    told = client.get(path, params={"jellyfin_user_identifier": "ann", "n": "6"}).json()
    assert [(one["item_id"], one["distance"]) for one in told[:2]] == [(item(songs[5]), 0), (item(songs[0]), 0)]
    assert 2 < len(told) <= 6 and len({one["item_id"] for one in told}) == len(told)
    assert all(0 < one["distance"] <= 2 for one in told[2:])
    assert not {item(songs[9]), item(songs[LEFT_OUT])} & {one["item_id"] for one in told}
    assert client.post(path, json={"n": 6, "jellyfin_token": "a secret"}).json() == told
    assert len(client.post(path, json={"n": 1}).json()) == 1
    assert client.get(path, params={"n": "many"}).status_code == 400
    for body in (b"", b"{"):
        got = client.post(path, content=body)
        assert got.status_code == 400 and got.json().keys() == {"error"}


def test_runs_on_the_library_are_tasks(linked_home: Path, clients: Callable[..., TestClient], tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(linked_home, tmp_path / "home")))
    app = create_app(home, token=TOKEN)
    client = clients(app, **BEARER)
    assert client.get("/api/active_tasks").json() == {}
    assert client.get("/api/last_task").json()["status"] == "NO_PREVIOUS_MAIN_TASK"
    unknown = client.get("/api/status/5")
    assert unknown.status_code == 404 and unknown.json()["state"] == "UNKNOWN"
    with home.lock():  # as `songspace update` in a terminal
        telling = Telling(home, "update", Reporter())
        telling.progress("listening", 1, 4)
        active = client.get("/api/active_tasks").json()
        assert (active["task_type"], active["status"]) == ("main_analysis", "RUNNING") and active["task_id"]
        assert 0 <= active["progress"] <= 100 and active["running_time_seconds"] >= 0
        assert client.get("/api/last_task").json()["task_id"] == active["task_id"]
        assert client.get(f"/api/status/{active['task_id']}").json()["state"] == "RUNNING"
    assert client.get("/api/active_tasks").json() == {}
    service_of_app(app).updates.last = Outcome(False, "No disk.", 7.0)
    last = client.get("/api/last_task").json()
    assert (last["status"], last["details"]["log"]) == ("FAIL", ["No disk."])
    assert client.get(f"/api/status/{last['task_id']}").json()["status_message"] == "No disk."


def service_of_app(guard: Any) -> Any:
    return guard.app.state.service


def test_settings_are_those_of_the_answers(get: Get, post: Post, songs: list[Song]) -> None:
    told = get("config")
    assert (told["path_distance_metric"], told["ai_model_provider"]) == ("angular", "NONE")
    items = [{"id": item(songs[0]), "op": "ADD"}, {"id": item(songs[9]), "op": "SUBTRACT"}]
    radius = told["alchemy_subtract_distance_angular"]
    assert post("alchemy", {"items": items}) == post("alchemy", {"items": items, "subtract_distance": radius})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/clap/top_queries", 400),
        ("POST", "/api/lyrics/search/text", 400),
        ("POST", "/api/sem_grove/search", 404),
        ("POST", "/api/hyperbolic/similar", 400),
        ("POST", "/api/analysis/start", 400),
        ("POST", "/api/clustering/start", 400),
        ("POST", "/api/cleaning/start", 400),
        ("POST", "/api/cancel/some-task", 400),
        ("POST", "/chat/api/chatPlaylist", 400),
        ("GET", "/api/anchors", 404),
        ("DELETE", "/api/radios/5", 404),
        ("GET", "/api/map", 404),
    ],
)
def test_what_songspace_cannot_do_is_said_as_audiomuse_says_it(
    plugin: TestClient, method: str, path: str, status: int
) -> None:
    got = plugin.request(method, path)
    assert got.status_code == status and got.headers["content-type"] == "application/json"
    assert got.json()["error"].endswith(".") and got.json().keys() <= {"error", "results"}


def test_an_encoder_without_words_is_told_like_a_search_that_is_switched_off(post: Post) -> None:
    told = post("clap/search", {"query": "sad piano"}, 400)
    assert told["results"] == [] and "knows no words" in told["error"]


def test_what_audiomuse_says_without_an_error(plugin: TestClient) -> None:
    stopped = plugin.post("/api/cancel_all/main_analysis")
    assert stopped.status_code == 404 and "main_analysis" in stopped.json()["message"]
    assert plugin.get("/chat/api/config_defaults").json() == {"default_ai_provider": "NONE"}
    assert plugin.post("/chat/api/create_playlist", json={}).json().keys() == {"message"}


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
    calls = ("similar_tracks?item_id=server-1", "find_path", "similar_artists", "search_tracks", "max_distance")
    for path in (*calls, "track", "playlists", "config", "active_tasks", "last_task", "sonic_fingerprint/generate"):
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


def test_each_server_is_answered_in_its_own_ids(
    learnt_home: Path, songs: list[Song], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    with Catalog(home.catalog, write=True) as catalog:
        catalog.set_links("http://b.example:1/x", [Link(f"b{s.id}", s.id, f"b of {s.artist}") for s in songs])
        catalog.set_links("http://a.example:1", [Link(f"a{s.id}", s.id, f"a of {s.artist}") for s in songs[:12]])
        catalog.set_fact("links", "1")
    client = clients(create_app(home))

    def asked(path: str, status: int = 200, **query: Any) -> str:
        got = client.get(f"/api/{path}", params=query)
        assert got.status_code == status, got.text
        return "".join(sorted({item[0] for item in ids_in(got.json())}))

    def ids_in(value: Any) -> list[str]:
        if isinstance(value, list):
            return [id for one in value for id in ids_in(one)]
        if isinstance(value, dict):
            own = [one for name, one in value.items() if name in ("item_id", "artist_id", "farthest_item_id")]
            return own + [id for one in value.values() for id in ids_in(one)]
        return []

    first, last, artist = songs[0].id, songs[9].id, songs[0].artist
    for server in "ab":
        assert asked("similar_tracks", item_id=f"{server}{first}") == server
        assert asked("max_distance", item_id=f"{server}{first}") == server
        assert asked("find_path", start_song_id=f"{server}{first}", end_song_id=f"{server}{last}") == server
        told = asked("similar_artists", artist=f"{server} of {artist}", include_component_matches="true")
        assert told == server
    assert asked("find_path", 404, start_song_id=f"a{first}", end_song_id=f"b{last}") == ""
    assert asked("search_tracks", search_query="tune") == "b"  # it has more songs
    for name in ("http://a.example:1", "a.example:1/", "A.EXAMPLE"):
        assert asked("search_tracks", search_query="tune", server=name) == "a"
    assert asked("similar_tracks", 400, item_id=f"a{first}", server="elsewhere") == ""
    assert asked("similar_tracks", 404, item_id=f"a{first}", server="b.example:1/x") == ""
    for server, host in (("a", "a.example"), ("b", "b.example:1/x")):
        body = {"items": [{"id": artist, "op": "ADD", "type": "artist"}], "server": host}
        got = client.post("/api/alchemy", json=body, headers={"X-Songspace": "1"}).json()
        assert {one["item_id"][0] for one in got["results"]} == {server}


def test_the_native_documents_stay_without_it(client: TestClient) -> None:
    told = json.dumps(client.get("/api/v1/openapi.json").json()["paths"])
    assert "/api/similar_tracks" not in told and "/rest/" not in told
