"""A + B ?= C: does a genre lie between two others?

The way from A to B is the straight line between the centres of their songs. A genre has a *position* on it, where the
foot of the perpendicular from its centre is (0 at A, 1 at B), and an *offset* from it, the length of the perpendicular
as a share of the way's. C lies between A and B if its position is between 0 and 1, and if it is nearer to the line than
other genres are: in many dimensions everything has some place on every way.

(:mod:`songspace.geometry` follows the arc of the sphere instead. There it depends on where the centre of the collection
lies: with few genres, those that are neither A nor B lie on the far side of the sphere, whatever they are.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.evaluation.checks import artist_codes, integers
from songspace.evaluation.intervals import interval, resamples

POSTER = ("jazz", "rock", "funk")


def choose(vectors: np.ndarray, labels: Sequence[str]) -> tuple[str, str, str] | None:
    """The question to ask: the poster's, where its genres are there; otherwise one that no result has chosen.

    That is, in a space that is not on trial (hand-made statistics of the training songs): A and B are the two genres
    that lie farthest apart, and C is the one nearest the way between them.

    Returns
    -------
    tuple of str or None
        A, B and C; None if there are not three genres, or none lies between A and B.
    """
    there = {label.casefold(): label for label in sorted(labels)}
    if all(name in there for name in POSTER):
        a, b, c = (there[name] for name in POSTER)
        return a, b, c
    genres = sorted(set(labels))
    if len(genres) < 3:
        return None
    codes = np.searchsorted(genres, labels)
    centers = np.stack([vectors[codes == code].mean(axis=0) for code in range(len(genres))])
    apart = np.linalg.norm(centers[:, None] - centers, axis=2)
    a, b = sorted(np.unravel_index(apart.argmax(), apart.shape))
    others = [code for code in range(len(genres)) if code not in (a, b)]
    position, offset = on_the_way(centers[[a, b, *others]])
    offset[~((position > 0) & (position < 1))] = np.inf
    if not np.isfinite(offset).any():
        return None
    return genres[a], genres[b], genres[others[int(offset.argmin())]]


def named(names: str, genres: Sequence[str]) -> tuple[str, str, str]:
    """The genres that a person named, as "A,B,C", in any case.

    Raises
    ------
    SongspaceError
        If they are not three different genres of the experiment.
    """
    there = {genre.casefold(): genre for genre in genres}
    found = [there.get(" ".join(name.split()).casefold()) for name in names.split(",")]
    if len(found) != 3 or None in found or len(set(found)) != 3:
        raise SongspaceError(f"--between takes three of the genres, as A,B,C: {', '.join(genres)}.")
    a, b, c = (genre for genre in found if genre is not None)
    return a, b, c


def lies_between(
    vectors: np.ndarray,
    labels: Sequence[str],
    artists: Sequence[str | None],
    triple: tuple[str, str, str],
    *,
    random_state: int = 0,
) -> dict[str, Any]:
    """Where C lies against the way from A to B, with intervals by bootstrap over artists.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Songs, centred and of unit length.
    labels, artists : sequences of length n
    triple : tuple of str
        A, B and C.

    Returns
    -------
    dict
        ``position`` and ``offset`` of C and its ``margin``, how much nearer to the way it is than the median of the
        other genres (None without others), each with ``value`` and ``interval``; ``others``, the same of each other
        genre; ``rank`` of C by offset among all of them; ``between``: "yes", "no" or
        "unsure", as the intervals tell, and "unknown" where artists are too few for intervals.

    Examples
    --------
    >>> vectors = np.array([[1.0, 0, 0], [0, 1, 0], [0.6, 0.6, 0.2], [0, 0, 1]])
    >>> found = lies_between(vectors, ["jazz", "rock", "funk", "folk"], [None] * 4, ("jazz", "rock", "funk"))
    >>> round(found["position"]["value"], 1), found["rank"], found["between"]
    (0.5, 1, 'unknown')
    """
    genres = [*triple, *sorted(set(labels) - set(triple))]
    codes = integers([*genres, *labels])[len(genres) :]
    members = np.eye(len(genres))[codes].T
    value = on_the_way(_centers(members, vectors))
    draws = np.array(
        [
            on_the_way(_centers(members * w, vectors))
            for w in resamples(artist_codes(artists, len(labels)), random_state=random_state)
        ]
    ).reshape(-1, 2, len(genres) - 2)

    def told(point: float, drawn: np.ndarray, lowest: float = -np.inf) -> dict[str, Any]:
        # A genre that is not drawn at all has no centre.
        bounds = interval(point, drawn[np.isfinite(drawn)])
        return {"value": float(point), "interval": bounds and [max(bound, lowest) for bound in bounds]}

    position, offset = told(value[0, 0], draws[:, 0, 0]), told(value[1, 0], draws[:, 1, 0], lowest=0.0)
    margin = None
    if len(genres) > 3:
        margin = told(np.median(value[1, 1:]) - value[1, 0], np.median(draws[:, 1, 1:], axis=1) - draws[:, 1, 0])
    others = [
        {"genre": genre, "position": float(value[0, i]), "offset": float(value[1, i])}
        for i, genre in enumerate(genres[3:], 1)
    ]
    return {
        "position": position,
        "offset": offset,
        "margin": margin,
        "others": others,
        "rank": 1 + int((value[1, 1:] < value[1, 0]).sum()),
        "between": _verdict(position, margin),
    }


def on_the_way(centers: np.ndarray) -> np.ndarray:
    """Positions and offsets (2, n) of centres against the line from the first to the second of them.

    Examples
    --------
    >>> on_the_way(np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 2.0]])).tolist()
    [[0.25], [0.5]]
    """
    first, line = centers[0], centers[1] - centers[0]
    length = float(np.linalg.norm(line))
    if not length > 1e-9:  # they lie in one place, or one of them is nowhere
        return np.full((2, len(centers) - 2), np.nan)
    position = (centers[2:] - first) @ line / length**2
    foot = first + position[:, None] * line
    return np.array([position, np.linalg.norm(centers[2:] - foot, axis=1) / length])


def _centers(weights: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Weighted means; not a number where nothing has a weight."""
    total = weights.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return weights @ vectors / np.where(total > 0, total, np.nan)


def _verdict(position: dict[str, Any], margin: dict[str, Any] | None) -> str:
    """Whether C lies between A and B, as far as the intervals tell."""
    if position["interval"] is None:
        return "unknown"
    low, high = position["interval"]
    nearer = margin["interval"] if margin and margin["interval"] else [np.inf, np.inf]
    if high <= 0 or low >= 1 or nearer[1] < 0:
        return "no"
    return "yes" if low > 0 and high < 1 and nearer[0] > 0 else "unsure"
