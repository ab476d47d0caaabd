"""Slow and idle clients over real connections: they are closed in time, and keep nobody from being answered."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from songspace.server import connections
from songspace.server.app import create_app

Serving = Callable[[Any], AbstractContextManager[int]]

CHUNK = bytes(2**16)
CHUNKS = 256  # more than any buffer between two sockets holds


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, late, or at length; and only when it has the whole request."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/late":
        await asyncio.sleep(2 * connections.SLOWEST)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(CHUNKS if scope["path"] == "/long" else 0):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b"."})


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLOWEST", 0.8)


@pytest.fixture
def port(hasty: None, serving: Serving) -> Iterator[int]:
    with serving(app) as port:
        yield port


def get(port: int, path: str = "/", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def opened(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(sent)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes it without an answer."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: loc", HEAD + b"Content-Length: 9\r\n\r\n12345678"]
)
def test_who_does_not_finish_a_request_is_closed(port: int, sent: bytes) -> None:
    with opened(port, sent) as connection:
        assert get(port) == 200
        assert is_closed(connection)
    assert get(port) == 200


def test_who_sends_a_byte_at_a_time_is_closed_and_others_are_answered(port: int) -> None:
    closed = threading.Event()

    def dribble() -> None:
        with opened(port, b"GET / HTTP/1.1\r\nX: ") as connection:
            try:
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.02)
            except OSError:
                closed.set()

    threads = [threading.Thread(target=dribble, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    while not closed.is_set():
        assert get(port) == 200
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_next_request_over_the_same_connection_has_to_come_too(port: int) -> None:
    with opened(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += connection.recv(1000)
        connection.sendall(b"G")  # or it is closed because nothing comes at all
        assert is_closed(connection)


def test_an_answer_may_take_long(port: int) -> None:
    assert get(port, "/late") == 200


def test_a_slow_reader_hears_everything(port: int) -> None:
    with opened(port, b"GET /long HTTP/1.0\r\nHost: localhost\r\n\r\n") as connection:
        time.sleep(2 * connections.SLOWEST)
        got = 0
        while part := connection.recv(2**20):
            got += len(part)
    assert got > len(CHUNK) * CHUNKS


def test_many_who_only_connect_stop_others_for_no_longer_than_it_takes_to_close_them(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLOWEST", 2.0)
    monkeypatch.setattr(connections, "MOST", 20)
    with serving(app) as port, ExitStack() as stack:
        idle = [stack.enter_context(opened(port)) for _ in range(10)]
        assert get(port) == 200
        idle += [stack.enter_context(opened(port)) for _ in range(20)]
        assert get(port) == 503
        assert all(map(is_closed, idle))
        assert get(port) == 200


def test_long_headers_are_not_listened_to(port: int) -> None:
    assert get(port, X="x" * 30_000) == 200
    with opened(port) as connection:
        try:
            for _ in range(1000):
                connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 1000)
            first = connection.recv(100)
        except ConnectionError:
            first = b""
    assert first == b"" or b" 400 " in first
    assert get(port) == 200


def test_a_body_that_does_not_end_is_not_read_for_long(hasty: None, serving: Serving, served_home: Path) -> None:
    with serving(create_app(served_home)) as port, opened(port) as connection:
        connection.sendall(b"POST /api/v1/order HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Songspace: 1\r\n")
        connection.sendall(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            while True:
                connection.sendall(b"10000\r\n" + CHUNK + b"\r\n")
        assert get(port, "/api/v1/health") == 200
