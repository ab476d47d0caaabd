"""Measures of playlists against scipy and plain, slow versions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform
from scipy.stats import kendalltau, variation

from songspace.errors import SongspaceError
from songspace.evaluation import playlists
from songspace.space import Space

PER_LIST = ("largest", "mean", "evenness", "progress", "detour", "astray", "artists", "broken")


def some_space(seed: int, n: int = 30, d: int = 4) -> Space:
    return Space.from_vectors(np.random.default_rng(seed).normal(size=(n, d)))


def some_lists(seed: int, n: int = 30, count: int = 5) -> list[list[int]]:
    rng = np.random.default_rng([seed, 1])
    return [rng.choice(n, rng.integers(4, 12), replace=False).tolist() for _ in range(count)]


def slow(space: Space, rows: list[int], artists: list[Any], gap: int) -> dict[str, float]:
    """Everything about one list, song by song, from distances alone."""
    d = squareform(pdist(space.vectors.astype(np.float64)))
    walked = [d[a, b] for a, b in pairwise(rows)]
    along = [d[rows[0], row] ** 2 - d[rows[-1], row] ** 2 for row in rows[1:-1]]
    unit = np.median(pdist(space.vectors.astype(np.float64)))
    others = [row for row in range(len(d)) if row not in (rows[0], rows[-1])]
    away = [min(d[rows[0], row], d[rows[-1], row]) for row in range(len(d))]
    nearer = [sum(away[other] < away[row] for other in others) for row in rows[1:-1]]
    too_soon = 0
    for j, row in enumerate(rows):
        for i in range(j):
            same_artist = artists[row] is not None and artists[row] == artists[rows[i]]
            too_soon += rows[i] == row or (same_artist and j - i - 1 < gap)
    return {
        "largest": max(walked) / unit,
        "mean": sum(walked) / len(walked) / unit,
        "evenness": 1 / (1 + variation(walked) ** 2),
        "progress": kendalltau(range(len(along)), along).statistic,
        "detour": sum(walked) / d[rows[0], rows[-1]],
        "astray": np.mean(nearer) / (len(others) - 1),
        "artists": len({artists[row] or (row,) for row in rows}),
        "broken": too_soon,
    }


@pytest.mark.parametrize("gap", [0, 1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_every_measure_equals_a_slow_version(seed: int, gap: int) -> None:
    space, lists = some_space(seed), some_lists(seed)
    artists = [None if number == 0 else f"Artist {number}" for number in np.random.default_rng(seed).integers(0, 6, 30)]
    lists.append([*lists[0], *lists[0][:2]])  # songs that come again
    found = playlists.evaluate(space, lists, artists=artists, artist_gap=gap)
    for number, rows in enumerate(lists):
        expected = slow(space, rows, artists, gap)
        assert {key: found[key][number] for key in PER_LIST} == pytest.approx(expected)
    inner = [row for rows in lists for row in rows[1:-1]]
    assert found["most_repeated"] == max(sum(row in rows[1:-1] for rows in lists) for row in range(30))
    assert found["hubs"] == pytest.approx(np.mean([row in playlists.hubs(space).tolist() for row in inner]))


def test_progress_with_songs_that_nothing_tells_apart_is_tau_b() -> None:
    angles = np.radians([0, 20, 20, 50, 35, 50, 90])
    space = Space.from_vectors(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    along = (space.vectors @ (space.vectors[6] - space.vectors[0]))[1:6]
    expected = kendalltau(range(5), along).statistic
    assert 0.5 < expected < 1  # ties in the middle: tau-a would be smaller
    assert playlists.progress(space, range(7)) == pytest.approx(expected)


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_what_holds_for_every_list(seed: int) -> None:
    space, rows = some_space(seed), some_lists(seed, count=1)[0]
    back = rows[::-1]
    assume(playlists.detour(space, rows) < 1e6)
    there, again = playlists.evaluate(space, [rows]), playlists.evaluate(space, [back])
    for key in PER_LIST:
        assert there[key] == pytest.approx(again[key])  # the way back is as good
    turned = [rows[0], *rows[-2:0:-1], rows[-1]]
    assert playlists.progress(space, turned) == pytest.approx(-there["progress"][0])
    assert there["mean"] <= there["largest"]
    assert 1 / (len(rows) - 1) <= there["evenness"] <= 1 + 1e-12
    assert there["detour"] >= 1 - 1e-9
    assert 0 <= there["astray"] <= 1
    assert there["broken"] == 0  # nobody is known, so nobody comes too soon


def test_an_even_arc_is_the_best_there_is() -> None:
    angles = np.linspace(0, 2 * np.pi, 37)[:-1]
    space = Space.from_vectors(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    found = playlists.evaluate(space, [range(10)])
    assert found["evenness"] == pytest.approx(1)
    assert found["progress"] == 1
    assert found["largest"] == pytest.approx(found["mean"])
    assert found["typical"] == pytest.approx(np.sqrt(2), abs=0.02)


def test_hubs_are_those_of_the_plain_distance() -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(200, 60)), mutual=True)
    d = squareform(pdist(space.vectors.astype(np.float64)))
    counts = np.bincount(np.argsort(d, axis=1)[:, 1:11].ravel(), minlength=200)
    assert len(playlists.hubs(space)) == 2
    assert counts[playlists.hubs(space)].tolist() == sorted(counts, reverse=True)[:2]


def test_short_lists_have_no_order_of_inner_songs() -> None:
    found = playlists.evaluate(some_space(0), [[0, 1], [2, 3, 4]])
    assert np.isnan(found["progress"]).all()
    assert found["most_repeated"] == 1
    assert np.isnan(playlists.evaluate(some_space(0), [[0, 1]])["hubs"])
    assert np.isnan(playlists.astray(some_space(0), [0, 1]))


def test_ends_at_one_point_have_no_direction() -> None:
    space = Space.from_vectors([[1, 0], [1, 0], [0, 1], [-1, 0], [-0.5, -1]])
    assert np.isnan(playlists.detour(space, [0, 2, 3, 1]))
    assert np.isnan(playlists.progress(space, [0, 2, 3, 1]))
    assert playlists.evenness(playlists.steps(space, [0, 1])) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"lists": []}, SongspaceError, "no list"),
        ({"lists": [[0, 1], [2]]}, ValueError, "fewer than 2 songs"),
        ({"lists": [[0, 30]]}, ValueError, "no row 30"),
        ({"lists": [[0, -1]]}, ValueError, "no row -1"),
        ({"lists": [[0, 1]], "artists": ["Ada"]}, ValueError, "30 songs, got 1"),
        ({"lists": [[0, 1]], "artist_gap": -1}, ValueError, "artist_gap must not be negative, got -1"),
    ],
)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        playlists.evaluate(some_space(0), **arguments)


@pytest.mark.parametrize("vectors", [[[1.0, 2.0]], [[1.0, 2.0]] * 5])
def test_a_space_without_distances_cannot_measure(vectors: list[list[float]]) -> None:
    with pytest.raises(SongspaceError, match="nothing to"):
        playlists.evaluate(Space.from_vectors(vectors), [[0, 0]])
