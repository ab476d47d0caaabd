"""Exact neighbours, found in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from songspace.evaluation import neighbors
from songspace.space import Space


def slow(vectors: np.ndarray, k: int, apart: np.ndarray) -> list[list[int]]:
    found = []
    for row, line in enumerate(cdist(vectors, vectors)):
        by_distance = np.argsort(line, kind="stable")
        found.append(by_distance[apart[by_distance] != apart[row]][:k].tolist())
    return found


@pytest.mark.parametrize("n", [2, 30, 2500])
def test_equals_a_plain_search(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", 7 * 8 * n)  # several blocks, the last one shorter
    vectors = np.random.default_rng(n).normal(size=(n, 5)) + 50
    k = min(9, n - 1)
    assert neighbors.nearest(vectors, 9).tolist() == [line[:k] for line in slow(vectors, 9, np.arange(n))]


@pytest.mark.parametrize("mutual", [False, True])
def test_a_space_is_ranked_as_it_ranks(mutual: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", 7 * 8 * 90)
    vectors = np.random.default_rng(0).normal(size=(90, 30))
    vectors[:9] *= 0.05
    vectors[40] = vectors[3]
    space = Space.from_vectors(vectors, mutual=mutual)
    found = neighbors.nearest(space, 8)
    assert found.tolist() == [space.neighbors(row, 8)[0].tolist() for row in range(90)]
    artists = np.arange(90) % 20
    others = [np.flatnonzero(artists == artists[row]).tolist() for row in range(90)]
    filtered = [space.neighbors(row, 8, exclude=others[row])[0].tolist() for row in range(90)]
    assert neighbors.nearest(space, 8, apart=artists).tolist() == filtered
    assert (found.tolist() == neighbors.nearest(space.vectors, 8).tolist()) != mutual


@pytest.mark.parametrize("n", [40, 2100])
def test_rows_of_a_group_are_no_neighbours(n: int) -> None:
    rng = np.random.default_rng(0)
    apart = rng.integers(n // 3, size=n)
    vectors = rng.normal(size=(n // 3, 4))[apart] + 0.01 * rng.normal(size=(n, 4))
    assert neighbors.nearest(vectors, 6, apart=apart).tolist() == slow(vectors, 6, apart)


def test_says_where_there_are_no_more() -> None:
    vectors = np.arange(5.0)[:, None]
    found = neighbors.nearest(vectors, 3, apart=np.array([0, 0, 0, 0, 1]))
    assert found.tolist() == [[4, -1, -1]] * 4 + [[3, 2, 1]]
    assert neighbors.nearest(vectors, 3, apart=np.zeros(5, dtype=int)).tolist() == [[-1] * 3] * 5


def test_says_where_there_are_no_more_among_many() -> None:
    apart = np.zeros(3000, dtype=int)
    apart[1234] = 1
    found = neighbors.nearest(np.random.default_rng(0).normal(size=(3000, 2)), 3, apart=apart)
    assert np.all(np.delete(found, 1234, axis=0) == [1234, -1, -1])


def test_equal_distances_in_order_of_rows() -> None:
    assert neighbors.nearest(np.zeros((6, 2)), 3).tolist()[3] == [0, 1, 2]


def test_distances_from_some_rows() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    (rows, distances), *more = neighbors.distance_blocks(vectors, np.array([4, 17]))
    assert not more
    assert rows.tolist() == [4, 17]
    np.testing.assert_allclose(distances, cdist(vectors[[4, 17]], vectors, "sqeuclidean"), atol=1e-12)


def test_keeps_precision() -> None:
    vectors = np.ones((3, 2), dtype=np.float32)
    assert next(neighbors.distance_blocks(vectors))[1].dtype == np.float32
