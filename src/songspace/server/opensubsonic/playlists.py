"""Saved playlists, the same as on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from songspace.library import Song
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import GENERIC, MISSING, NOT_FOUND, SubsonicError
from songspace.server.opensubsonic.shapes import moment, playlist_cover, songs_facts
from songspace.server.questions import LONGEST_SAVED
from songspace.server.saved import SavedPlaylist

_LONGEST_NAME = 200


def _facts(call: Call, saved: SavedPlaylist) -> dict[str, Any]:
    changed = moment(call.service.saved.changed(saved.id))
    known = call.service.by_identity(call.at)
    opening = [known[identity] for identity in call.service.saved.opening(saved.id) if identity in known]
    facts = {
        "id": saved.id,
        "name": saved.title,
        "comment": saved.comment,
        "owner": call.user,
        "public": saved.public,
        "readonly": False,
        "songCount": saved.songs,
        "duration": round(saved.seconds),
        "created": changed,
        "changed": changed,
        "coverArt": playlist_cover(call.whole, opening),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _in_full(call: Call, saved: SavedPlaylist, songs: Sequence[Song]) -> Answered:
    facts = _facts(call, saved) | {"songCount": len(songs), "duration": round(sum(song.duration for song in songs))}
    return {"playlist": facts | {"entry": songs_facts(call.whole, songs)}}


def _id(call: Call, name: str = "id") -> str:
    id = call.text(name)
    if not (len(id) == 16 and set(id) <= set("0123456789abcdef")):
        raise SubsonicError(NOT_FOUND, "There is no playlist of that id.")
    return id


def _kept(call: Call, id: str) -> tuple[SavedPlaylist, list[Song]]:
    """Return a playlist and its songs, without entries whose songs are not found: players cannot show these."""
    saved, places = call.service.saved.places(id, call.service.here(call.at))
    return saved, [place.song for place in places if place.song is not None]


def _name(call: Call, default: str | None = None) -> str:
    name = " ".join(call.text("name", default).split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise SubsonicError(GENERIC, f"A playlist's name has 1 to {_LONGEST_NAME} characters.")
    return name


def _about(call: Call) -> dict[str, Any]:
    """Return what a call says of a playlist: None where it says nothing."""
    public = call.text("public", "").strip().lower()
    return {
        "title": _name(call) if call.given.get("name") else None,
        "comment": call.text("comment").strip() if call.given.get("comment") else None,
        "public": public == "true" if public in ("true", "false") else None,
    }


def _all(call: Call) -> Answered:
    return {"playlists": {"playlist": [_facts(call, saved) for saved in call.service.saved.all()]}}


def _one(call: Call) -> Answered:
    return _in_full(call, *_kept(call, _id(call)))


def _create(call: Call) -> Answered:
    """Create a playlist, or replace the songs of the playlist ``playlistId``."""
    if not call.given.get("playlistId") and not call.given.get("name"):
        raise SubsonicError(MISSING, "The parameter name is missing.")
    songs = call.songs("songId", most=LONGEST_SAVED)
    if call.given.get("playlistId"):
        title = _name(call) if call.given.get("name") else None
        here = call.service.here(call.at)
        saved = call.service.saved.change(_id(call, "playlistId"), title=title, songs=songs, here=here)
    else:
        saved = call.service.saved.create(_name(call), songs)
    return _in_full(call, saved, songs)


def _update(call: Call) -> Answered:
    """Change what is said of a playlist, add songs at the end, and remove songs by position."""
    id, out = _id(call, "playlistId"), set()
    for place in call.all("songIndexToRemove", most=LONGEST_SAVED):
        if not (place.isascii() and place.isdigit() and len(place) < 9):
            raise SubsonicError(NOT_FOUND, "The playlist has no song in that place.")
        out.add(int(place))
    added = call.songs("songIdToAdd", most=LONGEST_SAVED)
    about = _about(call)
    if out or added:
        call.service.saved.edit(id, call.service.here(call.at), **about, remove=out, add=added, shown=True)
    else:
        call.service.saved.change(id, **about)
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
