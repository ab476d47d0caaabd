"""How long what is left will take, judged by how long took what was done."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_BLOCK = 16
"""Things from which one measurement is made: they are done side by side, so that single ones say little."""

_NOISE, _DOUBT = 0.5, 0.4
"""What a thing's cost may differ from those of its kind, and a kind's from what was expected, as shares."""

_STALLED = 30.0
"""How many times as long as expected a thing may take before the rest of its time is held to be an accident."""


class Forecast:
    """Tells how long things of several kinds will take, while they are done one after another or side by side.

    What each was expected to cost is weighed against what its kind has been seen to cost (a ridge regression of the
    time that passed on the costs that were done). A kind that has not been seen yet is as much slower or faster than
    expected as the others. What was seen lately counts for more, in proportion to its time.

    Parameters
    ----------
    todo : iterable of (str, float)
        Kind and expected cost of each thing, in seconds or any other unit: only their ratios count.

    Examples
    --------
    >>> forecast = Forecast([("apple", 1.0)] * 4 + [("melon", 5.0)])
    >>> for now in (10.0, 12.0, 14.0):
    ...     forecast.done("apple", 1.0, now)
    >>> round(forecast.left(), 6)
    12.0
    """

    def __init__(self, todo: Iterable[tuple[str, float]]) -> None:
        todo = list(todo)
        self._places = {kind: place for place, kind in enumerate(sorted({kind for kind, _ in todo}))}
        kinds = len(self._places)
        self._rest = np.zeros(kinds)
        self._many = np.zeros(kinds, int)
        for kind, cost in todo:
            self._rest[self._places[kind]] += cost
            self._many[self._places[kind]] += 1
        self._mean = self._rest.sum() / max(1, len(todo))
        self._last: float | None = None
        self._seconds = 0.0  # since the first thing was done, without accidents
        self._block, self._block_began, self._block_many = np.zeros(kinds), 0.0, 0
        self._costs, self._times = np.zeros((kinds, kinds)), np.zeros(kinds)  # of the regression
        self._all_costs = self._all_seconds = 0.0

    def done(self, kind: str, cost: float, now: float) -> None:
        """Take in that one of the things was done, at a time in seconds of any clock that never goes back."""
        place = self._places[kind]
        self._many[place] -= 1
        self._rest[place] = max(0.0, self._rest[place] - cost) if self._many[place] > 0 else 0.0
        if self._last is None:  # how long the first has taken cannot be told from how long the beginning has
            self._last = now
            return
        pace = self.pace
        wait = now - self._last
        self._seconds += wait if pace is None else min(wait, _STALLED * max(cost, self._mean) * pace)
        self._last = now
        self._block[place] += cost
        self._block_many += 1
        if self._block_many >= _BLOCK:
            self._close_block()

    def _close_block(self) -> None:
        cost, seconds = self._block.sum(), self._seconds - self._block_began
        if cost > 0:
            weight = self._seconds
            share = weight / (_NOISE**2 * self._mean * cost)
            self._costs += share * np.outer(self._block, self._block)
            self._times += share * seconds * self._block
            self._all_costs += weight * cost
            self._all_seconds += weight * seconds
        self._block, self._block_began, self._block_many = np.zeros(len(self._block)), self._seconds, 0

    @property
    def pace(self) -> float | None:
        """Seconds that pass for a unit of what things were expected to cost; None before two are done."""
        cost, seconds = self._block.sum(), self._seconds - self._block_began
        costs = self._all_costs + self._seconds * cost
        return float((self._all_seconds + self._seconds * seconds) / costs) if costs > 0 else None

    def left(self) -> float | None:
        """Seconds until all is done; None before two things are."""
        pace = self.pace
        if pace is None:
            return None
        if pace == 0 or not self._all_costs:
            return pace * float(self._rest.sum())
        doubt = np.eye(len(self._rest)) / _DOUBT**2
        ratios = np.linalg.solve(
            self._costs / self._seconds + doubt, self._times / self._seconds / pace + doubt.sum(axis=0)
        )
        return pace * float(np.maximum(ratios, 0.0) @ self._rest)
