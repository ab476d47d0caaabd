"""Neighbours without measuring everybody: the same as if everybody was measured."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.space import Space, points, proximity, search


@pytest.fixture
def sketching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small spaces are sketched too, from the first question on, and few songs are looked at."""
    monkeypatch.setattr(search, "SMALLEST", 1)
    monkeypatch.setattr(search, "WIDTH", 4)
    monkeypatch.setattr(search, "_PATIENCE", 0)
    monkeypatch.setattr(search, "_SAMPLE", 16)
    monkeypatch.setattr(search, "_FEW", 5)
    monkeypatch.setattr(search, "_MANY", 0)


def slow_neighbors(space: Space, row: int, k: int, without: set[int], mutual: bool) -> list[int]:
    """Measure all songs, and sort them."""
    distances = space.distances(row)
    order = distances
    if mutual:
        order = proximity.remoteness(distances**2, space.moments[row], space.moments)
    ranked = np.lexsort((np.arange(len(space)), distances, order)).tolist()
    return [other for other in ranked if other not in without | {row}][:k]


def songs(kind: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    n, d = 700, 24
    if kind == "flat":  # most of it along four axes
        return rng.normal(size=(n, 4)) @ rng.normal(size=(4, d)) + 0.01 * rng.normal(size=(n, d))
    if kind == "round":  # along no axes more than along others: a sketch says little
        return rng.normal(size=(n, d))
    if kind == "hubs":
        return rng.normal(size=(5, d))[rng.integers(5, size=n)] + rng.uniform(0.3, 3, size=(n, 1)) * rng.normal(
            size=(n, d)
        )
    if kind == "ties":  # the same few points again and again, and many equal distances
        return np.concatenate([np.eye(d), -np.eye(d)])[rng.integers(2 * d, size=n)]
    raw = rng.normal(size=(n, d))  # copies that differ by rounding, opposites, songs without a direction
    raw[200:400] = raw[:200] * (1 + 1e-6 * rng.normal(size=(200, 1)))
    raw[400:600] = -raw[:200]
    raw[600:] = 0
    return raw


KINDS = ["flat", "round", "hubs", "ties", "odd"]


@pytest.mark.usefixtures("sketching")
@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_those_of_measuring_everybody(kind: str, mutual: bool) -> None:
    space = Space.from_vectors(songs(kind), mutual=mutual)
    rng = np.random.default_rng(0)
    for row in [0, 1, 199, 250, 450, 650, 699]:
        for k in (1, 2, 10, 60, 699, 1000):
            without = set(rng.integers(700, size=int(rng.integers(0, 20))).tolist())
            rows, distances = space.neighbors(row, k, exclude=without)
            assert rows.tolist() == slow_neighbors(space, row, k, without, mutual)
            np.testing.assert_array_equal(distances, space.distances(row, rows))


@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 12), st.booleans(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_songs(seed: int, n: int, d: int, coarse: bool, mutual: bool) -> None:
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(n, d)) * rng.exponential(size=d)
    space = Space.from_vectors(np.round(raw) if coarse else raw, mutual=mutual)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "pays", lambda shape: True)
        patch.setattr(search, "WIDTH", 2)
        patch.setattr(search, "_PATIENCE", 0)
        patch.setattr(search, "_SAMPLE", 8)
        patch.setattr(search, "_FEW", 0)
        patch.setattr(search, "_MANY", 0)
        for row in range(0, n, 7):
            k = int(rng.integers(1, n + 1))
            assert space.neighbors(row, k)[0].tolist() == slow_neighbors(space, row, k, set(), mutual)


@pytest.mark.parametrize("mutual", [False, True])
def test_few_are_measured_and_the_first_questions_are_answered_as_the_later(
    monkeypatch: pytest.MonkeyPatch, mutual: bool
) -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(16_384, 16)) @ rng.normal(size=(16, 64)) + 0.1 * rng.normal(size=(16_384, 64))
    space = Space.from_vectors(raw, mutual=mutual)
    made, measured = [], []
    making, measuring = search.Sketch.__init__, points.distances_to

    def make(self: search.Sketch, *arguments: Any, **more: Any) -> None:
        made.append(self)
        making(self, *arguments, **more)

    def measure(vectors: np.ndarray, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
        measured.append(len(rows))
        return measuring(vectors, rows, query)

    monkeypatch.setattr(search.Sketch, "__init__", make)
    first = space.neighbors(5, 10)
    assert not made  # one question is not worth it
    for row in range(100):
        space.neighbors(row, 10)
    assert len(made) == 1
    monkeypatch.setattr(points, "distances_to", measure)
    for found, expected in zip(space.neighbors(5, 10), first, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert 10 <= max(measured) < 600


@pytest.mark.usefixtures("sketching")
def test_threads_may_ask_at_once() -> None:
    space = Space.from_vectors(songs("hubs"), mutual=True)
    expected = [slow_neighbors(space, row, 10, set(), True) for row in range(60)]
    found: dict[int, list[list[int]]] = {}

    def ask(number: int) -> None:
        found[number] = [space.neighbors(row, 10)[0].tolist() for row in range(60)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [*found.values()] == [expected] * 4


class TestSketch:
    @given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12))
    @settings(max_examples=150, deadline=None)
    def test_no_product_is_more(self, seed: int, n: int, d: int, width: int) -> None:
        rng = np.random.default_rng(seed)
        space = Space.from_vectors(rng.normal(size=(n, d)) * rng.exponential(size=d) ** 3)
        made = search.Sketch(space.vectors, width=width)
        points = [*space.vectors, space.vectors.mean(axis=0), space.place(rng.normal(size=d))]
        for point in points:
            assert (made.at_most(point) >= space.vectors.astype(np.float64) @ point).all()

    def test_where_few_axes_hold_everything_it_says_what_the_product_is(self) -> None:
        rng = np.random.default_rng(0)
        space = Space.from_vectors(rng.normal(size=(500, 8)) @ rng.normal(size=(8, 64)))
        made = search.Sketch(space.vectors, width=9)
        assert np.abs(made.at_most(space.vectors[3]) - space.vectors @ space.vectors[3]).max() < 1e-3

    def test_what_it_is_for(self) -> None:
        assert search.pays((100_000, 128))
        assert not any(map(search.pays, [(1000, 128), (100_000, 32), (1000, 110_510)]))
