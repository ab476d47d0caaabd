"""Artists by the positions of their songs: similar artists, and an artist's most central songs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songspace.space import Space


class Centers:
    """The middle of each artist's songs.

    Artists with few songs have one too, because a request for similar artists wants an answer: it is less certain than
    the regions of :mod:`songspace.geometry`, which want four songs.

    Parameters
    ----------
    space : Space
    artists : sequence of str or None
        Whose the song of each row is.

    Examples
    --------
    >>> space = Space.from_vectors([[2, 0], [2, 2], [2, 1], [0, 2], [-6, -5]])
    >>> centers = Centers(space, ["ann", "ann", "ann", "bea", "cid"])
    >>> [name for name, distance in centers.near("ann", 5)], centers.heart("ann")[0]
    (['bea', 'cid'], 2)
    """

    def __init__(self, space: Space, artists: Sequence[str | None]) -> None:
        self._space = space
        self._rows: dict[str, list[int]] = {}
        nowhere = set(np.asarray(space.undirected).tolist())
        for row, artist in enumerate(artists):
            if artist is not None and row not in nowhere:
                self._rows.setdefault(artist, []).append(row)
        self._names = [*self._rows]
        self._codes = {name: code for code, name in enumerate(self._names)}
        means = [space.vectors[rows].mean(axis=0, dtype=np.float64) for rows in self._rows.values()]
        centers = np.array(means).reshape(len(means), space.vectors.shape[1])
        lengths = np.linalg.norm(centers, axis=1, keepdims=True)
        self._centers = np.divide(centers, lengths, out=np.zeros_like(centers), where=lengths > 0)

    def __contains__(self, artist: str) -> bool:
        return artist in self._codes

    def near(self, artist: str, count: int) -> list[tuple[str, float]]:
        """Return the other artists and how far their middles are (0 to 2), the nearest first."""
        own = self._codes[artist]
        distances = np.sqrt(((self._centers - self._centers[own]) ** 2).sum(axis=1))
        nearest = np.argsort(distances, kind="stable")
        nearest = nearest[nearest != own][:count]
        return [(self._names[code], float(distances[code])) for code in nearest.tolist()]

    def heart(self, artist: str, *, towards: str | None = None) -> list[int]:
        """Return the rows of an artist's songs, those nearest to their middle (or to that of another one) first."""
        rows = np.array(self._rows[artist])
        apart = self._space.distances(self._centers[self._codes[towards or artist]], rows)
        return rows[np.argsort(apart, kind="stable")].tolist()
