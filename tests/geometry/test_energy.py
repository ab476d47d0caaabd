"""The energy distance against double loops, SciPy and what theory says of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from songspace.geometry import energy
from songspace.geometry.energy import energy_distances, mean_distances, typical_distance
from songspace.geometry.groups import grouped
from songspace.space import Space

LABELS = ["a", "b", "a", "c", "b", "c", "a", "b", "c", "a", "b", "c"]


def points(seed: int, n: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 4))


def songs(seed: int, n: int = 12) -> Space:
    return Space.from_vectors(points(seed, n))


def plainly(space: Space, labels: list[str], units: list[str] | None = None) -> np.ndarray:
    """The mean over all pairs of songs by different units, one after the other."""
    names = sorted(set(labels), key=lambda name: (-labels.count(name), name))
    found = np.zeros((len(names), len(names)))
    for i, j in itertools.product(range(len(names)), repeat=2):
        distances = [
            np.sqrt(((space.vectors[p].astype(float) - space.vectors[q].astype(float)) ** 2).sum())
            for p in range(len(labels))
            for q in range(len(labels))
            if labels[p] == names[i] and labels[q] == names[j] and p != q and not (units and units[p] == units[q])
        ]
        found[i, j] = np.mean(distances)
    return found


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_means_equal_a_double_loop(seed: int) -> None:
    space = songs(seed)
    np.testing.assert_allclose(mean_distances(space, grouped(space, LABELS)), plainly(space, LABELS), atol=1e-5)
    units = [str(x) for x in np.random.default_rng(seed).permutation(12) // 2]
    found = mean_distances(space, grouped(space, LABELS, units))
    np.testing.assert_allclose(found, plainly(space, LABELS, units), atol=1e-5)


def test_blocks_and_order_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    space = songs(0, 40)
    labels = [LABELS[i % 12] for i in range(40)]
    units = [str(i % 7) for i in range(40)]
    whole = mean_distances(space, grouped(space, labels, units))
    monkeypatch.setattr(energy, "BLOCK", 7)
    np.testing.assert_allclose(mean_distances(space, grouped(space, labels, units)), whole, atol=1e-6)
    shuffled = np.random.default_rng(1).permutation(40)
    turned = Space.from_vectors(points(0, 40)[shuffled], ids=shuffled)
    again = grouped(turned, [labels[i] for i in shuffled], [units[i] for i in shuffled])
    np.testing.assert_allclose(mean_distances(turned, again), whole, atol=2e-5)


def test_a_group_of_one_unit_is_compared_with_itself_all_the_same() -> None:
    space = songs(3)
    units = ["one" if label == "a" else str(i) for i, label in enumerate(LABELS)]
    found = mean_distances(space, grouped(space, LABELS, units))
    np.testing.assert_allclose(found, plainly(space, LABELS), atol=1e-5)


def test_equals_scipy_where_there_is_one_dimension() -> None:
    """SciPy's is the biased estimate (V-statistic); it becomes ours when pairs of a song and itself are taken out."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=9), rng.normal(1, 2, size=14)
    means = np.array([[np.abs(a[:, None] - b).mean() for b in (x, y)] for a in (x, y)])
    # scipy's distance is the root of twice the area between the distribution functions: the same number
    assert energy_distances(means)[0, 1] == pytest.approx(stats.energy_distance(x, y))
    unbiased = means.copy()
    unbiased[0, 0] *= 9 / 8
    unbiased[1, 1] *= 14 / 13
    assert energy_distances(unbiased)[0, 1] < stats.energy_distance(x, y)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_rotations_change_nothing_and_it_is_symmetric(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = songs(seed, 24)
    labels = [LABELS[i % 12] for i in range(24)]
    turn, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    turned = Space.from_vectors(points(seed, 24) @ turn.T)
    before, after = (energy_distances(mean_distances(s, grouped(s, labels))) for s in (space, turned))
    np.testing.assert_allclose(before**2, after**2, atol=1e-4)
    np.testing.assert_array_equal(before, before.T)
    assert not np.diag(before).any()


def test_halves_of_one_group_have_nothing_between_them_on_average() -> None:
    squared = []
    for seed in range(60):
        space = songs(seed, 16)
        means = mean_distances(space, grouped(space, ["a", "b"] * 8))
        squared.append(2 * means[0, 1] - means[0, 0] - means[1, 1])
    error = np.std(squared) / np.sqrt(60)
    assert abs(np.mean(squared)) < 3 * error
    assert min(squared) < 0 < max(squared)


def test_it_sees_a_ring_around_a_heap_that_have_one_centre() -> None:
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, 60)
    ring = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(60)])
    heap = np.column_stack([0.1 * rng.standard_normal((60, 2)), np.full(60, 0.3)])
    space = Space.from_vectors(np.concatenate([ring, heap, -heap]), ids=None)
    found = energy_distances(mean_distances(space, grouped(space, ["ring"] * 60 + ["heap"] * 60 + [None] * 60)))
    assert found[0, 1] > 0.3


def test_a_sample_is_near_the_whole_and_the_same_for_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    centers = np.repeat(np.eye(3), [300, 200, 20], axis=0)
    raw = centers + 0.6 * rng.standard_normal((520, 3))
    space = Space.from_vectors(raw)
    labels = ["a"] * 300 + ["b"] * 200 + ["c"] * 20
    whole = mean_distances(space, grouped(space, labels))
    monkeypatch.setattr(energy, "SAMPLE", 180)
    some = mean_distances(space, grouped(space, labels))
    assert not np.array_equal(some, whole)
    np.testing.assert_allclose(some, whole, atol=0.08)
    shuffled = rng.permutation(520)
    turned = Space.from_vectors(raw[shuffled], ids=shuffled)
    again = mean_distances(turned, grouped(turned, [labels[i] for i in shuffled]))
    np.testing.assert_allclose(again, some, atol=2e-5)


def test_typical_distance() -> None:
    space = Space.from_vectors([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert typical_distance(space, np.arange(4)) == pytest.approx((2 * 2 + 4 * np.sqrt(2)) / 6)
    assert typical_distance(space, np.array([0, 0, 1, 1])) == pytest.approx(np.sqrt(2))
    assert typical_distance(space, np.zeros(4, int)) == pytest.approx((2 * 2 + 4 * np.sqrt(2)) / 6)
