"""Arranging songs: nothing lost, ends and rules kept, close to the best order there is."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.playlists.order import order
from songspace.playlists.rules import Rules
from songspace.space import Space


def cost(space: Space, rows: tuple[int, ...] | list[int]) -> float:
    return sum(space.distance(a, b) ** 2 for a, b in pairwise(rows))


def keeps(rows: tuple[int, ...] | list[int], artists: list[str | None], gap: int) -> bool:
    named = [artists[row] if artists[row] is not None else row for row in rows]
    return not any(a == b and j - i <= gap for (i, a), (j, b) in combinations(enumerate(named), 2))


def by(artists: list[str | None], gap: int = 2) -> Rules:
    return Rules.of(len(artists), artists=artists, artist_gap=gap)


def ring(n: int) -> Space:
    """Songs on a circle: their best order is plain."""
    turn = np.arange(n) / n * 2 * np.pi
    return Space.from_vectors(np.stack([np.sin(turn), np.cos(turn)], axis=1))


@st.composite
def small_lists(draw: st.DrawFn) -> tuple[Space, list[str | None], list[int]]:
    n = draw(st.integers(1, 6))
    vectors = draw(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=n, max_size=n))
    artists = draw(st.lists(st.sampled_from(["a", "b", None]), min_size=n, max_size=n))
    rows = draw(st.lists(st.integers(0, n - 1), max_size=6))
    return Space.from_vectors(vectors), artists, rows


@given(small_lists(), st.integers(0, 3), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_songs_ends_and_rules_are_kept(
    made: tuple[Space, list[str | None], list[int]], gap: int, fix_first: bool, fix_last: bool
) -> None:
    space, artists, rows = made
    first = rows[0] if fix_first and rows else None
    last = rows[-1] if fix_last and len(rows) > 1 else None
    loosened = by(artists, gap).loosened(rows, first=first, last=last)
    found = order(space, rows, first=first, last=last, rules=loosened)
    assert Counter(found) == Counter(rows)
    assert first is None or found[0] == first
    assert last is None or found[-1] == last
    # The largest gap up to the asked one that any order with these ends keeps is kept.
    possible = [
        other for other in set(permutations(rows)) if first in (None, *other[:1]) and last in (None, *other[-1:])
    ]
    best = max((g for g in range(gap + 1) if any(keeps(other, artists, g) for other in possible)), default=0)
    assert keeps(found, artists, best)


@pytest.mark.parametrize("seed", range(8))
def test_it_comes_close_to_the_best_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = Space.from_vectors(rng.standard_normal((8, 4)))
    rows = rng.permutation(8)[:7].tolist()
    first, last = (rows[0] if seed % 2 else None), (rows[3] if seed % 4 > 1 else None)
    found = order(space, rows, first=first, last=last)
    others = [other for other in permutations(rows) if first in (None, other[0]) and last in (None, other[-1])]
    assert cost(space, found) <= 1.1 * min(cost(space, other) for other in others)


@pytest.mark.parametrize("n", [3, 40, 500])
@pytest.mark.parametrize("first", [None, 0, 2])
def test_on_a_ring_it_goes_round(n: int, first: int | None) -> None:
    """500 songs are more than are rearranged at a time."""
    found = order(ring(n), np.random.default_rng(0).permutation(n).tolist(), first=first)
    assert first in (None, found[0])
    assert {(b - a) % n for a, b in pairwise(found)} in ({1}, {n - 1})


def test_it_is_much_smoother_than_it_was() -> None:
    rng = np.random.default_rng(1)
    space = Space.from_vectors(rng.standard_normal((400, 6)))
    rows = rng.permutation(400)[:60].tolist()
    artists: list[str | None] = [f"artist {a}" for a in rng.integers(8, size=400)]
    found = order(space, rows, rules=by(artists))
    assert cost(space, found) < 0.4 * cost(space, rows)
    assert keeps(found, artists, 2)


def test_a_long_list_keeps_the_rule_across_its_windows() -> None:
    rng = np.random.default_rng(2)
    space = Space.from_vectors(rng.standard_normal((300, 3)))
    artists: list[str | None] = [f"artist {a}" for a in rng.integers(9, size=300)]
    rows = rng.permutation(300).tolist()
    found = order(space, rows, first=rows[9], last=rows[0], rules=by(artists, 3))
    assert (found[0], found[-1]) == (rows[9], rows[0])
    assert sorted(found) == list(range(300))
    assert keeps(found, artists, 3)


def test_where_the_rule_cannot_be_kept_it_is_kept_as_far_as_it_can() -> None:
    space = ring(7)
    artists: list[str | None] = [*"aaaabbc"]
    with pytest.raises(SongspaceError, match=r"This list cannot have 7 songs .*: an artist gap of 1 would do"):
        order(space, range(7), rules=by(artists, 4))
    found = order(space, range(7), rules=by(artists, 4).loosened(range(7)))
    assert keeps(found, artists, 1)


def test_nothing_and_one_song() -> None:
    assert order(ring(3), []) == []
    assert order(ring(3), [2]) == [2]
    assert order(ring(3), [2, 2, 1], first=2, last=2) == [2, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rows": [0, 3]}, "no row 3"),
        ({"rows": [0, 1], "first": 2}, "not one of its songs"),
        ({"rows": [0, 1], "first": 1, "last": 1}, "not one of its songs"),
        ({"rows": [0], "transition": 2}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_arranged(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        order(ring(3), **arguments)
