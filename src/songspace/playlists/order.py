"""Order: the songs of a playlist, rearranged so that steps are small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from songspace.playlists.rules import Rules
from songspace.playlists.steps import TRANSITION, Steps
from songspace.space import Space

_WINDOW = 256  # songs that are rearranged together: the time of a move grows with its square
_MOVES = ((0, True), (1, False), (2, False), (2, True), (3, False), (3, True))  # 2-opt, then Or-opt; see _gain
_LEAST_GAIN = 1e-9  # smallest gain of a move, so that rounding errors cannot cause endless loops
_PATIENCE = 200  # moves that break a rule before the search stops


def order(
    space: Space,
    rows: Sequence[int],
    *,
    first: int | None = None,
    last: int | None = None,
    rules: Rules | None = None,
    transition: float = TRANSITION,
) -> list[int]:
    """Arrange songs so that the steps between them are small and even.

    This is an open travelling salesman's tour with squared steps. A chain of nearest neighbours is improved by 2-opt
    (Croes 1958) and Or-opt (Or 1976) as long as they find a shorter one.

    Parameters
    ----------
    space : Space
    rows : sequence of int
        The songs; a row that is given twice is played twice.
    first, last : int, optional
        Rows that open and close the list.
    rules : Rules, optional
        Only their gaps count, for the songs are given. See :meth:`Rules.loosened`.
    transition : float
        Weight of ends and beginnings in a step, 0 to 1; see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        The same rows in another order; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If no order of these songs keeps the rules; the message suggests looser ones.
    ValueError
        If a row does not exist, or ``first`` and ``last`` are not two of the songs.

    Examples
    --------
    >>> space = Space.from_vectors([[1.0, 0.0], [0.0, 1.0], [0.9, 0.5], [0.5, 0.9]])
    >>> order(space, [0, 1, 2, 3], first=0)
    [0, 2, 3, 1]
    """
    rules = (rules or Rules.of(len(space), artist_gap=0)).gaps_only()
    pool = [space.checked(row) for row in rows]
    opening, closing = ([] if row is None else [space.checked(row)] for row in (first, last))
    for row in [*opening, *closing]:
        if row not in pool:
            raise ValueError(f"Row {row} is to open or close the list, but is not one of its songs")
        pool.remove(row)
    steps = Steps(space, transition)
    template = [*opening, *[None] * len(pool), *closing]

    def cost(chain: list[int]) -> np.ndarray:
        if chain:
            return steps.between(chain[-1:], pool)[0]
        # Without a first song, begin with one at the edge, so that the chain can lead through the rest.
        other_end = closing or [pool[int(space.pairwise(pool[:1], pool).argmax())]]
        return -space.distances(other_end[0], pool)

    chain = rules.fill(template, pool, cost)
    if chain is None:

        def works(rules: Rules, length: int) -> bool:
            return length == len(template) and rules.fill(template, pool, lambda _: np.zeros(len(pool))) is not None

        raise rules.unmet("This list", len(template), works)
    return smooth(steps, chain, rules, fixed=(len(opening), len(closing)))


def smooth(steps: Steps, rows: Sequence[int], rules: Rules, *, fixed: tuple[int, int]) -> list[int]:
    """Reduce the sum of squared steps of a list without breaking rules that it keeps.

    Parameters
    ----------
    steps : Steps
    rows : sequence of int
        A list that keeps ``rules``; in a long list, songs move within windows of 256 only.
    rules : Rules
    fixed : tuple of two ints
        Number of songs at the beginning and at the end that stay in their places (0 or 1).
    """
    rows = list(rows)
    widest = max((rule.gap for rule in rules.spacings), default=0)
    for begin in range(0, max(1, len(rows) - _WINDOW // 2), _WINDOW // 2):
        end = min(begin + _WINDOW, len(rows))
        head = fixed[0] if begin == 0 else 1
        tail = fixed[1] if end == len(rows) else 1
        before, after = rows[max(0, begin - widest) : begin], rows[end : end + widest]
        window = np.array(rows[begin:end], dtype=np.int64)

        def keeps_gaps(places: np.ndarray) -> bool:
            return rules.gaps_kept([*before, *window[places], *after])  # noqa: B023  (called only in this turn)

        squared = steps.between(window, window) ** 2
        rows[begin:end] = window[_descend(squared, keeps_gaps, head, tail)].tolist()
    return rows


def _descend(squared: np.ndarray, is_allowed: Callable[[np.ndarray], bool], head: int, tail: int) -> np.ndarray:
    """Return the arrangement reached from 0, 1, 2 ... by repeating the best allowed move."""
    count = len(squared)
    # One more place, with no distance to any other: steps beyond a free end of the list cost nothing.
    around = np.zeros((count + 1, count + 1))
    around[:count, :count] = squared
    tour = np.array([count, *range(count), count])
    while True:
        steps = around[np.ix_(tour, tour)]
        for places in islice(_better(steps, 1 + head, count - tail), _PATIENCE):
            if is_allowed(tour[places][1:-1]):
                tour = tour[places]
                break
        else:
            return tour[1:-1]


def _better(steps: np.ndarray, low: int, high: int) -> Iterator[np.ndarray]:
    """Yield the rearrangements that make a list cheaper, best first.

    ``steps[i, j]`` is the cost of the step from place i to place j. Places ``low`` to ``high`` may change; there is at
    least one more place on either side of them.
    """
    if low >= high:
        return
    moves = [how for how in _MOVES if how[0] <= high - low + 1]
    gains = [_gain(steps, low, high, *how) for how in moves]
    flat = np.concatenate([gain.ravel() for gain in gains])
    ends = np.cumsum([gain.size for gain in gains])
    places = np.arange(len(steps))
    while flat[best := int(flat.argmax())] > _LEAST_GAIN:
        flat[best] = 0
        which = int(np.searchsorted(ends, best, side="right"))
        (length, turned), gain = moves[which], gains[which]
        i, k = (low + int(at) for at in divmod(best - int(ends[which]) + gain.size, gain.shape[1]))
        if length == 0:
            yield np.concatenate([places[:i], places[i : k + 1][::-1], places[k + 1 :]])
        else:
            part = places[i : i + length]
            rest = np.delete(places, part)
            yield np.insert(rest, k if k <= i else k - length, part[::-1] if turned else part)


def _gain(steps: np.ndarray, low: int, high: int, length: int, turned: bool) -> np.ndarray:
    """Return the gain of each move of one kind; it is not positive for impossible moves.

    2-opt (``length`` 0): row i, column k is the reversal of the places from ``low + i`` to ``low + k``. Or-opt: it is
    the move of ``length`` places from ``low + i`` to before place ``low + k``, reversed if ``turned``.
    """
    now = steps.diagonal(1)  # from each place to the next
    # Extra cost of the steps from each place back to the first one, compared with the way forward.
    back = np.concatenate([[0.0], np.cumsum(steps.diagonal(-1) - now)])
    if length == 0:
        here = slice(low, high + 1)
        before, after = slice(low - 1, high), slice(low + 1, high + 2)
        around = now[before, None] + now[here] - steps[before, here] - steps[here, after]
        return np.triu(around - (back[here] - back[here, None]), 1)
    first, last = slice(low, high - length + 2), slice(low + length - 1, high + 1)
    count = high - low - length + 2
    begin = low - 1
    closed = now[begin : begin + count] + now[begin + length : begin + length + count]
    closed = closed - steps.diagonal(length + 1)[begin : begin + count]
    if turned:
        closed = closed - (back[last] - back[first])
        first, last = last, first
    gain: np.ndarray = closed[:, None] + now[begin : high + 1] - steps[begin : high + 1, first].T
    gain -= steps[last, low : high + 2]
    for here_already in range(length + 1):
        np.fill_diagonal(gain[:, here_already:], 0)
    return gain
