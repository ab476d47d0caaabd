"""Mixes: the library cut into a handful of coherent lists that together show what is in it.

Every list comes from one region of the library (:mod:`songspace.playlists.mixes.regions`), and from its core: from the
middle of the region the list's own middle moves to where the songs around it are (a mean shift), so that it consists
of songs that are near one another, and not of whatever lies between several kinds of music. A song that is far less
near to that middle than the others is left out.
"""

from __future__ import annotations

import warnings
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
    """Return the songs of a region that its list may be taken from, those nearest to the list's middle first."""
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
    """Return the first songs of a ranking that can stand in a list together.

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
    """Return whether some songs can stand in a list: of songs by one artist each, :func:`_fitting` knows it."""
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


_FITTED = 2000  # songs of which the patches are learnt
_STARTS = 8  # of k-means; the best is kept
_STEPS = 15  # of k-means


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
    """Make a list of some of the songs that are given.

    Parameters
    ----------
    space : Space
    rows : sequence of int
        The songs to choose from; one that stands there twice counts once.
    length : int
        Most songs in the list: where the rules allow no more, it has fewer.
    rules : Rules, optional
        By default no rule but that a song plays once. Gaps are narrowed only where all is by so few artists that
        there would be no list of half as many songs otherwise.
    variety : float
        0 gives the songs in the middle of each patch. Up to 1, more and more songs, chosen by ``seed``, sit out while
        there are others.
    seed : int
    transition : float
        How much ends and beginnings of songs weigh in a step, 0 to 1: see :class:`~songspace.playlists.steps.Steps`.

    Returns
    -------
    list of int
        Different rows of those given, in the order of playing; the same for the same arguments. Empty if none is left
        by the rules.

    Raises
    ------
    ValueError
        If there is no such row, or an argument is out of its range.

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
    # Songs in the order of their ids: what is found does not depend on which row a song stands in.
    given = given[np.argsort(space.numbers[given], kind="stable")]
    if len(given) == 0:
        return []
    ranked = np.concatenate([_ranked(space, some, length) for some in (given[~idle[given]], given[idle[given]])])
    chosen = pick(ranked, length, rules, fewest=min(length, len(ranked)) // 2)
    chosen = sorted(chosen, key=lambda row: space.numbers[row])
    return order(space, chosen, rules=rules.loosened(chosen), transition=transition)


def _ranked(space: Space, songs: np.ndarray, count: int) -> np.ndarray:
    """Rank songs: the middle one of each patch, that of the largest patch first; then the next of each."""
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
    """Return the centres of k-means, the best of a few starts; the songs themselves where there are not more."""
    from scipy.cluster.vq import kmeans2

    rng = np.random.default_rng(0)
    some = vectors if len(vectors) <= _FITTED else vectors[np.sort(rng.choice(len(vectors), _FITTED, replace=False))]
    different = np.unique(some.astype(np.float64), axis=0)
    if len(different) <= count:
        return different
    tried = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # its centre stays where it is
        for _ in range(_STARTS):
            centers, patch = kmeans2(some.astype(np.float64), count, iter=_STEPS, minit="++", seed=rng)
            tried.append((float(np.square(some - centers[patch]).sum()), centers))
    found: np.ndarray = min(tried, key=lambda one: one[0])[1]
    return found
