"""The API of AudioMuse at ``/api``, for its plugins for media servers (Navidrome, Jellyfin, Lyrion).

It follows the public sources of NeptuneHub/AudioMuse-AI and its plugins. Songs and artists have the ids of a media
server, read by ``songspace link``; while no server is linked, they have those of songspace's own OpenSubsonic API.
Songs that the media server does not have are left out. Every call needs the token of the server, if there is one
(``Authorization: Bearer``); creating a playlist needs it always.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from songspace.answers.artists import Centers
from songspace.answers.playlists import make_path
from songspace.answers.request import ListRequest, Ruling
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.names import artist_of, compared, plain
from songspace.library.records import Link
from songspace.playlists.order import order
from songspace.server.api.songs import search
from songspace.server.problems import BusyError, NotReadyError, UnknownError
from songspace.server.questions import LONGEST_LIST, LONGEST_SAVED
from songspace.server.service import At, Document, Service, service_of
from songspace.server.shelves import Shelves, centers_of, shelves_of

router = APIRouter(prefix="/api", include_in_schema=False)

OPEN = frozenset({"/api/health"})
"""Paths without a token: they reveal nothing about the library."""

_OF_ONE_ARTIST = 3  # with eliminate_duplicates; AudioMuse's default
_REPRESENTATIVE = 5
_UNKNOWN = "unknown"


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


class PluginCall:
    """A call of a plugin. As in AudioMuse, an invalid number counts as missing."""

    def __init__(self, request: Request, service: Service, at: At) -> None:
        self.service, self.at, self._given = service, at, request.query_params

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
        return shelves_of(self.service, self.at)

    @cached_property
    def centers(self) -> Centers:
        """Centres of the artists."""
        return centers_of(self.service, self.at)

    @cached_property
    def ids(self) -> Ids:
        """Ids on the media server."""
        catalog = self.at.library.catalog
        key = f"{self.at.snapshot.key} {catalog.fact('links')}"
        made: Ids = self.service.once("ids", key, lambda: Ids(catalog.links(), self.at.snapshot.listed, self.shelves))
        return made

    def song(self, item: str) -> Song:
        """Return the song with an id of the media server."""
        id = self.ids.song.get(item)
        if id is None:
            hint = "" if self.ids.linked else ": run `songspace link` to learn the ids of a media server"
            raise UnknownError(f"There is no song of that id here{hint}.")
        return self.at.snapshot.placed(id)

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
    """Return the angle of two points of the unit sphere, from 0 to 1, by which AudioMuse measures the steps of paths.

    Examples
    --------
    >>> [round(angle(distance), 9) for distance in (0, 2**0.5, 2)]
    [0.0, 0.5, 1.0]
    """
    return math.acos(min(1.0, max(-1.0, 1 - cosine_distance(distance)))) / math.pi


def _answered(request: Request, make: Callable[[PluginCall], Any], *, status: int = 200) -> Response:
    """Return an answer, or an error in the format of AudioMuse."""
    service = service_of(request)
    try:
        with service.turns.take(), service.at() as at:
            return Document(make(PluginCall(request, service, at)), status)
    except SongspaceError as error:
        status = 404 if isinstance(error, UnknownError) else 400
        if isinstance(error, (BusyError, NotReadyError)):
            status = 503
        return Document({"error": str(error)}, status)


@router.get("/health")
def health() -> Response:
    """Answer that the server is running."""
    return Document({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/similar_tracks")
def similar_tracks(request: Request) -> Response:
    """Return the songs most similar to a song; ``radius_similarity`` puts them into a smooth order."""

    def make(call: PluginCall) -> Any:
        song, count = _meant(call), call.number("n", 10, 200)
        view, ids = call.at.view, call.ids
        space = view.space
        own = space.row(song.id)
        bounded = call.flag("eliminate_duplicates", True)
        rows, distances = space.neighbors(own, len(space) if ids.linked else 10 * count)
        kept: dict[int, float] = {}
        by: Counter[str] = Counter()
        versions = {int(space.versions[own])}
        for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
            other, version = view.songs[row], int(space.versions[row])
            if other.id not in ids.item or (bounded and version in versions):
                continue
            artists = call.at.snapshot.credits.of(other)
            if bounded and any(by[artist] >= _OF_ONE_ARTIST for artist in artists):
                continue
            by.update(artists)
            versions.add(version)
            kept[row] = cosine_distance(distance)
            if len(kept) == count:
                break
        listed = [*kept]
        if call.flag("radius_similarity", False) and len(listed) > 2:
            listed = order(space, listed, first=listed[0])
        return [call.facts(view.songs[row]) | {"distance": round(kept[row], 6)} for row in listed]

    return _answered(request, make)


def _meant(call: PluginCall) -> Song:
    if item := call.text("item_id"):
        return call.song(item)
    title, artist = call.text("title"), call.text("artist")
    if not (title and artist):
        raise SongspaceError("Request must include either 'item_id' or both 'title' and 'artist'.")
    name, credits = compared(title), call.at.snapshot.credits
    whole, main = artist_of(artist), credits.named(artist)[:1]
    for song in call.at.snapshot.listed:
        theirs = artist_of(song.artist or song.albumartist)
        if song.title and compared(song.title) == name and (theirs == whole or {*main} & {*credits.of(song)}):
            return call.at.snapshot.placed(song.id)
    raise UnknownError("There is no song of that title by that artist here.")


@router.get("/find_path")
def find_path(request: Request) -> Response:
    """Return a path from one song to another with at most ``max_steps`` songs."""

    def make(call: PluginCall) -> Any:
        names = call.text("start_song_id"), call.text("end_song_id")
        if not all(names):
            raise SongspaceError("Both a start and end song must be provided.")
        if names[0] == names[1]:
            raise SongspaceError("Start and end songs cannot be the same.")
        songs = [call.song(name) for name in names]
        without = call.not_linked()
        there = len(call.at.view.space) - len(set(without) - {song.id for song in songs})
        length = max(2, min(call.number("max_steps", 25, LONGEST_LIST), there))
        try:
            made = make_path(call.at.view, songs, ListRequest(Ruling(without=without), length=length))
        except SongspaceError:
            made = make_path(call.at.view, songs, ListRequest(Ruling(0, versions=True, without=without), length=length))
        total = sum(map(angle, made.steps))
        return {"path": [call.facts(song) for song in made.songs], "total_distance": round(total, 6)}

    return _answered(request, make)


@router.get("/similar_artists")
def similar_artists(request: Request) -> Response:
    """Return similar artists; the artist is given by name or by its id on the media server."""

    def make(call: PluginCall) -> Any:
        given = call.text("artist") or call.text("artist_id")
        if not given:
            raise SongspaceError("Missing 'artist' or 'artist_id' parameter")
        named = call.shelves.artist_named(given)
        id = call.ids.artist(given) or (named.id if named is not None else None)
        if id is None or id not in call.centers:
            raise UnknownError("There is no such artist here.")
        with_songs = call.flag("include_component_matches", False)
        answers = []
        for other, distance in call.centers.near(id, len(call.shelves.artists)):
            item = call.ids.of_artist(other)
            if item is None:
                continue
            one = {"artist": call.shelves.artists[other].name, "artist_id": item, "divergence": round(distance, 6)}
            if with_songs:
                first, second = _representative(call, id, other), _representative(call, other, id)
                match = {"artist1_representative_songs": first, "artist2_representative_songs": second}
                one["component_matches"] = [{"distance": round(distance, 6)} | match]
            answers.append(one)
            if len(answers) == call.number("n", 10, 200):
                break
        return answers

    return _answered(request, make)


def _representative(call: PluginCall, of: str, towards: str) -> list[dict[str, Any]]:
    """Return the songs of one artist that are nearest to the centre of another."""
    songs = (call.at.view.songs[row] for row in call.centers.heart(of, towards=towards))
    linked = [song for song in songs if song.id in call.ids.item][:_REPRESENTATIVE]
    return [{"item_id": call.ids.item[song.id], "title": song.title or song.name} for song in linked]


@router.get("/search_tracks")
def search_tracks(request: Request) -> Response:
    """Search songs by words of title, artist and album; return them from ``start`` to ``end`` (by default 20)."""

    def make(call: PluginCall) -> Any:
        text = call.text("search_query") or f"{call.text('artist')} {call.text('title')}".strip()
        if len(plain(text)) < 3:
            return []
        matches = [song for song in search(call.at.snapshot, text) if song.id in call.ids.item]
        begin = call.number("start", 0, 10**6) if call.text("start").strip("0") else 0
        end = call.number("end", begin + 20, 10**6)
        return [call.facts(song) for song in matches[begin : min(end, begin + LONGEST_LIST)]]

    return _answered(request, make)


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/create_playlist")
def create_playlist(request: Request, body: Annotated[bytes, Depends(_body)]) -> Response:
    """Save a playlist in songspace, which has no password of the media server; players find it under ``/rest``."""

    def make(call: PluginCall) -> Any:
        if call.service.token is None or not call.service.token.is_borne(request.headers):
            raise SongspaceError("Creating a playlist needs the token of `songspace serve --token-file`.")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise SongspaceError("The body of the request is no JSON.") from None
        name, given = map(document.get, ("playlist_name", "track_ids")) if isinstance(document, dict) else (None, None)
        if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
            raise SongspaceError("Missing 'playlist_name', of at most 200 characters")
        listed = given if isinstance(given, list) else []
        named = (one.get("item_id") if isinstance(one, dict) else one for one in listed)
        items = [*dict.fromkeys(item for item in named if isinstance(item, str))]
        if not 0 < len(items) <= LONGEST_SAVED:
            raise SongspaceError(f"A playlist has 1 to {LONGEST_SAVED} track_ids")
        saved = call.service.saved.create(name.strip(), [call.song(item) for item in items])
        return {"message": "The playlist is kept by songspace.", "playlist_id": saved.id}

    return _answered(request, make, status=201)
