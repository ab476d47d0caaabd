"""Radio: songs similar to one or several others, varied, in a smooth order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.order import smooth
from songspace.playlists.rules import Rules, sitting_out
from songspace.playlists.spacing import Spacing
from songspace.playlists.steps import TRANSITION, Steps
from songspace.space import Space

_AWAY = 0.5  # weight of the songs to avoid against the seeds (gamma / beta in Rocchio's formula)
_CHOICE = 8  # near songs considered for each place, unless the rules need more


def radio(
    space: Space,
    seeds: Sequence[int],
    *,
    length: int,
    minus: Sequence[int] = (),
    rules: Rules | None = None,
    variety: float = 0.0,
    seed: int = 0,
    transition: float = TRANSITION,
) -> list[int]:
    """Make a radio from some songs.

    Songs are chosen by their distances to the seeds and to ``minus`` (Rocchio 1971), with the more variety the higher
    ``variety`` is (maximal marginal relevance, Carbonell & Goldstein 1998), and then put in order. In a space with
    hubs, they are chosen among the nearest songs by mutual proximity.

    Parameters
    ----------
    space : Space
    seeds : sequence of int
        Rows to start from. The first one opens the list; the others are placed where they fit best.
    length : int
        Number of songs, seeds included.
    minus : sequence of int
        Rows whose sound is avoided; they are not in the list.
    rules : Rules, optional
        Rules of the list; the seeds are in it even if they are barred.
    variety : float
        0 takes the nearest songs. Towards 1, differences to the songs chosen already count more and more, and more
        songs, drawn by ``seed``, are left out.
    seed : int
    transition : float
        Weight of ends and beginnings in a step, 0 to 1; see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Exactly ``length`` different rows; the same for the same arguments.

    Raises
    ------
    SongspaceError
        If there is no such list; the message names the rule that prevents it, and a looser one.
    ValueError
        If a row does not exist, there is no seed, or an argument is out of its range.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0.9, 0.2], [0.8, -0.3], [-1, 0.1], [-1, 0.2]])
    >>> radio(space, [0], length=3)
    [0, 1, 2]
    """
    wanted = list(dict.fromkeys(space.checked(row) for row in seeds))
    away = list(dict.fromkeys(space.checked(row) for row in minus))
    if not wanted:
        raise ValueError("Radio needs at least one song to start from")
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    if set(wanted) & set(away):
        raise SongspaceError("A song to start from cannot also be one to steer away from.")
    if len(wanted) > length:
        raise SongspaceError(f"{len(wanted)} songs to start from do not fit into a list of {length}.")
    if length > len(space) - len(away):
        raise SongspaceError(f"A list of {length} songs was asked for, but there are only {len(space) - len(away)}.")
    rules = rules or Rules.of(len(space), artist_gap=0)
    out = sitting_out(len(space), variety, seed)
    choice = _Choice(space, wanted, away, variety)
    chosen = choice.of(length, rules.without(out), nearest=_CHOICE * length)
    chosen = chosen or choice.of(length, rules.without(out)) or choice.of(length, rules)
    if chosen is None:
        raise rules.unmet("A radio from these songs", length, lambda other, n: choice.of(n, other) is not None)
    return smooth(Steps(space, transition), chosen, rules, fixed=(1, 0))


def next_songs(
    space: Space, chain: Sequence[int], *, rules: Rules | None = None, transition: float = TRANSITION
) -> list[int]:
    """Return the songs that may follow a list, the one with the smallest step from its last song first.

    Parameters
    ----------
    space : Space
    chain : sequence of int
        Rows of the list so far, at least one.
    rules : Rules, optional
    transition : float
        See :func:`radio`.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0.9, 0.2], [0.8, -0.3], [-1, 0.1], [-1, 0.2]])
    >>> next_songs(space, [0, 1])[0]
    2
    """
    rules = rules or Rules.of(len(space), artist_gap=0)
    candidates = np.flatnonzero(rules.open_after(chain))
    steps = Steps(space, transition).between([chain[-1]], candidates)[0]
    return candidates[np.argsort(steps, kind="stable")].tolist()


class _Choice:
    """Chooses the songs of a list by their distances to a point of the space, and to each other."""

    def __init__(self, space: Space, wanted: list[int], away: list[int], variety: float) -> None:
        self.space, self.wanted, self.away, self.variety = space, wanted, away, variety
        point = space.vectors[wanted].mean(axis=0)
        if away:
            point = point - _AWAY * space.vectors[away].mean(axis=0)
        self.point = point / max(1.0, float(np.linalg.norm(point)))

    def of(self, length: int, rules: Rules, *, nearest: int | None = None) -> list[int] | None:
        """Return ``length`` songs that keep the rules, with the wanted ones; None if there is no such list."""
        if length < len(self.wanted):
            return None
        barred = rules.barred.copy()
        barred[self.wanted + self.away] = True
        left_out = np.flatnonzero(barred)
        near, _ = self.space.neighbors(self.point, nearest or len(self.space), exclude=left_out)
        if length == len(self.wanted):
            near = near[:0]
        pool = np.concatenate([self.wanted[1:], near]).astype(np.int64)
        vectors = self.space.vectors[pool]
        relevance = vectors @ self.point
        relevance[: len(self.wanted) - 1] = 10  # greater than all others
        likeness = {}  # of all songs of the pool to each song of the list

        def cost(chain: list[int]) -> np.ndarray:
            if not self.variety:
                return -relevance
            for row in chain:
                if row not in likeness:
                    likeness[row] = vectors @ self.space.vectors[row]
            most = np.max([likeness[row] for row in chain], axis=0)
            value: np.ndarray = (1 - self.variety / 2) * relevance - self.variety / 2 * most
            return -value

        # Barred songs are not in the pool. All wanted songs must be in the list, so the others have fewer places.
        others = np.zeros(len(self.space), np.int64)
        others[self.wanted] = 1 + np.arange(len(self.wanted))
        spacings = (*rules.spacings, Spacing("other", others, most=max(1, length - len(self.wanted))))
        template = [self.wanted[0], *[None] * (length - 1)]
        return Rules(spacings, np.zeros_like(rules.barred)).fill(template, pool, cost)
