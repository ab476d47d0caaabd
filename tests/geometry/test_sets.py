"""Sets of songs: their energy distance is that of all pairs, and small sets are judged as fairly as large ones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.geometry.sets import Sets
from songspace.space import Space

PRIOR = 3.0


def slow(space: Space, names: list[list[str]], one: str) -> list[tuple[str, float]]:
    """The same distances, pair by pair."""
    rows = {name: [row for row, of in enumerate(names) if name in of] for of in names for name in of}

    def mean(pairs: list[tuple[int, int]]) -> float:
        return float(np.mean([space.distance(a, b) for a, b in pairs])) if pairs else 0.0

    within = {name: [*combinations(some, 2)] for name, some in rows.items()}
    known = [mean(pairs) for pairs in within.values() if pairs]
    usual = float(np.mean(known)) if known else 0.0
    inside = {name: (mean(pairs) * len(pairs) + PRIOR * usual) / (len(pairs) + PRIOR) for name, pairs in within.items()}
    squared = {
        name: 2 * mean([(a, b) for a in rows[one] for b in some if a != b]) - inside[one] - inside[name]
        for name, some in rows.items()
        if name != one
    }
    return [(name, max(0.0, value) ** 0.5) for name, value in sorted(squared.items(), key=lambda pair: pair[1])]


sets_of_songs = st.lists(st.lists(st.sampled_from("abcd"), max_size=2, unique=True), min_size=4, max_size=30)


@given(sets_of_songs, st.integers(0, 2**32 - 1))
def test_distances_are_those_of_all_pairs(names: list[list[str]], seed: int) -> None:
    space = Space.from_vectors(np.random.default_rng(seed).normal(size=(len(names), 6)))
    sets = Sets(space, names)
    assert {*sets.names} == {name for of in names for name in of}
    for one in sets.names:
        near = sets.near(one, 10)
        expected = dict(slow(space, names, one))
        assert {name for name, _ in near} == {*expected}
        np.testing.assert_allclose([of for _, of in near], [expected[name] for name, _ in near], atol=2e-3)
        assert sets.near(one, 1) == near[:1]
        assert sets.rows(one) == [row for row, of in enumerate(names) if one in of]


def test_a_ring_is_not_like_a_cluster_with_the_same_centre() -> None:
    rng = np.random.default_rng(0)

    def ring(count: int, width: float) -> np.ndarray:
        angle = rng.uniform(0, 2 * np.pi, count)
        return np.stack([np.full(count, 3.0), width * np.cos(angle), width * np.sin(angle)], axis=1)

    songs = [
        ring(12, 2.0),
        ring(12, 2.0),
        ring(12, 0.05),
        np.array([[3.0, 2.2, 0.0]] * 12) + 0.05 * rng.normal(size=(12, 3)),
    ]
    space = Space.from_vectors(np.concatenate([*songs, -np.concatenate(songs)]))  # their mean is the middle
    names = [[f"{side}{number}"] for side in "ab" for number in range(4) for _ in range(12)]
    near = [name for name, _ in Sets(space, names).near("a0", 3)]
    assert near[0] == "a1"  # the other ring, although the centre of the cluster is as near


def test_sets_of_one_song_are_judged_like_large_ones() -> None:
    """Halves of the same artists: neither the small sets nor the large ones are nearer than the others."""
    rng = np.random.default_rng(0)
    sizes = [1, 2, 3, 6, 12, 24] * 10
    # One direction for all, so that there is nothing to tell sets apart by but their size.
    songs = np.array([4.0, 0, 0, 0, 0, 0, 0, 0]) + rng.normal(size=(sum(sizes), 8))
    names = [[str(number)] for number, size in enumerate(sizes) for _ in range(size)]
    sets = Sets(Space.from_vectors(songs), names)
    places: dict[int, list[int]] = {size: [] for size in sizes}
    for one in sets.names[::4]:
        for place, (other, _) in enumerate(sets.near(one, len(sizes))):
            places[sizes[int(other)]].append(place)
    means = {size: float(np.mean(some)) / (len(sizes) - 2) for size, some in places.items()}
    assert all(0.35 < mean < 0.65 for mean in means.values()), means


def test_typical_songs_are_near_all_others() -> None:
    space = Space.from_vectors(np.random.default_rng(1).normal(size=(9, 3)))
    sets = Sets(space, [*[["a"]] * 6, *[["b"]] * 3])
    for towards, others in (("a", range(6)), ("b", range(6, 9))):
        means = [np.mean([space.distance(row, other) for other in others]) for row in range(6)]
        assert sets.typical("a", towards=towards) == np.argsort(means).tolist()
    assert "a" in sets and "c" not in sets
    with pytest.raises(KeyError):
        sets.near("c", 1)


def test_songs_without_a_direction_belong_to_no_set() -> None:
    vectors = np.array([[1.0, 2], [3, 1], [2, 1.5]])  # the last one is the mean, and has no direction
    space = Space.from_vectors(vectors)
    sets = Sets(space, [["a"], ["b"], ["c"]])
    assert space.undirected.tolist() == [2] and sets.names == ["a", "b"]
