"""A test whether the rest of a list can still be filled without breaking a rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.playlists.spacing import Spacing


class Lookahead:
    """Tests the beginning of a list for a possible rest.

    A group that may play in places f to t of a list can fill at most ``(t - f) // (gap + 1) + 1`` of them, and no more
    than it has songs. For each t, the groups together must be able to fill all free places up to t. This condition is
    necessary, and for one gap it is sufficient (Hall's condition; the tests compare it with an exhaustive search).
    Several rules are tested one by one.

    In this test, a song of several groups counts for one of them, the one with the most songs, which keeps the
    condition necessary. A song may only be chosen if all its groups allow it.

    Parameters
    ----------
    spacings : sequence of Spacing
    barred : bool array of shape (n,)
        True for rows that must not be chosen.
    template : sequence of int or None
        Fixed rows, and None for places to fill.
    pool : int array of shape (m,)
        Rows to fill them with, each at most once.
    """

    def __init__(
        self, spacings: Sequence[Spacing], barred: np.ndarray, template: Sequence[int | None], pool: np.ndarray
    ) -> None:
        self.template, self.pool = list(template), pool
        self.fixed = [(place, row) for place, row in enumerate(template) if row is not None]
        self._usable = ~barred[pool]
        # Only one version of a song may play, so all its versions count as one song.
        versions = next((rule.group for rule in spacings if rule.what == "version" and rule.most), None)
        song = np.arange(len(pool)) if versions is None else versions[pool]
        self._views = [_View(rule, pool, self.fixed, song) for rule in spacings]

    def possible(self) -> bool:
        """Return True if the fixed songs keep the rules, and the pool can fill the places between them."""
        places, rows = np.array(self.fixed, dtype=np.int64).reshape(-1, 2).T
        for view in self._views:
            near = np.abs(places[:, None] - places) <= view.rule.gap
            if np.triu(_alike(view.rule.groups_of(rows)) & near, 1).any() or view.rule.too_many(rows):
                return False
        return self.in_the_way([], []) is None

    def free(self, chain: list[int], used: list[int]) -> np.ndarray:
        """Return True for each song of the pool that may come next: shape (m,), bool."""
        free = self._unused(used)
        for view in self._views:
            free &= view.may_play(chain)
        return free

    def in_the_way(self, chain: list[int], used: list[int]) -> np.ndarray | None:
        """Return None if the rest can be filled, as far as each single rule shows.

        Otherwise return True for each song of the pool with the same groups as the last song, by the rule that
        prevents it: shape (m,), bool.
        """
        unused = self._unused(used)
        ahead = range(len(chain), len(self.template))
        places = np.array([place for place in ahead if self.template[place] is None], dtype=np.int64)
        if len(places) > unused.sum():
            return unused
        for view in self._views:
            if len(places) and not view.enough(chain, unused, places):
                return view.kind == view.kind[used[-1]] if chain else unused
        return None

    def _unused(self, used: list[int]) -> np.ndarray:
        unused = self._usable.copy()
        unused[[at for at in used if at >= 0]] = False
        return unused


class _View:
    """One rule for the songs of a pool; their groups are numbered from 0.

    Attributes
    ----------
    kind : int array of shape (m,)
        Equal for songs of the pool with the same groups.
    """

    def __init__(self, rule: Spacing, pool: np.ndarray, fixed: list[tuple[int, int]], song: np.ndarray) -> None:
        self.rule = rule
        # Further groups of the songs in the pool: index in the pool, and number of the group.
        self._where = self._further = np.zeros(0, dtype=np.int64)
        self._numbers, self._group = np.unique(rule.group[pool], return_inverse=True)
        self.kind = self._group
        self._known: dict[int, list[int]] = {}
        if rule.also is not None and (groups := rule.groups_of(pool)).shape[1] > 1:
            self._choose(groups)
        _, first, pair = np.unique(np.stack([self._group, song]), axis=1, return_index=True, return_inverse=True)
        self._pair, self._group_of_pair = pair.reshape(-1), self._group[first]
        self._fixed = [(place, group) for place, row in fixed for group in self._groups_of(row)]

    def _choose(self, groups: np.ndarray) -> None:
        """Number all groups (m, k) of the pool, and choose the one that each song counts for."""
        groups = np.sort(groups, axis=1)  # so that songs of the same groups count for the same one
        present = groups >= 0
        self._numbers, numbered = np.unique(groups[present], return_inverse=True)
        groups = np.full(groups.shape, -1)
        groups[present] = numbered
        songs = np.bincount(numbered, minlength=len(self._numbers))
        chosen = np.where(present, songs[groups], 0).argmax(axis=1)
        self._group = groups[np.arange(len(groups)), chosen]
        present[np.arange(len(groups)), chosen] = False
        self._where, column = np.nonzero(present)
        self._further = groups[self._where, column]
        self.kind = np.unique(groups, axis=0, return_inverse=True)[1].reshape(-1)

    def _groups_of(self, row: int) -> list[int]:
        """Return the numbers of the groups of a row, without groups that no song of the pool has."""
        if row not in self._known:
            groups = self.rule.groups_of([row])[0]
            self._known[row] = np.flatnonzero(np.isin(self._numbers, groups)).tolist()
        return self._known[row]

    def may_play(self, chain: list[int]) -> np.ndarray:
        """Return True for each song of the pool whose groups allow it in the next place: shape (m,), bool."""
        place, gap = len(chain), self.rule.gap
        near = [group for row in (chain[max(0, place - gap) :] if gap else ()) for group in self._groups_of(row)]
        near += [group for at, group in self._fixed if place < at <= place + gap]
        may: np.ndarray = ~np.isin(self._group, near)
        may[self._where[np.isin(self._further, near)]] = False
        if self.rule.most is not None:
            full = self._taken(chain) >= self.rule.most
            may &= ~full[self._group]
            may[self._where[full[self._further]]] = False
        return may

    def enough(self, chain: list[int], unused: np.ndarray, places: np.ndarray) -> bool:
        """Return True if the groups can fill the free places."""
        gap, count = self.rule.gap, len(self._numbers)
        available = np.zeros(len(self._group_of_pair), bool)
        available[self._pair[unused]] = True
        songs = np.bincount(self._group_of_pair[available], minlength=count)
        if self.rule.most is not None:
            songs = np.minimum(songs, self.rule.most - self._taken(chain))
        begin = np.full(count, len(chain))  # the first place in which each group may play
        for place in range(max(0, len(chain) - gap), len(chain)):
            begin[self._groups_of(chain[place])] = place + gap + 1
        to_come = [(place, group) for place, group in self._fixed if len(chain) <= place]
        between = any(place < places[-1] for place, _ in to_come)
        demand = np.arange(1, len(places) + 1)
        if not between:  # then the condition for the last few places implies all others
            places, demand = places[-gap - 1 :], demand[-gap - 1 :]
        uses = _fit(begin, places[:, None], gap)
        for group in {group for _, group in to_come}:
            uses[:, group] = 0
            first = begin[group]
            for place, other in to_come:
                if other == group:
                    uses[:, group] += _fit(first, np.minimum(places, place - gap - 1), gap)
                    first = place + gap + 1
            uses[:, group] += _fit(first, places, gap)
        return bool((np.minimum(uses, songs).sum(axis=1) >= demand).all())

    def _taken(self, chain: list[int]) -> np.ndarray:
        """Return the number of songs of each group in the list, including those that are fixed further on."""
        groups = [group for row in chain for group in self._groups_of(row)]
        groups += [group for place, group in self._fixed if place >= len(chain)]
        return np.bincount(groups, minlength=len(self._numbers))


def _alike(groups: np.ndarray) -> np.ndarray:
    """Return True for each pair of songs with a common group, from the groups (m, k) of each: shape (m, m), bool."""
    alike: np.ndarray = np.zeros((len(groups), len(groups)), bool)
    for column in groups.T:
        alike |= ((groups[:, None, :] == column[None, :, None]) & (column >= 0)[None, :, None]).any(axis=2)
    return alike


def _fit(first: np.ndarray, last: np.ndarray, gap: int) -> np.ndarray:
    """Return the number of songs that fit from a first to a last place with a gap between them."""
    fit: np.ndarray = np.maximum((last - first) // (gap + 1) + 1, 0)
    return fit
