"""Ids of a media server for the songs and artists of the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from songspace.library import Song
from songspace.library.records import Link
from songspace.library.shelves import Shelves


class Ids:
    """Ids of the songs and artists of the library on a media server."""

    def __init__(self, links: Mapping[str, Iterable[Link]], songs: Iterable[Song], shelves: Shelves) -> None:
        self.linked = any(links.values())
        known = [link for some in links.values() for link in some]
        if not self.linked:
            known = [Link(str(song.id), song.id, shelves.artists_of[song.id][0].id) for song in songs]
        self.song: dict[str, int] = {}
        self.item: dict[int, str] = {}
        counts: dict[str, Counter[str]] = {}
        self._artists: dict[str, str] = {}
        for link in known:
            self.song.setdefault(link.item, link.song)
            self.item.setdefault(link.song, link.item)
            artist = next(iter(shelves.artists_of.get(link.song, ())), None)
            if link.artist is not None and artist is not None:
                counts.setdefault(artist.id, Counter())[link.artist] += 1
                self._artists.setdefault(link.artist, artist.id)
        self._names = {id: counted.most_common(1)[0][0] for id, counted in counts.items()}

    def artist(self, item: str) -> str | None:
        """Return the id in songspace of an artist on the media server."""
        return self._artists.get(item)

    def of_artist(self, id: str) -> str | None:
        """Return the id on the media server of an artist in songspace."""
        return self._names.get(id)
