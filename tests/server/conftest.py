"""The learnt tunes behind a server, in this process; and songs that nobody ever recorded."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from starlette.testclient import TestClient

from songspace import Library, Space
from songspace.library import Catalog, Home, Song
from songspace.library.learnt import Learnt, set_learnt
from songspace.library.scan import Found, Tags
from songspace.server.app import create_app

WRITE = {"X-Songspace": "1"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]


def client_of(app: Any, **headers: str) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1", headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="session")
def served_home(learnt_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the learnt tunes' home, for a server writes maps and playlists into it."""
    return Path(shutil.copytree(learnt_home, tmp_path_factory.mktemp("served") / "home"))


@pytest.fixture(scope="session")
def served(served_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Without a built page, whether or not this checkout has one."""
    return create_app(served_home, page=tmp_path_factory.mktemp("no-page"))


@pytest.fixture(scope="session")
def client(served: Any) -> TestClient:
    return client_of(served, **WRITE)


@pytest.fixture(scope="session")
def songs(learnt_home: Path) -> list[Song]:
    return Library(learnt_home).songs()


@pytest.fixture(scope="session")
def clients() -> Callable[..., TestClient]:
    return client_of


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="session")
def ask() -> Callable[..., Got]:
    """A request as it comes over the wire: no client tidies its path or its headers."""

    def call(app: Any, path: str, *, method: str = "GET", headers: Sequence[tuple[str, str]] = ()) -> Got:
        named = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        if not any(name == b"host" for name, _ in named):
            named.insert(0, (b"host", b"127.0.0.1:17017"))
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": query.encode(),
            "root_path": "",
            "headers": named,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 17017),
        }
        sent: list[dict[str, Any]] = []
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await asyncio.sleep(60)
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        start, *parts = sent
        told = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Got(start["status"], told, b"".join(part.get("body", b"") for part in parts))

    return call


@pytest.fixture(scope="session")
def made_up() -> Callable[..., Path]:
    """A home of songs that nobody recorded: their tags and paths are what a test wants."""

    def make(folder: Path, tags: Sequence[Tags], paths: Sequence[str] | None = None, *, root: str = "/music") -> Path:
        home = Home(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with Catalog(home.catalog, write=True) as catalog:
            catalog.add_root(root)
            for number, of_song in enumerate(tags):
                path = paths[number] if paths is not None else f"{root}/{number}.mp3"
                identity = number.to_bytes(16, "big")
                catalog.record_song(Found(path, 1, 1), identity, of_song, duration=200.0, starts=[0.0], silent=[False])
            set_learnt(catalog, "timbre", Learnt("made-up", "made-up"))
            catalog.set_fact("encoder", "timbre")
            ids = [song.id for song in catalog.songs()]
        vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
        Space.from_vectors(vectors, np.array(ids), encoder="made-up").save(home.space)
        return folder

    return make


@pytest.fixture(scope="module")
def address(learnt_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server of the learnt tunes answers."""
    home = shutil.copytree(learnt_home, tmp_path_factory.mktemp("page") / "home")
    command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "500"}) as server:
        assert server.stderr is not None
        said = ""
        while (found := re.search(r"http://[\w.]+:\d+/", said)) is None:
            line = server.stderr.readline()
            assert line, f"The server ended: {said}"
            said += line
        yield found[0]
        server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium. One for each module: while it runs, no other event loop may in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the page; at the end nothing must have gone wrong in it, and no request have left the machine."""
    contexts, wrong = [], []

    def open_page(*, before: Callable[[Any], None] = lambda page: None, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # Blocked by the page's own policy, or refused: both are told on the console alone. A song may have no cover.
        page.on(
            "console",
            lambda said: wrong.append(said.text) if said.type == "error" and "404" not in said.text else None,
        )
        page.on("request", lambda asked: None if asked.url.startswith(address) else wrong.append(asked.url))
        before(page)
        page.goto(address)
        page.wait_for_selector("body.ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong
