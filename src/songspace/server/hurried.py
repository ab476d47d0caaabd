"""A limit to how long a question may work, though nobody can stop a thread from outside.

Paths, radios and mixes ask the space for distances again and again: they are told there that it has become too much.
The time that counts is the processor's for this thread, so that nobody is turned away because others are busy.
"""

from __future__ import annotations

from time import thread_time as _now
from typing import Any

import numpy as np

from songspace.server.problems import BusyError
from songspace.space import Space

MOST_WORK = 30.0
"""Seconds. Longer than a person waits; a path of 100 songs by way of 20 takes 8 in a library of 100,000."""


class Hurried(Space):
    """A space that answers for so many seconds; for one question in one thread, and not to be kept.

    Raises
    ------
    BusyError
        By every method that measures songs, when the time is over.
    """

    def __init__(self, space: Space, seconds: float) -> None:
        self.__dict__.update(space.__dict__)  # nothing is copied: a space never changes
        self._seconds, self._until = seconds, _now() + seconds

    def _hurry(self) -> None:
        if _now() > self._until:
            raise BusyError(
                f"This takes more than {self._seconds:g} seconds of work, and was given up: ask for a shorter list, "
                "fewer of them, or fewer songs on the way."
            )

    def neighbors(self, *given: Any, **more: Any) -> tuple[np.ndarray, np.ndarray]:
        self._hurry()
        return super().neighbors(*given, **more)

    def distances(self, *given: Any, **more: Any) -> np.ndarray:
        self._hurry()
        return super().distances(*given, **more)

    def pairwise(self, *given: Any, **more: Any) -> np.ndarray:
        self._hurry()
        return super().pairwise(*given, **more)

    def transitions(self, *given: Any, **more: Any) -> np.ndarray:
        self._hurry()
        return super().transitions(*given, **more)

    def remoteness(self, *given: Any, **more: Any) -> np.ndarray:
        self._hurry()
        return super().remoteness(*given, **more)
