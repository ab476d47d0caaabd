"""How long to train, if nobody says: by the size of the library, at most about half an hour on any machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST = 33.0
"""Minutes after which training ends if nobody says how long it may take: on two idle cores, its steps end it before."""

FEW = 100
"""Songs below which a library is little to learn from."""


@dataclass(frozen=True)
class Plan:
    """Steps of training by the number of songs: so many for each song, within bounds."""

    per_song: float
    least: int
    most: int
    batch: int
    """Songs, or segments, in a step."""
    views: int
    """Spectrograms that a step takes of each."""
    speed: float
    """Spectrograms a second on two cores (``bench/training.py``, ``bench/ali.py``)."""

    def steps(self, songs: int) -> int:
        """Steps for a library."""
        return round(min(max(self.least, self.per_song * songs), self.most))

    def limits(self, songs: int, steps: int | None, minutes: float | None) -> tuple[int | None, float | None]:
        """Steps and minutes after which training ends: those that were asked for, or the plan's if nobody asked."""
        return (self.steps(songs), MOST) if steps is None and minutes is None else (steps, minutes)

    def minutes(self, steps: int, songs: int) -> float:
        """About how long so many steps take on two cores."""
        return steps * self.views * min(self.batch, songs) / self.speed / 60


PLANS = {
    "contrastive": Plan(per_song=10, least=1500, most=5600, batch=128, views=2, speed=800),
    "ali": Plan(per_song=20, least=3000, most=6000, batch=64, views=1, speed=200),
}
"""For the encoders that are trained step by step."""

DESCRIBING = 0.004
"""Seconds that it takes to work out the hand-made descriptors of a song whose spectrograms are there."""

_ENCODING = {"contrastive": 0.013, "ali": 0.0075}
_ENCODED_TWICE = {"contrastive": 1000}
"""Songs, at most, that an encoder encodes while it is learnt, after its last step."""

_FITTING = {"pca": 0.01}
"""Seconds a song, of encoders without steps."""

_START = 3.0
"""Seconds until training begins: torch is loaded, and the first step takes longer."""

_BUILDING = 0.001
"""Seconds a song that it takes to build a space."""


def encoding(name: str) -> float:
    """Seconds that it takes to encode a song whose spectrograms are there."""
    return _ENCODING.get(name, 0.005)


def ahead(
    name: str, songs: int, cached: int, *, steps: int | None = None, minutes: float | None = None
) -> dict[str, float]:
    """Seconds on two idle cores of what `learn` does after listening, by stage.

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
    if name == "timbre":
        return building
    if plan := PLANS.get(name):
        steps, minutes = plan.limits(cached, steps, minutes)
        by_steps = 60 * plan.minutes(steps, cached) if steps is not None else math.inf
        learning = _START + min(by_steps, 60 * minutes if minutes is not None else math.inf)
    else:
        learning = _FITTING.get(name, 0.0) * cached
    encoded = songs + min(cached, _ENCODED_TWICE.get(name, 0))
    return {"learning": learning, "encoding": encoding(name) * encoded, **building}


def at_most(name: str, *, steps: int | None = None, minutes: float | None = None) -> dict[str, float]:
    """Seconds, by stage, that some stages of `learn` do not exceed on any machine, however slow; as :func:`ahead`."""
    plan = PLANS.get(name)
    minutes = plan.limits(0, steps, minutes)[1] if plan else None
    return {} if minutes is None else {"learning": _START + 60 * minutes}
