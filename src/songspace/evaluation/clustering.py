"""Agreement of labels with clusters: k-means and a mixture of Gaussians with as many clusters as labels.

This is the poster's test. The clustering does not use labels; only the score does.

Metrics
-------
* :func:`v_measure`: harmonic mean of homogeneity and completeness (Rosenberg & Hirschberg, EMNLP 2007). Random clusters
  score above 0, and higher the more clusters there are, so that it has to be compared with its chance value.
* :func:`adjusted_mutual_information`: mutual information corrected for chance, normalised by the arithmetic mean of
  both entropies or by the larger one (Vinh, Epps & Bailey, JMLR 2010). Chance is 0. It is the main score.

Chance is exact: the expectation over all permutations of the labels. It assumes independent songs. Songs of one artist
are not independent, so that an encoder that only knows artists scores a little above it.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import xlogy
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.cluster import expected_mutual_information
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from songspace.categories import artist_codes, integers
from songspace.evaluation.labels import check_labels
from songspace.evaluation.neighbors import check_vectors
from songspace.intervals import Score, Smaller, halves

METHODS = ("kmeans", "mixture")
STARTS = 10
STARTS_AGAIN = 3
"""Starts for the intervals, which cluster many smaller collections: with fewer starts, scores scatter a little more."""
FEWEST = 4
"""Fewest songs for each cluster for which there are intervals. With fewer, nearly every song of a half is a cluster of
its own, and the AMI is 0 in any space: with 2.5 songs for each cluster, equally good encoders were distinguished by
mistake in 23 % of simulated collections."""
MIXTURE_DIMENSIONS = 20


def validate(vectors: np.ndarray, labels: Sequence[Hashable], n_clusters: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors as floats and labels as integers; raise ValueError or SongspaceError if they do not fit."""
    vectors = check_vectors(vectors)
    if n_clusters is not None and not 2 <= n_clusters <= len(vectors):
        raise ValueError(f"n_clusters must lie between 2 and the {len(vectors)} songs, got {n_clusters}")
    return vectors, check_labels(labels, len(vectors))


def v_measure(labels: Sequence[Hashable], clusters: Sequence[Hashable]) -> float:
    """Compute the V-measure of a clustering, 0 to 1, as scikit-learn does.

    Examples
    --------
    >>> v_measure(["a", "a", "b", "b"], [1, 1, 0, 0])
    1.0
    """
    return _measures(integers(labels), integers(clusters))[2]


def adjusted_mutual_information(
    labels: Sequence[Hashable], clusters: Sequence[Hashable], average: str = "arithmetic"
) -> float:
    """Compute the adjusted mutual information of a clustering, at most 1, as scikit-learn does.

    Parameters
    ----------
    labels, clusters : sequences of length n
    average : {"arithmetic", "max"}
        Normaliser of the mutual information: the mean of both entropies (usual since 2019), or the larger one (as on
        the poster; never above the other if the clustering is better than chance).

    Examples
    --------
    >>> labels, clusters = ["a", "a", "b", "b"], [0, 0, 1, 2]
    >>> round(adjusted_mutual_information(labels, clusters), 3)
    0.571
    >>> round(adjusted_mutual_information(labels, clusters, average="max"), 3)
    0.4
    """
    if average not in ("arithmetic", "max"):
        raise ValueError(f"average must be 'arithmetic' or 'max', got {average!r}")
    ami, ami_max, *_ = _measures(integers(labels), integers(clusters))
    return ami_max if average == "max" else ami


def principal_coordinates(vectors: np.ndarray) -> np.ndarray:
    """Rotate vectors so that their axes are the directions of greatest spread; distances do not change.

    Parameters
    ----------
    vectors : array of shape (n, d)

    Returns
    -------
    float64 array of shape (n, min(n, d))
        Centred; the spread falls from column to column. With more dimensions than songs, only the inner products of the
        songs are decomposed, so that 16,064 dimensions of 400 songs take no longer than 400.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    if centred.shape[1] > len(centred):
        spread, axes = np.linalg.eigh(centred @ centred.T)
        turned = axes * np.sqrt(np.maximum(spread, 0))
    else:
        _, axes = np.linalg.eigh(centred.T @ centred)
        turned = centred @ axes
    return np.ascontiguousarray(turned[:, ::-1])


def mixture_dimensions(n: int, n_clusters: int) -> int:
    """Return the number of principal coordinates for the mixture: one for two songs of a cluster, at most 20.

    A full covariance with more dimensions than songs in its cluster is singular. The mixture then only repeats the
    k-means clusters that it starts from (the equal bars of the poster). Diagonal covariances in many dimensions follow
    differences of scale instead of places.
    """
    return int(np.clip(n // (2 * n_clusters), 1, MIXTURE_DIMENSIONS))


def assign(
    coordinates: np.ndarray,
    n_clusters: int,
    *,
    seeds: Sequence[int],
    starts: int = STARTS,
    methods: Sequence[str] = METHODS,
) -> dict[str, list[np.ndarray]]:
    """Cluster songs by one or more methods, once for each seed.

    Parameters
    ----------
    coordinates : array of shape (n, d)
        From :func:`principal_coordinates`.
    starts : int
        Number of starts; the best one is kept.
    methods : sequence of str
        Methods, out of :data:`METHODS`.

    Returns
    -------
    dict
        For each method, one int array of shape (n,) for each seed: the cluster of each song.
    """
    few = coordinates[:, : mixture_dimensions(len(coordinates), n_clusters)]
    few = few / (np.sqrt(np.mean(few**2)) or 1.0)  # so that `reg_covar` means the same in every space

    models = {
        "kmeans": (KMeans(n_clusters, n_init=starts), coordinates),
        "mixture": (GaussianMixture(n_clusters, n_init=starts, reg_covar=1e-3, max_iter=200), few),
    }

    def fit(method: str, seed: int) -> np.ndarray:
        model, points = models[method]
        return np.asarray(model.set_params(random_state=seed).fit_predict(points))

    with warnings.catch_warnings():
        # Too few distinct songs, or a mixture that does not converge, are faults of the encoder: the score shows them.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {method: [fit(method, seed) for seed in seeds] for method in methods}


def scores(
    vectors: np.ndarray,
    labels: Sequence[Hashable],
    *,
    n_clusters: int | None = None,
    seeds: int = 5,
    artists: Sequence[Hashable | None] | None = None,
    both_normalisers: bool = False,
    methods: Sequence[str] = METHODS,
    random_state: int = 0,
) -> dict[str, Score]:
    """Compute the scores of :func:`evaluate` with their scatter, for differences between encoders."""
    vectors, codes = validate(vectors, labels, n_clusters)
    wanted = n_clusters or int(codes.max()) + 1
    # With thousands of songs a second thread gains little, and loses much when another process needs the core.
    with threadpool_limits(1):
        coordinates = principal_coordinates(vectors)
        clusterings = assign(coordinates, wanted, seeds=clustering_seeds(seeds, random_state), methods=methods)
        smaller = halves(artist_codes(artists, len(vectors)), random_state=random_state)
        if len(vectors) < FEWEST * wanted:
            smaller = replace(smaller, kept=smaller.kept[:0])
        again = [
            assign(principal_coordinates(coordinates[kept]), wanted, seeds=[seed], starts=STARTS_AGAIN, methods=methods)
            if _tells(codes[kept], wanted)
            else None
            for kept, seed in zip(smaller.kept, clustering_seeds(len(smaller.kept) or 1, random_state), strict=False)
        ]
    by_metric = scores_of(codes, clusterings, smaller, again)
    return {name: score for name, score in by_metric.items() if both_normalisers or not name.endswith("ami_max")}


def evaluate(
    vectors: np.ndarray,
    labels: Sequence[Hashable],
    *,
    n_clusters: int | None = None,
    seeds: int = 5,
    artists: Sequence[Hashable | None] | None = None,
    both_normalisers: bool = False,
    random_state: int = 0,
) -> dict[str, Any]:
    """Cluster songs and compare the clusters with labels.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Vectors of songs; centred and of unit length, if songs are compared in this way.
    labels : sequence of length n
        The label of each song; at least two different ones.
    n_clusters : int, optional
        Number of clusters; by default that of the labels.
    seeds : int
        Number of seeds of both methods, each with the best of ten starts; scores are means over them.
    artists : sequence of length n, optional
        The artist of each song, for the intervals (None: an unknown artist with one song): the songs of random halves
        of the artists are clustered again. See :mod:`songspace.intervals`. There are no intervals with fewer than
        :data:`FEWEST` songs for each cluster.
    both_normalisers : bool
        Add AMI with the larger entropy, as on the poster: ``kmeans_ami_max``, ``mixture_ami_max``.
    random_state : int
        Seed of the clusterings and the intervals.

    Returns
    -------
    dict
        ``kmeans_ami``, ``kmeans_v_measure``, ``mixture_ami``, ``mixture_v_measure``, each ``{"value", "chance",
        "interval", "spread"}``; the spread is the standard deviation over seeds. Also the settings.

    Examples
    --------
    >>> vectors = np.repeat(np.eye(3), 10, axis=0)
    >>> labels = ["folk"] * 10 + ["jazz"] * 10 + ["rock"] * 10
    >>> result = evaluate(vectors, labels, seeds=2)
    >>> result["kmeans_ami"]["value"], result["n_clusters"]
    (1.0, 3)
    """
    by_metric = scores(
        vectors,
        labels,
        n_clusters=n_clusters,
        seeds=seeds,
        artists=artists,
        both_normalisers=both_normalisers,
        random_state=random_state,
    )
    n_clusters = n_clusters or len(set(labels))
    settings = {
        "songs": len(labels),
        "n_clusters": n_clusters,
        "seeds": clustering_seeds(seeds, random_state),
        "starts": STARTS,
        "mixture_dimensions": min(mixture_dimensions(len(labels), n_clusters), np.shape(vectors)[1]),
        "random_state": random_state,
    }
    return {name: score.as_dict() for name, score in by_metric.items()} | settings


def clustering_seeds(seeds: int, random_state: int) -> list[int]:
    """Return the seeds of the clusterings; two random states have different ones."""
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    return [int(seed) for seed in np.random.SeedSequence(random_state).generate_state(seeds)]


def _tells(labels: np.ndarray, n_clusters: int) -> bool:
    """Return True if a smaller collection can be scored: it needs enough songs, and two labels."""
    return 2 * len(labels) >= 3 * n_clusters and len(np.unique(labels)) > 1


def scores_of(
    labels: np.ndarray,
    clusterings: Mapping[str, Sequence[np.ndarray]],
    smaller: Smaller | None = None,
    again: Sequence[Mapping[str, Sequence[np.ndarray]] | None] = (),
) -> dict[str, Score]:
    """Score clusterings: the mean AMI and V-measure of each method over its seeds.

    Parameters
    ----------
    labels : int array of shape (n,)
    clusterings : mapping of str to sequence of int arrays of shape (n,)
        For each method, the clusters of each seed.
    smaller, again : optional
        Smaller collections, for the intervals, and the clusters of each by each method; None for those that cannot be
        scored.
    """
    smaller = smaller or Smaller(np.zeros((0, len(labels)), bool), 1.0, 1.0)
    by_metric = {}
    for method, assignments in clusterings.items():
        values = np.array([_measures(labels, clusters) for clusters in assignments])
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(4)
        drawn = [
            (np.nan,) * 4 if clusters is None else _measures(labels[kept], clusters[method][0])
            for kept, clusters in zip(smaller.kept, again, strict=True)
        ]
        scatters = [smaller.scatter(column) for column in np.reshape(drawn, (-1, 4)).T]
        ami, ami_max, v, chance = values.mean(axis=0)
        by_metric[f"{method}_ami"] = Score(ami, 0.0, scatters[0], spread[0], lowest=-1.0)
        by_metric[f"{method}_ami_max"] = Score(ami_max, 0.0, scatters[1], spread[1], lowest=-1.0)
        by_metric[f"{method}_v_measure"] = Score(v, chance, scatters[2], spread[2])
    return by_metric


def _measures(labels: np.ndarray, clusters: np.ndarray) -> tuple[float, float, float, float]:
    """Compute AMI with both normalisers, V-measure and the chance value of the V-measure."""
    table = _table(labels, clusters)
    mutual, mean, larger = _information(table)
    expected = _expected(table)
    ami, ami_max = (np.clip(_ratio(mutual - expected, most - expected), -1, 1) for most in (mean, larger))
    v, chance = (np.clip(_ratio(part, mean), 0, 1) for part in (mutual, expected))
    return float(ami), float(ami_max), float(v), float(chance)


def _table(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Count the songs of each label (row) in each cluster (column): the contingency table."""
    rows, columns = int(labels.max()) + 1, int(clusters.max()) + 1
    return np.bincount(labels * columns + clusters, minlength=rows * columns).reshape(rows, columns)


def _information(table: np.ndarray) -> tuple[float, float, float]:
    """Compute the mutual information of labels and clusters, the mean of their entropies and the larger, in nats."""
    n = table.sum()
    joint, rows, columns = (xlogy(x, x).sum() for x in (table, table.sum(axis=1), table.sum(axis=0)))
    mutual = np.log(n) + (joint - rows - columns) / n
    return mutual, np.log(n) - (rows + columns) / (2 * n), np.log(n) - min(rows, columns) / n


def _expected(table: np.ndarray) -> float:
    """Compute the expected mutual information of permuted labels."""
    table = table[table.any(axis=1)][:, table.any(axis=0)]  # without empty labels and clusters
    return float(expected_mutual_information(table, int(table.sum())))


def _ratio(part: Any, whole: Any) -> np.ndarray:
    """Compute ``part / whole``; 1 if ``whole`` is 0: where there is no information, all of it is known."""
    something = np.abs(whole) > 1e-12
    return np.where(something, part / np.where(something, whole, 1.0), 1.0)
