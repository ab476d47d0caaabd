"""The regions of a library: where its songs gather, found without a tag.

k-means, on what songs have in common. A learnt space spreads songs over all of its dimensions, most of which tell
single songs and artists apart; the k-means solution lies in the first principal directions (Ding & He 2004), so that
the rest is noise to it. Songs are laid on twice as many of these directions as there are to be regions, and scaled to
unit length there.

How many regions there are is asked of the library: cuts that are learnt from different songs agree better than chance
where they have found something (Ben-Hur et al. 2002), and what counts is how much better they agree than on a cloud of
the same spread in every direction that has no regions at all (Dudoit & Fridlyand 2002). Silhouettes will not do: in
these spaces they rise until every album is a region.
"""

from __future__ import annotations

import warnings

import numpy as np

SMALLEST = 5
"""Songs of a region; fewer go to its neighbours."""

ROOM = 8
"""Songs of the library for each region at least, if nobody says how many."""

_AXES = 64  # principal directions that are looked at
_SAMPLE = 1000  # songs that stand for a large library where cuts are compared
_FITTED = 20_000  # and where the final cut is learnt
_SUBSETS = 8  # of the songs, whose cuts are compared
_DRAWN = 0.8  # how much of the songs each of them holds
_CLOUDS = 3  # without regions, to compare with
_UNTOLD = 0.05  # of agreement: as much as three clouds leave open
_STARTS = 16  # of the final clustering; the best is kept
_QUICK = 8  # of those that are compared
_STEPS = 15  # of each


def regions(vectors: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """Cut songs into regions.

    Parameters
    ----------
    vectors : array of shape (n, d)
    count : int
        How many regions; fewer are found where some would have fewer than :data:`SMALLEST` songs, or there are
        fewer different songs.
    seed : int
        Where the clustering starts.

    Returns
    -------
    int array of shape (n,)
        The region of each song, from 0, the largest first.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> songs = np.repeat(np.eye(3), [5, 7, 9], axis=0) + 0.1 * rng.normal(size=(21, 3))
    >>> regions(songs, 3).tolist()
    [2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    laid = _laid(_coordinates(vectors), count)
    centers = _centers(laid[_some(len(laid), _FITTED)], count, seed, _STARTS)
    while True:
        region = _nearest(laid, centers)
        sizes = np.bincount(region, minlength=len(centers))
        if len(centers) == 1 or sizes.min() >= SMALLEST:
            break
        centers = np.delete(centers, sizes.argmin(), axis=0)
    by_size = np.argsort(-sizes, kind="stable")
    return np.argsort(by_size)[region]


def how_many(vectors: np.ndarray, among: range) -> int:
    """Into how many regions songs fall.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Of a large library a fixed sample is asked.
    among : range
        The numbers to choose from.

    Returns
    -------
    int
        The number whose cuts agree most above what a cloud without regions gives; of those that cannot be told apart
        by that, the one whose cuts agree most. Fewer where there are not :data:`ROOM` songs for each region.
    """
    most = max(1, min(among[-1], len(vectors) // ROOM))
    least = min(among[0], most)
    if least == most:
        return most
    songs = _coordinates(vectors[_some(len(vectors), _SAMPLE)])
    spread = songs.std(axis=0)
    clouds = [np.random.default_rng(draw).normal(size=songs.shape) * spread for draw in range(_CLOUDS)]
    agree = {k: agreement(songs, k) for k in range(least, most + 1)}
    above = {k: agree[k] - np.mean([agreement(cloud, k) for cloud in clouds]) for k in agree}
    best = max(above.values())
    return max((k for k in above if above[k] >= best - _UNTOLD), key=lambda k: (agree[k], k))


def agreement(songs: np.ndarray, k: int) -> float:
    """Return how well cuts into k regions agree that are learnt from different songs.

    Random subsets are cut, and all songs are put into the regions that each of them gives.

    Parameters
    ----------
    songs : array of shape (n, m)
        Coordinates around their mean.

    Returns
    -------
    float
        The mean adjusted Rand index (Hubert & Arabie 1985) of two cuts: 1 for equal ones, 0 by chance.
    """
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(k)
    size = max(k, round(_DRAWN * len(songs)))
    cuts: list[np.ndarray] = []
    for seed in range(_SUBSETS):
        subset = songs[np.sort(rng.choice(len(songs), size, replace=False))]
        turned = _directions(subset)
        cuts.append(_nearest(_laid(songs @ turned, k), _centers(_laid(subset @ turned, k), k, seed, _QUICK)))
    pairs = [(a, b) for i, a in enumerate(cuts) for b in cuts[:i]]
    return float(np.mean([adjusted_rand_score(a, b) for a, b in pairs]))


def _coordinates(vectors: np.ndarray) -> np.ndarray:
    """Songs around their mean, on their principal directions: shape (n, at most 64)."""
    some = vectors[_some(len(vectors), _SAMPLE)].astype(np.float64)
    mean = some.mean(axis=0)
    some -= mean
    if some.shape[1] > len(some):  # spectrograms as they are: the same directions, from the products of songs
        strength, among = np.linalg.eigh(some @ some.T)
        kept = np.flatnonzero(strength > 1e-9 * max(strength[-1], 1e-9))[::-1][:_AXES]
        axes = some.T @ (among[:, kept] / np.sqrt(strength[kept]))
    else:
        axes = _directions(some)
    found: np.ndarray = (vectors @ axes.astype(vectors.dtype)).astype(np.float64) - mean @ axes
    return found


def _directions(songs: np.ndarray) -> np.ndarray:
    """Return the principal directions of centred songs, the strongest first, as columns."""
    directions: np.ndarray = np.linalg.eigh(songs.T @ songs)[1][:, ::-1][:, :_AXES]
    return directions


def _laid(songs: np.ndarray, k: int) -> np.ndarray:
    """Songs on their first 2k directions, of unit length there."""
    laid = songs[:, : 2 * k]
    length = np.linalg.norm(laid, axis=1, keepdims=True)
    return np.divide(laid, length, out=np.zeros_like(laid), where=length > 1e-6)


def _centers(laid: np.ndarray, k: int, seed: int, starts: int) -> np.ndarray:
    """Return the centres of k-means, the best of a few starts.

    Fewer than k where there are not so many different songs.
    """
    from scipy.cluster.vq import kmeans2

    k = min(k, len(np.unique(laid.round(9), axis=0)))
    if k < 2:
        return laid.mean(axis=0, keepdims=True)
    rng = np.random.default_rng(seed)
    tried = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # its centre stays where it is
        for _ in range(starts):
            centers, region = kmeans2(laid, k, iter=_STEPS, minit="++", seed=rng)
            tried.append((float(np.square(laid - centers[region]).sum()), centers))
    found: np.ndarray = min(tried, key=lambda one: one[0])[1]
    return found


def _nearest(laid: np.ndarray, centers: np.ndarray) -> np.ndarray:
    found: np.ndarray = (np.einsum("ij,ij->i", centers, centers) - 2 * laid @ centers.T).argmin(axis=1)
    return found


def _some(n: int, most: int) -> np.ndarray:
    """Return a fixed sample of so many out of n, in order; all, if there are no more."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))
