"""Maps that go on from older ones: old songs stay, new ones come near their like, and nothing lies over another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from sklearn.neighbors import NearestNeighbors

from songspace import maps

OLD, NEW, KINDS = 400, 40, 8


def draw_songs(n: int, kinds: np.ndarray, seed: int) -> np.ndarray:
    """Songs of the given kinds around one centre each."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(100).normal(size=(KINDS + 1, 24))
    return (centers[kinds] + 0.5 * rng.normal(size=(n, 24))).astype(np.float32)


def unplaced(points: np.ndarray, new: int) -> np.ndarray:
    """An old map and rows without a place behind it."""
    return np.concatenate([points, np.full((new, 2), np.nan, dtype=points.dtype)])


def width(points: np.ndarray) -> float:
    return float(np.ptp(points, axis=0).max())


def moved(points: np.ndarray, before: np.ndarray) -> tuple[float, float]:
    """How far songs are from where they were, as shares of the old map's width: the median and 95 %.

    The new map is laid over the old one first, as it is for those who look at it.
    """
    points, _ = maps.align(points, before)
    median, most = np.percentile(np.linalg.norm(points - before, axis=1) / width(before), [50, 95])
    return float(median), float(most)


def recall(vectors: np.ndarray, points: np.ndarray, rows: np.ndarray, k: int = 10) -> float:
    """How many of a song's nearest in space are among its nearest in the plane."""
    near = [NearestNeighbors(n_neighbors=k + 1).fit(of).kneighbors(of[rows])[1] for of in (vectors, points)]
    return float(np.mean([len((set(a) & set(b)) - {row}) / k for row, a, b in zip(rows, *near, strict=True)]))


@pytest.fixture(scope="module")
def old() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Songs, their kinds, and their map."""
    kinds = np.arange(OLD) % KINDS
    vectors = draw_songs(OLD, kinds, seed=0)
    return vectors, kinds, maps.layout(vectors)


@pytest.fixture(scope="module")
def more(old) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same and some new songs of the same kinds, their kinds, and the map that goes on."""
    vectors, kinds, points = old
    new = np.arange(NEW) % KINDS
    both = np.concatenate([vectors, draw_songs(NEW, new, seed=1)])
    return both, np.concatenate([kinds, new]), maps.extend(both, unplaced(points, NEW))


@pytest.fixture(scope="module")
def anew(more) -> np.ndarray:
    return maps.layout(more[0])


class TestExtend:
    def test_songs_that_were_there_hardly_move(self, old, more):
        median, most = moved(more[2][:OLD], old[2])
        assert median < 0.02
        assert most < 0.05

    def test_a_map_drawn_anew_is_less_like_the_old_one(self, old, more, anew):
        # What the test above would say of a map that does not go on.
        assert moved(anew[:OLD], old[2])[0] > 3 * moved(more[2][:OLD], old[2])[0]

    def test_new_songs_lie_among_their_like(self, more, anew):
        vectors, kinds, points = more
        rows = np.arange(OLD, OLD + NEW)
        nearest = NearestNeighbors(n_neighbors=6).fit(points).kneighbors(points[rows])[1][:, 1:]
        assert (kinds[nearest] == kinds[rows][:, None]).mean() > 0.95
        assert recall(vectors, points, rows) > 0.9 * recall(vectors, anew, rows)

    def test_songs_that_are_gone_leave_the_others_where_they_were(self, old):
        vectors, _, points = old
        stay = np.random.default_rng(0).permutation(OLD)[: OLD - NEW]
        rest = maps.extend(vectors[stay], points[stay])
        assert moved(rest, points[stay])[0] < 0.02
        assert moved(rest, points[stay])[1] < 0.05

    def test_a_whole_kind_may_go(self, old):
        vectors, kinds, points = old
        stay = kinds != 3
        rest = maps.extend(vectors[stay], points[stay])
        assert moved(rest, points[stay])[1] < 0.05

    def test_a_new_kind_lies_over_no_old_one(self, old):
        vectors, kinds, points = old
        both = np.concatenate([vectors, draw_songs(NEW, np.full(NEW, KINDS), seed=2)])
        labels = np.concatenate([kinds, np.full(NEW, KINDS)])

        def pure(places: np.ndarray) -> float:
            nearest = NearestNeighbors(n_neighbors=11).fit(places).kneighbors(places[OLD:])[1][:, 1:]
            return float((labels[nearest] == KINDS).mean())

        before = unplaced(points, NEW)
        after = maps.extend(both, before)
        assert pure(maps.beside(both, before)) < 0.6  # where they begin they lie over what is nearest to them
        assert pure(after) > 0.9
        # Nor does an old song lie within it.
        nearest = NearestNeighbors(n_neighbors=6).fit(after).kneighbors(after[:OLD])[1][:, 1:]
        assert (labels[nearest] == KINDS).mean() < 0.02
        assert moved(after[:OLD], points)[0] < 0.03

    def test_the_same_songs_give_the_same_map(self, old, more):
        np.testing.assert_array_equal(maps.extend(more[0], unplaced(old[2], NEW)), more[2])

    def test_what_it_is_given_stays_as_it_was(self, old):
        vectors, before = old[0][:60].copy(), unplaced(old[2][:50], 10)
        vectors.setflags(write=False)
        before.setflags(write=False)  # what writes raises
        assert maps.extend(vectors, before).dtype == np.float32

    def test_copies_and_songs_beside_the_same_ones_come_apart(self, old):
        vectors, _, points = old
        both = np.concatenate([vectors, np.tile(vectors[:1], (5, 1))])
        after = maps.extend(both, unplaced(points, 5))
        assert np.isfinite(after).all()
        assert len(np.unique(after, axis=0)) == OLD + 5

    def test_too_few_different_songs_have_no_such_map(self):
        vectors = np.repeat(np.eye(9, dtype=np.float32), 3, axis=0)
        assert maps.extend(vectors, np.zeros((27, 2))) is None


def slow_beside(vectors: np.ndarray, before: np.ndarray, k: int = 10) -> np.ndarray:
    places = before.copy()
    known = [row for row in range(len(before)) if not np.isnan(before[row, 0])]
    for row in range(len(before)):
        if row not in known:
            nearest = sorted(known, key=lambda other: np.linalg.norm(vectors[row] - vectors[other]))[:k]
            places[row] = [np.median([before[other, axis] for other in nearest]) for axis in range(2)]
    return places


class TestBeside:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 1000), st.integers(1, 40), st.integers(0, 15), st.integers(1, 6))
    def test_it_is_the_median_of_the_neighbours_places(self, seed, known, new, dimensions):
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(known + new, dimensions))
        before = rng.normal(size=(known + new, 2))
        before[rng.permutation(known + new)[:new]] = np.nan
        np.testing.assert_allclose(maps.beside(vectors, before), slow_beside(vectors, before))

    def test_of_very_many_songs_some_tell_enough(self, monkeypatch):
        kinds = np.arange(1000) % KINDS
        vectors = draw_songs(1000, kinds, seed=4)
        before = np.stack([kinds, -kinds], axis=1).astype(float)
        before[900:] = np.nan
        monkeypatch.setattr("songspace.maps.projection._MOST", 900 * 100 // 4)
        np.testing.assert_array_equal(maps.beside(vectors, before)[900:], np.stack([kinds, -kinds], axis=1)[900:])


class TestAlign:
    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(0, 1000),
        st.floats(0, 2 * np.pi),
        st.booleans(),
        st.floats(0.01, 100),
        st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    )
    def test_turned_mirrored_scaled_and_moved_maps_are_laid_over_each_other(self, seed, angle, mirrored, scale, move):
        points = np.random.default_rng(seed).normal(size=(20, 2))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turn = turn @ np.diag([1, -1 if mirrored else 1])
        to = scale * points @ turn + move
        whole = to.copy()
        to[15:] = np.nan  # songs that the other map does not have go with the rest
        found, size = maps.align(points, to)
        np.testing.assert_allclose(found, whole, atol=1e-9 * (1 + np.abs(whole).max()))
        assert size == pytest.approx(scale)

    def test_what_is_left_is_what_procrustes_leaves(self):
        rng = np.random.default_rng(0)
        points = rng.normal(size=(50, 2))
        to = 3 * points @ np.array([[0, 1], [1, 0]]) + rng.normal(size=(50, 2))
        _, _, disparity = procrustes(to, points)
        found, _ = maps.align(points, to)
        left = np.square(found - to).sum() / np.square(to - to.mean(axis=0)).sum()
        assert left == pytest.approx(disparity)

    @pytest.mark.parametrize(
        ("points", "to"),
        [
            (np.arange(6.0).reshape(3, 2), np.full((3, 2), np.nan)),
            (np.ones((3, 2)), np.arange(6.0).reshape(3, 2)),
            (np.arange(6.0).reshape(3, 2), np.ones((3, 2))),
        ],
    )
    def test_without_two_places_in_common_nothing_is_turned(self, points, to):
        found, scale = maps.align(points, to)
        np.testing.assert_array_equal(found, points)
        assert scale == 1.0
