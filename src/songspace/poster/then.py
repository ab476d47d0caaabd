"""How the poster scored: scikit-learn's mixture of Gaussians as it comes, on all numbers of a vector.

Its k-means needs nothing of its own: scikit-learn's default of 2017 was ten starts, which is what
:mod:`songspace.evaluation.clustering` takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.stats import entropy
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from songspace.evaluation.clustering import adjusted_mutual_information, v_measure
from songspace.intervals import NOTHING, Score

METHOD = "default_mixture"


def mixture(vectors: np.ndarray, labels: Sequence[str], *, seeds: Sequence[int]) -> dict[str, Score]:
    """The scores of a mixture of as many Gaussians as there are labels: means over seeds, without intervals.

    Full covariances in more dimensions than a cluster has items are singular, so that the mixture mostly repeats the
    one k-means that it began with: that is how the poster's bars came to be equal in pairs.

    Parameters
    ----------
    vectors : array of shape (n, d)
        All numbers, as they are.
    labels : sequence of length n
    seeds : sequence of int
        scikit-learn's ``random_state``, which the poster left to chance.

    Returns
    -------
    dict
        ``default_mixture_ami``, ``default_mixture_ami_max`` and ``default_mixture_v_measure``; nothing if scikit-learn
        finds the covariances too ill-conditioned to go on.
    """
    classes = len(set(labels))
    rows = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the poster's mixtures ended after 100 steps, too
        for seed in seeds:
            try:
                clusters = GaussianMixture(classes, random_state=seed).fit_predict(np.asarray(vectors, np.float64))
            except ValueError as error:
                if "ill-defined empirical covariance" in str(error):
                    return {}
                raise
            ami = [adjusted_mutual_information(labels, clusters, average) for average in ("arithmetic", "max")]
            rows.append([*ami, v_measure(labels, clusters), _chance(labels, clusters)])
    ami, largest, v, chance = np.mean(rows, axis=0)
    spread = np.std(rows, axis=0, ddof=1) if len(rows) > 1 else np.zeros(4)
    return {
        f"{METHOD}_ami": Score(ami, 0.0, NOTHING, spread[0], lowest=-1.0),
        f"{METHOD}_ami_max": Score(largest, 0.0, NOTHING, spread[1], lowest=-1.0),
        f"{METHOD}_v_measure": Score(v, chance, NOTHING, spread[2]),
    }


def _chance(labels: Sequence[str], clusters: np.ndarray) -> float:
    """The V-measure that permuted labels would have on average."""
    table = contingency_matrix(labels, clusters)
    mean = (entropy(table.sum(axis=0)) + entropy(table.sum(axis=1))) / 2
    return float(expected_mutual_information(table, int(table.sum())) / mean) if mean > 0 else 1.0
