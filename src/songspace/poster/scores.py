"""The poster's test and better ones: their items, and the scores of the clusters of each embedding."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from songspace.categories import integers
from songspace.encoders.registry import BY_HAND, UNTRAINED
from songspace.evaluation import clustering
from songspace.intervals import HALVES, SURE, Scatter, Score, holm
from songspace.poster.data import Data
from songspace.poster.learning import Embedding
from songspace.poster.splits import BY_ARTIST, BY_SONG, SCORED, balanced
from songspace.poster.store import Store, digest
from songspace.space import Space

METRICS = {
    "kmeans_ami": "k-means AMI",
    "kmeans_ami_max": "k-means AMI (max)",
    "kmeans_v_measure": "k-means V",
    "default_mixture_ami": "default mixture AMI",
    "default_mixture_ami_max": "default mixture AMI (max)",
    "default_mixture_v_measure": "default mixture V",
    "mixture_ami": "careful mixture AMI",
    "mixture_ami_max": "careful mixture AMI (max)",
    "mixture_v_measure": "careful mixture V",
}
"""The scores and their names. The default mixture is the poster's: scikit-learn's default settings, on all numbers. The
careful one takes at most 20 rescaled coordinates and ``reg_covar=1e-3`` against collapsing, and is the best of ten.
"""
HEADLINE = "kmeans_ami"

SPLITS = {"artist": BY_ARTIST, "song": BY_SONG}
LEAKY = "leaky"
LEVELS = ("segments", "songs")

PAIRS = (
    ("ali_right", "pca_then"),
    ("ali_right", "ali_random"),
    ("ali_right", UNTRAINED),
    ("ali_right", "pca"),
    ("ali_right", BY_HAND),
    ("ali_right", "ali_described"),
    ("ali_right", "ali_run"),
    ("ali_run", "pca_then"),
    ("ali_run", "ali_drawn"),
    ("ali_described", "ali_drawn"),
    ("pca", "pca_then"),
    ("contrastive", "contrastive_untrained"),
    ("contrastive", "linear"),
    ("contrastive", BY_HAND),
    ("linear", BY_HAND),
    ("linear", "pca"),
    ("linear", "ali_right"),
)
"""Pairs of embeddings that are compared: is the first better than the second?"""


@dataclass(frozen=True)
class Test:
    """Items that are clustered together.

    Attributes
    ----------
    split : {"artist", "song", "leaky"}
        The unit that training and test do not share; "leaky" is as on the poster, where they share songs.
    level : {"segments", "songs"}
        The kind of the items.
    subset : bool
        True if it has the chosen genres only.
    items : int array of shape (n,)
        Rows of segments, or numbers of songs.
    labels : list of str
        The genre of each item.
    artists : list of str
        The artist of each item. A song of an unknown artist stands for an artist: its segments are drawn together.
    """

    split: str
    level: str
    subset: bool
    items: np.ndarray
    labels: list[str]
    artists: list[str]

    @property
    def name(self) -> str:
        """A short name, also for files."""
        return f"{self.split}-{self.level}" + ("-subset" if self.subset else "")

    @property
    def genres(self) -> list[str]:
        """The genres, sorted by name."""
        return sorted(set(self.labels), key=str.casefold)

    def only(self, genres: Sequence[str]) -> Test:
        """Return the same test of some genres."""
        kept = np.flatnonzero([label in genres for label in self.labels])
        return Test(
            self.split,
            self.level,
            True,
            self.items[kept],
            [self.labels[i] for i in kept],
            [self.artists[i] for i in kept],
        )


def make_tests(
    data: Data, sides: np.ndarray, leaky_rows: np.ndarray, subset: Sequence[str], *, seed: int
) -> list[Test]:
    """Make the tests that have at least two genres with two items each.

    The leaky one comes last, and only together with another one.
    """
    tests: list[Test] = []

    def add(test: Test) -> None:
        if _usable(test):
            tests.append(test)
        if 1 < len(subset) < len(data.genres) and _usable(chosen := test.only(subset)):
            tests.append(chosen)

    for split, side in SPLITS.items():
        for level in LEVELS:
            songs = np.flatnonzero(sides == side)
            per_song = [data.rows_of([int(song)]) if level == "segments" else np.array([song]) for song in songs]
            clips = [data.clips[song] for song in songs]
            items = balanced(
                [clip.identity for clip in clips], [clip.genre for clip in clips], per_song, most=SCORED, seed=seed
            )
            add(of_items(data, split, level, items))
    if tests:
        add(of_items(data, LEAKY, "segments", leaky_rows))
    return tests


def of_items(data: Data, split: str, level: str, items: np.ndarray) -> Test:
    """Make a test of rows or songs."""
    clips = [data.clips[song] for song in (data.songs[items] if level == "segments" else items)]
    artists = [clip.artist or f"unknown, of {clip.identity}" for clip in clips]
    return Test(split, level, False, items, [clip.genre for clip in clips], artists)


def _usable(test: Test) -> bool:
    return len(test.genres) > 1 and len(test.items) >= 2 * len(test.genres)


def own_numbers(embedding: Embedding, data: Data, test: Test) -> np.ndarray:
    """Return the vectors of the items of a test: segments unchanged, songs as in a ``Space``."""
    if test.level == "segments":
        return embedding.encoding(data, test.items)(test.items)
    encode = embedding.encoding(data, data.rows_of(test.items))
    means = np.stack([encode(data.rows_of([song])).mean(axis=0) for song in test.items])
    return np.asarray(Space.from_vectors(means).vectors)


def place(embedding: Embedding, data: Data, test: Test) -> np.ndarray:
    """Return the vectors of the items of a test, rotated to one coordinate for each item if they have more numbers.

    The rotation keeps all distances.
    """
    vectors = own_numbers(embedding, data, test)
    if vectors.shape[1] > len(vectors):
        return clustering.principal_coordinates(vectors).astype(np.float32)
    return vectors


def places(embedding: Embedding, data: Data, test: Test, store: Store) -> np.ndarray:
    """Return the output of :func:`place`; it is stored if it takes long."""
    if embedding.kind.fitted == "training":
        return place(embedding, data, test)
    key = digest(embedding.key, test.level, test.items.tolist())
    name = f"places-{embedding.kind.key}-{test.name}"
    return store.arrays(name, key, lambda: {"vectors": place(embedding, data, test)})["vectors"]


def score(embedding: Embedding, data: Data, test: Test, store: Store, *, seeds: int, seed: int) -> dict[str, Score]:
    """Score an embedding in a test, with the scatter for its intervals.

    The scores of the default mixture are missing if scikit-learn cannot fit it.
    """
    parts = [test.items.tolist(), test.labels, test.artists, seeds, seed, HALVES]
    key = digest(embedding.key, test.level, *parts)

    def cluster() -> dict[str, np.ndarray]:
        vectors = places(embedding, data, test, store)
        by_metric = clustering.scores(
            vectors, test.labels, seeds=seeds, artists=test.artists, both_normalisers=True, random_state=seed
        )
        by_metric |= default_mixture(vectors, test.labels, seeds=clustering.clustering_seeds(seeds, seed))
        numbers = {
            name: [s.value, s.chance, s.spread or 0.0, s.lowest, s.scatter.scale, s.scatter.degrees]
            for name, s in by_metric.items()
        }
        halves = {f"{name}-halves": s.scatter.values for name, s in by_metric.items()}
        return {name: np.array(values) for name, values in numbers.items()} | halves

    held = store.arrays(f"scores/{embedding.kind.key}-{test.name}", key, cluster)
    scores = {}
    for metric in METRICS:
        if metric not in held:
            continue
        value, chance, spread, lowest, scale, degrees = held[metric].tolist()
        scatter = Scatter(held[f"{metric}-halves"], scale, degrees)
        scores[metric] = Score(value, chance, scatter, spread, lowest)
    return scores


def differences(scores: Mapping[str, Mapping[str, Score]], unjudged: Collection[str] = ()) -> list[dict[str, Any]]:
    """Compute the paired differences of ``PAIRS`` in the headline score, and their meaning.

    Returns
    -------
    list of dict
        ``better``, ``than`` (keys of embeddings), ``difference``, ``interval``, ``p_holm`` (the p-value, corrected for
        all pairs) and ``says``: "better", "worse", "may be chance", "unknown" with too few artists for an interval, or
        "too few steps" if one of the two is ``unjudged``.
    """
    pairs = [(better, than) for better, than in PAIRS if better in scores and than in scores]
    answers = [scores[better][HEADLINE].minus(scores[than][HEADLINE]) for better, than in pairs]
    judged = [not {better, than} & set(unjudged) for better, than in pairs]
    corrected = holm([answer["p"] if judgeable else None for answer, judgeable in zip(answers, judged, strict=True)])
    return [
        {"better": better, "than": than, "difference": answer["value"], "interval": answer["interval"], "p_holm": p}
        | {"says": meaning(answer["value"], p) if judgeable else "too few steps"}
        for (better, than), answer, p, judgeable in zip(pairs, answers, corrected, judged, strict=True)
    ]


def meaning(difference: float, p: float | None) -> str:
    """Return the meaning of a difference with its corrected p-value.

    Examples
    --------
    >>> meaning(0.1, 0.01), meaning(0.1, 0.2), meaning(-0.1, 0.01), meaning(0.1, None)
    ('better', 'may be chance', 'worse', 'unknown')
    """
    if p is None:
        return "unknown"
    if p >= SURE:
        return "may be chance"
    return "better" if difference > 0 else "worse"


def default_mixture(vectors: np.ndarray, labels: Sequence[str], *, seeds: Sequence[int]) -> dict[str, Score]:
    """Score scikit-learn's Gaussian mixture with default settings and one component for each label, as on the poster.

    Full covariances in more dimensions than a cluster has items are singular. The mixture then mostly repeats the
    k-means that it starts from: this is the reason for the equal bars of the poster.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Unchanged vectors.
    labels : sequence of length n
        The label of each vector.
    seeds : sequence of int
        Values of scikit-learn's ``random_state``, which the poster did not set.

    Returns
    -------
    dict
        ``default_mixture_ami``, ``default_mixture_ami_max`` and ``default_mixture_v_measure``; empty if scikit-learn
        refuses the covariances as ill-conditioned.
    """
    clusterings = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the poster's mixtures ended after 100 steps, too
        for seed in seeds:
            model = GaussianMixture(len(set(labels)), random_state=seed)
            try:
                clusterings.append(model.fit_predict(np.asarray(vectors, np.float64)))
            except ValueError as error:
                if "ill-defined empirical covariance" in str(error):
                    return {}
                raise
    return clustering.scores_of(integers(labels), {"default_mixture": clusterings})
