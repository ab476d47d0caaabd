"""A mix of what somebody chose: a few of many songs that together show all of it, in an order that flows.

The songs are cut into as many patches as the list is to have songs (k-means), and the list takes the song in the middle
of each, so that it is spread as the songs are: many from where they are many, and none twice from one corner while
another has none. Where a song may not be in the list, because of a rule, the next of its patch comes in.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from songspace.playlists.mixes.picking import pick
from songspace.playlists.order import order
from songspace.playlists.rules import Rules, sitting_out
from songspace.playlists.steps import TRANSITION
from songspace.space import Space

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
    """The songs in the middle of each of so many patches, those of the largest patch first; then the next of each."""
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
    """The centres of k-means, the best of a few starts; the songs themselves where there are not more."""
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
