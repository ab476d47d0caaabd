"""The listening page in a real browser: Debian's Chromium, driven by Playwright, on a server of its own."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.slow


def seconds(page: Any) -> float:
    return float(page.locator("#seek").input_value())


def wait_until_it_plays(page: Any, beyond: float = 0.0) -> None:
    page.wait_for_function("least => Number(document.querySelector('#seek').value) > least", arg=beyond)


def test_search_plays_and_shows_what_is_near(opened: Callable[..., Any], find: Callable[..., None]) -> None:
    page = opened()
    find(page, "Tune 4")
    expect(page.locator("#song h2")).to_have_text("Tune 4")
    expect(page.locator("#now")).to_contain_text("Tune 4")
    wait_until_it_plays(page)
    wait_until_it_plays(page, seconds(page))  # it goes on
    assert page.locator("#toggle").get_attribute("aria-label") == "Pause"
    expect(page.locator("#neighbours > li")).to_have_count(12)
    shares = [
        float(text) for text in re.findall(r"similarity\s*(-?[\d.]+)", page.locator("#neighbours").text_content())
    ]
    assert len(shares) == 12
    page.locator("#neighbours .why").first.click()
    expect(page.locator("#neighbours .reason").first).to_contain_text(re.compile("sounds|resembles|part"))


def test_seeking_and_the_keyboard(opened: Callable[..., Any]) -> None:
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("Tune 7")
    expect(page.locator("#found [role=option]:not(.offer)").first).to_contain_text("Tune 7")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#found [aria-selected=true]")).to_contain_text("Tune 7")
    page.keyboard.press("Enter")
    wait_until_it_plays(page)
    page.keyboard.press("Space")
    expect(page.locator("#toggle")).to_have_attribute("aria-label", "Play")
    page.locator("#seek").focus()
    page.keyboard.press("End")
    wait_until_it_plays(page, 7.0)  # of eight seconds: the server sends parts
    page.locator("#ink").focus()
    before = page.locator("#now").inner_text()
    page.keyboard.press("ArrowRight")  # to the song that is there
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#bubble")).to_contain_text("Tune")
    page.keyboard.press("Enter")
    expect(page.locator("#now")).not_to_have_text(before)


def test_a_click_on_the_map_plays_the_song_there(opened: Callable[..., Any], find: Callable[..., None]) -> None:
    page = opened()
    find(page, "Tune 11")  # the map flies there, so that the song is in the middle of what is seen
    page.wait_for_timeout(900)
    box, corner = page.locator("#ink").bounding_box(), page.locator("#corner").bounding_box()
    middle = box["x"] + (box["width"] + corner["width"]) / 2, box["y"] + box["height"] / 2
    page.locator("#clear").evaluate("button => button.click()")
    expect(page.locator("#now")).to_have_text("Nothing plays")
    page.mouse.move(*middle)
    expect(page.locator("#bubble")).to_contain_text("Tune 11")
    page.mouse.click(*middle)
    expect(page.locator("#now")).to_contain_text("Tune 11")


def test_radio_queue_and_saving(opened: Callable[..., Any], tmp_path: Path, find: Callable[..., None]) -> None:
    page = opened()
    find(page, "Tune 2")
    page.get_by_role("button", name="Radio from here").click()
    queued = page.locator("#queued > li")
    expect(queued.nth(3)).to_be_visible()
    expect(queued.first).to_have_attribute("aria-current", "true")
    expect(queued.first).to_contain_text("Tune 2")
    second = queued.nth(1).locator(".title").inner_text()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#now .title")).to_have_text(second)
    page.get_by_role("button", name=f"Move up {second}").click()
    expect(queued.first.locator(".title")).to_have_text(second)
    for format, begins in (("m3u8", "#EXTM3U"), ("xspf", "<?xml"), ("jspf", "{")):
        page.locator("#format").select_option(format)
        with page.expect_download() as download:
            page.locator("#save").click()
        file = tmp_path / f"list.{format}"
        download.value.save_as(file)
        assert file.read_text("utf-8").startswith(begins)
        assert download.value.suggested_filename.endswith(f".{format}")


def test_a_path_between_two_songs(opened: Callable[..., Any], find: Callable[..., None]) -> None:
    page = opened()
    find(page, "Tune 0")
    page.get_by_role("button", name="Path from here to another song").click()
    expect(page.locator("#asking")).to_be_visible()
    find(page, "Tune 17")
    expect(page.locator("#asking")).to_be_hidden()
    expect(page.locator("#queued > li").first).to_contain_text("Tune 0")
    expect(page.locator("#queued > li").last).to_contain_text("Tune 17")


def test_the_legend_filters(opened: Callable[..., Any]) -> None:
    page = opened()
    expect(page.locator("#legend button")).to_have_count(3)
    whole = painted(page)
    page.locator("#legend button", has_text="Low").click()
    expect(page.locator("#legend [aria-pressed=true]")).to_have_count(1)
    assert 0 < painted(page) < 0.7 * whole
    page.locator("#everything").click()
    assert painted(page) == whole
    page.get_by_role("radio", name="Artist").check()
    expect(page.locator("#legend button")).to_have_count(6)


def painted(page: Any) -> int:
    """How many pixels beside the legend have a song's colour: names, and what is only hinted at, are grey."""
    page.wait_for_timeout(300)
    taken = page.screenshot(clip={"x": 0, "y": 0, "width": 900, "height": 700})
    pixels = np.asarray(Image.open(io.BytesIO(taken)).convert("RGB")).astype(int)
    legend = page.locator("#legend-box").bounding_box()
    pixels[: int(legend["y"] + legend["height"]) + 20, : int(legend["x"] + legend["width"]) + 20] = 0
    return int((pixels.max(axis=2) - pixels.min(axis=2) > 60).sum())


def test_honesty(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library")).to_contain_text("18")
    expect(page.locator("#library")).to_contain_text("Hubness")
    expect(page.locator("#failures")).to_contain_text("Every file was read")


def test_a_narrow_screen(opened: Callable[..., Any], find: Callable[..., None]) -> None:
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    find(page, "Tune 5")
    wait_until_it_plays(page)
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    for name in ("#search", "#toggle", "#tab-queue", "#zoom-in"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["y"] + box["height"] <= 740
    assert not page.locator("#legend-box").evaluate("box => box.open")


def test_every_control_has_a_name(opened: Callable[..., Any], find: Callable[..., None]) -> None:
    page = opened()
    find(page, "Tune 5")
    expect(page.locator("#neighbours > li")).to_have_count(12)
    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, a, [role=option], canvas')]
      .filter(e => e.ariaHidden !== 'true' && !(e.ariaLabel || e.textContent.trim() || (e.labels && e.labels.length)))
      .map(e => e.outerHTML)""")
    assert nameless == []


def test_markup_in_tags_is_text(opened: Callable[..., Any]) -> None:
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>'

    def poison(page: Any) -> None:
        def answer(route: Any) -> None:
            page_of_songs = route.fetch().json()
            for song in page_of_songs["songs"]:
                song["title"] = song["artist"] = hostile
            route.fulfill(json=page_of_songs)

        page.route("**/api/v1/songs?*", answer)

    page = opened(before=poison)
    find_in = page.locator("#search")
    find_in.fill("Tune 1")
    expect(page.locator("#found [role=option]:not(.offer)").first).to_contain_text(hostile)
    assert page.locator("#found img, #found script").count() == 0


def test_a_hundred_thousand_songs(opened: Callable[..., Any], stands: Callable[..., None]) -> None:
    count = 100_000
    rng = random.Random(0)
    genres = [rng.randrange(20) for _ in range(count)]
    columns = {
        "genre": {"values": [f"Genre {i}" for i in range(20)], "codes": genres},
        "artist": {"values": [f"Artist {i}" for i in range(5000)], "codes": [i // 20 for i in range(count)]},
        "title": {"values": [f"Song {i}" for i in range(count)], "codes": list(range(count))},
    }
    places = [[round(rng.gauss(0.7 * (g % 5 - 2) / 2, 0.08), 4) for g in genres] for _ in "x"]
    places += [[round(rng.gauss(0.7 * (g // 5 - 1.5) / 2, 0.08), 4) for g in genres]]
    body = {"ids": list(range(1, count + 1)), "x": places[0], "y": places[1], "columns": columns}
    page = opened(before=lambda page: stands(page, body))
    expect(page.locator("#note")).to_contain_text("100,000 songs")
    expect(page.locator("#legend button")).to_have_count(13)  # twelve, and all others
    whole = painted(page)
    assert whole > 10_000
    frames = page.evaluate("""() => new Promise(done => {
      const ink = document.querySelector('#ink'), began = performance.now();
      let frames = 0;
      const step = () => {
        ink.dispatchEvent(new WheelEvent('wheel', {deltaY: -20, clientX: 700, clientY: 300, cancelable: true}));
        if (++frames < 30) requestAnimationFrame(step); else done(performance.now() - began);
      };
      requestAnimationFrame(step);
    })""")
    print(f"{frames / 30:.1f} ms a frame while zooming over {count:,} songs")
    assert painted(page) != whole
    # On a card that is slow (here: that is asked for a frame every 40 ms), fewer dots move, and all stand at the end.
    drawn = page.evaluate("""async () => {
      const gl = document.querySelector('#dots').getContext('webgl2'), draw = gl.drawArrays.bind(gl), counts = [];
      gl.drawArrays = (mode, first, count) => { counts.push(count); draw(mode, first, count) };
      const ink = document.querySelector('#ink'), wait = ms => new Promise(done => setTimeout(done, ms));
      for (let i = 0; i < 20; i++) {
        ink.dispatchEvent(new WheelEvent('wheel', {deltaY: 9, clientX: 700, clientY: 300, cancelable: true}));
        await wait(40);
      }
      await wait(1000);
      return counts;
    }""")
    assert 10_000 <= min(drawn) < count and drawn[-1] == count
