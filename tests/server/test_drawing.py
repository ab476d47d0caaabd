"""What is drawn on the map: lines, mixes of a region, and what the space says of each song."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from songspace import Library, Space
from songspace.answers.playlists import RemarkedPlaylist
from songspace.evaluation import hubness
from songspace.library import Song
from songspace.server.api.maps import Map
from songspace.server.maps import Maps


@pytest.fixture(scope="module")
def places(client: TestClient) -> dict[int, np.ndarray]:
    """Where each song lies on the map by PCA."""
    told = client.get("/api/v1/map", params={"method": "pca"}).json()
    return {id: np.array([x, y]) for id, x, y in zip(told["ids"], told["x"], told["y"], strict=True)}


def ask(client: TestClient, path: str, **asked: Any) -> Any:
    response = client.post(f"/api/v1{path}", json=asked)
    assert response.status_code == 200, response.text
    TypeAdapter(RemarkedPlaylist).validate_python(response.json())
    return response.json()


def ids(told: Any) -> list[int]:
    return [song["id"] for song in told["songs"]]


def detail(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    sentence: str = response.json()["detail"]
    return sentence


def test_a_line_from_a_song_to_another(client: TestClient, places: dict[int, np.ndarray]) -> None:
    start, *_, end = sorted(places.values(), key=lambda place: float(place[0]))
    line = {"points": [start.tolist(), end.tolist()], "method": "pca"}
    told = ask(client, "/line", **line, length=6, artist_gap=0, explain=True)
    assert told["title"] == "Along a line" and len(set(ids(told))) == 6 and told["remarks"] == []
    assert all(song["why"] for song in told["songs"]) and len(told["steps"]) == 5
    along = [float((places[id] - start) @ (end - start)) for id in ids(told)]
    assert np.corrcoef(along, range(6))[0, 1] > 0.8
    assert ids(ask(client, "/line", **line, length=6, artist_gap=0)) == ids(told)
    back = ids(ask(client, "/line", points=line["points"][::-1], method="pca", length=6, artist_gap=0))
    assert along[0] < float((places[back[0]] - start) @ (end - start))


def test_a_line_takes_the_songs_that_it_may(client: TestClient, places: dict[int, np.ndarray]) -> None:
    some = sorted(places)[::2]
    line = {"points": [[-1, -1], [1, 1]], "method": "pca"}
    assert set(ids(ask(client, "/line", **line, length=9, songs=some))) == set(some)
    assert len(ids(ask(client, "/line", **line))) == 18  # twenty, or as many as there are
    late = ask(client, "/line", **line, length=3, where="year >= 2004", songs=sorted(places))
    assert all(song["year"] >= 2004 for song in late["songs"])
    varied = [ids(ask(client, "/line", **line, length=6, variety=1, seed=seed)) for seed in range(4)]
    assert len({tuple(rows) for rows in varied}) > 1


def test_a_line_among_songs_of_one_artist_says_that_they_stand_near(client: TestClient, songs: list[Song]) -> None:
    of_one = [song.id for song in songs if song.artist == "Artist 00"]
    told = ask(client, "/line", points=[[0, 0]], method="pca", length=len(of_one), songs=of_one)
    assert sorted(ids(told)) == sorted(of_one) and len(of_one) == 3
    assert told["remarks"] == [
        "These songs are by so few artists that some stand nearer to each other than was asked for."
    ]


def test_a_mix_of_a_region(client: TestClient, songs: list[Song]) -> None:
    region = [song.id for song in songs if song.genre in ("Low", "High")]
    told = ask(client, "/mix", songs=region, length=6, explain=True)
    assert len(set(ids(told))) == 6 and set(ids(told)) <= set(region)
    assert {song["genre"] for song in told["songs"]} == {"Low", "High"}  # not from one corner
    artists = [song["artist"] for song in told["songs"]]
    assert not any(a == b for far in (1, 2) for a, b in zip(artists, artists[far:], strict=False))
    assert all(song["why"] for song in told["songs"])
    low = ask(client, "/mix", songs=[song.id for song in songs if song.genre == "Low"], length=4)
    assert low["title"].startswith("Low")  # the name says what is in it
    varied = [ids(ask(client, "/mix", songs=region, length=5, variety=1, seed=seed)) for seed in range(4)]
    assert len({tuple(rows) for rows in varied}) > 1


def test_a_mix_that_must_be_shorter_says_so(client: TestClient, songs: list[Song]) -> None:
    region = [song.id for song in songs if song.genre == "Low"]
    told = ask(client, "/mix", songs=region, length=6, most_of_artist=1)
    assert len(told["songs"]) == 2 and told["remarks"] == ["The rules leave a mix of 2 of these songs."]
    alone = ask(client, "/mix", songs=[songs[0].id] * 3, length=20)
    assert ids(alone) == [songs[0].id] and alone["remarks"] == []


@pytest.mark.parametrize(
    ("path", "asked", "status", "says"),
    [
        ("/line", {"points": []}, 422, "points"),
        ("/line", {"points": [[0, 0, 0]]}, 422, "points"),
        ("/line", {"points": [[0, 11]]}, 422, "less than or equal to 10"),
        ("/line", {"points": [[0, 0]] * 1001}, 422, "at most 1000"),
        ("/line", {"points": [[0, 0]], "method": "pca", "length": 19}, 422, "only 18 songs"),
        ("/line", {"points": [[0, 0]], "method": "pca", "songs": [999]}, 404, "no song 999"),
        ("/line", {"points": [[0, 0]], "method": "pca", "songs": [1], "where": "year > 2100"}, 422, "No song"),
        ("/line", {"points": [[0, 0]], "method": "pca", "songs": [1], "where": "title = x"}, 422, "No song"),
        ("/mix", {"songs": []}, 422, "songs"),
        ("/mix", {"songs": [999]}, 404, "no song 999"),
        ("/mix", {"songs": [1] * 20_001}, 422, "at most 20000"),
        ("/mix", {"songs": [1], "without": [1]}, 422, "No song that was chosen is left by the filters."),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(
    client: TestClient, path: str, asked: dict[str, Any], status: int, says: str
) -> None:
    sentence = detail(client.post(f"/api/v1{path}", json=asked), status)
    assert says in sentence and sentence.endswith(".") and "\n" not in sentence


def test_a_line_on_a_map_that_is_being_drawn(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Maps, "points", lambda self, space, method: 3.0)
    said = detail(client.post("/api/v1/line", json={"points": [[0, 0]]}), 409)
    assert said == "The map is still being drawn: try again in a moment."


def column(client: TestClient, name: str) -> list[Any]:
    response = client.get("/api/v1/map", params={"method": "pca", "column": name})
    TypeAdapter(Map).validate_python(response.json())
    coded = response.json()["columns"][name]
    return [None if code < 0 else coded["values"][code] for code in coded["codes"]]


def test_hubness_is_what_the_evaluation_counts(client: TestClient, learnt_home: Any) -> None:
    space = Space.open(Library(learnt_home).home.space)
    assert column(client, "hubness") == hubness.evaluate(space, k=10)["k_occurrence"].tolist()


def test_isolation_is_the_distance_of_the_tenth_nearest(client: TestClient, learnt_home: Any) -> None:
    space = Space.open(Library(learnt_home).home.space)
    tenth = [sorted(space.distance(row, other) for other in range(18) if other != row)[9] for row in range(18)]
    np.testing.assert_allclose(column(client, "isolation"), tenth, atol=6e-4)


def test_every_song_has_a_group_with_a_name(client: TestClient) -> None:
    found = column(client, "group")
    assert len(found) == 18 and 2 <= len(set(found)) <= 12
    assert all(isinstance(name, str) and name for name in found)
    assert found == column(client, "group")
