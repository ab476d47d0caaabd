"""Artists and albums that a person asks for: similar ones, and the songs that stand for one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.playlists import DEFAULT_LENGTH
from songspace.answers.request import ListRequest
from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.names import artist_of, is_called, nearest, plain
from songspace.library.shelves import Album, Artist, Shelves
from songspace.playlists.taste import tastes

if TYPE_CHECKING:
    from songspace.geometry.sets import Sets

REPRESENTATIVES = 5
"""Most songs that stand for an artist or an album."""


@answer
class SimilarArtist:
    """An artist who sounds like another one."""

    artist: str
    songs: int
    similarity: float = described("Mutual proximity, 0 to 1: of two sets, how many are farther apart.")
    distance: float = described("Mean distance of each song to the nearest song of the other, 0 to 2.")
    song: SongFacts = described("The most typical song of this artist.")


@answer
class SimilarArtists:
    """Artists who sound like one, the most similar first."""

    artist: str
    similar: list[SimilarArtist]


@answer
class SimilarAlbum:
    """An album that sounds like another one."""

    album: str
    artist: str
    songs: int
    similarity: float = described("Mutual proximity, 0 to 1: of two sets, how many are farther apart.")
    distance: float = described("Mean distance of each song to the nearest song of the other, 0 to 2.")
    song: SongFacts = described("The most typical song of this album.")


@answer
class SimilarAlbums:
    """Albums that sound like one, the most similar first."""

    album: str
    artist: str
    similar: list[SimilarAlbum]


def find_artist(shelves: Shelves, name: str) -> Artist:
    """Return the artist of a name, without regard to case, accents and "The".

    Raises
    ------
    SongspaceError
        If there is none; the message suggests similar names.
    """
    artist = shelves.artist_named(name)
    if artist is not None and artist.is_known:
        return artist
    names = {plain(one.name): one.name for one in shelves.artists.values() if one.is_known}
    raise SongspaceError(f"No artist of the library is called “{name}”.{_hint(plain(name), names)}")


def find_album(shelves: Shelves, name: str) -> Album:
    """Return the album of a title, or of "artist - title".

    Raises
    ------
    SongspaceError
        If there is none (the message suggests similar names), or several have that title.
    """
    wanted = plain(name)
    titled = [album for album in shelves.albums.values() if wanted == plain(album.name)]
    titled = titled or [album for album in shelves.albums.values() if wanted == plain(f"{album.by} {album.name}")]
    if len(titled) == 1:
        return titled[0]
    if titled:
        listed = "; ".join(f"{album.by} - {album.name}" for album in titled[:5])
        raise SongspaceError(f"{len(titled)} albums are called “{name}”: write the artist before it, as in {listed}.")
    names = {plain(album.name): f"{album.by} - {album.name}" for album in shelves.albums.values()}
    raise SongspaceError(f"No album of the library is called “{name}”.{_hint(wanted, names)}")


def _hint(wanted: str, names: dict[str, str]) -> str:
    near = [names[name] for name in nearest(wanted, names, 3)]
    return f" Did you mean: {'; '.join(near)}?" if near else ""


def artist_meant(view: View, text: str) -> bool:
    """Return True if a text is the name of an artist, and neither a file, an id nor the name of a song."""
    wanted = artist_of(text)
    if wanted is None or text.isdigit() or os.path.exists(text):
        return False
    return any(wanted in view.credits.of(song) for song in view.songs) and not is_called(view.listed, text)


def seeds_of(
    view: View, songs: Sequence[str], artists: Sequence[str], albums: Sequence[str], request: ListRequest
) -> list[str | Song]:
    """Return the songs to start a list from: songs as they are named, and songs that stand for artists and albums.

    Parameters
    ----------
    view : View
    songs : sequence of str
        Songs; a name that is an artist's, and no song's, stands for the artist.
    artists, albums : sequence of str
    request : ListRequest
        The list: songs of one artist must fit into it with the others that have to be between them.
    """
    meant = [artist_meant(view, text) for text in songs]
    by_artists = [*(text for text, is_artist in zip(songs, meant, strict=True) if is_artist), *artists]
    seeds: list[str | Song] = [text for text, is_artist in zip(songs, meant, strict=True) if not is_artist]
    if not by_artists and not albums:
        return seeds
    room = 1 + ((request.length or DEFAULT_LENGTH) - 1) // (request.rules.artist_gap + 1)
    most = max(1, min(REPRESENTATIVES, request.rules.most_of_artist or room, room // (len(by_artists) + len(albums))))
    for artist in (find_artist(view.shelves, name) for name in by_artists):
        seeds += representatives(view, view.artists, artist.id, artist.name, most=most)
    for album in (find_album(view.shelves, name) for name in albums):
        seeds += representatives(view, view.albums, album.id, album.name, most=most)
    return list(dict.fromkeys(seeds))


def similar_artists(view: View, artist: Artist, count: int) -> SimilarArtists:
    """Return the artists whose songs are most like those of one.

    Raises
    ------
    SongspaceError
        If none of the artist's songs is in the space.
    """
    _check(view.artists, artist.id, artist.name)
    similar = []
    for id, similarity, distance in view.artists.near(artist.id, count):
        other, song = view.shelves.artists[id], view.songs[view.artists.typical(id)[0]]
        similar.append(SimilarArtist(other.name, len(view.artists.rows(id)), similarity, distance, SongFacts.of(song)))
    return SimilarArtists(artist.name, similar)


def similar_albums(view: View, album: Album, count: int) -> SimilarAlbums:
    """Return the albums whose songs are most like those of one.

    Raises
    ------
    SongspaceError
        If none of the album's songs is in the space.
    """
    _check(view.albums, album.id, album.name)
    similar = []
    for id, similarity, distance in view.albums.near(album.id, count):
        other, song = view.shelves.albums[id], view.songs[view.albums.typical(id)[0]]
        similar.append(
            SimilarAlbum(other.name, other.by, len(view.albums.rows(id)), similarity, distance, SongFacts.of(song))
        )
    return SimilarAlbums(album.name, album.by, similar)


def _check(sets: Sets, id: str, name: str) -> None:
    if id not in sets:
        raise SongspaceError(f"No song of {name} is in the space: run `songspace update`.")


def representatives(view: View, sets: Sets, id: str, name: str, *, most: int = REPRESENTATIVES) -> list[Song]:
    """Return songs that stand for an artist or an album, from each group of similar songs the most typical ones.

    Groups take turns, the largest first, as for suggestions; of several versions of a song there is one.

    Raises
    ------
    SongspaceError
        If none of the songs is in the space.
    """
    _check(sets, id, name)
    typical = sets.typical(id)
    turns: list[tuple[float, int, int]] = []
    for number, group in enumerate(tastes(view.space, typical)):
        members = {*group.tolist()}
        in_order = [row for row in typical if row in members]
        # In proportion to the sizes of the groups (Sainte-Laguë).
        turns += [((2 * place + 1) / len(members), number, row) for place, row in enumerate(in_order)]
    row_of: dict[int, int] = {}
    for _, _, row in sorted(turns):
        row_of.setdefault(int(view.space.versions[row]), row)
    return [view.songs[row] for row in [*row_of.values()][:most]]


@dataclass(frozen=True)
class Group:
    """Similar songs of an artist.

    Attributes
    ----------
    index : int
        Number of the group, the largest first.
    weight : float
        Share of the artist's songs.
    rows : list of int
        The songs nearest to the centre first.
    center : ndarray of shape (d,)
        Of length 1.
    """

    index: int
    weight: float
    rows: list[int]
    center: np.ndarray


def groups_of(view: View, artist: str) -> list[Group]:
    """Return the groups of similar songs of an artist, given by id; see :func:`songspace.playlists.taste.tastes`."""
    vectors, rows = view.space.vectors, view.artists.rows(artist)
    groups = []
    for index, group in enumerate(tastes(view.space, rows)):
        mean = vectors[group].mean(axis=0, dtype=np.float64)
        center = mean / max(float(np.linalg.norm(mean)), 1e-9)
        nearest = group[np.argsort(-(vectors[group] @ center), kind="stable")].tolist()
        groups.append(Group(index, len(group) / len(rows), nearest, center))
    return groups


def matching_groups(groups: Sequence[Group], others: Sequence[Group], most: int) -> list[tuple[Group, Group, float]]:
    """Return the pairs of groups of two artists that are most alike, with 1 - cosine of their centres."""
    pairs = [(one, other, 1 - float(one.center @ other.center)) for one in groups for other in others]
    return sorted(pairs, key=lambda pair: pair[2])[:most]
