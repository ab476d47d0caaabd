"""Lyrion Music Server (Logitech Media Server), by its JSON-RPC (lyrion.org/reference/cli)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from songspace.interchange import Entry
from songspace.interchange.paths import from_uri
from songspace.reporter import Reporter
from songspace.server.linking.server import (
    PAGE,
    Client,
    Item,
    each_once,
    id_of,
    listed,
    objects,
    seconds,
    text,
)

_TAGS = "tags:uadls"  # url, artist, duration, album, artist_id
_PART = re.compile(r"#\d+(?:\.\d+)?-\d+(?:\.\d+)?$")  # of a file with a cue sheet
_DRIVE = re.compile(r"/(?=[A-Za-z]:/)")


class Lyrion:
    """A Lyrion server.

    Parameters
    ----------
    url : str
        Address of its page, as http://localhost:9000.
    user, password : str, optional
        If the server is protected by a password.

    Raises
    ------
    SongspaceError
        If the address is invalid.
    """

    def __init__(self, url: str, user: str | None = None, password: str = "") -> None:
        headers, secrets = {}, [password]
        if user is not None:
            basic = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers, secrets = {"Authorization": f"Basic {basic}"}, [password, basic]
        self._client = Client(url, "Lyrion", headers=headers, secrets=secrets)
        self.url = self._client.url

    def __repr__(self) -> str:
        return f"Lyrion({self.url!r}, ...)"

    def items(self, reporter: Reporter) -> Iterator[Item]:
        """Yield all songs of the server that are files, and not those of services."""
        return each_once(self._pages(), reporter)

    def _pages(self) -> Iterator[list[Item]]:
        begin = 0
        while True:
            question = ["", ["titles", begin, PAGE, _TAGS]]
            answer = self._client.ask("/jsonrpc.js", body={"id": 1, "method": "slim.request", "params": question})
            result = answer.get("result") if isinstance(answer, dict) else None
            if not isinstance(result, dict) or not ({"count", "titles_loop"} & result.keys()):
                raise self._client.strange()
            page = objects(result.get("titles_loop"))
            if not page:
                return
            yield listed(page, _item)
            begin += len(result["titles_loop"])


def _item(song: Mapping[str, Any]) -> Item | None:
    id, url = id_of(song.get("id")), text(song.get("url"))
    if id is None or (url is not None and not url.lower().startswith("file:")):  # of a service, as Spotify's
        return None
    path = None if url is None else _DRIVE.sub("", from_uri(_PART.sub("", url)), count=1)
    entry = Entry(
        name=path,
        path=path,
        title=text(song.get("title")),
        artist=text(song.get("artist")),
        album=text(song.get("album")),
        duration=seconds(song.get("duration")),
    )
    return Item(id, entry, id_of(song.get("artist_id")))
