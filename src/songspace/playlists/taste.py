"""Suggestions: songs that fit a taste, given by songs that somebody likes and, if any, songs that they do not.

A person has several tastes, and what lies in the middle of them is often nobody's: between jazz and metal lies
neither. So liked songs are gathered into as many groups as there are (as in PinnerSage, Pal et al. 2020), by
hierarchical clustering with average linkage, and each group is asked for its own songs. Two groups are one taste
while their songs are nearer to one another than two songs of the library are on average: there the space begins to
call songs alike. Where the liked songs plainly fall into more groups than that, by their silhouette, it is these.

A group of two or three songs says little about where its taste lies, and what all liked songs have in common says
something about every one of them: the middle of a group is moved towards the middle of all (shrinkage, as in Stein's
estimator).

The suggestions take turns between the groups, in proportion to how many liked songs each of them stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.rules import Rules
from songspace.space import Space

_AWAY = 0.5  # how much disliked songs weigh against liked ones (Rocchio's gamma / beta, as in radio)
_SHARED = 0.5  # what all liked songs have in common weighs half as much as what a group has
_STRUCTURE = 0.25  # a silhouette below this shows none (Kaufman & Rousseeuw 1990)
_MOST = 50  # tastes that a finer cut may have
_LIKED = 2000  # songs that are gathered pair by pair; of a longer list the others join the group nearest to them
_SAMPLE = 1000  # songs whose pairs stand for the library's
_BLOCK = 64  # songs that all others are compared with at a time


@dataclass(frozen=True)
class Suggestion:
    """A song that fits, and why.

    Attributes
    ----------
    row : int
    because : int
        The liked song of its taste that it is most like.
    others : int
        How many other liked songs that taste has.
    taste : int
        Which taste, from 0, the largest first.
    similarity : float
        Its similarity to ``because``, -1 to 1: the cosine, or 1 - d²/2.
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
) -> list[Suggestion]:
    """Songs that fit a taste.

    Parameters
    ----------
    space : Space
    liked, disliked : sequence of int
        Rows. None of them is suggested, nor is another version of it. A song that is more like a disliked one than like
        any liked one is not suggested either.
    count : int
        How many songs at most.
    rules : Rules, optional
        Which songs may stand in one list, and how far apart. By default no rule.

    Returns
    -------
    list of Suggestion
        Tastes take turns; within each, what fits best comes first. Fewer than ``count`` where there are no more.

    Raises
    ------
    SongspaceError
        If a song is both liked and disliked.
    ValueError
        If there is no such row, no liked song, or count is less than 1.

    Examples
    --------
    >>> space = Space.from_vectors([[9, 0, 0], [8, 1, 0], [9, 1, 1], [0, 9, 0], [1, 8, 0], [0, 0, 9], [1, 0, 8]])
    >>> [(found.row, found.because) for found in suggest(space, [0, 3], count=3)]
    [(1, 0), (4, 3), (2, 0)]
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    rules = Rules.of(len(space), artist_gap=0) if rules is None else rules
    # Songs in the order of their ids: what is found does not depend on which row a song stands in.
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
    found: list[Suggestion] = []
    empty: set[int] = set()
    while len(found) < count and len(empty) < len(groups):
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
            of_taken = rule.groups_of(rows[taken])
            near = of_taken[-rule.gap :] if rule.gap else of_taken[:0]
            kinds, counts = np.unique(of_taken[of_taken >= 0], return_counts=True)
            full = kinds[counts >= rule.most] if rule.most is not None else kinds[:0]
            if taken:
                fit[rule.among([*near[near >= 0], *full])[rows]] = -np.inf
        best = int(fit.argmax())
        if fit[best] == -np.inf:
            empty.add(taste)
            continue
        empty.clear()  # what stood too near to the last songs does so no longer
        taken.append(best)
        alike = vectors[members[taste]] @ vectors[best]
        because = int(alike.argmax())
        found.append(
            Suggestion(
                int(rows[best]), int(groups[taste][because]), len(groups[taste]) - 1, taste, float(alike[because])
            )
        )
    return found


def tastes(space: Space, liked: Sequence[int] | np.ndarray) -> list[np.ndarray]:
    """Gather songs into groups that sound alike.

    Parameters
    ----------
    space : Space
    liked : sequence of int
        Different rows.

    Returns
    -------
    list of int arrays
        The rows of each group; the largest group first.

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
    # A finer cut, if the songs themselves fall apart; into three each on average, since two may be one song twice.
    best = max(_STRUCTURE, _silhouette(apart, group))
    for count in range(group.max() + 2, min(len(gathered) // 3, _MOST) + 1):
        finer = fcluster(tree, count, "maxclust") - 1
        if (structure := _silhouette(apart, finer)) > best:
            best, group = structure, finer
    if len(gathered) < len(rows):
        middles = np.stack([space.vectors[gathered[group == number]].mean(axis=0) for number in range(group.max() + 1)])
        middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
        group = (space.vectors[rows] @ middles.T).argmax(axis=1)
    found = [rows[group == number] for number in np.unique(group)]
    return sorted(found, key=lambda some: (-len(some), int(space.numbers[some].min())))


def _silhouette(apart: np.ndarray, group: np.ndarray) -> float:
    """Return how much nearer songs are to their own group than to the next; 0 where there is nothing to compare."""
    from sklearn.metrics import silhouette_score

    if not 1 < len(np.unique(group)) < len(group):
        return 0.0
    return float(silhouette_score(apart * (1 - np.eye(len(apart))), group, metric="precomputed"))


def _together(space: Space) -> float:
    """Return the mean distance of two songs of the library: groups that are nearer to each other are one taste."""
    rows = np.argsort(space.numbers, kind="stable")[_some(len(space), _SAMPLE)]
    return float(space.pairwise(rows, rows)[np.triu_indices(len(rows), 1)].mean())


def _turns(sizes: Sequence[int]) -> Iterator[int]:
    """Yield whose turn it is, again and again, in proportion to size (Sainte-Laguë).

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
    """Return which songs, in the order of ``rows``, are not suggested.

    Those listed, their versions, and what is barred.
    """
    closed = rules.barred[rows].copy()
    closed[listed] = True
    for rule in rules.spacings:
        if rule.what == "version":  # of which a song is one
            group = rule.group[rows]
            closed |= np.isin(group, group[listed])
    return closed


def _nearest(vectors: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Return the similarity of every song to the nearest of some."""
    blocks = [some[start : start + _BLOCK] for start in range(0, len(some), _BLOCK)]
    found: np.ndarray = np.maximum.reduce([(vectors @ vectors[block].T).max(axis=1) for block in blocks])
    return found


def _some(n: int, most: int) -> np.ndarray:
    """Return a fixed sample of so many out of n, in order; all, if there are no more."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))
