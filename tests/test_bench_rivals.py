"""The rivals that `bench/playlists.py` measures do what they say: a weak imitation would flatter our own paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from songspace.evaluation import playlists
from songspace.space import Space

NAMES = ("random songs", "greedy nearest", "linear + snap", "spherical + snap", "shortest path")


@pytest.fixture(scope="module")
def rivals() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "bench")
        import rivals

        yield rivals


def some_space(seed: int, n: int = 60, d: int = 5) -> Space:
    return Space.from_vectors(np.random.default_rng(seed).normal(size=(n, d)))


def arc(degrees: list[float]) -> Space:
    """Songs on a circle; an even ring behind them keeps its centre where it is."""
    angles = np.radians([*degrees, *(np.array(degrees) + 180)])
    return Space.from_vectors(np.stack([np.cos(angles), np.sin(angles)], axis=1))


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("name", NAMES)
def test_lists_are_whole_and_keep_the_gap_if_asked(name: str, gap: int, rivals: ModuleType) -> None:
    assert tuple(rivals.RIVALS) == NAMES
    broken = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        space, artist, (start, end) = (
            some_space(seed),
            rng.integers(0, 12, 60),
            rng.choice(60, 2, replace=False).tolist(),
        )
        for length in (2, 3, 12):
            task = rivals.Task(space, start, end, length, artist, gap)
            rows = rivals.RIVALS[name](task)
            assert rows == rivals.RIVALS[name](task)
            assert (rows[0], rows[-1], len(rows), len(set(rows))) == (start, end, length, length)
            possible = length > gap + 1 or artist[start] != artist[end]
            broken += playlists.broken(artist, rows, 2) if possible else 0
    assert (broken > 0) == (gap == 0)


@pytest.mark.parametrize("name", NAMES)
def test_where_the_gap_cannot_be_kept_lists_are_whole_all_the_same(name: str, rivals: ModuleType) -> None:
    task = rivals.Task(some_space(0), 3, 4, 60, np.zeros(60, dtype=np.int64), 2)
    assert sorted(rivals.RIVALS[name](task)) == list(range(60))


def test_greedy_takes_the_nearest_that_leads_on(rivals: ModuleType) -> None:
    space = arc([0, -5, 20, 30, 60, 90])  # -5 degrees is nearest to the start, but leads away
    artist = np.arange(12)
    assert rivals.greedy(rivals.Task(space, 0, 5, 5, artist)) == [0, 2, 3, 4, 5]
    assert rivals.greedy(rivals.Task(space, 0, 5, 6, artist)) == [0, 2, 3, 4, 1, 5]  # nothing leads on from 60


@pytest.mark.parametrize("seed", range(3))
def test_linear_and_spherical_snap_to_points_between(seed: int, rivals: ModuleType) -> None:
    space = some_space(seed)
    a, b = space.vectors[[3, 9]].astype(np.float64)
    turn = (b - (a @ b) * a) / np.linalg.norm(b - (a @ b) * a)
    angle = np.arccos(a @ b)
    for name in ("linear", "spherical"):
        expected = [3]
        for share in np.arange(1, 7) / 7:
            point = (
                a + share * (b - a) if name == "linear" else np.cos(share * angle) * a + np.sin(share * angle) * turn
            )
            distances = [np.linalg.norm(vector - point) for vector in space.vectors]
            expected.append(next(row for row in np.argsort(distances).tolist() if row not in (*expected, 9)))
        assert getattr(rivals, name)(rivals.Task(space, 3, 9, 8, np.arange(60))) == [*expected, 9]


def test_opposite_songs_have_no_arc(rivals: ModuleType) -> None:
    space = arc([0, 10, 170])
    assert rivals.spherical(rivals.Task(space, 0, 3, 3, np.arange(6)))[::2] == [0, 3]


def test_the_shortest_path_is_the_shortest_and_crosses_any_divide(rivals: ModuleType) -> None:
    rng = np.random.default_rng(0)
    far = np.repeat([[9.0, 0, 0], [-9.0, 0, 0]], 20, axis=0)  # two sides, farther apart than any 10 neighbours
    space = Space.from_vectors(far + rng.normal(size=(40, 3)))
    d = squareform(pdist(space.vectors.astype(np.float64)))
    ways = np.full((40, 40), np.inf)
    for row in range(40):
        near = np.argsort(d[row])[:11]
        ways[row, near] = ways[near, row] = d[row, near]
    across = np.unravel_index(d[:20, 20:].argmin(), (20, 20))
    bridge = (across[0], 20 + across[1])
    ways[bridge] = ways[bridge[::-1]] = d[bridge]
    for between in range(40):  # Floyd and Warshall
        ways = np.minimum(ways, ways[:, between, None] + ways[between])
    for start, end in ((0, 39), (3, 25), (1, 2), (30, 17)):
        tasks = [rivals.Task(space, start, end, length, np.arange(40)) for length in range(2, 12)]
        lengths = [playlists.steps(space, rivals.shortest(task)).sum() for task in tasks]
        assert np.isclose(lengths, ways[start, end]).sum() == 1  # as it is; else thinned or filled


def test_a_short_path_is_filled_where_its_largest_step_is(rivals: ModuleType) -> None:
    space = arc([0, 10, 20, 50, 65, 80])
    task = rivals.Task(space, 0, 5, 4, np.arange(12))
    assert rivals._halved(task, [0, 2, 5]) == [0, 2, 3, 5]
    same = np.array([0, 1, 2, 5, 3, 5, *range(10, 16)])  # 50 and 80 degrees are one artist's
    assert rivals._halved(rivals.Task(space, 0, 5, 4, same, 2), [0, 2, 5]) == [0, 2, 4, 5]
