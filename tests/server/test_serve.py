"""``songspace serve`` as a whole program."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from songspace import Library

pytestmark = pytest.mark.slow

TOKEN = "a-token-for-tests-only"


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "songspace", "serve", "--home", str(home), *arguments]


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The program, when it answers, and its port."""
    process = subprocess.Popen(command(home, "--port", "0", *arguments), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        found = re.search(r"http://[^/]+:(\d+)/", said)
        assert found, said
        yield int(found[1]), process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_it_answers_and_ctrl_c_ends_it(served_home: Path) -> None:
    song = Library(served_home).songs()[0]
    with serving(served_home) as (port, process):
        status, body = get(port, f"/api/v1/songs/{song.id}/neighbours")
        assert status == 200 and len(json.loads(body)["similar"]) == 10
        assert get(port, f"/api/v1/songs/{song.id}/audio", Range="bytes=0-3") == (206, b"fLaC")
        assert get(port, "/api/v1/songs", Host="evil.example")[0] == 421
        # Others are answered while somebody reads slowly.
        slow = socket.create_connection(("127.0.0.1", port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        slow.sendall(f"GET /api/v1/songs/{song.id}/audio HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert [get(port, "/api/v1/health")[0] for _ in range(5)] == [200] * 5
        slow.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == "Stopped.\n"  # and no address of any request


def test_with_a_token_from_a_file(served_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with serving(served_home, "--token-file", str(file), "--allow-origin", "https://player.example") as (port, process):
        assert get(port, "/api/v1/songs")[0] == 401
        assert get(port, "/api/v1/songs", Authorization=f"Bearer {TOKEN}")[0] == 200
        assert get(port, "/api/v1/songs", Authorization=f"Bearer {TOKEN}", Origin="https://player.example")[0] == 200
        assert get(port, "/api/v1/songs", Authorization=f"Bearer {TOKEN}", Origin="https://evil.example")[0] == 403
        process.terminate()
        assert process.stderr is not None
        assert TOKEN not in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--host", "0.0.0.0"), "have to bring a token"),
        (("--token-file", "short"), "at least 16 characters"),
        (("--token-file", "nowhere"), "No such file"),
        (("--host", "192.0.2.1", "--token-file", "long"), "cannot listen on 192.0.2.1"),
        (("--allow-origin", "*"), "is no origin"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    served_home: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "short").write_text("abc")
    (tmp_path / "long").write_text(TOKEN)
    done = subprocess.run(
        command(served_home, "--port", "0", *arguments), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1 and done.stdout == "" and sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and TOKEN not in done.stderr


def test_a_port_that_is_in_use_and_a_home_without_a_library_are_one_sentence(served_home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(command(served_home, "--port", port), capture_output=True, text=True, check=False)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr
    done = subprocess.run(command(tmp_path / "nowhere"), capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "run `songspace learn FOLDER` first" in done.stderr
