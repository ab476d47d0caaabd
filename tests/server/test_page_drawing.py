"""Drawing on the map in a real browser: with the mouse, a pen and fingers; and what the legend shows and filters."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
Corners = Sequence[tuple[float, float]]
ZIGZAG: Corners = [(0.1, 0.2), (0.4, 0.8), (0.6, 0.3), (0.9, 0.7)]
ROUND: Corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
ALL: Corners = [(-0.03, -0.02), (1.11, -0.02), (1.11, 1.02), (-0.03, 1.02)]  # also what lies under the tools


class Sheet:
    """The part of the map beside the legend, or below it: its corners are 0, 0 and 1, 1."""

    def __init__(self, page: Any) -> None:
        self.page = page
        box = page.locator("#ink").bounding_box()
        wide = box["width"] > 600
        self.left, self.top = (310, 20) if wide else (10, 105)
        self.width, self.height = box["width"] - self.left - 65, box["height"] - self.top - 15
        covered = page.locator("#corner").bounding_box()["width"] if wide else 0
        self.scale = 0.46 * min(box["width"] - covered, box["height"])
        self.middle = (box["width"] + covered) / 2, box["height"] / 2

    def at(self, corner: tuple[float, float]) -> tuple[float, float]:
        return self.left + corner[0] * self.width, self.top + corner[1] * self.height

    def on_map(self, corner: tuple[float, float]) -> tuple[float, float]:
        """A place of the screen on the map, while everything is seen."""
        x, y = self.at(corner)
        return (x - self.middle[0]) / self.scale, (self.middle[1] - y) / self.scale

    def draw(self, corners: Corners, *, steps: int = 6) -> None:
        self.page.mouse.move(*self.at(corners[0]))
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*self.at(corner), steps=steps)
        self.page.mouse.up()


def touch(page: Any, *fingers: Corners, steps: int = 6) -> None:
    """What fingers do that go from corner to corner, as the browser gets it from a screen."""
    sheet, session = Sheet(page), page.context.new_cdp_session(page)

    def points(at: float) -> list[dict[str, float]]:
        whole, part = divmod(at, 1)
        found = []
        for number, finger in enumerate(fingers):
            a, b = (np.array(sheet.at(finger[min(int(whole) + more, len(finger) - 1)])) for more in (0, 1))
            x, y = a + (b - a) * part
            found.append({"x": float(x), "y": float(y), "id": number})
        return found

    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points(0)})
    for at in np.linspace(0, len(fingers[0]) - 1, steps * (len(fingers[0]) - 1) + 1)[1:]:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points(float(at))})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def asked(page: Any, path: str, act: Callable[[], None]) -> Any:
    """What the page asks the server for when something is done."""
    with page.expect_request(f"**/api/v1/{path}") as sent:
        act()
    return json.loads(sent.value.post_data)


def queued(page: Any) -> list[str]:
    titles: list[str] = page.locator("#queued > li .title").all_inner_texts()
    return titles


def places_of(page: Any, method: str) -> dict[int, np.ndarray]:
    told = page.evaluate("method => fetch(`api/v1/map?method=${method}`).then(answer => answer.json())", method)
    return {id: np.array([x, y]) for id, x, y in zip(told["ids"], told["x"], told["y"], strict=True)}


def settled(page: Any) -> None:
    """Waits for the better map, so that nothing moves while something is drawn."""
    while page.evaluate("fetch('api/v1/map?method=tsne').then(answer => answer.status)") != 200:
        page.wait_for_timeout(200)
    page.reload()
    page.wait_for_selector("body.ready")


def test_a_line_gives_the_songs_along_it(opened: Callable[..., Any]) -> None:
    page = opened()
    settled(page)
    page.get_by_role("button", name="Draw a line").click()
    expect(page.locator("#draw-line")).to_have_attribute("aria-pressed", "true")
    with page.expect_response("**/api/v1/line") as answered:
        sent = asked(page, "line", lambda: Sheet(page).draw(ZIGZAG))
    songs = [song["id"] for song in answered.value.json()["songs"]]
    expect(page.locator("#queued > li")).to_have_count(len(songs))
    expect(page.locator("#draw-line")).to_have_attribute("aria-pressed", "false")
    assert 8 <= len(songs) == sent["length"] <= 18
    places, drawn = places_of(page, sent["method"]), np.array(sent["points"])
    np.testing.assert_allclose(
        drawn[[0, -1]], [Sheet(page).on_map(ZIGZAG[0]), Sheet(page).on_map(ZIGZAG[-1])], atol=0.01
    )

    def away(id: int) -> float:
        return float(np.hypot(*(drawn - places[id]).T).min())

    left_out = [away(id) for id in places if id not in songs]
    assert not left_out or np.mean([away(id) for id in songs]) < np.mean(left_out)
    first, last = (np.hypot(*(places[songs[0]] - drawn[end])) for end in (0, -1))
    assert first < last
    page.locator("#queued .why").first.click()
    expect(page.locator("#queued .reason").first).to_be_visible()


def test_the_variety_and_the_order_of_what_was_drawn(opened: Callable[..., Any]) -> None:
    page = opened()
    settled(page)
    page.keyboard.press("l")
    first = asked(page, "line", lambda: Sheet(page).draw(ZIGZAG))
    expect(page.locator("#queued > li")).to_have_count(first["length"])
    before = queued(page)
    slider = page.get_by_role("slider", name="Variety")
    with page.expect_response("**/api/v1/line"):
        again = asked(page, "line", lambda: slider.fill("1"))
    assert first["variety"] == 0 and again == {**first, "variety": 1}
    page.wait_for_function("before => document.querySelector('#queued').innerText !== before", arg="\n".join(before))
    varied = queued(page)
    assert varied != before and len(varied) == len(before)
    page.get_by_role("button", name="Clear").click()
    page.keyboard.press("o")
    Sheet(page).draw(ROUND)
    page.locator("#mix").click()
    expect(page.locator("#queued > li").nth(2)).to_be_visible()
    for _ in range(4):  # out of its order
        page.get_by_role("button", name=f"Move down {queued(page)[1]}", exact=True).evaluate("button => button.click()")
    mixed = queued(page)
    with page.expect_response("**/api/v1/order"):
        page.get_by_role("button", name="Reorder to flow").click()
    page.wait_for_timeout(200)
    assert sorted(queued(page)) == sorted(mixed)


def test_a_lasso_takes_the_songs_inside_that_are_shown(opened: Callable[..., Any]) -> None:
    page = opened()
    settled(page)
    sheet = Sheet(page)
    places = places_of(page, "tsne")
    half: Corners = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
    (left, top), (right, bottom) = sheet.on_map(half[0]), sheet.on_map(half[2])
    within = {id for id, (x, y) in places.items() if left < x < right and bottom < y < top}
    assert 0 < len(within) < 18
    page.get_by_role("button", name="Draw around songs").click()
    sheet.draw(half)
    expect(page.locator("#offer")).to_contain_text(f"{len(within)} song")
    expect(page.locator("#mix")).to_be_focused()
    with page.expect_response("**/api/v1/mix") as answered:
        sent = asked(page, "mix", lambda: page.keyboard.press("Enter"))
    assert set(sent["songs"]) == within
    told = answered.value.json()
    assert {song["id"] for song in told["songs"]} <= within
    expect(page.locator("#queue")).to_contain_text(told["title"])
    expect(page.locator("#offer")).to_be_hidden()

    page.locator("#legend button", has_text="Low").click()
    expect(page.locator("#shown")).to_have_text("6 of 18 songs")
    page.keyboard.down("Shift")  # a lasso without the tool
    sheet.draw([*ALL, *ALL])  # twice round is no hole
    page.keyboard.up("Shift")
    expect(page.locator("#offer")).to_contain_text("6 songs inside")
    with page.expect_response("**/api/v1/order") as answered:
        page.get_by_role("button", name="Queue all").click()
    assert {song["genre"] for song in answered.value.json()["songs"]} == {"Low"}
    expect(page.locator("#queued > li")).to_have_count(6)
    page.get_by_role("button", name="Mix", exact=True).click()  # of what the legend shows
    expect(page.locator("#offer")).to_contain_text("6 songs shown")
    page.keyboard.press("Escape")
    expect(page.locator("#offer")).to_be_hidden()
    page.keyboard.press("l")
    assert len(asked(page, "line", lambda: sheet.draw(ZIGZAG))["songs"]) == 6


def test_what_was_begun_can_be_given_up(opened: Callable[..., Any]) -> None:
    page = opened()
    made: list[str] = []
    page.on("request", lambda sent: made.append(sent.url) if sent.method == "POST" else None)
    sheet = Sheet(page)
    page.keyboard.press("l")
    page.mouse.move(*sheet.at((0.2, 0.2)))
    page.mouse.down()
    page.mouse.move(*sheet.at((0.7, 0.7)), steps=5)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator("#draw-line")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("o")
    expect(page.locator("#draw-lasso")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("o")
    expect(page.locator("#draw-lasso")).to_have_attribute("aria-pressed", "false")
    sheet.draw(ZIGZAG)  # with nothing in the hand it moves the map
    page.keyboard.press("o")
    sheet.draw([(0.001, 0.001), (0.02, 0.001), (0.02, 0.02)])
    expect(page.locator("#said")).to_contain_text("no songs inside")
    assert not made
    page.locator("#search").fill("lo")  # letters in a box are letters
    expect(page.locator("#draw-line")).to_have_attribute("aria-pressed", "false")


def test_a_pen_draws(opened: Callable[..., Any]) -> None:
    page = opened()
    sheet, session = Sheet(page), page.context.new_cdp_session(page)
    page.locator("#draw-line").click()

    def pen(kind: str, corner: tuple[float, float]) -> None:
        x, y = sheet.at(corner)
        how = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": 0.5}
        session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **how})

    def draw() -> None:
        pen("mousePressed", ZIGZAG[0])
        for corner in ZIGZAG[1:]:
            pen("mouseMoved", corner)
        pen("mouseReleased", ZIGZAG[-1])

    assert len(asked(page, "line", draw)["points"]) == len(ZIGZAG)


def test_fingers_draw_and_pinch_on_a_telephone(opened: Callable[..., Any]) -> None:
    page = opened(**PHONE)
    settled(page)

    def line() -> np.ndarray:
        page.locator("#draw-line").tap()
        sent = asked(page, "line", lambda: touch(page, [(0.2, 0.3), (0.8, 0.3), (0.8, 0.7)]))
        expect(page.locator("#queued > li").nth(3)).to_be_visible()
        return np.array(sent["points"])

    before = line()
    apart: tuple[Corners, Corners] = ([(0.45, 0.5), (0.25, 0.5)], [(0.55, 0.5), (0.75, 0.5)])  # five times as far
    touch(page, *apart)
    after = line()
    zoomed = np.ptp(before[:, 0]) / np.ptp(after[:, 0])
    assert zoomed == pytest.approx(5, rel=0.15)

    made: list[str] = []
    page.on("request", lambda sent: made.append(sent.url) if sent.method == "POST" else None)
    page.locator("#draw-lasso").tap()
    touch(page, *(tuple(reversed(finger)) for finger in apart))  # with a tool in the hand, two fingers move the map
    expect(page.locator("#draw-lasso")).to_have_attribute("aria-pressed", "true")
    assert not made
    touch(page, ROUND)
    expect(page.locator("#offer")).to_contain_text("songs inside")
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    for name in ("#mix", "#queue-all", "#offer select", "#draw-line", "#draw-lasso", "#zoom-all"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["y"] + box["height"] <= 740
    page.locator("#mix").tap()
    expect(page.locator("#offer")).to_be_hidden()


def test_a_very_long_line(opened: Callable[..., Any]) -> None:
    page = opened()
    settled(page)
    page.keyboard.press("l")
    sheet = Sheet(page)

    def scribble() -> None:
        page.mouse.move(*sheet.at((0.1, 0.1)))
        page.mouse.down()
        page.evaluate(
            """([[x, y], [right, bottom]]) => {
              const ink = document.querySelector('#ink');
              for (let i = 0; i < 5000; i++) ink.dispatchEvent(new PointerEvent('pointermove', {
                pointerId: 1, pointerType: 'mouse', clientX: x + (right - x) * Math.abs((i / 100) % 2 - 1),
                clientY: y + (bottom - y) * i / 5000 }));
            }""",
            [sheet.at((0.1, 0.1)), sheet.at((0.9, 0.9))],
        )
        page.mouse.up()

    sent = asked(page, "line", scribble)
    assert 400 < len(sent["points"]) <= 1000
    assert np.ptp(np.array(sent["points"])[:, 1]) > 0.8 * (sheet.on_map((0, 0.1))[1] - sheet.on_map((0, 0.9))[1])
    expect(page.locator("#queued > li")).to_have_count(sent["length"])


def test_a_keyboard_and_a_screen_reader_find_the_tools(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator("#draw-lasso").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#draw-lasso")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#said")).to_contain_text("Draw around the songs")
    Sheet(page).draw(ROUND)
    expect(page.locator("#offer")).to_be_visible()
    nameless = page.evaluate("""() => [...document.querySelectorAll('#offer *, #tools *, #legend-box *')]
      .filter(e => /^(BUTTON|SELECT|INPUT)$/.test(e.tagName) && !e.hidden)
      .filter(e => !(e.ariaLabel || e.textContent.trim() || (e.labels && e.labels.length))).map(e => e.outerHTML)""")
    assert nameless == []


def test_colours_by_sound(opened: Callable[..., Any]) -> None:
    page = opened()
    settled(page)
    entries = page.locator("#legend button")
    seen = {"genre": colours(page)}
    for mode, name, says in (
        ("group", "Sound", "Groups"),
        ("isolation", "Alone", "nearest"),
        ("hubness", "Hubs", "Among"),
    ):
        page.get_by_role("radio", name=name).check()
        expect(page.locator("#meaning")).to_contain_text(says)
        sizes = [int(text) for text in entries.locator(".size").all_inner_texts()]
        assert sum(sizes) == 18 and len(sizes) >= 2
        seen[mode] = colours(page)
    assert len({frozenset(found) for found in seen.values()}) == 4
    entries.first.click()  # a step of the scale
    expect(page.locator("#shown")).to_have_text(f"{sizes[0]} of 18 songs")
    entries.nth(1).click()  # and another
    expect(page.locator("#shown")).to_have_text(f"{sizes[0] + sizes[1]} of 18 songs")
    page.get_by_role("radio", name="Genre").check()
    expect(page.locator("#shown")).to_be_hidden()
    assert colours(page) == seen["genre"]


def colours(page: Any) -> set[tuple[int, int, int]]:
    """The colours of songs on the map: greys are names."""
    page.wait_for_timeout(300)
    taken = page.screenshot(clip={"x": 320, "y": 0, "width": 530, "height": 700})
    pixels, counts = np.unique(
        np.asarray(Image.open(io.BytesIO(taken)).convert("RGB")).reshape(-1, 3), axis=0, return_counts=True
    )
    coloured = np.ptp(pixels.astype(int), axis=1) > 50
    return {tuple(pixel) for pixel in pixels[coloured & (counts > 40)].tolist()}


@pytest.fixture
def many(stands: Callable[..., None]) -> Callable[[Any], None]:
    """Four hundred songs by forty artists, in rows."""
    count = 400
    columns = {
        "genre": {"values": ["Rock"], "codes": [0] * count},
        "artist": {"values": [f"Artist {i}" for i in range(40)], "codes": [i // 10 for i in range(count)]},
        "album": {"values": [f"Album {i}" for i in range(80)], "codes": [i // 5 for i in range(count)]},
        "title": {"values": [f"Song {i}" for i in range(count)], "codes": list(range(count))},
    }
    places = {"x": [i % 20 / 10 - 0.95 for i in range(count)], "y": [i // 20 / 10 - 0.95 for i in range(count)]}
    return lambda page: stands(page, {"ids": list(range(1, count + 1)), **places, "columns": columns})


def test_the_legend_filters_by_any_artist(opened: Callable[..., Any], many: Callable[[Any], None]) -> None:
    page = opened(before=many)
    whole = colours(page)
    page.get_by_role("radio", name="Artist").check()
    expect(page.locator("#legend button")).to_have_count(13)  # twelve, and all others
    box = page.get_by_role("searchbox", name="Show only another artist")
    box.fill("artist 3")
    expect(page.locator("#values button")).to_have_count(6)
    expect(page.locator("#values button").first).to_contain_text("Artist 3")
    box.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#values button").nth(1)).to_be_focused()
    page.keyboard.press("Enter")  # Artist 30
    expect(page.locator("#shown")).to_have_text("10 of 400 songs")
    small = page.locator("#legend button", has_text=re.compile("^Artist 30"))
    expect(small).to_have_attribute("aria-pressed", "true")
    assert len(colours(page)) == 1
    expect(box).to_be_focused()
    page.keyboard.type("39")
    page.keyboard.press("Enter")
    expect(page.locator("#shown")).to_have_text("20 of 400 songs")
    page.locator("#legend button", has_text=re.compile("^Artist 0")).click()
    expect(page.locator("#shown")).to_have_text("30 of 400 songs")
    assert len(colours(page)) == 3
    small.click()
    expect(small).to_have_count(0)
    expect(page.locator("#shown")).to_have_text("20 of 400 songs")
    page.keyboard.press("o")
    Sheet(page).draw(ROUND)
    expect(page.locator("#offer")).to_contain_text(re.compile(r"^\d+ songs inside"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#shown")).to_be_hidden()
    expect(page.locator("#legend [aria-pressed=true]")).to_have_count(0)
    page.get_by_role("radio", name="Genre").check()
    assert colours(page) == whole


def test_the_search_offers_to_show_one_artist_only(opened: Callable[..., Any], many: Callable[[Any], None]) -> None:
    page = opened(before=many)
    page.locator("#search").fill("artist 27")
    offer = page.locator("#found .offer")
    expect(offer).to_have_count(1)
    expect(offer).to_contain_text("Only Artist 27")
    expect(offer).to_contain_text("artist, 10 songs")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Artist")).to_be_checked()
    expect(page.locator("#shown")).to_have_text("10 of 400 songs")
    page.locator("#search").fill("album 3")
    expect(offer.first).to_contain_text("Only Album 3")
    offer.first.click()
    expect(page.get_by_role("radio", name="Album")).to_be_checked()
    expect(page.locator("#shown")).to_have_text("5 of 400 songs")
    assert len(colours(page)) == 1
