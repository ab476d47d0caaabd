"""Plex Media Server, by the sections of its library (developer.plex.tv/pms)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from songspace.interchange import Entry
from songspace.reporter import Reporter
from songspace.server.linking.server import (
    PAGE,
    Client,
    Item,
    checked_key,
    each_once,
    id_of,
    listed,
    objects,
    seconds,
    text,
)

_TRACK = 10  # Plex's number for the type of an item


class Plex:
    """A Plex server.

    Parameters
    ----------
    url : str
        Address of the server.
    key : str
        A token of a user (X-Plex-Token).

    Raises
    ------
    SongspaceError
        If the address or the key is invalid.
    """

    def __init__(self, url: str, key: str) -> None:
        key = checked_key(key)
        headers = {"X-Plex-Token": key, "Accept": "application/json"}
        self._client = Client(url, "Plex", headers=headers, secrets=[key])
        self.url = self._client.url

    def __repr__(self) -> str:
        return f"Plex({self.url!r}, ...)"

    def items(self, reporter: Reporter) -> Iterator[Item]:
        """Yield all songs of all music libraries of the server."""
        for section in self._container("/library/sections").get("Directory") or []:
            if isinstance(section, dict) and section.get("type") == "artist":
                key = id_of(section.get("key"))
                if key is not None:
                    yield from each_once(self._pages(f"/library/sections/{quote(key, safe='')}/all"), reporter)

    def _pages(self, path: str) -> Iterator[list[Item]]:
        begin = 0
        while True:
            headers = {"X-Plex-Container-Start": str(begin), "X-Plex-Container-Size": str(PAGE)}
            page = objects(self._container(path, {"type": _TRACK}, headers).get("Metadata"))
            if not page:
                return
            yield listed(page, _item)
            begin += len(page)

    def _container(
        self, path: str, parameters: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        answer = self._client.ask(path, parameters, headers=headers)
        container = answer.get("MediaContainer") if isinstance(answer, dict) else None
        if not isinstance(container, dict):
            raise self._client.strange()
        return container


def _item(song: Mapping[str, Any]) -> Item | None:
    id = id_of(song.get("ratingKey"))
    if id is None:
        return None
    files = (text(part.get("file")) for media in objects(song.get("Media")) for part in objects(media.get("Part")))
    path = next((file for file in files if file is not None), None)
    # "originalTitle" is the artist of a song on an album by others.
    entry = Entry(
        name=path,
        path=path,
        title=text(song.get("title")),
        artist=text(song.get("originalTitle")) or text(song.get("grandparentTitle")),
        album=text(song.get("parentTitle")),
        duration=seconds(song.get("duration"), unit=1e-3),
    )
    return Item(id, entry, id_of(song.get("grandparentRatingKey")))
