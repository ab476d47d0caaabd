"""What other programs do to get from one song to another, as plain functions: ``rival(task) -> rows``.

Each fills the places between the two ends one after the other, with songs that are not in the list yet. With an artist
gap, the songs that would break it are skipped, also against the last song; where all would, the gap is given up for
that place (these methods do not look ahead). Without one, they are as they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from songspace import Space

K = 10
"""Neighbours of each song in the graph of the shortest path."""


@dataclass(frozen=True)
class Task:
    """From a song to another in so many songs.

    ``artist`` is an int for each row; at least ``gap`` other songs between two of one (0: whatever comes).
    """

    space: Space
    start: int
    end: int
    length: int
    artist: np.ndarray
    gap: int = 0

    def next_of(self, chain: list[int], cost: np.ndarray) -> int:
        """The cheapest song that may follow ``chain``."""
        free = np.ones(len(self.space), dtype=bool)
        free[[*chain, self.end]] = False
        allowed = free & ~np.isin(self.artist, self.artist[chain[-self.gap :]] if self.gap else [])
        if len(chain) > self.length - 2 - self.gap:
            allowed &= (self.artist != self.artist[self.end]) | (self.gap == 0)
        return int(np.where(allowed if allowed.any() else free, cost, np.inf).argmin())


def random(task: Task) -> list[int]:
    """Songs drawn at random."""
    rng = np.random.default_rng([task.start, task.end])
    chain = [task.start]
    while len(chain) < task.length - 1:
        chain.append(task.next_of(chain, rng.random(len(task.space))))
    return [*chain, task.end]


def greedy(task: Task) -> list[int]:
    """The nearest song that is nearer to the end than the last one is; where there is none, the nearest song."""
    to_end = task.space.distances(task.end)
    chain = [task.start]
    while len(chain) < task.length - 1:
        onward = to_end < to_end[chain[-1]]
        chain.append(task.next_of(chain, task.space.distances(chain[-1]) + np.where(onward, 0, 2)))
    return [*chain, task.end]


def _snapped(task: Task, weights: Callable[[float], tuple[float, float]]) -> list[int]:
    start, end = task.space.vectors[[task.start, task.end]].astype(np.float64)
    chain = [task.start]
    while len(chain) < task.length - 1:
        a, b = weights(len(chain) / (task.length - 1))
        chain.append(task.next_of(chain, np.linalg.norm(task.space.vectors - (a * start + b * end), axis=1)))
    return [*chain, task.end]


def linear(task: Task) -> list[int]:
    """The song nearest to each of so many even points on the straight line (so, or on the arc, does AudioMuse-AI)."""
    return _snapped(task, lambda share: (1 - share, share))


def spherical(task: Task) -> list[int]:
    """The same on the arc between the two (slerp, Shoemake 1985)."""
    start, end = task.space.vectors[[task.start, task.end]].astype(np.float64)
    angle = float(np.arccos(np.clip(start @ end, -1, 1)))
    if np.sin(angle) < 1e-6:  # at one point, or opposite, where no arc is shorter than another
        return linear(task)
    return _snapped(
        task, lambda share: (np.sin((1 - share) * angle) / np.sin(angle), np.sin(share * angle) / np.sin(angle))
    )


@lru_cache(maxsize=4)
def graph(space: Space) -> csr_array:
    """Every song joined to its ``K`` nearest; what is apart, by the shortest edges that join it (the spanning tree)."""
    rows = np.arange(len(space))
    apart = np.maximum(space.pairwise(rows, rows), 1e-9)  # an edge of length 0 would be none
    np.fill_diagonal(apart, np.inf)
    near = np.zeros(apart.shape, dtype=bool)
    near[rows[:, None], np.argsort(apart, axis=1, kind="stable")[:, :K]] = True
    np.fill_diagonal(apart, 0)
    tree = minimum_spanning_tree(apart).toarray() > 0
    return csr_array(np.where(near | near.T | tree | tree.T, apart, 0))


def shortest(task: Task) -> list[int]:
    """The shortest path in a graph of nearest neighbours (Dijkstra 1959), brought to the length.

    It has the few songs that it has. If they are too many, those at even places are kept. If they are too few, the
    largest step is halved again and again, by the song for which the sum of the squares of both new steps is smallest:
    what hardly any program takes the trouble to do, so that the path is no worse than its length makes it.
    """
    _, before = dijkstra(graph(task.space), directed=False, indices=task.start, return_predecessors=True)
    chain = [task.end]
    while chain[-1] != task.start:
        chain.append(int(before[chain[-1]]))
    chain.reverse()
    if len(chain) > task.length:
        chain = [chain[place] for place in np.linspace(0, len(chain) - 1, task.length).round().astype(int)]
    chain = _without_broken(task, chain)
    while len(chain) < task.length:
        chain = _halved(task, chain)
    return chain


def _without_broken(task: Task, chain: list[int]) -> list[int]:
    """The chain without inner songs that are too near to one of their artist."""
    last = len(chain) - 1
    for j in range(1, len(chain)):
        for i in range(max(0, j - task.gap), j):
            if task.artist[chain[i]] == task.artist[chain[j]] and (i, j) != (0, last):
                less = j if j < last else i
                return _without_broken(task, chain[:less] + chain[less + 1 :])
    return chain


def _halved(task: Task, chain: list[int]) -> list[int]:
    """The chain with one song more in its largest step; in the largest that takes one, where there is a gap to keep."""
    space = task.space
    steps = space.pairwise(chain, chain).diagonal(1)
    free = np.ones(len(space), dtype=bool)
    free[chain] = False
    places = np.argsort(-steps, kind="stable") + 1
    for place in places if task.gap else ():
        around = chain[max(0, place - task.gap) : place + task.gap]
        allowed = free & ~np.isin(task.artist, task.artist[around])
        if allowed.any():
            free = allowed
            break
    else:
        place = places[0]
    cost = space.distances(chain[place - 1]) ** 2 + space.distances(chain[place]) ** 2
    return [*chain[:place], int(np.where(free, cost, np.inf).argmin()), *chain[place:]]


RIVALS: dict[str, Callable[[Task], list[int]]] = {
    "random songs": random,
    "greedy nearest": greedy,
    "linear + snap": linear,
    "spherical + snap": spherical,
    "shortest path": shortest,
}
