"""What the space itself says of each song, for maps to show: its group, how alone it is, how often it comes up.

Nothing of it needs a tag. For a large library a fixed sample of songs stands for all: of which songs are near a song,
and of who asks for whom.
"""

from __future__ import annotations

import numpy as np

from songspace.answers.view import View
from songspace.space import Space

NEAREST = 10
"""Songs that count as near."""

PAIRS = 10**8
"""Pairs of songs that are looked at: all there are in a library of 10,000."""

FEWEST = 1024
"""Songs that stand for all in a larger one."""

GROUPS = range(4, 13)
"""How many groups there may be: no more than there are colours to tell apart."""

_TYPICAL = 40  # songs of each group that it is named after
_BLOCK = 256


def groups(view: View) -> list[str]:
    """Return the name of each song's group: k-means, as many as the library falls into, named as mixes are."""
    from songspace.playlists.mixes import name_lists
    from songspace.playlists.mixes.regions import how_many, regions

    vectors, songs = view.space.vectors, view.songs
    by_id = np.argsort(view.space.ids, kind="stable")
    number = np.empty(len(songs), dtype=np.int64)
    number[by_id] = regions(vectors[by_id], how_many(vectors[by_id], GROUPS))
    typical = []
    for group in range(number.max() + 1):
        rows = np.flatnonzero(number == group)
        nearness = vectors[rows] @ vectors[rows].mean(axis=0)
        typical.append([songs[row] for row in rows[np.argsort(-nearness, kind="stable")[:_TYPICAL]]])
    names = name_lists(typical, songs)
    return [names[group] for group in number]


def isolation(space: Space) -> np.ndarray:
    """Return how alone each song is: the distance of the tenth nearest song to it, 0 to 2.

    In a large library songs are looked for in a sample, and as large a share of it is nearer.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [1, 0.1], [1, -0.1], [-1, 0]])
    >>> isolation(space).round(1).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    some = _some(space)
    k = min(max(1, round(NEAREST * len(some) / len(space))), len(some) - 1)
    distances = np.zeros(len(space))
    others = space.vectors[some].T
    for begin in range(0, len(space) if k else 0, _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, len(space)))
        alike = space.vectors[rows] @ others
        alike[rows[:, None] == some] = -np.inf
        near = some[np.argpartition(-alike, k - 1, axis=1)[:, k - 1]]
        distances[rows] = [space.distance(row, other) for row, other in zip(rows.tolist(), near.tolist(), strict=True)]
    return distances


def hubness(space: Space) -> np.ndarray:
    """Return how often each song comes up: in how many songs' ten nearest it stands, as the space ranks them.

    In a large library only a sample of songs is queried, each for more neighbours, so that the mean stays ten.

    Examples
    --------
    >>> space = Space.from_vectors(np.eye(12))
    >>> int(hubness(space).sum())
    120
    """
    some = _some(space)
    k = min(round(NEAREST * len(space) / len(some)), len(space) - 1)
    counts = np.zeros(len(space), dtype=np.int64)
    for row in some.tolist() if k else ():
        counts[space.neighbors(row, k)[0]] += 1
    return counts


def _some(space: Space) -> np.ndarray:
    """Return the rows that stand for all; the same songs, whichever rows they stand in."""
    by_id = np.argsort(space.ids, kind="stable")
    most = max(FEWEST, PAIRS // len(by_id))
    if len(by_id) <= most:
        return by_id
    return by_id[np.sort(np.random.default_rng(0).choice(len(by_id), most, replace=False))]
