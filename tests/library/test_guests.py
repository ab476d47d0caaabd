"""The rules hold for each artist of a song, in every kind of list."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from songspace.playlists.line import line
from songspace.playlists.mixes import mix_within, mixes
from songspace.playlists.order import order
from songspace.playlists.path import path
from songspace.playlists.radio import radio
from songspace.playlists.rules import Rules
from songspace.playlists.taste import suggest
from songspace.space import Space

SONGS, PEOPLE = 240, 30
GAP, MOST = 2, 2


@pytest.fixture(scope="module")
def space() -> Space:
    return Space.from_vectors(np.random.default_rng(3).normal(size=(SONGS, 6)))


@pytest.fixture(scope="module")
def credited() -> list[tuple[str, ...]]:
    """Half of the songs have a guest or two; those of one main artist lie together, as they do."""
    rng = np.random.default_rng(4)
    return [
        tuple(f"a{number}" for number in rng.choice(PEOPLE, size=rng.choice([1, 1, 2, 3]), replace=False))
        for _ in range(SONGS)
    ]


def near(rows: list[int], credited: list[tuple[str, ...]]) -> list[tuple[int, int]]:
    pairs = combinations(enumerate(rows), 2)
    return [(a, b) for (i, a), (j, b) in pairs if j - i <= GAP and {*credited[a]} & {*credited[b]}]


def counts(rows: list[int], credited: list[tuple[str, ...]]) -> list[int]:
    return [sum(f"a{number}" in credited[row] for row in rows) for number in range(PEOPLE)]


Make = Callable[[Space, Rules], list[int]]


def _line(space: Space, rules: Rules) -> list[int]:
    points = np.asarray(space.vectors[:, :2], dtype=float)
    return line(space, points, [(-0.5, -0.5), (0.5, 0.5)], length=20, rules=rules)


MAKERS: dict[str, Make] = {
    "radio": lambda space, rules: radio(space, [7], length=20, rules=rules),
    "path": lambda space, rules: path(space, 7, 90, length=20, rules=rules),
    "long path": lambda space, rules: path(space, 7, 90, via=[33], length=24, rules=rules),
    "suggest": lambda space, rules: [found.row for found in suggest(space, [1, 2, 3, 4], count=20, rules=rules)],
    "line": _line,
    "mix": lambda space, rules: mix_within(space, range(SONGS), length=20, rules=rules),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_each_artist_has_gaps_and_a_limit(space: Space, credited: list[tuple[str, ...]], kind: str) -> None:
    def made(artists: list[Any], **more: Any) -> list[int]:
        return MAKERS[kind](space, Rules.of(SONGS, artists=artists, artist_gap=GAP, **more))

    rows = made(credited, most_of_artist=MOST)
    assert len(rows) >= 20
    assert near(rows, credited) == []
    assert max(counts(rows, credited)) <= MOST
    # The same rules for the first artist of each song alone would not have kept them: there is something to keep.
    careless = made([people[0] for people in credited], most_of_artist=MOST)
    assert near(careless, credited) or max(counts(careless, credited)) > MOST


def test_an_order_keeps_the_songs_and_the_gaps(space: Space, credited: list[tuple[str, ...]]) -> None:
    rules = Rules.of(SONGS, artists=credited, artist_gap=GAP)
    rows = order(space, range(60), rules=rules)
    assert sorted(rows) == [*range(60)]
    assert near(rows, credited) == []


def test_mixes_of_a_library(space: Space, credited: list[tuple[str, ...]]) -> None:
    rules = Rules.of(SONGS, artists=credited, artist_gap=GAP, most_of_artist=MOST)
    found = mixes(space, count=5, length=12, rules=rules)
    assert len(found) == 5
    for mix in found:
        assert near(mix.rows, credited) == []
        assert max(counts(mix.rows, credited)) <= MOST


def test_many_songs_with_one_guest_cannot_stand_together() -> None:
    """Found out at once: whoever is on all songs is counted, not only who is named first."""
    space = Space.from_vectors(np.random.default_rng(5).normal(size=(40, 4)))
    rules = Rules.of(40, artists=[(f"a{row}", "guest") for row in range(40)], artist_gap=1)
    assert rules.fill([None] * 20, np.arange(40), lambda _: np.zeros(40)) is None
    loosened = rules.loosened(range(10))
    assert [rule.gap for rule in loosened.spacings] == [0]
    assert len(order(space, range(10), rules=loosened)) == 10
