"""Who is wrong too often has to wait, and nobody else."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home
from songspace.server import guesses as module
from songspace.server.app import create_app
from songspace.server.guesses import MOST, Guesses, TooManyError, address_of
from songspace.server.user import User

TOKEN = "a-token-for-tests-only"
SONGS = "/api/v1/songs"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer wrong"}


def wrong(guesses: Guesses, address: str) -> None:
    assert not guesses.is_right(address, lambda: False)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Path:
    home = Path(shutil.copytree(learnt_home, tmp_path / "home"))
    User("ann", "sesame").save(Home(home).user)
    return home


@pytest.fixture
def from_address(home: Path, clock: Clock) -> Callable[[str], TestClient]:
    app = create_app(home, token=TOKEN)
    app.guesses._clock = clock

    def client(address: str) -> TestClient:
        return TestClient(app, base_url="http://127.0.0.1", client=(address, 1))

    return client


def test_a_token_cannot_be_guessed(from_address: Callable[[str], TestClient], clock: Clock) -> None:
    guesser, owner = from_address("192.168.1.7"), from_address("192.168.1.8")
    assert guesser.post("/api/v1/session", headers=RIGHT).status_code == 204
    browser = {"Cookie": f"songspace={guesser.cookies['songspace']}"}
    guesser.cookies.clear()
    for _ in range(MOST):
        assert guesser.get(SONGS, headers=WRONG).status_code == 401
    for path in (SONGS, "/api/v1/session", "/api/similar_tracks", "/api/v1/health"):
        for headers in (WRONG, RIGHT):  # or a right guess would be told from a wrong one
            got = guesser.request("POST" if "session" in path else "GET", path, headers=headers)
            assert got.status_code == 429 and got.headers["retry-after"] == "60", path
            assert got.headers["content-type"] == "application/problem+json"
    assert owner.get(SONGS, headers=RIGHT).status_code == 200
    assert guesser.get(SONGS, headers=browser).status_code == 200  # it brought the token before
    assert guesser.get("/api/v1/health").status_code == 200
    clock.now += 59.5
    assert guesser.get(SONGS, headers=RIGHT).headers["retry-after"] == "1"
    clock.now += 1
    assert guesser.get(SONGS, headers=RIGHT).status_code == 200


def test_only_wrong_tokens_count(from_address: Callable[[str], TestClient]) -> None:
    client = from_address("192.168.1.7")
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Cookie": "songspace=old"}):
        for _ in range(MOST + 1):
            assert client.get(SONGS, headers=headers).status_code == 401
    assert client.get(SONGS, headers=RIGHT).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"u": "ann", "p": "wrong"}, 40), ({"u": "ann", "t": "0" * 32, "s": "salt"}, 40), ({"apiKey": "wrong"}, 44)],
)
def test_a_password_cannot_be_guessed(
    from_address: Callable[[str], TestClient], clock: Clock, wrong: dict[str, str], code: int
) -> None:
    guesser, owner = from_address("2001:db8::1"), from_address("2001:db8:0:1::1")
    right = {"u": "ann", "p": "sesame", "f": "json"}

    def told(client: TestClient, given: dict[str, str]) -> Any:
        return client.get("/rest/ping", params={"f": "json"} | given).json()["subsonic-response"]

    for _ in range(MOST):
        assert told(guesser, wrong)["error"]["code"] == code
    neighbour = from_address("2001:db8::2")  # whoever has one address of a network has them all
    for client in (guesser, neighbour):
        for given in (wrong, right):
            got = client.get("/rest/ping", params={"f": "json"} | given)
            assert got.status_code == 429 and got.headers["retry-after"] == "60"
            assert got.json()["subsonic-response"]["status"] == "failed"
    assert 'status="failed"' in guesser.get("/rest/ping", params=wrong).text
    assert guesser.get(SONGS, headers=RIGHT).status_code == 429  # they are counted together
    assert told(owner, right)["status"] == "ok"
    clock.now += 60
    assert told(guesser, right)["status"] == "ok"


def test_what_is_missing_is_no_guess(from_address: Callable[[str], TestClient]) -> None:
    client = from_address("192.168.1.7")
    for given in ({}, {"u": "ann"}, {"apiKey": "x", "u": "ann"}):
        for _ in range(MOST + 1):
            assert client.get("/rest/ping", params=given).status_code == 200


def test_wrong_ones_are_forgotten_one_by_one(clock: Clock) -> None:
    guesses = Guesses(most=3, clock=clock)
    for at in (0, 20, 40):
        clock.now = at
        wrong(guesses, "a")
    assert guesses.wait("a") == 20
    clock.now = 61
    assert guesses.wait("a") == 0
    wrong(guesses, "a")  # the third within a minute
    assert guesses.wait("a") == 19


def test_only_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    guesses = Guesses(most=1, clock=clock)
    for address in "abcad":
        with suppress(TooManyError):
            wrong(guesses, address)
    assert [bool(guesses.wait(address)) for address in "abcd"] == [False, True, True, True]


def test_whoever_fills_the_table_locks_nobody_out(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 50)
    guesses = Guesses(most=2, clock=clock)
    for number in range(500):
        for _ in range(2):
            wrong(guesses, f"10.0.{number // 250}.{number % 250}")
    assert guesses.is_right("192.168.1.7", lambda: True)
    assert len(guesses._wrong) == 50
    clock.now += 61
    wrong(guesses, "192.168.1.7")
    assert len(guesses._wrong) == 1  # what is long past needs no place


def test_of_many_that_come_at_once_no_more_are_looked_at() -> None:
    guesses, looked_at = Guesses(), []

    def judge() -> bool:
        looked_at.append(1)
        time.sleep(0.001)  # the others come meanwhile
        return False

    def ask(_: int) -> bool:
        try:
            return guesses.is_right("192.168.1.7", judge)
        except TooManyError:
            return False

    with ThreadPoolExecutor(64) as pool:
        assert not any(pool.map(ask, range(300)))
    assert len(looked_at) == MOST
    assert all(guesses.is_right("192.168.1.8", lambda: True) for _ in range(3 * MOST))  # who is right, may ask on


@pytest.mark.parametrize("path", [SONGS, "/rest/ping?u=ann&p=wrong&f=json", "/rest/ping?apiKey=wrong&f=json"])
def test_a_server_that_is_asked_by_many_at_once(home: Path, serving: Callable[..., Any], path: str) -> None:
    def ask(_: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path, headers=WRONG)
        status = connection.getresponse().status
        connection.close()
        return status

    with serving(create_app(home, token=TOKEN)) as port, ThreadPoolExecutor(32) as pool:
        told = Counter(pool.map(ask, range(100)))
    assert told[429] == 100 - MOST and sum(told.values()) == 100


def test_nobody_can_make_the_cookie_of_a_guess(from_address: Callable[[str], TestClient], home: Path) -> None:
    client = from_address("192.168.1.7")
    client.post("/api/v1/session", headers=RIGHT)
    given = client.cookies["songspace"]
    for secret in (TOKEN.encode(), b""):
        for text in (b"songspace: the cookie of a browser", TOKEN.encode(), b""):
            assert given != hmac.new(secret, text, hashlib.sha256).hexdigest()
    again = TestClient(create_app(home, token=TOKEN), base_url="http://127.0.0.1")  # a restart
    assert again.get(SONGS, headers={"Cookie": f"songspace={given}"}).status_code == 200
    other = TestClient(create_app(home, token=TOKEN + "!"), base_url="http://127.0.0.1")
    assert other.get(SONGS, headers={"Cookie": f"songspace={given}"}).status_code == 401
    key = Home(home).cookies
    assert key.stat().st_mode & 0o077 == 0 and len(key.read_bytes()) == 32
    key.chmod(0o644)  # others have read it
    anew = TestClient(create_app(home, token=TOKEN), base_url="http://127.0.0.1")
    assert anew.get(SONGS, headers={"Cookie": f"songspace={given}"}).status_code == 401


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_addresses(host: str, address: str) -> None:
    assert address_of({"client": (host, 1)}) == address
    assert address_of({"client": None}) == ""
