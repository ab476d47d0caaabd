"""A line: the songs along a curve that a person drew on a map, in its direction, with small steps between them.

A map shows a space in only two dimensions: songs that are side by side on it mostly sound alike, but not always. So the
list stays near the line *and* has small steps in the space itself. Its cost is the sum of

* for each song, the squared distance on the map from its due point, in widths of the brush;
* the steps between the songs, as for a path (:mod:`songspace.playlists.beam`).

The due points are spread evenly along the line, without its blank parts, where no song lies under the brush. The brush
is half as wide as the distance between due points or, where the map is sparse, wide enough to cover enough songs.
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

_NEARNESS = 2.0  # cost of a song one brush width away from its due point; see bench/line.py
_CHOICE = 3  # songs under the brush for each place, but at most half of all songs
_NEAR = 1024  # nearest songs for each place ...
_CANDIDATES = 128  # ... and candidates among them
_MARKS = 16  # sample points of the line for each place


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
    """Make a list along a line on a map.

    Parameters
    ----------
    space : Space
    points : array of shape (n, 2)
        The map: coordinates of each song of the space.
    drawn : array of shape (m, 2)
        Corners of the line, at least one, in its direction.
    length : int
        Number of songs.
    rules : Rules, optional
        Rules of the list.
    variety : float
        0 gives the best list; towards 1, more and more songs, drawn by ``seed``, are left out.
    seed : int
    transition : float
        Weight of ends and beginnings in a step, 0 to 1; see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Exactly ``length`` different rows; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If there is no such list; the message names the rule that prevents it, and a looser one.
    ValueError
        If the map or the line has another shape or is not finite, or an argument is out of its range.

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
        if (rows := _search(steps, points, drawn, length, rules.without(barred))) is not None:
            return rows
    rows = _song_by_song(steps, points, drawn, length, rules)
    if rows is None:

        def works(rules: Rules, length: int) -> bool:
            rows = np.flatnonzero(~rules.barred)
            return rules.fill([None] * length, rows, lambda _: np.zeros(len(rows))) is not None

        raise rules.unmet("A list along this line", length, works)
    return rows


class _Strip:
    """A line among the songs that may be chosen: its due points, and the costs of songs away from them."""

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
        """Return the cost of some songs, by their index in ``rows``, in a place of the list."""
        away = np.square(self.points[some] - self.due[place]).sum(axis=1)
        cost: np.ndarray = _NEARNESS * away / self.brush**2
        return cost

    def candidates(self, rules: Rules) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (rows, costs) of the cheapest songs for each place."""
        for place, due in enumerate(self.due):
            _, near = self._tree.query(due, k=np.arange(1, 1 + min(_NEAR, len(self.rows))))
            cost = self.cost(place, near)
            order = np.lexsort((near, cost))  # songs at the same point in the order of their rows
            songs = spread_over_groups(self.rows[near[order]], rules, _CANDIDATES)
            yield songs, self.cost(place, np.searchsorted(self.rows, songs))


def _search(steps: Steps, points: np.ndarray, drawn: np.ndarray, length: int, rules: Rules) -> list[int] | None:
    """Search the cheapest list; return None if none keeps the rules."""
    if (~rules.barred).sum() < length:
        return None
    strip = _Strip(points, drawn, length, rules)
    return cheapest(steps, [*strip.candidates(rules)], rules)


def _song_by_song(steps: Steps, points: np.ndarray, drawn: np.ndarray, length: int, rules: Rules) -> list[int] | None:
    """Build a list song by song, with a look ahead so that the rest can keep the rules, for when songs are scarce."""
    if (~rules.barred).sum() < length:
        return None
    strip = _Strip(points, drawn, length, rules)
    all_songs = np.arange(len(strip.rows))

    def cost(chain: list[int]) -> np.ndarray:
        near = strip.cost(len(chain), all_songs)
        return near + steps.between(chain[-1:], strip.rows)[0] ** POWER if chain else near

    return rules.fill([None] * length, strip.rows, cost)


def _marks(drawn: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Return ``count`` points evenly along a line, and its length."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(drawn, axis=0).T))])
    at = np.linspace(0, way[-1], count)
    return np.stack([np.interp(at, way, axis) for axis in drawn.T], axis=1), float(way[-1])
