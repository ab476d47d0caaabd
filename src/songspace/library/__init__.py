"""A library: folders of music, and everything known about their songs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog
from songspace.library.home import Home
from songspace.library.records import Song
from songspace.library.scan import shown

if TYPE_CHECKING:
    from songspace.library.learnt import Segments

__all__ = ["Catalog", "Home", "Library", "Song"]


class Library:
    """A library opened for reading; it may be read while another process works on it.

    Parameters
    ----------
    home : path, optional
        The folder with its catalog, encoders and space; by default ``$SONGSPACE_HOME`` or the user's data folder.

    Raises
    ------
    SongspaceError
        If there is no library.

    Examples
    --------
    >>> from songspace import Library
    >>> Library("/nowhere")
    Traceback (most recent call last):
    ...
    songspace.errors.SongspaceError: There is no library in /nowhere: run `songspace learn FOLDER` first.
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self.home = Home(Path(home).absolute()) if home is not None else Home.default()
        self.catalog = Catalog(self.home.catalog)

    def songs(self) -> list[Song]:
        """Return all songs, in the order of their paths."""
        return self.catalog.songs()

    def find(self, text: str, *, among: Callable[[], list[Song]] | None = None) -> Song:
        """Return the song named by a path, an id, or a part of "artist - title".

        Parameters
        ----------
        text : str
        among : callable, optional
            Returns all songs; :meth:`songs` by default.

        Raises
        ------
        SongspaceError
            If there is none (with the nearest names) or more than one (with their ids).
        """
        from songspace.library.names import AmbiguousError, find

        row = self.catalog.file(os.path.abspath(text))
        songs = self.catalog.songs(row.songs) if row is not None else []
        if not songs and text.isascii() and text.isdigit() and not text.startswith("0"):
            songs = self.catalog.songs([int(text)])
        if len(songs) > 1:  # the file holds several, by its CUE sheet
            raise AmbiguousError(text, songs)
        if songs:
            return _reachable(songs[0])
        try:
            return find((among or self.songs)(), text)
        except AmbiguousError:
            raise
        except SongspaceError as unknown:
            try:
                song = find(self.catalog.away(), text)
            except SongspaceError:
                raise unknown from None
            return _reachable(song)

    @property
    def encoder(self) -> str:
        """Name of the encoder in use.

        Raises
        ------
        SongspaceError
            If nothing has been learnt yet.
        """
        name = self.catalog.fact("encoder")
        if name is None:
            raise SongspaceError("This library has no space yet: run `songspace learn FOLDER` first.")
        return name

    def segments(self, encoder: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the segment vectors of a learnt encoder (by default the one in use), without silent segments.

        Returns
        -------
        vectors : ndarray of shape (n, d), float32
        songs : ndarray of shape (n,), int64
            Id of the song of each segment. Songs are in the order of their paths, segments in the order of time.
        starts : ndarray of shape (n,), float64
            Start of each segment, in seconds.
        """
        from songspace.library.learnt import stored_segments

        stored = dict(stored_segments(self.home, self.catalog, encoder or self.encoder))
        vectors, songs, starts = [], [], []
        for song in self.songs():
            if song.id in stored:
                all_starts, silent = self.catalog.segments(song.id)
                vectors.append(stored[song.id])
                starts.append(all_starts[~silent])
                songs.append(np.full(len(stored[song.id]), song.id))
        if not vectors:
            raise SongspaceError("This library has no songs yet: run `songspace learn FOLDER` first.")
        return np.concatenate(vectors), np.concatenate(songs), np.concatenate(starts)

    def segments_of(self, songs: Iterable[int], encoder: str | None = None) -> dict[int, Segments]:
        """Return the segments of some songs, by id; the segments of other songs are not read.

        Songs that the encoder (by default the one in use) has not encoded are left out.
        """
        from songspace.library.learnt import segments_of

        return segments_of(self.home, self.catalog, encoder or self.encoder, songs)


def _reachable(song: Song) -> Song:
    """Return the song if its file can be reached.

    Raises
    ------
    SongspaceError
        If it is away: the space does not hold it now.
    """
    if song.away is not None:
        since = datetime.fromtimestamp(song.away).isoformat(" ", "minutes")
        raise SongspaceError(f"{song.name} is away since {since}: its file {shown(song.path)} cannot be reached.")
    return song
