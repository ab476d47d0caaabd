"""Ranked lists of candidates: which queries have a relevant item first, and their average precision.

The scatter of both is measured by leaving out one group of songs after the other, from the queries and the candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from songspace.evaluation.neighbors import distance_blocks
from songspace.intervals import Score, Smaller
from songspace.space import Space


def average_precision(ranks: np.ndarray) -> float:
    """Compute the mean of the precisions at the places of the relevant items.

    Parameters
    ----------
    ranks : int array of shape (m,)
        The places of all relevant items, ascending, counted from 1.

    Examples
    --------
    >>> round(average_precision(np.array([1, 4])), 2)
    0.75
    """
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


class Lists:
    """The list of all candidates, nearest first, of each query that has a relevant candidate.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
    queries : int array
        Rows of the queries.
    sides : callable
        Function from the row of a query to its relevant and its other candidates, as two masks of shape (n,). Of equal
        distances, the relevant ones come last.
    smaller : Smaller
        Collections without one group, from :func:`~songspace.intervals.deletions`.
    """

    def __init__(
        self,
        points: np.ndarray | Space,
        queries: np.ndarray,
        sides: Callable[[int], tuple[np.ndarray, np.ndarray]],
        smaller: Smaller,
    ) -> None:
        self._smaller = smaller
        count = len(smaller.kept)
        group = (~smaller.kept).argmax(axis=0) if count else np.zeros(len(points), np.int64)
        rows: list[tuple[np.ndarray, ...]] = []
        for row, right, groups in _in_order(points, queries, sides, group):
            top1, average = left_out(right, groups, count)
            if count:
                top1[group[row]] = average[group[row]] = np.nan  # a song that is left out is no query either
            chance = _chance_of_average_precision(int(right.sum()), len(right))
            values = np.array([right[0], right.mean(), average_precision(np.flatnonzero(right) + 1), chance])
            rows.append((values, top1, average))
        self._values, self._top1, self._average = (
            np.array([row[part] for row in rows]).reshape(len(rows), width)
            for part, width in enumerate((4, count, count))
        )

    def __len__(self) -> int:
        return len(self._values)

    def top1(self) -> Score:
        """Score the share of queries with a relevant item in the first place."""
        return self._score(0, self._top1)

    def average_precision(self) -> Score:
        """Return the mean of the queries' average precisions."""
        return self._score(2, self._average)

    def _score(self, part: int, without: np.ndarray) -> Score:
        value, chance = self._values[:, part : part + 2].mean(axis=0)
        asked = np.isfinite(without)
        sums, counts = np.where(asked, without, 0).sum(axis=0), asked.sum(axis=0)
        means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        return Score(float(value), float(chance), self._smaller.scatter(means[: len(self._smaller.kept)]))


def left_out(right: np.ndarray, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Score the list of a query again for each group, without that group.

    Relevant items far down a list are taken together in blocks, by the precision in the middle of the block, which
    hardly changes there. The time grows with the length of the list, and not with that times the number of groups.

    Parameters
    ----------
    right : bool array of shape (m,)
        True for the relevant candidates; nearest first.
    groups : int array of shape (m,)
        The group of each candidate, from 0 to ``count`` - 1.
    count : int

    Returns
    -------
    top1, average_precision : float arrays of shape (count,)
        NaN for a group without which no relevant item is left.

    Examples
    --------
    >>> top1, average = left_out(np.array([False, True, True]), np.array([0, 1, 2]), 3)
    >>> top1.tolist(), average.round(2).tolist()
    ([1.0, 0.0, 0.0], [1.0, 0.5, 0.5])
    """
    places = np.flatnonzero(right)
    sizes, middles, block, upto = _together(len(places))
    theirs = groups[places]

    def counted(of: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Count the members of each group in each block."""
        cells = np.bincount(of * count + members, minlength=(len(sizes) + 1) * count)
        return cells[: len(sizes) * count].reshape(len(sizes), count)

    # Members of each group in the list up to each middle, the middle included; and the relevant ones among them.
    passed = np.zeros(len(right), np.int64)
    passed[places[middles]] = 1
    before = np.cumsum(counted(np.cumsum(passed) - passed, groups), axis=0)
    hits = np.cumsum(counted(upto, theirs), axis=0)
    precisions = (middles[:, None] + 1 - hits) / np.maximum(places[middles, None] + 1 - before, 1)
    stay = sizes[:, None] - counted(block, theirs)
    left = stay.sum(axis=0)
    average = np.divide((stay * precisions).sum(axis=0), left, out=np.full(count, np.nan), where=left > 0)
    top1 = np.where(left > 0, float(right[0]), np.nan)
    behind = np.flatnonzero(groups != groups[0])  # the first candidate without the group of the first one
    if count and left[groups[0]] > 0:
        top1[groups[0]] = right[behind[0]]
    return top1, average


@lru_cache(maxsize=64)
def _together(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Split the relevant items of a list into blocks: single ones first, then a 64th of the number before the block.

    Returns
    -------
    sizes, middles : int arrays of shape (b,)
    block, upto : int arrays of shape (count,)
        The block of each relevant item, and the first block whose middle does not come before it.
    """
    ends, end = list[int](), 0
    while end < count:
        end = min(count, end + max(1, end // 64))
        ends.append(end)
    sizes = np.diff(ends, prepend=0)
    middles = np.array(ends) - (sizes + 2) // 2
    each = np.arange(count)
    return sizes, middles, np.searchsorted(ends, each, side="right"), np.searchsorted(middles, each)


def _in_order(
    points: np.ndarray | Space,
    queries: np.ndarray,
    sides: Callable[[int], tuple[np.ndarray, np.ndarray]],
    group: np.ndarray,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield each query with a relevant item, a mask of the relevant candidates, nearest first, and their groups."""
    for rows, distances in distance_blocks(points, queries):
        for row, line in zip(rows.tolist(), distances, strict=True):
            right, wrong = sides(row)
            if right.any():
                wrongs = np.flatnonzero(wrong)
                candidates = np.concatenate(
                    [wrongs, np.flatnonzero(right)]
                )  # of equal distances, the relevant ones come last
                order = np.argsort(line[candidates], kind="stable")
                yield row, order >= len(wrongs), group[candidates[order]]


def _chance_of_average_precision(relevant: int, candidates: int) -> float:
    """Compute the expected average precision of a list in random order (Bestgen, 2015).

    At the place of a relevant item, that item is relevant for sure, and each one before it with the share of the rest.
    """
    harmonic = float(np.sum(1 / np.arange(1, candidates + 1)))
    rest = (relevant - 1) / max(candidates - 1, 1)
    return (rest * (candidates - harmonic) + harmonic) / candidates
