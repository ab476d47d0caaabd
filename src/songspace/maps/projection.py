"""From many dimensions to two: t-SNE and PCA."""

from __future__ import annotations

import os

import numpy as np

FEWEST = 10
"""Of fewer different songs there are no neighbourhoods to keep: t-SNE gives way to PCA."""

PERPLEXITY = 30.0
MANY = 5000
"""From so many songs on, threads are worth their waiting for each other, even where they have to share cores."""


def layout(vectors: np.ndarray, *, method: str = "tsne", seed: int = 0, perplexity: float = PERPLEXITY) -> np.ndarray:
    """Give each song a place on a map.

    t-SNE (van der Maaten and Hinton 2008) by openTSNE, from exact neighbours and the first two principal
    components. It keeps who is whose neighbour; its axes, and the distances between far groups, mean nothing.
    PCA keeps the directions in which songs differ most.

    Parameters
    ----------
    vectors : array of shape (n, d)
        One vector for each song; distances between them are Euclidean.
    method : {"tsne", "pca"}
        With fewer than ten different songs, both are PCA.
    seed : int
        The same seed and vectors give the same map, on any number of cores.
    perplexity : float
        About how many neighbours of a song t-SNE looks at: at most a third of the other songs.

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
    """The first two principal components; each points where its largest loading is positive."""
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
    # Copies of one song start apart, by a little: nothing would ever part them otherwise.
    start += np.random.default_rng(seed).normal(scale=1e-6, size=start.shape)
    tsne = TSNE(
        perplexity=min(perplexity, (n - 1) / 3),
        initialization=start,
        neighbors="exact",
        n_jobs=(os.cpu_count() or 1) if n >= MANY else 1,
        random_state=seed,
    )
    return np.asarray(tsne.fit(vectors), dtype=np.float32)
