"""Are a song's nearest neighbours like it? By its label, and, without any label, by its own other segments.

Metrics
-------
* :func:`precision`: the share of a song's ``k`` nearest that have its label, among songs of *other artists*.
  Without that filter a space may score by knowing singers and studios: one collection fell from 71 % to 27 %
  with it (Pampalk, Flexer & Widmer, ISMIR 2005; Flexer & Schnitzer, Computer Music Journal 2010).
* average precision: how early all songs of its label stand in the list of *all* songs of other artists; its mean
  over songs is the mAP.
* :func:`same_song`: how near a segment's nearest neighbours are to being of the same song. It needs no labels,
  so that any library can check its space.

Chance is exact: what neighbours drawn at random from the same candidates would score on average.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from songspace.categories import artist_codes, integers
from songspace.errors import SongspaceError
from songspace.evaluation.checks import check_labels, check_points, check_vectors
from songspace.evaluation.neighbors import distance_blocks, nearest
from songspace.intervals import Score, resamples
from songspace.space import Space

QUERIES = 5000
"""Songs whose average precision is taken, drawn at random from a larger collection: each sorts all songs."""


def validate(points: np.ndarray | Space, labels: Sequence[Hashable], k: int) -> tuple[np.ndarray | Space, np.ndarray]:
    """Return a space, or vectors as floats, and labels as integers; ValueError or SongspaceError if they are none."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    points = check_points(points)
    return points, check_labels(labels, len(points))


def precision(neighbors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of each row's neighbours that have its label.

    Parameters
    ----------
    neighbors : int array of shape (n, k)
        Rows, however they were found; -1 where there are no more, and then fewer are asked for.
    labels : array of shape (n,)

    Returns
    -------
    float array of shape (n,)
        NaN for a row without neighbours.

    Examples
    --------
    >>> precision(np.array([[1, 2], [0, -1], [-1, -1]]), np.array(["a", "a", "b"])).tolist()
    [0.5, 1.0, nan]
    """
    there = neighbors >= 0
    right = (labels[neighbors] == labels[:, None]) & there
    asked = there.sum(axis=1)
    return np.where(asked > 0, right.sum(axis=1) / np.maximum(asked, 1), np.nan)


def average_precision(ranks: np.ndarray) -> float:
    """The mean of the precisions at the places where something right stands.

    Parameters
    ----------
    ranks : int array of shape (m,)
        The places, ascending, counted from 1, of all that is right.

    Examples
    --------
    >>> round(average_precision(np.array([1, 4])), 2)
    0.75
    """
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def scores(
    points: np.ndarray | Space,
    labels: Sequence[Hashable],
    *,
    artists: Sequence[Hashable | None] | None,
    k: int = 10,
    random_state: int = 0,
) -> dict[str, Score]:
    """The scores of :func:`evaluate` with the draws behind their intervals, for differences between encoders."""
    points, codes = validate(points, labels, k)
    people = artist_codes(artists, len(points))
    right, candidates = _candidates(codes, people)
    asked = candidates > 0
    if not asked.any():
        raise SongspaceError("There is nothing to compare: every song is by the same artist.")
    shares = precision(nearest(points, k, apart=people), codes)[asked]
    found = {"precision": _score(shares, right[asked] / candidates[asked], people[asked], random_state)}
    rows = _drawn(np.flatnonzero(right > 0), QUERIES, random_state)
    if len(rows):

        def sides(row: int) -> tuple[np.ndarray, np.ndarray]:
            others, alike = people != people[row], codes == codes[row]
            return others & alike, others & ~alike

        averages = np.array([average_precision(ranks) for _, ranks, _ in _ranks(points, rows, sides)])
        chances = [_chance_of_average_precision(*pair) for pair in zip(right[rows], candidates[rows], strict=True)]
        found["average_precision"] = _score(averages, np.array(chances), people[rows], random_state)
    return found


def evaluate(
    points: np.ndarray | Space,
    labels: Sequence[Hashable],
    *,
    artists: Sequence[Hashable | None] | None,
    k: int = 10,
    random_state: int = 0,
) -> dict[str, Any]:
    """Ask every song for its nearest songs by other artists, and see how many have its label.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
        A space, whose own order of neighbours counts; or vectors, ranked by Euclidean distance.
    labels : sequence of length n
        What each song is; at least two different ones.
    artists : sequence of length n, or None
        Songs by the same artist are never neighbours. None stands for an unknown artist, of whom no other song
        is known; None for all means no filter.
    k : int
        Neighbours asked for. A song with fewer candidates is asked for all of them and scored by their number.
    random_state : int
        For the interval: a bootstrap over artists of the songs that ask; the songs that answer stay.

    Returns
    -------
    dict
        ``precision`` and ``average_precision`` (its mean; absent if no song has another artist's with its label), each
        ``{"value", "chance", "interval"}``, ``ceiling`` (what a perfect space would score: a label
        may have fewer than ``k`` songs by others), ``k``, ``queries``, ``without_candidates`` (songs left out because
        no other artist is there), ``with_fewer`` (songs with fewer than ``k`` candidates) and ``without_target``
        (songs that ask, but have no average precision because no other artist's song has their label). Equal distances
        count against the encoder in the average precision.

    Raises
    ------
    SongspaceError
        If all songs have the same label or the same artist.

    Examples
    --------
    >>> vectors = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    >>> found = evaluate(vectors, ["folk", "folk", "rock", "rock"], artists=["A", "B", "A", "B"], k=1)
    >>> found["precision"]["value"], found["precision"]["chance"]
    (1.0, 0.5)
    """
    found = scores(points, labels, artists=artists, k=k, random_state=random_state)
    facts = coverage(labels, artists=artists, k=k) | {"random_state": random_state}
    return {name: score.as_dict() for name, score in found.items()} | facts


def coverage(labels: Sequence[Hashable], *, artists: Sequence[Hashable | None] | None, k: int = 10) -> dict[str, Any]:
    """How much can be asked of a collection, whatever the space.

    Returns
    -------
    dict
        ``k``, ``ceiling`` (what a perfect space would score; None if nobody can ask), ``queries``,
        ``without_candidates``, ``with_fewer`` and ``without_target``, as in :func:`evaluate`.
    """
    right, candidates = _candidates(integers(labels), artist_codes(artists, len(labels)))
    asked = candidates > 0
    best = np.minimum(right, k)[asked] / np.minimum(candidates, k)[asked]
    return {
        "k": k,
        "ceiling": float(best.mean()) if asked.any() else None,
        "queries": int(asked.sum()),
        "without_candidates": int(np.sum(~asked)),
        "with_fewer": int(np.sum(asked & (candidates < k))),
        "without_target": int(np.sum(asked & (right == 0))),
    }


def same_song(
    segments: np.ndarray,
    songs: Sequence[Hashable] | np.ndarray,
    *,
    starts: Sequence[float] | np.ndarray | None = None,
    min_gap: float = 5.0,
    queries: int = 2000,
    random_state: int = 0,
) -> dict[str, Any]:
    """Ask segments for their nearest segments, and see whether these are of the same song.

    Parameters
    ----------
    segments : array of shape (n, d)
        Segments of many songs, best of songs that no encoder was trained on.
    songs : sequence of length n
        The song of each segment.
    starts : array of shape (n,), optional
        Where in its song each segment starts, in seconds. Segments of one song that start less than ``min_gap``
        apart share sound, which would make the question trivial: neither is a candidate for the other.
    min_gap : float
        Seconds; the length of a segment by default.
    queries : int
        Segments that ask: so many, drawn at random, or all if there are no more. All segments answer.
    random_state : int
        For the draw, and for the intervals, which are bootstraps over songs.

    Returns
    -------
    dict
        ``top1`` (the share of segments whose nearest is of their song) and ``average_precision`` (of the song's other
        segments in the list of all candidates), each ``{"value", "chance", "interval"}``; ``queries`` and
        ``without_target`` (segments drawn, but left out because their song has no other that is far enough away).
        Equal distances count against the encoder: one that maps everything to one point scores nothing.

    Raises
    ------
    SongspaceError
        If no segment has another one of its song far enough away, or all are of one song.

    Examples
    --------
    >>> segments = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.3]])
    >>> found = same_song(segments, ["a", "a", "a", "b", "b", "b"])
    >>> found["top1"]["value"], round(found["top1"]["chance"], 3)
    (1.0, 0.4)
    """
    found, facts = same_song_scores(
        segments, songs, starts=starts, min_gap=min_gap, queries=queries, random_state=random_state
    )
    return {name: score.as_dict() for name, score in found.items()} | facts


def same_song_scores(
    segments: np.ndarray,
    songs: Sequence[Hashable] | np.ndarray,
    *,
    starts: Sequence[float] | np.ndarray | None = None,
    min_gap: float = 5.0,
    queries: int = 2000,
    random_state: int = 0,
) -> tuple[dict[str, Score], dict[str, Any]]:
    """The scores of :func:`same_song` with the draws behind their intervals, and the facts that stand beside them."""
    segments = check_vectors(segments)
    if len(songs) != len(segments) or (starts is not None and np.shape(starts) != (len(segments),)):
        raise ValueError(f"Expected one song and one start for each of {len(segments)} segments")
    groups = integers(songs)
    times = None if starts is None else np.asarray(starts, dtype=float)
    drawn = _drawn(np.arange(len(segments)), queries, random_state)

    def sides(row: int) -> tuple[np.ndarray, np.ndarray]:
        own = groups == groups[row]
        others = ~own
        own[row] = False
        if times is not None:
            own &= np.abs(times - times[row]) >= min_gap
        return own, others

    asked, found = [], []
    for row, ranks, candidates in _ranks(segments, drawn, sides):
        count = len(ranks)
        chance = _chance_of_average_precision(count, candidates)
        asked.append(row)
        found.append((ranks[0] == 1, count / candidates, average_precision(ranks), chance))
    if not asked or groups.max() == 0:
        raise SongspaceError("There is nothing to compare: no two songs have segments far enough apart.")
    top1, top1_chance, average, average_chance = np.transpose(found).astype(float)
    found_scores = {
        "top1": _score(top1, top1_chance, groups[asked], random_state),
        "average_precision": _score(average, average_chance, groups[asked], random_state),
    }
    facts = {
        "queries": len(asked),
        "without_target": len(drawn) - len(asked),
        "min_gap": None if times is None else float(min_gap),
        "random_state": random_state,
    }
    return found_scores, facts


def _candidates(labels: np.ndarray, artists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each song, how many songs by other artists have its label, and how many there are at all."""
    pairs = integers(zip(labels.tolist(), artists.tolist(), strict=True))
    own = np.bincount(artists)[artists]
    return np.bincount(labels)[labels] - np.bincount(pairs)[pairs], len(labels) - own


def _drawn(rows: np.ndarray, most: int, random_state: int) -> np.ndarray:
    """A random sample of ``most`` rows, or all if there are no more; ascending."""
    if most >= len(rows):
        return rows
    return np.sort(np.random.default_rng(random_state).choice(rows, most, replace=False))


def _score(values: np.ndarray, chances: np.ndarray, artists: np.ndarray, random_state: int) -> Score:
    """Their mean, and its scatter over collections drawn by artists."""
    drawn = resamples(integers(artists), random_state=random_state)
    draws = np.array([weights @ values / weights.sum() for weights in drawn])
    return Score(values.mean(), chances.mean(), draws)


def _ranks(
    points: np.ndarray | Space, queries: np.ndarray, sides: Callable[[int], tuple[np.ndarray, np.ndarray]]
) -> Iterator[tuple[int, np.ndarray, int]]:
    """For each query that has any: the ranks of what is right for it, among how many candidates.

    ``sides`` gives of a row what is right and what is wrong for it, as masks; equal distances count against it.
    """
    for rows, distances in distance_blocks(points, queries):
        for row, line in zip(rows.tolist(), distances, strict=True):
            right, wrong = sides(row)
            if right.any():
                others = np.sort(line[wrong])
                ahead = np.searchsorted(others, np.sort(line[right]), side="right")
                yield row, ahead + np.arange(1, len(ahead) + 1), len(ahead) + len(others)


def _chance_of_average_precision(relevant: int, candidates: int) -> float:
    """The average precision of a list in random order, on average (Bestgen, 2015).

    Where a relevant item stands, that item is right for sure, and those before it are with their share.
    """
    harmonic = float(np.sum(1 / np.arange(1, candidates + 1)))
    rest = (relevant - 1) / max(candidates - 1, 1)
    return (rest * (candidates - harmonic) + harmonic) / candidates
