"""Players that are web pages: those that were named may ask the APIs, and nobody else anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from songspace.errors import SongspaceError
from songspace.library import Home
from songspace.server.app import create_app
from songspace.server.user import User

TOKEN = "a-token-for-tests-only"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PLAYER = "https://player.example"
FROM_PLAYER = {"Origin": PLAYER, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
USER = {"u": "ann", "p": "sesame", "f": "json"}
SONGS = "/api/v1/songs"


@pytest.fixture(scope="module")
def home(learnt_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Path(shutil.copytree(learnt_home, tmp_path_factory.mktemp("origins") / "home"))
    User("ann", "sesame").save(Home(home).user)
    return home


@pytest.fixture(scope="module")
def open_to(home: Path, clients: Callable[..., TestClient]) -> TestClient:
    return clients(create_app(home, token=TOKEN, allowed_origins=[f"{PLAYER}/", "http://LOCALHOST:9180"]))


@pytest.mark.parametrize("origin", [PLAYER, "http://localhost:9180"])
@pytest.mark.parametrize("path", [SONGS, "/rest/ping", "/api/similar_tracks?item_id=1", "/api/v1/songs/1/audio"])
def test_a_player_that_was_named_may_ask(open_to: TestClient, origin: str, path: str) -> None:
    headers = FROM_PLAYER | {"Origin": origin}
    got = open_to.get(path, params=USER if "rest" in path else None, headers=headers | BEARER)
    assert got.status_code == 200 and got.headers["access-control-allow-origin"] == origin
    assert got.headers["vary"] == "Origin" and "ETag" in got.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in got.headers
    refused = open_to.get(SONGS, headers=headers)
    assert refused.status_code == 401 and refused.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": f"{PLAYER}.evil.example"},
        {"Origin": "https://evil.example/https://player.example"},
        {"Origin": "http://player.example"},
        {"Origin": f"{PLAYER}:8443"},
        {"Origin": f"{PLAYER}/"},
        {"Origin": "null"},
        {"Origin": "*"},
        {"Origin": ""},
        {"Origin": "https://evil.example", "Referer": f"{PLAYER}/"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/https://player.example"},
        {"Sec-Fetch-Site": "cross-site", "Referer": f"{PLAYER}.evil.example/"},
        {"Sec-Fetch-Site": "cross-site", "Referer": f"{PLAYER}@evil.example/"},
    ],
)
def test_nobody_else_may(open_to: TestClient, headers: dict[str, str]) -> None:
    for path in (SONGS, "/rest/ping"):
        got = open_to.get(path, params=USER, headers=headers | BEARER)
        assert got.status_code == 403 and "access-control-allow-origin" not in got.headers
        assert got.headers["cross-origin-resource-policy"] == "same-origin"
        asked = open_to.options(path, headers=headers | {"Access-Control-Request-Method": "GET"})
        assert asked.status_code == 403 and "access-control-allow-methods" not in asked.headers


def test_two_origins_are_none(open_to: TestClient) -> None:
    both = [("Origin", PLAYER), ("Origin", "https://evil.example")]
    assert open_to.get(SONGS, headers=[*both, *BEARER.items()]).status_code == 403


def test_a_name_that_was_bound_to_this_machine_stays_refused(open_to: TestClient) -> None:
    assert open_to.get(SONGS, headers=FROM_PLAYER | BEARER | {"Host": "player.example"}).status_code == 421


def test_a_browser_that_asks_beforehand_is_told_what_may_be_sent(open_to: TestClient) -> None:
    asking = FROM_PLAYER | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for path in (SONGS, "/rest/stream", "/api/create_playlist"):
        got = open_to.options(path, headers=asking)
        assert got.status_code == 204 and got.headers["access-control-allow-origin"] == PLAYER
        assert "POST" in got.headers["access-control-allow-methods"]
        sent = got.headers["access-control-allow-headers"].lower()
        assert "authorization" in sent and "x-songspace" not in sent and "*" not in sent
        assert "access-control-allow-private-network" not in got.headers
    private = open_to.options(SONGS, headers=asking | {"Access-Control-Request-Private-Network": "true"})
    assert private.headers["access-control-allow-private-network"] == "true"
    assert open_to.options(SONGS, headers=FROM_PLAYER | BEARER).status_code == 405  # asks nothing beforehand


def test_only_the_apis_are_open(open_to: TestClient) -> None:
    for path in ("/", "/assets/app.js", "/nothing"):
        got = open_to.get(path, headers=FROM_PLAYER)
        assert got.status_code == 403 and "access-control-allow-origin" not in got.headers


def test_the_cookie_of_songspaces_own_page_does_not_count(open_to: TestClient) -> None:
    entered = open_to.post("/api/v1/session", headers=BEARER)
    kept = {"Cookie": entered.headers["set-cookie"].split(";")[0]}
    open_to.cookies.clear()
    assert open_to.get(SONGS, headers=kept).status_code == 200
    assert open_to.get(SONGS, headers=kept | FROM_PLAYER).status_code == 401


def test_to_change_something_takes_the_token(
    open_to: TestClient, home: Path, clients: Callable[..., TestClient]
) -> None:
    new = {"title": "x", "songs": [1]}
    assert open_to.post("/api/v1/playlists", json=new, headers=FROM_PLAYER | BEARER).status_code == 201
    without = clients(create_app(home, allowed_origins=[PLAYER]))
    assert without.get(SONGS, headers=FROM_PLAYER).status_code == 200
    assert without.post("/api/v1/playlists", json=new, headers=FROM_PLAYER).status_code == 403


def test_pictures_and_sound_of_a_player_bring_a_password_and_no_origin(open_to: TestClient) -> None:
    shown = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Referer": f"{PLAYER}/albums?x=1"}
    got = open_to.get("/rest/stream", params=USER | {"id": 1}, headers=shown)
    assert got.status_code == 200 and got.headers["cross-origin-resource-policy"] == "cross-origin"
    assert open_to.get("/rest/stream", params={"id": 1, "f": "json"}, headers=shown).json()["subsonic-response"][
        "error"
    ]
    assert open_to.get("/api/v1/songs/1/audio", headers=shown | BEARER).status_code == 403
    assert open_to.post("/rest/createPlaylist", data=USER, headers=shown).status_code == 403


def test_unless_it_is_asked_for_nothing_is_open(home: Path, clients: Callable[..., TestClient]) -> None:
    client = clients(create_app(home, token=TOKEN))
    got = client.get(SONGS, headers=BEARER)
    assert "vary" not in got.headers and not any(name.startswith("access-control") for name in got.headers)
    assert client.get(SONGS, headers=FROM_PLAYER | BEARER).status_code == 403


@pytest.mark.parametrize(
    "given",
    [
        *("*", "null", "", "player.example", "https://", "https://player.example/app", "https://a b"),
        *("https://*.example", "https://ann:x@player.example", "https://player.example?x", "file://"),
    ],
)
def test_what_is_no_origin(home: Path, given: str) -> None:
    with pytest.raises(SongspaceError, match="is no origin"):
        create_app(home, allowed_origins=[given])
