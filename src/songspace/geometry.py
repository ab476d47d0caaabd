"""Where genres, artists and albums lie in the space, and what lies between two of them.

A label's songs make a region. Its centre is the point of the sphere nearest to all of them in the sense of least
squares: their mean direction. The way from one centre to another is the arc of the great circle between them (the
geodesic of the sphere), and whatever is near its middle is what the poster's "jazz + rock ?= funk" asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songspace.errors import SongspaceError
from songspace.space import Space


@dataclass(frozen=True)
class Region:
    """The songs of one label.

    Attributes
    ----------
    name : str
    size : int
        How many songs it has.
    center : ndarray of shape (d,), float64
        Their mean direction, of unit length (zero if they cancel out).
    heart : int
        The row of its song that is nearest to the centre.
    spread : float
        Mean distance of its songs to the centre, 0 to 2.
    nearest : tuple of (str, float)
        The other regions and the distances between the centres, nearest first.
    """

    name: str
    size: int
    center: np.ndarray
    heart: int
    spread: float
    nearest: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Between:
    """A region on the way from one to another.

    Attributes
    ----------
    name : str
    size : int
        How many songs it has.
    position : float
        How far along the way is the point nearest to its centre: 0 at the first, 1 at the other.
    offset : float
        The distance between these two points, 0 to 2: how far off the way it lies.
    """

    name: str
    size: int
    position: float
    offset: float


def regions(space: Space, labels: Sequence[str | None]) -> list[Region]:
    """The region of each label.

    Parameters
    ----------
    space : Space
    labels : sequence of str or None, one for each row
        Songs without a label are left out.

    Returns
    -------
    list of Region
        The largest first, those of one size by name.

    Raises
    ------
    ValueError
        If there is not one label for each row.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [-1, -1]])
    >>> [(region.name, region.size, region.nearest[0][0]) for region in regions(space, ["a", "a", "b", "b", "c"])]
    [('a', 2, 'b'), ('b', 2, 'a'), ('c', 1, 'a')]
    """
    rows, centers = _centers(space, labels)
    found = []
    for name, members in rows.items():
        distances = np.linalg.norm(space.vectors[members] - centers[name], axis=1)
        others = [(other, float(np.linalg.norm(centers[other] - centers[name]))) for other in rows if other != name]
        found.append(
            Region(
                name=name,
                size=len(members),
                center=centers[name],
                heart=int(members[distances.argmin()]),
                spread=float(distances.mean()),
                nearest=tuple(sorted(others, key=lambda other: (other[1], other[0]))),
            )
        )
    return found


def between(space: Space, labels: Sequence[str | None], a: str, b: str) -> list[Between]:
    """The regions on the way from region a to region b.

    Parameters
    ----------
    space : Space
    labels : sequence of str or None, one for each row
    a, b : str
        The labels that the way leads from and to.

    Returns
    -------
    list of Between
        The other regions whose nearest point of the way is not one of its ends; the nearest to the way first.

    Raises
    ------
    SongspaceError
        If no song has one of the labels, or their centres do not lie apart, so that there is no way.
    ValueError
        If there is not one label for each row.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0, 0], [0, 1, 0], [0.7, 0.8, 0.1], [0, 0, 1], [-1.7, -1.8, -1.1]])
    >>> found = between(space, ["jazz", "rock", "funk", "folk", None], "jazz", "rock")
    >>> [(region.name, round(region.position, 1)) for region in found]
    [('funk', 0.5)]
    """
    rows, centers = _centers(space, labels)
    way = _way(centers, a, b)
    others = [name for name in rows if name not in (a, b) and centers[name].any()]
    if not others:
        return []
    position, offset = _along(np.array([centers[name] for name in others]), *way)
    found = [
        Between(name, len(rows[name]), float(where), float(off))
        for name, where, off in zip(others, position, offset, strict=True)
        if 0 < where < 1
    ]
    return sorted(found, key=lambda region: region.offset)


def songs_between(
    space: Space, labels: Sequence[str | None], a: str, b: str, *, k: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The songs nearest to the way from region a to region b, whatever their own label.

    Returns
    -------
    rows : ndarray of shape (at most k,), int64
        The nearest to the way first.
    positions, offsets : ndarrays of the same shape, float64
        As in :class:`Between`; offsets are exact to 1e-3.

    Raises
    ------
    SongspaceError, ValueError
        As :func:`between` does.
    """
    _, centers = _centers(space, labels)
    position, offset = _along(space.vectors, *_way(centers, a, b))
    inside = (position > 0) & (position < 1)
    inside[space.undirected] = False
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(offset[rows], kind="stable")][:k]
    return rows, position[rows], offset[rows]


def _centers(space: Space, labels: Sequence[str | None]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The rows and the centre of each label, the most frequent label first."""
    if len(labels) != len(space):
        raise ValueError(f"Expected a label (or None) for each of {len(space)} songs, got {len(labels)}")
    found: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None:
            found.setdefault(label, []).append(row)
    rows = {label: np.array(found[label]) for label in sorted(found, key=lambda label: (-len(found[label]), label))}
    centers = {}
    for label, members in rows.items():
        mean = space.vectors[members].mean(axis=0, dtype=np.float64)
        length = np.linalg.norm(mean)
        centers[label] = mean / length if length > 1e-6 else np.zeros_like(mean)
    return rows, centers


def _way(centers: dict[str, np.ndarray], a: str, b: str) -> tuple[np.ndarray, np.ndarray]:
    for name in (a, b):
        if name not in centers:
            raise SongspaceError(f"No song is labelled {name!r}.")
    if not (centers[a].any() and centers[b].any()) or np.linalg.norm(centers[a] - centers[b]) < 1e-6:
        raise SongspaceError(f"There is no way from {a!r} to {b!r}: their centres do not lie apart.")
    return centers[a], centers[b]


def _along(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position and offset of unit vectors (n, d) against the arc from a to b; positions end at 0 and 1."""
    across = b - (a @ b) * a
    size = np.linalg.norm(across)
    if size < 1e-6:  # a and b are opposite: a shortest way from one to the other leads through every point
        return np.arccos(np.clip(points @ a.astype(points.dtype), -1, 1)) / np.pi, np.zeros(len(points))
    across /= size
    whole = np.arctan2(b @ across, b @ a)
    x, y = points @ a.astype(points.dtype), points @ across.astype(points.dtype)
    # Angles are counted from half a turn before the middle of the arc, so that what lies beyond an end gets that end.
    half_turn_before = whole / 2 - np.pi
    angle = np.clip((np.arctan2(y, x) - half_turn_before) % (2 * np.pi) + half_turn_before, 0, whole)
    return angle / whole, np.sqrt(np.maximum(0, 2 - 2 * (np.cos(angle) * x + np.sin(angle) * y)))
