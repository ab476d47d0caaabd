"""A path: from one song to another in as many songs as asked for, each step small, none much larger than the rest.

Think of an elastic band between the two songs, laid over the library. What a path costs is the sum of

* the fourth powers of its steps (with the square, one large jump hides behind many small steps; with the maximum, only
  the largest counts), four times that where two songs are no neighbours in a graph of mutual proximity, so that the
  path does not lead through hubs;
* for each song the square of how far it is ahead of, or behind, where it is due: after a third of the songs, a third of
  the way;
* for each song how unlikely it is that a random walk from the first song to the last comes by there (a Brownian
  bridge): near the ends songs must be close to them, in the middle they may stray. Here and for the progress, a song
  is as far from the ends as is unusual for it, or hubs would seem to be near all of them.

The cheapest path is sought place by place (the Viterbi algorithm), keeping for every song in a place the few best ways
to reach it, because the very best may break a rule later on.
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

_PROGRESS = 4.0  # the weight of being where one is due
_BRIDGE = 0.7  # the weight of being where a random walk comes by
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
    """Lead from one song to another.

    Parameters
    ----------
    space : Space
    start, end : int
        The rows of the first and the last song.
    length : int
        Songs in the path, these two included.
    via : sequence of int
        Rows to pass on the way, in this order, each in a place that fits its distance from those before and after it.
    rules : Rules, optional
        What no path breaks; the songs named are in it even if they are barred.
    variety : float
        0 gives the best path that was found; up to 1, more and more songs sit out, chosen by ``seed``.
    seed : int
    transition : float
        How much ends and beginnings of songs weigh in a step, 0 to 1: see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Exactly ``length`` different rows from ``start`` to ``end``; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If no such path exists, with the rule that is in the way and what would do.
    ValueError
        If there is no such row, or an argument is out of its range.

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
    found = band.search(rules.barred | out) or band.search(rules.barred) or band.thread()
    if found is None:

        def works(rules: Rules, length: int) -> bool:
            if length < len(stops):
                return False
            others = np.delete(np.arange(len(space)), stops)
            return rules.fill(_template(space, stops, length), others, lambda _: np.zeros(len(others))) is not None

        raise rules.unmet("A path through these songs", length, works)
    return found


def _template(space: Space, stops: list[int], length: int) -> list[int | None]:
    """Return the places of the songs that a path must pass: as even as its steps can be."""
    apart = np.array([space.distance(a, b) for a, b in pairwise(stops)])
    # Every leg has one step at least; the others are dealt out one by one to where steps are largest.
    steps = np.ones(len(apart), dtype=np.int64)
    for _ in range(length - len(stops)):
        steps[(apart / steps).argmax()] += 1
    template: list[int | None] = [None] * length
    for place, row in zip(np.cumsum([0, *steps]).tolist(), stops, strict=True):
        template[place] = row
    return template


class _Band:
    """The elastic band: what each place in the path costs for each song, and the cheapest way through them."""

    def __init__(self, steps: Steps, template: list[int | None], rules: Rules) -> None:
        self.steps, self.space, self.template, self.rules = steps, steps.space, template, rules
        self.stops = {place: row for place, row in enumerate(template) if row is not None}

    def _squared(self) -> dict[int, np.ndarray]:
        """Return the squared distances of all songs to each stop, as if all songs had their mean and deviation."""
        mean, deviation = self.space.moments.T.astype(np.float64)
        scale, shift = deviation.mean() / deviation, mean.mean() - mean * deviation.mean() / deviation
        return {place: self.space.distances(row) ** 2 * scale + shift for place, row in self.stops.items()}

    def _leg(self, place: int) -> tuple[int, int]:
        """Return the fixed places before and after a place."""
        return max(at for at in self.stops if at < place), min(at for at in self.stops if at > place)

    def _costs(self, place: int, squared: dict[int, np.ndarray]) -> np.ndarray:
        """Return what it costs each song of the space to stand in a place, whatever stands beside it."""
        begin, end = self._leg(place)
        share = (place - begin) / (end - begin)
        from_begin, to_end = squared[begin], squared[end]
        whole = self.space.distance(self.stops[begin], self.stops[end]) ** 2
        # How far along the straight line each song stands (the foot of its perpendicular), and how far from the point
        # of the line where it is due.
        ahead = ((from_begin - to_end + whole) / 2 - share * whole) ** 2 / whole if whole else 0.0
        off = (1 - share) * from_begin + share * to_end - share * (1 - share) * whole
        # The walk is of the same length however many steps it has: with more of them, it would be free to stray, and in
        # a space of many directions, where most songs are about equally far from both ends, every long path would
        # lead through where the library is densest, for there steps are smallest.
        cost: np.ndarray = _PROGRESS * ahead + _BRIDGE * off / (share * (1 - share))
        return cost

    def _candidates(self, barred: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each place the songs through which a cheap path may lead, not too many of one group, and their costs."""
        squared = self._squared()
        barred = barred.copy()
        barred[list(self.stops.values())] = True
        found = []
        for place, fixed in enumerate(self.template):
            if fixed is not None:
                found.append((np.array([fixed]), np.zeros(1)))
                continue
            cost = self._costs(place, squared)
            cost[barred | self._near_a_stop(place)] = np.inf
            several = min(8 * _CANDIDATES, len(cost))
            songs = np.sort(np.argpartition(cost, several - 1)[:several])
            songs = songs[np.argsort(cost[songs], kind="stable")]
            songs = songs[np.isfinite(cost[songs])]
            songs = spread_over_groups(songs, self.rules, _CANDIDATES)
            found.append((songs, cost[songs]))
        return found

    def _near_a_stop(self, place: int) -> np.ndarray:
        """Return the songs that may not stand in a place because of a song that is fixed further on, or before."""
        barred = np.zeros(len(self.space), bool)
        for rule in self.rules.spacings:
            for at, row in self.stops.items():
                if abs(at - place) <= rule.gap or rule.most == 1:
                    barred |= rule.among(rule.groups_of([row])[0])
        return barred

    def search(self, barred: np.ndarray) -> list[int] | None:
        """Return the best path that was found without the songs that are barred.

        None if every way led into a dead end.
        """
        return cheapest(self.steps, self._candidates(barred), self.rules, fixed=self.stops)

    def thread(self) -> list[int] | None:
        """Choose a path song by song, looking ahead so that the rest can keep the rules, where songs are scarce."""
        others = np.delete(np.arange(len(self.space)), list(self.stops.values()))
        squared = self._squared()

        def cost(chain: list[int]) -> np.ndarray:
            step: np.ndarray = self.steps.between(chain[-1:], others)[0] ** POWER
            return step + self._costs(len(chain), squared)[others]

        found = self.rules.fill(self.template, others, cost)
        if found is None or len(self.stops) > 2:
            return found
        return smooth(self.steps, found, self.rules, fixed=(1, 1))
