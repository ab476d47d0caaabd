"""A + B ?= C: does a genre lie between two others?

C lies between A and B if its place along the line between their centres is between the two, and if it is nearer to the
line than other genres are: :mod:`songspace.geometry.between` says it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from songspace.categories import artist_codes
from songspace.errors import SongspaceError
from songspace.geometry.between import judged, on_the_way, placed

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
    """Where C lies against the way from A to B, with intervals over artists.

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
    known, whose = np.asarray(labels), artist_codes(artists, len(labels))
    members = [known == genre for genre in genres]
    values, drawn, smaller = placed([vectors[m] for m in members], [whose[m] for m in members], seed=random_state)
    c, *others = judged(genres[2:], [int(m.sum()) for m in members[2:]], values, drawn, smaller)
    return {
        "position": c.position.as_dict(),
        "offset": c.offset.as_dict(),
        "margin": c.margin and c.margin.as_dict(),
        "others": [{"genre": one.name, "position": one.position.value, "offset": one.offset.value} for one in others],
        "rank": 1 + sum(one.offset.value < c.offset.value for one in others),
        "between": c.verdict,
    }
