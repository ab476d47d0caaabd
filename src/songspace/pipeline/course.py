"""How long a run will take: the stage at work, and those that are still to come."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Hashable, Mapping
from typing import Any

from songspace.forecast import Forecast
from songspace.reporter import Reporter

_SOON = 2.0  # seconds of a stage after which it can be told how long it will take
_SLOWEST = 8.0  # times two idle cores: what seems slower waits for a disk, which only decoding does
_FASTEST = 0.5  # what seems faster is trained on a GPU, where only training is done


class Course:
    """What a run tells of its stages, with the time that is left.

    Parameters
    ----------
    reporter : Reporter
    workers : int, optional
        Processes that decode.

    Attributes
    ----------
    ahead : dict of str to float
        Stages that are still to come, and the seconds that they take on two cores that have nothing else to do.
    at_most : dict of str to float
        Of some of them, the seconds that they take at most, however slow the machine is.
    """

    def __init__(self, reporter: Reporter, workers: int | None = None) -> None:
        self._reporter = reporter
        cores = os.cpu_count() or 1
        self._workers, self._cores = min(workers or cores, cores), cores
        self._slowness = 1.0
        self.ahead: dict[str, float] = {}
        self.at_most: dict[str, float] = {}

    def begin(self, stage: str) -> None:
        """A stage begins."""
        self.ahead.pop(stage, None)
        self._reporter.begin(stage)

    def tell(self, stage: str, done: int, total: int, left: float | None, detail: str = "") -> None:
        """How far a stage is, and the seconds until it is done."""
        whole = None if left is None else left + sum(map(self._to_come, self.ahead))
        self._reporter.remaining(left, whole)
        self._reporter.progress(stage, done, total, detail)

    def _to_come(self, stage: str) -> float:
        return min(self._slowness * self.ahead[stage], self.at_most.get(stage, math.inf))

    def decoded(self, pace: float) -> None:
        """Learn how slow the machine is from the seconds that passed for each second of decoding by one core."""
        self._slowness = min(pace * self._workers * 2 / self._cores, _SLOWEST)

    def learnt(self, seconds: float, expected: float) -> None:
        """Learn how slow the machine is from how long training has taken, and was expected to take on two cores."""
        self._slowness = max(seconds / expected, _FASTEST)


class Steps:
    """A stage that works on things of which each has a name, a kind and an expected cost.

    Parameters
    ----------
    course : Course
    stage : str
    todo : mapping of hashable to (str, float)
        Kinds and costs, in seconds of one core, by name.
    decodes : bool
        Whether the costs are those of decoding.
    """

    def __init__(
        self, course: Course, stage: str, todo: Mapping[Any, tuple[str, float]], *, decodes: bool = False
    ) -> None:
        self._course, self._stage, self._todo, self._decodes = course, stage, todo, decodes
        self._forecast = Forecast(todo.values())
        self._done = 0
        self._first: float | None = None

    def done(self, name: Hashable) -> None:
        """One of them is done."""
        self._done += 1
        now = time.monotonic()
        if self._first is None:
            self._first = now
        if name in self._todo:  # what moves into the cache's sample meanwhile was not foreseen
            self._forecast.done(*self._todo[name], now)
        left = None
        if now - self._first >= _SOON:
            left, pace = self._forecast.left(), self._forecast.pace
            if self._decodes and pace is not None:
                self._course.decoded(pace)
        self._course.tell(self._stage, self._done, max(self._done, len(self._todo)), left)
