"""Who may ask: names, origins, tokens, and what a browser is told to do with an answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from songspace.errors import SongspaceError
from songspace.library.tags import Tags
from songspace.server.app import create_app
from songspace.server.guard import is_local, names_of

TOKEN = "a-token-for-tests-only"
SONGS = "/api/v1/songs"


@pytest.fixture
def locked(served_home: Path) -> Any:
    return create_app(served_home, token=TOKEN, host="192.168.7.7", allowed_hosts=["music.example"])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:17017", "localhost:8000", "LOCALHOST", "[::1]:17017"])
def test_this_machine_is_answered(served: Any, ask: Callable[..., Any], host: str) -> None:
    assert ask(served, SONGS, headers=[("Host", host)]).status == 200


@pytest.mark.parametrize(
    "host",
    (
        "evil.example",
        "evil.example:17017",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "192.168.7.7",
        "a b",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1/",
        "[::1",
        "2130706433",
    ),
)
def test_a_name_that_was_bound_to_this_machine_is_not(served: Any, ask: Callable[..., Any], host: str) -> None:
    for path in (SONGS, "/", "/api/v1/docs", "/api/v1/health", "/api/v1/songs/1/audio"):
        got = ask(served, path, headers=[("Host", host)])
        assert got.status == 421 and b"Tune" not in got.body


def test_two_names_are_none(served: Any, ask: Callable[..., Any]) -> None:
    assert ask(served, SONGS, headers=[("Host", "127.0.0.1"), ("Host", "evil.example")]).status == 421


def test_names_of_a_server_that_others_reach() -> None:
    named = names_of("0.0.0.0", ["Music.Example"])
    assert all(map(named, ["192.168.1.2", "10.0.0.1", "::1", "localhost", "music.example", "music.example."]))
    assert not named("evil.example")
    assert [is_local(host) for host in ("127.0.0.1", "127.3.2.1", "::1", "localhost")] == [True] * 4
    assert [is_local(host) for host in ("0.0.0.0", "::", "192.168.1.2", "localhost.example")] == [False] * 4


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "file://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_other_sites_may_ask_for_nothing(client: TestClient, headers: dict[str, str]) -> None:
    for path in (SONGS, "/api/v1/songs/1/audio", "/api/v1/songs/1/cover", "/api/v1/docs"):
        got = client.get(path, headers=headers)
        assert got.status_code == 403 and "access-control-allow-origin" not in got.headers
    assert client.post("/api/v1/playlists", json={"title": "x", "songs": [1]}, headers=headers).status_code == 403
    assert client.options(SONGS, headers=headers | {"Access-Control-Request-Method": "GET"}).status_code == 403


def test_this_site_may_and_a_link_leads_to_the_page(client: TestClient) -> None:
    assert client.get(SONGS, headers={"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status_code == 403


def test_what_changes_something_needs_a_header_that_no_form_can_send(served: Any, clients: Callable[..., Any]) -> None:
    plain = clients(served)
    for method, path in (("POST", "/api/v1/playlists"), ("DELETE", f"/api/v1/playlists/{'0' * 16}")):
        got = plain.request(method, path)
        assert got.status_code == 403 and "X-Songspace" in got.json()["detail"]
    assert plain.post("/api/v1/playlists", data={"title": "x"}).status_code == 403


# Tokens


@pytest.mark.parametrize(
    "path", [SONGS, "/api/v1/songs/1/audio", "/api/v1/status", "/api/similar_tracks", "/api/create_playlist"]
)
@pytest.mark.parametrize("given", [None, "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer", "Bearer \xe9"])
def test_without_the_token_nothing_is_told(locked: Any, ask: Callable[..., Any], path: str, given: str | None) -> None:
    headers = [("Host", "192.168.7.7:17017"), *([("Authorization", given)] if given else [])]
    got = ask(locked, path, headers=headers)
    assert got.status == 401 and got.headers["www-authenticate"].startswith("Bearer") and b"Tune" not in got.body
    assert ask(locked, f"{path}?token={TOKEN}", headers=[("Host", "192.168.7.7")]).status == 401


def test_with_the_token(locked: Any, clients: Callable[..., Any]) -> None:
    with_token = clients(locked, Authorization=f"Bearer {TOKEN}", Host="music.example")
    assert with_token.get(SONGS).status_code == 200
    created = with_token.post("/api/v1/playlists", json={"title": "x", "songs": [1]})  # the token is enough
    assert created.status_code == 201
    assert with_token.delete(created.headers["location"]).status_code == 204


def test_what_tells_nothing_is_open(locked: Any, ask: Callable[..., Any]) -> None:
    for path in ("/", "/api/v1/docs", "/api/v1/openapi.json", "/api/v1/health"):
        got = ask(locked, path, headers=[("Host", "192.168.7.7")])
        assert got.status == 200 and b"Tune" not in got.body and b"18 songs" not in got.body


def test_a_browser_brings_the_token_once(locked: Any, clients: Callable[..., Any]) -> None:
    browser = clients(locked, Host="192.168.7.7")
    assert browser.post("/api/v1/session", headers={"X-Songspace": "1"}).status_code == 401
    entered = browser.post("/api/v1/session", headers={"Authorization": f"Bearer {TOKEN}"})
    cookie = entered.headers["set-cookie"]
    assert entered.status_code == 204 and TOKEN not in cookie
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    kept = {"Cookie": cookie.split(";")[0]}
    bare = clients(locked, Host="192.168.7.7")
    assert bare.get("/api/v1/songs/1/audio", headers=kept).status_code == 200
    # The cookie comes along by itself, and so it is not enough to change something.
    new = {"title": "x", "songs": [1]}
    assert bare.post("/api/v1/playlists", json=new, headers=kept).status_code == 403
    assert bare.post("/api/v1/playlists", json=new, headers=kept | {"X-Songspace": "1"}).status_code == 201
    for wrong in ("songspace=0", "songspace=\xe9", 'songspace="', "\x00"):
        assert bare.get(SONGS, headers={"Cookie": wrong.encode("latin-1")}).status_code == 401


def test_an_address_that_others_reach_demands_a_token(served_home: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.7.7", "music.example"):
        with pytest.raises(SongspaceError, match="have to bring a token"):
            create_app(served_home, host=host)
    for short in ("", "fifteen-letters", "sixteen letters!", "sixteen-lettersé"):
        with pytest.raises(SongspaceError, match="at least 16 characters") as error:
            create_app(served_home, token=short)
        assert not short or short not in str(error.value)
    assert TOKEN not in repr(create_app(served_home, token=TOKEN))


# Sizes, headers, paths


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(client: TestClient) -> None:
    long = b"[" + b"1," * 600_000 + b"1]"
    said = client.post("/api/v1/order", content=long, headers={"content-type": "application/json"})
    unsaid = client.post("/api/v1/order", content=iter([long]), headers={"content-type": "application/json"})
    assert (said.status_code, unsaid.status_code) == (413, 413)
    odd = client.post("/api/v1/order", content=b"", headers={"content-length": "-1"})
    assert odd.status_code == 413


@pytest.mark.parametrize("path", ["/", SONGS, "/api/v1/songs/1/audio", "/api/v1/nothing", "/api/v1/docs", "/nothing"])
def test_every_answer_tells_the_browser_what_not_to_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy


@pytest.fixture(scope="module")
def with_page(served_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server with a page, beside which lies a secret that a link in the page leads to."""
    folder = tmp_path_factory.mktemp("built")
    page = folder / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>The page</title>")
    (page / "assets" / "app.js").write_text("1")
    (folder / "secret").write_text("the secret")
    os.symlink(folder / "secret", page / "link")
    return create_app(served_home, page=page)


def test_the_page_is_served_where_there_is_one(with_page: Any, ask: Callable[..., Any]) -> None:
    got = ask(with_page, "/")
    assert b"The page" in got.body and "script-src 'self'" in got.headers["content-security-policy"]
    assert ask(with_page, "/assets/app.js").headers["content-type"].startswith("text/javascript")
    assert ask(with_page, SONGS).status == 200


STEPS = ["..", ".", "", "%2e%2e", "..%2f", "..\\", "secret", "link", "etc", "passwd", "assets", "\0", "C:", "api", "v1"]
STEPS += ["songs", "1", "audio", "playlists", "file", "~", "%00", "..;", "／", "‥", "\ufffd"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS) | st.text(max_size=5), max_size=8))
def test_no_path_leads_out(with_page: Any, ask: Callable[..., Any], steps: list[str]) -> None:
    got = ask(with_page, ("/" + "/".join(steps)).replace("?", ""))
    assert got.status in (200, 307, 404, 405, 422)
    assert b"the secret" not in got.body and b"root:" not in got.body


@pytest.mark.parametrize("path", ["/../secret", "/assets/../../secret", "/link", "//etc/passwd", "/..%2fsecret"])
def test_these_neither(with_page: Any, ask: Callable[..., Any], path: str) -> None:
    assert ask(with_page, path).status == 404


# Tags that mean harm

HARM = st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\r\nSet-Cookie: a=b", "‮", "{{7*7}}"]
)
TEXT = st.none() | HARM | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and b"/" not in name)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tags=st.lists(
        st.builds(Tags, TEXT, TEXT, TEXT, TEXT, TEXT, st.none() | st.integers(0, 9999)), min_size=4, max_size=8
    ),
    names=st.lists(NAMES, min_size=8, max_size=8, unique=True),
)
def test_whatever_tags_and_names_of_files_hold_is_told_as_data(
    made_up: Callable[..., Path],
    clients: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
    tags: list[Tags],
    names: list[bytes],
) -> None:
    paths = [f"/music/{os.fsdecode(name)}" for name in names[: len(tags)]]
    client = clients(create_app(made_up(tmp_path_factory.mktemp("harm"), tags, paths)), **{"X-Songspace": "1"})
    found = client.get(SONGS).json()["songs"]
    assert {song["title"] for song in found} == {tag.title for tag in tags}
    ids = [song["id"] for song in found]
    asked = [f"/songs/{ids[0]}", f"/songs/{ids[0]}/neighbours", f"/radio?song={ids[0]}", "/mixes", "/status"]
    asked += [f"/path?start={ids[0]}&end={ids[1]}&length=3&artist_gap=0", "/map?method=pca&column=artist&column=genre"]
    for path in [*asked, "/geometry/genres", "/songs?q=script"]:
        got = client.get(f"/api/v1{path}")
        assert got.status_code in (200, 422), got.text
        assert got.headers["content-type"] in ("application/json", "application/problem+json")
        got.json()
    title = next((tag.title for tag in tags if tag.title and tag.title.strip()), "x")
    kept = client.post("/api/v1/playlists", json={"title": title, "songs": ids})
    assert kept.status_code == 201, kept.text
    for suffix in ("m3u8", "xspf", "jspf"):
        sent = client.get(f"{kept.headers['location']}/file", params={"format": suffix})
        assert sent.status_code in (200, 422)
        if sent.status_code == 200:
            assert "set-cookie" not in sent.headers and sent.headers["content-disposition"].isascii()
