"""The time that a run will take: the stage at work by its pace so far, the later ones by their encoders' costs."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from songspace.encoders.base import encoder_class
from songspace.encoders.registry import BY_HAND
from songspace.reporter import Reporter

DESCRIBING = 0.004
"""Seconds that it takes to compute the hand-made descriptors of a song whose spectrograms are in the cache."""

_DECODING = 0.05
"""The same for a song that is decoded once more."""

_START = 3.0
"""Seconds until training begins: torch is loaded, and the first step takes longer."""

_BUILDING = 0.001
"""Seconds a song that it takes to build a space."""

_SOON = 2.0  # seconds of a stage after which it can be told how long it will take
_STALLED = 30.0  # times its expected seconds: what waits longer is an accident, and says nothing of the others
_SLOWEST = 8.0  # times two idle cores: what seems slower waits for a disk, which only decoding does
_FASTEST = 0.5  # what seems faster is trained on a GPU, where only training is done


class Forecast:
    """Predicts when things of known costs will be done: seconds per cost so far, times the cost that is left.

    A second counts in proportion to how late it passed, so that recent ones count for more.

    Parameters
    ----------
    costs : iterable of float
        Of each thing, in seconds or any other unit.

    Examples
    --------
    >>> forecast = Forecast([1.0, 1.0, 1.0, 3.0])
    >>> for now in (10.0, 12.0, 14.0):
    ...     forecast.done(1.0, now)
    >>> forecast.left()
    6.0
    """

    def __init__(self, costs: Iterable[float]) -> None:
        costs = list(costs)
        self._many, self._rest = len(costs), sum(costs)
        self._mean = self._rest / max(1, len(costs))
        self._last: float | None = None
        self._seconds = 0.0  # since the first thing was done, without accidents
        self._weighted_seconds = self._weighted_costs = 0.0

    def done(self, cost: float, now: float) -> None:
        """Take in that one of the things was done, at a time in seconds of any clock that never goes back."""
        self._many -= 1
        self._rest = max(0.0, self._rest - cost) if self._many > 0 else 0.0
        if self._last is not None:  # how long the first took is unknown: it was begun before the clock was looked at
            wait = now - self._last
            if pace := self.pace:
                wait = min(wait, _STALLED * max(cost, self._mean) * pace)
            self._seconds += wait
            self._weighted_seconds += self._seconds * wait
            self._weighted_costs += self._seconds * cost
        self._last = now

    @property
    def pace(self) -> float | None:
        """Seconds that pass for a unit of cost; None before two things are done."""
        return self._weighted_seconds / self._weighted_costs if self._weighted_costs > 0 else None

    def left(self) -> float | None:
        """Return seconds until all is done; None before two things are."""
        pace = self.pace
        return None if pace is None else pace * self._rest


class Course:
    """The stages of a run, and the time that is left.

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
        """Begin a stage."""
        self.ahead.pop(stage, None)
        self._reporter.begin(stage)

    def tell(self, stage: str, done: int, total: int, left: float | None, detail: str = "") -> None:
        """Report how far a stage is, and the seconds until it and the whole run are done."""
        whole = None if left is None else left + sum(map(self._to_come, self.ahead))
        self._reporter.remaining(left, whole)
        self._reporter.progress(stage, done, total, detail)

    def _to_come(self, stage: str) -> float:
        return min(self._slowness * self.ahead[stage], self.at_most.get(stage, math.inf))

    def decoded(self, pace: float) -> None:
        """Set how slow the machine is, by the seconds that passed for each second of decoding by one core."""
        self._slowness = min(pace * self._workers * 2 / self._cores, _SLOWEST)

    def learnt(self, seconds: float, expected: float) -> None:
        """Set how slow the machine is, by the seconds that training took and those expected on two cores."""
        self._slowness = max(seconds / expected, _FASTEST)


class Stage:
    """A stage that works on things of which each has a name and an expected cost.

    Parameters
    ----------
    course : Course
    stage : str
    costs : mapping of hashable to float
        In seconds of one core, by name.
    decodes : bool
        Whether the costs are those of decoding.
    """

    def __init__(self, course: Course, stage: str, costs: Mapping[Any, float], *, decodes: bool = False) -> None:
        self._course, self._stage, self._costs, self._decodes = course, stage, costs, decodes
        self._forecast = Forecast(costs.values())
        self._done = 0
        self._first: float | None = None

    def done(self, name: Hashable) -> None:
        """Count one of them as done, and report."""
        self._done += 1
        now = time.monotonic()
        if self._first is None:
            self._first = now
        if name in self._costs:  # what moves into the cache's sample meanwhile was not foreseen
            self._forecast.done(self._costs[name], now)
        left = None
        if now - self._first >= _SOON:
            left, pace = self._forecast.left(), self._forecast.pace
            if self._decodes and pace is not None:
                self._course.decoded(pace)
        self._course.tell(self._stage, self._done, max(self._done, len(self._costs)), left)


def ahead(
    name: str, songs: int, cached: int, *, steps: int | None = None, minutes: float | None = None
) -> dict[str, float]:
    """Return the seconds, on two idle cores, of what `learn` does after listening, by stage.

    Parameters
    ----------
    name : str
        Of the encoder.
    songs, cached : int
        In the library, and those of them that can be learnt from.
    steps, minutes : optional
        As `learn` was asked.
    """
    building = {"building the space": _BUILDING * songs}
    if name == BY_HAND:
        return building
    encoder = encoder_class(name)
    if plan := encoder.plan:
        steps, minutes = plan.limits(cached, steps, minutes)
        by_steps = 60 * plan.minutes(steps, cached) if steps is not None else math.inf
        learning = _START + min(by_steps, 60 * minutes if minutes is not None else math.inf)
    else:
        learning = encoder.seconds_to_fit * cached
    encoded = songs + min(cached, encoder.encoded_twice)
    hearing = {}
    if encoder.taught_by:
        each = encoder_class(encoder.taught_by).seconds_to_encode + _DECODING
        hearing["hearing"] = each * min(cached, encoder.taught_on)
    return hearing | {"learning": learning, "encoding": encoder.seconds_to_encode * encoded, **building}


def at_most(name: str, *, steps: int | None = None, minutes: float | None = None) -> dict[str, float]:
    """Return the seconds, by stage, that some stages of `learn` never exceed, however slow the machine is."""
    plan = encoder_class(name).plan
    minutes = plan.limits(0, steps, minutes)[1] if plan else None
    return {} if minutes is None else {"learning": _START + 60 * minutes}
