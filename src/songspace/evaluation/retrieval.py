"""Are a song's nearest neighbours like it? By its label, and, without any label, by its own other segments.

Metrics
-------
* :func:`precision`: the share of a song's ``k`` nearest that have its label, among songs of *other artists*.
  Without that filter a space may score by knowing singers and studios: one collection fell from 71 % to 27 %
  with it (Pampalk, Flexer & Widmer, ISMIR 2005; Flexer & Schnitzer, Computer Music Journal 2010).
* :func:`same_song`: how near a segment's nearest neighbours are to being of the same song. It needs no labels,
  so that any library can check its space.

Chance is exact: what neighbours drawn at random from the same candidates would score on average.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.evaluation.checks import artist_codes, check_labels, check_vectors, integers
from songspace.evaluation.intervals import Score, resamples
from songspace.evaluation.neighbors import distance_blocks, nearest


def validate(vectors: np.ndarray, labels: Sequence[Hashable], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors as floats and labels as integers; ValueError or SongspaceError if they cannot be scored."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    vectors = check_vectors(vectors)
    return vectors, check_labels(labels, len(vectors))


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


def scores(
    vectors: np.ndarray,
    labels: Sequence[Hashable],
    *,
    artists: Sequence[Hashable | None] | None,
    k: int = 10,
    random_state: int = 0,
) -> dict[str, Score]:
    """The scores of :func:`evaluate` with the draws behind their intervals, for differences between encoders."""
    vectors, codes = validate(vectors, labels, k)
    people = artist_codes(artists, len(vectors))
    right, candidates = _candidates(codes, people)
    asked = candidates > 0
    if not asked.any():
        raise SongspaceError("There is nothing to compare: every song is by the same artist.")
    found = precision(nearest(vectors, k, apart=people), codes)[asked]
    chance = np.mean(right[asked] / candidates[asked])
    draws = _drawn_means(found, integers(people[asked]), random_state)
    return {"precision": Score(found.mean(), chance, draws)}


def evaluate(
    vectors: np.ndarray,
    labels: Sequence[Hashable],
    *,
    artists: Sequence[Hashable | None] | None,
    k: int = 10,
    random_state: int = 0,
) -> dict[str, Any]:
    """Ask every song for its nearest songs by other artists, and see how many have its label.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Songs; centred and of unit length, if that is how neighbours will be sought.
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
        ``precision`` (``{"value", "chance", "interval"}``), ``ceiling`` (what a perfect space would score: a label
        may have fewer than ``k`` songs by others), ``k``, ``queries``, ``without_candidates`` (songs left out because
        no other artist is there) and ``with_fewer`` (songs with fewer than ``k`` candidates).

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
    found = scores(vectors, labels, artists=artists, k=k, random_state=random_state)
    facts = coverage(labels, artists=artists, k=k) | {"random_state": random_state}
    return {name: score.as_dict() for name, score in found.items()} | facts


def coverage(labels: Sequence[Hashable], *, artists: Sequence[Hashable | None] | None, k: int = 10) -> dict[str, Any]:
    """How much can be asked of a collection, whatever the space.

    Returns
    -------
    dict
        ``k``, ``ceiling`` (what a perfect space would score; None if nobody can ask), ``queries``,
        ``without_candidates`` and ``with_fewer``, as in :func:`evaluate`.
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
    segments = check_vectors(segments)
    if len(songs) != len(segments) or (starts is not None and np.shape(starts) != (len(segments),)):
        raise ValueError(f"Expected one song and one start for each of {len(segments)} segments")
    groups = integers(songs)
    times = None if starts is None else np.asarray(starts, dtype=float)
    drawn = np.arange(len(segments))
    if queries < len(drawn):
        drawn = np.sort(np.random.default_rng(random_state).choice(drawn, queries, replace=False))
    asked, found = [], []
    for row, ranks, candidates in _ranks(segments, groups, times, min_gap, drawn):
        count = len(ranks)
        asked.append(row)
        found.append(
            (
                ranks[0] == 1,
                count / candidates,
                np.mean(np.arange(1, count + 1) / ranks),
                _chance_of_average_precision(count, candidates),
            )
        )
    if not asked or groups.max() == 0:
        raise SongspaceError("There is nothing to compare: no two songs have segments far enough apart.")
    top1, top1_chance, average, average_chance = np.transpose(found).astype(float)

    def score(values: np.ndarray, chance: np.ndarray) -> dict[str, Any]:
        draws = _drawn_means(values, integers(groups[asked]), random_state)
        return Score(values.mean(), chance.mean(), draws).as_dict()

    return {
        "top1": score(top1, top1_chance),
        "average_precision": score(average, average_chance),
        "queries": len(asked),
        "without_target": len(drawn) - len(asked),
        "min_gap": None if times is None else float(min_gap),
        "random_state": random_state,
    }


def _candidates(labels: np.ndarray, artists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each song, how many songs by other artists have its label, and how many there are at all."""
    pairs = integers(zip(labels.tolist(), artists.tolist(), strict=True))
    own = np.bincount(artists)[artists]
    return np.bincount(labels)[labels] - np.bincount(pairs)[pairs], len(labels) - own


def _drawn_means(values: np.ndarray, artists: np.ndarray, random_state: int) -> np.ndarray:
    """The mean of ``values`` in every collection drawn by artists."""
    drawn = resamples(artists, random_state=random_state)
    return np.array([weights @ values / weights.sum() for weights in drawn])


def _ranks(
    segments: np.ndarray, groups: np.ndarray, times: np.ndarray | None, min_gap: float, queries: np.ndarray
) -> Iterator[tuple[int, np.ndarray, int]]:
    """For each query that has any: the ranks of its song's other segments among how many candidates."""
    for rows, distances in distance_blocks(segments, queries):
        for row, line in zip(rows.tolist(), distances, strict=True):
            own = groups == groups[row]
            targets = own.copy()
            targets[row] = False
            if times is not None:
                targets &= np.abs(times - times[row]) >= min_gap
            if targets.any():
                others = np.sort(line[~own])
                ahead = np.searchsorted(others, np.sort(line[targets]), side="right")
                yield row, ahead + np.arange(1, len(ahead) + 1), len(ahead) + len(others)


def _chance_of_average_precision(relevant: int, candidates: int) -> float:
    """The average precision of a list in random order, on average (Bestgen, 2015).

    Where a relevant item stands, that item is right for sure, and those before it are with their share.
    """
    harmonic = float(np.sum(1 / np.arange(1, candidates + 1)))
    rest = (relevant - 1) / max(candidates - 1, 1)
    return (rest * (candidates - harmonic) + harmonic) / candidates
