"""Suggestions: songs that fit the taste of a person, given by liked and disliked songs.

A person has several tastes, and the centre between them often fits none: between jazz and metal lies neither. So the
liked songs are clustered into groups (as in PinnerSage, Pal et al. 2020), by hierarchical clustering with average
linkage, and each group suggests songs of its own. Two groups are merged if their songs are closer to each other than
two songs of the library are on average. If the silhouette shows that more groups fit better, these are used.

A group of two or three songs gives a poor estimate of its centre, and the centre of all liked songs tells something
about each group. So the centre of a group is moved towards the centre of all (shrinkage, as in Stein's estimator).

The groups take turns, in proportion to the number of their liked songs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.rules import Rules
from songspace.space import Space

_AWAY = 0.5  # weight of disliked songs against liked ones (gamma / beta in Rocchio's formula, as in radio)
_SHARED = 0.5  # weight of the centre of all liked songs against that of a group
_STRUCTURE = 0.25  # a smaller silhouette shows no structure (Kaufman & Rousseeuw 1990)
_MOST = 50  # most groups of a finer clustering
_LIKED = 2000  # songs that are clustered; in a longer list, the others join the nearest group
_SAMPLE = 1000  # songs for the mean distance of the library
_BLOCK = 64  # songs that all others are compared with at a time


@dataclass(frozen=True)
class Fitting:
    """A suggested song, with its reason.

    Attributes
    ----------
    row : int
    because : int
        Row of the most similar liked song in the same group.
    others : int
        Number of other liked songs in this group.
    taste : int
        Number of the group, from 0, the largest first.
    similarity : float
        Similarity to ``because``, -1 to 1: the cosine, or 1 - d²/2.
    """

    row: int
    because: int
    others: int
    taste: int
    similarity: float


def suggest(
    space: Space,
    liked: Sequence[int],
    *,
    disliked: Sequence[int] = (),
    count: int = 20,
    rules: Rules | None = None,
) -> list[Fitting]:
    """Suggest songs that fit a taste.

    Parameters
    ----------
    space : Space
    liked, disliked : sequence of int
        Rows. Neither they nor other versions of them are suggested, nor songs that are more similar to a disliked song
        than to any liked one.
    count : int
        Most songs to suggest.
    rules : Rules, optional
        Rules of the list; by default none.

    Returns
    -------
    list of Fitting
        Groups take turns; the best song of each comes first. Fewer than ``count`` if there are no more.

    Raises
    ------
    SongspaceError
        If a song is both liked and disliked.
    ValueError
        If a row does not exist, there is no liked song, or count is less than 1.

    Examples
    --------
    >>> space = Space.from_vectors([[9, 0, 0], [8, 1, 0], [9, 1, 1], [0, 9, 0], [1, 8, 0], [0, 0, 9], [1, 0, 8]])
    >>> [(fitting.row, fitting.because) for fitting in suggest(space, [0, 3], count=3)]
    [(1, 0), (4, 3), (2, 0)]
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    rules = Rules.of(len(space), artist_gap=0) if rules is None else rules
    # In the order of ids, so that results do not depend on the rows of songs.
    rows = np.argsort(space.numbers, kind="stable")
    place = np.argsort(rows)
    vectors = space.vectors[rows]
    likes, dislikes = (np.unique(place[[space.checked(row) for row in some]]) for some in (liked, disliked))
    if len(likes) == 0:
        raise ValueError("A taste needs at least one liked song")
    if np.intersect1d(likes, dislikes).size:
        raise SongspaceError("A song is on both lists: it cannot be liked and disliked.")
    groups = tastes(space, rows[likes])
    members = [place[group] for group in groups]
    closed = _closed(rules, rows, np.concatenate([likes, dislikes]))
    away: np.ndarray | float = 0.0
    if len(dislikes):
        repelled = _nearest(vectors, dislikes)
        closed |= repelled >= _nearest(vectors, likes)
        away = _AWAY * np.maximum(repelled, 0)
    whole = vectors[likes].mean(axis=0)
    turns = _turns([len(group) for group in groups])
    fits: dict[int, np.ndarray] = {}
    taken: list[int] = []
    suggested: list[Fitting] = []
    empty: set[int] = set()
    while len(suggested) < count and len(empty) < len(groups):
        taste = next(turns)
        if taste in empty:
            continue
        if taste not in fits:
            middle = vectors[members[taste]].mean(axis=0) + _SHARED * whole
            fits[taste] = vectors @ (middle / max(float(np.linalg.norm(middle)), 1e-9)) - away
            fits[taste][closed] = -np.inf
        fit = fits[taste].copy()
        fit[taken] = -np.inf
        for rule in rules.spacings:
            if taken:
                fit[rule.closed_after(rows[taken])[rows]] = -np.inf
        best = int(fit.argmax())
        if fit[best] == -np.inf:
            empty.add(taste)
            continue
        empty.clear()  # songs too near to the last ones may be possible now
        taken.append(best)
        alike = vectors[members[taste]] @ vectors[best]
        because = int(alike.argmax())
        liked_song, others = int(groups[taste][because]), len(groups[taste]) - 1
        suggested.append(Fitting(int(rows[best]), liked_song, others, taste, float(alike[because])))
    return suggested


def tastes(space: Space, liked: Sequence[int] | np.ndarray) -> list[np.ndarray]:
    """Cluster songs into groups of similar ones.

    Parameters
    ----------
    space : Space
    liked : sequence of int
        Different rows.

    Returns
    -------
    list of int arrays
        Rows of each group, the largest group first.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> songs = np.repeat(np.eye(5), 20, axis=0) + 0.1 * rng.normal(size=(100, 5))
    >>> [group.tolist() for group in tastes(Space.from_vectors(songs), [0, 1, 2, 40, 41])]
    [[0, 1, 2], [40, 41]]
    """
    rows = np.asarray(liked, dtype=np.int64)
    if len(rows) < 2:
        return [rows]
    from scipy.cluster.hierarchy import fcluster, linkage

    gathered = rows[_some(len(rows), _LIKED)]
    apart = space.pairwise(gathered, gathered)
    tree = linkage(apart[np.triu_indices(len(gathered), 1)], "average")
    group = fcluster(tree, _together(space), "distance") - 1
    # Try finer clusterings, with at least three songs in a group on average, since two may be one song twice.
    best = max(_STRUCTURE, _silhouette(apart, group))
    for count in range(group.max() + 2, min(len(gathered) // 3, _MOST) + 1):
        finer = fcluster(tree, count, "maxclust") - 1
        if (structure := _silhouette(apart, finer)) > best:
            best, group = structure, finer
    if len(gathered) < len(rows):
        middles = np.stack([space.vectors[gathered[group == number]].mean(axis=0) for number in range(group.max() + 1)])
        middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
        group = (space.vectors[rows] @ middles.T).argmax(axis=1)
    groups = [rows[group == number] for number in np.unique(group)]
    return sorted(groups, key=lambda some: (-len(some), int(space.numbers[some].min())))


def _silhouette(apart: np.ndarray, group: np.ndarray) -> float:
    """Return the silhouette of groups, from distances; 0 if there is one group only, or one for each song."""
    from sklearn.metrics import silhouette_score

    if not 1 < len(np.unique(group)) < len(group):
        return 0.0
    return float(silhouette_score(apart * (1 - np.eye(len(apart))), group, metric="precomputed"))


def _together(space: Space) -> float:
    """Return the mean distance of two songs of the library; closer groups are merged."""
    rows = np.argsort(space.numbers, kind="stable")[_some(len(space), _SAMPLE)]
    return float(space.pairwise(rows, rows)[np.triu_indices(len(rows), 1)].mean())


def _turns(sizes: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of groups in turns, endlessly, in proportion to their sizes (Sainte-Laguë).

    Examples
    --------
    >>> from itertools import islice
    >>> list(islice(_turns([4, 2]), 6))
    [0, 1, 0, 0, 1, 0]
    """
    had = np.zeros(len(sizes))
    while True:
        turn = int((np.asarray(sizes) / (2 * had + 1)).argmax())
        had[turn] += 1
        yield turn


def _closed(rules: Rules, rows: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """Return True for each song, in the order of ``rows``, that is listed, a version of one, or barred."""
    closed = rules.barred[rows].copy()
    closed[listed] = True
    for rule in rules.spacings:
        if rule.what == "version":  # the song itself is one
            group = rule.group[rows]
            closed |= np.isin(group, group[listed])
    return closed


def _nearest(vectors: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Return the similarity of each song to the nearest of some."""
    blocks = [some[start : start + _BLOCK] for start in range(0, len(some), _BLOCK)]
    nearest: np.ndarray = np.maximum.reduce([(vectors @ vectors[block].T).max(axis=1) for block in blocks])
    return nearest


def _some(n: int, most: int) -> np.ndarray:
    """Return a fixed sample of ``most`` of n numbers, ascending; all if there are no more."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))
