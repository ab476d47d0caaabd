"""Sets of songs: their distances are those of all pairs, and neither size nor place makes a set near to all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, skew

from songspace.geometry.sets import Sets
from songspace.space import Space


def slow(space: Space, names: list[list[str]]) -> dict[tuple[str, str], tuple[float, float]]:
    """(similarity, distance) of each two sets, pair by pair."""
    rows = {name: [row for row, of in enumerate(names) if name in of] for of in names for name in of}

    def one_way(some: list[int], others: list[int]) -> float:
        nearest = [min((space.distance(a, b) for b in others if a != b), default=np.inf) for a in some]
        known = [distance for distance in nearest if np.isfinite(distance)]
        return float(np.mean(known)) if known else 0.0

    apart = {(a, b): (one_way(rows[a], rows[b]) + one_way(rows[b], rows[a])) / 2 for a in rows for b in rows if a != b}
    usual = {a: [apart[a, b] for b in rows if b != a] for a in rows}

    def farther(name: str, distance: float) -> float:
        return float(norm.sf((distance - np.mean(usual[name])) / max(float(np.std(usual[name])), 0.01)))

    return {(a, b): (farther(a, value) * farther(b, value), value) for (a, b), value in apart.items()}


sets_of_songs = st.lists(st.lists(st.sampled_from("abcd"), max_size=2, unique=True), min_size=4, max_size=30)


@given(sets_of_songs, st.integers(0, 2**32 - 1))
def test_distances_are_those_of_all_pairs(names: list[list[str]], seed: int) -> None:
    space = Space.from_vectors(np.random.default_rng(seed).normal(size=(len(names), 6)))
    sets, expected = Sets(space, names), slow(space, names)
    assert {*sets.names} == {name for of in names for name in of}
    for one in sets.names:
        near = sets.near(one, 10)
        assert {name for name, *_ in near} == {*sets.names} - {one}
        for name, *told in near:
            np.testing.assert_allclose(told, expected[one, name], atol=0.02)
        alike = [similarity for _, similarity, _ in near]
        assert alike == sorted(alike, reverse=True) and sets.near(one, 1) == near[:1]
        assert sets.rows(one) == [row for row, of in enumerate(names) if one in of]


@given(st.randoms(), st.integers(0, 2**32 - 1))
def test_the_order_of_songs_does_not_matter(random: Any, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(60, 6))
    names = [[str(number % 7)] for number in range(60)]
    order = [*range(60)]
    random.shuffle(order)
    told = []
    for rows in ([*range(60)], order):
        sets = Sets(Space.from_vectors(vectors[rows], np.array(rows) + 1), [names[row] for row in rows])
        told.append([(name, round(similarity, 4)) for name, similarity, _ in sets.near("3", 7)])
    assert told[0] == told[1]


def test_large_sets_are_compared_by_samples_that_are_close(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(40, 8))
    space = Space.from_vectors(np.repeat(middles, 30, axis=0) + 0.5 * rng.normal(size=(1200, 8)))
    names = [[str(number // 30)] for number in range(1200)]
    exact = Sets(space, names)
    monkeypatch.setattr("songspace.geometry.sets._OTHERS", 15)
    monkeypatch.setattr("songspace.geometry.sets._OF_EACH", 10)
    monkeypatch.setattr("songspace.geometry.sets._BLOCK", 5000)
    sampled = Sets(space, names)
    for one in exact.names[::5]:
        near, also = ([name for name, *_ in sets.near(one, 5)] for sets in (exact, sampled))
        assert len({*near} & {*also}) >= 4 and near[0] in also[:2]
        for (_, _, first), (_, _, second) in zip(exact.near(one, 40), exact.near(one, 40), strict=True):
            assert first == second


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
    near = [name for name, *_ in Sets(space, names).near("a0", 3)]
    assert near[0] == "a1"  # the other ring, although the centre of the cluster is as near


def test_neither_size_nor_place_makes_a_set_near_to_all() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([1, 2, 3, 6, 12, 24] * 10)
    # One direction for all, so that there is nothing to tell sets apart by but their size.
    space = Space.from_vectors(np.eye(8)[0] * 4 + rng.normal(size=(sizes.sum(), 8)))
    sets = Sets(space, [[str(number)] for number, size in enumerate(sizes) for _ in range(size)])
    whole = {name: sets.near(name, len(sizes)) for name in sets.names}

    def occurrences(by: int) -> np.ndarray:
        counts = np.zeros(len(sizes))
        for near in whole.values():
            for name, *_ in sorted(near, key=lambda one: one[by], reverse=by == 1)[:5]:
                counts[int(name)] += 1
        return counts

    by_similarity, by_distance = occurrences(1), occurrences(2)
    assert skew(by_similarity) < skew(by_distance)
    means = [[some[sizes == size].mean() for size in (1, 2, 3, 6, 12, 24)] for some in (by_similarity, by_distance)]
    assert max(means[0]) < 3 * min(means[0]) and max(means[1]) > 6 * min(means[1])


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
