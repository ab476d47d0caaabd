"""Access for players that are web pages on other sites (CORS).

A browser lets a page read the answers of another server only if that server names the origin of the page. No origin is
named unless the owner allows it (``serve --allow-origin``); then only the APIs are open to it, never the page. Requests
must send a password or the token; the cookie of songspace's own page does not count for other sites.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from songspace.errors import SongspaceError

PATHS = ("/api/", "/rest/")
"""Prefixes of the paths that are open to other sites."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_USUAL = {"http": "80", "https": "443"}

# X-Songspace is not among the headers: other sites need the token to change something.
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, Range",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "Accept-Ranges, Content-Length, Content-Range, ETag, Location, Retry-After"


def checked_origins(given: Iterable[str]) -> frozenset[str]:
    """Return origins as browsers write them: a scheme, a host, and a port if it is not the usual one.

    Raises
    ------
    SongspaceError
        If one is invalid.

    Examples
    --------
    >>> sorted(checked_origins(["http://localhost:9180", "https://Player.example/"]))
    ['http://localhost:9180', 'https://player.example']
    """
    return frozenset(_checked(text) for text in given)


def _checked(text: str) -> str:
    match = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if match is None:
        raise SongspaceError(
            f"{text!r} is no origin: it is the beginning of a page's address, such as https://player.example or "
            "http://localhost:9180, with nothing after it."
        )
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL.get(scheme) else "")


def origin_of(scope: Scope, headers: Headers, origins: frozenset[str]) -> str | None:
    """Return the origin of a request, if it is one of ``origins``; None otherwise.

    Browsers load pictures and sound without ``Origin``. For these, the ``Referer`` counts under ``/rest``, where each
    request sends a password.
    """
    if not origins or not scope["path"].startswith(PATHS):
        return None
    given = headers.getlist("origin")
    if len(given) == 1 and given[0] in origins:
        return given[0]
    if not given and scope["method"] in ("GET", "HEAD") and scope["path"].startswith("/rest/"):
        scheme, _, rest = headers.get("referer", "").lower().partition("://")
        origin = f"{scheme}://{rest.partition('/')[0]}"
        return origin if origin in origins else None
    return None


def preflight(scope: Scope, headers: Headers) -> Response | None:
    """Return the response to a preflight request of a browser; None for any other request."""
    if scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
        return None
    more = {"Access-Control-Allow-Private-Network": "true"}
    needed = "access-control-request-private-network" in headers
    return Response(status_code=204, headers=_ALLOWED | (more if needed else {}))


def answer_headers(origin: str) -> dict[str, str]:
    """Return the headers of every response to an allowed origin."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
