"""Mixes: a few coherent lists that together represent the library.

Each list comes from the core of one region of the library (:mod:`songspace.playlists.mixes.regions`). The centre of the
list starts at the centre of the region and moves to the mean of the songs around it (mean shift), so that the list
consists of similar songs, and not of songs between several kinds of music. Songs that are much farther from the centre
than the others are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from songspace.playlists.mixes import regions
from songspace.playlists.order import order
from songspace.playlists.rules import Rules, sitting_out
from songspace.playlists.spacing import Spacing
from songspace.playlists.steps import TRANSITION, Smoothness, smoothness
from songspace.space import Space

LENGTH = 20
"""Default number of songs in a mix: a little more than an hour."""

HANDFUL = range(4, 11)
"""Possible numbers of mixes, if none is given."""

_FRINGE = 0.5  # a song less than half as close to the centre as the songs around it is left out
_SHIFTS = 20  # most steps of the mean shift


@dataclass(frozen=True)
class Mix:
    """One of the mixes of a library.

    Attributes
    ----------
    rows : list of int
        Songs in the order of playing.
    core : list of int
        The same songs, the nearest to the centre first.
    region : int
        Number of songs in its region.
    coherence : float
        Mean distance of two of its songs as a share of the typical distance in the library; 1 is no better than random.
    smoothness : Smoothness
        Smoothness of ``rows``.
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
    """Make a few coherent lists that represent a library.

    Parameters
    ----------
    space : Space
    count : int, optional
        Number of lists; by default the number of regions (:func:`songspace.playlists.mixes.regions.how_many`). A small
        library gets fewer.
    length : int
        Most songs in each list.
    variety : float
        0 takes the songs nearest to the centre of each region. Towards 1, more and more songs, drawn by ``seed``, are
        left out while there are others.
    seed : int
        Seed of the clustering and of the songs that are left out.
    rules : Rules, optional
        By default each song plays once. A gap is reduced only if it would leave fewer than
        :data:`~songspace.playlists.mixes.regions.SMALLEST` songs of a region.

    Returns
    -------
    list of Mix
        Those of the largest regions first, without common songs.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> kinds = np.repeat(np.eye(4), 30, axis=0)
    >>> made = mixes(Space.from_vectors(kinds + 0.1 * rng.normal(size=(120, 4))), length=10)
    >>> [(len(mix.rows), len({row // 30 for row in mix.rows})) for mix in made]
    [(10, 1), (10, 1), (10, 1), (10, 1)]
    """
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    rules = Rules.of(len(space), artist_gap=0) if rules is None else rules
    # In the order of ids, so that results do not depend on the rows of songs.
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
            ordered = order(space, sorted(core, key=lambda row: space.numbers[row]), rules=rules.loosened(core))
            smooth = smoothness(space, ordered)
            made.append(Mix(ordered, core, len(inside), _coherence(space, core, smooth), smooth))
    return made


def _core(vectors: np.ndarray, songs: np.ndarray, length: int) -> np.ndarray:
    """Return the songs of a region for its list, the nearest to the centre of the list first."""
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


def pick(ranked: np.ndarray, length: int, rules: Rules, *, fewest: int = 1) -> list[int]:
    """Return the first songs of a ranking that can be in a list together.

    Parameters
    ----------
    ranked : int array of shape (m,)
        Rows, the best first.
    length : int
        Number of songs.
    rules : Rules
    fewest : int
        If gaps would make the list shorter than this, they are reduced.

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
        picked: list[int] = []
        looser = Rules(tuple(spacings), rules.barred)
        for size in range(min(length, len(ranked)), 0, -1):
            picked = list(_fitting(ranked, size, spacings))
            if len(picked) == size and _can_be_ordered(picked, looser):
                break
        if len(picked) >= fewest:
            break
    return picked


def _can_be_ordered(rows: list[int], rules: Rules) -> bool:
    """Return True if an order of songs keeps the gaps; :func:`_fitting` ensures it for songs of one group each."""
    if not any(rule.groups_of(rows).shape[1] > 1 for rule in rules.spacings):
        return True
    return rules.gaps_only().fill([None] * len(rows), rows, lambda _: np.zeros(len(rows))) is not None


def _fitting(ranked: np.ndarray, size: int, spacings: Sequence[Spacing]) -> Iterator[int]:
    """Yield the first songs that can be spread over ``size`` places.

    In ``whole * (gap + 1) + rest`` places each group fits ``whole`` times, and ``rest`` of the groups once more.
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


_FITTED = 2000  # songs for k-means
_STARTS = 8  # of k-means; the best result is kept


def mix_within(
    space: Space,
    rows: Sequence[int],
    *,
    length: int,
    rules: Rules | None = None,
    variety: float = 0.0,
    seed: int = 0,
    transition: float = TRANSITION,
) -> list[int]:
    """Make a list that represents given songs.

    Parameters
    ----------
    space : Space
    rows : sequence of int
        The songs to choose from; duplicates count once.
    length : int
        Most songs in the list; the rules may allow only fewer.
    rules : Rules, optional
        By default each song plays once. Gaps are reduced only if they would leave less than half of the songs.
    variety : float
        0 takes the song nearest to the centre of each cluster. Towards 1, more and more songs, drawn by ``seed``, are
        left out while there are others.
    seed : int
    transition : float
        Weight of ends and beginnings in a step, 0 to 1; see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Different rows in the order of playing; the same for the same arguments. Empty if the rules leave none.

    Raises
    ------
    ValueError
        If a row does not exist, or an argument is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> kinds = np.repeat(np.eye(4), [40, 10, 10, 10], axis=0)
    >>> space = Space.from_vectors(kinds + 0.1 * rng.normal(size=(70, 4)))
    >>> sorted({(0 if row < 40 else 1 + (row - 40) // 10) for row in mix_within(space, range(70), length=6)})
    [0, 1, 2, 3]
    """
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    rules = rules or Rules.of(len(space), artist_gap=0)
    idle = sitting_out(len(space), variety, seed)
    given = np.unique([space.checked(row) for row in rows]).astype(np.int64)
    given = given[~rules.barred[given]]
    # In the order of ids, so that results do not depend on the rows of songs.
    given = given[np.argsort(space.numbers[given], kind="stable")]
    if len(given) == 0:
        return []
    ranked = np.concatenate([_ranked(space, some, length) for some in (given[~idle[given]], given[idle[given]])])
    chosen = pick(ranked, length, rules, fewest=min(length, len(ranked)) // 2)
    chosen = sorted(chosen, key=lambda row: space.numbers[row])
    return order(space, chosen, rules=rules.loosened(chosen), transition=transition)


def _ranked(space: Space, songs: np.ndarray, count: int) -> np.ndarray:
    """Rank songs: the nearest to the centre of each cluster, from the largest cluster on; then the next of each."""
    if len(songs) == 0:
        return songs
    vectors = space.vectors[songs]
    centers = _centers(vectors, count)
    apart = np.einsum("ij,ij->i", centers, centers) - 2 * vectors @ centers.T
    patch = apart.argmin(axis=1)
    away = np.take_along_axis(apart, patch[:, None], axis=1)[:, 0] + np.einsum("ij,ij->i", vectors, vectors)
    by_patch = np.lexsort((away, patch))
    begins = np.searchsorted(patch[by_patch], np.arange(len(centers)))
    place = np.empty(len(songs), dtype=np.int64)
    place[by_patch] = np.arange(len(songs)) - begins[patch[by_patch]]
    sizes = np.bincount(patch, minlength=len(centers))
    return songs[np.lexsort((patch, -sizes[patch], place))]


def _centers(vectors: np.ndarray, count: int) -> np.ndarray:
    """Return the centres of k-means; the different vectors themselves if there are no more than ``count``."""
    rng = np.random.default_rng(0)
    some = vectors if len(vectors) <= _FITTED else vectors[np.sort(rng.choice(len(vectors), _FITTED, replace=False))]
    some = some.astype(np.float64)
    different = np.unique(some, axis=0)
    return different if len(different) <= count else regions.best_centers(some, count, rng, starts=_STARTS)
