"""A path: a list of given length from one song to another, with small and even steps.

It is like an elastic band between the two songs. The cost of a path is the sum of

* the fourth powers of its steps (with squares, one large jump could hide behind many small steps; with the maximum,
  only the largest would count), multiplied by four if two songs are no neighbours in a graph of mutual proximity, so
  that the path does not lead through hubs;
* for each song, the square of its lead or lag: after a third of the songs, a third of the way is due;
* for each song, its improbability in a random walk from the first song to the last (a Brownian bridge): near the ends
  songs must be close to them, in the middle they may deviate. Here and for the progress, distances are normalized by
  what is usual for a song; otherwise hubs would seem to be near both ends.

The cheapest path is searched place by place (:mod:`songspace.playlists.beam`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.beam import POWER, cheapest, spread_over_groups
from songspace.playlists.order import smooth
from songspace.playlists.rules import Rules, sitting_out
from songspace.playlists.steps import TRANSITION, Steps
from songspace.space import Space

_PROGRESS = 4.0  # weight of lead and lag
_BRIDGE = 0.7  # weight of the random walk
_CANDIDATES = 192  # songs considered for each place


def path(
    space: Space,
    start: int,
    end: int,
    *,
    length: int,
    via: Sequence[int] = (),
    rules: Rules | None = None,
    variety: float = 0.0,
    seed: int = 0,
    transition: float = TRANSITION,
) -> list[int]:
    """Make a path from one song to another.

    Parameters
    ----------
    space : Space
    start, end : int
        Rows of the first and the last song.
    length : int
        Number of songs, these two included.
    via : sequence of int
        Rows to pass on the way, in this order, each in a place that fits its distances from the stops beside it.
    rules : Rules, optional
        Rules of the path; the named songs are in it even if they are barred.
    variety : float
        0 gives the best path; towards 1, more and more songs, drawn by ``seed``, are left out.
    seed : int
    transition : float
        Weight of ends and beginnings in a step, 0 to 1; see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Exactly ``length`` different rows from ``start`` to ``end``; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If there is no such path; the message names the rule that prevents it, and a looser one.
    ValueError
        If a row does not exist, or an argument is out of its range.

    Examples
    --------
    >>> clock = np.arange(12) / 12 * 2 * np.pi
    >>> space = Space.from_vectors(np.stack([np.sin(clock), np.cos(clock)], axis=1))
    >>> path(space, 1, 5, length=5)
    [1, 2, 3, 4, 5]
    """
    stops = [space.checked(row) for row in (start, *via, end)]
    if length < 2:
        raise ValueError(f"A path has at least 2 songs, got length={length}")
    if stops[0] == stops[-1]:
        raise SongspaceError("A path leads from one song to another, but it was given the same song twice.")
    if len(set(stops)) < len(stops):
        raise SongspaceError("A path passes every song once, but it was given one of them twice.")
    if length < len(stops):
        raise SongspaceError(f"A path of {length} songs cannot pass {len(stops)}.")
    if length > len(space):
        raise SongspaceError(f"A path of {length} songs was asked for, but there are only {len(space)} songs.")
    rules = rules or Rules.of(len(space), artist_gap=0)
    out = sitting_out(len(space), variety, seed)
    band = _Band(Steps(space, transition), _template(space, stops, length), rules)
    rows = band.search(rules.barred | out) or band.search(rules.barred) or band.song_by_song()
    if rows is None:

        def works(rules: Rules, length: int) -> bool:
            if length < len(stops):
                return False
            others = np.delete(np.arange(len(space)), stops)
            return rules.fill(_template(space, stops, length), others, lambda _: np.zeros(len(others))) is not None

        raise rules.unmet("A path through these songs", length, works)
    return rows


def _template(space: Space, stops: list[int], length: int) -> list[int | None]:
    """Return the places of the songs that a path must pass, so that its steps can be as even as possible."""
    apart = np.array([space.distance(a, b) for a, b in pairwise(stops)])
    # Each leg has at least one step; the others go one by one to the leg with the largest steps.
    steps = np.ones(len(apart), dtype=np.int64)
    for _ in range(length - len(stops)):
        steps[(apart / steps).argmax()] += 1
    template: list[int | None] = [None] * length
    for place, row in zip(np.cumsum([0, *steps]).tolist(), stops, strict=True):
        template[place] = row
    return template


class _Band:
    """The elastic band: the costs of songs in the places of a path, and the search of the cheapest path."""

    def __init__(self, steps: Steps, template: list[int | None], rules: Rules) -> None:
        self.steps, self.space, self.template, self.rules = steps, steps.space, template, rules
        self.stops = {place: row for place, row in enumerate(template) if row is not None}

    def _squared(self) -> dict[int, np.ndarray]:
        """Return the squared distances of all songs to each stop, normalized to the same mean and deviation."""
        mean, deviation = self.space.moments.T.astype(np.float64)
        scale, shift = deviation.mean() / deviation, mean.mean() - mean * deviation.mean() / deviation
        return {place: self.space.distances(row) ** 2 * scale + shift for place, row in self.stops.items()}

    def _leg(self, place: int) -> tuple[int, int]:
        """Return the places of the stops before and after a place."""
        return max(at for at in self.stops if at < place), min(at for at in self.stops if at > place)

    def _costs(self, place: int, squared: dict[int, np.ndarray]) -> np.ndarray:
        """Return the cost of each song of the space in a place, without the steps to its neighbours in the path."""
        begin, end = self._leg(place)
        share = (place - begin) / (end - begin)
        from_begin, to_end = squared[begin], squared[end]
        whole = self.space.distance(self.stops[begin], self.stops[end]) ** 2
        # Lead or lag along the straight line (by the foot of the perpendicular), and distance from the due point.
        ahead = ((from_begin - to_end + whole) / 2 - share * whole) ** 2 / whole if whole else 0.0
        off = (1 - share) * from_begin + share * to_end - share * (1 - share) * whole
        # The random walk has the same length for any number of steps. If it grew with them, long paths could deviate
        # freely, and in a space of many dimensions, where most songs are about equally far from both ends, all of them
        # would lead through the densest part of the library, where steps are smallest.
        cost: np.ndarray = _PROGRESS * ahead + _BRIDGE * off / (share * (1 - share))
        return cost

    def _candidates(self, barred: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (rows, costs) of the candidates for each place, with a limited number from each group."""
        squared = self._squared()
        barred = barred.copy()
        barred[list(self.stops.values())] = True
        candidates = []
        for place, fixed in enumerate(self.template):
            if fixed is not None:
                candidates.append((np.array([fixed]), np.zeros(1)))
                continue
            cost = self._costs(place, squared)
            cost[barred | self._near_a_stop(place)] = np.inf
            several = min(8 * _CANDIDATES, len(cost))
            songs = np.sort(np.argpartition(cost, several - 1)[:several])
            songs = songs[np.argsort(cost[songs], kind="stable")]
            songs = songs[np.isfinite(cost[songs])]
            songs = spread_over_groups(songs, self.rules, _CANDIDATES)
            candidates.append((songs, cost[songs]))
        return candidates

    def _near_a_stop(self, place: int) -> np.ndarray:
        """Return True for each song that a place may not have because of the stops before and after it."""
        barred = np.zeros(len(self.space), bool)
        for rule in self.rules.spacings:
            for at, row in self.stops.items():
                if abs(at - place) <= rule.gap or rule.most == 1:
                    barred |= rule.among(rule.groups_of([row])[0])
        return barred

    def search(self, barred: np.ndarray) -> list[int] | None:
        """Search the cheapest path without some songs; return None if none keeps the rules."""
        return cheapest(self.steps, self._candidates(barred), self.rules, fixed=self.stops)

    def song_by_song(self) -> list[int] | None:
        """Build a path song by song, with a look ahead so that the rest can keep the rules: for few songs."""
        others = np.delete(np.arange(len(self.space)), list(self.stops.values()))
        squared = self._squared()

        def cost(chain: list[int]) -> np.ndarray:
            step: np.ndarray = self.steps.between(chain[-1:], others)[0] ** POWER
            return step + self._costs(len(chain), squared)[others]

        rows = self.rules.fill(self.template, others, cost)
        if rows is None or len(self.stops) > 2:
            return rows
        return smooth(self.steps, rows, self.rules, fixed=(1, 1))
