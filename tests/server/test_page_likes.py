"""Hearts on the page, and what it tells of plays and skips."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(
    learnt_home: Path, serving_home: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    home = Path(shutil.copytree(learnt_home, tmp_path_factory.mktemp("liked") / "home"))
    with serving_home(home) as address:
        yield address


def listed(address: str, which: str) -> list[str]:
    with urllib.request.urlopen(f"{address}api/v1/likes?which={which}") as answer:
        return [song["title"] for song in json.load(answer)["songs"]]


def told(page: Any, kind: str) -> Any:
    """Waits for the page to tell an event of a kind."""
    return page.expect_response(
        lambda answer: answer.url.endswith("/likes") and kind in (answer.request.post_data or "") and answer.ok
    )


def test_hearts_plays_and_skips(opened: Callable[..., Any], address: str, find: Callable[..., None]) -> None:
    page = opened()
    find(page, "Tune 7")
    heart, small = page.locator("#song .heart"), page.locator("#player .heart")
    expect(heart).to_have_accessible_name("Like Tune 7")
    expect(heart).to_have_attribute("aria-pressed", "false")
    with told(page, "star"):
        heart.press("Enter")
    for one in (heart, small):
        expect(one).to_have_attribute("aria-pressed", "true")
    assert listed(address, "starred") == ["Tune 7"]
    with told(page, "play"):  # half of it was heard
        page.wait_for_function("() => document.querySelector('#seek').value > 0.1")
    assert listed(address, "recent") == ["Tune 7"]

    find(page, "Tune 12")
    page.wait_for_function("() => document.querySelector('#seek').value > 2.2 && document.title.startsWith('Tune 12')")
    with told(page, "skip"):
        page.get_by_role("button", name="Next").click()

    page.reload()
    page.wait_for_selector("body.ready")
    page.locator("#endless").evaluate("box => box.click()")  # or lists of short songs would grow
    find(page, "Tune 7")
    expect(page.locator("#song .heart")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("tab", name="Library").click()
    page.locator("#liked").get_by_role("button", name="Liked").click()
    expect(page.locator("#queued li")).to_have_count(1)
    page.get_by_role("tab", name="Library").click()
    page.locator("#liked").get_by_role("button", name="For you").click()
    expect(page.locator("#queued li").nth(3)).to_be_visible()
    expect(page.locator("#queued .title", has_text="Tune 7")).to_have_count(0)
    expect(page.locator("#queued .reason").first).to_have_text("because of Artist 11 - Tune 7", use_inner_text=False)
    page.get_by_role("tab", name="Library").click()
    page.locator("#liked").get_by_role("button", name="Forgotten").click()
    expect(page.locator("#said")).to_contain_text("nothing in “Forgotten” yet")
    find(page, "Tune 7")
    with told(page, "unstar"):
        page.locator("#song .heart").click()
    assert listed(address, "starred") == []
