"""The library by artists and albums, with what the person likes and plays of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from songspace.library import Song
from songspace.library.likes import History, Record
from songspace.library.shelves import Album, Artist, Shelves
from songspace.server.service import At, Service


@dataclass(frozen=True)
class Marked(Shelves):
    """Shelves with marks.

    Attributes
    ----------
    history : History
        Records of songs.
    of_albums, of_artists : mapping of str to Record
        Records of the albums and artists that are here, by their ids.
    plays : mapping of str to tuple of int, float
        By the id of an album: the number of plays of its songs, and the time of the last one.
    """

    history: History
    of_albums: Mapping[str, Record]
    of_artists: Mapping[str, Record]
    plays: Mapping[str, tuple[int, float]]


def marked(service: Service, at: At, folder: str | None = None) -> Marked:
    """Return the shelves of a library, or of one of its folders, computed once for each state of it and of the likes.

    Raises
    ------
    UnknownError
        If there is no such folder.
    """
    shelves, history = service.shelves(at, folder), at.history

    def make() -> Marked:
        known = service.by_identity(at)
        plays: dict[str, tuple[int, float]] = {}
        for identity, record in history.songs.items():
            song = known.get(identity)
            if record.plays and song is not None and song.id in shelves.album_of:
                id = shelves.album_of[song.id].id
                count, last = plays.get(id, (0, 0.0))
                plays[id] = count + record.plays, max(last, record.played or 0.0)

        def album_of(song: int) -> list[Album]:
            return [shelves.album_of[song]] if song in shelves.album_of else []

        def artists_of(song: int) -> list[Artist]:
            return shelves.artists_of.get(song, [])

        return Marked(
            **vars(shelves),
            history=history,
            of_albums=_found_again(history.albums, shelves.albums, album_of, known),
            of_artists=_found_again(history.artists, shelves.artists, artists_of, known),
            plays=plays,
        )

    made: Marked = service.once(f"marks {folder or ''}", f"{at.snapshot.key} {history.mark}", make)
    return made


Group = TypeVar("Group", Album, Artist)


def _found_again(
    records: Mapping[str, Record],
    there: Mapping[str, Group],
    groups_of: Callable[[int], Sequence[Group]],
    known: Mapping[bytes, Song],
) -> dict[str, Record]:
    """Return the records of the albums or artists that are here.

    The id of an album or an artist is made of its name. One that was named anew is found again by its songs: it is the
    one that has most of them, if nothing is recorded under its new name.
    """
    found = {id: record for id, record in records.items() if id in there}
    for id, record in records.items():
        if id in there:
            continue
        songs = [known[identity] for identity in record.songs if identity in known]
        counted = Counter(group.id for song in songs for group in groups_of(song.id))
        most = min(counted, key=lambda other: (-counted[other], other), default=None)
        if most is not None and 2 * counted[most] > len(songs):
            found.setdefault(most, record)
    return found
