"""A player that is a web page elsewhere, in a real browser: what was named may ask and play, what was not may not."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from songspace.library import Home, Song
from songspace.server.app import create_app
from songspace.server.user import User

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

TOKEN = "a-token-for-tests-only"
PLAYER = """async ([server, token, song]) => {
    const user = 'u=ann&p=sesame&f=json', told = {};
    const bearer = {Authorization: `Bearer ${token}`};
    const json = {...bearer, 'Content-Type': 'application/json'};
    const status = async (path, how) => (await fetch(server + path, how)).status;
    const asked = {
        ping: async () => (await (await fetch(`${server}/rest/ping?${user}`)).json())['subsonic-response'].status,
        form: () => status('/rest/ping', {method: 'POST', body: new URLSearchParams(user)}),
        token: () => status('/api/v1/songs', {headers: bearer}),
        write: () => status('/api/v1/playlists', {
            method: 'POST', headers: json, body: JSON.stringify({title: 'x', songs: [song]})}),
        wrong: () => status('/api/v1/songs', {headers: {Authorization: 'Bearer wrong'}}),
        header: () => status('/api/v1/playlists', {method: 'POST', headers: {'X-Songspace': '1'}}),
        cookie: () => status('/api/v1/songs', {credentials: 'include'}),
        sound: () => new Promise((heard, refused) => {
            const sound = new Audio(`${server}/rest/stream?${user}&id=${song}`);
            sound.onloadedmetadata = () => heard(sound.duration > 1);
            sound.onerror = () => refused(new TypeError());
            sound.load();
        }),
    };
    for (const [name, ask] of Object.entries(asked))
        told[name] = await ask().catch(error => error instanceof TypeError ? 'refused' : String(error));
    return told;
}"""


@pytest.fixture(scope="module")
def player_page() -> Iterator[int]:
    """An empty page of another origin; gives its port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>A player</title>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("named", [True, False])
def test_what_a_player_in_a_browser_may_do(
    served_home: Path,
    songs: list[Song],
    serving: Callable[[Any], AbstractContextManager[int]],
    player_page: int,
    tmp_path: Path,
    named: bool,
) -> None:
    home = Path(shutil.copytree(served_home, tmp_path / "home"))
    User("ann", "sesame").save(Home(home).user)
    origin = f"http://localhost:{player_page}"
    app = create_app(home, token=TOKEN, allowed_origins=[origin] if named else [])
    with serving(app) as port, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        page = browser.new_page()
        page.goto(origin)
        told = page.evaluate(PLAYER, [f"http://127.0.0.1:{port}", TOKEN, songs[0].id])
        browser.close()
    may = {"ping": "ok", "form": 200, "token": 200, "write": 201, "wrong": 401, "sound": True}
    assert told == dict.fromkeys(told, "refused") | (may if named else {})
    assert told.keys() == {*may, "header", "cookie"}
