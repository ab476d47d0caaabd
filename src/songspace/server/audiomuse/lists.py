"""Playlists: those that are kept, and new ones by alchemy (add and subtract) and from what the person likes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from songspace.answers.likes import taste_with
from songspace.answers.request import Ruling
from songspace.answers.suggestions import Suggested, make_suggestions
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.server.audiomuse.call import PluginCall, angle, answered, body_of, document_of
from songspace.server.audiomuse.songs import OF_ONE_ARTIST
from songspace.server.problems import BusyError, NotReadyError, UnknownError
from songspace.server.questions import LONGEST_LIST, LONGEST_SAVED
from songspace.space import Space

router = APIRouter(prefix="/api")

# AudioMuse's defaults.
RESULTS, MOST_RESULTS = 100, 200
SUBTRACTED = 0.2
"""Angle around a subtracted song, as a share of 180°, in which no song is taken."""

_OWN = 20  # liked songs of a fingerprint
_OF_ARTIST = 16  # songs that stand for an artist
_BLOCK = 64  # songs that all others are compared with at a time


@router.post("/create_playlist")
def create_playlist(request: Request, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Save a playlist in songspace, which has no password of the media server; players find it under ``/rest``."""

    def make(call: PluginCall) -> Any:
        if call.service.token is None or not call.service.token.is_borne(request.headers):
            raise SongspaceError("Creating a playlist needs the token of `songspace serve --token-file`.")
        document = document_of(body)
        call.choose(document.get("server"))
        name, given = document.get("playlist_name"), document.get("track_ids")
        if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
            raise SongspaceError("Missing 'playlist_name', of at most 200 characters")
        listed = given if isinstance(given, list) else []
        named = (one.get("item_id") if isinstance(one, dict) else one for one in listed)
        items = [*dict.fromkeys(item for item in named if isinstance(item, str))]
        if not 0 < len(items) <= LONGEST_SAVED:
            raise SongspaceError(f"A playlist has 1 to {LONGEST_SAVED} track_ids")
        saved = call.service.saved.create(name.strip(), [call.song(item) for item in items])
        return {"message": "The playlist is kept by songspace.", "playlist_id": saved.id}

    return answered(request, make, status=201)


@router.get("/playlists")
def playlists(request: Request) -> Response:
    """Return the playlists that songspace keeps, with those of their songs that the media server has."""

    def make(call: PluginCall) -> Any:
        here = call.service.here(call.at)
        by_name: dict[str, list[dict[str, Any]]] = {}
        for kept in call.service.saved.all():
            with suppress(UnknownError):  # it was just deleted
                places = call.service.saved.places(kept.id, here)[1]
                songs = (place.song for place in places)
                listed = [_briefly(call, song) for song in songs if song is not None and song.id in call.ids.item]
                by_name.setdefault(kept.title, []).extend(listed)
        server = {"server_id": None, "server_name": "songspace", "is_default": True, "playlists": by_name}
        return {"multi_server": False, "servers": [server] if by_name else []}

    return answered(request, make)


def _briefly(call: PluginCall, song: Song) -> dict[str, Any]:
    return {name: value for name, value in call.facts(song).items() if name in ("item_id", "title", "author")}


@dataclass
class _Side:
    """What is added, or what is subtracted: the rows of songs, and what they are called in the answer."""

    rows: dict[int, None] = field(default_factory=dict)
    songs: set[int] = field(default_factory=set)
    """Rows of the songs that were given themselves, and not as an artist's or a playlist's."""
    points: list[dict[str, Any]] = field(default_factory=list)
    named: set[tuple[str, str]] = field(default_factory=set)
    """What was given, known or not: its kind and id."""

    def add(self, call: PluginCall, kind: str, id: str) -> None:
        """Add a song, or the songs of an artist or of a playlist that songspace keeps; unknown ones are left out.

        Raises
        ------
        SongspaceError
            If AudioMuse knows such a kind and songspace does not.
        """
        self.named.add((kind, id))
        space, place = call.at.view.space, call.at.snapshot.placed
        with suppress(UnknownError, NotReadyError):
            if kind == "song":
                song = call.song(id)
                rows, point = [space.row(song.id)], _briefly(call, song)
                self.songs.update(rows)
            elif kind == "artist":
                artist = call.artist(id)
                if artist is None:
                    return
                rows = call.artists.typical(artist)[:_OF_ARTIST]
                point = {"item_id": id, "title": call.shelves.artists[artist].name, "author": ""}
            elif kind == "playlist":
                kept, places = call.service.saved.places(id, call.service.here(call.at))
                rows, point = [], {"item_id": id, "title": kept.title, "author": "Playlist"}
                for each in places:
                    with suppress(UnknownError, NotReadyError):
                        rows += [space.row(place(each.song.id).id)] if each.song is not None else []
            else:
                raise SongspaceError(f"songspace adds and subtracts songs, artists and playlists, not a {kind!r}.")
            self.rows |= dict.fromkeys(rows)
            self.points.append(point | {"type": kind, "embedding_2d": None})


@router.post("/alchemy")
def alchemy(request: Request, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Return songs that sound like what is added, and not like what is subtracted.

    The temperature is ignored: the same question has the same answer.
    """

    def make(call: PluginCall) -> Any:
        document = document_of(body)
        call.choose(document.get("server"))
        sides = {"ADD": _Side(), "SUBTRACT": _Side()}
        for op, kind, id in _items(document.get("items")):
            if (side := sides.get(op.upper())) is not None:
                side.add(call, kind, id)
        added, subtracted = sides["ADD"], sides["SUBTRACT"]
        if not added.named:
            raise SongspaceError("At least one item must be in the ADD set")
        if not added.rows:
            raise UnknownError(
                "Nothing of the ADD set is here" + ("." if call.ids.linked else ": run `songspace link` first.")
            )
        if added.songs & subtracted.songs or added.named & subtracted.named:
            raise SongspaceError("Nothing can be in the ADD set and in the SUBTRACT set.")
        for row in added.rows.keys() & subtracted.rows.keys():  # of two artists, or on two playlists
            del (added if row in subtracted.songs else subtracted).rows[row]
        if not added.rows:
            raise SongspaceError("All songs of the ADD set are in the SUBTRACT set.")
        space, songs = call.at.view.space, call.at.view.songs
        near = _angles(space, [*added.rows])
        close = np.zeros(len(space), bool)
        if subtracted.rows:
            radius = _number(document.get("subtract_distance"), SUBTRACTED)
            close = _angles(space, [*subtracted.rows]) < radius
        count = round(min(max(1, _number(document.get("n"), RESULTS)), MOST_RESULTS))
        out = [*call.not_linked(), *(songs[row].id for row in np.flatnonzero(close).tolist())]
        found = _suggested(call, [*added.rows], [*subtracted.rows], out, count)
        farthest = max((near[space.row(each.song.id)] for each in found), default=1.0)
        apart = close & (near <= farthest)
        apart[[*added.rows, *subtracted.rows]] = False
        left_out = [songs[row] for row in np.argsort(near, kind="stable").tolist() if apart[row]]
        return {
            "results": [_placed(call, each.song) | _far(near[space.row(each.song.id)]) for each in found],
            "filtered_out": [_placed(call, song) for song in left_out if song.id in call.ids.item][:count],
            "centroid_2d": None,
            "add_points": added.points,
            "sub_points": subtracted.points,
        }

    return answered(request, make)


def _items(given: Any) -> Iterator[tuple[str, str, str]]:
    """Yield operation, kind and id of each item that has them."""
    for one in (given if isinstance(given, list) else [])[:LONGEST_LIST]:
        if isinstance(one, dict):
            found = one.get("op"), one.get("type", "song"), one.get("id")
            op, kind, id = (text if isinstance(text, str) else "" for text in found)
            if op and kind and id:
                yield op, kind[:100], id[:1000]


def _number(value: Any, default: float) -> float:
    """Return a number that may be written as a text; the default for all else, as AudioMuse does."""
    try:
        number = float(value) if not isinstance(value, bool) else default
    except (TypeError, ValueError, OverflowError):
        return default
    return number if np.isfinite(number) else default


def _angles(space: Space, rows: Sequence[int]) -> np.ndarray:
    """Return the angle of each song to the nearest of some."""
    blocks = (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
    everything = np.arange(len(space))
    nearest = np.minimum.reduce([space.pairwise(block, everything).min(axis=0) for block in blocks])
    return np.array([angle(distance) for distance in nearest.tolist()])


def _placed(call: PluginCall, song: Song) -> dict[str, Any]:
    return call.facts(song) | {"embedding_2d": None}


def _far(distance: float) -> dict[str, float]:
    return {"distance": round(float(distance), 6)}


def _suggested(
    call: PluginCall, liked: list[int], disliked: list[int], without: Iterable[int], count: int
) -> list[Suggested]:
    """Return what fits a taste; nothing if no song is left."""
    ruling = Ruling(0, most_of_artist=OF_ONE_ARTIST, without=tuple(without))
    try:
        return make_suggestions(call.at.view, liked, disliked, ruling, count=count)
    except (BusyError, NotReadyError):
        raise
    except SongspaceError:
        return []


@router.api_route("/sonic_fingerprint/generate", methods=["GET", "POST"])
def sonic_fingerprint(request: Request, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Return the songs that the person likes or plays most, and songs that fit them.

    Whose they are is not asked: songspace has one person's stars and plays. A name and a token of the media server are
    read by nobody.
    """

    def make(call: PluginCall) -> Any:
        given = document_of(body).get("n") if request.method == "POST" else call.text("n") or None
        if not isinstance(given, (int, str, type(None))):
            raise SongspaceError("Parameter 'n' must be a valid integer.")
        try:
            count = RESULTS if given is None else max(1, min(int(given), MOST_RESULTS))
        except ValueError:
            raise SongspaceError("Parameter 'n' must be a valid integer.") from None
        try:
            liked, disliked = taste_with(call.at.view)
        except SongspaceError:
            return []  # nothing is liked yet
        songs, history = call.at.view.songs, call.at.history
        own = [songs[row] for row in liked if songs[row].id in call.ids.item]
        own.sort(key=lambda song: (-history.of(song).plays, -(history.of(song).starred or 0), song.id))
        told = [call.facts(song) | _far(0) for song in own[: min(_OWN, count)]]
        if len(told) == count:
            return told
        others = _suggested(call, liked, disliked, call.not_linked(), count - len(told))
        return told + [call.facts(each.song) | _far(max(0.0, 1 - each.fitting.similarity)) for each in others]

    return answered(request, make)
