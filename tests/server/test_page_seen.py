"""What the page shows, and keeps to itself: locks, hostile tags, keys, small screens, odd libraries; and its pictures.

``SONGSPACE_SCREENSHOTS=docs python -m pytest tests/server/test_page_seen.py -k pictures`` makes those of the docs anew,
from the library that `songspace demo` renders.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from songspace import Space
from songspace.library import Home, Library
from songspace.library.scan import Tags
from songspace.server import maps

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.slow

MADE_UP = (404, 422)
"""Songs that nobody recorded have no sound and no cover, and nobody can tell how good their space is."""

Open = Callable[..., Any]
Serve = Callable[..., Any]

MARKUP = '<img src=x onerror="document.title=\'run\'"><script>document.title="run"</script><b>&amp;'


@pytest.fixture(scope="module")
def address(learnt_home: Path, serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server of the learnt tunes answers."""
    home = Path(shutil.copytree(learnt_home, tmp_path_factory.mktemp("page") / "home"))
    with serving(home) as address:
        yield address


def find(page: Any, words: str) -> None:
    """Search for a song and take the first that is found."""
    page.locator("#search").fill(words)
    expect(page.locator("#found [role=option]").first).to_contain_text(words)
    page.locator("#found [role=option]").first.click()


def draw(home: Path) -> None:
    """The better map, so that nothing moves while a test looks."""
    place = Space.open(Home(home).space)
    maps.write(maps.place_of(Home(home), "tsne", str(place.checksum)), place, maps.draw(place, "pca"))


# Behind a token


def test_a_token_opens_the_page_and_no_script_can_read_what_is_kept(
    watched: Open, learnt_home: Path, serving: Serve, tmp_path: Path
) -> None:
    home, secret = tmp_path / "home", tmp_path / "token"
    shutil.copytree(learnt_home, home)
    draw(home)
    secret.write_text("a-token-for-tests-only")
    with serving(home, "--token-file", secret) as address:
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


# What comes from tags


def test_markup_in_tags_is_text_wherever_tags_are_shown(
    watched: Open, made_up: Callable[..., Path], serving: Serve, tmp_path: Path
) -> None:
    tags = [Tags(f"{MARKUP}{n}", f"{MARKUP}{n % 3}", None, f"{MARKUP}{n % 4}", MARKUP, 1990 + n) for n in range(14)]
    home = made_up(tmp_path / "home", tags, [f"/music/{n}<b>&amp;<script>.mp3" for n in range(14)])
    draw(home)
    with serving(home) as address:
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
        page.locator("#found [role=option]").first.hover()
        page.locator("#found [role=option]").first.click()
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


ODD = [
    Tags("שיר ארוך בעברית", "אמן", None, "אלבום", "מוזיקה", 1999),
    Tags("🎵 emoji 👩‍👩‍👧‍👦", "🇺🇳", None, "💿", "🎸"),
    Tags("W" * 1000, "W" * 1000, None, "W" * 1000, "W" * 1000, 9999),
    Tags("A title of many words, and of more " * 20, "An artist of many words " * 20),
    *[Tags()] * 6,
]


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
@pytest.mark.parametrize("tags", [ODD, [Tags()], [Tags()] * 30], ids=["odd", "one song", "no tags"])
def test_odd_libraries_fit_the_page(
    watched: Open,
    made_up: Callable[..., Path],
    serving: Serve,
    tmp_path: Path,
    size: tuple[int, int],
    tags: list[Tags],
) -> None:
    home = made_up(tmp_path / "home", tags, [f"/music/file {number}.mp3" for number in range(len(tags))])
    draw(home)
    with serving(home) as address:
        page = watched(address, may_refuse=MADE_UP, viewport={"width": size[0], "height": size[1]})
        page.goto(address)
        page.wait_for_selector("body.ready")
        expect(page.locator("#note")).to_contain_text(f"{len(tags)} song{'s' if len(tags) > 1 else ''}.")
        words = "W" * 20 if tags is ODD else "file 0"  # what has no title is called as its file
        find(page, words)
        expect(page.locator("#song h2")).to_contain_text(words)
        if len(tags) > 1:
            page.get_by_role("button", name="Radio from here").click()
            expect(page.locator("#queued > li").nth(1)).to_be_visible()
        for panel in ("song", "queue", "library"):
            page.locator(f"#tab-{panel}").click()
            wide = """part => [...document.querySelectorAll(`body, ${part}, ${part} *, #player *, #said`)]
              .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
              .map(e => e.outerHTML.slice(0, 200))"""
            assert page.evaluate(wide, f"#{panel}") == []
        assert page.evaluate("() => document.querySelector('#song header').offsetHeight < 400")


# Without a mouse


def test_the_keyboard_reaches_everything_and_goes_back(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Tab")
    expect(page.locator("#ink")).to_be_focused()  # the map comes first
    find(page, "Tune 4")
    expect(page.locator("#neighbours > li")).to_have_count(12)
    page.locator("#ink").focus()
    page.keyboard.press("Shift+Tab")
    reached, outlines = [], []
    for _ in range(120):
        page.keyboard.press("Tab")
        told = page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
          const seen = e.matches('#modes input') ? getComputedStyle(e.nextElementSibling) : s;
          return [e.id || e.getAttribute('aria-label') || e.textContent, seen.outlineStyle, e.tagName] }""")
        if told[2] == "BODY":
            break
        reached.append(told[0])
        outlines.append((told[0], told[1]))
    assert [one for one in outlines if one[1] == "none"] == []  # it is always seen where one is
    for wanted in ("ink", "search", "zoom-in", "zoom-all", "tab-song", "toggle", "seek", "volume", "now"):
        assert wanted in reached, wanted
    for wanted in ("Radio from here", "Next", "Previous"):
        assert wanted in reached, wanted
    assert reached.index("ink") < reached.index("search") < reached.index("tab-song") < reached.index("toggle")
    assert "tab-queue" not in reached  # one tab is in the order; arrows go to the others
    page.locator("#tab-song").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Queue")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Queue")).to_be_visible()
    expect(page.get_by_role("tabpanel", name="Song")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Path from here to another song").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#asking")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#asking")).to_be_hidden()


def test_every_control_has_a_role_and_a_name(opened: Open) -> None:
    page = opened()
    find(page, "Tune 5")
    expect(page.locator("#neighbours > li")).to_have_count(12)
    page.get_by_role("button", name="Radio from here").click()
    expect(page.locator("#queued > li").nth(1)).to_be_visible()
    for panel in ("Song", "Queue", "Library"):
        page.get_by_role("tab", name=re.compile(panel)).click()
        page.wait_for_timeout(300)
        tree = page.locator("body").aria_snapshot()
        controls = re.findall(r"- (button|link|textbox|searchbox|combobox|slider|radio|checkbox|tab)\b(.*)", tree)
        assert len(controls) > 15
        assert [line for line in controls if not re.match(r' "[^"]', line[1])] == [], tree
    for role, name in (
        ("main", "Map of the songs"),
        ("application", re.compile("Arrow keys")),
        ("complementary", "Songs and lists"),
        ("contentinfo", "Player"),
        ("combobox", "Find a song, artist or album"),
        ("tablist", None),
    ):
        expect(page.get_by_role(role, **({"name": name} if name else {})).first).to_be_visible()
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    dangling = """() => [...document.querySelectorAll('[aria-controls], [aria-labelledby], [aria-describedby], [for]')]
      .flatMap(e => ['aria-controls', 'aria-labelledby', 'aria-describedby', 'for'].map(n => e.getAttribute(n)))
      .filter(id => id && !document.getElementById(id))"""
    assert page.evaluate(dangling) == []


# By eye: WCAG 2's contrast of text, 4.5 to 1


CONTRAST = """() => {
  const linear = v => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const under = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c.slice(0, 3) } return [255, 255, 255] };
  const told = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || e.disabled || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.matches('.unseen, option, fieldset legend')) continue;
    let shown = 1;
    for (let p = e; p; p = p.parentElement) shown *= Number(getComputedStyle(p).opacity);
    if (!shown) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(under(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5 || shown < 1) told.push([e.textContent.slice(0, 40), ratio.toFixed(2), shown]);
  }
  return told;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(opened: Open, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    find(page, "Tune 5")
    expect(page.locator("#neighbours > li")).to_have_count(12)
    page.locator("#legend button").first.click()  # a filter, so that the others are not chosen
    page.locator("#neighbours .why").first.click()
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Radio from here").click()
    expect(page.locator("#queued > li").nth(1)).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library")).to_contain_text("Hubness")
    assert page.evaluate(CONTRAST) == []


def test_who_wants_no_motion_gets_none(opened: Open) -> None:
    page = opened(reduced_motion="reduce")
    count = """() => new Promise(done => {
      const dots = document.querySelector('#dots'), gl = dots.getContext('webgl2'), draw = gl.drawArrays.bind(gl);
      let drawn = 0;
      gl.drawArrays = (...args) => { drawn++; draw(...args) };
      for (let i = 0; i < 3; i++) document.querySelector('#zoom-in').click();
      requestAnimationFrame(() => requestAnimationFrame(() => {
        drawn = 0;
        document.querySelector('#zoom-all').click();
        setTimeout(() => done(drawn), 900);
      }));
    })"""
    assert page.evaluate(count) <= 2
    moving = opened()
    assert moving.evaluate(count) > 2  # others see it fly
    assert page.evaluate("() => document.getAnimations().length") == 0


# Lists that are kept


def test_a_list_is_kept_played_renamed_saved_and_let_go(opened: Open, learnt_home: Path, tmp_path: Path) -> None:
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
    from urllib.parse import unquote, urlsplit

    text = file.read_text("utf-8")
    if file.suffix == ".m3u8":
        yield from (line for line in text.splitlines() if line and not line.startswith("#"))
    elif file.suffix == ".jspf":
        yield from (unquote(urlsplit(track["location"][0]).path) for track in json.loads(text)["playlist"]["track"])
    else:
        found = ElementTree.fromstring(text).iter("{http://xspf.org/ns/0/}location")
        yield from (unquote(urlsplit(one.text).path) for one in found)


def test_no_request_leaves_the_machine(opened: Open, address: str) -> None:
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


# Pictures


@pytest.fixture(scope="module")
def rendered(serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the library that songspace renders. SONGSPACE_SCREENSHOTS_HOME spares learning it again."""
    from songspace import demo, pipeline

    folder = tmp_path_factory.mktemp("rendered")
    known, home = os.environ.get("SONGSPACE_SCREENSHOTS_HOME"), folder / "home"
    if known:
        shutil.copytree(known, home)
    else:
        demo.render(folder / "music")
        pipeline.learn(Home(home), folder / "music", encoder="timbre", windows=5, workers=2)
    place = Space.open(Home(home).space)
    maps.write(maps.place_of(Home(home), "tsne", str(place.checksum)), place, maps.draw(place, "tsne"))
    with serving(home) as address:
        yield address


@pytest.mark.skipif("SONGSPACE_SCREENSHOTS" not in os.environ, reason="SONGSPACE_SCREENSHOTS=docs makes pictures")
def test_pictures_for_the_docs(watched: Open, rendered: str) -> None:
    folder = Path(os.environ["SONGSPACE_SCREENSHOTS"])

    def open_page(**options: Any) -> Any:
        page = watched(rendered, **options)
        page.goto(rendered)
        page.wait_for_selector("body.ready")
        return page

    def picture(page: Any, name: str) -> None:
        page.mouse.move(5, 795)
        page.wait_for_timeout(1500)  # the map has flown
        file = folder / f"page-{name}.png"
        page.screenshot(path=file)
        assert 10_000 < file.stat().st_size < 300_000

    page = open_page()
    find(page, "Lazy Version")
    expect(page.locator("#neighbours > li")).to_have_count(12)
    page.locator("#neighbours .why").first.click()
    picture(page, "map")
    page.get_by_role("button", name="Path from here to another song").click()
    find(page, "Detour Abroad")
    expect(page.locator("#queued > li").nth(3)).to_be_visible()
    picture(page, "path")
    page = open_page(color_scheme="dark")
    page.get_by_role("radio", name="Year").check()
    find(page, "Iron Cathedral")
    page.get_by_role("button", name="Radio from here").click()
    expect(page.locator("#queued > li").nth(3)).to_be_visible()
    page.locator("#zoom-all").click()
    picture(page, "dark")
    page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    find(page, "Pixel Boss")
    expect(page.locator("#neighbours > li")).to_have_count(12)
    picture(page, "phone")
