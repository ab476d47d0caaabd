"""Which seconds of one song resemble which seconds of another, and how much that says.

Two songs always have a closest pair of segments, however different they are. So a closest pair is judged by the
closest pairs of random songs of the same library: similarities are counted in deviations from what either segment has
with the segments of some random songs (symmetric score normalisation, as in speaker verification: Kenny 2010), so that
a segment that resembles everything says little, and then ranked among the closest pairs of those songs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np

from songspace.library.learnt import Segments, at_either_end
from songspace.space import Space

Kind = Literal["parts", "whole", "little", "unknown"]
Seconds = tuple[float, float]

_COHORT = 32  # random songs to judge by: 496 pairs
_LEAST_COHORT = 8  # fewer songs say nothing about what is usual
_LITTLE = 0.9  # a match that more than one in ten random pairs of songs exceeds is nothing particular
_STANDS_OUT = 0.5  # above its song's other pairs of segments by more than in every second random pair of songs
_MOST = 3  # matches of two songs


@dataclass(frozen=True)
class Match:
    """Seconds of one song that resemble seconds of another.

    Attributes
    ----------
    here, there : (float, float)
        From and to, in seconds: of the song asked about, and of the other.
    similarity : float
        The cosine of the two segments (of the closest two, if several in a row make a stretch).
    """

    here: Seconds
    there: Seconds
    similarity: float


@dataclass(frozen=True)
class Resemblance:
    """How the parts of two songs resemble each other.

    Attributes
    ----------
    matches : tuple of Match
        The closest first, at least one; none shares seconds with another.
    kind : {"parts", "whole", "little", "unknown"}
        Whether the closest match stands out from the rest of both songs, all parts are about equally alike, even the
        closest match is nothing particular, or the library is too small to tell.
    stronger_than : float or None
        The share of random pairs of songs whose closest match is weaker.
    """

    matches: tuple[Match, ...]
    kind: Kind
    stronger_than: float | None


@dataclass(frozen=True)
class Transition:
    """How one song ends and the next begins.

    Attributes
    ----------
    ending, beginning : (float, float)
        Seconds of the last fifth of the first song's segments, and of the first fifth of the second one's.
    similarity : float
        The cosine of what the space holds of them (``endings`` and ``openings``).
    stronger_than : float or None
        The share of random pairs of songs with a weaker one; None if the library is too small to tell.
    """

    ending: Seconds
    beginning: Seconds
    similarity: float
    stronger_than: float | None


class Matcher:
    """Compares the segments of some songs of a space.

    Parameters
    ----------
    space : Space
    segments_of : callable
        Gives the segments of the songs of some ids, as :meth:`songspace.library.Library.segments_of` does. It is
        called once, for the songs and for the random ones to judge by, which are the same ones each time.
    rows : iterable of int
        The songs that will be asked about.

    Examples
    --------
    >>> def song(*angles):
    ...     starts = 5.0 * np.arange(len(angles))
    ...     return Segments(np.stack([np.cos(angles), np.sin(angles)], axis=1), starts, starts + 5)
    >>> songs = {7: song(0.1, 1.3, 2.9), 8: song(2.0, 1.3, 4.0)}
    >>> space = Space.from_vectors([[1, 0], [0, 1]], ids=[7, 8])
    >>> Matcher(space, lambda ids: songs, [0, 1]).match(0, 1).matches[0]
    Match(here=(5.0, 10.0), there=(5.0, 10.0), similarity=1.0)
    """

    def __init__(
        self, space: Space, segments_of: Callable[[list[int]], Mapping[int, Segments]], rows: Iterable[int]
    ) -> None:
        self._space = space
        own = np.flatnonzero(space.ids >= 0)  # songs from outside the library have negative ids
        drawn = np.random.default_rng(0).choice(own, min(_COHORT, len(own)), replace=False).tolist()
        ids = {row: int(space.ids[row]) for row in [*map(space.checked, rows), *drawn]}
        found = segments_of(list(dict.fromkeys(ids.values())))
        self._songs = {row: found[id] for row, id in ids.items() if id in found and len(found[id].starts)}
        self._placed = {row: space.place(song.vectors) for row, song in self._songs.items()}
        self._cohort = [row for row in drawn if row in self._songs]
        self._sums: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def match(self, row: int, other: int) -> Resemblance | None:
        """Return how the parts of two songs resemble each other; None if the segments of one are not known."""
        if row not in self._songs or other not in self._songs:
            return None
        here, there = self._songs[row], self._songs[other]
        cosines = self._cosines(row, other)
        i, j = _closest(cosines)
        first = _match(here, there, cosines, i, i, j, j)
        if len(self._cohort) < _LEAST_COHORT:
            return Resemblance((first,), "unknown", None)
        strengths = self._strengths(row, other, cosines)
        middle = float(strengths.mean())
        best, above = self._usual
        strength = _share(best, float(strengths[i, j]))
        if strength < _LITTLE:
            return Resemblance((first,), "little", strength)
        if _share(above, float(strengths[i, j]) - middle) < _STANDS_OUT:
            return Resemblance((first,), "whole", strength)
        # What else is no little match either, and at least half as far above the pair's mean as the closest.
        good = (_shares(best, strengths) >= _LITTLE) & (strengths >= (strengths[i, j] + middle) / 2)
        return Resemblance(_all_matches(here, there, cosines, good), "parts", strength)

    def transition(self, row: int, following: int) -> Transition | None:
        """Return how the end of a song and the beginning of the next go together; None if one is not known."""
        if row not in self._songs or following not in self._songs:
            return None
        before, after = self._songs[row], self._songs[following]
        last, first = (at_either_end(len(song.starts)) for song in (before, after))
        similarity = float(self._over([row], [following])[0, 0])
        return Transition(
            (float(before.starts[-last]), float(before.ends[-1])),
            (float(after.starts[0]), float(after.ends[first - 1])),
            _rounded(similarity),
            _share(self._usual_transitions, similarity) if len(self._cohort) >= _LEAST_COHORT else None,
        )

    def _over(self, rows: list[int], others: list[int]) -> np.ndarray:
        """Return how similar the beginnings of some songs (``others``) are to the endings of some others (``rows``)."""
        cosines: np.ndarray = self._space.endings(rows).astype(np.float64) @ self._space.openings(others).T
        return cosines

    def _cosines(self, row: int, other: int) -> np.ndarray:
        cosines: np.ndarray = self._placed[row].astype(np.float64) @ self._placed[other].T
        return cosines

    def _strengths(self, row: int, other: int, cosines: np.ndarray) -> np.ndarray:
        """Similarities in deviations from what is usual for either segment: the sum of both views."""
        # Neither song counts among the random ones, or a match would make itself usual.
        counted = np.array([random not in (row, other) for random in self._cohort], dtype=float)
        count = self._lengths @ counted
        seen = []
        for song, similarities in (row, cosines), (other, cosines.T):
            sums, squares = self._summed(song)
            mean = sums @ counted / count
            deviation = np.sqrt(np.maximum(squares @ counted / count - mean**2, 0))
            deviation[deviation < 1e-6] = 1
            seen.append((similarities - mean[:, None]) / deviation[:, None])
        strengths: np.ndarray = seen[0] + seen[1].T
        return strengths

    def _summed(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """For each segment of a song: the sums of its similarities, and of their squares, to each random song's."""
        if row not in self._sums:
            begins = np.cumsum(self._lengths) - self._lengths
            products = self._placed[row] @ self._random.T
            self._sums[row] = np.add.reduceat(products, begins, axis=1), np.add.reduceat(products**2, begins, axis=1)
        return self._sums[row]

    @cached_property
    def _random(self) -> np.ndarray:
        """The segments of the random songs."""
        return np.concatenate([self._placed[row] for row in self._cohort]).astype(np.float64)

    @cached_property
    def _lengths(self) -> np.ndarray:
        return np.array([len(self._placed[row]) for row in self._cohort])

    @cached_property
    def _usual(self) -> tuple[np.ndarray, np.ndarray]:
        """Of all pairs of random songs, sorted: how strong the closest match is, and how far above the pair's mean."""
        best, above = [], []
        for row, other in combinations(self._cohort, 2):
            cosines = self._cosines(row, other)
            strengths = self._strengths(row, other, cosines)
            best.append(strengths[_closest(cosines)])
            above.append(best[-1] - strengths.mean())
        return np.sort(best), np.sort(above)

    @cached_property
    def _usual_transitions(self) -> np.ndarray:
        cosines = self._over(self._cohort, self._cohort)
        return np.sort(cosines[~np.eye(len(cosines), dtype=bool)])


def clock(seconds: Seconds) -> str:
    """Return a part of a song as a listener reads it.

    Examples
    --------
    >>> clock((39.6, 65.2))
    '0:40–1:05'
    """
    return "–".join(f"{round(second) // 60}:{round(second) % 60:02d}" for second in seconds)


def _all_matches(here: Segments, there: Segments, cosines: np.ndarray, good: np.ndarray) -> tuple[Match, ...]:
    """Return the closest matches, each as long as the segments before and after it match as well."""
    found: list[Match] = []
    left = np.where(good, cosines, -np.inf)
    while len(found) < _MOST and np.isfinite(left).any():
        i, j = _closest(left)
        first = last = 0
        while _goes_on(here, there, left, i + first, j + first, -1):
            first -= 1
        while _goes_on(here, there, left, i + last, j + last, 1):
            last += 1
        match = _match(here, there, cosines, i + first, i + last, j + first, j + last)
        found.append(match)
        left[_overlap(here, match.here), :] = -np.inf
        left[:, _overlap(there, match.there)] = -np.inf
    return tuple(found)


def _goes_on(here: Segments, there: Segments, left: np.ndarray, i: int, j: int, step: int) -> bool:
    """Return whether the next segments of both songs match, too, and no more than one segment's time lies between."""
    k, m = i + step, j + step
    if not (0 <= k < len(here.starts) and 0 <= m < len(there.starts) and np.isfinite(left[k, m])):
        return False
    pairs = ((here, min(i, k), max(i, k)), (there, min(j, m), max(j, m)))
    return all(song.starts[b] - song.ends[a] <= song.ends[a] - song.starts[a] for song, a, b in pairs)


def _match(here: Segments, there: Segments, cosines: np.ndarray, i: int, k: int, j: int, m: int) -> Match:
    """Return the segments i to k of one song and j to m of the other."""
    similarity = float(np.diagonal(cosines[i : k + 1, j : m + 1]).max())
    return Match(
        (float(here.starts[i]), float(here.ends[k])),
        (float(there.starts[j]), float(there.ends[m])),
        _rounded(similarity),
    )


def _overlap(song: Segments, part: Seconds) -> np.ndarray:
    inside: np.ndarray = (song.starts < part[1]) & (song.ends > part[0])
    return inside


def _closest(cosines: np.ndarray) -> tuple[int, int]:
    i, j = np.unravel_index(int(cosines.argmax()), cosines.shape)
    return int(i), int(j)


def _shares(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each value, the share of some sorted numbers that are less."""
    return np.searchsorted(ascending, values) / len(ascending)


def _share(ascending: np.ndarray, value: float) -> float:
    return float(_shares(ascending, np.array(value)))


def _rounded(similarity: float) -> float:
    return round(min(1.0, max(-1.0, similarity)), 6)
