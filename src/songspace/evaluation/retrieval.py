"""Retrieval: whether nearest neighbours have the same label, are of the same song, or by the same artist.

Metrics
-------
* :func:`precision`: the share of a song's ``k`` nearest that have its label, among songs of *other artists*.
  Without that filter a space may score by knowing singers and studios: one collection fell from 71 % to 27 %
  with it (Pampalk, Flexer & Widmer, ISMIR 2005; Flexer & Schnitzer, Computer Music Journal 2010).
* average precision: how early all songs of its label stand in the list of *all* songs of other artists; its mean
  over songs is the mAP.
* :func:`same_song`: how near a segment's nearest neighbours are to being of the same song. It needs no labels,
  so that any library can check its space.
* :func:`same_artist`: how near a song's nearest neighbours are to being by the same artist, from other albums. It needs
  tags, and needs more than the sound of one recording.

Chance is exact: what neighbours drawn at random from the same candidates would score on average.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from songspace.categories import artist_codes, integers
from songspace.errors import SongspaceError
from songspace.evaluation.labels import check_labels
from songspace.evaluation.neighbors import check_points, check_vectors, distance_blocks, nearest
from songspace.intervals import Score, Smaller, deletions
from songspace.space import Space

QUERIES = 5000
"""Queries of the average precision, drawn at random from a larger collection: each sorts all songs."""

SPARE = 4
"""Neighbours that are searched, as a multiple of ``k``: farther ones move up where an artist is left out."""

NO_TWO = "There is nothing to compare: no two songs have segments far enough apart."


def validate(points: np.ndarray | Space, labels: Sequence[Hashable], k: int) -> tuple[np.ndarray | Space, np.ndarray]:
    """Return a space, or vectors as floats, and labels as integers; ValueError or SongspaceError if they are none."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    points = check_points(points)
    return points, check_labels(labels, len(points))


def precision(neighbors: np.ndarray, labels: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """Return the share of each query's neighbours that have its label.

    Parameters
    ----------
    neighbors : int array of shape (m, k)
        Rows, however they were found; -1 where there are no more.
    labels : array of shape (n,)
    own : array of shape (m,), optional
        The label of each query; by default every row is one.

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
    asked = there.sum(axis=1)
    return np.where(asked > 0, right.sum(axis=1) / np.maximum(asked, 1), np.nan)


def average_precision(ranks: np.ndarray) -> float:
    """Return the mean of the precisions at the places where something right stands.

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
    """Return the scores of :func:`evaluate` with their scatter, for differences between encoders."""
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
    """Score how many of each song's nearest songs by other artists have its label.

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
        Number of neighbours. A song with fewer candidates is scored by their number.
    random_state : int
        For the draw of songs whose average precision is taken, and for the intervals: one artist after the other is
        left out, of the queries and of the candidates. See :mod:`songspace.intervals`.

    Returns
    -------
    dict
        ``precision`` and ``average_precision`` (its mean; absent if no song has another artist's with its label), each
        ``{"value", "chance", "interval"}``, ``ceiling`` (what a perfect space would score: a label
        may have fewer than ``k`` songs by others), ``k``, ``queries``, ``without_candidates`` (songs left out because
        no other artist is there), ``with_fewer`` (songs with fewer than ``k`` candidates) and ``without_target``
        (queries that have no average precision because no other artist's song has their label). Equal distances
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
    by_metric = scores(points, labels, artists=artists, k=k, random_state=random_state)
    facts = coverage(labels, artists=artists, k=k) | {"random_state": random_state}
    return {name: score.as_dict() for name, score in by_metric.items()} | facts


def coverage(labels: Sequence[Hashable], *, artists: Sequence[Hashable | None] | None, k: int = 10) -> dict[str, Any]:
    """Count the queries, and the songs that cannot be one, whatever the space.

    Returns
    -------
    dict
        ``k``, ``ceiling`` (what a perfect space would score; None without queries), ``queries``,
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
    """Score how early the other segments of its song stand in a segment's list of nearest segments.

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
        Number of queries, drawn at random, or all segments if there are no more. All segments are candidates.
    artists : sequence of length n, optional
        The artist of each segment, for the intervals: one after the other is left out. By default, songs are.
    random_state : int
        For the draw, and for the intervals.

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
    """Return the scores of :func:`same_song` with their scatter, and the other values of its result."""
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
    """Score how early the other songs by its artist stand in a song's list of nearest songs.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
        Best of artists that no encoder was trained on.
    artists : sequence of length n
        Songs whose artist is not known (None) are candidates only.
    albums : sequence of length n, optional
        Of an artist with several albums, songs of one album are no candidates for each other: they share a studio.
    random_state : int
        For the intervals, over artists.

    Returns
    -------
    dict
        ``top1`` (the share of songs whose nearest is by their artist) and ``average_precision`` (of the artist's other
        songs in the list of all candidates), each ``{"value", "chance", "interval"}``; ``queries``, and
        ``other_albums``, how many of them look for other albums.

    Raises
    ------
    SongspaceError
        If no artist has two songs, or there is only one.

    Examples
    --------
    >>> points = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> found = same_artist(points, ["Ada", "Ada", "Bob", "Bob"])
    >>> found["top1"]["value"], round(found["top1"]["chance"], 3)
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
    """Return the scores of :func:`same_artist` with their scatter, and the other values of its result."""
    points = check_points(points)
    people = artist_codes(artists, len(points))
    records = artist_codes(albums, len(points))  # an unknown album is of one song
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


class Lists:
    """The list of all candidates, nearest first, of each query that has something right in it.

    Parameters
    ----------
    points : Space, or array of shape (n, d)
    queries : int array
        Rows of the queries.
    sides : callable
        Gives of a row what is right and what is wrong for it, as masks of shape (n,); all else is no candidate. Equal
        distances count against it.
    smaller : Smaller
        From :func:`~songspace.intervals.deletions`.
    """

    def __init__(
        self,
        points: np.ndarray | Space,
        queries: np.ndarray,
        sides: Callable[[int], tuple[np.ndarray, np.ndarray]],
        smaller: Smaller,
    ) -> None:
        self._smaller = smaller
        count = len(smaller.kept)
        group = (~smaller.kept).argmax(axis=0) if count else np.zeros(len(points), np.int64)
        rows: list[tuple[np.ndarray, ...]] = []
        for row, right, groups in _in_order(points, queries, sides, group):
            top1, average = left_out(right, groups, count)
            if count:
                top1[group[row]] = average[group[row]] = np.nan  # what is left out is no query either
            chance = _chance_of_average_precision(int(right.sum()), len(right))
            values = np.array([right[0], right.mean(), average_precision(np.flatnonzero(right) + 1), chance])
            rows.append((values, top1, average))
        self._values, self._top1, self._average = (
            np.array([row[part] for row in rows]).reshape(len(rows), width)
            for part, width in enumerate((4, count, count))
        )

    def __len__(self) -> int:
        return len(self._values)

    def top1(self) -> Score:
        """Score how many queries have a relevant item in the first place."""
        return self._score(0, self._top1)

    def average_precision(self) -> Score:
        """Return the mean of the queries' average precisions."""
        return self._score(2, self._average)

    def _score(self, part: int, without: np.ndarray) -> Score:
        value, chance = self._values[:, part : part + 2].mean(axis=0)
        asked = np.isfinite(without)
        sums, counts = np.where(asked, without, 0).sum(axis=0), asked.sum(axis=0)
        means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        return Score(float(value), float(chance), self._smaller.scatter(means[: len(self._smaller.kept)]))


def left_out(right: np.ndarray, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Score a query's list once more for each group, without that group.

    Of hundreds of right ones the far ones are taken a few together, by the precision in the middle of them, which
    hardly changes down there: a list costs as much as its songs, and not that for each group.

    Parameters
    ----------
    right : bool array of shape (m,)
        Whether each of the candidates is right, nearest first.
    groups : int array of shape (m,)
        Their groups, from 0 to ``count`` - 1.
    count : int

    Returns
    -------
    top1, average_precision : float arrays of shape (count,)
        NaN where nothing right is left.

    Examples
    --------
    >>> top1, average = left_out(np.array([False, True, True]), np.array([0, 1, 2]), 3)
    >>> top1.tolist(), average.round(2).tolist()
    ([1.0, 0.0, 0.0], [1.0, 0.5, 0.5])
    """
    places = np.flatnonzero(right)
    sizes, middles, block, upto = _together(len(places))
    theirs = groups[places]

    def counted(of: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Count the members of each group in each block."""
        cells = np.bincount(of * count + members, minlength=(len(sizes) + 1) * count)
        return cells[: len(sizes) * count].reshape(len(sizes), count)

    # How many of each group stand in the list up to each middle, itself included; and how many of those are right.
    passed = np.zeros(len(right), np.int64)
    passed[places[middles]] = 1
    before = np.cumsum(counted(np.cumsum(passed) - passed, groups), axis=0)
    hits = np.cumsum(counted(upto, theirs), axis=0)
    precisions = (middles[:, None] + 1 - hits) / np.maximum(places[middles, None] + 1 - before, 1)
    stay = sizes[:, None] - counted(block, theirs)
    left = stay.sum(axis=0)
    average = np.divide((stay * precisions).sum(axis=0), left, out=np.full(count, np.nan), where=left > 0)
    top1 = np.where(left > 0, float(right[0]), np.nan)
    behind = np.flatnonzero(groups != groups[0])  # where the first one's group is left out, another one is first
    if count and left[groups[0]] > 0:
        top1[groups[0]] = right[behind[0]]
    return top1, average


@lru_cache(maxsize=64)
def _together(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Split the relevant items of a list into blocks: single ones first, then a 64th of those before together.

    Returns
    -------
    sizes, middles : int arrays of shape (b,)
    block, upto : int arrays of shape (count,)
        The block that each right one is in, and the first whose middle does not stand before it.
    """
    ends, end = list[int](), 0
    while end < count:
        end = min(count, end + max(1, end // 64))
        ends.append(end)
    sizes = np.diff(ends, prepend=0)
    middles = np.array(ends) - (sizes + 2) // 2
    each = np.arange(count)
    return sizes, middles, np.searchsorted(ends, each, side="right"), np.searchsorted(middles, each)


def _precisions_without(
    points: np.ndarray | Space, near: np.ndarray, codes: np.ndarray, people: np.ndarray, k: int, kept: np.ndarray
) -> np.ndarray:
    """Compute the mean precision without each group, among queries and candidates.

    Parameters
    ----------
    near : int array of shape (n, spare)
        More neighbours than ``k``, so that those behind move up. They are looked for anew where too few are left, as
        happens if most songs are by one artist.
    kept : bool array of shape (groups, n)
        Which songs stay.

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
    more = near.shape[1] < len(points) - 1  # there may be more than were looked up
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
    """Count for each song the songs by other artists that have its label, and all songs by other artists."""
    pairs = integers(zip(labels.tolist(), artists.tolist(), strict=True))
    own = np.bincount(artists)[artists]
    return np.bincount(labels)[labels] - np.bincount(pairs)[pairs], len(labels) - own


def _drawn(rows: np.ndarray, most: int, random_state: int) -> np.ndarray:
    """Draw a random sample of ``most`` rows, or take all if there are no more; ascending."""
    if most >= len(rows):
        return rows
    return np.sort(np.random.default_rng(random_state).choice(rows, most, replace=False))


def _in_order(
    points: np.ndarray | Space,
    queries: np.ndarray,
    sides: Callable[[int], tuple[np.ndarray, np.ndarray]],
    group: np.ndarray,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield for each query that has a relevant item: its candidates, nearest first, which are right, their groups."""
    for rows, distances in distance_blocks(points, queries):
        for row, line in zip(rows.tolist(), distances, strict=True):
            right, wrong = sides(row)
            if right.any():
                wrongs = np.flatnonzero(wrong)
                candidates = np.concatenate([wrongs, np.flatnonzero(right)])  # of equal ones, the wrong come first
                order = np.argsort(line[candidates], kind="stable")
                yield row, order >= len(wrongs), group[candidates[order]]


def _chance_of_average_precision(relevant: int, candidates: int) -> float:
    """Return the average precision of a list in random order, on average (Bestgen, 2015).

    Where a relevant item stands, that item is right for sure, and those before it are with their share.
    """
    harmonic = float(np.sum(1 / np.arange(1, candidates + 1)))
    rest = (relevant - 1) / max(candidates - 1, 1)
    return (rest * (candidates - harmonic) + harmonic) / candidates
