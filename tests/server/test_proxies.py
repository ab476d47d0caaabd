"""Where a request comes from, behind proxies: only those that were named are believed."""

from __future__ import annotations

import http.client
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from songspace import SongspaceError
from songspace.library import Home
from songspace.server.app import create_app
from songspace.server.guesses import MOST
from songspace.server.proxies import Proxies
from songspace.server.user import User

TOKEN = "a-token-for-tests-only"
SONGS = "/api/v1/songs?limit=1"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer wrong"}


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Path:
    home = Path(shutil.copytree(learnt_home, tmp_path / "home"))
    User("ann", "sesame").save(Home(home).user)
    return home


@pytest.mark.parametrize(
    ("peer", "told", "behind"),
    [
        ("192.168.1.7", ["1.2.3.4"], "192.168.1.7"),  # no proxy
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9, 1.2.3.4"], "1.2.3.4"),  # the first was made up by whoever asked
        ("10.0.0.1", ["9.9.9.9", "1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9, 1.2.3.4, 10.0.0.2, 2001:db8::1"], "1.2.3.4"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["1.2.3.4, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, "], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4:5678"], "1.2.3.4"),
        ("10.0.0.1", ["[2001:db8:1::7]:443"], "2001:db8:1::7"),
        ("10.0.0.1", ["::ffff:1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("2001:db8::1", ["1.2.3.4"], "1.2.3.4"),
        ("2001:db8::2", ["1.2.3.4"], "2001:db8::2"),
        ("", ["1.2.3.4"], ""),
        ("10.0.0.1", ["10.0.0.2, " * 10_000 + "10.0.0.2"], "10.0.0.2"),
    ],
)
def test_the_list_is_read_from_its_end(peer: str, told: list[str], behind: str) -> None:
    headers = Headers(raw=[(b"x-forwarded-for", text.encode()) for text in told])
    assert Proxies(["10.0.0.0/8", "2001:db8::1"]).behind(peer, headers) == behind


@pytest.mark.parametrize("named", ["localhost", "10.0.0", "10.0.0.0/33", "*", ""])
def test_what_is_no_address_of_a_proxy(home: Path, named: str) -> None:
    with pytest.raises(SongspaceError, match="is no address of a proxy"):
        create_app(home, proxies=[named])


def asking(port: int) -> Callable[..., int]:
    def ask(path: str, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    return ask


@pytest.mark.parametrize("path", [SONGS, "/rest/ping?u=ann&p=wrong&f=json"])
def test_nobody_who_was_not_named_is_believed(home: Path, serving: Callable[..., Any], path: str) -> None:
    with serving(create_app(home, token=TOKEN)) as port:
        ask = asking(port)
        told = Counter(ask(path, WRONG | {"X-Forwarded-For": f"10.1.0.{number}"}) for number in range(MOST + 10))
        assert told[429] == 10
        for headers in ({}, {"X-Forwarded-For": "192.168.1.50"}):
            assert ask(SONGS, RIGHT | headers) == 429


@pytest.mark.parametrize("path", [SONGS, "/rest/ping?u=ann&p=wrong&f=json"])
def test_behind_one_that_was_named_each_counts_alone(home: Path, serving: Callable[..., Any], path: str) -> None:
    with serving(create_app(home, token=TOKEN, proxies=["127.0.0.1"])) as port:
        ask = asking(port)
        # Whoever guesses names others; the proxy appends where it really was asked from.
        told = Counter(
            ask(path, WRONG | {"X-Forwarded-For": f"192.168.1.50, 10.1.0.{number}, 192.168.1.66"})
            for number in range(MOST + 10)
        )
        assert told[429] == 10
        assert ask(SONGS, RIGHT | {"X-Forwarded-For": "192.168.1.66"}) == 429
        assert ask(SONGS, RIGHT | {"X-Forwarded-For": "192.168.1.50"}) == 200
        assert ask(SONGS, RIGHT | {"X-Forwarded-For": "192.168.1.66, 192.168.1.51"}) == 200


def test_a_cookie_is_only_for_https_where_the_proxy_says_that_it_was(home: Path) -> None:
    said = RIGHT | {"X-Forwarded-Proto": "https", "X-Songspace": "1"}
    for proxies, secure in (([], False), (["192.168.1.2"], True)):
        app = create_app(home, token=TOKEN, proxies=proxies)
        client = TestClient(app, base_url="http://127.0.0.1", client=("192.168.1.2", 1))
        cookie = client.post("/api/v1/session", headers=said).headers["set-cookie"]
        assert ("secure" in cookie.lower()) is secure


def test_a_proxy_is_named_on_the_command_line(home: Path, serving_home: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with serving_home(home, "--token-file", tmp_path / "token", "--proxy", "10.0.0.0/8", "--proxy", "127.0.0.1") as url:
        ask = asking(int(url.rstrip("/").rpartition(":")[2]))
        for _ in range(MOST):
            assert ask(SONGS, WRONG | {"X-Forwarded-For": "192.168.1.66"}) == 401
        assert ask(SONGS, WRONG | {"X-Forwarded-For": "192.168.1.66"}) == 429
        assert ask(SONGS, RIGHT | {"X-Forwarded-For": "192.168.1.50"}) == 200
