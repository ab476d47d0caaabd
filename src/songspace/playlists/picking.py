"""Taking songs for a list from a ranking, under the rules that hold for all lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from songspace.playlists.order import order
from songspace.playlists.rules import ArtistGap
from songspace.space import Space


class Spacing(NamedTuple):
    """How songs of one group (an artist, the versions of a song) are spread over a list."""

    what: str
    group: np.ndarray
    gap: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Rules:
    """Stands in for what :mod:`songspace.playlists.rules` will hold; made by :meth:`of`."""

    spacings: tuple[Spacing, ...]
    barred: np.ndarray

    @classmethod
    def of(
        cls,
        n: int,
        *,
        artists: Sequence[str | None] | None = None,
        artist_gap: int = 2,
        most_of_artist: int | None = None,
        versions: np.ndarray | None = None,
        barred: np.ndarray | None = None,
    ) -> Rules:
        """The rules for the ``n`` songs of a space."""
        spacings = [Spacing("artist", ArtistGap.of(artists, n=n, gap=artist_gap).artist, artist_gap, most_of_artist)]
        if versions is not None:
            spacings.append(Spacing("version", np.asarray(versions), most=1))
        return cls(tuple(spacings), np.zeros(n, bool) if barred is None else np.asarray(barred, bool))


def in_order(space: Space, rows: Sequence[int], rules: Rules) -> list[int]:
    """Songs in an order that flows, with gaps as wide as they allow."""
    artist = next((rule for rule in rules.spacings if rule.what == "artist"), None)
    if artist is None:
        return order(space, rows, artist_gap=0)
    return order(space, rows, artists=[str(group) for group in artist.group.tolist()], artist_gap=artist.gap)


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
        spacings = [rule._replace(gap=max(0, rule.gap - shrink)) for rule in rules.spacings]
        found: list[int] = []
        for size in range(min(length, len(ranked)), 0, -1):
            found = list(_fitting(ranked, size, spacings))
            if len(found) == size:
                break
        if len(found) >= fewest:
            break
    return found


def _fitting(ranked: np.ndarray, size: int, spacings: Sequence[Spacing]) -> Iterator[int]:
    """Songs that can be spread over ``size`` places.

    In ``whole * (gap + 1) + rest`` places a group fits ``whole`` times, and ``rest`` of the groups once more.
    """
    groups = [rule.group[ranked].tolist() for rule in spacings]
    bounds = [divmod(size, rule.gap + 1) if rule.gap else (size, 0) for rule in spacings]
    counts: list[Counter[int]] = [Counter() for _ in spacings]
    once_more = [0] * len(spacings)
    taken = 0
    for place, row in enumerate(ranked.tolist()):
        full = False
        for number, (whole, rest) in enumerate(bounds):
            count, most = counts[number][groups[number][place]], spacings[number].most
            full |= (
                count > whole or (count == whole and once_more[number] >= rest) or (most is not None and count >= most)
            )
        if full:
            continue
        for number, (whole, _) in enumerate(bounds):
            group = groups[number][place]
            once_more[number] += counts[number][group] == whole
            counts[number][group] += 1
        yield row
        taken += 1
        if taken == size:
            return
