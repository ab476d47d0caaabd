"""Retrieval: the share of nearest neighbours with the same label, of the same song, or by the same artist.

Metrics
-------
* :func:`precision`: the share of a song's ``k`` nearest that have its label, among songs of *other artists*.
  Without that filter a space may score by recognising singers and studios: one collection fell from 71 % to 27 %
  with it (Pampalk, Flexer & Widmer, ISMIR 2005; Flexer & Schnitzer, Computer Music Journal 2010).
* average precision: high if the songs with a song's label come early in the list of *all* songs of other artists; its
  mean over songs is the mAP.
* :func:`same_song`: the same for segments and the other segments of their song. It needs no labels, so that any library
  can check its space.
* :func:`same_artist`: the same for songs and the other songs of their artist, from other albums. It needs tags, and
  more than the sound of one recording.

Chance is exact: the expected score of neighbours drawn at random from the same candidates.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from songspace.categories import artist_codes, integers
from songspace.errors import SongspaceError
from songspace.evaluation.labels import check_labels
from songspace.evaluation.neighbors import check_points, check_vectors, nearest
from songspace.evaluation.ranking import Lists
from songspace.intervals import Score, deletions
from songspace.space import Space

QUERIES = 5000
"""The most queries of the average precision, drawn at random from a larger collection: each sorts all songs."""

SPARE = 4
"""Neighbours that are searched, as a multiple of ``k``: farther ones move up when an artist is left out."""

NO_TWO = "There is nothing to compare: no two songs have segments far enough apart."


def validate(points: np.ndarray | Space, labels: Sequence[Hashable], k: int) -> tuple[np.ndarray | Space, np.ndarray]:
    """Return a space, or vectors as floats, and labels as integers; raise ValueError or SongspaceError if invalid."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    points = check_points(points)
    return points, check_labels(labels, len(points))


def precision(neighbors: np.ndarray, labels: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """Return the share of each query's neighbours that have its label.

    Parameters
    ----------
    neighbors : int array of shape (m, k)
        Rows of the neighbours; -1 where there are no more.
    labels : array of shape (n,)
        The label of each row.
    own : array of shape (m,), optional
        The label of each query; by default every row is a query.

    Returns
    -------
    float array of shape (m,)
        NaN for a query without neighbours.

    Examples
    --------
    >>> precision(np.array([[1, 2], [0, -1], [-1, -1]]), np.array(["a", "a", "b"])).tolist()
    [0.5, 1.0, nan]
    """
    there = neighbors >= 0
    right = (labels[neighbors] == (labels if own is None else own)[:, None]) & there
    count = there.sum(axis=1)
    return np.where(count > 0, right.sum(axis=1) / np.maximum(count, 1), np.nan)


def scores(
    points: np.ndarray | Space,
    labels: Sequence[Hashable],
    *,
    artists: Sequence[Hashable | None] | None,
    k: int = 10,
    random_state: int = 0,
) -> dict[str, Score]:
    """Compute the scores of :func:`evaluate` with their scatter, for differences between encoders."""
    points, codes = validate(points, labels, k)
    people = artist_codes(artists, len(points))
    right, candidates = _candidates(codes, people)
    asked = candidates > 0
    if not asked.any():
        raise SongspaceError("There is nothing to compare: every song is by the same artist.")
    smaller = deletions(people, random_state=random_state)
    near = nearest(points, SPARE * k, apart=people)
    shares = precision(near[:, :k], codes)[asked]
    without = _precisions_without(points, near, codes, people, k, smaller.kept)
    chance = float(np.mean(right[asked] / candidates[asked]))
    by_metric = {"precision": Score(shares.mean(), chance, smaller.scatter(without))}
    rows = _drawn(np.flatnonzero(right > 0), QUERIES, random_state)
    if len(rows):

        def sides(row: int) -> tuple[np.ndarray, np.ndarray]:
            others, alike = people != people[row], codes == codes[row]
            return others & alike, others & ~alike

        lists = Lists(points, rows, sides, smaller)
        by_metric["average_precision"] = lists.average_precision()
    return by_metric


def evaluate(
    points: np.ndarray | Space,
    labels: Sequence[Hashable],
    *,
    artists: Sequence[Hashable | None] | None,
    k: int = 10,
    random_state: int = 0,
) -> dict[str, Any]:
    """Score the share of each song's nearest songs by other artists that have its label.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
        A space, whose own order of neighbours counts; or vectors, ranked by Euclidean distance.
    labels : sequence of length n
        The label of each song; at least two different ones.
    artists : sequence of length n, or None
        The artist of each song, None if unknown. Songs by the same artist are never neighbours; an unknown artist has
        one song. None instead of the sequence means no filter.
    k : int
        Number of neighbours. A song with fewer candidates is scored by their number.
    random_state : int
        Seed of the draw of queries for the average precision, and of the intervals: one artist after the other is left
        out, from the queries and the candidates. See :mod:`songspace.intervals`.

    Returns
    -------
    dict
        ``precision`` and ``average_precision`` (the mean; absent if no label has songs of two artists), each
        ``{"value", "chance", "interval"}``; ``ceiling`` (the precision of a perfect space: a label may have fewer than
        ``k`` songs by others); ``k``; ``queries``; ``without_candidates`` (songs left out because there is no other
        artist); ``with_fewer`` (songs with fewer than ``k`` candidates) and ``without_target`` (queries without average
        precision because no other artist has a song with their label). In the average precision, equal distances count
        against the encoder.

    Raises
    ------
    SongspaceError
        If all songs have the same label or the same artist.

    Examples
    --------
    >>> vectors = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    >>> result = evaluate(vectors, ["folk", "folk", "rock", "rock"], artists=["A", "B", "A", "B"], k=1)
    >>> result["precision"]["value"], result["precision"]["chance"]
    (1.0, 0.5)
    """
    by_metric = scores(points, labels, artists=artists, k=k, random_state=random_state)
    facts = coverage(labels, artists=artists, k=k) | {"random_state": random_state}
    return {name: score.as_dict() for name, score in by_metric.items()} | facts


def coverage(labels: Sequence[Hashable], *, artists: Sequence[Hashable | None] | None, k: int = 10) -> dict[str, Any]:
    """Count the queries, and the songs that cannot be queries; the same for all spaces.

    Returns
    -------
    dict
        ``k``, ``ceiling`` (the precision of a perfect space; None without queries), ``queries``,
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
    artists: Sequence[Hashable] | np.ndarray | None = None,
    random_state: int = 0,
) -> dict[str, Any]:
    """Score the places of the other segments of its song in a segment's list of nearest segments.

    Parameters
    ----------
    segments : array of shape (n, d)
        Segments of many songs, best of songs that no encoder was trained on.
    songs : sequence of length n
        The song of each segment.
    starts : array of shape (n,), optional
        Start of each segment in its song, in seconds. Segments of one song that start less than ``min_gap`` apart share
        sound, which would make the task trivial: neither is a candidate for the other.
    min_gap : float
        Seconds; the length of a segment by default.
    queries : int
        The most queries, drawn at random. All segments are candidates.
    artists : sequence of length n, optional
        The artist of each segment, for the intervals: one after the other is left out. By default one song after the
        other.
    random_state : int
        Seed of the draw and of the intervals.

    Returns
    -------
    dict
        ``top1`` (the share of segments whose nearest one is of their song) and ``average_precision`` (of the song's
        other segments in the list of all candidates), each ``{"value", "chance", "interval"}``; ``queries`` and
        ``without_target`` (segments drawn, but left out because their song has no other segment far enough away).
        Equal distances count against the encoder: one that maps all songs to one point scores 0.

    Raises
    ------
    SongspaceError
        If no song has two segments far enough apart, or all segments are of one song.

    Examples
    --------
    >>> segments = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.3]])
    >>> result = same_song(segments, ["a", "a", "a", "b", "b", "b"])
    >>> result["top1"]["value"], round(result["top1"]["chance"], 3)
    (1.0, 0.4)
    """
    by_metric, facts = same_song_scores(
        segments, songs, starts=starts, min_gap=min_gap, queries=queries, artists=artists, random_state=random_state
    )
    return {name: score.as_dict() for name, score in by_metric.items()} | facts


def same_song_scores(
    segments: np.ndarray,
    songs: Sequence[Hashable] | np.ndarray,
    *,
    starts: Sequence[float] | np.ndarray | None = None,
    min_gap: float = 5.0,
    queries: int = 2000,
    artists: Sequence[Hashable] | np.ndarray | None = None,
    random_state: int = 0,
) -> tuple[dict[str, Score], dict[str, Any]]:
    """Compute the scores of :func:`same_song` with their scatter, and the other values of its result."""
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

    if groups.max() == 0:
        raise SongspaceError(NO_TWO)
    smaller = deletions(groups if artists is None else artist_codes(artists, len(groups)), random_state=random_state)
    lists = Lists(segments, drawn, sides, smaller)
    if not len(lists):
        raise SongspaceError(NO_TWO)
    facts = {
        "queries": len(lists),
        "without_target": len(drawn) - len(lists),
        "min_gap": None if times is None else float(min_gap),
        "random_state": random_state,
    }
    return {"top1": lists.top1(), "average_precision": lists.average_precision()}, facts


def same_artist(
    points: np.ndarray | Space,
    artists: Sequence[Hashable | None],
    *,
    albums: Sequence[Hashable | None] | None = None,
    random_state: int = 0,
) -> dict[str, Any]:
    """Score the places of the other songs by its artist in a song's list of nearest songs.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
        Songs, best of artists that no encoder was trained on.
    artists : sequence of length n
        The artist of each song. Songs with an unknown artist (None) are candidates only.
    albums : sequence of length n, optional
        The album of each song. If an artist has several albums, songs of one album are no candidates for each other:
        they share a studio.
    random_state : int
        Seed of the intervals, which leave out artists.

    Returns
    -------
    dict
        ``top1`` (the share of songs whose nearest one is by their artist) and ``average_precision`` (of the artist's
        other songs in the list of all candidates), each ``{"value", "chance", "interval"}``; ``queries``, and
        ``other_albums``, the number of queries that look for songs on other albums.

    Raises
    ------
    SongspaceError
        If no artist has two songs, or there is only one artist.

    Examples
    --------
    >>> points = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> result = same_artist(points, ["Ada", "Ada", "Bob", "Bob"])
    >>> result["top1"]["value"], round(result["top1"]["chance"], 3)
    (1.0, 0.333)
    """
    by_metric, facts = same_artist_scores(points, artists, albums=albums, random_state=random_state)
    return {name: score.as_dict() for name, score in by_metric.items()} | facts


def same_artist_scores(
    points: np.ndarray | Space,
    artists: Sequence[Hashable | None],
    *,
    albums: Sequence[Hashable | None] | None = None,
    random_state: int = 0,
) -> tuple[dict[str, Score], dict[str, Any]]:
    """Compute the scores of :func:`same_artist` with their scatter, and the other values of its result."""
    points = check_points(points)
    people = artist_codes(artists, len(points))
    records = artist_codes(albums, len(points))  # each song without album counts as an album
    known = np.array([album not in (None, "") for album in albums] if albums is not None else [False] * len(points))
    pairs = np.unique(np.stack([people, records])[:, known], axis=1)
    several = np.bincount(pairs[0], minlength=int(people.max()) + 1)[people] > 1

    def sides(row: int) -> tuple[np.ndarray, np.ndarray]:
        own = people == people[row]
        others = ~own
        own[row] = False
        if several[row]:
            own &= records != records[row]
        return own, others

    lists = Lists(points, np.arange(len(points)), sides, deletions(people, random_state=random_state))
    if not len(lists) or people.max() == 0:
        raise SongspaceError("There is nothing to compare: no two artists, one of them with two songs.")
    asked = [row for row in range(len(points)) if sides(row)[0].any()]
    facts = {"queries": len(lists), "other_albums": int(several[asked].sum()), "random_state": random_state}
    return {"top1": lists.top1(), "average_precision": lists.average_precision()}, facts


def _precisions_without(
    points: np.ndarray | Space, near: np.ndarray, codes: np.ndarray, people: np.ndarray, k: int, kept: np.ndarray
) -> np.ndarray:
    """Compute the mean precision without each group, in queries and candidates.

    Parameters
    ----------
    near : int array of shape (n, spare)
        More neighbours than ``k``, so that farther ones move up. If too few are left, as happens if most songs are by
        one artist, they are searched again.
    kept : bool array of shape (groups, n)
        True for the songs that stay without a group.

    Returns
    -------
    float array of shape (groups,)
        NaN where no query, or no candidate, is left.
    """
    count = len(kept)
    if not count:
        return np.zeros(0)
    group = (~kept).argmax(axis=0)
    groups = np.where(near >= 0, group[near], -1)
    right = codes[near] == codes[:, None]
    usual = precision(near[:, :k], codes)
    more = near.shape[1] < len(points) - 1  # there may be farther neighbours
    means = np.full(count, np.nan)
    for one in range(count):
        values = np.where(group == one, np.nan, usual)
        rows = np.flatnonzero((groups[:, :k] == one).any(axis=1) & (group != one))
        stay = (groups[rows] >= 0) & (groups[rows] != one)
        stay &= np.cumsum(stay, axis=1) <= k
        left = stay.sum(axis=1)
        values[rows] = np.divide((stay & right[rows]).sum(axis=1), left, out=np.full(len(rows), np.nan), where=left > 0)
        again = rows[(left < k) & (near[rows, -1] >= 0) & more]
        if len(again):
            values[again] = precision(
                nearest(points, k, apart=people, rows=again, among=kept[one]), codes, codes[again]
            )
        if np.isfinite(values).any():
            means[one] = np.nanmean(values)
    return means


def _candidates(labels: np.ndarray, artists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count for each song the songs by other artists with its label, and all songs by other artists."""
    pairs = integers(zip(labels.tolist(), artists.tolist(), strict=True))
    own = np.bincount(artists)[artists]
    return np.bincount(labels)[labels] - np.bincount(pairs)[pairs], len(labels) - own


def _drawn(rows: np.ndarray, most: int, random_state: int) -> np.ndarray:
    """Draw a random sample of ``most`` rows, or take all if there are no more; ascending."""
    if most >= len(rows):
        return rows
    return np.sort(np.random.default_rng(random_state).choice(rows, most, replace=False))
