"""The listening page while the library changes below it, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from songspace import pipeline
from songspace.library import Home
from songspace.library.progress import Telling
from songspace.reporter import Reporter

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=30_000)

pytestmark = pytest.mark.slow


class Live(NamedTuple):
    """A page, and the library that it shows."""

    music: Path
    home: Home
    page: Any

    def find(self, words: str) -> None:
        """Search for a song and take it."""
        self.page.locator("#search").fill(words)
        expect(self.page.locator("#found [role=option]:not(.offer)").first).to_contain_text(words)
        self.page.locator("#found [role=option]:not(.offer)").first.click()

    def middle(self) -> tuple[float, float]:
        """Where the map shows what it has flown to."""
        self.page.wait_for_timeout(900)
        box, corner = (self.page.locator(name).bounding_box() for name in ("#ink", "#corner"))
        return box["x"] + (box["width"] + corner["width"]) / 2, box["y"] + box["height"] / 2


@pytest.fixture
def live(tunes: Path, song: Callable[..., Path], browser: Any, tmp_path: Path, heard_here: None) -> Iterator[Live]:
    music, home = Path(shutil.copytree(tunes, tmp_path / "music")), Home(tmp_path / "home")
    song(music / "long.flac", 77, seconds=240.0, title="The long one", artist="Artist 01", genre="Low")
    pipeline.learn(home, music, encoder="pca", windows=3, workers=2)
    command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", str(home.folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "500"}) as server:
        assert server.stderr is not None
        found = re.search(r"http://[\w.]+:\d+/", server.stderr.readline())
        assert found
        wrong: list[str] = []
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # A song may have no cover, and a refusal is shown by the page.
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text) if said.type == "error" and not re.search("404|409", said.text) else None
            ),
        )
        page.goto(found[0])
        page.wait_for_selector("body.ready")
        page.evaluate("window.marked = true")  # a page that was loaded anew would not know
        yield Live(music, home, page)
        assert page.evaluate("window.marked")
        context.close()
        server.terminate()
        assert not wrong


def test_what_is_new_comes_onto_the_map_while_the_music_goes_on(live: Live, song: Callable[..., Path]) -> None:
    page = live.page
    expect(page.locator("#note")).to_contain_text("19 songs")
    live.find("The long one")
    page.get_by_role("button", name="Radio from here").click()
    expect(page.locator("#queued > li").nth(3)).to_be_visible()
    queue = page.locator("#queued").inner_text()
    page.wait_for_function("() => Number(document.querySelector('#seek').value) > 0")
    for number in range(120):
        song(live.music / f"new-{number}.flac", 200 + number, style=2, title=f"Fresh {number}", genre="High")
    next(live.music.rglob("05.flac")).unlink()

    page.get_by_role("tab", name="Library").click()
    page.locator("#update").click()
    expect(page.locator("#work")).to_be_visible()
    page.locator("#update").click()
    expect(page.locator("#outcome")).to_have_text("An update is at work already.")
    expect(page.locator("#outcome")).to_have_text("120 songs are new, 1 is gone.")
    expect(page.locator("#note")).to_contain_text("138 songs")
    expect(page.locator("#work")).to_be_hidden()
    expect(page.locator("#legend button", has_text="High")).to_contain_text("125")
    expect(page.locator("#library dl").first).to_contain_text("138")  # what the panel tells is told anew

    assert "The long one" in page.locator("#now").inner_text()
    gone = float(page.locator("#seek").input_value())
    page.wait_for_function("before => Number(document.querySelector('#seek').value) > before + 0.5", arg=gone)
    page.get_by_role("tab", name="Queue").click()
    assert page.locator("#queued").inner_text() == queue

    live.find("Fresh 33")
    page.mouse.move(*live.middle())
    expect(page.locator("#bubble")).to_contain_text("Fresh 33")


def test_a_filter_stays_with_its_name(live: Live, song: Callable[..., Path]) -> None:
    page = live.page
    page.locator("#legend button", has_text="Middle").click()
    # Middle was among the first, and becomes the last.
    for number in range(6):
        song(live.music / f"new-{number}.flac", 200 + number, style=2, title=f"Fresh {number}", genre="High")
    page.get_by_role("tab", name="Library").click()
    page.locator("#update").click()
    expect(page.locator("#note")).to_contain_text("25 songs")
    expect(page.locator("#legend button").first).to_contain_text("High")
    expect(page.locator("#legend [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#legend [aria-pressed=true]")).to_contain_text("Middle")


def test_an_update_can_be_stopped(live: Live, song: Callable[..., Path]) -> None:
    page = live.page
    for number in range(150):
        song(live.music / f"new-{number}.flac", 200 + number, seconds=6.0)
    page.get_by_role("tab", name="Library").click()
    page.locator("#update").click()
    # Songs are heard faster than the page looks: whether it has begun is asked more often.
    page.wait_for_function(
        "async () => (await (await fetch('api/v1/work')).json()).running?.stage === 'listening'", polling=50
    )
    page.locator("#work").get_by_role("button", name="Stop").click()
    expect(page.locator("#outcome")).to_contain_text("was stopped")
    expect(page.locator("#work")).to_be_hidden()


def test_a_run_in_a_terminal_is_shown_and_refuses_another(live: Live) -> None:
    page = live.page
    with live.home.lock():
        telling = Telling(live.home, "learn", Reporter())
        telling.progress("learning", 30, 120)
        expect(page.locator("#work")).to_have_text("Learning how songs sound, 25 % of 120Stop")
        expect(page.locator("#work").get_by_role("button")).to_be_hidden()  # who began it may stop it
        expect(page.get_by_role("progressbar")).to_have_accessible_name(re.compile("Learning"))
        page.get_by_role("tab", name="Library").click()
        page.get_by_role("button", name="Learning…").click()
        expect(page.locator("#outcome")).to_have_text("`songspace learn` works on the library already.")
        page.wait_for_timeout(1100)
        telling.progress("learning", 60, 120)
        expect(page.locator("#work")).to_contain_text("50 %")
    expect(page.locator("#work")).to_be_hidden()
    expect(page.get_by_role("button", name="Update", exact=True)).to_be_visible()


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_a_run_that_was_killed_is_not_shown_for_ever(live: Live) -> None:
    code = (
        "import pathlib, time; from songspace.library import Home; from songspace.library.progress import Telling\n"
        "from songspace.reporter import Reporter\n"
        f"home = Home(pathlib.Path({str(live.home.folder)!r}))\n"
        "with home.lock():\n"
        "    Telling(home, 'update', Reporter()).progress('listening', 3, 9); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as run:
        expect(live.page.locator("#work")).to_contain_text("33 % of 9")
        run.send_signal(signal.SIGKILL)
    assert live.home.progress.exists()
    expect(live.page.locator("#work")).to_be_hidden()
