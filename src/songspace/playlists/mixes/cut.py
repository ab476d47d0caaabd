"""Mixes: the library cut into a handful of coherent lists that together show what is in it.

Every list comes from one region of the library (:mod:`songspace.playlists.mixes.regions`), and from its core: from the
middle of the region the list's own middle moves to where the songs around it are (a mean shift), so that it consists
of songs that are near one another, and not of whatever lies between several kinds of music. A song that is far less
near to that middle than the others is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songspace.playlists.mixes import regions
from songspace.playlists.mixes.picking import pick
from songspace.playlists.order import order
from songspace.playlists.rules import Rules, sitting_out
from songspace.playlists.steps import Smoothness, smoothness
from songspace.space import Space

LENGTH = 20
"""Songs in a mix: a bit more than an hour."""

HANDFUL = range(4, 11)
"""How many mixes there may be if nobody says so."""

_FRINGE = 0.5  # a song that is less than half as near to the middle as the songs around it are lies on the fringe
_SHIFTS = 20  # at most, of a list's middle


@dataclass(frozen=True)
class Mix:
    """One of the lists that a library is cut into.

    Attributes
    ----------
    rows : list of int
        Its songs in the order of playing.
    core : list of int
        The same, those nearest to its middle first.
    region : int
        How many songs the region has that it was taken from.
    coherence : float
        The mean distance of two of its songs as a share of the library's typical distance: 1 is no better than songs
        taken at random.
    smoothness : Smoothness
        Of its songs in this order.
    """

    rows: list[int]
    core: list[int]
    region: int
    coherence: float
    smoothness: Smoothness


def mixes(
    space: Space,
    *,
    count: int | None = None,
    length: int = LENGTH,
    variety: float = 0.3,
    seed: int = 0,
    rules: Rules | None = None,
) -> list[Mix]:
    """Cut a library into a handful of coherent lists.

    Parameters
    ----------
    space : Space
    count : int, optional
        How many; by default as many as the library has regions by its own account (see
        :func:`songspace.playlists.mixes.regions.how_many`). A library that is too small for so many gets fewer.
    length : int
        Most songs in each.
    variety : float
        0 takes the songs nearest to the middle of each region. Up to 1, more and more songs, chosen by ``seed``, sit
        out while there are others.
    seed : int
        Another seed is another cut: other starts of the clustering, other songs that sit out.
    rules : Rules, optional
        By default no rule but that a song plays once. A gap is narrowed only for a region by so few artists that
        it would leave fewer than :data:`~songspace.playlists.mixes.regions.SMALLEST` songs.

    Returns
    -------
    list of Mix
        Those of the largest regions first. No song is in two of them.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> kinds = np.repeat(np.eye(4), 30, axis=0)
    >>> found = mixes(Space.from_vectors(kinds + 0.1 * rng.normal(size=(120, 4))), length=10)
    >>> [(len(mix.rows), len({row // 30 for row in mix.rows})) for mix in found]
    [(10, 1), (10, 1), (10, 1), (10, 1)]
    """
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    rules = Rules.of(len(space), artist_gap=0) if rules is None else rules
    # Songs in the order of their ids: what is found does not depend on which row a song stands in.
    rows = np.argsort(space.numbers, kind="stable")
    rows = rows[~rules.barred[rows]]
    if len(rows) == 0:
        return []
    vectors = space.vectors[rows]
    if count is None:
        count = regions.how_many(vectors, HANDFUL)
    region = regions.regions(vectors, min(count, max(1, len(rows) // regions.SMALLEST)), seed=seed)
    idle = sitting_out(len(rows), variety, seed)
    made = []
    for number in range(region.max() + 1):
        inside = np.flatnonzero(region == number)
        ranked = _core(vectors, inside, length)
        ranked = np.concatenate([ranked[~idle[ranked]], ranked[idle[ranked]]])
        core = pick(rows[ranked], length, rules, fewest=min(regions.SMALLEST, length))
        if core:
            flowing = order(space, sorted(core, key=lambda row: space.numbers[row]), rules=rules.loosened(core))
            smooth = smoothness(space, flowing)
            made.append(Mix(flowing, core, len(inside), _coherence(space, core, smooth), smooth))
    return made


def _core(vectors: np.ndarray, songs: np.ndarray, length: int) -> np.ndarray:
    """The songs of a region that its list may be taken from, those nearest to the list's middle first."""
    points = vectors[songs]
    around = np.arange(len(songs))
    middle = points.mean(axis=0)
    for _ in range(_SHIFTS):
        near = np.sort(np.argsort(-(points @ middle), kind="stable")[: 2 * length])
        if np.array_equal(near, around):
            break
        around, middle = near, points[near].mean(axis=0)
    nearness = points @ middle
    ranked = np.argsort(-nearness, kind="stable")
    kept = max(regions.SMALLEST, int((nearness >= _FRINGE * nearness[around].mean()).sum()))
    return songs[ranked[:kept]]


def _coherence(space: Space, rows: list[int], smooth: Smoothness) -> float:
    if len(rows) < 2 or not smooth.typical:
        return 0.0
    return float(space.pairwise(rows, rows)[np.triu_indices(len(rows), 1)].mean() / smooth.typical)
