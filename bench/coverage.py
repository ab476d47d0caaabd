"""How often the 95 % intervals hold what is true, and how often equally good encoders are told apart by mistake.

    python bench/coverage.py [--collections 200] [--artists 40 140]

Makes collections of songs of four labels by artists of whom some are typical of their label and some are not, as two
encoders that are equally good see them: half of what they see of an artist is the same. What is true of a score is its
mean over all collections. Beside songspace's intervals stand those of a bootstrap that draws artists as askers only and
keeps the neighbours and clusters of all songs, as they were before.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from songspace.evaluation import clustering, retrieval
from songspace.evaluation.neighbors import nearest
from songspace.intervals import Scatter, Score

LABELS, DIMENSIONS = 4, 16
K = 10
SEPARATION = 2.6
"""Between two labels' typical artists, in standard deviations of a song around its artist, times 2 ** 0.5."""

DRAWS = 400
"""Of the bootstrap."""


@dataclass(frozen=True)
class Collection:
    """Songs as two equally good encoders see them.

    Attributes
    ----------
    encoders : tuple of two float arrays of shape (n, DIMENSIONS)
    labels, artists : int arrays of shape (n,)
    """

    encoders: tuple[np.ndarray, np.ndarray]
    labels: np.ndarray
    artists: np.ndarray


def collection(artists: int, *, balanced: bool, seed: int) -> Collection:
    """Make one.

    Parameters
    ----------
    artists : int
    balanced : bool
        Four songs an artist and as many artists of each label; otherwise 1 to 17 songs, and labels of 40, 30, 20 and
        10 % of the artists.
    seed : int
    """
    rng = np.random.default_rng(seed)
    if balanced:
        label = np.arange(artists) % LABELS
        sizes = np.full(artists, 4)
    else:
        label = rng.choice(LABELS, size=artists, p=[0.4, 0.3, 0.2, 0.1])
        sizes = np.minimum(rng.geometric(0.25, size=artists), 17)
    whose = np.repeat(np.arange(artists), sizes)
    middles = SEPARATION * np.eye(LABELS, DIMENSIONS)
    typical = rng.uniform(0, 2, size=artists)
    shared = rng.normal(size=(artists, DIMENSIONS))

    def seen() -> np.ndarray:
        by_this = np.where(rng.random(artists) < 0.5, typical, rng.uniform(0, 2, size=artists))
        manner = np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(size=shared.shape)
        places = by_this[:, None] * middles[label] + manner
        return np.asarray(places[whose] + rng.normal(size=(len(whose), DIMENSIONS)))

    return Collection((seen(), seen()), label[whose], whose)


Scores = dict[str, Score]
Scorer = Callable[[np.ndarray, Collection], Scores]


def as_songspace_does(vectors: np.ndarray, songs: Collection, methods: Sequence[str] = clustering.METHODS) -> Scores:
    """The scores as `songspace evaluate` gives them."""
    clusters = clustering.scores(vectors, songs.labels, artists=songs.artists, seeds=2, methods=methods)
    lists = retrieval.scores(vectors, songs.labels, artists=songs.artists, k=K)
    return clusters | {f"P@{K}": lists["precision"], "mAP": lists["average_precision"]}


def by_bootstrap(vectors: np.ndarray, songs: Collection) -> Scores:
    """The same scores, with the scatter of resampled askers."""
    count = int(songs.artists.max()) + 1
    rng = np.random.default_rng(0)
    weights = [np.bincount(rng.integers(count, size=count), minlength=count)[songs.artists] for _ in range(DRAWS)]
    coordinates = clustering.principal_coordinates(vectors)
    [clusters] = clustering.assign(coordinates, LABELS, seeds=[0])["kmeans"]
    shares = retrieval.precision(nearest(vectors, K, apart=songs.artists), songs.labels)
    found = {
        "kmeans_ami": [
            clustering.adjusted_mutual_information(np.repeat(songs.labels, w), np.repeat(clusters, w)) for w in weights
        ],
        "kmeans_v_measure": [clustering.v_measure(np.repeat(songs.labels, w), np.repeat(clusters, w)) for w in weights],
        f"P@{K}": [w @ shares / w.sum() for w in weights],
    }
    values = {
        "kmeans_ami": clustering.adjusted_mutual_information(songs.labels, clusters),
        "kmeans_v_measure": clustering.v_measure(songs.labels, clusters),
        f"P@{K}": float(shares.mean()),
    }
    return {name: Score(values[name], 0.0, Scatter(np.array(drawn), 1.0, 1e9)) for name, drawn in found.items()}


Trial = dict[str, list[Any]]
"""Of each score: the value and the interval by both encoders, and the interval of the difference."""


def trial(scorer: Scorer, artists: int, balanced: bool, seed: int) -> Trial:
    """Score both encoders of a collection."""
    songs = collection(artists, balanced=balanced, seed=seed)
    one, other = (scorer(vectors, songs) for vectors in songs.encoders)
    return {
        name: [
            *([score.value, score.as_dict()["interval"]] for score in (one[name], other[name])),
            one[name].minus(other[name])["interval"],
        ]
        for name in one
    }


@dataclass(frozen=True)
class Coverage:
    """What the intervals of one score are worth.

    Attributes
    ----------
    truth : float
        The mean of the score over all collections.
    single : float
        The share of intervals that hold it.
    wrongly_sure : float
        The share of collections in which the interval of the difference does not hold 0.
    width : float
        Mean width of the single intervals.
    """

    truth: float
    single: float
    wrongly_sure: float
    width: float


def covered(trials: Iterable[Trial]) -> dict[str, Coverage]:
    """How often the intervals hold."""
    trials = list(trials)
    found = {}
    for name in trials[0]:
        values = np.array([[one[0] for one in told[name][:2]] for told in trials])
        bounds = np.array([[one[1] for one in told[name][:2]] for told in trials])
        apart = np.array([told[name][2] for told in trials])
        truth = float(values.mean())
        holds = (bounds[..., 0] <= truth) & (truth <= bounds[..., 1])
        wrong = (apart[:, 0] > 0) | (apart[:, 1] < 0)
        width = float(np.mean(bounds[..., 1] - bounds[..., 0]))
        found[name] = Coverage(truth, float(holds.mean()), float(wrong.mean()), width)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collections", type=int, default=200)
    parser.add_argument("--artists", type=int, nargs="+", default=[40, 140])
    wanted = parser.parse_args()
    kinds: Sequence[tuple[str, Scorer]] = (("bootstrap", by_bootstrap), ("songspace", as_songspace_does))
    print("| artists | | intervals | score | true | single ones hold it | width | wrongly sure of a difference |")
    print("|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for artists in wanted.artists:
            for balanced in (True, False):
                for kind, scorer in kinds:
                    trials = pool.map(partial(trial, scorer, artists, balanced), range(wanted.collections))
                    for name, found in covered(trials).items():
                        print(
                            f"| {artists} | {'balanced' if balanced else 'unbalanced'} | {kind} | {name} "
                            f"| {found.truth:.3f} | {found.single:.1%} | {found.width:.3f} "
                            f"| {found.wrongly_sure:.1%} |",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
