"""How `bench/search.py` judges other programs' indexes: a wrong recall would flatter one or the other side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from songspace.space import Space

SPACE = Space.from_vectors(np.random.default_rng(0).normal(size=(50, 6)))
ROWS = np.array([3, 17, 41])


@pytest.fixture(scope="module")
def search() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "bench")
        import search

        yield search


def of_all(vector: np.ndarray, look: int = 50) -> np.ndarray:
    """What a perfect index of the first songs answers: the song itself, and the nearest of the others."""
    return np.linalg.norm(SPACE.vectors[:look] - vector, axis=1).argsort()[:11]


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (of_all, 1.0),
        (lambda vector: of_all(vector)[::-1], 1.0),  # in any order
        (lambda vector: of_all(vector)[:-1], 0.9),
        (lambda vector: of_all(vector)[[0, *[1] * 10]], 0.1),  # one song ten times
        (lambda vector: np.r_[of_all(vector)[:1], -np.ones(10, np.int64)], 0.0),  # what faiss says of too few
    ],
)
def test_recall_counts_the_nearest_others(search: ModuleType, ask: object, found: float) -> None:
    nearest = np.array([SPACE.neighbors(int(row), 10, mutual=False)[0] for row in ROWS])
    assert search.recall(ask, SPACE.vectors, ROWS, nearest) == pytest.approx(found)


@pytest.mark.parametrize(("goal", "width"), [(0.1, 16), (0.5, 64), (0.9, 100), (1.1, 100)])
def test_an_index_looks_just_far_enough(search: ModuleType, goal: float, width: int) -> None:
    index = search.Index("some", 0.0, look=lambda width: width, farthest=100)
    found = search.as_far_as(goal, index, lambda ask: ask / 100)
    assert found == (width, width / 100, width)
