"""Taking songs for a list from a ranking, under the rules that hold for all lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from songspace.playlists.rules import Rules, Spacing


def pick(ranked: np.ndarray, length: int, rules: Rules, *, fewest: int = 1) -> list[int]:
    """The first songs of a ranking that can stand in a list together.

    Parameters
    ----------
    ranked : int array of shape (m,)
        Rows, the best first.
    length : int
        How many songs are wanted.
    rules : Rules
    fewest : int
        A list that would have to be shorter than this because of gaps, since all is by few artists, keeps smaller ones.

    Returns
    -------
    list of int
        At most ``length`` rows, the best first.

    Examples
    --------
    >>> rules = Rules.of(6, artists=["a", "a", "a", "b", "b", "c"], artist_gap=1)
    >>> pick(np.arange(6), 4, rules), pick(np.arange(3), 3, rules, fewest=2)
    ([0, 1, 3, 4], [0, 1, 2])
    """
    ranked = ranked[~rules.barred[ranked]]
    for shrink in range(1 + max((rule.gap for rule in rules.spacings), default=0)):
        spacings = [replace(rule, gap=max(0, rule.gap - shrink)) for rule in rules.spacings]
        found: list[int] = []
        looser = Rules(tuple(spacings), rules.barred)
        for size in range(min(length, len(ranked)), 0, -1):
            found = list(_fitting(ranked, size, spacings))
            if len(found) == size and _can_stand(found, looser):
                break
        if len(found) >= fewest:
            break
    return found


def _can_stand(rows: list[int], rules: Rules) -> bool:
    """Whether some songs can stand in a list: of songs by one artist each, :func:`_fitting` knows it."""
    if not any(rule.groups_of(rows).shape[1] > 1 for rule in rules.spacings):
        return True
    return rules.gaps_only().fill([None] * len(rows), rows, lambda _: np.zeros(len(rows))) is not None


def _fitting(ranked: np.ndarray, size: int, spacings: Sequence[Spacing]) -> Iterator[int]:
    """Songs that can be spread over ``size`` places.

    In ``whole * (gap + 1) + rest`` places a group fits ``whole`` times, and ``rest`` of the groups once more.
    """
    groups = [[[g for g in of if g >= 0] for of in rule.groups_of(ranked).tolist()] for rule in spacings]
    bounds = [divmod(size, rule.gap + 1) if rule.gap else (size, 0) for rule in spacings]
    counts: list[Counter[int]] = [Counter() for _ in spacings]
    once_more = [0] * len(spacings)
    taken = 0
    for place, row in enumerate(ranked.tolist()):
        full = False
        for number, (whole, rest) in enumerate(bounds):
            most, spare = spacings[number].most, rest - once_more[number]
            for count in (counts[number][group] for group in groups[number][place]):
                full |= count > whole or (count == whole and spare <= 0) or (most is not None and count >= most)
                spare -= count == whole
        if full:
            continue
        for number, (whole, _) in enumerate(bounds):
            for group in groups[number][place]:
                once_more[number] += counts[number][group] == whole
                counts[number][group] += 1
        yield row
        taken += 1
        if taken == size:
            return
