"""The regions of a library: clusters of its songs, found without tags.

The regions are found by k-means on the main directions of the space. A learnt space uses all of its dimensions, and
most of them distinguish single songs and artists. The solution of k-means lies in the first principal directions (Ding
& He 2004); the others are noise. So songs are projected on twice as many principal directions as there are regions, and
scaled to unit length.

The number of regions is estimated by stability: clusterings of different samples of songs agree better than by chance
if there are clusters (Ben-Hur et al. 2002). Their agreement is compared with that on a Gaussian cloud of the same
spread, which has none (Dudoit & Fridlyand 2002). Silhouettes do not help: in these spaces they rise until each album is
a region.
"""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np

SMALLEST = 5
"""Least number of songs of a region; the songs of smaller ones go to its neighbours."""

ROOM = 8
"""Least number of songs for each region, if their number is estimated."""

_AXES = 64  # principal directions
_SAMPLE = 1000  # songs for the estimate of the number of regions
_FITTED = 20_000  # songs for the final clustering
_SUBSETS = 8  # random subsets whose clusterings are compared
_DRAWN = 0.8  # share of the songs in each subset
_CLOUDS = 3  # random clouds for comparison
_UNTOLD = 0.05  # uncertainty of the agreement with three clouds
_STARTS = 16  # starts of k-means for the final clustering; the best result is kept
_QUICK = 8  # starts for the clusterings that are compared
_STEPS = 15  # steps of k-means


def regions(vectors: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """Cluster songs into regions.

    Parameters
    ----------
    vectors : array of shape (n, d)
    count : int
        Number of regions. There are fewer if some would have less than :data:`SMALLEST` songs, or there are fewer
        different songs.
    seed : int
        Seed of the clustering.

    Returns
    -------
    int array of shape (n,)
        Region of each song, from 0, the largest first.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> songs = np.repeat(np.eye(3), [5, 7, 9], axis=0) + 0.1 * rng.normal(size=(21, 3))
    >>> regions(songs, 3).tolist()
    [2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    points = _projected(_coordinates(vectors), count)
    centers = _centers(points[_some(len(points), _FITTED)], count, seed, _STARTS)
    while True:
        region = _nearest(points, centers)
        sizes = np.bincount(region, minlength=len(centers))
        if len(centers) == 1 or sizes.min() >= SMALLEST:
            break
        centers = np.delete(centers, sizes.argmin(), axis=0)
    by_size = np.argsort(-sizes, kind="stable")
    return np.argsort(by_size)[region]


def how_many(vectors: np.ndarray, among: range) -> int:
    """Estimate the number of regions.

    Parameters
    ----------
    vectors : array of shape (n, d)
        A large library is represented by a fixed sample.
    among : range
        Numbers to choose from.

    Returns
    -------
    int
        The number whose clusterings agree most in comparison with random clouds; among about equal ones, the one whose
        clusterings agree most. Fewer if there are less than :data:`ROOM` songs for each region.
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
    """Return the agreement of clusterings into k regions that are learnt from different subsets of songs.

    Random subsets are clustered, and all songs are assigned to the regions of each clustering.

    Parameters
    ----------
    songs : array of shape (n, m)
        Coordinates around their mean.

    Returns
    -------
    float
        Mean adjusted Rand index (Hubert & Arabie 1985) of two clusterings: 1 for equal ones, 0 by chance.
    """
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(k)
    size = max(k, round(_DRAWN * len(songs)))
    assigned: list[np.ndarray] = []
    for seed in range(_SUBSETS):
        subset = songs[np.sort(rng.choice(len(songs), size, replace=False))]
        axes = _directions(subset)
        centers = _centers(_projected(subset @ axes, k), k, seed, _QUICK)
        assigned.append(_nearest(_projected(songs @ axes, k), centers))
    return float(np.mean([adjusted_rand_score(b, a) for a, b in combinations(assigned, 2)]))


def _coordinates(vectors: np.ndarray) -> np.ndarray:
    """Return the coordinates of centred songs on their principal directions: shape (n, at most 64)."""
    some = vectors[_some(len(vectors), _SAMPLE)].astype(np.float64)
    mean = some.mean(axis=0)
    some -= mean
    if some.shape[1] > len(some):  # for many dimensions, such as raw spectrograms, use the products of songs
        strength, among = np.linalg.eigh(some @ some.T)
        kept = np.flatnonzero(strength > 1e-9 * max(strength[-1], 1e-9))[::-1][:_AXES]
        axes = some.T @ (among[:, kept] / np.sqrt(strength[kept]))
    else:
        axes = _directions(some)
    coordinates: np.ndarray = (vectors @ axes.astype(vectors.dtype)).astype(np.float64) - mean @ axes
    return coordinates


def _directions(songs: np.ndarray) -> np.ndarray:
    """Return the principal directions of centred songs, the strongest first, as columns."""
    directions: np.ndarray = np.linalg.eigh(songs.T @ songs)[1][:, ::-1][:, :_AXES]
    return directions


def _projected(songs: np.ndarray, k: int) -> np.ndarray:
    """Project songs on their first 2k directions, and scale them to unit length."""
    points = songs[:, : 2 * k]
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.divide(points, length, out=np.zeros_like(points), where=length > 1e-6)


def _centers(points: np.ndarray, k: int, seed: int, starts: int) -> np.ndarray:
    """Return the centres of k-means, fewer than k if there are fewer different points."""
    k = min(k, len(np.unique(points.round(9), axis=0)))
    if k < 2:
        return points.mean(axis=0, keepdims=True)
    return best_centers(points, k, np.random.default_rng(seed), starts=starts)


def best_centers(points: np.ndarray, k: int, rng: np.random.Generator, *, starts: int) -> np.ndarray:
    """Return the centres of k-means, the best of several starts: shape (k, d)."""
    from scipy.cluster.vq import kmeans2

    tried = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # its centre stays where it is
        for _ in range(starts):
            centers, nearest = kmeans2(points, k, iter=_STEPS, minit="++", seed=rng)
            tried.append((float(np.square(points - centers[nearest]).sum()), centers))
    best: np.ndarray = min(tried, key=lambda one: one[0])[1]
    return best


def _nearest(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    nearest: np.ndarray = (np.einsum("ij,ij->i", centers, centers) - 2 * points @ centers.T).argmin(axis=1)
    return nearest


def _some(n: int, most: int) -> np.ndarray:
    """Return a fixed sample of ``most`` of n numbers, ascending; all if there are no more."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))
