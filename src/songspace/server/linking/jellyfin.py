"""Jellyfin and Emby, which have the same API for items (api.jellyfin.org, dev.emby.media)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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

_TICK = 1e-7  # seconds


class Jellyfin:
    """A Jellyfin server.

    Parameters
    ----------
    url : str
        Address of the server.
    key : str
        A key of its API (Dashboard, API Keys).

    Raises
    ------
    SongspaceError
        If the address or the key is invalid.
    """

    kind, path = "Jellyfin", "/Items"

    def __init__(self, url: str, key: str) -> None:
        key = checked_key(key)
        self._client = Client(url, self.kind, headers=self._headers(key), secrets=[key])
        self.url = self._client.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, ...)"

    def _headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f'MediaBrowser Client="songspace", Token="{key}"'}

    def items(self, reporter: Reporter) -> Iterator[Item]:
        """Yield all songs of the server."""
        return each_once(self._pages(), reporter)

    def _pages(self) -> Iterator[list[Item]]:
        begin = 0
        wanted = {
            "IncludeItemTypes": "Audio",
            "Recursive": "true",
            "Fields": "Path,ProviderIds",
            "SortBy": "SortName",
            "EnableImages": "false",
            "EnableUserData": "false",
            "Limit": PAGE,
        }
        while True:
            answer = self._client.ask(self.path, {**wanted, "StartIndex": begin})
            if not isinstance(answer, dict) or not isinstance(answer.get("Items"), list):
                raise self._client.strange()
            page = objects(answer["Items"])
            if not page:
                return
            yield listed(page, _item)
            begin += len(answer["Items"])


class Emby(Jellyfin):
    """An Emby server; see :class:`Jellyfin`."""

    kind, path = "Emby", "/emby/Items"

    def _headers(self, key: str) -> dict[str, str]:
        return {"X-Emby-Token": key}


def _item(song: Mapping[str, Any]) -> Item | None:
    id = id_of(song.get("Id"))
    if id is None:
        return None
    path, providers = text(song.get("Path")), song.get("ProviderIds")
    # "MusicBrainzTrack" is the track of a release, not the recording, whose id the tags of a song have.
    mbid = text(providers.get("MusicBrainzRecording")) if isinstance(providers, dict) else None
    credited = song.get("Artists")
    names = [name for one in credited if (name := text(one))] if isinstance(credited, list) else []
    entry = Entry(
        name=path,
        path=path,
        title=text(song.get("Name")),
        artist=names[0] if names else text(song.get("AlbumArtist")),
        album=text(song.get("Album")),
        duration=seconds(song.get("RunTimeTicks"), unit=_TICK),
        recording_mbid=mbid and mbid.lower(),
    )
    artists = objects(song.get("ArtistItems")) or objects(song.get("AlbumArtists"))
    return Item(id, entry, next((known for one in artists if (known := id_of(one.get("Id")))), None))
