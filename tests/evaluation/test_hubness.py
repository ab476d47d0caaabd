"""Hubs against a plain count and scipy's skewness."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import skew

from songspace.errors import SongspaceError
from songspace.evaluation import hubness
from songspace.space import Space


def slow_occurrence(vectors: np.ndarray, k: int) -> list[int]:
    counts = [0] * len(vectors)
    for row, line in enumerate(cdist(vectors, vectors)):
        nearest = [other for other in np.argsort(line).tolist() if other != row][:k]
        for other in nearest:
            counts[other] += 1
    return counts


@pytest.mark.parametrize(("n", "d", "k"), [(30, 2, 5), (200, 50, 10), (2100, 8, 10)])
def test_equals_a_plain_count_and_scipys_skewness(n: int, d: int, k: int) -> None:
    vectors = np.random.default_rng(n).normal(size=(n, d))
    found = hubness.evaluate(vectors, k=k)
    counts = slow_occurrence(vectors, k)
    assert found["k_occurrence"].tolist() == counts
    assert found["skewness"] == pytest.approx(skew(counts))
    assert found["antihubs"] == pytest.approx(counts.count(0) / n)
    assert found["hubs"][0][1] == found["largest_hub"] == max(counts)
    assert all(counts[row] == count for row, count in found["hubs"])
    assert [count for _, count in found["hubs"]] == sorted(counts, reverse=True)[:10]


@given(st.lists(st.integers(0, 100), min_size=2, max_size=50).filter(lambda counts: len(set(counts)) > 1))
def test_skewness_is_scipys(counts: list[int]) -> None:
    assert hubness.skewness(np.array(counts)) == pytest.approx(skew(counts), abs=1e-9)


@given(st.integers(0, 1000), st.integers(2, 60), st.integers(1, 30))
@settings(max_examples=40)
def test_the_order_of_songs_does_not_matter(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, order = rng.normal(size=(n, d)), rng.permutation(n)
    found, again = hubness.evaluate(vectors, k=5), hubness.evaluate(vectors[order], k=5)
    assert again["k_occurrence"].tolist() == found["k_occurrence"][order].tolist()
    for figure in ("antihubs", "largest_hub"):
        assert found[figure] == again[figure]
    assert found["skewness"] == pytest.approx(again["skewness"])


@pytest.mark.parametrize("mutual", [False, True])
def test_a_space_is_measured_by_its_own_lists(mutual: bool) -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(60, 30)), mutual=mutual)
    lists = np.array([space.neighbors(row, 6)[0] for row in range(60)])
    found, expected = hubness.evaluate(space, k=6), hubness.of_lists(lists)
    assert found.pop("k_occurrence").tolist() == expected.pop("k_occurrence").tolist()
    assert found == expected
    assert (found["skewness"] == hubness.evaluate(space.vectors, k=6)["skewness"]) != mutual


def test_many_dimensions_make_hubs() -> None:
    rng = np.random.default_rng(0)
    flat, deep = (hubness.evaluate(rng.normal(size=(400, d))) for d in (2, 200))
    assert deep["skewness"] > flat["skewness"] + 1
    assert deep["antihubs"] > flat["antihubs"]


def test_a_ring_has_no_hubs() -> None:
    angles = np.linspace(0, 2 * np.pi, 41)[:-1]
    found = hubness.evaluate(np.stack([np.cos(angles), np.sin(angles)], axis=1), k=2)
    assert (found["skewness"], found["antihubs"], found["hubs"][0][1]) == (0.0, 0.0, 2)


def test_lists_found_elsewhere() -> None:
    assert hubness.k_occurrence(np.array([[3, 1], [3, -1], [3, 0], [0, 1]])).tolist() == [2, 2, 0, 3]


def test_more_neighbours_than_songs() -> None:
    found = hubness.evaluate(np.arange(4.0)[:, None], k=10)
    assert found["k"] == 3
    assert found["k_occurrence"].tolist() == [3, 3, 3, 3]
    assert found["skewness"] == 0.0


def test_failures() -> None:
    with pytest.raises(SongspaceError, match="1 of at least 2 songs"):
        hubness.evaluate(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        hubness.evaluate(np.zeros((5, 3)), k=0)


def test_hubs_and_retrieval_need_numpy_alone() -> None:
    """``songspace status`` asks them, and should not wait for scikit-learn."""
    code = (
        "import sys, songspace.evaluation as e; e.hubness, e.retrieval; "
        "print([name for name in ('scipy', 'sklearn', 'torch', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
