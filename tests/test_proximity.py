"""Mutual proximity: equal to a plain reckoning, symmetric, kind to duplicates, and a cure for hubs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import ndtr
from scipy.stats import norm, skew

from songspace.space import Space, proximity


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Songs of a few places; those in the middle of theirs are hubs, if the dimensions are many."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.3, 3, size=(n, 1))
    return (rng.normal(size=(5, d))[rng.integers(5, size=n)] + spread * rng.normal(size=(n, d))).astype(np.float32)


def squared_distances(vectors: np.ndarray) -> np.ndarray:
    return cdist(vectors.astype(float), vectors.astype(float), "sqeuclidean")


def slow_moments(vectors: np.ndarray) -> np.ndarray:
    lines = [np.delete(line, row) for row, line in enumerate(squared_distances(vectors))]
    return np.array([[line.mean(), line.std()] for line in lines])


def slow_remoteness(vectors: np.ndarray) -> np.ndarray:
    squared, moments = squared_distances(vectors), slow_moments(vectors)
    found = np.zeros_like(squared)
    for a in range(len(vectors)):
        for b in range(len(vectors)):
            if a != b:
                farther = norm.cdf(squared[a, b], *moments[a]), norm.cdf(squared[a, b], *moments[b])
                found[a, b] = farther[0] + farther[1] - farther[0] * farther[1]
    return found


@pytest.mark.parametrize(("n", "d", "seed"), [(8, 5, 0), (12, 40, 1), (40, 8, 2), (70, 30, 3)])
def test_neighbors_are_those_of_a_plain_reckoning(n: int, d: int, seed: int) -> None:
    space = Space.from_vectors(cloud(n, d, seed), mutual=True)
    expected = slow_remoteness(space.vectors)
    np.testing.assert_allclose(space.remoteness(range(n)), expected, rtol=1e-3, atol=1e-9)
    different = 0
    for row in range(n):
        order = [other for other in np.argsort(expected[row], kind="stable").tolist() if other != row]
        for k in (1, 3, n):
            rows, distances = space.neighbors(row, k)
            assert rows.tolist() == order[:k]
            np.testing.assert_array_equal(distances, space.distances(row, rows))
        different += order != space.neighbors(row, n, mutual=False)[0].tolist()
    assert different > n / 4  # or this would have compared nothing


def test_songs_may_be_left_out() -> None:
    space = Space.from_vectors(cloud(60, 20), mutual=True)
    all_rows, _ = space.neighbors(8, 60)
    rows, _ = space.neighbors(8, 10, exclude=all_rows[[0, 2, 3]].tolist())
    assert rows.tolist() == np.delete(all_rows, [0, 2, 3])[:10].tolist()


@given(st.integers(0, 10**6), st.integers(2, 25), st.integers(1, 30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_remoteness_is_symmetric_and_a_probability(seed: int, n: int, d: int, coarse: bool) -> None:
    raw = np.random.default_rng(seed).normal(size=(n, d))
    found = Space.from_vectors(np.round(raw) if coarse else raw).remoteness(range(n))
    np.testing.assert_allclose(found, found.T, rtol=1e-2, atol=1e-6)
    assert np.all((found >= 0) & (found <= 1))
    assert not np.diag(found).any()


pair = st.tuples(st.floats(0.1, 4), st.floats(1e-3, 1.5))


@given(pair, pair, st.floats(0, 4, width=32), st.floats(0, 4, width=32))
@settings(max_examples=300, deadline=None)
def test_for_a_pair_of_songs_it_grows_with_the_distance(
    own: tuple[float, float], theirs: tuple[float, float], a: float, b: float
) -> None:
    near, far = proximity.remoteness(np.sort([a, b]), np.array(own), np.array([theirs] * 2))
    assert near <= far + 1e-15
    if max(a, b) <= min(own[0], theirs[0]) + 2 * min(own[1], theirs[1]) and abs(a - b) > 1e-6 and far > 1e-290:
        assert near < far


@given(st.integers(0, 10**6), st.integers(3, 80), st.floats(0.05, 1.5))
@settings(max_examples=150, deadline=None)
def test_whoever_is_out_of_reach_is_more_remote(seed: int, n: int, deviation: float) -> None:
    rng = np.random.default_rng(seed)
    squared = rng.uniform(0, 4, n)
    own, theirs = np.array([2, deviation]), np.stack([rng.uniform(0.5, 3, n), rng.uniform(0.01, 1.5, n)], axis=1)
    remoteness = proximity.remoteness(squared, own, theirs)
    farness = proximity.farness(squared, own, theirs.T)
    np.testing.assert_allclose(
        farness, np.maximum((squared - own[0]) / own[1], (squared - theirs[:, 0]) / theirs[:, 1])
    )
    for place in range(n):
        reach = proximity.reach(remoteness[place])
        assert farness[place] <= reach
        assert (remoteness[farness > reach] > remoteness[place]).all()


def test_reach_is_the_inverse_of_the_normal_distribution_rounded_up() -> None:
    assert proximity.reach(0.0) == -38
    for share in (1e-300, 1e-30, 0.02, 0.5, 0.98):
        assert 0 < proximity.reach(share) - norm.ppf(share) < 0.02


def test_the_normal_distribution_is_scipys() -> None:
    z = np.linspace(-35, 8, 50_001)
    np.testing.assert_allclose(proximity._normal(z), ndtr(z), rtol=1.2e-7)
    assert (np.diff(proximity._normal(z)) >= 0).all()


class TestMoments:
    @pytest.mark.parametrize(("n", "d"), [(2, 3), (40, 6), (30, 200)])
    def test_they_are_those_of_all_pairs(self, n: int, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = cloud(n, d)
        raw[n // 2] = raw.mean(axis=0)  # this one has no direction ...
        raw[n // 3] = raw[0]  # ... and this one is a duplicate
        vectors = Space.from_vectors(raw).vectors
        expected = slow_moments(vectors)
        expected[:, 1] = np.maximum(expected[:, 1], proximity.LEAST_DEVIATION)
        for widest, block in ((2048, 1 << 16), (2048, 1), (1, 1)):
            monkeypatch.setattr(proximity, "WIDEST", widest)
            monkeypatch.setattr(proximity, "_BLOCK", block)
            np.testing.assert_allclose(proximity.moments(vectors), expected, rtol=1e-5, atol=1e-5)

    def test_a_sample_comes_close(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = cloud(5000, 16)
        exact = Space.from_vectors(raw, mutual=True)
        monkeypatch.setattr(proximity, "WIDEST", 8)
        monkeypatch.setattr(proximity, "SAMPLE", 1000)
        sampled = Space.from_vectors(raw, mutual=True)
        assert 0 < np.abs(sampled.moments / exact.moments - 1).max() < 0.12
        both = [(exact.neighbors(row)[0], sampled.neighbors(row)[0]) for row in range(0, 5000, 50)]
        assert np.mean([len(np.intersect1d(*pair)) / 10 for pair in both]) > 0.9

    def test_a_point_from_outside(self) -> None:
        vectors = Space.from_vectors(cloud(30, 5)).vectors
        squared = squared_distances(vectors)[3]
        np.testing.assert_allclose(proximity.moments_of(squared), [squared.mean(), squared.std()])
        assert proximity.moments_of(np.ones(4)).tolist() == [1, proximity.LEAST_DEVIATION]


class TestSmallAndOdd:
    def test_one_two_and_three_songs(self) -> None:
        assert len(Space.from_vectors([[1.0, 2.0]], mutual=True).neighbors(0)[0]) == 0
        two = Space.from_vectors([[1.0, 2.0], [5.0, 1.0]], mutual=True)
        assert two.neighbors(0)[0].tolist() == [1]
        three = Space.from_vectors([[1.0, 0.0], [0.9, 0.2], [-1.0, 0.5]], mutual=True)
        assert [three.neighbors(row)[0].tolist()[0] for row in range(2)] == [1, 0]
        assert three.neighbors(three.place([1.0, 0.0]))[0].tolist() == [0, 1, 2]

    @given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6))
    @settings(max_examples=150, deadline=None)
    def test_songs_at_distance_0_come_first(self, seed: int, n: int, copies: int) -> None:
        rng = np.random.default_rng(seed)
        raw = rng.normal(size=(n, rng.integers(1, 20)))
        raw = np.concatenate([raw, np.tile(raw[0], (copies, 1))])[rng.permutation(n + copies)]
        space = Space.from_vectors(raw, mutual=True)
        for row in range(len(space)):
            twins = np.flatnonzero(space.distances(row) == 0)
            rows, distances = space.neighbors(row, len(space))
            assert rows[: len(twins) - 1].tolist() == twins[twins != row].tolist()
            assert (distances[len(twins) - 1 :] > 0).all()
            rows, _ = space.neighbors(space.vectors[row], len(twins))
            assert rows.tolist() == twins.tolist()

    def test_a_copy_that_differs_a_little_comes_first(self) -> None:
        """Every second song is another encoding of the one before."""
        rng = np.random.default_rng(0)
        raw = np.repeat(cloud(150, 60), 2, axis=0)
        raw += 0.03 * rng.normal(size=raw.shape).astype(np.float32)
        space = Space.from_vectors(raw, mutual=True)
        assert [int(space.neighbors(row, 1)[0][0]) for row in range(300)] == [row ^ 1 for row in range(300)]

    def test_songs_of_no_direction_are_nobodys_neighbour(self) -> None:
        """They lie at distance 1 from everybody, where others lie at 1.4: the worst of hubs."""
        half = cloud(49, 50)
        space = Space.from_vectors(np.concatenate([half, np.zeros((2, 50)), -half]), mutual=True)
        assert space.undirected.tolist() == [49, 50]
        assert np.mean([49 in space.neighbors(row, mutual=False)[0] for row in range(49)]) > 0.5
        assert not any(49 in space.neighbors(row)[0] for row in range(49))
        assert space.neighbors(49, 1)[0].tolist() == [50]
        assert len(set(space.neighbors(49, 99)[0].tolist())) == 99

    def test_songs_that_are_all_alike(self) -> None:
        space = Space.from_vectors(np.ones((6, 3)), mutual=True)
        rows, distances = space.neighbors(2, 4)
        assert rows.tolist() == [0, 1, 3, 4] and not distances.any()

    def test_songs_that_are_all_equally_far_apart(self) -> None:
        space = Space.from_vectors(np.eye(40), mutual=True)
        np.testing.assert_allclose(space.remoteness([0])[0, 1:], 0.75, atol=0.01)
        assert len(space.neighbors(5, 39)[0]) == 39


class TestHubs:
    def lists(self, space: Space, mutual: bool | None) -> np.ndarray:
        rows = np.concatenate([space.neighbors(row, mutual=mutual)[0] for row in range(len(space))])
        return np.bincount(rows, minlength=len(space))

    def test_it_cures_them_and_is_used_where_they_are(self) -> None:
        space = Space.from_vectors(cloud(500, 100))
        assert space.mutual
        plain, cured = self.lists(space, False), self.lists(space, None)
        assert skew(cured) < skew(plain) - 0.5
        assert np.mean(plain == 0) > 0.1 > 0.01 > np.mean(cured == 0)
        assert plain.max() > 2 * cured.max()

    def test_it_is_not_used_where_there_are_none(self) -> None:
        space = Space.from_vectors(np.random.default_rng(0).normal(size=(500, 4)))
        assert not space.mutual
        np.testing.assert_array_equal(self.lists(space, None), self.lists(space, False))
        assert Space.from_vectors(space.vectors, mutual=True).mutual

    @pytest.mark.parametrize(("n", "d"), [(300, 60), (300, 12), (2, 5), (1, 5), (7, 3)])
    def test_whether_there_are_any(self, n: int, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
        space = Space.from_vectors(np.random.default_rng(1).normal(size=(n, d)))
        occurrence = self.lists(space, False)
        expected = n > 1 and np.ptp(occurrence) > 0 and skew(occurrence) > 1
        for block in (1 << 16, 1):
            monkeypatch.setattr(proximity, "_BLOCK", block)
            assert proximity.has_hubs(space.vectors) == expected

    def test_a_sample_tells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proximity, "SAMPLE", 400)
        rng = np.random.default_rng(0)
        assert proximity.has_hubs(rng.normal(size=(3000, 200)))
        assert not proximity.has_hubs(rng.normal(size=(3000, 3)))
