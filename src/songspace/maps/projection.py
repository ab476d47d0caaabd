"""From many dimensions to two: t-SNE and PCA, as a new map or as an extension of an older one."""

from __future__ import annotations

import os

import numpy as np

FEWEST = 10
"""Fewest different songs for t-SNE: with fewer there are no neighbourhoods, and PCA is used."""

PERPLEXITY = 30.0
MANY = 5000
"""Fewest songs for several threads: with fewer, they wait for each other too long on shared cores."""

_STEPS, _MORE = 100, 600
"""Steps of t-SNE for an extension, and additional steps in proportion to the share of new songs. Then new songs are
at their neighbours, a new kind of music has its place among the others, and old songs hardly move (bench/maps.py)."""

_NEIGHBORS = 10
_MOST = 2**29  # the most comparisons of new songs with old ones: about a second


def layout(vectors: np.ndarray, *, method: str = "tsne", seed: int = 0, perplexity: float = PERPLEXITY) -> np.ndarray:
    """Compute a place on a map for each song.

    t-SNE (van der Maaten and Hinton 2008) is computed by openTSNE, from exact neighbours, and starts at the first two
    principal components. It keeps neighbourhoods; its axes, and the distances of far groups, have no meaning. PCA keeps
    the directions in which songs differ most.

    Parameters
    ----------
    vectors : array of shape (n, d)
        One vector for each song; distances between them are Euclidean.
    method : {"tsne", "pca"}
        Method; with fewer than ten different songs, always PCA.
    seed : int
        Seed; the same seed and vectors give the same map, on any number of cores.
    perplexity : float
        Approximate number of neighbours of a song in t-SNE: at most a third of the other songs.

    Returns
    -------
    ndarray of shape (n, 2), float32

    Raises
    ------
    ValueError
        If the vectors are not a matrix of finite numbers, or there is no such method.

    Examples
    --------
    >>> line = np.array([[0.0, 0, 0], [3, 4, 0], [6, 8, 0]])
    >>> layout(line, method="pca")[:, 0]
    array([-5.,  0.,  5.], dtype=float32)
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    if vectors.ndim != 2:
        raise ValueError(f"vectors must have shape (n, d), got {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite, but some are NaN or infinite")
    if method not in ("tsne", "pca"):
        raise ValueError(f"method must be 'tsne' or 'pca', got {method!r}")
    plane = _pca(vectors)
    if method == "pca" or len(np.unique(vectors, axis=0)) < FEWEST:
        return plane.astype(np.float32)
    return _tsne(vectors, plane, seed, perplexity)


def _pca(vectors: np.ndarray) -> np.ndarray:
    """Compute the first two principal components, with signs that make the largest loadings positive."""
    n, d = vectors.shape
    plane = np.zeros((n, 2))
    if n == 0 or d == 0:
        return plane
    centered = vectors - vectors.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    axes = axes[:2]
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]
    plane[:, : len(axes)] = centered @ axes.T
    return plane


def _tsne(vectors: np.ndarray, plane: np.ndarray, seed: int, perplexity: float) -> np.ndarray:
    from openTSNE import TSNE

    n = len(vectors)
    start = 1e-4 * plane / plane[:, 0].std()
    # Copies of a song start slightly apart: otherwise they would always stay at one point.
    start += np.random.default_rng(seed).normal(scale=1e-6, size=start.shape)
    tsne = TSNE(
        perplexity=min(perplexity, (n - 1) / 3),
        initialization=start,
        neighbors="exact",
        n_jobs=(os.cpu_count() or 1) if n >= MANY else 1,
        random_state=seed,
    )
    return np.asarray(tsne.fit(vectors), dtype=np.float32)


def extend(
    vectors: np.ndarray, before: np.ndarray, *, seed: int = 0, perplexity: float = PERPLEXITY
) -> np.ndarray | None:
    """Extend a t-SNE map by new songs.

    New songs start at songs that sound alike (see :func:`beside`); then all songs take some steps of t-SNE together.
    The old songs fit already, so that mostly the new ones move. A group of new songs pushes others aside. (openTSNE's
    ``transform`` moves only the new songs, without regard to each other, so that such a group would cover old songs.)

    Parameters
    ----------
    vectors : array of shape (n, d)
        One vector for each song.
    before : array of shape (n, 2)
        Places in the older map, in the scale of t-SNE; NaN for new songs.
    seed, perplexity
        As in :func:`songspace.maps.layout`.

    Returns
    -------
    ndarray of shape (n, 2), float32, or None
        Places; None if there are too few different songs for t-SNE.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    vectors = np.asarray(vectors, dtype=np.float32)
    n = len(vectors)
    if len(np.unique(vectors, axis=0)) < FEWEST:
        return None
    start = beside(vectors, before)
    # Copies, and new songs at the same place, start slightly apart: otherwise they would stay at one point.
    start = start + np.random.default_rng(seed).normal(scale=1e-3, size=start.shape)
    jobs = (os.cpu_count() or 1) if n >= MANY else 1
    near = PerplexityBasedNN(
        vectors, perplexity=min(perplexity, (n - 1) / 3), method="exact", n_jobs=jobs, random_state=seed
    )
    embedding = TSNEEmbedding(start, near, n_jobs=jobs, random_state=seed)
    steps = _STEPS + round(_MORE * float(np.isnan(before[:, 0]).mean()))
    return np.asarray(embedding.optimize(steps, momentum=0.8), dtype=np.float32)


def beside(vectors: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Place new songs at the median of the places of their neighbours.

    Parameters
    ----------
    vectors : array of shape (n, d)
        One vector for each song.
    before : array of shape (n, 2)
        Places of the old songs, at least one; NaN for new songs.

    Returns
    -------
    ndarray of shape (n, 2), float64
        Places of all songs; old songs keep theirs.

    Examples
    --------
    >>> beside(np.array([[0.0], [1], [9], [0.4]]), np.array([[0.0, 0], [1, 1], [5, 5], [np.nan, np.nan]]))[3]
    array([1., 1.])
    """
    places = np.array(before, dtype=np.float64)
    new, known = np.flatnonzero(np.isnan(places[:, 0])), np.flatnonzero(~np.isnan(places[:, 0]))
    if not len(new):
        return places
    known = known[:: 1 + len(new) * len(known) // _MOST]  # a sample of very many songs is enough
    old = np.asarray(vectors, dtype=np.float32)[known]
    half = (old * old).sum(axis=1) / 2
    k = min(_NEIGHBORS, len(known))
    for rows in np.array_split(new, 1 + len(new) * len(known) // 2**23):
        away = half - np.asarray(vectors[rows], dtype=np.float32) @ old.T  # in the order of distances
        nearest = np.argpartition(away, k - 1, axis=1)[:, :k]
        places[rows] = np.median(places[known[nearest]], axis=1)
    return places


def align(points: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, float]:
    """Rotate, mirror, move and scale a map so that its songs are as near as possible to their places in another map.

    Parameters
    ----------
    points : array of shape (n, 2)
        Places in the map.
    to : array of shape (n, 2)
        Places in the other map; NaN for songs that it does not have.

    Returns
    -------
    points : ndarray of shape (n, 2), float64
        New places (Schönemann and Carroll 1970); unchanged if the maps have fewer than two places in common.
    scale : float
        Factor of the distances.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [0, 1], [1, 1], [1, 0]])
    >>> align(square, 3 * square[:, ::-1])[0].round(6).tolist() == (3 * square[:, ::-1]).tolist()
    True
    """
    points = np.asarray(points, dtype=np.float64)
    both = ~np.isnan(to[:, 0])
    if not both.any():
        return points, 1.0
    here, there = points[both], np.asarray(to, dtype=np.float64)[both]
    middle, goal = here.mean(axis=0), there.mean(axis=0)
    left, strengths, right = np.linalg.svd((here - middle).T @ (there - goal))
    size = float(np.square(here - middle).sum())
    if not size or not strengths.sum():
        return points, 1.0
    scale = float(strengths.sum()) / size
    return scale * (points - middle) @ (left @ right) + goal, scale
