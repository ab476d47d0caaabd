"""Matching the songs of a media server to those of a library."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from songspace.errors import SongspaceError
from songspace.interchange import match
from songspace.library import Catalog, Home
from songspace.library.records import Link
from songspace.reporter import Reporter
from songspace.server.linking.server import Item, Server


@dataclass(frozen=True)
class Linked:
    """The result of linking a server.

    Attributes
    ----------
    server : str
    items, matched : int
        Number of songs on the server, and of those that are in the library.
    unmatched : list of str
        Names of the others.
    songs, linked : int
        Number of songs in the library, and of those that the server has.
    """

    server: str
    items: int
    matched: int
    unmatched: list[str]
    songs: int
    linked: int


def link(
    home: Home, server: Server, *, prefixes: Mapping[str, str] | None = None, reporter: Reporter | None = None
) -> Linked:
    """Read the ids of a library's songs on a server, and replace those that the catalog has.

    Songs are matched like the entries of playlists; see :mod:`songspace.interchange.matching`.

    Parameters
    ----------
    home : Home
    server : Server
    prefixes : mapping of str to str, optional
        Folders of the library, and their paths on the server; relative paths are looked up in the library's folders.
    reporter : Reporter, optional

    Raises
    ------
    SongspaceError
        If there is no library, the server gives no answer, or none of its songs is in the library.
    """
    with Catalog(home.catalog) as catalog:
        songs, roots = catalog.songs(), catalog.roots()
    with home.lock():  # before the server is asked, so that a locked home is reported at once
        items = [*{item.id: item for item in server.items(reporter or Reporter())}.values()]
        with Catalog(home.catalog, write=True) as catalog:
            known = dict.fromkeys(roots, "") | dict(prefixes or {})
            matches = match((item.entry for item in items), songs, prefixes=known, at=catalog.song_at)
            links = [
                Link(item.id, song.id, item.artist)
                for item, song in zip(items, matches, strict=True)
                if song is not None
            ]
            if not links:
                raise SongspaceError(_none(server, items))
            catalog.set_links(server.url, links)
            catalog.set_fact("links", secrets.token_hex(8))  # marks the ids as changed
    unmatched = [item.entry.label for item, song in zip(items, matches, strict=True) if song is None]
    return Linked(server.url, len(items), len(links), unmatched, len(songs), len({link.song for link in links}))


def _none(server: Server, items: list[Item]) -> str:
    if not items:
        return f"{server.url} has no songs."
    return (
        f"None of the {len(items)} songs of {server.url} is in this library, as {items[0].entry.label}: if they are "
        "the same files, --prefix HERE=THERE says what the server calls their folder."
    )
