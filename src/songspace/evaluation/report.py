"""Several encoders side by side on the same songs: one result that JSON knows, and one table that a person reads.

Beside every score stand chance and a 95 % interval, and beside the scores what is needed to make them again:
seeds, settings, versions. Encoders are compared by paired differences: each resampled collection scores both.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from songspace.evaluation import clustering, hubness, intervals, retrieval
from songspace.evaluation.checks import artist_codes, check_vectors
from songspace.evaluation.intervals import Score
from songspace.evaluation.labels import Labels

MAX_CLUSTERED = 5000
"""Of a larger collection a random sample of so many songs is clustered; neighbours are sought among all."""

HEADLINES = ("kmeans_ami", "precision")
"""The scores by which encoders are compared."""

_PACKAGES = ("songspace", "numpy", "scipy", "scikit-learn")


def validate(
    embeddings: Mapping[str, np.ndarray], labels: Sequence[str | None], artists: Sequence[Hashable | None]
) -> None:
    """Raise ValueError unless each encoder has one vector, and labels and artists one entry, for each song."""
    if not embeddings:
        raise ValueError("There are no embeddings to score")
    sizes = {name: len(vectors) for name, vectors in embeddings.items()}
    sizes |= {"labels": len(labels), "artists": len(artists)}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"Expected the same songs everywhere, got {sizes}")


def evaluate(
    embeddings: Mapping[str, np.ndarray],
    labels: Labels | Sequence[str | None],
    *,
    artists: Sequence[Hashable | None] | None = None,
    seeds: int = 5,
    k: int = 10,
    random_state: int = 0,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Score encoders on the same labelled songs.

    Parameters
    ----------
    embeddings : mapping of str to array of shape (n, d)
        Song vectors of each encoder, the songs in one order; centred and of unit length, if that is how they are
        compared elsewhere. The first encoder is the one that the others are compared with.
    labels : Labels or sequence of length n
        Songs whose label is None are left out.
    artists : sequence of length n, optional
        By default those of ``labels``. None stands for an unknown artist, of whom no other song is known.
    seeds : int
        Clustering seeds.
    k : int
        Length of the lists of neighbours.
    random_state : int
        Equal numbers give equal results on the same machine.
    on_progress : callable, optional
        Called as ``on_progress(stage, done, total)`` before each encoder and at the end.

    Returns
    -------
    dict
        ``encoders`` (for each name its ``dimensions``, the scores of :mod:`~songspace.evaluation.clustering` and
        :mod:`~songspace.evaluation.retrieval` as ``{"value", "chance", "interval"}``, and the ``skewness`` and
        ``antihubs`` of :mod:`~songspace.evaluation.hubness`), ``differences`` of the ``HEADLINES`` to the first
        encoder, ``songs``, ``labels`` (how many songs each has), ``artists``, ``left_out``, ``settings``,
        ``versions``.

    Raises
    ------
    SongspaceError
        If fewer than two labels are left.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = ["folk", "jazz"] * 20
    >>> good = np.eye(2)[[0, 1] * 20] + rng.normal(0, 0.1, (40, 2))
    >>> result = evaluate({"good": good, "blind": rng.normal(size=(40, 2))}, labels, seeds=1)
    >>> result["encoders"]["good"]["kmeans_ami"]["value"]
    1.0
    >>> result["differences"]["blind"]["precision"]["value"] < -0.3
    True
    """
    values: Sequence[str | None] = labels.values if isinstance(labels, Labels) else labels
    if artists is None:
        artists = labels.artists if isinstance(labels, Labels) else [None] * len(labels)
    validate(embeddings, values, artists)
    rows = [row for row, value in enumerate(values) if value is not None]
    said, people = [values[row] for row in rows], [artists[row] for row in rows]
    found: dict[str, dict[str, Score]] = {}
    encoders: dict[str, dict[str, Any]] = {}
    for done, (name, vectors) in enumerate(embeddings.items()):
        if on_progress:
            on_progress(f"scoring {name}", done, len(embeddings))
        vectors = check_vectors(np.asarray(vectors)[rows])
        found[name] = _scores(vectors, said, people, seeds=seeds, k=k, random_state=random_state)
        hubs = hubness.evaluate(vectors, k=k)
        encoders[name] = {
            "dimensions": vectors.shape[1],
            **{metric: score.as_dict() for metric, score in found[name].items()},
            "skewness": hubs["skewness"],
            "antihubs": hubs["antihubs"],
        }
    if on_progress:
        on_progress("scored", len(embeddings), len(embeddings))
    return {
        "encoders": encoders,
        "differences": _differences(found),
        "songs": len(rows),
        "labels": dict(sorted(Counter(said).items())),
        "artists": len(set(artist_codes(people, len(rows)).tolist())),
        "left_out": _left_out(labels, len(rows)),
        "settings": {
            "clustered": min(len(rows), MAX_CLUSTERED),
            "seeds": clustering.clustering_seeds(seeds, random_state),
            "starts": clustering.STARTS,
            "mixture_dimensions": clustering.mixture_dimensions(min(len(rows), MAX_CLUSTERED), len(set(said))),
            "neighbors": retrieval.coverage(said, artists=people, k=k),
            "draws": intervals.DRAWS,
            "random_state": random_state,
        },
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
    }


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """Lay a result out as rows of text: a head, a row for each encoder, and chance.

    Returns
    -------
    list of list of str
        Scores as ``value [interval]``; a dash where there is none.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> result = evaluate({"blind": rng.normal(size=(40, 2))}, ["folk", "jazz"] * 20, seeds=1)
    >>> head, blind, chance = table(result)
    >>> head[:3], chance[:3]
    (['encoder', 'k-means AMI', 'k-means V'], ['chance', '0.000', '0.019'])
    """
    columns = {
        "k-means AMI": "kmeans_ami",
        "k-means V": "kmeans_v_measure",
        "mixture AMI": "mixture_ami",
        "mixture V": "mixture_v_measure",
        f"P@{result['settings']['neighbors']['k']}": "precision",
    }
    encoders = result["encoders"]
    head = ["encoder", *columns, "hub skewness", "never a neighbour"]
    rows = [
        [
            name,
            *(_cell(scores.get(c)) for c in columns.values()),
            f"{scores['skewness']:.2f}",
            f"{scores['antihubs']:.0%}",
        ]
        for name, scores in encoders.items()
    ]
    chances = [[scores[c]["chance"] for scores in encoders.values() if c in scores] for c in columns.values()]
    return [head, *rows, ["chance", *(f"{np.mean(c):.3f}" if c else "–" for c in chances), "–", "–"]]


def _cell(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "–"
    bounds = score["interval"]
    return f"{score['value']:.3f}" + (f" [{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else "")


def _scores(
    vectors: np.ndarray,
    labels: Sequence[Hashable],
    artists: Sequence[Hashable | None],
    *,
    seeds: int,
    k: int,
    random_state: int,
) -> dict[str, Score]:
    rows = list(range(len(vectors)))
    if len(rows) > MAX_CLUSTERED:
        rows = sorted(np.random.default_rng(random_state).choice(rows, MAX_CLUSTERED, replace=False).tolist())
    found = clustering.scores(
        vectors[rows],
        [labels[row] for row in rows],
        artists=[artists[row] for row in rows],
        seeds=seeds,
        random_state=random_state,
    )
    if artist_codes(artists, len(artists)).any():  # of one artist only, nobody is left to be a neighbour
        found |= retrieval.scores(vectors, labels, artists=artists, k=k, random_state=random_state)
    return found


def _differences(found: Mapping[str, Mapping[str, Score]]) -> dict[str, dict[str, Any]]:
    """Each encoder minus the first, with paired intervals."""
    (_, first), *others = found.items()
    return {
        name: {metric: scores[metric].minus(first[metric]) for metric in HEADLINES if metric in first}
        for name, scores in others
    }


def _left_out(labels: Labels | Sequence[str | None], kept: int) -> dict[str, int]:
    """Why songs were not scored."""
    if isinstance(labels, Labels):
        return {"without_label": labels.missing, "label_of_one_song": labels.alone, "unknown_paths": labels.unmatched}
    return {"without_label": len(labels) - kept}
