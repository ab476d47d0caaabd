"""The learnt tunes behind a server, in this process; and songs that nobody ever recorded."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import uvicorn
from starlette.testclient import TestClient

from songspace import Library, Space
from songspace.library import Catalog, Home, Song
from songspace.library.cue import Part
from songspace.library.identity import identify
from songspace.library.learnt import Learnt, set_learnt
from songspace.library.records import Track
from songspace.library.scan import Found, scan
from songspace.library.tags import Tags
from songspace.server import connections, maps
from songspace.server.app import create_app

WRITE = {"X-Songspace": "1"}


@contextmanager
def _serving(app: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", **connections.settings()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def serving() -> Callable[[Any], AbstractContextManager[int]]:
    """An application on a port of this machine, as ``songspace serve`` opens it; gives the port."""
    return _serving


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
                identity, found = number.to_bytes(16, "big"), Found(path, 1, 1)
                if os.path.isfile(path) and not os.path.islink(path):  # or it would not be sent
                    identity, [found] = identify(path), [one for one in scan(Path(path).parent) if one.path == path]
                catalog.record(found, [Track(identity, Part(tags=of_song), 200.0, [0.0], [False])])
            set_learnt(catalog, "timbre", Learnt("made-up", "made-up"))
            catalog.set_fact("encoder", "timbre")
            ids = [song.id for song in catalog.songs()]
        vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
        Space.from_vectors(vectors, np.array(ids), encoder="made-up").save(home.space)
        return folder

    return make


# The page in a real browser: Debian's Chromium, driven by Playwright, on a server of its own.

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
BUILT = Path(__file__).resolve().parents[2] / "src/songspace/server/page/index.html"


@pytest.fixture(scope="module")  # while it runs, this thread has an event loop, which others must not find
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    if not BUILT.exists():
        pytest.skip("the page is not built: pip install -e . builds it")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def find() -> Callable[[Any, str], None]:
    """Searches for a song on a page and takes the first that is found."""

    def take(page: Any, words: str) -> None:
        from playwright.sync_api import expect

        page.locator("#search").fill(words)
        first = page.locator("#found [role=option]:not(.offer)").first
        expect(first).to_contain_text(words)
        first.click()

    return take


@pytest.fixture(scope="session")
def serving_home() -> Callable[..., AbstractContextManager[str]]:
    """A running ``songspace serve`` of a home; gives its address."""

    @contextmanager
    def serve(home: Path, *options: object) -> Iterator[str]:
        command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", home, *options]
        told = {**os.environ, "COLUMNS": "500"}
        with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, env=told) as server:
            assert server.stderr is not None
            said = ""
            while (found := re.search(r"http://[\w.]+:\d+/", said)) is None:
                line = server.stderr.readline()
                assert line, f"The server ended: {said}"
                said += line
            try:
                yield found[0]
            finally:
                server.terminate()

    return serve


@pytest.fixture(scope="module")
def address(
    learnt_home: Path, serving_home: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a server of the learnt tunes answers."""
    home = Path(shutil.copytree(learnt_home, tmp_path_factory.mktemp("page") / "home"))
    with serving_home(home) as address:
        yield address


@pytest.fixture(scope="session")
def draw_map() -> Callable[..., None]:
    """Draws the better map of a home, so that nothing moves while a test looks; by PCA, which is soon done."""

    def draw(home: Path, method: str = "pca") -> None:
        space = Space.open(Home(home).space)
        maps.write(maps.place_of(Home(home), "tsne", str(space.checksum)), maps.draw(space, method))

    return draw


@pytest.fixture(scope="session")
def stands() -> Callable[[Any, dict[str, Any]], None]:
    """Gives a page a map that is made up, and that stays as it is."""

    def route(page: Any, places: dict[str, Any]) -> None:
        body = json.dumps({"state": "ready", "method": "tsne", "snapshot": "made up", "settled": True, **places})
        rest = json.dumps({"running": None, "last": None, "snapshot": "made up", "drawing": False})
        page.route("**/api/v1/map?*", lambda route: route.fulfill(body=body, content_type="application/json"))
        page.route("**/api/v1/work", lambda route: route.fulfill(body=rest, content_type="application/json"))

    return route


@pytest.fixture
def watched(browser: Any) -> Iterator[Callable[..., Any]]:
    """A new page that has gone nowhere yet; at the end nothing went wrong, and no request left the machine."""
    contexts, wrong = [], []

    def new_page(address: str, *, may_refuse: Sequence[int] = (404,), **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()

        def heard(said: Any) -> None:
            # What the page's own policy blocks, and what is refused, is told on the console alone.
            if said.type == "error" and not any(f"{status} (" in said.text for status in may_refuse):
                wrong.append(said.text)

        def asked(request: Any) -> None:
            if not request.url.startswith((address, f"blob:{address}", "data:")):
                wrong.append(request.url)

        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", heard)
        context.on("request", asked)
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def opened(watched: Callable[..., Any], address: str) -> Callable[..., Any]:
    """Opens the page of the server at ``address``, which a module of tests says. A song may have no cover."""

    def open_page(*, before: Callable[[Any], None] = lambda page: None, **options: Any) -> Any:
        page = watched(address, **options)
        before(page)
        page.goto(address)
        page.wait_for_selector("body.ready")
        return page

    return open_page
