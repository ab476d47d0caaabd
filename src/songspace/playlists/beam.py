"""A beam search for the cheapest list through candidates for each place; paths and lines use it.

It goes place by place (the Viterbi algorithm), and keeps for each candidate several of the best lists that end there,
because the best one may break a rule later on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from songspace.playlists.rules import Rules
from songspace.playlists.steps import Steps
from songspace.space import Space

POWER = 4
"""Exponent of a step in the cost of a list: with squares, one large jump could hide behind many small steps."""

_DETOUR = 4.0  # factor for steps between songs that are no neighbours
_WIDTH = 1024  # lists that are kept for each place


def cheapest(
    steps: Steps,
    candidates: Sequence[tuple[np.ndarray, np.ndarray]],
    rules: Rules,
    *,
    fixed: Mapping[int, int] | None = None,
) -> list[int] | None:
    """Search the list with the smallest sum of the costs of its songs and the fourth powers of its steps.

    A step between two songs that are no neighbours in a graph of mutual proximity costs four times as much, so that no
    list leads through hubs.

    Parameters
    ----------
    steps : Steps
    candidates : sequence of (int array, float array)
        Rows for each place, and their costs there.
    rules : Rules
        Rules of the list.
    fixed : mapping of int to int, optional
        Row by place, for places with a single candidate; the rules take them into account beforehand.

    Returns
    -------
    list of int or None
        Different rows, one for each place; None if no list keeps the rules.

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
    cheapest_list: list[int] = lists[cost.argmin()].tolist()
    return cheapest_list


def spread_over_groups(songs: np.ndarray, rules: Rules, most: int) -> np.ndarray:
    """Return the first of some songs, with a limited number of each group: songs of one group alone make no list.

    Parameters
    ----------
    songs : int array of shape (m,)
        Rows, the best first.
    rules : Rules
    most : int
        Number of songs to keep.
    """
    for rule in rules.spacings:
        songs = songs[_rank_within(rule.group[songs]) < max(1, most // (rule.gap + 2))]
    return songs[:most]


def _bar_broken(total: np.ndarray, lists: np.ndarray, songs: np.ndarray, rules: Rules, ahead: Sequence[int]) -> None:
    """Set the cost of songs to infinity for lists that hold them already, or that they would make break a rule."""
    total[_held(lists, songs) > 0] = np.inf
    for rule in rules.spacings:
        groups = rule.groups_of(songs).T  # first group of each song, second group, ...
        for recent in lists[:, -rule.gap :].T if rule.gap else ():
            for listed in rule.groups_of(recent, pad=-2).T:
                for group in groups:
                    total[group[:, None] == listed] = np.inf
        if rule.most is not None:
            listed = rule.groups_of(lists.reshape(-1), pad=-2).reshape(len(lists), -1)
            for group in groups:
                held = _held(listed, group)
                for row in ahead:
                    held += np.isin(group, rule.groups_of([row], pad=-2)[0])[:, None]
                total[held >= rule.most] = np.inf


def _held(lists: np.ndarray, songs: np.ndarray) -> np.ndarray:
    """Count each song (or group) in each list: shape (songs, lists)."""
    known, which = np.unique(songs, return_inverse=True)
    at = np.searchsorted(known, lists).clip(max=len(known) - 1)
    number, place = np.nonzero(known[at] == lists)
    counts = np.bincount(at[number, place] * len(lists) + number, minlength=len(known) * len(lists))
    held: np.ndarray = counts.reshape(len(known), len(lists))[which.reshape(-1)]
    return held


def _rank_within(groups: np.ndarray) -> np.ndarray:
    """Return the number of earlier items of the same group for each item."""
    by_group = np.argsort(groups, kind="stable")
    sorted_groups = groups[by_group]
    begins = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    rank = np.empty(len(groups), dtype=np.int64)
    rank[by_group] = np.arange(len(groups)) - np.repeat(begins, np.diff(np.r_[begins, len(groups)]))
    return rank


NEIGHBORS = 10
_BLOCK = 1 << 17  # pairs of songs in a block, so that intermediate results fit into the processor's cache


class NeighborGraph:
    """A graph of some songs of a space: two are joined if one is among the nearest of the other by mutual proximity.

    By plain distance a hub would be joined to nearly all songs, and every path would lead through it (mutual-proximity
    graphs: Flexer & Stevens 2018). The proximity of two songs is given by how unusual their distance is for each of
    them, the less unusual of both; see :mod:`songspace.space.proximity`. Only the distance of each song's farthest
    neighbour is stored.

    Parameters
    ----------
    space : Space
    rows : int array of shape (m,)
        The songs.
    k : int
        Least number of neighbours of each song.

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
        """Return True for each pair of neighbours: shape (len(rows), len(others)), bool.

        ``distances`` can be given if they are known already.
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
