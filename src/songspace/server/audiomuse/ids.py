"""Ids of media servers for the songs and artists of the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from songspace.library import Song
from songspace.library.records import Link
from songspace.library.shelves import Shelves


class Ids:
    """Ids of the songs and artists of the library on one media server.

    Parameters
    ----------
    server : str
        Address of the server; empty for songspace's own ids.
    links : iterable of Link
    shelves : Shelves

    Attributes
    ----------
    song : mapping of str to int
        Song of each id.
    item : mapping of int to str
        An id of each song that the server has.
    """

    def __init__(self, server: str, links: Iterable[Link], shelves: Shelves) -> None:
        self.server = server
        self.song: dict[str, int] = {}
        self.item: dict[int, str] = {}
        counts: dict[str, Counter[str]] = {}
        self._artists: dict[str, str] = {}
        for link in links:
            self.song.setdefault(link.item, link.song)
            self.item.setdefault(link.song, link.item)
            artist = next(iter(shelves.artists_of.get(link.song, ())), None)
            if link.artist is not None and artist is not None:
                counts.setdefault(artist.id, Counter())[link.artist] += 1
                self._artists.setdefault(link.artist, artist.id)
        self._names = {id: counted.most_common(1)[0][0] for id, counted in counts.items()}

    @property
    def linked(self) -> bool:
        """Whether these are the ids of a media server."""
        return bool(self.server)

    def is_called(self, name: str) -> bool:
        """Return True if a name means this server: its address, with or without ``http://``."""
        given, own = name.strip().rstrip("/").lower(), self.server.lower()
        return given in (own, own.partition("://")[2], urlsplit(own).hostname)

    def artist(self, item: str) -> str | None:
        """Return the id in songspace of an artist on the media server."""
        return self._artists.get(item)

    def of_artist(self, id: str) -> str | None:
        """Return the id on the media server of an artist in songspace."""
        return self._names.get(id)


def ids_of_each(links: Mapping[str, Sequence[Link]], songs: Iterable[Song], shelves: Shelves) -> list[Ids]:
    """Return the ids on each linked server, the one with the most songs first; without any, songspace's own ids."""
    known = sorted(((server, some) for server, some in links.items() if some), key=lambda pair: -len(pair[1]))
    own = [Link(str(song.id), song.id, shelves.artists_of[song.id][0].id) for song in songs] if not known else []
    return [Ids(server, some, shelves) for server, some in known] or [Ids("", own, shelves)]
