"""Comparison of several encoders on the same songs: a result for JSON, a table and sentences.

Every score has its chance value and a 95 % interval. The result contains all that is needed to repeat it: seeds,
settings, versions. Encoders are compared by paired differences: each smaller collection scores both. As there are many
comparisons, their p-values are corrected (Holm); a difference is called sure only if it remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from songspace import intervals, provenance
from songspace.categories import artist_codes
from songspace.encoders.registry import BY_HAND, UNTRAINED
from songspace.evaluation import clustering, hubness, retrieval
from songspace.evaluation.labels import Labels
from songspace.evaluation.neighbors import check_points
from songspace.intervals import MIN_ARTISTS, SURE, Score, holm
from songspace.space import Space

MAX_CLUSTERED = 5000
"""The most songs that are clustered, drawn at random; neighbours are searched among all."""

HEADLINES = ("kmeans_ami", "precision", "average_precision")
"""The scores by which encoders are compared."""

ROLES = {BY_HAND: "hand-made", UNTRAINED: "a network as it was drawn"}
"""Encoders that serve for comparison, with a description."""

_PACKAGES = ("songspace", "numpy", "scipy", "scikit-learn")


def validate(
    embeddings: Mapping[str, np.ndarray | Space], labels: Sequence[str | None], artists: Sequence[Hashable | None]
) -> None:
    """Raise ValueError unless each encoder has one vector, and labels and artists one entry, for each song."""
    if not embeddings:
        raise ValueError("There are no embeddings to score")
    sizes = {name: len(vectors) for name, vectors in embeddings.items()}
    sizes |= {"labels": len(labels), "artists": len(artists)}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"Expected the same songs everywhere, got {sizes}")


def evaluate(
    embeddings: Mapping[str, np.ndarray | Space],
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
    embeddings : mapping of str to Space, or to array of shape (n, d)
        The songs of each encoder, in one order. Neighbours in a space are those of the space; neighbours of vectors are
        the nearest by Euclidean distance. The other encoders are compared with the first one.
    labels : Labels or sequence of length n
        The label of each song; songs whose label is None are left out.
    artists : sequence of length n, optional
        The artist of each song; by default those of ``labels``. None is an unknown artist with one song.
    seeds : int
        Number of clustering seeds.
    k : int
        Length of the lists of neighbours.
    random_state : int
        Seed; equal seeds give equal results on the same machine.
    on_progress : callable, optional
        Called as ``on_progress(stage, done, total)`` before each encoder and at the end.

    Returns
    -------
    dict
        ``encoders`` (for each name its ``dimensions``, the scores of :mod:`~songspace.evaluation.clustering` and
        :mod:`~songspace.evaluation.retrieval` as ``{"value", "chance", "interval"}``, the ``skewness``, ``antihubs``
        and ``largest_hub`` of :mod:`~songspace.evaluation.hubness`, and the ranking of its neighbours, ``ranked_by``
        "distance" or "mutual proximity"), ``differences`` of the ``HEADLINES`` to the first encoder (``{"value",
        "interval", "p", "p_holm", "sure"}``, ``p_holm`` corrected for all of them), ``songs``, ``labels`` (the number
        of songs with each), ``artists``, ``left_out``, ``settings``, ``versions`` and the ``machine`` (processor, its
        features, threads).

    Raises
    ------
    SongspaceError
        If there are fewer than two different labels.

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
    known, people = [values[row] for row in rows], [artists[row] for row in rows]
    count = len(set(artist_codes(people, len(rows)).tolist()))
    scores: dict[str, dict[str, Score]] = {}
    encoders: dict[str, dict[str, Any]] = {}
    for done, (name, points) in enumerate(embeddings.items()):
        if on_progress:
            on_progress(f"scoring {name}", done, len(embeddings))
        points = points.only(rows) if isinstance(points, Space) else np.asarray(points)[rows]
        points = check_points(points)
        vectors = points.vectors if isinstance(points, Space) else points
        scores[name] = _clusters(vectors, known, people, seeds=seeds, random_state=random_state)
        if count > 1:  # with one artist only, there are no candidates
            scores[name] |= retrieval.scores(points, known, artists=people, k=k, random_state=random_state)
        hubs = hubness.evaluate(points, k=k)
        encoders[name] = {
            "dimensions": vectors.shape[1],
            "ranked_by": "mutual proximity" if isinstance(points, Space) and points.mutual else "distance",
            **{metric: score.as_dict() for metric, score in scores[name].items()},
            **{figure: hubs[figure] for figure in ("skewness", "antihubs", "largest_hub")},
        }
    if on_progress:
        on_progress("scored", len(embeddings), len(embeddings))
    return {
        "encoders": encoders,
        "differences": _differences(scores),
        "songs": len(rows),
        "labels": dict(sorted(Counter(known).items())),
        "artists": count,
        "left_out": _left_out(labels, len(rows)),
        "settings": {
            "labels": labels.source if isinstance(labels, Labels) else None,
            "split": labels.split if isinstance(labels, Labels) else None,
            "clustered": min(len(rows), MAX_CLUSTERED),
            "seeds": clustering.clustering_seeds(seeds, random_state),
            "starts": clustering.STARTS,
            "mixture_dimensions": clustering.mixture_dimensions(min(len(rows), MAX_CLUSTERED), len(set(known))),
            "neighbors": retrieval.coverage(known, artists=people, k=k),
            "deletions": min(count, intervals.MOST_DELETIONS) if count >= MIN_ARTISTS else 0,
            "halves": intervals.HALVES if count >= MIN_ARTISTS else 0,
            "random_state": random_state,
        },
        "versions": provenance.versions(_PACKAGES),
        "machine": provenance.machine(),
    }


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """Format a result as rows of text: a head, a row for each encoder, and chance.

    Returns
    -------
    list of list of str
        Scores as ``value ±half of the interval``, or a dash if there is none. The table fits into 100 columns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> result = evaluate({"blind": rng.normal(size=(40, 2))}, ["folk", "jazz"] * 20, seeds=1)
    >>> head, blind, chance = table(result)
    >>> head[:3], chance[:3]
    (['encoder', 'k-means AMI', 'k-means V'], ['chance', '0.00', '0.02'])
    """
    columns = {
        "k-means AMI": "kmeans_ami",
        "k-means V": "kmeans_v_measure",
        "mixture AMI": "mixture_ami",
        f"P@{result['settings']['neighbors']['k']}": "precision",
        "mAP": "average_precision",
    }
    encoders = result["encoders"]
    head = ["encoder", *columns, "hub skew", "never reached", "top hub"]
    rows = [
        [
            name,
            *(_cell(scores.get(c)) for c in columns.values()),
            f"{scores['skewness']:.2f}",
            f"{scores['antihubs']:.1%}",
            str(scores["largest_hub"]),
        ]
        for name, scores in encoders.items()
    ]
    chances = [[scores[c]["chance"] for scores in encoders.values() if c in scores] for c in columns.values()]
    return [head, *rows, ["chance", *(f"{np.mean(c):.2f}" if c else "–" for c in chances), "–", "–", "–"]]


def sentences(result: Mapping[str, Any]) -> list[str]:
    """Describe a result in sentences: the first encoder against chance and the others, and the antihubs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> good = np.eye(2)[[0, 1] * 20] + rng.normal(0, 0.1, (40, 2))
    >>> result = evaluate({"good": good, "random": rng.normal(size=(40, 2))}, ["folk", "jazz"] * 20, seeds=1)
    >>> sentences(result)[0]
    "Of 10 neighbours, good finds 10.0 with the song's own label; chance is 4.9."
    """
    (first, scores), *others = result["encoders"].items()
    k = result["settings"]["neighbors"]["k"]
    metric, of, digits = ("precision", k, 1) if "precision" in scores else ("kmeans_ami", 1, 2)
    value, chance = (f"{of * scores[metric][part]:.{digits}f}" for part in ("value", "chance"))
    if metric == "precision":
        # If every artist has one song, as with artists as labels, the artist filter has left out no song.
        others_only = "" if result["artists"] == result["songs"] else " by other artists"
        ceiling = result["settings"]["neighbors"]["ceiling"]
        most = k if ceiling is None else k * ceiling
        lines = [f"Of {k} neighbours{others_only}, {first} finds {value} with the song's own label; chance is {chance}"]
        lines[0] += f", and the most there could be is {most:.1f}." if round(most, 1) < k else "."
    else:  # all songs are by one artist
        lines = [f"The clusters that {first} finds agree with the labels by {value} of 1 (AMI); chance is {chance}."]
    for name, theirs in others:
        verdict = _verdict(first, result["differences"][name][metric], of, result["artists"])
        lines.append(f"{_named(name)} finds {of * theirs[metric]['value']:.{digits}f}: {verdict}.")
    if any(_taken_back(differences[metric]) for differences in result["differences"].values()):
        count = sum(map(len, result["differences"].values()))
        lines.append(
            f"Each interval is of one difference alone. {count} were compared, and some of these are large by "
            "chance: where that may be so (Holm's correction), nothing is called better or worse."
        )
    antihubs = scores["antihubs"]
    reached = f"{antihubs:.1%} of the songs are never among" if antihubs else "every song is among"
    largest = scores["largest_hub"]
    lines.append(f"With {first} {reached} the {k} nearest of another; the largest hub is so for {largest} songs.")
    if cured := [name for name, theirs in result["encoders"].items() if theirs["ranked_by"] != "distance"]:
        lines.append(f"Spaces that have hubs are ranked by mutual proximity: {', '.join(cured)}.")
    return lines


def _verdict(first: str, difference: Mapping[str, Any], of: int, artists: int) -> str:
    """Describe the difference of an encoder to the first one, from the view of the first."""
    if difference["interval"] is None:
        if difference["value"] == 0:
            return "no difference"
        if artists < MIN_ARTISTS:
            return "there are too few artists to say whether that is chance"
        return "that is so whichever artists are left out, so there is nothing to tell chance by"
    low, high = sorted(-of * bound for bound in difference["interval"])
    better = "worse" if difference["value"] > 0 else "better"
    verdict = f"{first} is {better}" if difference["sure"] else "the difference may be chance"
    return f"{verdict} (95 % interval of the difference {low:.2f} to {high:.2f})"


def _taken_back(difference: Mapping[str, Any]) -> bool:
    """Return True if the interval of a difference excludes 0, but the difference is not sure after correction."""
    interval = difference["interval"]
    return interval is not None and not difference["sure"] and not interval[0] <= 0 <= interval[1]


def _named(name: str) -> str:
    return f"{name} ({ROLES[name]})" if name in ROLES else name


def _cell(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "–"
    if score["interval"] is None:
        return f"{score['value']:.2f}"
    low, high = score["interval"]
    half = f"{max((high - low) / 2, 0.01):.2f}".lstrip("0")
    return f"{score['value']:.2f} ±{half}"


def _clusters(
    vectors: np.ndarray,
    labels: Sequence[Hashable],
    artists: Sequence[Hashable | None],
    *,
    seeds: int,
    random_state: int,
) -> dict[str, Score]:
    rows = list(range(len(vectors)))
    if len(rows) > MAX_CLUSTERED:
        rows = sorted(np.random.default_rng(random_state).choice(rows, MAX_CLUSTERED, replace=False).tolist())
    return clustering.scores(
        vectors[rows],
        [labels[row] for row in rows],
        artists=[artists[row] for row in rows],
        seeds=seeds,
        random_state=random_state,
    )


def _differences(by_encoder: Mapping[str, Mapping[str, Score]]) -> dict[str, dict[str, Any]]:
    """Subtract the first encoder from each other one, with paired intervals and corrected p-values."""
    (_, first), *others = by_encoder.items()
    compared = {
        name: {metric: scores[metric].minus(first[metric]) for metric in HEADLINES if metric in first}
        for name, scores in others
    }
    each = [difference for differences in compared.values() for difference in differences.values()]
    for difference, corrected in zip(each, holm([one["p"] for one in each]), strict=True):
        difference |= {"p_holm": corrected, "sure": corrected is not None and corrected < SURE}
    return compared


def _left_out(labels: Labels | Sequence[str | None], kept: int) -> dict[str, int]:
    """Count the songs that were not scored, by reason."""
    if isinstance(labels, Labels):
        return labels.left_out()
    return {"without_label": len(labels) - kept}
