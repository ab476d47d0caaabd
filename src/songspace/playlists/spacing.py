"""The spacing of songs of one group, such as an artist, in a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spacing:
    """The spacing rule for songs of one group (an artist, an album, the versions of a song).

    Attributes
    ----------
    what : str
        Kind of group: "artist", "album" or "version".
    group : ndarray of shape (n,), int64
        Number of the group of each row; a song with an unknown group has a group of its own.
    gap : int
        Least number of other songs between two of a group.
    most : int or None
        Most songs of a group in a list.
    also : Also, optional
        Further groups of songs with several.
    """

    what: str
    group: np.ndarray
    gap: int = 0
    most: int | None = None
    also: Also | None = None

    def groups_of(self, rows: Sequence[int] | np.ndarray, pad: int = -1) -> np.ndarray:
        """Return all groups of some rows, shape (len(rows), most groups of a row).

        The first column is ``group``; missing groups are ``pad``.
        """
        rows = np.asarray(rows, dtype=np.int64)
        first: np.ndarray = self.group[rows][:, None]
        return first if self.also is None else self.also.beside(first, rows, pad)

    def among(self, groups: Iterable[int]) -> np.ndarray:
        """Return True for each row in one of some groups: shape (n,), bool."""
        wanted = list(groups)
        inside: np.ndarray = np.isin(self.group, wanted)
        if self.also is not None:
            inside[self.also.rows[np.isin(self.also.groups, wanted)]] = True
        return inside

    def closed_after(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return True for each row that must not follow a list: shape (n,), bool."""
        groups = self.groups_of(rows)
        near = groups[-self.gap :] if self.gap else groups[:0]
        numbers, counts = np.unique(groups[groups >= 0], return_counts=True)
        full = numbers[counts >= self.most] if self.most is not None else numbers[:0]
        return self.among([*near[near >= 0], *full])

    def too_near(self, rows: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
        """Return the pairs of positions in a list that are closer than the gap allows, in order."""
        groups = self.groups_of(rows)
        return sorted(
            (int(i), int(i) + apart)
            for apart in range(1, min(self.gap, len(groups) - 1) + 1)
            for i in np.flatnonzero(_share(groups[:-apart], groups[apart:]))
        )

    def too_many(self, rows: Sequence[int] | np.ndarray) -> list[list[int]]:
        """Return the positions of each group with too many songs in a list."""
        if self.most is None:
            return []
        groups = self.groups_of(rows)
        numbers, counts = np.unique(groups[groups >= 0], return_counts=True)
        return [np.flatnonzero((groups == number).any(axis=1)).tolist() for number in numbers[counts > self.most]]


@dataclass(frozen=True)
class Also:
    """Further groups of songs with several: for a song by two artists, the second.

    It is stored sparsely, for few songs have several groups.

    Attributes
    ----------
    rows, groups : ndarray of shape (m,), int64
        Rows, ascending, and one further group of each.
    """

    rows: np.ndarray
    groups: np.ndarray

    def beside(self, first: np.ndarray, rows: np.ndarray, pad: int) -> np.ndarray:
        """Append the further groups of rows as columns to their first groups, of shape (len(rows), 1)."""
        begins = np.searchsorted(self.rows, rows)
        counts = np.searchsorted(self.rows, rows, side="right") - begins
        most = int(counts.max(initial=0))
        if not most:
            return first
        at = begins[:, None] + np.arange(most)
        present = np.arange(most) < counts[:, None]
        further = np.where(present, self.groups[at.clip(max=len(self.groups) - 1)], pad)
        return np.concatenate([first, further], axis=1)


def _share(groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return True for each row of two arrays with a common group: shape (m,), bool."""
    common: np.ndarray = np.zeros(len(groups), bool)
    for column in groups.T:
        common |= ((others == column[:, None]) & (column >= 0)[:, None]).any(axis=1)
    return common
