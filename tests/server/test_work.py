"""Updates that a server makes, and what it tells of those that others make."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from songspace import pipeline
from songspace.library import Home, Library
from songspace.library.progress import Telling, read_progress
from songspace.reporter import Reporter
from songspace.server.api.status import Work
from songspace.server.app import create_app

WRITE = {"X-Songspace": "1"}
TOKEN = "a-token-for-tests-only"


class Own(NamedTuple):
    """A library that a test may change, and its server."""

    music: Path
    home: Home
    client: TestClient

    def work(self) -> dict[str, Any]:
        response = self.client.get("/api/v1/work")
        assert response.status_code == 200 and response.headers["cache-control"] == "no-store"
        TypeAdapter(Work).validate_python(response.json())
        told: dict[str, Any] = response.json()
        return told

    def wait(self, until: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        for _ in range(1200):
            if until(told := self.work()):
                return told
            time.sleep(0.1)
        raise AssertionError(told)

    def update(self) -> dict[str, Any]:
        """From beginning to end: what came of it."""
        assert self.client.post("/api/v1/update").status_code == 202
        told: dict[str, Any] = self.wait(lambda told: told["running"] is None)["last"]
        return told


def eventually(happens: Callable[[], Any]) -> None:
    for _ in range(6000):
        if happens():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


@contextmanager
def ended(server: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever a test finds, nobody waits for a server that was not told to end."""
    try:
        yield
    finally:
        server.kill()


@pytest.fixture
def own(tunes: Path, tmp_path: Path, heard_here: None) -> Iterator[Own]:
    music, home = Path(shutil.copytree(tunes, tmp_path / "music")), Home(tmp_path / "home")
    pipeline.learn(home, music, encoder="pca", windows=3, workers=1)
    app = create_app(home, page=tmp_path / "no-page", every=0.0)
    with TestClient(app, base_url="http://127.0.0.1", headers=WRITE) as client:
        yield Own(music, home, client)


def detail(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: str = response.json()["detail"]
    return told


def test_nothing_is_at_work(own: Own) -> None:
    told = own.work()
    assert (told["running"], told["last"], told["drawing"]) == (None, None, False)
    assert told["snapshot"] == own.client.get("/api/v1/map?method=pca").json()["snapshot"]
    assert "No update" in detail(own.client.delete("/api/v1/update"), 409)


@pytest.mark.slow
def test_an_update_takes_in_what_is_new_and_gone(own: Own, song: Callable[..., Path]) -> None:
    before = own.work()["snapshot"]
    song(own.music / "new.flac", 99, style=2, title="Brand new")
    song(own.music / "newer.flac", 98, style=2, title="Newer")
    next(own.music.rglob("03.flac")).unlink()
    (own.music / "bad.mp3").write_text("words")
    response = own.client.post("/api/v1/update")
    assert response.status_code == 202 and response.json()["running"]["here"] is True
    assert detail(own.client.post("/api/v1/update"), 409) == "An update is at work already."
    told = own.wait(lambda told: told["running"] is None)
    assert told["last"]["ok"] and told["last"]["sentence"] == "2 songs are new, 1 is gone; 1 file cannot be read."
    assert told["snapshot"] != before
    found = own.client.get("/api/v1/songs", params={"q": "Brand new"}).json()["songs"]
    assert [one["title"] for one in found] == ["Brand new"]
    assert found[0]["id"] in own.client.get("/api/v1/map?method=pca").json()["ids"]
    assert own.update()["sentence"] == "Nothing has changed; 1 file cannot be read."


@pytest.mark.slow
def test_an_update_that_cannot_be_done_is_one_sentence(own: Own) -> None:
    shutil.move(own.music, own.music.with_name("away"))
    told = own.update()
    assert told["ok"] is False and told["sentence"].startswith("There is no folder")
    shutil.move(own.music.with_name("away"), own.music)
    assert own.update()["ok"] is True


@pytest.mark.slow
def test_an_update_can_be_stopped_and_goes_on(own: Own, song: Callable[..., Path]) -> None:
    for number in range(120):
        song(own.music / f"new-{number}.flac", 100 + number, seconds=6.0)
    assert own.client.post("/api/v1/update").status_code == 202
    own.wait(lambda told: told["running"]["stage"] == "listening")
    assert own.client.delete("/api/v1/update").status_code == 202
    told = own.wait(lambda told: told["running"] is None)
    assert told["last"]["ok"] and "was stopped" in told["last"]["sentence"]
    heard = Library(own.home.folder).catalog.count()
    assert 18 < heard < 138
    assert own.update()["sentence"] == f"{138 - heard} songs are new."
    assert Library(own.home.folder).catalog.count() == 138


def test_an_update_that_is_stopped_at_once_is_no_error(own: Own) -> None:
    own.client.post("/api/v1/update")
    own.client.delete("/api/v1/update")
    assert own.wait(lambda told: told["running"] is None)["last"]["ok"]


def test_a_run_elsewhere_is_told_and_refuses_an_update(own: Own) -> None:
    with own.home.lock():
        Telling(own.home, "learn", Reporter()).progress("learning", 30, 120)
        running = own.work()["running"]
        assert (running["command"], running["stage"], running["here"]) == ("learn", "learning", False)
        assert (running["done"], running["total"]) == (30, 120)
        assert "`songspace learn` works on the library" in detail(own.client.post("/api/v1/update"), 409)
        assert "No update" in detail(own.client.delete("/api/v1/update"), 409)
    assert own.work()["running"] is None
    with own.home.lock():  # as `songspace link` does, which tells nothing
        assert "Another run" in detail(own.client.post("/api/v1/update"), 409)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_a_run_that_was_killed_is_over(own: Own, song: Callable[..., Path]) -> None:
    for number in range(60):
        song(own.music / f"new-{number}.flac", 100 + number, seconds=6.0)
    command = [sys.executable, "-m", "songspace", "update", "--workers", "1", "--home", str(own.home.folder)]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    told = own.wait(lambda told: told["running"] is not None)
    assert told["running"]["command"] == "update" and told["running"]["here"] is False
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert own.home.progress.exists()
    own.wait(lambda told: told["running"] is None)
    assert own.update()["ok"]


def test_who_may_not_write_may_not_update(own: Own, tmp_path: Path) -> None:
    app = create_app(own.home, token=TOKEN, page=tmp_path)
    client = TestClient(app, base_url="http://127.0.0.1")
    for method in ("POST", "DELETE"):
        elsewhere = {"Origin": "http://evil.example"}
        assert "Another site" in detail(own.client.request(method, "/api/v1/update", headers=elsewhere), 403)
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert "Another site" in detail(own.client.request(method, "/api/v1/update", headers=cross), 403)
        bare = TestClient(own.client.app, base_url="http://127.0.0.1")
        assert "X-Songspace" in detail(bare.request(method, "/api/v1/update"), 403)
        assert detail(client.request(method, "/api/v1/update", headers=WRITE), 401)
    assert detail(client.get("/api/v1/work"), 401)
    borne = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/v1/work", headers=borne).status_code == 200
    assert own.work()["running"] is None and own.work()["last"] is None
    assert "No update" in detail(client.delete("/api/v1/update", headers=borne), 409)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_ends_stops_its_update(own: Own, song: Callable[..., Path], by: signal.Signals) -> None:
    for number in range(120):
        song(own.music / f"new-{number}.flac", 100 + number, seconds=6.0)
    command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", str(own.home.folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, ended(server):
        assert server.stderr is not None
        found = re.search(r":(\d+)/", server.stderr.readline())
        assert found
        connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=30)
        connection.request("POST", "/api/v1/update", headers=WRITE)
        assert connection.getresponse().status == 202
        connection.close()
        # The server itself may be so slow to tell it, the first time, that the update is over by then.
        eventually(lambda: (at := read_progress(own.home)) is not None and at.stage == "listening")
        server.send_signal(by)
        server.wait(60)
    assert own.work()["running"] is None and not own.home.is_locked() and not own.home.progress.exists()
    assert 18 <= Library(own.home.folder).catalog.count() < 138
    assert own.update()["ok"] and Library(own.home.folder).catalog.count() == 138
