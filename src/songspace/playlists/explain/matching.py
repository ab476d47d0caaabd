"""Similar seconds of two songs, compared with those of random pairs of songs.

Any two songs have a closest pair of segments, even if they sound different. So a closest pair is compared with the
closest pairs of random songs of the library. Similarities are normalized by mean and deviation of each segment's
similarities to the segments of random songs (symmetric score normalization, as in speaker verification: Kenny 2010), so
that a segment that is similar to all others counts little; then they are ranked among the closest pairs of these songs.
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

_COHORT = 32  # random songs for comparison: 496 pairs
_LEAST_COHORT = 8  # with fewer random songs, there is no comparison
_LITTLE = 0.9  # a match must be closer than in this share of random pairs of songs
_STANDS_OUT = 0.5  # and exceed the mean of its songs' segments by more than in this share of them
_MOST = 3  # matches of two songs


@dataclass(frozen=True)
class Match:
    """Seconds of one song that are similar to seconds of another.

    Attributes
    ----------
    here, there : (float, float)
        Start and end in the first and in the second song, in seconds.
    similarity : float
        Cosine of the two segments (of the closest two, if the match covers several).
    """

    here: Seconds
    there: Seconds
    similarity: float


@dataclass(frozen=True)
class Resemblance:
    """The similar parts of two songs.

    Attributes
    ----------
    matches : tuple of Match
        At least one, the closest first, without common seconds.
    kind : {"parts", "whole", "little", "unknown"}
        "parts" if the closest match stands out from the rest of both songs, "whole" if all parts are about equally
        similar, "little" if even the closest match is usual, "unknown" if the library is too small.
    stronger_than : float or None
        Share of random pairs of songs with a weaker closest match.
    """

    matches: tuple[Match, ...]
    kind: Kind
    stronger_than: float | None


@dataclass(frozen=True)
class Transition:
    """The end of one song and the beginning of the next.

    Attributes
    ----------
    ending, beginning : (float, float)
        Seconds of the last fifth of the first song's segments, and of the first fifth of the second song's.
    similarity : float
        Cosine of their vectors in the space (``endings`` and ``openings``).
    stronger_than : float or None
        Share of random pairs of songs with a smaller similarity; None if the library is too small.
    """

    ending: Seconds
    beginning: Seconds
    similarity: float
    stronger_than: float | None


class SegmentMatcher:
    """Compares the segments of some songs of a space.

    Parameters
    ----------
    space : Space
    segments_of : callable
        Returns the segments of songs by id, as :meth:`songspace.library.Library.segments_of`. It is called once, for
        these songs and for the random ones, which are always the same.
    rows : iterable of int
        The songs to compare.

    Examples
    --------
    >>> def song(*angles):
    ...     starts = 5.0 * np.arange(len(angles))
    ...     return Segments(np.stack([np.cos(angles), np.sin(angles)], axis=1), starts, starts + 5)
    >>> songs = {7: song(0.1, 1.3, 2.9), 8: song(2.0, 1.3, 4.0)}
    >>> space = Space.from_vectors([[1, 0], [0, 1]], ids=[7, 8])
    >>> SegmentMatcher(space, lambda ids: songs, [0, 1]).match(0, 1).matches[0]
    Match(here=(5.0, 10.0), there=(5.0, 10.0), similarity=1.0)
    """

    def __init__(
        self, space: Space, segments_of: Callable[[list[int]], Mapping[int, Segments]], rows: Iterable[int]
    ) -> None:
        self._space = space
        own = np.flatnonzero(space.ids >= 0)  # songs from outside the library have negative ids
        drawn = np.random.default_rng(0).choice(own, min(_COHORT, len(own)), replace=False).tolist()
        ids = {row: int(space.ids[row]) for row in [*map(space.checked, rows), *drawn]}
        by_id = segments_of(list(dict.fromkeys(ids.values())))
        self._songs = {row: by_id[id] for row, id in ids.items() if id in by_id and len(by_id[id].starts)}
        self._placed = {row: space.place(song.vectors) for row, song in self._songs.items()}
        self._cohort = [row for row in drawn if row in self._songs]
        self._sums: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def match(self, row: int, other: int) -> Resemblance | None:
        """Return the similar parts of two songs; None if the segments of one are unknown."""
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
        # Other matches count if they are unusual, too, and at least half as far above the mean as the closest one.
        good = (_shares(best, strengths) >= _LITTLE) & (strengths >= (strengths[i, j] + middle) / 2)
        return Resemblance(_all_matches(here, there, cosines, good), "parts", strength)

    def transition(self, row: int, following: int) -> Transition | None:
        """Compare the end of a song with the beginning of the next; return None if the segments of one are unknown."""
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
        """Return the cosines of the endings of ``rows`` and the beginnings of ``others``."""
        cosines: np.ndarray = self._space.endings(rows).astype(np.float64) @ self._space.openings(others).T
        return cosines

    def _cosines(self, row: int, other: int) -> np.ndarray:
        cosines: np.ndarray = self._placed[row].astype(np.float64) @ self._placed[other].T
        return cosines

    def _strengths(self, row: int, other: int, cosines: np.ndarray) -> np.ndarray:
        """Return similarities normalized by the mean and deviation of either segment, as the sum of both."""
        # Both songs are left out of the random ones, so that a match does not count as usual itself.
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
        """Return the sums of each segment's similarities to the segments of each random song, and of their squares."""
        if row not in self._sums:
            begins = np.cumsum(self._lengths) - self._lengths
            products = self._placed[row] @ self._random.T
            self._sums[row] = np.add.reduceat(products, begins, axis=1), np.add.reduceat(products**2, begins, axis=1)
        return self._sums[row]

    @cached_property
    def _random(self) -> np.ndarray:
        """Segments of the random songs."""
        return np.concatenate([self._placed[row] for row in self._cohort]).astype(np.float64)

    @cached_property
    def _lengths(self) -> np.ndarray:
        return np.array([len(self._placed[row]) for row in self._cohort])

    @cached_property
    def _usual(self) -> tuple[np.ndarray, np.ndarray]:
        """Strength of the closest match of all pairs of random songs, and its height above their mean, both sorted."""
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
    """Format a part of a song as minutes and seconds.

    Examples
    --------
    >>> clock((39.6, 65.2))
    '0:40–1:05'
    """
    return "–".join(f"{round(second) // 60}:{round(second) % 60:02d}" for second in seconds)


def _all_matches(here: Segments, there: Segments, cosines: np.ndarray, good: np.ndarray) -> tuple[Match, ...]:
    """Return the closest matches, each extended while the segments before and after it match, too."""
    matches: list[Match] = []
    left = np.where(good, cosines, -np.inf)
    while len(matches) < _MOST and np.isfinite(left).any():
        i, j = _closest(left)
        first = last = 0
        while _continues(here, there, left, i + first, j + first, -1):
            first -= 1
        while _continues(here, there, left, i + last, j + last, 1):
            last += 1
        match = _match(here, there, cosines, i + first, i + last, j + first, j + last)
        matches.append(match)
        left[_overlap(here, match.here), :] = -np.inf
        left[:, _overlap(there, match.there)] = -np.inf
    return tuple(matches)


def _continues(here: Segments, there: Segments, left: np.ndarray, i: int, j: int, step: int) -> bool:
    """Return True if the next segments of both songs match, too, with a pause of at most the length of a segment."""
    k, m = i + step, j + step
    if not (0 <= k < len(here.starts) and 0 <= m < len(there.starts) and np.isfinite(left[k, m])):
        return False
    pairs = ((here, min(i, k), max(i, k)), (there, min(j, m), max(j, m)))
    return all(song.starts[b] - song.ends[a] <= song.ends[a] - song.starts[a] for song, a, b in pairs)


def _match(here: Segments, there: Segments, cosines: np.ndarray, i: int, k: int, j: int, m: int) -> Match:
    """Return the match of the segments i to k of one song and j to m of the other."""
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
    """Return the share of some sorted numbers that are less than each value."""
    return np.searchsorted(ascending, values) / len(ascending)


def _share(ascending: np.ndarray, value: float) -> float:
    return float(_shares(ascending, np.array(value)))


def _rounded(similarity: float) -> float:
    return round(min(1.0, max(-1.0, similarity)), 6)
