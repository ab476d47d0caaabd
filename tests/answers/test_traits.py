"""What a space says of its songs: exactly where it is small, and nearly so where a sample stands for all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from songspace.answers import traits
from songspace.evaluation import hubness
from songspace.library import Song
from songspace.space import Space


def planted(sizes: list[int], *, seed: int = 0) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(len(sizes)), sizes)
    space = Space.from_vectors(3 * np.eye(16)[kind] + 0.3 * rng.normal(size=(len(kind), 16)))
    songs = [Song(row, f"/{row}", 200.0, f"Song {row}", genre=f"Kind {k}") for row, k in enumerate(kind)]
    return SimpleNamespace(space=space, songs=songs), kind


def test_planted_groups_are_found_and_named_after_what_is_in_them() -> None:
    view, kind = planted([40, 30, 30, 20, 20])
    names = traits.groups(view)
    assert [name.split(" · ")[0] for name in names] == [f"Kind {k}" for k in kind]
    assert len(set(names)) == 5


@pytest.mark.parametrize(
    ("mutual", "least"), [(False, 0.7), (True, 0.4)]
)  # where there are no hubs, there is less to see
def test_a_sample_of_a_large_library_tells_nearly_the_same(
    monkeypatch: pytest.MonkeyPatch, mutual: bool, least: float
) -> None:
    rng = np.random.default_rng(0)
    space = Space.from_vectors(rng.normal(size=(1500, 12)) * np.r_[4, 3, 2, np.ones(9)], mutual=mutual)
    alone, often = traits.isolation(space), traits.hubness(space)
    assert often.tolist() == hubness.evaluate(space, k=10)["k_occurrence"].tolist()
    monkeypatch.setattr(traits, "PAIRS", 1500 * 500)
    monkeypatch.setattr(traits, "FEWEST", 100)
    fewer, seldom = traits.isolation(space), traits.hubness(space)
    assert np.corrcoef(fewer, alone)[0, 1] > 0.8
    assert np.corrcoef(seldom, often)[0, 1] > least
    assert seldom.mean() == pytest.approx(10, rel=0.01)
    assert not np.array_equal(fewer, alone)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_the_smallest_libraries(n: int) -> None:
    view, _ = planted([n])
    others = min(10, n - 1)
    assert traits.hubness(view.space).sum() == n * others
    assert (traits.isolation(view.space) > 0).all() == (n > 1)
    assert len(traits.groups(view)) == n
