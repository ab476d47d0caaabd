"""Playlists that are kept: the same as those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from songspace.library import Song
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import GENERIC, MISSING, NOT_FOUND, Failure
from songspace.server.opensubsonic.shapes import moment, songs_facts
from songspace.server.questions import LONGEST_SAVED

_LONGEST_NAME = 200


def _facts(call: Call, told: dict[str, Any]) -> dict[str, Any]:
    changed = moment(call.service.saved.changed(told["id"]))
    return {
        "id": told["id"],
        "name": told["title"],
        "owner": call.user,
        "public": False,
        "readonly": False,
        "songCount": told["songs"],
        "duration": round(told["seconds"]),
        "created": changed,
        "changed": changed,
    }


def _in_full(call: Call, told: dict[str, Any], songs: Sequence[Song]) -> Answered:
    facts = _facts(call, told) | {"songCount": len(songs), "duration": round(sum(song.duration for song in songs))}
    return {"playlist": facts | {"entry": songs_facts(call.whole, songs)}}


def _id(call: Call, name: str = "id") -> str:
    id = call.text(name)
    if not (len(id) == 16 and set(id) <= set("0123456789abcdef")):
        raise Failure(NOT_FOUND, "There is no playlist of that id.")
    return id


def _kept(call: Call, id: str) -> tuple[dict[str, Any], list[Song]]:
    told, songs, _ = call.service.saved.one(id, call.at.snapshot.listed, call.at.library.catalog.song_at)
    return told, songs


def _name(call: Call, default: str | None = None) -> str:
    name = " ".join(call.text("name", default).split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise Failure(GENERIC, f"A playlist's name has 1 to {_LONGEST_NAME} characters.")
    return name


def _all(call: Call) -> Answered:
    return {"playlists": {"playlist": [_facts(call, told) for told in call.service.saved.all()]}}


def _one(call: Call) -> Answered:
    return _in_full(call, *_kept(call, _id(call)))


def _create(call: Call) -> Answered:
    """A new one; or other songs for one that is there, if ``playlistId`` says which."""
    if not call.given.get("playlistId") and not call.given.get("name"):
        raise Failure(MISSING, "The parameter name is missing.")
    songs = call.songs("songId", most=LONGEST_SAVED)
    if call.given.get("playlistId"):
        told, _ = _kept(call, _id(call, "playlistId"))
        told = call.service.saved.change(told["id"], title=_name(call, told["title"]), songs=songs)
    else:
        told = call.service.saved.create(_name(call), songs)
    return _in_full(call, told, songs)


def _update(call: Call) -> Answered:
    """Another name, songs added at the end, songs taken out by their places; comments are not kept."""
    told, before = _kept(call, _id(call, "playlistId"))
    out = set()
    for place in call.all("songIndexToRemove", most=LONGEST_SAVED):
        if not (place.isascii() and place.isdigit() and len(place) < 9 and int(place) < len(before)):
            raise Failure(NOT_FOUND, "The playlist has no song in that place.")
        out.add(int(place))
    songs = [song for place, song in enumerate(before) if place not in out]
    songs += call.songs("songIdToAdd", most=LONGEST_SAVED)
    if len(songs) > LONGEST_SAVED:
        raise Failure(GENERIC, f"A playlist has at most {LONGEST_SAVED} songs.")
    other = None if songs == before else songs  # who only renames it loses nothing that is not here at the moment
    call.service.saved.change(told["id"], title=_name(call, told["title"]), songs=other)
    return {}


def _delete(call: Call) -> Answered:
    call.service.saved.delete(_id(call))
    return {}


HANDLERS: dict[str, Handler] = {
    "getPlaylists": _all,
    "getPlaylist": _one,
    "createPlaylist": _create,
    "updatePlaylist": _update,
    "deletePlaylist": _delete,
}
