"""The native API: what each route answers, what it refuses, and that it tells the same as the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient
from typer.testing import Result

from songspace import Space, interchange
from songspace.answers.geometry import BetweenAnswer, RegionsAnswer, YearsAnswer
from songspace.answers.mixes import Mixes
from songspace.answers.playlists import PlaylistAnswer, RemarkedPlaylist
from songspace.answers.similar import SimilarSongs
from songspace.answers.state import Quality
from songspace.answers.suggestions import Suggestions
from songspace.library import Home, Song
from songspace.library.tags import Tags
from songspace.server.api.maps import Computing, Map
from songspace.server.api.playlists import SavedInFull
from songspace.server.api.songs import SongInFull, Songs
from songspace.server.api.status import Status
from songspace.server.app import create_app
from songspace.server.saved import Saved, SavedPlaylist

Run = Callable[..., Result]


@pytest.fixture
def get(client: TestClient) -> Callable[..., Any]:
    """The answer of a route that must succeed, and be what its model says."""

    def call(path: str, model: type[Any], **query: Any) -> Any:
        response = client.get(f"/api/v1{path}", params=query)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        TypeAdapter(model).validate_python(response.json())
        return response.json()

    return call


Get = Callable[..., Any]


def problem(response: Any, status: int) -> str:
    """The sentence of a refusal."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status and told["type"] == "about:blank"
    sentence: str = told["detail"]
    assert sentence[-1] in ".?" and "\n" not in sentence
    return sentence


# Songs


def test_pages_of_songs_hold_all_of_them_once(get: Get, songs: list[Song]) -> None:
    found, offset = [], 0
    while offset is not None:
        page = get("/songs", Songs, limit=5, offset=offset)
        assert page["total"] == 18 and page["offset"] == offset
        found += [song["id"] for song in page["songs"]]
        offset = page["next"]
    assert found == [song.id for song in songs]


def test_songs_are_found_by_words_in_any_order_and_by_filters(get: Get) -> None:
    assert [song["title"] for song in get("/songs", Songs, q="TUNE 7!")["songs"]] == ["Tune 7", "Tune 17"]
    assert get("/songs", Songs, q="7 tune artist")["total"] == 2
    first = get("/songs", Songs, q="tune 1")["songs"][:9]  # before those that have a 1 somewhere else
    assert {song["title"] for song in first} == {"Tune 1", *(f"Tune {number}" for number in range(10, 18))}
    late = get("/songs", Songs, where="year >= 2000 and genre = low")["songs"]
    assert late and all(song["year"] >= 2000 and song["genre"] == "Low" for song in late)
    assert get("/songs", Songs, q="nothing like it") == {"songs": [], "total": 0, "offset": 0, "next": None}
    assert get("/songs", Songs, q="!?")["total"] == 0


def test_those_whose_title_begins_so_come_first(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    titles = ["A Deep Blue", "Blue Moon", "Out of the Blue", "Blue"]
    home = made_up(tmp_path, [Tags(title=title, artist="Somebody") for title in titles])
    found = clients(create_app(home)).get("/api/v1/songs", params={"q": "blue"}).json()["songs"]
    assert [song["title"] for song in found] == ["Blue Moon", "Blue", "A Deep Blue", "Out of the Blue"]


def test_one_song(get: Get, songs: list[Song]) -> None:
    told = get(f"/songs/{songs[3].id}", SongInFull)
    assert (told["name"], told["path"], told["in_space"]) == (songs[3].name, songs[3].path, True)


@pytest.mark.parametrize("route", ["", "/neighbours", "/audio", "/cover"])
def test_a_song_that_is_not_there(client: TestClient, route: str) -> None:
    assert problem(client.get(f"/api/v1/songs/999{route}"), 404) == "There is no song 999."


# The same as the command line


def test_neighbours_are_those_of_the_command_line(get: Get, run: Run, songs: list[Song]) -> None:
    song = songs[5].id
    for options, query in (((), {}), (("--explain",), {"explain": True})):
        told = get(f"/songs/{song}/neighbours", SimilarSongs, count=4, **query)
        assert told == json.loads(run("similar", song, "-n", 4, "--json", *options).stdout)
    several = get("/similar", SimilarSongs, song=[song, songs[8].id])
    assert several == json.loads(run("similar", song, songs[8].id, "--json").stdout)


def test_a_radio_is_that_of_the_command_line(get: Get, run: Run, songs: list[Song]) -> None:
    song, away = songs[5].id, songs[12].id
    query = {"song": song, "minus": away, "length": 6, "variety": 0.5, "seed": 3, "artist_gap": 1, "explain": True}
    told = get("/radio", PlaylistAnswer, **query)
    options = ("--minus", away, "--length", 6, "--variety", 0.5, "--seed", 3, "--artist-gap", 1, "--explain")
    assert told == json.loads(run("playlist", song, *options, "--json").stdout)
    assert [song["id"] for song in get("/radio", PlaylistAnswer, song=song, minutes=1)["songs"]] == [
        song["id"] for song in json.loads(run("playlist", song, "--minutes", 1, "--json").stdout)["songs"]
    ]


def test_a_path_is_that_of_the_command_line(get: Get, run: Run, songs: list[Song]) -> None:
    start, via, end = songs[0].id, songs[9].id, songs[17].id
    told = get("/path", PlaylistAnswer, start=start, end=end, via=via, length=7, where="year < 2006")
    asked = ("playlist", start, "--to", end, "--via", via, "--length", 7, "--where", "year < 2006", "--json")
    assert told == json.loads(run(*asked).stdout)


def test_an_order_is_that_of_the_command_line(client: TestClient, run: Run, songs: list[Song], tmp_path: Path) -> None:
    listed = [songs[number] for number in (0, 9, 3, 12, 6, 3)]
    file = interchange.write(tmp_path / "list.m3u8", listed)
    asked = {"songs": [song.id for song in listed], "first": songs[3].id, "explain": True}
    told = client.post("/api/v1/order", json=asked).json()
    TypeAdapter(RemarkedPlaylist).validate_python(told)
    by_hand = json.loads(run("playlist", "--order", file, "--first", songs[3].id, "--explain", "--json").stdout)
    assert told["songs"] == by_hand["songs"] and told["steps"] == by_hand["steps"]
    assert told["remarks"] == ["1 songs of the list are left out, by the filters or because they come twice."]


def test_mixes_are_those_of_the_command_line(get: Get, run: Run) -> None:
    told = get("/mixes", Mixes, count=2, length=4, seed=2)
    assert told == json.loads(run("mixes", "--count", 2, "--length", 4, "--seed", 2, "--json").stdout)


def test_suggestions_are_those_of_the_command_line(
    client: TestClient, run: Run, songs: list[Song], tmp_path: Path
) -> None:
    liked, disliked = songs[:4], songs[15:17]
    like, dislike = interchange.write(tmp_path / "a.m3u8", liked), interchange.write(tmp_path / "b.m3u8", disliked)
    asked = {"like": [song.id for song in liked], "dislike": [song.id for song in disliked], "count": 5}
    told = client.post("/api/v1/suggest", json=asked).json()
    TypeAdapter(Suggestions).validate_python(told)
    assert told == json.loads(run("suggest", "--like", like, "--dislike", dislike, "-n", 5, "--json").stdout)
    both = {"like": [songs[0].id], "dislike": [songs[0].id]}
    assert "both liked and disliked" in problem(client.post("/api/v1/suggest", json=both), 422)


def test_geometry_is_that_of_the_command_line(get: Get, client: TestClient, run: Run) -> None:
    told = get("/geometry/genres", RegionsAnswer, most=500)
    assert told == json.loads(run("geometry", "genres", "--json").stdout)
    assert "centre" in problem(client.get("/api/v1/geometry/artists"), 422)  # of three songs each
    told = get("/geometry/genres/between", BetweenAnswer, a="Low", b="High", most=500)
    assert told == json.loads(run("geometry", "genres", "--between", "Low", "High", "--json").stdout)
    told = get("/geometry/albums/years", YearsAnswer, artist="Artist 00")
    assert told == json.loads(run("geometry", "albums", "--of", "Artist 00", "--json").stdout)


def test_status_is_that_of_the_command_line(get: Get, run: Run, served_home: Path, learnt_home: Path) -> None:
    by_hand = json.loads(run("status", "--json").stdout)
    told, quality = get("/status", Status), get("/status/quality", Quality)
    assert told["sound"] is True
    assert told["summary"].pop("home") == str(served_home) and by_hand["summary"].pop("home") == str(learnt_home)
    assert told["summary"] | quality["summary"] == by_hand["summary"]
    assert (told["failures"], told["failed"], quality["hubs"]) == (by_hand["failures"], 0, by_hand["hubs"])
    assert told["ready"] is True


# Maps


def test_a_map_by_pca_is_there_at_once_and_kept(get: Get, served_home: Path) -> None:
    told = get("/map", Map, method="pca", column=["genre", "year"])
    space = Space.open(Home(served_home).space)
    assert told["ids"] == space.ids.tolist()
    centered = space.vectors - space.vectors.mean(axis=0)
    axis = np.linalg.svd(centered.astype(np.float64), full_matrices=False)[2][0]
    assert abs(np.corrcoef(told["x"], centered @ axis)[0, 1]) > 0.999999
    assert max(map(abs, told["x"])) == pytest.approx(1, abs=1e-3) and max(map(abs, told["y"])) <= 1
    genre = told["columns"]["genre"]
    assert sorted(genre["values"]) == ["High", "Low", "Middle"] and len(genre["codes"]) == 18
    assert len(told["columns"]["year"]["values"]) == 18
    assert list((served_home / "maps").glob("pca-*.safetensors"))


@pytest.mark.slow
def test_a_map_by_tsne_is_drawn_meanwhile_and_once(client: TestClient, served_home: Path, served: Any) -> None:
    first = client.get("/api/v1/map")
    assert first.status_code == 202 and first.headers["retry-after"] == "2"
    TypeAdapter(Computing).validate_python(first.json())
    assert client.get("/api/v1/health").status_code == 200
    for _ in range(600):
        response = client.get("/api/v1/map")
        if response.status_code != 202:
            break
        time.sleep(0.1)
    TypeAdapter(Map).validate_python(response.json())
    [kept] = (served_home / "maps").glob("tsne-*.safetensors")
    written = kept.stat().st_mtime_ns
    again = create_app(served_home)  # a server that has been started anew draws nothing
    assert TestClient(again, base_url="http://127.0.0.1").get("/api/v1/map").json() == response.json()
    assert kept.stat().st_mtime_ns == written


def test_a_map_that_leaves_the_machine_is_compressed(served: Any, client: TestClient) -> None:
    asked = {"params": {"method": "pca", "column": "title"}}
    sent = client.get("/api/v1/map", **asked)
    assert sent.headers["content-encoding"] == "gzip" and sent.headers["vary"] == "Accept-Encoding"
    plain = client.get("/api/v1/map", headers={"accept-encoding": "identity"}, **asked)
    near = TestClient(served, base_url="http://127.0.0.1", client=("127.0.0.1", 50000)).get("/api/v1/map", **asked)
    for other in (plain, near):
        assert "content-encoding" not in other.headers and other.headers["vary"] == "Accept-Encoding"
        assert other.json() == sent.json() and int(other.headers["content-length"]) == len(other.content)
    assert int(sent.headers["content-length"]) < len(plain.content)
    again = client.get("/api/v1/map", headers={"if-none-match": sent.headers["etag"]}, **asked)
    assert again.status_code == 304 and not again.content


# Playlists


def test_a_playlist_is_kept_read_downloaded_and_let_go(client: TestClient, songs: list[Song], tmp_path: Path) -> None:
    title = "Évening / <b>‮..\\up"
    ids = [song.id for song in songs[:4]]
    created = client.post("/api/v1/playlists", json={"title": title, "songs": ids})
    assert created.status_code == 201
    TypeAdapter(SavedPlaylist).validate_python(created.json())
    where = created.headers["location"]
    assert where == f"/api/v1/playlists/{created.json()['id']}"
    told = client.get(where).json()
    TypeAdapter(SavedInFull).validate_python(told)
    assert (told["title"], [song["id"] for song in told["entries"]], told["missing"]) == (title, ids, [])
    assert created.json() in client.get("/api/v1/playlists").json()["playlists"]
    for suffix in ("m3u8", "xspf", "jspf"):
        sent = client.get(f"{where}/file", params={"format": suffix})
        disposition = sent.headers["content-disposition"]
        assert disposition.startswith("attachment; filename*=UTF-8''") and "/" not in disposition
        file = tmp_path / f"list.{suffix}"
        file.write_bytes(sent.content)
        assert interchange.read(file) == [song.path for song in songs[:4]]
    assert client.delete(where).status_code == 204
    assert problem(client.get(where), 404) and problem(client.delete(where), 404)


def test_a_playlist_is_renamed_and_given_other_songs(client: TestClient, served_home: Path, songs: list[Song]) -> None:
    ids = [song.id for song in songs]
    one, other = (
        client.post("/api/v1/playlists", json={"title": "Same", "songs": ids[:3]}).json()["id"] for _ in range(2)
    )
    where, file = f"/api/v1/playlists/{one}", served_home / "playlists" / f"{one}.jspf"

    def change(**said: Any) -> Any:
        response = client.patch(where, json=said)
        assert response.status_code == 200, response.text
        TypeAdapter(SavedPlaylist).validate_python(response.json())
        told = client.get(where).json()
        assert response.json() == {name: told[name] for name in response.json()}
        return told["title"], [song["id"] for song in told["entries"]]

    for title in ("Same", "../../catalog.sqlite", "<img src=x onerror=alert(1)>", "שלום \u202e🎵", "x" * 200):
        assert change(title=title) == (title, ids[:3])
    assert change(title=" two\r\n lines ") == ("two lines", ids[:3])
    before = file.read_bytes()
    assert change() == ("two lines", ids[:3]) and file.read_bytes() == before
    assert change(songs=ids[5:9]) == ("two lines", ids[5:9])
    assert change(title="Both", songs=ids[:1]) == ("Both", ids[:1])
    assert client.get(f"/api/v1/playlists/{other}").json()["title"] == "Same"
    for refused in ({"title": ""}, {"title": " \n "}, {"title": "x" * 201}, {"songs": []}, {"id": "x"}, ["x"]):
        assert problem(client.patch(where, json=refused), 422)
    assert problem(client.patch(where, json={"title": "x", "songs": [999]}), 404)
    assert problem(client.patch(f"/api/v1/playlists/{'f' * 16}", json={"title": "x"}), 404)
    assert problem(client.post("/api/v1/playlists", json={"title": " ", "songs": ids[:1]}), 422)
    assert change() == ("Both", ids[:1])
    assert not list(file.parent.glob("*.new")) and len(list(file.parent.glob("*.jspf"))) == 2
    for id in (one, other):
        client.delete(f"/api/v1/playlists/{id}")


def test_a_playlist_that_is_renamed_keeps_what_is_not_here(
    client: TestClient, served_home: Path, songs: list[Song]
) -> None:
    made = client.post("/api/v1/playlists", json={"title": "New", "songs": [song.id for song in songs[:2]]}).json()
    file = served_home / "playlists" / f"{made['id']}.jspf"
    document = json.loads(file.read_text("utf-8"))
    document["playlist"]["track"].insert(1, {"location": ["file:///elsewhere/gone.mp3"], "title": "Gone"})
    file.write_text(json.dumps(document))
    where = f"/api/v1/playlists/{made['id']}"
    assert client.patch(where, json={"title": "Newer"}).json()["songs"] == 3
    told = client.get(where).json()
    assert (told["title"], told["missing"]) == ("Newer", ["/elsewhere/gone.mp3"])
    client.delete(where)


def test_playlists_renamed_at_once_are_whole(client: TestClient, served_home: Path, songs: list[Song]) -> None:
    made = client.post("/api/v1/playlists", json={"title": "0", "songs": [song.id for song in songs]}).json()
    saved = Saved(served_home / "playlists")
    titles = [f"Title {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda title: saved.change(made["id"], title=title), titles))
    assert [one.title for one in told] == titles
    [left] = [one for one in saved.all() if one.id == made["id"]]
    assert left.title in titles and left.songs == len(songs)
    saved.delete(made["id"])


def test_playlists_that_cannot_be_kept(client: TestClient, served_home: Path) -> None:
    assert problem(client.post("/api/v1/playlists", json={"title": "x", "songs": [999]}), 404)
    assert problem(client.post("/api/v1/playlists", json={"title": "x", "songs": []}), 422)
    assert problem(client.post("/api/v1/playlists", json={"title": "x" * 201, "songs": [1]}), 422)
    assert problem(client.post("/api/v1/playlists", content=b"{", headers={"content-type": "application/json"}), 422)
    for id in ("..%2F..%2Fcatalog", "0123456789abcdeg", "0" * 17):
        assert client.get(f"/api/v1/playlists/{id}").status_code in (404, 422)
    # What another hand has put there is passed over.
    (served_home / "playlists").mkdir(exist_ok=True)
    (served_home / "playlists" / f"{'0' * 16}.jspf").write_text('{"playlist": []}')
    assert client.get("/api/v1/playlists").status_code == 200
    assert problem(client.get(f"/api/v1/playlists/{'0' * 16}"), 404)


# What is refused


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/songs?limit=0", "limit"),
        ("/songs?limit=1001", "limit"),
        ("/songs?offset=-1", "offset"),
        ("/songs?q=" + "x" * 201, "q"),
        ("/songs?where=year+>", "The filter cannot be read"),
        ("/songs?colour=red", "colour"),
        ("/songs/abc", "id"),
        ("/songs/1/neighbours?count=501", "count"),
        ("/radio", "song"),
        ("/radio?song=1&variety=nan", "variety"),
        ("/radio?song=1&length=301", "length"),
        ("/radio?song=1&where=year+>+3000", "No song of the library is left"),
        ("/path?start=1&end=1", "same song twice"),
        ("/path?start=1&end=2&length=300", "only 18 songs"),
        ("/geometry/moods", "kind"),
        ("/geometry/genres/between?a=Low&b=Nothing", "Nothing"),
        ("/geometry/artists/years?artist=Nobody", "Nobody"),
        ("/map?method=umap", "method"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_sentence(client: TestClient, path: str, says: str) -> None:
    assert says in problem(client.get(f"/api/v1{path}"), 422)


def test_what_was_sent_is_not_sent_back(client: TestClient) -> None:
    told = problem(client.get("/api/v1/songs", params={"limit": "<script>alert(1)</script>"}), 422)
    assert "script" not in told


def test_paths_and_methods_that_are_not_there(client: TestClient) -> None:
    assert problem(client.get("/api/v1/nothing"), 404) == "There is nothing here."
    assert problem(client.post("/api/v1/songs"), 405) == "POST is not possible here."


def test_a_song_that_is_not_in_the_space_yet_and_a_library_without_one(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    home = made_up(tmp_path, [Tags(title=str(number)) for number in range(6)])
    space = Space.open(Home(home).space)
    space.only(range(5)).save(Home(home).space)
    client = clients(create_app(home, every=0))
    assert "not in the space yet" in problem(client.get(f"/api/v1/songs/{space.ids[5]}/neighbours"), 409)
    assert client.get(f"/api/v1/songs/{space.ids[5]}").json()["in_space"] is False
    Home(home).space.unlink()
    client = clients(create_app(home))
    assert "There is no space" in problem(client.get(f"/api/v1/songs/{space.ids[0]}/neighbours"), 409)
    assert problem(client.get("/api/v1/mixes"), 409) and problem(client.get("/api/v1/map"), 409)
    assert client.get("/api/v1/songs").json()["total"] == 6
    assert client.get("/api/v1/status").json()["ready"] is False


# Entity tags


@pytest.mark.parametrize(
    "path", ["/songs?limit=3", "/songs/1", "/songs/1/neighbours", "/radio?song=1", "/map?method=pca", "/status"]
)
def test_an_answer_that_is_known_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(f"/api/v1{path}")
    tag = first.headers["etag"]
    assert tag.startswith('W/"') and first.headers["cache-control"] == "private, no-cache"
    again = client.get(f"/api/v1{path}", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(f"/api/v1{path}", headers={"If-None-Match": '"other"'}).content == first.content
    other = client.get(f"/api/v1{path}{'&' if '?' in path else '?'}unknown=1", headers={"If-None-Match": tag})
    assert other.status_code in (200, 422)  # and not 304


def test_heavy_questions_take_turns_and_the_rest_are_told_to_come_again(client: TestClient, served: Any) -> None:
    from songspace.server.service import Turns

    service = served.app.state.service
    turns, service.turns = service.turns, Turns(running=1, waiting=0, patience=0)
    try:
        with service.turns.take():
            refused = client.get("/api/v1/radio?song=1")
            assert problem(refused, 503) and refused.headers["retry-after"] == "2"
            assert client.get("/api/v1/songs/1/neighbours").status_code == 200
        assert client.get("/api/v1/radio?song=1").status_code == 200
    finally:
        service.turns = turns


# Documentation


def test_the_documentation_tells_of_every_route_and_loads_nothing(client: TestClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.headers["content-type"].startswith("text/html")
    document = client.get("/api/v1/openapi.json").json()
    for path in document["paths"]:
        assert f" {path}</code>" in page.text
    assert not any(word in page.text for word in ("<script", "src=", "http://", "https://"))
    plain = client.get("/")
    assert plain.status_code == 200 and "/api/v1/docs" in plain.text and "18 songs" in plain.text
    assert "http" not in plain.text
