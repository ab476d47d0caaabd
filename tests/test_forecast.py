"""How long what is left will take: exact where that can be, and within bounds on times that were recorded."""

from __future__ import annotations

import heapq
import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.library.listening import seconds_to_decode
from songspace.library.scan import Found
from songspace.pipeline.forecast import Forecast

Timed = tuple[str, int, float]
"""Suffix and bytes of a file, and the milliseconds of a core that listening to it took."""


def trace(name: str) -> list[Timed]:
    recorded = json.loads((Path(__file__).parent / "traces" / name).read_text("utf-8"))
    return [(suffix, size, took) for suffix, files in recorded.items() for size, took in files]


def finished(files: list[Timed], workers: int = 2) -> list[tuple[float, Timed]]:
    """When each file is done by so many workers of which each takes the next one, in the order of time."""
    free, times = [0.0] * workers, []
    for file in files:
        done = heapq.heappop(free) + file[2] / 1000
        heapq.heappush(free, done)
        times.append((done, file))
    return sorted(times)


def errors(files: list[Timed]) -> list[float]:
    """By what share what is said to be left is wrong once 20, 25 and 50 % of the time have passed."""
    cost = {file: seconds_to_decode(Found(f"file{file[0]}", file[1], 0)) for file in files}
    forecast = Forecast(cost[file] for file in files)
    times = finished(files)
    end, marks, found = times[-1][0], [0.2, 0.25, 0.5], []
    for now, file in times:
        forecast.done(cost[file], now)
        if marks and now >= marks[0] * end:
            left = forecast.left()
            assert left is not None
            found.append(left / (end - now) - 1)
            marks.pop(0)
    assert len(found) == 3
    return found


@given(
    costs=st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=3, max_size=200),
    pace=st.floats(0.01, 100),
    begun=st.floats(0, 1e6),
    share=st.floats(0, 1),
)
def test_where_all_takes_what_was_expected_it_is_exact(
    costs: list[float], pace: float, begun: float, share: float
) -> None:
    forecast, now = Forecast(costs), begun
    done = max(2, int(share * len(costs)))
    for cost in costs[:done]:
        now += pace * cost
        forecast.done(cost, now)
    left = pace * sum(costs[done:])
    assert forecast.left() == pytest.approx(left, rel=1e-3, abs=1e-6)


def test_nothing_is_said_before_two_are_done_and_nothing_is_left_at_the_end() -> None:
    forecast = Forecast([1.0, 0.3])
    assert forecast.left() is None and forecast.pace is None
    forecast.done(0.3, 5.0)
    assert forecast.left() is None
    forecast.done(1.0, 6.0)
    assert (forecast.left(), forecast.pace) == (0.0, 1.0)
    assert Forecast([]).left() is None


def test_one_file_that_stalls_does_not_make_all_others_slow() -> None:
    forecast, now = Forecast([0.1] * 1000), 0.0
    for number in range(100):
        now += 60.0 if number == 50 else 0.1
        forecast.done(0.1, now)
    assert forecast.left() == pytest.approx(90, rel=0.4)  # not the 630 s of what has passed


def test_a_machine_that_has_become_slower_is_believed() -> None:
    forecast, now = Forecast([1.0] * 1000), 0.0
    for number in range(700):
        now += 1.0 if number < 300 else 3.0
        forecast.done(1.0, now)
    assert forecast.left() == pytest.approx(900, rel=0.12)  # 643 as if nothing had changed


def test_one_format_as_it_was_recorded() -> None:
    files = trace("one_format.json")
    assert len(files) == 400 and max(map(abs, errors(files))) < 0.1
    for seed in range(20):
        random.Random(seed).shuffle(files)
        assert max(map(abs, errors(files))) < 0.1


def test_a_folder_for_each_format_as_they_were_recorded() -> None:
    """In each order of folders. As if all files took the same time, the worst would be 91 %."""
    files = trace("six_formats.json")
    orders = itertools.permutations(sorted({suffix for suffix, _, _ in files}))
    found = np.abs([errors(sorted(files, key=lambda file: order.index(file[0]))) for order in orders])
    assert len(found) == 720
    assert (np.median(found, axis=0) < 0.05).all() and found.max() < 0.15
    assert np.quantile(found, 0.9, axis=0).max() < 0.1


def test_formats_one_after_another_are_told_within_a_tenth_in_a_larger_folder() -> None:
    files = [file for file in trace("six_formats.json") for _ in range(5)]
    assert max(map(abs, errors(files))) < 0.1
    random.Random(0).shuffle(files)
    assert max(map(abs, errors(files))) < 0.1
