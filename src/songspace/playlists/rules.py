"""The rules that no playlist breaks, in one place for all of them, and how smooth a playlist is.

The artist gap: between two songs of one artist play at least so many others. It is easy to run into a dead end
with it (three songs to go, and all that is left is by one artist), so the rule does not only say what may play
next: it knows whether what is left can still be arranged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from songspace.space import Space


@dataclass(frozen=True)
class ArtistGap:
    """At least ``gap`` other songs between two of one artist, for the songs of a space.

    Attributes
    ----------
    artist : ndarray of shape (n,), int64
        The artist of each row, as a number from 0; a song whose artist is unknown is an artist of its own.
    gap : int
        0 allows everything.

    Examples
    --------
    >>> rule = ArtistGap.of(["Nina", "nina ", None, None], n=4, gap=2)
    >>> rule.broken([0, 2, 1, 3]), rule.broken([0, 2, 3, 1])
    ([(0, 2)], [])
    """

    artist: np.ndarray
    gap: int

    @classmethod
    def of(cls, artists: Sequence[str | None] | None, *, n: int, gap: int) -> ArtistGap:
        """The rule for n songs by ``artists`` (None: nobody is known), who are compared without case and spaces.

        Raises
        ------
        ValueError
            If there is not one artist for each song, or the gap is negative.
        """
        if artists is not None and len(artists) != n:
            raise ValueError(f"Expected an artist (or None) for each of {n} songs, got {len(artists)}")
        if gap < 0:
            raise ValueError(f"artist_gap must not be negative, got {gap}")
        names = list(artists or [None] * n)
        keys = {name: _key(name) for name in set(names) if name}
        numbers: dict[str | int, int] = {}
        numbered = [numbers.setdefault((name and keys[name]) or row, len(numbers)) for row, name in enumerate(names)]
        return cls(np.array(numbered, dtype=np.int64), gap)

    def broken(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """The pairs of positions in a list that are too near to each other, in order."""
        artist = self.artist[np.asarray(rows, dtype=np.int64)]
        pairs = [
            (int(i), int(i) + apart)
            for apart in range(1, min(self.gap, len(artist) - 1) + 1)
            for i in np.flatnonzero(artist[:-apart] == artist[apart:])
        ]
        return sorted(pairs)

    def count(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """How many of the rows are by each artist: shape (artists,)."""
        return np.bincount(self.artist[np.asarray(rows, dtype=np.int64)], minlength=int(self.artist.max()) + 1)

    def can_finish(
        self, capacity: np.ndarray, slots: int, *, played: Sequence[int] = (), last: int | None = None
    ) -> bool:
        """Whether the next ``slots`` places can be filled.

        An artist who may play from slot f to slot t can fill at most ``(t - f) // (gap + 1) + 1`` of them, and
        no more than there are songs. That the artists together must be able to fill the first t slots, for each
        t, is plainly necessary; that it suffices is Hall's condition for this rule, and needs checking only for
        the last ``gap + 1`` values of t (the tests compare it with trying everything).

        Parameters
        ----------
        capacity : ndarray of shape (artists,)
            How many unused songs there are by each.
        slots : int
            How many places to fill.
        played : sequence of int
            The rows before the first slot.
        last : int, optional
            The row that is fixed after the last slot, not counted in ``capacity``.
        """
        free = np.zeros(len(capacity), dtype=np.int64)  # the first slot in which each artist may play
        for ago, row in enumerate(reversed(played[-self.gap :] if self.gap else ())):
            free[self.artist[row]] = max(free[self.artist[row]], self.gap - ago)
        ends = np.arange(max(0, slots - self.gap - 1), slots)[:, None]
        until = np.broadcast_to(ends, (len(ends), len(capacity))).copy()
        if last is not None:
            closing = self.artist[last]
            if free[closing] > slots:
                return False
            until[:, closing] = np.minimum(until[:, closing], slots - 1 - self.gap)
        uses = np.maximum((until - free) // (self.gap + 1) + 1, 0)
        return bool((np.minimum(uses, capacity).sum(axis=1) > ends[:, 0]).all())

    def room(self, counts: np.ndarray, length: int, *, first: int) -> np.ndarray:
        """Which artists may have one song more in a list of ``length`` songs, when it can be arranged freely.

        In ``q * (gap + 1) + r`` places an artist fits q times, and q + 1 times only by starting in the first r
        places, which at most r artists can do, and if the first place is another's, r - 1. Sets of songs within
        these bounds are the independent sets of a matroid (a union of partition matroids): whoever fills a list
        song by song, in any order, ends with as many songs as anybody can.

        Parameters
        ----------
        counts : ndarray of shape (artists,)
            How many songs of each are in the list already.
        length : int
            How many songs the list is to have.
        first : int
            The row that opens the list.

        Returns
        -------
        ndarray of shape (artists,), bool
        """
        whole, rest = divmod(length, self.gap + 1)
        opens = np.arange(len(counts)) == self.artist[first]
        once_more = np.where(opens, rest > 0, np.count_nonzero((counts > whole) & ~opens) < rest - 1)
        allowed: np.ndarray = (counts < whole) | ((counts == whole) & once_more)
        return allowed

    def chain(
        self,
        pool: np.ndarray,
        slots: int,
        cost: Callable[[list[int]], np.ndarray],
        *,
        played: Sequence[int] = (),
        last: int | None = None,
    ) -> list[int]:
        """Fill places one after the other, each with the cheapest song that breaks nothing now or later.

        Parameters
        ----------
        pool : ndarray of shape (m,)
            The rows to choose from, each for one place.
        slots : int
            How many places to fill.
        cost : function of the rows so far, giving an ndarray of shape (m,)
            What each song of the pool would cost as the next.
        played, last
            What is fixed before and after, as for :meth:`can_finish`.

        Returns
        -------
        list of int
            ``played`` and the rows chosen.

        Raises
        ------
        ValueError
            If :meth:`can_finish` says that no choice keeps the rule.
        """
        artist, capacity = self.artist[pool], self.count(pool)
        if not self.can_finish(capacity, slots, played=played, last=last):
            raise ValueError(f"No choice of songs for {slots} places keeps an artist gap of {self.gap}")
        chain = list(played)
        unused = np.ones(len(pool), dtype=bool)
        for left in range(slots - 1, -1, -1):
            price = np.where(unused, cost(chain), np.inf)
            while True:
                best = int(price.argmin())
                capacity[artist[best]] -= 1
                fits = not self.broken([*chain[-self.gap :], pool[best]] if self.gap else [])
                if fits and self.can_finish(capacity, left, played=[*chain, pool[best]], last=last):
                    break
                capacity[artist[best]] += 1
                price[artist == artist[best]] = np.inf
            chain.append(int(pool[best]))
            unused[best] = False
        return chain

    def advice(self, works: Callable[[ArtistGap], bool]) -> str:
        """What to tell somebody whose list this rule makes impossible, while it would be possible without a rule."""
        looser = (replace(self, gap=gap) for gap in range(self.gap - 1, -1, -1))
        return f"an artist gap of {next(rule.gap for rule in looser if works(rule))} would do"


def sitting_out(n: int, variety: float, seed: int) -> np.ndarray:
    """The songs that are passed over this time, so that another seed gives another list of about the same quality.

    Parameters
    ----------
    n : int
        Songs in the space.
    variety : float
        From 0 (nobody sits out: the best list) to 1 (every second song does).
    seed : int
        The same seed, the same songs.

    Returns
    -------
    ndarray of shape (n,), bool

    Raises
    ------
    ValueError
        If ``variety`` is not between 0 and 1.
    """
    if not 0 <= variety <= 1:
        raise ValueError(f"variety must lie between 0 and 1, got {variety}")
    return np.random.default_rng(seed).random(n) < variety / 2


def smoothness(space: Space, rows: Sequence[int]) -> dict[str, float]:
    """How smoothly a playlist flows.

    Returns
    -------
    dict of str to float
        ``largest`` and ``mean`` step (0 to 2), ``largest_at`` (the position of the song that the largest step
        leads to), ``typical`` (the median distance of two songs of the space, over 500 songs), and
        ``largest_share`` and ``mean_share``, the steps as shares of it.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0, 1], [-1, 0], [0, -1]])
    >>> found = smoothness(space, [0, 1, 3])
    >>> found["largest"], found["largest_at"], round(found["mean"], 3)
    (2.0, 2, 1.707)
    """
    steps = np.array([space.distance(a, b) for a, b in pairwise(rows)] or [0.0])
    some = np.unique(np.linspace(0, len(space) - 1, 500).astype(np.int64))
    typical = float(np.median(space.pairwise(some, some)[np.triu_indices(len(some), 1)])) if len(some) > 1 else 0.0
    found = {"largest": float(steps.max()), "mean": float(steps.mean()), "typical": typical}
    shares = {f"{key}_share": found[key] / typical if typical else 0.0 for key in ("largest", "mean")}
    return found | {"largest_at": int(steps.argmax()) + 1} | shares


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
