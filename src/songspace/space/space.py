"""The class :class:`Space`: points, their distances and their neighbours."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError
from songspace.space import points, proximity, search, storage

__all__ = ["Space"]


class Space:
    """All songs of a library as points of a metric space; immutable.

    It is made by :meth:`from_vectors` or :meth:`open`. A song is given by its *row*, an int from 0 to
    ``len(space) - 1``; :meth:`row` returns the row of an id.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32, read-only
        Unit vectors; zeros for a song without a direction (see ``undirected``).
    ids : ndarray of shape (n,), int64 or object, read-only
        The id of the song in each row: its number in the catalog, or any value that can be hashed.
    numbers : ndarray of shape (n,), int64, read-only
        The ids if they are numbers, otherwise the rows; for sorting and sampling.
    center : ndarray of shape (d,), float32, read-only
        The mean vector that was subtracted.
    versions : ndarray of shape (n,), int64, read-only
        A number for each song, equal for versions of one song (live, remastered, the same on another album).
    undirected : ndarray of shape (m,), int64, read-only
        Rows of the songs at the mean, which have no direction; most spaces have none.
    moments : ndarray of shape (n, 2), float32, read-only
        Mean and deviation of each song's squared distances to all others.
    ends : tuple of two ndarrays of shape (n, d), int8, read-only, or None
        Points of the beginnings and the ends of the songs, in 8 bits, if they are known: see :meth:`openings`.
    mutual : bool
        True if :meth:`neighbors` ranks by mutual proximity, because the space has hubs; False if by distance.
    encoder : str
        Fingerprint of the encoder of the vectors: vectors of two encoders are never compared.

    Examples
    --------
    >>> space = Space.from_vectors([[0.0, 1.0], [0.1, 1.0], [3.0, -1.0]], ids=[7, 8, 9])
    >>> rows, distances = space.neighbors(space.row(7), k=2)
    >>> space.ids[rows].tolist(), distances.round(2).tolist()
    ([8, 9], [0.05, 2.0])
    >>> Space.from_vectors([[0.0, 1.0], [1.0, 0.0]], ids=["a.mp3", ("b.mp3", 2)]).row(("b.mp3", 2))
    1
    """

    def __init__(
        self,
        vectors: np.ndarray,
        ids: np.ndarray,
        versions: np.ndarray,
        center: np.ndarray,
        undirected: np.ndarray,
        moments: np.ndarray,
        openings: np.ndarray | None = None,
        endings: np.ndarray | None = None,
        names: np.ndarray | None = None,
        *,
        mutual: bool,
        encoder: str,
    ) -> None:
        self._ids, self._names = ids, names  # ids with names are read from the file at their first use
        self.vectors, self.versions = vectors, versions
        self.center, self.undirected = center, undirected
        self.ends = None if openings is None or endings is None else (openings, endings)
        self.moments, self.mutual, self.encoder = moments, mutual, encoder
        self._saved_checksum: str | None = None
        for array in (vectors, ids, versions, center, undirected, moments, *(self.ends or ())):
            array.flags.writeable = False

    @classmethod
    def from_vectors(
        cls,
        song_vectors: Any,
        ids: Any = None,
        *,
        openings: Any = None,
        endings: Any = None,
        encoder: str = "",
        mutual: bool | None = None,
    ) -> Space:
        """Build the space of songs.

        Parameters
        ----------
        song_vectors : array of shape (n, d)
            One finite vector for each song, for instance the mean of its segments' vectors.
        ids : sequence of length n, optional
            A different id for each song, in any order: ints, texts, tuples, or other values that can be hashed. By
            default 0 to n - 1. Rows keep this order.
        openings, endings : array of shape (n, d), optional
            One finite vector for the beginning and one for the end of each song, for instance the mean of the vectors
            of its first and last segments. They are stored in 8 bits, with errors below a hundredth.
        encoder : str
            Fingerprint of the encoder that made the vectors.
        mutual : bool, optional
            Rank neighbours by mutual proximity; by default if the space has hubs.

        Raises
        ------
        ValueError
            If there is no song, a number is not finite, arrays differ in shape, or there are not n different ids.
        """
        raw = points.as_float32(song_vectors)
        if raw.ndim != 2 or 0 in raw.shape:
            raise ValueError(f"Expected song vectors of shape (n, d) with at least one song, got shape {raw.shape}")
        checked_ids = storage.checked_ids(np.arange(len(raw)) if ids is None else ids, len(raw))
        center = raw.mean(axis=0, dtype=np.float64).astype(np.float32)
        vectors = points.place_all(raw, center)
        ends = [points.as_float32(some) for some in (openings, endings) if some is not None]
        if any(some.shape != raw.shape for some in ends) or len(ends) == 1:
            raise ValueError(f"Expected openings and endings of shape {raw.shape}, both or none")
        placed = [points.in_8_bits(points.place_all(some, center)) for some in ends]
        undirected = np.flatnonzero(~vectors.any(axis=1))
        mutual = proximity.has_hubs(vectors) if mutual is None else mutual
        moments = proximity.moments(vectors)
        versions = np.arange(len(raw))
        arrays = (vectors, checked_ids, versions, center, undirected, moments, *placed)
        return cls(*arrays, mutual=mutual, encoder=encoder)

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"<Space of {len(self)} songs in {self.vectors.shape[1]} dimensions, encoder {self.encoder!r}>"

    def neighbors(
        self, song: Any, k: int = 10, *, exclude: Iterable[int] = (), mutual: bool | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest neighbours of a song, exactly, over all songs.

        Parameters
        ----------
        song : int or array of shape (d,)
            A row, or a point of the unit ball: a song outside the library from :meth:`place`, or a mean of songs.
        k : int
            Number of neighbours; fewer are returned if there are fewer songs.
        exclude : iterable of int
            Rows to leave out; a song given by its row is always left out.
        mutual : bool, optional
            Rank by mutual proximity (True) or by distance (False); by default as this space does.

        Returns
        -------
        rows : ndarray of int64
            Nearest first; equally near songs by distance, then by row. Songs at distance 0 always come first.
        distances : ndarray of float64, 0 to 2
            Ranked by mutual proximity, they need not ascend.

        Raises
        ------
        ValueError
            If there is no such row, the vector does not belong to this space, or k is less than 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        query = self.checked(song) if points.is_row(song) else self._point(song)
        left_out = {self.checked(row) for row in exclude}
        if isinstance(query, int):
            left_out.add(query)
        k = min(k, len(self) - len(left_out))
        if k < 1:
            return np.empty(0, np.int64), np.empty(0)
        barred = np.array(sorted(left_out), dtype=np.int64)
        return self._search.nearest(query, k, barred=barred, mutual=self.mutual if mutual is None else mutual)

    def remoteness(self, rows: Any) -> np.ndarray:
        """Compute the remoteness of all songs from given ones, by mutual proximity, except for rounding.

        Returns
        -------
        ndarray of shape (len(rows), len(space)), float64, 0 to 1
            It is symmetric, but no metric; see :mod:`songspace.space.proximity`.
        """
        some = np.asarray(rows, dtype=np.int64)
        lengths = np.ones(len(self), np.float32)
        lengths[self.undirected] = 0
        remote = np.empty((len(some), len(self)))
        for line, row, products in zip(remote, some, self.vectors[some] @ self.vectors.T, strict=True):
            squared = np.maximum(lengths[row] + lengths - 2 * products, 0)
            squared[row] = 0
            line[:] = proximity.remoteness(squared, self.moments[row], self.moments)
        return remote

    def distance(self, a: Any, b: Any) -> float:
        """Compute the distance of two songs, 0 to 2; each is a row, or a point as in :meth:`neighbors`.

        Raises
        ------
        ValueError
            If there is no such row, or a vector does not belong to this space.
        """
        return float(points.euclidean(self._point(a)[None], self._point(b))[0])

    def distances(self, song: Any, rows: Any = None) -> np.ndarray:
        """Compute the distances of a song to the songs in ``rows``, by default to all, as :meth:`distance` does.

        Returns
        -------
        ndarray of float64, 0 to 2
        """
        query = self._point(song)
        rows = np.arange(len(self)) if rows is None else np.asarray(rows, dtype=np.int64)
        return points.distances_to(self.vectors, rows, query)

    def pairwise(self, rows: Any, others: Any) -> np.ndarray:
        """Compute the distances of songs to others, with errors below 1e-7, by one product of matrices.

        Returns
        -------
        ndarray of shape (len(rows), len(others)), float64, 0 to 2
        """
        return points.distances(*(self.vectors[np.asarray(some, dtype=np.int64)] for some in (rows, others)))

    def openings(self, rows: Any) -> np.ndarray:
        """Return the points of the beginnings of songs, (m, d), float32; their own points if these are unknown."""
        return self._end(0, rows)

    def endings(self, rows: Any) -> np.ndarray:
        """Return the points of the ends of songs, (m, d), float32; their own points if these are unknown."""
        return self._end(1, rows)

    def _end(self, which: int, rows: Any) -> np.ndarray:
        some = np.asarray(rows, dtype=np.int64)
        return self.vectors[some] if self.ends is None else points.from_8_bits(self.ends[which][some])

    def transitions(self, rows: Any, others: Any) -> np.ndarray:
        """Compute the distances of the ends of songs (``rows``) to the beginnings of songs (``others``).

        Returns
        -------
        ndarray of shape (len(rows), len(others)), float64, 0 to 2
        """
        return points.distances(self.endings(rows), self.openings(others))

    def place(self, vectors: Any) -> np.ndarray:
        """Place vectors from outside the library in this space: centre them like its songs, and scale to unit length.

        Parameters
        ----------
        vectors : array of shape (m, d) or (d,)
            Vectors from the encoder of this space.

        Returns
        -------
        ndarray of the same shape, float32

        Raises
        ------
        ValueError
            If a number is not finite, or the vectors have a wrong number of dimensions.
        """
        raw = points.as_float32(vectors)
        if raw.ndim not in (1, 2) or raw.shape[-1] != len(self.center):
            raise ValueError(f"Expected vectors of {len(self.center)} numbers, got an array of shape {raw.shape}")
        return points.place(np.atleast_2d(raw), self.center).reshape(raw.shape)

    def extended(self, placed: Any, ids: Any, *, openings: Any = None, endings: Any = None) -> Space:
        """Return this space with songs from outside after its own, which do not change.

        Parameters
        ----------
        placed : array of shape (m, d)
            Points from :meth:`place`.
        ids : sequence of length m
            Ids that no song of this space has.
        openings, endings : array of shape (m, d), optional
            Points from :meth:`place`; by default ``placed``.

        Raises
        ------
        ValueError
            If a vector does not belong to this space, or the ids are not m new ones.
        """
        placed = np.stack([self._point(vector) for vector in points.as_float32(placed)])
        all_ids = storage.checked_ids([*self.ids.tolist(), *ids], len(self) + len(placed))
        theirs = np.array([proximity.moments_of(self.distances(point) ** 2) for point in placed], np.float32)
        vectors = np.concatenate([self.vectors, placed])
        ends = None
        if self.ends is not None:
            new = (placed if some is None else points.as_float32(some) for some in (openings, endings))
            ends = [np.concatenate([ours, points.in_8_bits(some)]) for ours, some in zip(self.ends, new, strict=True)]
        versions = np.concatenate([self.versions, self.versions.max() + 1 + np.arange(len(placed))])
        return self._with(vectors, all_ids, versions, np.concatenate([self.moments, theirs]), ends)

    def with_versions(self, versions: Any) -> Space:
        """Return this space with other numbers of versions.

        Parameters
        ----------
        versions : int array of shape (n,)
            Output of :func:`songspace.space.versions.versions`.

        Raises
        ------
        ValueError
            If the number of numbers is not that of the songs.
        """
        numbers = np.array(versions, dtype=np.int64)
        if numbers.shape != (len(self),):
            raise ValueError(f"Expected a version for each of {len(self)} songs, got an array of shape {numbers.shape}")
        return self._with(self.vectors, self.ids, numbers, self.moments, self.ends)

    def only(self, rows: Any) -> Space:
        """Return a space of the songs in ``rows``, in this order, with their points and moments unchanged.

        Raises
        ------
        ValueError
            If there is no such row, or one is given twice.
        """
        kept = np.array([self.checked(row) for row in rows], dtype=np.int64)
        ids = storage.checked_ids(self.ids[kept], len(kept))
        ends = self.ends and [some[kept] for some in self.ends]
        return self._with(self.vectors[kept], ids, self.versions[kept], self.moments[kept], ends)

    def row(self, song_id: Hashable) -> int:
        """Return the row of the song with an id.

        Raises
        ------
        SongspaceError
            If there is no such id in this space.
        """
        if self.ids.dtype == object:
            row = self._by_name.get(song_id) if isinstance(song_id, Hashable) else None
        else:
            row = self._by_number(song_id)
        if row is None:
            song = song_id.item() if isinstance(song_id, np.generic) else song_id
            raise SongspaceError(f"Song {song!r} is not in the space.")
        return row

    def _by_number(self, song_id: Any) -> int | None:
        if not points.is_row(song_id) or int(song_id) not in range(-(2**63), 2**63):
            return None
        order, ids = self._by_id
        place = int(np.searchsorted(ids, song_id))
        return int(order[place]) if place < len(ids) and ids[place] == song_id else None

    def checked(self, row: Any) -> int:
        """Return a row as an int.

        Raises
        ------
        ValueError
            If there is no such row in this space.
        """
        if not (points.is_row(row) and 0 <= row < len(self)):
            raise ValueError(f"There is no row {row!r} in a space of {len(self)} songs")
        return int(row)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write this space to one file atomically, even if the machine stops meanwhile.

        Raises
        ------
        SongspaceError
            If it cannot be written, with the reason. Ids must be texts, numbers, bytes, None, or tuples of these.
        """
        path = Path(path)
        try:
            arrays = self._arrays()
        except TypeError as error:
            raise SongspaceError(f"The space cannot be written to {path}: {error}.") from None
        storage.write(path, arrays, {"encoder": self.encoder, "order": "mutual" if self.mutual else "distance"})
        return path

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Space:
        """Map a space that :meth:`save` wrote into memory.

        The header is checked; the numbers are read at their first use (:meth:`verify` reads them all).

        Raises
        ------
        SongspaceError
            If there is no file, or it is incomplete, damaged or no space.
        """
        arrays, metadata = storage.read(Path(path))
        space = cls(**arrays, mutual=metadata["order"] == "mutual", encoder=metadata["encoder"])
        space._saved_checksum = metadata["checksum"]
        return space

    @property
    def checksum(self) -> str | None:
        """Checksum of the numbers in the file of this space; None if it was not opened from a file."""
        return self._saved_checksum

    def verify(self) -> bool:
        """Read the whole file (about 1 GB/s); return True if all numbers are those that were saved."""
        return self._saved_checksum in (None, tensorfile.checksum(self._arrays()))

    def _with(
        self,
        vectors: np.ndarray,
        ids: np.ndarray,
        versions: np.ndarray,
        moments: np.ndarray,
        ends: Sequence[np.ndarray] | None,
    ) -> Space:
        """Return a space of other songs with the centre, the ranking and the encoder of this one."""
        undirected = np.flatnonzero(~vectors.any(axis=1))
        arrays = (vectors, ids, versions, self.center, undirected, moments, *(ends or ()))
        return Space(*arrays, mutual=self.mutual, encoder=self.encoder)

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {name: getattr(self, name) for name in storage.FIELDS if name != "ids"}
        if self._ids.dtype == object:
            arrays |= {"ids": self.numbers, "names": storage.written_ids(self.ids.tolist())}
        else:
            arrays |= {"ids": self._ids} | ({} if self._names is None else {"names": self._names})
        arrays |= dict(zip(storage.ENDS, self.ends or (), strict=False))
        return {name: arrays[name] for name in storage.ORDER if name in arrays}

    @cached_property
    def ids(self) -> np.ndarray:
        if self._names is None:
            return self._ids
        try:
            ids = storage.read_ids(self._names, len(self))
        except ValueError:
            raise SongspaceError("The space is damaged: its ids are not those that were written.") from None
        ids.flags.writeable = False
        return ids

    @cached_property
    def numbers(self) -> np.ndarray:
        if self._ids.dtype != object and self._names is None:
            return self._ids
        rows = np.arange(len(self))
        rows.flags.writeable = False
        return rows

    @cached_property
    def _search(self) -> search.Search:
        return search.Search(self.vectors, self.undirected, self.moments)

    @cached_property
    def _by_name(self) -> dict[Hashable, int]:
        return {id: row for row, id in enumerate(self.ids.tolist())}

    @cached_property
    def _by_id(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows sorted by their ids, and the sorted ids."""
        order = np.argsort(self.ids, kind="stable")
        return order, self.ids[order]

    def _point(self, song: Any) -> np.ndarray:
        if points.is_row(song):
            point: np.ndarray = self.vectors[self.checked(song)]
            return point
        point = points.as_float32(song)
        if point.shape != self.center.shape:
            raise ValueError(f"Expected a row or a vector of {len(self.center)} numbers, got shape {point.shape}")
        length = np.linalg.norm(point)
        if length > 1.001:
            raise ValueError(f"A vector of length {length:.3g} does not lie in the space: place() brings it there")
        return point
