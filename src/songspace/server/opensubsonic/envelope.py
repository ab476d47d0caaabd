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

GENERIC, MISSING, WRONG, CONFLICTING, WRONG_KEY, NOT_ALLOWED, NOT_FOUND = 0, 10, 40, 43, 44, 50, 70

_NAMESPACE = "http://subsonic.org/restapi"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SubsonicError(SongspaceError):
    """The error of a call: the code of the protocol, and one sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def respond(body: Mapping[str, Any], format: str, *, status: int = 200) -> Response:
    """Put an answer into its envelope.

    Parameters
    ----------
    body : mapping of str to JSON
    format : str
        "json"; anything else is XML.
    status : int
        Status of HTTP.
    """
    return _enveloped("ok", body, format, status)


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

    Single values become attributes (``value`` becomes the text), lists become one element for each member. Characters
    that XML does not allow become U+FFFD.

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
        else:
            element.set(key, _text(part))
    return element


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _NO_XML.sub("\ufffd", str(value))
