"""Songs that sound alike, with one version of each or with all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from songspace.answers.similar import find_similar, one_of_each
from songspace.answers.view import Asked, View
from songspace.library import Song
from songspace.space import Space

SONGS = 60


@pytest.fixture
def view() -> View:
    """Sixty songs on a line of a sphere, each three in a row versions of one."""
    angles = np.linspace(0, 1.5, SONGS)
    space = Space.from_vectors(np.stack([np.cos(angles), np.sin(angles)], axis=1), ids=np.arange(1, SONGS + 1))
    songs = [Song(number, f"/{number}.flac", 60.0, f"Song {number}", "Ann") for number in range(1, SONGS + 1)]
    library: Any = None  # nothing is asked of it
    return View(library, (space.with_versions(np.arange(SONGS) // 3 * 3), songs))


def test_one_version_of_each_and_none_of_the_songs_asked_for(view: View) -> None:
    asked = Asked(view, [view.songs[0]])
    found = find_similar(asked, 10)
    whole, _ = asked.space.neighbors(0, SONGS)
    expected: list[int] = []
    for row in whole.tolist():
        if row // 3 != 0 and row // 3 not in [other // 3 for other in expected]:
            expected.append(row)
    assert found.rows == expected[:10]
    assert [song.id for song in found.songs] == [row + 1 for row in found.rows]
    assert found.distances == [pytest.approx(float(asked.space.distance(0, row))) for row in found.rows]


def test_versions_if_they_are_asked_for(view: View) -> None:
    asked = Asked(view, [view.songs[0]])
    found = find_similar(asked, 10, versions=True)
    assert found.rows == asked.space.neighbors(0, 10)[0].tolist()
    assert {1, 2} <= {*found.rows}


def test_there_may_be_fewer_than_asked_for(view: View) -> None:
    found = find_similar(Asked(view, [view.songs[0], view.songs[30]]), 50)
    assert len(found.rows) == SONGS // 3 - 2


def test_the_songs_asked_for_among_them(view: View) -> None:
    rows, _ = one_of_each(Asked(view, [view.songs[0], view.songs[1]]), 5, own=True)
    assert rows[0] in (0, 1, 2) and len({row // 3 for row in rows}) == 5
