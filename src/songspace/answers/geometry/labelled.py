"""What a question of geometry is about: a space, and what its songs are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.credits import Credits

if TYPE_CHECKING:
    from songspace.space import Space


class Kind(StrEnum):
    """What geometry is about."""

    genres = "genres"
    artists = "artists"
    albums = "albums"

    @property
    def one(self) -> str:
        """One of them."""
        return self.value.removesuffix("s")


@dataclass(frozen=True)
class Labelled:
    """A space with what its songs are called.

    Attributes
    ----------
    kind : Kind
    space : Space
    songs : list of Song
        Of each row.
    labels : list of str or None
    units : list of str or None, or None
        What intervals draw: the artists of genres, the songs of artists and albums.
    several : int
        Tags that name several genres.
    """

    kind: Kind
    space: Space
    songs: list[Song]
    labels: list[str | None]
    units: list[str | None] | None
    several: int

    @property
    def unit(self) -> str:
        """What intervals draw, in a word."""
        return "songs" if self.units is None else "artists"


def labelled(view: View, kind: Kind, *, needed: bool = True) -> Labelled:
    """The space of a library with a label for each song.

    Raises
    ------
    SongspaceError
        If no song has one, and one is needed.
    """
    from songspace import geometry as rooms

    space, songs = view.space, view.songs
    labels = {
        Kind.genres: rooms.genre_labels,
        Kind.artists: artists,
        Kind.albums: rooms.album_labels,
    }[kind](songs)
    if needed and not any(labels):
        raise SongspaceError(f"No song has a tag that says its {kind.one}.")
    units = artists(songs) if kind is Kind.genres else None
    several = sum(len(rooms.genres_of(song)) > 1 for song in songs) if kind is Kind.genres else 0
    return Labelled(kind, space, songs, labels, units, several)


def artists(songs: Sequence[Song]) -> list[str | None]:
    """Whose each song is: its main artist, as it is with genres; None for "Various Artists".

    A song in the regions of two artists would make them overlap by its tag alone, not by its sound.
    """
    credits = Credits(songs)
    return [credits.main(song) for song in songs]
