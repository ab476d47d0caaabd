"""Players that are web pages of their own: which of them may ask this server, and what their browsers are told (CORS).

A browser lets a page read what another server answers only if that server names the page's origin. Nobody is named
unless the owner does (``serve --allow-origin``), and then only the APIs are open to them, never the page. They bring a
password or the token with each request; the cookie of songspace's own page does not count for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from songspace.errors import SongspaceError

PATHS = ("/api/", "/rest/")
"""What others may ask for."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_USUAL = {"http": "80", "https": "443"}

# X-Songspace is not among the headers: to change something, others need the token.
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, Range",
    "Access-Control-Max-Age": "600",
}
_TOLD = "Accept-Ranges, Content-Length, Content-Range, ETag, Location, Retry-After"


def checked_origins(given: Iterable[str]) -> frozenset[str]:
    """Origins as browsers write them.

    Raises
    ------
    SongspaceError
        If one is none: a scheme and a host, and a port if it is not the usual one.

    Examples
    --------
    >>> sorted(checked_origins(["http://localhost:9180", "https://Player.example/"]))
    ['http://localhost:9180', 'https://player.example']
    """
    return frozenset(_checked(text) for text in given)


def _checked(text: str) -> str:
    found = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if found is None:
        raise SongspaceError(
            f"{text!r} is no origin: it is the beginning of a page's address, such as https://player.example or "
            "http://localhost:9180, with nothing after it."
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL.get(scheme) else "")


def origin_of(scope: Scope, headers: Headers, origins: frozenset[str]) -> str | None:
    """Return the origin for which a request may pass, if it is one of ``origins``.

    Pictures and sound that a page shows come without ``Origin``: of these, what players ask for under ``/rest`` passes
    by its ``Referer``, for it brings a password.
    """
    if not origins or not scope["path"].startswith(PATHS):
        return None
    told = headers.getlist("origin")
    if len(told) == 1 and told[0] in origins:
        return told[0]
    if not told and scope["method"] in ("GET", "HEAD") and scope["path"].startswith("/rest/"):
        scheme, _, rest = headers.get("referer", "").lower().partition("://")
        origin = f"{scheme}://{rest.partition('/')[0]}"
        return origin if origin in origins else None
    return None


def preflight(scope: Scope, headers: Headers) -> Response | None:
    """Return what a browser is told that asks beforehand; None for any other request."""
    if scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
        return None
    more = {"Access-Control-Allow-Private-Network": "true"}
    asked = "access-control-request-private-network" in headers
    return Response(status_code=204, headers=_ALLOWED | (more if asked else {}))


def told(origin: str) -> dict[str, str]:
    """Return the headers of every answer to one of them."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _TOLD,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
