"""Songs that are encoded on the way to whoever asks: over HTTP, several at once, and to those who read slowly or go."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from songspace.library import Library
from songspace.library.tags import Tags
from songspace.server.app import create_app
from songspace.server.streams import Streams

KINDS = ("wma", "alac", "aiff", "mp3 constant")


@pytest.fixture(scope="module")
def folder(audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs of twelve seconds that few browsers play, what is no song, and one of twenty minutes."""
    folder: Path = tmp_path_factory.mktemp("formats")
    for kind in KINDS:
        audio_files.write(folder / f"{kind}{audio_files.KINDS[kind].suffix}", kind)
    (folder / "noise.wma").write_bytes(bytes(range(256)) * 100)
    audio_files.repeat(folder / "wma.wma", 100)
    return folder


@pytest.fixture
def app(folder: Path, made_up: Callable[..., Path], tmp_path: Path) -> Any:
    paths = sorted(str(path) for path in folder.iterdir())
    home = made_up(tmp_path / "home", [Tags(title=Path(path).stem) for path in paths], paths, root=str(folder))
    return create_app(home, page=tmp_path / "no-page")


@pytest.fixture
def url(app: Any) -> Callable[[str], str]:
    """Where the sound of the song of a title is."""
    ids = {song.title: song.id for song in Library(app.app.state.service.home.folder).songs()}
    return lambda title: f"/api/v1/songs/{ids[title]}/audio"


@contextmanager
def listening(app: Any) -> Iterator[int]:
    """The port of a server of it, on a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            yield taken.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(30)


def begin(port: int, url: str) -> socket.socket:
    """Ask for a song, and take as little of it as a socket can."""
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    asking.settimeout(60)
    asking.connect(("127.0.0.1", port))
    asking.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return asking


def get(port: int, url: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", url)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("format", "type", "begins"),
    [("mp3", "audio/mpeg", b"\xff"), ("opus", "audio/ogg", b"OggS"), ("webm", "audio/webm", b"\x1a\x45\xdf\xa3")],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_song_in_another_format(
    app: Any,
    url: Callable[[str], str],
    clients: Callable[..., TestClient],
    audio_files: ModuleType,
    tmp_path: Path,
    kind: str,
    format: str,
    type: str,
    begins: bytes,
) -> None:
    client = clients(app)
    for start in (0, 7.5):
        got = client.get(url(kind), params={"format": format, "start": start}, headers={"Range": "bytes=5-9"})
        assert got.status_code == 200 and got.content.startswith((begins, b"ID3"))
        assert (got.headers["content-type"], got.headers["accept-ranges"]) == (type, "none")
        assert "content-length" not in got.headers and got.headers["cache-control"] == "no-store"
        (tmp_path / "sent").write_bytes(got.content)
        samples, rate = audio_files.decode(tmp_path / "sent")
        assert len(samples) / rate == pytest.approx(12 - start, abs=0.1)
    head = client.head(url(kind), params={"format": format})
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", type)
    # As it is, it has ranges.
    raw = client.get(url(kind), headers={"Range": "bytes=5-9"})
    assert (raw.status_code, len(raw.content)) == (206, 5)


def test_what_cannot_be_encoded_is_told_instead(
    app: Any, url: Callable[[str], str], clients: Callable[..., TestClient]
) -> None:
    client = clients(app)
    for asked, said in (
        ({"format": "flac"}, "format"),
        ({"format": "mp3", "start": -1}, "start"),
        ({"format": "mp3", "start": "inf"}, "start"),
        ({"start": 3}, "start needs a format"),
        ({"format": "mp3", "bitrate": 3}, "bitrate"),
        ({"format": "opus", "start": 12.5}, "It ends before second 12.5."),
    ):
        got = client.get(url("wma"), params=asked)
        assert (got.status_code, got.headers["content-type"]) == (422, "application/problem+json"), asked
        assert said in got.json()["detail"]
    got = client.get(url("noise"), params={"format": "webm"})
    assert (got.status_code, got.json()["detail"]) == (422, "It is damaged, or it is not a sound file.")
    assert client.get("/api/v1/songs/999/audio", params={"format": "mp3"}).status_code == 404


def test_a_song_that_has_gone_is_not_there_in_any_format(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    music, secret = tmp_path / "music", tmp_path / "secret.wav"
    music.mkdir()
    secret.write_bytes(b"RIFF")
    (music / "0.mp3").symlink_to(secret)
    client = clients(create_app(made_up(tmp_path / "home", [Tags()] * 2, root=str(music))))
    for id in (1, 2):
        assert client.get(f"/api/v1/songs/{id}/audio", params={"format": "mp3"}).status_code == 404


LONG = "wma x100"


def test_whoever_goes_makes_room_and_too_many_come_again(app: Any, url: Callable[[str], str]) -> None:
    app.app.state.service.streams = Streams(2, patience=1e9)
    with listening(app) as port:
        slow = [begin(port, f"{url(LONG)}?format=mp3") for _ in range(2)]
        for one in slow:
            assert one.recv(15) == b"HTTP/1.1 200 OK"
        refused, body = get(port, f"{url('wma')}?format=mp3")
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        assert refused.headers["content-type"] == "application/problem+json"
        assert json.loads(body)["detail"] == "Too many songs are being encoded for others: try again in a moment."
        # Whatever is not encoded is answered all the same.
        assert get(port, "/api/v1/songs")[0].status == get(port, url("wma"))[0].status == 200
        slow.pop().close()
        waited = time.monotonic() + 60
        while (status := get(port, f"{url('wma')}?format=mp3")[0].status) == 503 and time.monotonic() < waited:
            time.sleep(0.05)
        assert status == 200
        # What was refused, or cannot be encoded, holds no place either.
        for _ in range(3):
            assert get(port, f"{url('noise')}?format=mp3")[0].status == 422
        assert get(port, f"{url('wma')}?format=mp3")[0].status == 200
        slow.pop().close()


def test_whoever_takes_nothing_makes_room_for_others(app: Any, url: Callable[[str], str]) -> None:
    """One place, and somebody in it who reads at a trickle: others are served, and what was sent so far arrives."""
    app.app.state.service.streams = Streams(1, patience=0.05)
    with listening(app) as port:
        slow = begin(port, f"{url(LONG)}?format=mp3")
        got, waited = slow.recv(200), time.monotonic() + 60
        while (answered := get(port, f"{url('wma')}?format=opus"))[0].status == 503 and time.monotonic() < waited:
            got += slow.recv(10)
            time.sleep(0.05)
        assert answered[0].status == 200 and answered[1].startswith(b"OggS")
        while piece := slow.recv(2**16):
            got += piece
            if got.endswith(b"\r\n0\r\n\r\n"):
                break
        assert got.endswith(b"\r\n0\r\n\r\n")  # it ends as it should, but long before the song does
        assert len(got) < 10_000_000
        slow.close()


def test_songs_are_encoded_beside_each_other_and_beside_other_questions(app: Any, url: Callable[[str], str]) -> None:
    lengths: list[int] = []
    with listening(app) as port:
        whole = len(get(port, f"{url('wma')}?format=opus")[1])
        listeners = [
            threading.Thread(target=lambda: lengths.append(len(get(port, f"{url('wma')}?format=opus")[1])))
            for _ in range(12)
        ]
        for listener in listeners:
            listener.start()
        while any(listener.is_alive() for listener in listeners):
            assert get(port, "/api/v1/health")[0].status == 200
        assert lengths == [whole] * 12


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_a_server_that_is_stopped_while_somebody_listens_says_nothing_of_it(
    app: Any, url: Callable[[str], str]
) -> None:
    command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", app.app.state.service.home.folder]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        found = re.search(r"http://[^/]+:(\d+)/", server.stderr.readline())
        assert found
        slow = [begin(int(found[1]), f"{url(LONG)}?format={format}") for format in ("mp3", "webm")]
        for one in slow:
            assert one.recv(15) == b"HTTP/1.1 200 OK"
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
        assert server.stderr.read() == "Stopped.\n"
        for one in slow:
            one.close()
