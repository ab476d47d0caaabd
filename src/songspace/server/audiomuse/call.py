"""A call of a plugin, and what all calls share: parameters, ids, distances, and the form of answers and errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

from fastapi import Request
from starlette.responses import Response

from songspace.errors import SongspaceError
from songspace.geometry.sets import Sets
from songspace.library import Song
from songspace.library.shelves import Shelves
from songspace.server.audiomuse.ids import Ids, ids_of_each
from songspace.server.problems import BusyError, NotReadyError, UnknownError
from songspace.server.service import At, Document, Service, service_of

_UNKNOWN = "unknown"


class PluginCall:
    """A call of a plugin. As in AudioMuse, an invalid number counts as missing."""

    def __init__(self, request: Request, service: Service, at: At) -> None:
        self.service, self.at, self._given = service, at, request.query_params
        self._server: Ids | None = None

    def text(self, name: str) -> str:
        """Return a parameter; empty if it is missing."""
        return self._given.get(name, "").strip()[:1000]

    def number(self, name: str, default: int, most: int) -> int:
        """Return a parameter that is a positive number, at most ``most``."""
        text = self.text(name)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
        return max(1, min(number, most))

    def flag(self, name: str, default: bool) -> bool:
        """Return a parameter that is true or false."""
        return self.text(name).lower() == "true" if self.text(name) else default

    @cached_property
    def shelves(self) -> Shelves:
        """The library by artists and albums."""
        return self.service.shelves(self.at)

    @cached_property
    def artists(self) -> Sets:
        """The songs of each artist, as sets."""
        return self.at.view.artists

    @cached_property
    def _servers(self) -> list[Ids]:
        catalog = self.at.library.catalog
        key = f"{self.at.snapshot.key} {catalog.fact('links')}"
        listed = self.at.snapshot.listed
        made: list[Ids] = self.service.once("ids", key, lambda: ids_of_each(catalog.links(), listed, self.shelves))
        return made

    @property
    def ids(self) -> Ids:
        """Ids on the media server that asks: the one that has the first song or artist of the call."""
        if self._server is None and self.text("server"):
            self.choose(self.text("server"))
        return self._server or self._servers[0]

    def choose(self, name: Any) -> None:
        """Answer in the ids of a server with this name; nothing happens while no server is linked.

        Raises
        ------
        SongspaceError
            If no server with this name is linked.
        """
        if isinstance(name, str) and name.strip() and self._servers[0].linked:
            self._server = next((ids for ids in self._servers if ids.is_called(name)), None)
            if self._server is None:
                raise SongspaceError("Invalid server selection: a server is named by the address that was linked.")

    def _having(self, is_there: Callable[[Ids], bool]) -> Ids | None:
        """Return the ids on the server that asks, if something is there, and on no other from then on."""
        first = self.ids
        among = self._servers if self._server is None else [first]
        found = next((ids for ids in among if is_there(ids)), None)
        self._server = self._server or found
        return found

    def song(self, item: str) -> Song:
        """Return the song with an id of the media server."""
        ids = self._having(lambda ids: item in ids.song)
        if ids is None:
            hint = "" if self.ids.linked else ": run `songspace link` to learn the ids of a media server"
            raise UnknownError(f"There is no song of that id here{hint}.")
        return self.at.snapshot.placed(ids.song[item])

    def artist(self, given: str) -> str | None:
        """Return the id in songspace of an artist, given by name or by the id on the media server."""
        ids = self._having(lambda ids: ids.artist(given) is not None)
        named = self.shelves.artist_named(given)
        id = ids.artist(given) if ids is not None else named.id if named is not None else None
        return id if id is not None and id in self.artists else None

    def facts(self, song: Song) -> dict[str, Any]:
        """Return a song in the format of AudioMuse."""
        return {
            "item_id": self.ids.item[song.id],
            "title": song.title or song.name,
            "author": song.artist or song.albumartist or _UNKNOWN,
            "album": song.album or _UNKNOWN,
            "album_artist": song.albumartist or _UNKNOWN,
        }

    def not_linked(self) -> tuple[int, ...]:
        """Return the ids of songs that the media server does not have."""
        return tuple(song.id for song in self.at.snapshot.songs if song.id not in self.ids.item)


def answered(request: Request, make: Callable[[PluginCall], Any], *, status: int = 200) -> Response:
    """Return an answer, or an error in the format of AudioMuse."""
    service = service_of(request)
    try:
        with service.turns.take(), service.at() as at:
            made = make(PluginCall(request, service, at))
            return made if isinstance(made, Response) else Document(made, status)
    except SongspaceError as error:
        status = 404 if isinstance(error, UnknownError) else 400
        if isinstance(error, (BusyError, NotReadyError)):
            status = 503
        return Document({"error": str(error)}, status)


async def body_of(request: Request) -> bytes:
    """Return the body of a request, for a function that is no coroutine."""
    return await request.body()


def document_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is; an empty one for other values.

    Raises
    ------
    SongspaceError
        If it is no JSON.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise SongspaceError("The body of the request is no JSON.") from None
    return document if isinstance(document, dict) else {}


def cosine_distance(distance: float) -> float:
    """Return the distance of AudioMuse, 1 - cosine, for the distance of two points of the unit sphere.

    Its plugins turn it into a similarity: 1 - distance, at least 0.

    Examples
    --------
    >>> [round(cosine_distance(distance), 9) for distance in (0, 2**0.5, 2)]
    [0.0, 1.0, 2.0]
    """
    return distance * distance / 2


def angle(distance: float) -> float:
    """Return the angle of two points of the unit sphere, from 0 to 1, AudioMuse's measure for paths and alchemy.

    Examples
    --------
    >>> [round(angle(distance), 9) for distance in (0, 2**0.5, 2)]
    [0.0, 0.5, 1.0]
    """
    return math.acos(min(1.0, max(-1.0, 1 - cosine_distance(distance)))) / math.pi
