"""How songs of one group, such as an artist, are spread over a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spacing:
    """How songs of one group (an artist, an album, the versions of a song) are spread over a list.

    Attributes
    ----------
    what : str
        What a group is: "artist", "album" or "version".
    group : ndarray of shape (n,), int64
        The group of each row, as a number; a song of which it is unknown is a group of its own.
    gap : int
        At least so many other songs between two of a group; 0 allows everything.
    most : int or None
        At most so many songs of a group in a list.
    also : Also, optional
        The further groups of the songs that are of several.
    """

    what: str
    group: np.ndarray
    gap: int = 0
    most: int | None = None
    also: Also | None = None

    def groups_of(self, rows: Sequence[int] | np.ndarray, pad: int = -1) -> np.ndarray:
        """Return all groups of some rows.

        Shape (len(rows), most that one has), that of ``group`` first, then ``pad``.
        """
        rows = np.asarray(rows, dtype=np.int64)
        first: np.ndarray = self.group[rows][:, None]
        return first if self.also is None else self.also.beside(first, rows, pad)

    def among(self, groups: Iterable[int]) -> np.ndarray:
        """Return which rows are of one of some groups: shape (n,), bool."""
        wanted = list(groups)
        found: np.ndarray = np.isin(self.group, wanted)
        if self.also is not None:
            found[self.also.rows[np.isin(self.also.groups, wanted)]] = True
        return found

    def too_near(self, rows: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
        """Return the pairs of positions in a list that are too near to each other, in order."""
        groups = self.groups_of(rows)
        return sorted(
            (int(i), int(i) + apart)
            for apart in range(1, min(self.gap, len(groups) - 1) + 1)
            for i in np.flatnonzero(_share(groups[:-apart], groups[apart:]))
        )

    def too_many(self, rows: Sequence[int] | np.ndarray) -> list[list[int]]:
        """Return the positions in a list of each group that comes too often."""
        if self.most is None:
            return []
        groups = self.groups_of(rows)
        numbers, counts = np.unique(groups[groups >= 0], return_counts=True)
        return [np.flatnonzero((groups == number).any(axis=1)).tolist() for number in numbers[counts > self.most]]


@dataclass(frozen=True)
class Also:
    """The further groups of songs that are of several: of a song by two artists, the second.

    Few songs are, so that there is an entry for each of these groups and nothing for all other songs.

    Attributes
    ----------
    rows, groups : ndarray of shape (m,), int64
        A row and a further group of it; the rows ascend.
    """

    rows: np.ndarray
    groups: np.ndarray

    def beside(self, first: np.ndarray, rows: np.ndarray, pad: int) -> np.ndarray:
        """Return the groups (len(rows), 1) that rows have first, with their further ones beside them."""
        begins = np.searchsorted(self.rows, rows)
        counts = np.searchsorted(self.rows, rows, side="right") - begins
        most = int(counts.max(initial=0))
        if not most:
            return first
        at = begins[:, None] + np.arange(most)
        there = np.arange(most) < counts[:, None]
        further = np.where(there, self.groups[at.clip(max=len(self.groups) - 1)], pad)
        return np.concatenate([first, further], axis=1)


def _share(groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which rows of two arrays have a group in common: shape (m,), bool."""
    found: np.ndarray = np.zeros(len(groups), bool)
    for column in groups.T:
        found |= ((others == column[:, None]) & (column >= 0)[:, None]).any(axis=1)
    return found
