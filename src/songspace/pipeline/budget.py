"""How long to train, if nobody says: by the size of the library, at most about half an hour on two cores."""

from __future__ import annotations

from dataclasses import dataclass

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

    def minutes(self, steps: int, songs: int) -> float:
        """About how long so many steps take on two cores."""
        return steps * self.views * min(self.batch, songs) / self.speed / 60


PLANS = {
    "contrastive": Plan(per_song=10, least=1500, most=5600, batch=128, views=2, speed=800),
    "ali": Plan(per_song=20, least=3000, most=6000, batch=64, views=1, speed=200),
}
"""For the encoders that are trained step by step."""
