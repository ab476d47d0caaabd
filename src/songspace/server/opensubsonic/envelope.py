"""The envelope of OpenSubsonic for answers and errors, as JSON or XML; errors have status 200, too."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from starlette.responses import Response

from songspace import __version__
from songspace.errors import SongspaceError

VERSION = "1.16.1"
"""Version of the Subsonic API; ``getOpenSubsonicExtensions`` lists everything beyond it."""

GENERIC, MISSING, UPGRADE, WRONG, CONFLICTING, WRONG_KEY, NOT_ALLOWED, NOT_FOUND = 0, 10, 30, 40, 43, 44, 50, 70

_NAMESPACE = "http://subsonic.org/restapi"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# What Subsonic's own schema has of songs (and of folders, shown as songs), albums, artists and playlists, by the names
# of their elements.
_SONG = frozenset(
    "id parent isDir title name album artist track year genre coverArt size contentType suffix transcodedContentType "
    "transcodedSuffix duration bitRate path isVideo userRating averageRating playCount discNumber created starred "
    "albumId artistId type bookmarkPosition originalWidth originalHeight songCount "
    "username minutesAgo playerId playerName".split()
)
_ARTIST = frozenset("id name coverArt artistImageUrl albumCount starred userRating averageRating album".split())
_PLAYLIST = frozenset(
    "id name comment owner public songCount duration created changed coverArt allowedUser entry".split()
)
_CLASSIC = {
    **dict.fromkeys(("song", "entry", "child", "match"), _SONG),
    "album": _SONG | {"song"},
    **dict.fromkeys(("artist", "similarArtist"), _ARTIST),
    "playlist": _PLAYLIST,
}


_INFORMATION = frozenset({"artistInfo", "artistInfo2", "albumInfo"})


class SubsonicError(SongspaceError):
    """The error of a call: the code of the protocol, and one sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def is_classic(version: str) -> bool:
    """Return True for a player that speaks a version of the API before 1.16, or names none.

    Examples
    --------
    >>> [is_classic(version) for version in ("1.8.0", "1.16.1", "1.16", "2.0", "")]
    [True, False, False, False, True]
    """
    numbers = re.match(r"(\d{1,4})\.(\d{1,4})", version, re.ASCII)
    return numbers is None or (int(numbers[1]), int(numbers[2])) < (1, 16)


def respond(body: Mapping[str, Any], format: str, *, status: int = 200, classic: bool = False) -> Response:
    """Put an answer into its envelope.

    Parameters
    ----------
    body : mapping of str to JSON
    format : str
        "json"; anything else is XML.
    status : int
        Status of HTTP.
    classic : bool
        Write into XML only what Subsonic's own schema has: old players stop at the first element that they do not
        know. JSON is always complete.
    """
    return _enveloped("ok", body if format == "json" or not classic else _classic("", body), format, status)


def refuse(error: SubsonicError, format: str, *, status: int = 200) -> Response:
    """Put an error into its envelope."""
    return _enveloped("failed", {"error": {"code": error.code, "message": str(error)}}, format, status)


def _enveloped(outcome: str, body: Mapping[str, Any], format: str, status: int) -> Response:
    whole = {
        "status": outcome,
        "version": VERSION,
        "type": "songspace",
        "serverVersion": __version__,
        "openSubsonic": True,
        **body,
    }
    headers = {"Cache-Control": "no-store" if outcome == "failed" else "private, no-cache"}
    if format == "json":
        text = json.dumps({"subsonic-response": whole}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return Response(text.encode("utf-8", "replace"), status, headers, "application/json")
    return Response(as_xml("subsonic-response", whole, xmlns=_NAMESPACE), status, headers, "application/xml")


def as_xml(name: str, value: Mapping[str, Any], **attributes: str) -> bytes:
    """Return a JSON document in the XML of the protocol.

    Single values become attributes (``value`` becomes the text), lists become one element for each member. Information
    about artists and albums becomes elements, as the protocol has it. Characters that XML does not allow become U+FFFD.

    Examples
    --------
    >>> print(as_xml("genres", {"n": 1, "genre": [{"value": "R&B", "songCount": 2}], "ok": True}).decode())
    <?xml version='1.0' encoding='UTF-8'?>
    <genres n="1" ok="true"><genre songCount="2">R&amp;B</genre></genres>
    """
    return ElementTree.tostring(_element(name, value, attributes), "UTF-8", xml_declaration=True)


def _element(name: str, value: Any, attributes: Mapping[str, str] | None = None) -> ElementTree.Element:
    element = ElementTree.Element(name, dict(attributes or {}))
    if not isinstance(value, Mapping):
        element.text = _text(value)
        return element
    for key, part in value.items():
        if isinstance(part, Mapping):
            element.append(_element(key, part))
        elif isinstance(part, list):
            element.extend(_element(key, one) for one in part)
        elif key == "value":
            element.text = _text(part)
        elif name in _INFORMATION:
            element.append(_element(key, part))
        else:
            element.set(key, _text(part))
    return element


def _classic(name: str, value: Any) -> Any:
    """Return what Subsonic's own schema, version 1.16.1, has of an answer."""
    if isinstance(value, list):
        return [_classic(name, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    known = _CLASSIC.get(name)
    return {key: _classic(key, part) for key, part in value.items() if known is None or key in known}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _NO_XML.sub("\ufffd", str(value))
