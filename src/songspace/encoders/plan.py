"""How long an encoder is trained if nobody says: by the size of the library, at most about half an hour anywhere."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 33.0
"""Minutes after which training ends if nobody says how long it may take: on two idle cores, its steps end it before."""


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
