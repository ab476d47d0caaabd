"""What the page keeps, and what it keeps to itself: the token, tags with markup, lists; and no request that leaves."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from songspace.library import Library
from songspace.library.tags import Tags

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.slow

MADE_UP = (404, 422)
"""Songs that nobody recorded have no sound and no cover, and nobody can tell how good their space is."""

Open = Callable[..., Any]
Serve = Callable[..., Any]

MARKUP = '<img src=x onerror="document.title=\'run\'"><script>document.title="run"</script><b>&amp;'


# Behind a token


def test_a_token_opens_the_page_and_no_script_can_read_what_is_kept(
    watched: Open,
    learnt_home: Path,
    serving_home: Serve,
    tmp_path: Path,
    draw_map: Callable[..., None],
    find: Callable[..., None],
) -> None:
    home, secret = tmp_path / "home", tmp_path / "token"
    shutil.copytree(learnt_home, home)
    draw_map(home)
    secret.write_text("a-token-for-tests-only")
    with serving_home(home, "--token-file", secret) as address:
        page = watched(address, may_refuse=(401, 404))
        page.goto(address)
        door = page.get_by_role("dialog")
        expect(door).to_be_visible()
        assert page.evaluate("() => document.activeElement.id") == "token"
        assert "Tune" not in page.content() and page.locator("#legend button").count() == 0
        page.keyboard.type("some-other-token-of-somebody")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("This is not the server's token.")
        expect(door).to_be_visible()
        page.locator("#token").fill(secret.read_text())
        page.get_by_role("button", name="Open").click()
        page.wait_for_selector("body.ready")
        expect(door).to_be_hidden()
        assert page.evaluate("() => document.cookie + localStorage.length + sessionStorage.length") == "00"
        [cookie] = page.context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and secret.read_text() not in cookie["value"]
        page.reload()
        page.wait_for_selector("body.ready")
        expect(door).to_be_hidden()
        find(page, "Tune 3")
        page.wait_for_function("() => Number(document.querySelector('#seek').value) > 0")  # sound is behind it, too
        page.close()


# What comes from tags


def test_markup_in_tags_is_text_wherever_tags_are_shown(
    watched: Open,
    made_up: Callable[..., Path],
    serving_home: Serve,
    tmp_path: Path,
    draw_map: Callable[..., None],
) -> None:
    tags = [Tags(f"{MARKUP}{n}", f"{MARKUP}{n % 3}", None, f"{MARKUP}{n % 4}", MARKUP, 1990 + n) for n in range(14)]
    home = made_up(tmp_path / "home", tags, [f"/music/{n}<b>&amp;<script>.mp3" for n in range(14)])
    draw_map(home)
    with serving_home(home) as address:
        page = watched(address, may_refuse=MADE_UP)
        answered = page.goto(address)
        policy = answered.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy and "default-src 'none'" in policy
        page.wait_for_selector("body.ready")
        foreign = "() => document.querySelectorAll('b, script:not([src]), img[src=x], [onerror]').length"

        def shows(where: str) -> None:
            expect(page.locator(where).first).to_contain_text(MARKUP)
            assert page.evaluate(foreign) == 0 and page.title() != "run"

        shows("#legend")
        for mode in ("Artist", "Album", "Year", "Genre"):
            page.get_by_role("radio", name=mode).check()
        page.locator("#search").fill("img src")
        shows("#found [role=option]")
        page.locator("#found [role=option]:not(.offer)").first.hover()
        page.locator("#found [role=option]:not(.offer)").first.click()
        for where in ("#song h2", "#song header p", "#neighbours .title", "#now .title", "#now .more"):
            shows(where)
        assert page.title().startswith(MARKUP[:20])
        page.locator("#neighbours .row").first.focus()
        shows("#bubble")
        page.get_by_role("button", name="Radio from here").click()
        shows("#queued .title")
        page.locator("#queued .why").first.click()
        shows("#queue > .more")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save", exact=True).click()
        assert not set('<>"/') & set(download.value.suggested_filename)
        shows("#said")
        page.get_by_role("tab", name="Library").click()
        shows("#kept .title")
        page.locator("#zoom-in").click(click_count=4, delay=30)  # names of songs are written on the map
        page.wait_for_timeout(500)
        assert page.evaluate(foreign) == 0 and page.title().startswith(MARKUP[:20])
        page.close()


# Lists that are kept


def test_a_list_is_kept_played_renamed_saved_and_let_go(
    opened: Open, learnt_home: Path, tmp_path: Path, find: Callable[..., None]
) -> None:
    page = opened()
    find(page, "Tune 6")
    page.get_by_role("button", name="Radio from here").click()
    queued = page.locator("#queued > li .title")
    expect(queued.nth(5)).to_be_visible()
    wanted = queued.all_inner_texts()
    paths = {song.title: song.path for song in Library(learnt_home).songs()}
    for format in ("m3u8", "xspf", "jspf"):
        page.locator("#format").select_option(format)
        with page.expect_download() as download:
            page.locator("#save").click()
        file = tmp_path / f"list.{format}"
        download.value.save_as(file)
        assert list(parsed(file)) == [paths[title] for title in wanted]
    page.get_by_role("tab", name="Library").click()
    rows = page.locator("#kept > li")
    expect(rows).to_have_count(3)
    rows.nth(0).hover()
    rows.nth(0).get_by_role("button", name="Rename").click()
    box = page.get_by_role("textbox", name="The playlist's title")
    expect(box).to_be_focused()
    box.fill("Never")
    page.keyboard.press("Escape")
    expect(page.locator("#kept")).not_to_contain_text("Never")
    expect(page.get_by_role("button", name="Rename").first).to_be_focused()
    page.keyboard.press("Enter")
    box.fill("Late <i>evening</i>")
    page.keyboard.press("Enter")
    expect(rows.nth(0).locator(".title")).to_have_text("Late <i>evening</i>")
    expect(page.get_by_role("button", name="Rename Late <i>evening</i>")).to_be_focused()
    page.reload()
    page.get_by_role("tab", name="Library").click()
    renamed = rows.filter(has_text="Late <i>evening</i>")
    expect(renamed).to_have_count(1)
    renamed.locator(".row").click()
    expect(page.get_by_role("tabpanel", name=re.compile("Queue"))).to_be_visible()
    expect(page.locator("#queued > li")).to_have_count(len(wanted))
    assert queued.all_inner_texts() == wanted
    expect(page.locator("#now .title")).to_have_text(wanted[0])
    page.get_by_role("tab", name="Library").click()
    for left in (2, 1, 0):
        rows.first.hover()
        rows.first.get_by_role("button", name="Delete").click()
        expect(rows).to_have_count(left)
    page.reload()
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#failures")).to_be_visible()
    expect(rows).to_have_count(0)


def parsed(file: Path) -> Iterator[str]:
    """The paths in a playlist, read by other means than songspace's own."""
    text = file.read_text("utf-8")
    if file.suffix == ".m3u8":
        yield from (line for line in text.splitlines() if line and not line.startswith("#"))
    elif file.suffix == ".jspf":
        yield from (unquote(urlsplit(track["location"][0]).path) for track in json.loads(text)["playlist"]["track"])
    else:
        found = ElementTree.fromstring(text).iter("{http://xspf.org/ns/0/}location")
        yield from (unquote(urlsplit(one.text).path) for one in found)


def test_no_request_leaves_the_machine(opened: Open, address: str, find: Callable[..., None]) -> None:
    asked = []

    def watch(page: Any) -> None:
        def stop(route: Any) -> None:
            asked.append(route.request.url)
            if route.request.url.startswith(address):
                route.continue_()
            else:
                route.abort()

        page.context.route("**/*", stop)

    page = opened(before=watch)
    find(page, "Tune 8")
    page.locator("#neighbours .why").first.click()
    page.locator("#neighbours .reason button").first.click()
    page.get_by_role("button", name="Radio from here").click()
    expect(page.locator("#queued > li").nth(3)).to_be_visible()
    page.locator("#variety").fill("0.6")
    page.locator("#flow").click()
    page.get_by_role("button", name="Next", exact=True).click()
    for mode in ("Artist", "Album", "Year"):
        page.get_by_role("radio", name=mode).check()
    with page.expect_download():
        page.locator("#save").click()
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library")).to_contain_text("Hubness")
    kinds = {re.sub(r"\d+", "N", url.removeprefix(address).partition("?")[0]) for url in asked}
    assert {"api/vN/map", "api/vN/songs", "api/vN/radio", "api/vN/songs/N/audio", "api/vN/status"} <= kinds
    assert [url for url in asked if not url.startswith(address)] == []
