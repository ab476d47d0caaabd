"""The page of a library of vectors that somebody else made: all that needs no sound, and no offer of what does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songspace.library import Home
from songspace.pipeline.importing import import_vectors

expect = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed").expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, draw_map: Callable[..., None]) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    ids = np.array([f"clip {n:02d}" for n in range(40)])
    np.savez(folder / "vectors.npz", vector=vectors, id=ids, artist=np.array([f"Artist {n // 2}" for n in range(40)]))
    import_vectors(Home(folder / "home"), folder / "vectors.npz")
    draw_map(folder / "home")
    return folder / "home"


def test_likeness_and_lists_without_sound(
    home: Path, watched: Callable[..., Any], serving_home: Callable[..., Any], find: Callable[..., None]
) -> None:
    with serving_home(home) as address:
        page = watched(address)
        page.goto(address)
        expect(page.locator("#song")).to_contain_text("There is no sound here")
        find(page, "clip 07")
        expect(page.locator("#song h2")).to_have_text("clip 07")
        expect(page.locator("#neighbours > li")).to_have_count(12)
        expect(page.locator("#song .actions button").first).to_have_text("Radio")
        for sound in ("#player", "#update", "#said"):
            expect(page.locator(sound)).to_be_hidden()
        page.get_by_role("button", name="Radio from here").click()
        expect(page.locator("#queued > li")).to_have_count(20)
        expect(page.locator("#queue")).to_contain_text("20 songs")
        expect(page.locator("#queue")).not_to_contain_text("0:00")
