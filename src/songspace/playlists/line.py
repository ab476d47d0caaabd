"""A line: the songs along a curve that somebody drew over a map, in its direction, with small steps between them.

A map shows the space as well as two dimensions can: what lies side by side on it does mostly, and not always, sound
alike. So a list is sought that stays near the line *and* flows in the space itself. It costs the sum of

* for each song the square of its distance on the map from where it is due, in widths of the line's brush;
* the steps between its songs, as a path's do (:mod:`songspace.playlists.beam`).

Where a list is due after each song is laid out evenly along the line, stepping over what is blank on the map: where no
song lies under the brush. The brush is as wide as half the way from song to song, or, where the map is sparse, so wide
that enough songs lie under it for the list to choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.beam import POWER, cheapest, spread_over_groups
from songspace.playlists.rules import Rules, sitting_out
from songspace.playlists.steps import TRANSITION, Steps
from songspace.space import Space

_NEARNESS = 2.0  # the weight of a song that is a brush away from where it is due: see bench/line.py
_CHOICE = 3  # songs under the brush for each of the list, if half of all are as many
_NEAR = 1024  # songs looked at for each place
_CANDIDATES = 128  # and considered
_MARKS = 16  # points of the line that are looked at for each song of the list


def line(
    space: Space,
    points: Any,
    drawn: Any,
    *,
    length: int,
    rules: Rules | None = None,
    variety: float = 0.0,
    seed: int = 0,
    transition: float = TRANSITION,
) -> list[int]:
    """Follow a line that was drawn over a map.

    Parameters
    ----------
    space : Space
    points : array of shape (n, 2)
        The map: where each song of the space lies on it.
    drawn : array of shape (m, 2)
        The corners of the line, at least one, in its direction.
    length : int
        Songs in the list.
    rules : Rules, optional
        What no list breaks.
    variety : float
        0 gives the best list that was found; up to 1, more and more songs sit out, chosen by ``seed``.
    seed : int
    transition : float
        How much ends and beginnings of songs weigh in a step, 0 to 1: see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Exactly ``length`` different rows; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If no such list exists, with the rule that is in the way and what would do.
    ValueError
        If the map or the line has another shape or a number that is not finite, or an argument is out of its range.

    Examples
    --------
    >>> clock = np.arange(12) / 12 * 2 * np.pi
    >>> circle = np.stack([np.sin(clock), np.cos(clock)], axis=1)
    >>> line(Space.from_vectors(circle), circle, [[0, 1], [0.7, 0.7], [1, 0]], length=4)
    [0, 1, 2, 3]
    """
    points, drawn = (np.asarray(some, dtype=np.float64) for some in (points, drawn))
    if points.shape != (len(space), 2):
        raise ValueError(f"Expected a point for each of {len(space)} songs, got an array of shape {points.shape}")
    if drawn.ndim != 2 or drawn.shape[1] != 2 or len(drawn) == 0:
        raise ValueError(f"Expected the corners of a line, got an array of shape {drawn.shape}")
    if not (np.isfinite(points).all() and np.isfinite(drawn).all()):
        raise ValueError("The map and the line must be finite")
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    if length > len(space):
        raise SongspaceError(f"A list of {length} songs was asked for, but there are only {len(space)} songs.")
    rules = rules or Rules.of(len(space), artist_gap=0)
    steps = Steps(space, transition)
    out = sitting_out(len(space), variety, seed)
    for barred in (rules.barred | out, rules.barred):
        if (found := _search(steps, points, drawn, length, rules.without(barred))) is not None:
            return found
    found = _thread(steps, points, drawn, length, rules)
    if found is None:

        def works(rules: Rules, length: int) -> bool:
            rows = np.flatnonzero(~rules.barred)
            return rules.fill([None] * length, rows, lambda _: np.zeros(len(rows))) is not None

        raise rules.unmet("A list along this line", length, works)
    return found


class _Strip:
    """The line among the songs that may be chosen: where each of the list is due, and what it costs to be elsewhere."""

    def __init__(self, points: np.ndarray, drawn: np.ndarray, length: int, rules: Rules) -> None:
        from scipy.spatial import cKDTree

        self.rows, self.length = np.flatnonzero(~rules.barred), length
        self.points = points[self.rows]
        marks, whole = _marks(drawn, max(2, _MARKS * length))
        off = cKDTree(marks).query(self.points)[0]
        enough = min(_CHOICE * length, max(length, len(self.rows) // 2))
        self.brush = max(whole / length / 2, float(np.partition(off, enough - 1)[enough - 1]), 1e-9)
        self._tree = cKDTree(self.points)
        covered = self._tree.query(marks)[0] <= self.brush
        marks = marks[covered] if covered.any() else marks
        self.due = marks[np.linspace(0, len(marks) - 1, length).round().astype(np.int64)]

    def cost(self, place: int, some: np.ndarray) -> np.ndarray:
        """Return what it costs some of the songs, by their numbers here, to stand in a place."""
        away = np.square(self.points[some] - self.due[place]).sum(axis=1)
        cost: np.ndarray = _NEARNESS * away / self.brush**2
        return cost

    def candidates(self, rules: Rules) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each place the songs that cost least there, and what they cost."""
        for place, due in enumerate(self.due):
            _, near = self._tree.query(due, k=np.arange(1, 1 + min(_NEAR, len(self.rows))))
            cost = self.cost(place, near)
            order = np.lexsort((near, cost))  # of songs at one point the first, whatever the tree says
            songs = spread_over_groups(self.rows[near[order]], rules, _CANDIDATES)
            yield songs, self.cost(place, np.searchsorted(self.rows, songs))


def _search(steps: Steps, points: np.ndarray, drawn: np.ndarray, length: int, rules: Rules) -> list[int] | None:
    """Return the best list that was found; None if every way led into a dead end."""
    if (~rules.barred).sum() < length:
        return None
    strip = _Strip(points, drawn, length, rules)
    return cheapest(steps, [*strip.candidates(rules)], rules)


def _thread(steps: Steps, points: np.ndarray, drawn: np.ndarray, length: int, rules: Rules) -> list[int] | None:
    """Return a list song by song, looking ahead at each so that the rest can keep the rules: where songs are scarce."""
    if (~rules.barred).sum() < length:
        return None
    strip = _Strip(points, drawn, length, rules)
    everyone = np.arange(len(strip.rows))

    def cost(chain: list[int]) -> np.ndarray:
        near = strip.cost(len(chain), everyone)
        return near + steps.between(chain[-1:], strip.rows)[0] ** POWER if chain else near

    return rules.fill([None] * length, strip.rows, cost)


def _marks(drawn: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Points that lie evenly along a line, and how long it is."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(drawn, axis=0).T))])
    at = np.linspace(0, way[-1], count)
    return np.stack([np.interp(at, way, axis) for axis in drawn.T], axis=1), float(way[-1])
