"""Who is wrong too often has to wait, and nobody else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home
from songspace.server import guesses as module
from songspace.server.app import create_app
from songspace.server.guesses import MOST, Guesses, address_of
from songspace.server.user import User

TOKEN = "a-token-for-tests-only"
SONGS = "/api/v1/songs"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer wrong"}


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
        guesses.note("a")
    assert guesses.wait("a") == 20
    clock.now = 61
    assert guesses.wait("a") == 0
    guesses.note("a")  # the third within a minute
    assert guesses.wait("a") == 19


def test_only_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    guesses = Guesses(most=1, clock=clock)
    for address in "abcad":
        guesses.note(address)
    assert [bool(guesses.wait(address)) for address in "abcd"] == [True, False, True, True]


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
