"""A path: from one song to another in as many songs as asked for, each step small, none much larger than the rest.

Think of an elastic band between the two songs, laid over the library: it is shortest when its steps are short and
even. What a path costs is the sum of the fourth powers of its steps (with the square, one large jump hides behind
many small steps; with the maximum, nothing but the largest counts), and for each song the square of how far it is
from where it is due: after a third of the songs, a third of the way. The cheapest path is sought place by place
(the Viterbi algorithm), keeping for every song in a place the few best ways to reach it, because the very best may
break a rule later on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.order import smooth
from songspace.playlists.rules import ArtistGap, sitting_out
from songspace.space import Space

_POWER = 4  # of a step, in what a path costs
_PROGRESS = 2.0  # the weight of being where one is due
_CANDIDATES = 192  # songs considered for each place
_WIDTH = 1024  # beginnings of paths kept for each place


def path(
    space: Space,
    start: int,
    end: int,
    *,
    length: int,
    artists: Sequence[str | None] | None = None,
    artist_gap: int = 2,
    variety: float = 0.0,
    seed: int = 0,
) -> list[int]:
    """Lead from one song to another.

    Parameters
    ----------
    space : Space
    start, end : int
        The rows of the first and the last song.
    length : int
        Songs in the path, these two included.
    artists : sequence of str or None, one for each row of the space, optional
        Who plays what; None is unknown.
    artist_gap : int
        At least so many other songs between two of one artist.
    variety : float
        0 gives the best path that was found; up to 1, more and more songs sit out, chosen by ``seed``.
    seed : int

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
    start, end = space.checked(start), space.checked(end)
    if length < 2:
        raise ValueError(f"A path has at least 2 songs, got length={length}")
    if start == end:
        raise SongspaceError("A path leads from one song to another, but it was given the same song twice.")
    if length > len(space):
        raise SongspaceError(f"A path of {length} songs was asked for, but there are only {len(space)} songs.")
    rule = ArtistGap.of(artists, n=len(space), gap=artist_gap)
    _check_possible(rule, start, end, length)
    band = _Band(space, start, end, length, rule)
    out = sitting_out(len(space), variety, seed)
    return band.search(out) or band.search(np.zeros_like(out)) or band.thread()


def _check_possible(rule: ArtistGap, start: int, end: int, length: int) -> None:
    between = np.delete(np.arange(len(rule.artist)), [start, end])
    capacity = rule.count(between)

    def possible(rule: ArtistGap, length: int = length) -> bool:
        return rule.can_finish(capacity, length - 2, played=[start], last=end)

    if possible(rule):
        return
    lengths = [*range(length - 1, 1, -1), *range(length + 1, length + rule.gap + 1)]
    other = next((f", and so would {n} songs" for n in lengths if possible(rule, n)), "")
    raise SongspaceError(
        f"No path of {length} songs between these two can keep {rule.gap} other songs between two of one artist: "
        f"{rule.advice(possible)}{other}."
    )


class _Band:
    """The elastic band between two songs: what each place in the path costs for each song."""

    def __init__(self, space: Space, start: int, end: int, length: int, rule: ArtistGap) -> None:
        self.space, self.start, self.end, self.length, self.rule = space, start, end, length, rule
        self.to_start, self.to_end = space.distances(start) ** 2, space.distances(end) ** 2  # squared
        apart = np.sqrt(self.to_start[end])
        # How far along the straight line from start to end each song stands (the foot of its perpendicular).
        self.along = (self.to_start - self.to_end + apart**2) / (2 * apart) if apart else np.zeros(len(space))
        self.due = np.linspace(0, apart, length)

    def place(self, i: int) -> np.ndarray:
        """What it costs each song to stand in place i, being ahead or behind."""
        cost: np.ndarray = _PROGRESS * (self.along - self.due[i]) ** 2
        return cost

    def search(self, out: np.ndarray) -> list[int] | None:
        """The best path that was found without the songs that sit out; None if every way led into a dead end."""
        paths, cost = np.array([[self.start]]), np.zeros(1)
        for i in range(1, self.length - 1):
            songs = self._candidates(i, out)
            if len(songs) == 0:
                return None
            came_from, which = np.unique(paths[:, -1], return_inverse=True)
            total = self.space.pairwise(songs, came_from)[:, which] ** _POWER + cost + self.place(i)[songs, None]
            self._bar_broken(total, paths, songs)
            keep = min(len(paths), max(1, _WIDTH // len(songs)))
            best = np.argpartition(total, keep - 1, axis=1)[:, :keep]
            into, ways = np.nonzero(np.isfinite(np.take_along_axis(total, best, axis=1)))
            chosen = best[into, ways]
            paths = np.concatenate([paths[chosen], songs[into, None]], axis=1)
            cost = total[into, chosen]
            if len(paths) == 0:
                return None
        cost = cost + self.to_end[paths[:, -1]] ** (_POWER / 2)
        return [*paths[cost.argmin()].tolist(), self.end]

    def thread(self) -> list[int]:
        """A path song by song, looking ahead at each so that the rest can keep the rule: where songs are scarce."""
        between = np.delete(np.arange(len(self.space)), [self.start, self.end])

        def cost(chain: list[int]) -> np.ndarray:
            i = len(chain)
            step = self.space.distances(chain[-1], between) ** _POWER
            return step + (self.place(i) + self.to_end / (self.length - 1 - i))[between]

        chain = self.rule.chain(between, self.length - 2, cost, played=[self.start], last=self.end)
        return smooth(self.space, [*chain, self.end], self.rule, fixed=(1, 1))

    def _candidates(self, i: int, out: np.ndarray) -> np.ndarray:
        """The songs for place i through which a cheap path may lead, not too many of them by one artist."""
        rule, artist = self.rule, self.rule.artist
        # The energy of a band that is hung on the song: k even steps over a distance add up to its square / k.
        least = self.to_start / i + self.to_end / (self.length - 1 - i) + self.place(i)
        barred = out.copy()
        barred[[self.start, self.end]] = True
        if i <= rule.gap:
            barred |= artist == artist[self.start]
        if self.length - 1 - i <= rule.gap:
            barred |= artist == artist[self.end]
        least[barred] = np.inf
        several = min(8 * _CANDIDATES, len(least))
        songs = np.sort(np.argpartition(least, several - 1)[:several])
        songs = songs[np.argsort(least[songs], kind="stable")]
        songs = songs[np.isfinite(least[songs])]
        return songs[_rank_within(artist[songs]) < max(1, _CANDIDATES // (rule.gap + 2))][:_CANDIDATES]

    def _bar_broken(self, total: np.ndarray, paths: np.ndarray, songs: np.ndarray) -> None:
        """Make it cost infinitely much to go on with a song that the path holds already, or one by a recent artist."""
        place_of = np.full(len(self.space), -1)
        place_of[songs] = np.arange(len(songs))
        held, where = np.nonzero(place_of[paths] >= 0)
        total[place_of[paths[held, where]], held] = np.inf
        artist = self.rule.artist
        for recent in paths[:, -self.rule.gap :].T if self.rule.gap else ():
            total[artist[songs][:, None] == artist[recent]] = np.inf


def _rank_within(groups: np.ndarray) -> np.ndarray:
    """For each item, how many of its group stand before it."""
    by_group = np.argsort(groups, kind="stable")
    sorted_groups = groups[by_group]
    begins = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    rank = np.empty(len(groups), dtype=np.int64)
    rank[by_group] = np.arange(len(groups)) - np.repeat(begins, np.diff(np.r_[begins, len(groups)]))
    return rank
