"""The server and its user, and empty answers for data that songspace does not have: plays, stars, podcasts."""

from __future__ import annotations

from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import GENERIC, NOT_ALLOWED, SubsonicError
from songspace.server.service import Service


def extensions(service: Service) -> Answered:
    """Return the extensions of this server, also without a password."""
    extensions = {"sonicSimilarity": [1], "formPost": [1], "transcodeOffset": [1], "songLyrics": [1]}
    if service.token is not None:
        extensions["apiKeyAuthentication"] = [1]
    return {"openSubsonicExtensions": [{"name": name, "versions": versions} for name, versions in extensions.items()]}


def _user(call: Call) -> Answered:
    name = call.text("username", call.user)
    if name != call.user:
        raise SubsonicError(NOT_ALLOWED, "There is no other user.")
    can = {
        "scrobblingEnabled": False,
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
    return {"user": {"username": name, **can, "folder": list(range(1, len(call.whole.roots) + 1))}}


def _not_kept(call: Call) -> Answered:
    raise SubsonicError(GENERIC, "songspace keeps no stars and no ratings: a playlist holds what you like.")


_EMPTY: dict[str, Answered] = {
    "ping": {},
    "getLicense": {"license": {"valid": True}},
    # Players take a refusal of a scrobble for a fault, so it is accepted and ignored.
    "scrobble": {},
    "getNowPlaying": {"nowPlaying": {}},
    "getStarred": {"starred": {}},
    "getStarred2": {"starred2": {}},
    "getPodcasts": {"podcasts": {}},
    "getInternetRadioStations": {"internetRadioStations": {}},
    "getBookmarks": {"bookmarks": {}},
    "getAlbumInfo": {"albumInfo": {}},
    "getAlbumInfo2": {"albumInfo": {}},
}


def _always(answered: Answered) -> Handler:
    return lambda call: answered


HANDLERS: dict[str, Handler] = {
    **{name: _always(answered) for name, answered in _EMPTY.items()},
    "getUser": _user,
    "tokenInfo": lambda call: {"tokenInfo": {"username": call.user}},
    "getScanStatus": lambda call: {"scanStatus": {"scanning": False, "count": len(call.at.snapshot.listed)}},
    "star": _not_kept,
    "unstar": _not_kept,
    "setRating": _not_kept,
}
