"""What the page plays: formats that no browser knows, seeking in them, the seconds that explain, and the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mutagen
import pytest
from mutagen.id3 import TIT2, TPE1

from songspace import pipeline
from songspace.library import Home
from songspace.library.tags import Tags

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.slow

SECONDS = 16.0
FOREIGN = ("aiff", "wma", "alac", "wavpack")  # what a name says, what it does not say, and what no browser knows
KINDS = (*FOREIGN, "flac 16", "mp3 constant", "opus", "aac")

# All elements that the page makes, and what each has played: [address, from, to] for every stretch.
HEARD = """(() => {
  const Made = window.Audio;
  window.elements = [];
  window.heard = [];
  window.Audio = function () {
    const element = new Made();
    window.elements.push(element);
    let stretch = null;
    element.addEventListener('emptied', () => (stretch = null));
    setInterval(() => {
      if (element.paused || element.readyState < 3) return;
      if (!stretch || stretch[0] !== element.currentSrc || element.currentTime < stretch[2]) {
        heard.push(stretch = [element.currentSrc, element.currentTime, element.currentTime]);
      }
      stretch[2] = element.currentTime;
    }, 10);
    return element;
  };
})()"""


@pytest.fixture(scope="module")
def address(
    audio_files: ModuleType, serving_home: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a server of songs in many formats answers."""
    folder = tmp_path_factory.mktemp("formats")
    (folder / "music").mkdir()
    for number, kind in enumerate(KINDS):
        path = folder / "music" / f"{kind}{audio_files.KINDS[kind].suffix}"
        rate = 48_000 if kind == "opus" else 44_100
        audio_files.write(path, kind, audio_files.sound(SECONDS, rate=rate, seed=number), rate=rate)
        tag(path, f"Song {kind}", f"Artist {number}")
    pipeline.learn(Home(folder / "home"), folder / "music", encoder="pca", windows=4, workers=2)
    with serving_home(folder / "home") as address:
        yield address


def tag(path: Path, title: str, artist: str) -> None:
    file = mutagen.File(path, easy=path.suffix in (".mp3", ".m4a"))
    if path.suffix in (".wma", ".wv"):
        file["Title"], file["Author" if path.suffix == ".wma" else "Artist"] = title, artist
    elif path.suffix == ".aiff":
        file.add_tags()
        file.tags.setall("TIT2", [TIT2(text=title)])
        file.tags.setall("TPE1", [TPE1(text=artist)])
    else:
        file["title"], file["artist"] = title, artist
    file.save()


@pytest.fixture
def page(opened: Callable[..., Any]) -> Any:
    """The page, whose elements are watched; ``page.asked`` are the songs that it asks for."""
    asked: list[str] = []

    def watch(page: Any) -> None:
        page.add_init_script(HEARD)
        page.on("request", lambda request: asked.append(request.url) if "/audio" in request.url else None)

    page = opened(before=watch)
    page.asked = asked
    return page


def plays_beyond(page: Any, second: float) -> None:
    """The page says so, and an element is playing indeed."""
    page.wait_for_function(
        "least => Number(document.querySelector('#seek').value) > least && elements.some(e => !e.paused)", arg=second
    )


def seek(page: Any, second: float) -> None:
    page.locator("#seek").evaluate(
        "(e, to) => { e.value = to; for (const n of ['input', 'change']) e.dispatchEvent(new Event(n)); }", second
    )


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_the_browser_cannot_play_is_encoded_for_it(page: Any, kind: str, find: Callable[..., None]) -> None:
    find(page, f"Song {kind}")
    plays_beyond(page, 0.5)
    assert [url for url in page.asked if "format=webm" in url], page.asked
    expect(page.locator("#where .time").last).to_have_text("0:16")  # of the song, for what is encoded has no end yet
    expect(page.locator("#toggle")).to_have_attribute("aria-label", "Pause")
    seek(page, 12.5)  # behind what has come so far, or within it
    plays_beyond(page, 13.0)
    seek(page, 2.0)
    page.wait_for_function("() => Number(document.querySelector('#seek').value) < 6")
    plays_beyond(page, 2.5)
    # What it cannot play as it is, it does not ask for again.
    asked = len(page.asked)
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#now .title")).not_to_have_text(f"Song {kind}")
    find(page, f"Song {kind}")
    expect(page.locator("#now .title")).to_have_text(f"Song {kind}")
    plays_beyond(page, 0.2)
    assert all("format=" in url for url in page.asked[asked:] if url.split("?")[0] == page.asked[0].split("?")[0])


@pytest.mark.parametrize("kind", ["flac 16", "mp3 constant", "opus", "aac"])
def test_what_the_browser_can_play_is_played_as_it_is(page: Any, kind: str, find: Callable[..., None]) -> None:
    find(page, f"Song {kind}")
    if kind == "aac" and page.evaluate("new Audio().canPlayType('audio/mp4; codecs=\"mp4a.40.2\"')") == "":
        pytest.skip("this Chromium was built without AAC")
    plays_beyond(page, 0.3)
    seek(page, 12.5)
    plays_beyond(page, 13.0)
    assert not [url for url in page.asked if "format=" in url]


def test_seeking_where_nothing_has_come_yet_asks_for_it_from_there(page: Any, find: Callable[..., None]) -> None:
    def slowly(route: Any) -> None:
        """What is asked for from the beginning comes only in part, and never ends."""
        if "start=0" in route.request.url:
            whole = route.fetch()
            route.fulfill(response=whole, body=whole.body()[: len(whole.body()) // 4])
        else:
            route.continue_()

    page.route("**/audio?*", slowly)
    find(page, "Song aiff")
    plays_beyond(page, 0.3)
    seek(page, 9.0)
    plays_beyond(page, 9.3)
    assert [url for url in page.asked if "start=9" in url]
    assert float(page.locator("#seek").input_value()) < 12
    # And one that is cut off goes on where it was cut: here after four seconds.
    seek(page, 0.0)
    page.wait_for_function("() => Number(document.querySelector('#seek').value) < 2")
    plays_beyond(page, 4.6)
    cut = [float(url.partition("start=")[2]) for url in page.asked if "start=" in url]
    assert 3.0 < cut[-1] < 4.6, cut


def test_next_and_previous_and_the_end_of_one_begins_the_next(page: Any, find: Callable[..., None]) -> None:
    find(page, "Song aiff")
    page.get_by_role("button", name="Radio from here").click()
    queued = page.locator("#queued > li .title")
    expect(queued.nth(3)).to_be_visible()
    titles = queued.all_inner_texts()
    now = page.locator("#now .title")
    for button, place in (("Next", 1), ("Next", 2), ("Previous", 1), ("Next", 2)):
        page.get_by_role("button", name=button, exact=True).click()
        expect(now).to_have_text(titles[place])
        plays_beyond(page, 0.1)
    seek(page, SECONDS - 1.0)
    expect(now).to_have_text(titles[3])
    plays_beyond(page, 0.3)
    assert page.evaluate("elements.filter(e => !e.paused).length") == 1
    told = page.evaluate(
        "(({title, artist, artwork}) => [title, artist, artwork[0].src])(navigator.mediaSession.metadata)"
    )
    assert told[0] == titles[3] and told[1].startswith("Artist") and told[2].endswith("/cover")


@pytest.mark.parametrize("pauses", [False, True])
def test_why_plays_the_seconds_of_both_and_then_what_played_before(
    page: Any, pauses: bool, find: Callable[..., None]
) -> None:
    find(page, "Song wma")
    plays_beyond(page, 0.3)
    if pauses:
        page.locator("#toggle").click()
        page.wait_for_function("() => elements.every(e => e.paused)")
    explained = page.locator("#neighbours > li", has=page.locator(".reason button", has_text="Hear"))
    expect(explained.first).to_be_attached()
    explained.first.locator(".why").click()
    wanted = page.evaluate("""async () => {
      const id = Number(/songs\\/(\\d+)\\//.exec(elements.find(e => e.currentSrc).currentSrc)[1]);
      const {similar} = await (await fetch(`api/v1/songs/${id}/neighbours?count=12&explain=true`)).json();
      const other = similar.find(song => song.match);
      return [[other.id, ...other.match.there], [id, ...other.match.here]];
    }""")
    page.evaluate("heard.length = 0")
    before = float(page.locator("#seek").input_value())
    explained.first.locator(".reason button").click()
    if pauses:
        page.wait_for_function("() => heard.length >= 2 && elements.every(e => e.paused)")
        stretches = page.evaluate("heard")
    else:
        page.wait_for_function("() => heard.length >= 3")
        stretches = page.evaluate("heard.slice(0, 2)")
        plays_beyond(page, before + 0.5)
    for (url, begin, end), (id, start, stop) in zip(stretches, wanted, strict=True):
        assert f"/songs/{id}/" in url
        shift = float(url.partition("start=")[2] or 0)
        assert shift + begin == pytest.approx(start, abs=0.6)
        assert shift + end == pytest.approx(stop, abs=0.6)
    expect(page.locator("#toggle")).to_have_attribute("aria-label", "Play" if pauses else "Pause")
    # A clip ends when somebody wants it to.
    explained.first.locator(".reason button").click()
    expect(page.locator("#toggle")).to_have_attribute("aria-label", "Pause")
    page.locator("#toggle").click()
    page.wait_for_function("() => elements.every(e => e.paused)")
    expect(page.locator("#toggle")).to_have_attribute("aria-label", "Play")


def test_the_volume(page: Any, find: Callable[..., None]) -> None:
    find(page, "Song wma")
    plays_beyond(page, 0.1)
    page.locator("#volume").evaluate("e => { e.value = 0.3; e.dispatchEvent(new Event('input')); }")
    assert page.evaluate("elements.filter(e => e.currentSrc).map(e => e.volume)") == [0.3]


def test_a_library_that_is_not_there_is_not_rushed_through(
    watched: Callable[..., Any],
    made_up: Callable[..., Path],
    serving_home: Callable[..., Any],
    draw_map: Callable[..., None],
    tmp_path: Path,
    find: Callable[..., None],
) -> None:
    home = made_up(tmp_path / "home", [Tags(f"Song {n}", f"Artist {n}") for n in range(40)])
    draw_map(home)
    with serving_home(home) as address:
        page = watched(address, may_refuse=(404, 422))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/audio" in request.url else None)
        page.goto(address)
        page.wait_for_selector("body.ready")
        find(page, "Song 3")
        page.get_by_role("button", name="Radio from here").click()
        expect(page.locator("#queued > li").nth(9)).to_be_visible()
        expect(page.locator("#said")).to_contain_text("cannot be played")
        page.wait_for_timeout(3000)
        # The song that was chosen, and five of the radio; each as it is, and encoded.
        assert len(asked) <= 2 * 6
        page.close()


def test_who_chooses_a_song_while_the_queue_is_made_longer_hears_that_one(page: Any, find: Callable[..., None]) -> None:
    held: list[Any] = []
    page.route("**/api/v1/radio?*", lambda route: held.append(route))
    find(page, "Song opus")
    page.get_by_role("button", name="Next", exact=True).click()  # the queue ends here: a radio is asked for
    page.wait_for_timeout(200)
    find(page, "Song aac")
    now = page.locator("#now .title")
    expect(now).to_have_text("Song aac")
    [radio] = held
    with page.expect_response("**/api/v1/radio?*"):
        radio.continue_()
    page.wait_for_timeout(500)
    expect(now).to_have_text("Song aac")
    expect(page.locator("#queued > li")).to_have_count(2)
