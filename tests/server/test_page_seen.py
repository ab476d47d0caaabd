"""How the page looks: odd libraries, the keyboard, names of controls, contrast, motion; and its pictures.

``SONGSPACE_SCREENSHOTS=docs python -m pytest tests/server/test_page_seen.py -k pictures`` makes those of the docs anew,
from the library that `songspace demo` renders (``SONGSPACE_SCREENSHOTS_HOME`` is a home that has learnt it already).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from songspace.library import Home
from songspace.library.tags import Tags

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.slow

MADE_UP = (404, 422)
"""Songs that nobody recorded have no sound and no cover, and nobody can tell how good their space is."""

Open = Callable[..., Any]
Serve = Callable[..., Any]


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
    serving_home: Serve,
    tmp_path: Path,
    size: tuple[int, int],
    tags: list[Tags],
    draw_map: Callable[..., None],
    find: Callable[..., None],
) -> None:
    home = made_up(tmp_path / "home", tags, [f"/music/file {number}.mp3" for number in range(len(tags))])
    draw_map(home)
    with serving_home(home) as address:
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
              .filter(e => e.checkVisibility() && getComputedStyle(e).textOverflow !== 'ellipsis' &&
                (e.getBoundingClientRect().right > innerWidth + 1 ||
                  (e.matches('p, h2, bdi') && e.clientWidth && e.scrollWidth > e.clientWidth + 1)))
              .map(e => e.outerHTML.slice(0, 200))"""
            assert page.evaluate(wide, f"#{panel}") == []
        assert page.evaluate("() => document.querySelector('#song header').offsetHeight < 400")
        page.close()  # before the server, which it goes on asking


# Without a mouse


def test_the_keyboard_reaches_everything_and_goes_back(opened: Open, find: Callable[..., None]) -> None:
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


def test_every_control_has_a_role_and_a_name(opened: Open, find: Callable[..., None]) -> None:
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
def test_text_stands_out(opened: Open, scheme: str, find: Callable[..., None]) -> None:
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


# Pictures


@pytest.fixture(scope="module")
def rendered(
    serving_home: Serve, draw_map: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server of the library that songspace renders. SONGSPACE_SCREENSHOTS_HOME spares learning it again."""
    from songspace import demo, pipeline

    folder = tmp_path_factory.mktemp("rendered")
    known, home = os.environ.get("SONGSPACE_SCREENSHOTS_HOME"), folder / "home"
    if known:
        shutil.copytree(known, home)
    else:
        demo.render(folder / "music")
        pipeline.learn(Home(home), folder / "music", encoder="timbre", windows=5, workers=2)
    draw_map(home, "tsne")
    with serving_home(home) as address:
        yield address


@pytest.mark.skipif("SONGSPACE_SCREENSHOTS" not in os.environ, reason="SONGSPACE_SCREENSHOTS=docs makes pictures")
def test_pictures_for_the_docs(watched: Open, rendered: str, find: Callable[..., None]) -> None:
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
