"""The server and its user, its updates, and empty answers for data that songspace does not have, such as podcasts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import NOT_ALLOWED, SubsonicError
from songspace.server.problems import NotReadyError
from songspace.server.service import Service


def extensions(service: Service) -> Answered:
    """Return the extensions of this server, also without a password."""
    extensions = {
        "sonicSimilarity": [1],
        "formPost": [1],
        "transcodeOffset": [1],
        "indexBasedQueue": [1],
        "playbackReport": [1],
        "songLyrics": [1],
    }
    if service.token is not None:
        extensions["apiKeyAuthentication"] = [1]
    return {"openSubsonicExtensions": [{"name": name, "versions": versions} for name, versions in extensions.items()]}


def _user(call: Call) -> Answered:
    if call.text("username", call.user) != call.user:
        raise SubsonicError(NOT_ALLOWED, "There is no other user.")
    return {"user": _facts(call)}


def _facts(call: Call) -> dict[str, Any]:
    """Return a ``User``."""
    can = {
        "scrobblingEnabled": call.service.keeps_history,
        "adminRole": False,
        "settingsRole": False,
        "downloadRole": True,
        "uploadRole": False,
        "playlistRole": True,
        "coverArtRole": False,
        "commentRole": False,
        "podcastRole": False,
        "streamRole": True,
        "jukeboxRole": False,
        "shareRole": False,
        "videoConversionRole": False,
    }
    return {"username": call.user, **can, "folder": list(range(1, len(call.whole.roots) + 1))}


def _scan_status(call: Call) -> Answered:
    """Return whether an update or a learning run is at work, begun here or in a terminal, and how far it is."""
    progress = call.service.updates.progress()
    count = len(call.at.snapshot.listed) if progress is None else progress.done
    return {"scanStatus": {"scanning": progress is not None, "count": count}}


def _start_scan(call: Call) -> Answered:
    """Begin an update; if a run is at work already, that one goes on."""
    with suppress(NotReadyError):
        call.service.updates.begin()
    return _scan_status(call)


_EMPTY: dict[str, Answered] = {
    "ping": {},
    "getLicense": {"license": {"valid": True}},
    "getPodcasts": {"podcasts": {}},
    "getNewestPodcasts": {"newestPodcasts": {}},
    "getChatMessages": {"chatMessages": {}},
    "getVideos": {"videos": {}},
    "getInternetRadioStations": {"internetRadioStations": {}},
    "getAlbumInfo": {"albumInfo": {}},
    "getAlbumInfo2": {"albumInfo": {}},
}


def _always(answered: Answered) -> Handler:
    return lambda call: answered


HANDLERS: dict[str, Handler] = {
    **{name: _always(answered) for name, answered in _EMPTY.items()},
    "getUser": _user,
    "tokenInfo": lambda call: {"tokenInfo": {"username": call.user}},
    "getUsers": lambda call: {"users": {"user": [_facts(call)]}},
    "getScanStatus": _scan_status,
    "startScan": _start_scan,
}
