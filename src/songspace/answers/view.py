"""A library as questions see it: its space, the song of each row, and the songs that a person named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.learnt import Segments, imported_from, in_brief, learnt
from songspace.library.likes import History, Likes
from songspace.library.shelves import Shelves, arrange
from songspace.library.words import Words
from songspace.space import Space

if TYPE_CHECKING:
    from songspace.geometry.sets import Sets
    from songspace.library.credits import Credits


def open_space(library: Library) -> Space:
    """Return the space of a library that has one.

    Raises
    ------
    SongspaceError
        If nothing has been learnt, or the space is not that of the encoder in use.
    """
    what = learnt(library.catalog, library.encoder)
    space = Space.open(library.home.space)
    if what is not None and space.encoder != what.fingerprint and (source := imported_from(library.catalog)):
        raise SongspaceError(f"An import was stopped before its space was built: run `songspace import {source}`.")
    if what is None or space.encoder != what.fingerprint:
        raise SongspaceError("The space is older than the encoder: run `songspace update`.")
    return space


def in_rows(space: Space, songs: Iterable[Song]) -> list[Song]:
    """Return the song of each row of a space.

    A song that left the catalog since the space was built keeps its row until the next update.
    """
    known = {song.id: song for song in songs}
    return [known.get(id) or _gone(id) for id in space.ids.tolist()]


def with_words(songs: list[Song], words: Words | None) -> list[Song]:
    """Return the same songs, with the words that stand out in them to an ear."""
    if words is None:
        return songs
    told = words.told_each()
    return [replace(song, words=told.get(song.id, ())) for song in songs]


def opened(library: Library) -> tuple[Space, list[Song]]:
    """Return the space of a library, and the song of each of its rows."""
    view = View(library)
    return view.space, view.songs


def _gone(id: int) -> Song:
    return Song(id, "(gone)", 0.0)


class View:
    """A library and its space at one moment; each is read when it is first asked for.

    Parameters
    ----------
    library : Library
    opened : tuple of Space and list of Song, optional
        The space and the song of each of its rows, if they are loaded already.
    credits : Credits, optional
        The artists of the songs, if they are known already.
    """

    def __init__(
        self, library: Library, opened: tuple[Space, list[Song]] | None = None, credits: Credits | None = None
    ) -> None:
        self.library = library
        if opened is not None:
            self.space, self.songs = opened
        if credits is not None:
            self.credits = credits

    @cached_property
    def space(self) -> Space:
        """The library's space."""
        return open_space(self.library)

    @cached_property
    def words(self) -> Words | None:
        """The words that the ear in use has for the songs, if it knows any."""
        return Words.open(self.library.home.words, self.space.encoder)

    @cached_property
    def songs(self) -> list[Song]:
        """The song of each row of the space."""
        songs = in_rows(self.space, self.listed)
        return with_words(songs, self.words)

    @cached_property
    def listed(self) -> list[Song]:
        """All songs of the library, in the order of their paths."""
        return self.library.songs()

    @cached_property
    def credits(self) -> Credits:
        """Whom the songs are by."""
        from songspace.library.credits import Credits

        return Credits(self.songs)

    @cached_property
    def history(self) -> History:
        """What the person likes and plays."""
        return Likes(self.library.home.likes).history()

    @cached_property
    def shelves(self) -> Shelves:
        """The artists and albums of the library."""
        catalog = self.library.catalog
        return arrange(self.listed, catalog.roots(), catalog.files())

    @cached_property
    def artists(self) -> Sets:
        """The songs of each artist as sets, by the artist's id."""
        from songspace.geometry.sets import Sets

        of_song = (self.shelves.artists_of.get(song.id, ()) for song in self.songs)
        return Sets(self.space, [[artist.id for artist in artists if artist.is_known] for artists in of_song])

    @cached_property
    def albums(self) -> Sets:
        """The songs of each album as sets, by the album's id."""
        from songspace.geometry.sets import Sets

        of_song = (self.shelves.album_of.get(song.id) for song in self.songs)
        return Sets(self.space, [[] if album is None else [album.id] for album in of_song])

    def song(self, row: int) -> Song:
        """Return the song of a row, without reading all others for it."""
        if "songs" in self.__dict__:
            return self.songs[row]
        id = int(self.space.ids[row])
        song = self.library.catalog.song(id) or _gone(id)
        return song if self.words is None else replace(song, words=self.words.told(id))


class Asked:
    """The songs that a person named, as rows of a space; files outside the library are given a row of their own.

    Parameters
    ----------
    view : View
    names : sequence of str or Song
        Songs, or their names, paths or ids.

    Attributes
    ----------
    view : View
    asked : list of Song
        The songs named, in their order; those from outside the library have negative ids.
    space : Space
        The library's, with the songs from outside at its end.
    rows : list of int
        The rows of the songs named.
    """

    def __init__(self, view: View, names: Sequence[str | Song]) -> None:
        self.view = view
        self._segments: dict[int, Segments] = {}  # of songs from outside
        self.space = view.space
        self.asked = [name if isinstance(name, Song) else self._song(name) for name in names]
        self._outside = [song for song in self.asked if song.id < 0]
        self.rows = [self.space.row(song.id) for song in self.asked]

    def _song(self, name: str) -> Song:
        library = self.view.library
        outside = Path(name).is_file() and library.catalog.song_at(os.path.abspath(name)) is None
        return self._from_outside(name) if outside else library.find(name, among=lambda: self.view.listed)

    def _from_outside(self, name: str) -> Song:
        from songspace.library.catalog import TAG_ENCODING
        from songspace.library.listening import encode_file
        from songspace.library.tags import read_tags

        library = self.view.library
        segments, duration = encode_file(library.home, library.catalog, name)
        vector, opening, ending = self.space.place(in_brief(segments.vectors))[:, np.newaxis]
        id = min(0, int(self.space.ids.min())) - 1
        self.space = self.space.extended(vector, [id], openings=opening, endings=ending)
        self._segments[id] = segments
        tags = read_tags(name, encoding=library.catalog.fact(TAG_ENCODING))
        known = {field: getattr(tags, field) for field in tags.__slots__}
        return Song(id, os.path.abspath(name), duration, **known)

    def segments_of(self, ids: Iterable[int]) -> dict[int, Segments]:
        """Return the segments of some songs by their ids: in the library, or named by the person."""
        ids = list(ids)
        inside = self.view.library.segments_of(id for id in ids if id not in self._segments)
        return inside | {id: self._segments[id] for id in ids if id in self._segments}

    def center(self) -> int | np.ndarray:
        """Return what to look around: the row of the one song named, or the middle of several."""
        return self.rows[0] if len(self.rows) == 1 else self.space.vectors[self.rows].mean(axis=0)

    def everyone(self) -> list[Song]:
        """Return the song of each row of the space, those from outside at the end."""
        return [*self.view.songs, *self._outside]

    def songs(self, rows: Sequence[int] | np.ndarray) -> list[Song]:
        """Return the songs of some rows."""
        inside = len(self.view.space)
        return [
            self.view.song(row) if row < inside else self._outside[row - inside]
            for row in np.asarray(rows, int).tolist()
        ]
