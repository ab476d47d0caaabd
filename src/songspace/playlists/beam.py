"""The cheapest list through the songs that each of its places may have: a search that paths and lines share.

It goes place by place (the Viterbi algorithm), keeping for every song in a place the few best ways to reach it, because
the very best may break a rule later on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from songspace.playlists.rules import Rules
from songspace.playlists.steps import Steps
from songspace.space import Space

POWER = 4
"""Of a step, in what a list costs: with the square, one large jump hides behind many small steps."""

_DETOUR = 4.0  # how many times as much a step costs between songs that are no neighbours
_WIDTH = 1024  # beginnings of lists kept for each place


def cheapest(
    steps: Steps,
    candidates: Sequence[tuple[np.ndarray, np.ndarray]],
    rules: Rules,
    *,
    fixed: Mapping[int, int] | None = None,
) -> list[int] | None:
    """Return the cheapest list that is found: its songs in their places, and the fourth powers of its steps.

    A step costs four times as much between two songs that are no neighbours in a graph of mutual proximity, so that
    no list leads through hubs.

    Parameters
    ----------
    steps : Steps
    candidates : sequence of (int array, float array)
        For each place the rows that may stand there, and what each costs there.
    rules : Rules
        What the list does not break.
    fixed : mapping of int to int, optional
        The rows that are the only ones in their places: those before heed them.

    Returns
    -------
    list of int or None
        Different rows, one for each place; None if every way led into a dead end.

    Examples
    --------
    >>> from songspace.space import Space
    >>> clock = np.arange(8) / 8 * 2 * np.pi
    >>> space = Space.from_vectors(np.stack([np.sin(clock), np.cos(clock)], axis=1))
    >>> anywhere = (np.arange(8), np.zeros(8))
    >>> places = [(np.array([0]), np.zeros(1)), anywhere, anywhere, (np.array([3]), np.zeros(1))]
    >>> cheapest(Steps(space), places, Rules.of(8, artist_gap=0))
    [0, 1, 2, 3]
    """
    fixed = fixed or {}
    if any(len(songs) == 0 for songs, _ in candidates):
        return None
    graph = NeighborGraph(steps.space, np.unique(np.concatenate([songs for songs, _ in candidates])))
    (first, cost), *others = candidates
    lists = first[:, None]
    for songs, of_place in others:
        came_from, which = np.unique(lists[:, -1], return_inverse=True)
        distances = steps.space.pairwise(came_from, songs)
        step = steps.joined(distances, came_from, songs) ** POWER
        step[~graph.joins(came_from, songs, distances)] *= _DETOUR
        total = step.T[:, which.reshape(-1)] + cost + of_place[:, None]
        _bar_broken(total, lists, songs, rules, [row for place, row in fixed.items() if place > lists.shape[1]])
        keep = min(len(lists), max(1, _WIDTH // len(songs)))
        best = np.argpartition(total, keep - 1, axis=1)[:, :keep]
        into, ways = np.nonzero(np.isfinite(np.take_along_axis(total, best, axis=1)))
        chosen = best[into, ways]
        lists = np.concatenate([lists[chosen], songs[into, None]], axis=1)
        cost = total[into, chosen]
        if len(lists) == 0:
            return None
    found: list[int] = lists[cost.argmin()].tolist()
    return found


def spread_over_groups(songs: np.ndarray, rules: Rules, most: int) -> np.ndarray:
    """Return the first of some songs, not too many of one artist, album or song: where all are by one, every way ends.

    Parameters
    ----------
    songs : int array of shape (m,)
        Rows, the best first.
    rules : Rules
    most : int
        How many are kept.
    """
    for rule in rules.spacings:
        songs = songs[_rank_within(rule.group[songs]) < max(1, most // (rule.gap + 2))]
    return songs[:most]


def _bar_broken(total: np.ndarray, lists: np.ndarray, songs: np.ndarray, rules: Rules, ahead: Sequence[int]) -> None:
    """Make it cost infinitely much to go on with a song that the list holds already, or one that breaks a rule."""
    total[_held(lists, songs) > 0] = np.inf
    for rule in rules.spacings:
        groups = rule.groups_of(songs).T  # of each song the first, the second ...
        for recent in lists[:, -rule.gap :].T if rule.gap else ():
            for there in rule.groups_of(recent, pad=-2).T:
                for group in groups:
                    total[group[:, None] == there] = np.inf
        if rule.most is not None:
            there = rule.groups_of(lists.reshape(-1), pad=-2).reshape(len(lists), -1)
            for group in groups:
                held = _held(there, group)
                for row in ahead:
                    held += np.isin(group, rule.groups_of([row], pad=-2)[0])[:, None]
                total[held >= rule.most] = np.inf


def _held(lists: np.ndarray, songs: np.ndarray) -> np.ndarray:
    """Return how often each list holds each song (or both are groups): shape (songs, lists)."""
    known, which = np.unique(songs, return_inverse=True)
    at = np.searchsorted(known, lists).clip(max=len(known) - 1)
    number, place = np.nonzero(known[at] == lists)
    counts = np.bincount(at[number, place] * len(lists) + number, minlength=len(known) * len(lists))
    held: np.ndarray = counts.reshape(len(known), len(lists))[which.reshape(-1)]
    return held


def _rank_within(groups: np.ndarray) -> np.ndarray:
    """For each item, how many of its group stand before it."""
    by_group = np.argsort(groups, kind="stable")
    sorted_groups = groups[by_group]
    begins = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    rank = np.empty(len(groups), dtype=np.int64)
    rank[by_group] = np.arange(len(groups)) - np.repeat(begins, np.diff(np.r_[begins, len(groups)]))
    return rank


NEIGHBORS = 10
_BLOCK = 1 << 17  # pairs of songs looked at together: what lies between two steps stays in the processor's cache


class NeighborGraph:
    """Some songs of a space, each joined to those nearest to it by mutual proximity, and to those it is nearest to.

    By plain distance a hub would be joined to nearly everybody, and every path would lead through it (mutual-proximity
    graphs: Flexer & Stevens 2018). How near a song is, is told by how unusual so small a distance is for the one and
    for the other of the two, whichever is less unusual; see :mod:`songspace.space.proximity`. Nothing is kept but how
    far each song's neighbours reach.

    Parameters
    ----------
    space : Space
    rows : int array of shape (m,)
        The songs.
    k : int
        How many neighbours each has at least.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0.9, 0.1], [-1, 0.1], [-0.9, 0.2]])
    >>> NeighborGraph(space, np.arange(4), k=1).joins([0], [1, 2, 3]).tolist()
    [[True, False, False]]
    """

    def __init__(self, space: Space, rows: np.ndarray, *, k: int = NEIGHBORS) -> None:
        self._space = space
        self._reach = np.full(len(space), -np.inf)
        k = min(k, len(rows) - 1)
        size = max(1, _BLOCK // max(1, len(rows)))
        for begin in range(0, len(rows) if k > 0 else 0, size):
            some = rows[begin : begin + size]
            apart = self._apart(some, rows, space.pairwise(some, rows))
            apart[some[:, None] == rows] = np.inf
            self._reach[some] = np.partition(apart, k - 1, axis=1)[:, k - 1]

    def joins(self, rows: np.ndarray, others: np.ndarray, distances: np.ndarray | None = None) -> np.ndarray:
        """Return whether songs are neighbours: shape (len(rows), len(others)), bool.

        Pass distances that are known already.
        """
        rows, others = np.asarray(rows), np.asarray(others)
        distances = self._space.pairwise(rows, others) if distances is None else distances
        apart = self._apart(rows, others, distances)
        near: np.ndarray = apart <= np.maximum(self._reach[rows][:, None], self._reach[others])
        return near

    def _apart(self, rows: np.ndarray, others: np.ndarray, distances: np.ndarray) -> np.ndarray:
        mean, deviation = self._space.moments.T.astype(np.float64)
        squared = distances**2
        return np.maximum(
            (squared - mean[rows][:, None]) / deviation[rows][:, None], (squared - mean[others]) / deviation[others]
        )
