"""A mix of what somebody chose: spread over all of it, legal, in an order that flows, the same every time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.playlists.mixes import mix_within
from songspace.playlists.rules import Rules
from songspace.space import Space


def kinds(sizes: list[int], *, seed: int = 0, spread: float = 0.2) -> tuple[Space, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(len(sizes)), sizes)
    return Space.from_vectors(3 * np.eye(16)[kind] + spread * rng.normal(size=(len(kind), 16))), kind


def test_of_as_many_kinds_as_songs_there_is_one_each() -> None:
    space, kind = kinds([30, 20, 12, 10, 8, 6])
    assert sorted(kind[mix_within(space, range(len(space)), length=6)]) == [0, 1, 2, 3, 4, 5]


def test_it_is_the_song_in_the_middle_of_each() -> None:
    space, kind = kinds([20, 20, 20])
    found = mix_within(space, range(60), length=3)
    for number in range(3):
        rows = np.flatnonzero(kind == number)
        middle = space.vectors[rows].mean(axis=0)
        (chosen,) = (row for row in found if kind[row] == number)
        assert chosen == rows[np.square(space.vectors[rows] - middle).sum(axis=1).argmin()]


def test_it_is_spread_better_than_chance_and_flows_better() -> None:
    rng = np.random.default_rng(0)
    space = Space.from_vectors(rng.normal(size=(500, 6)))
    region = np.flatnonzero(space.vectors[:, 0] > 0)
    found = mix_within(space, region, length=20)
    by_chance = [rng.choice(region, 20, replace=False).tolist() for _ in range(50)]

    def uncovered(rows: list[int]) -> float:  # how far the songs of the region are from the nearest in the mix
        return float(space.pairwise(region, rows).min(axis=1).mean())

    def step(rows: list[int]) -> float:
        return float(np.mean([space.distance(a, b) for a, b in pairwise(rows)]))

    assert set(found) <= set(region.tolist())
    assert uncovered(found) < min(uncovered(rows) for rows in by_chance)
    assert step(found) < min(step(rows) for rows in by_chance)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_it_keeps_the_rules_and_to_what_was_given(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    space = Space.from_vectors(rng.integers(-2, 3, size=(n, 3)))  # some songs are the same, some have no direction
    given_rows = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=40))
    length = data.draw(st.integers(1, 12))
    barred = rng.random(n) < 0.2
    versions = rng.integers(max(1, n // 2), size=n)
    artists = [f"artist {number}" for number in range(n)]
    rules = Rules.of(n, artists=artists, artist_gap=2, versions=versions, barred=barred)
    found = mix_within(space, given_rows, length=length, rules=rules, variety=data.draw(st.sampled_from([0.0, 1.0])))
    free = {row for row in given_rows if not barred[row]}
    assert set(found) <= free and rules.broken(found) == []
    assert len(found) == min(length, len({int(versions[row]) for row in free}))


def test_an_artist_gap_is_kept_where_it_can_be_and_smaller_where_it_cannot() -> None:
    space, _ = kinds([40])
    for artists, gap in (
        ([f"artist {row % 8}" for row in range(40)], 2),
        ([f"artist {row % 2}" for row in range(40)], 1),
    ):
        found = mix_within(space, range(40), length=10, rules=Rules.of(40, artists=artists, artist_gap=2))
        assert len(found) == 10
        assert not any(
            artists[a] == artists[b] for far in range(1, gap + 1) for a, b in zip(found, found[far:], strict=False)
        )
    assert max(Counter(artists[row] for row in found).values()) == 5


def test_variety_and_seed() -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(300, 8)))
    made = [mix_within(space, range(200), length=15, variety=v, seed=s)
            for v, s in ((0.0, 0), (0.0, 1), (0.7, 0), (0.7, 0), (0.7, 1))]  # fmt: skip
    assert made[0] == made[1] != made[2] == made[3] != made[4]
    assert len({*made[2]} & {*made[4]}) < 12


def test_the_order_of_the_rows_changes_nothing() -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(120, 12)))
    rows = np.random.default_rng(1).permutation(120)
    turned = space.only(rows)
    region = np.arange(0, 120, 2)
    there = mix_within(turned, np.flatnonzero(np.isin(rows, region)), length=10)
    assert [int(rows[row]) for row in there] == mix_within(space, region, length=10)


def test_nothing_is_left() -> None:
    space, _ = kinds([5])
    assert (
        mix_within(space, [1, 2], length=3, rules=Rules.of(5, barred=np.array([False, True, True, False, False]))) == []
    )


@pytest.mark.parametrize(("arguments", "said"), [({"length": 0}, "at least 1"), ({"rows": [9]}, "no row 9")])
def test_arguments_out_of_range(arguments: dict[str, object], said: str) -> None:
    space, _ = kinds([5])
    with pytest.raises(ValueError, match=said):
        mix_within(space, **({"rows": [1, 2], "length": 3} | arguments))
