"""Who may ask: looked at before anything else, for every request.

A server on one's own machine is within reach of every page that one's browser shows. So:

- the ``Host`` of a request must be a name of this machine (or a page elsewhere could give its own name this machine's
  address, DNS rebinding, and read everything);
- its ``Origin``, where it has one, must be this server or one that its owner named, and a browser must not say that
  another site asks for it;
- what changes something needs a header that no page elsewhere can set without being allowed to;
- behind a *door* only those with the token go, and who was wrong several times has to wait.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from songspace.errors import SongspaceError
from songspace.server import origins
from songspace.server.guesses import TOO_MANY, Guesses, TooManyError, address_of
from songspace.server.problems import problem
from songspace.server.proxies import Proxies

SHORTEST_TOKEN = 16
LARGEST_BODY = 2**20
COOKIE = "songspace"
WRITE_HEADER = "x-songspace"
"""A page elsewhere cannot send it: browsers would ask this server first, and it does not allow it."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?")
_READING = ("GET", "HEAD", "OPTIONS")

_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = (
    f"{_NOTHING}; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'"
)


class Token:
    """The secret that opens a door; it is compared in constant time and never shown.

    Parameters
    ----------
    secret : str
    key : bytes
        Another secret, drawn at random, of which cookies are made: of the token alone, whoever guesses could make the
        cookie of each guess, and cookies are not counted.

    Raises
    ------
    SongspaceError
        If it is shorter than 16 characters, or not all of them can be sent in a header.
    """

    def __init__(self, secret: str, key: bytes) -> None:
        if len(secret) < SHORTEST_TOKEN or not re.fullmatch(r"[!-~]+", secret):
            raise SongspaceError(
                f"A token has at least {SHORTEST_TOKEN} characters, all of them ASCII and none a blank: "
                "`openssl rand -hex 16` makes one."
            )
        self._secret, self._key = secret.encode(), key

    def __repr__(self) -> str:
        return "Token(...)"

    @property
    def cookie(self) -> str:
        """What a browser keeps instead of it: another one for another token, and nobody can make it of a guess."""
        return hmac.new(self._key, self._secret, hashlib.sha256).hexdigest()

    def is_borne(self, headers: Headers) -> bool:
        """Return whether a request brings it as ``Authorization: Bearer``."""
        given = _borne(headers)
        return given is not None and self.is_told(given)

    def is_told(self, given: str) -> bool:
        """Return whether this is it."""
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._secret)

    def is_remembered(self, headers: Headers) -> bool:
        """Return whether a request comes from a browser that brought it before."""
        try:
            kept = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return kept is not None and hmac.compare_digest(kept.value.encode("latin-1", "replace"), self.cookie.encode())


def _borne(headers: Headers) -> str | None:
    """Return what a request brings as ``Authorization: Bearer``."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


Door = Callable[[Scope, Headers], bool]
"""Whether a request may pass; a door stands before all paths that begin in some way."""


def names_of(host: str, more: Iterable[str] = ()) -> Callable[[str], bool]:
    """Return which names a server that listens on ``host`` answers to.

    On this machine alone those are its loopback names. A server that others can reach answers to every address that is
    written in numbers (rebinding needs a name), and to the machine's own names. ``more`` are names beside these.
    """
    known = {name.lower() for name in (host, *more)} | {*LOOPBACK}
    local = is_local(host)
    if not local:
        known |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}

    def is_one(name: str) -> bool:
        name = name.lower().rstrip(".")
        return name in known or (not local and _is_address(name))

    return is_one


def is_local(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on that address."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Guard:
    """An application behind its guard.

    Attributes
    ----------
    app : ASGI application
    is_name : function of a host's name, giving bool
        See :func:`names_of`.
    doors : mapping of str to Door
        What stands before the paths that begin so.
    open : frozenset of str
        Paths behind a door that anybody may ask for: they tell nothing of the library.
    token : Token or None
    own : tuple of str
        How paths begin that have no door, and may be written to: every request there brings a password, which no
        browser does by itself.
    origins : frozenset of str
        Of pages elsewhere that may ask; see :mod:`songspace.server.origins`.
    guesses : Guesses
        Who was wrong lately.
    proxies : Proxies
        Whose word about where a request comes from is believed.
    """

    app: ASGIApp
    is_name: Callable[[str], bool]
    doors: Mapping[str, Door]
    open: frozenset[str] = frozenset()
    token: Token | None = None
    own: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()
    guesses: Guesses = field(default_factory=Guesses)
    proxies: Proxies = field(default_factory=Proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            headers = Headers(scope=scope)
            scope = self.proxies.seen(scope, headers)
            origin = origins.origin_of(scope, headers, self.origins)
            if origin is not None:  # what a browser brings by itself does not count
                scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"cookie"]}
                headers = Headers(scope=scope)
            send = self._secured(scope, send, origin)
            refusal = self._refusal(scope, headers, origin)
            await (self.app(scope, _bounded(receive), send) if refusal is None else refusal(scope, receive, send))

    def _refusal(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        hosts = headers.getlist("host")
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if found is None or not self.is_name(found[1] or found[2]):
            return problem(421, "This server does not answer to that name: start it with --allow-host to make it.")
        if origin is None and (refusal := _from_elsewhere(scope, headers, hosts[0])) is not None:
            return refusal
        if origin is not None and (asked := origins.preflight(scope, headers)) is not None:
            return asked
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and int(length[:20]) <= LARGEST_BODY):
            return problem(413, f"A request has at most {LARGEST_BODY} bytes.")
        path = scope["path"]
        if path.startswith(self.own):
            return None
        if (refusal := self._guess(scope, headers)) is not None:
            return refusal
        door = next((door for prefix, door in self.doors.items() if path.startswith(prefix)), None)
        if door is not None and path not in self.open and not door(scope, headers):
            return problem(401, "This needs the server's token.", {"WWW-Authenticate": 'Bearer realm="songspace"'})
        borne = self.token is not None and self.token.is_borne(headers)
        if scope["method"] not in _READING and not borne and WRITE_HEADER not in headers:
            return problem(403, "What changes something needs the token, or the header X-Songspace: 1.")
        return None

    def _guess(self, scope: Scope, headers: Headers) -> Response | None:
        """Count a token that is wrong, and look at none from where too many were; cookies cannot be guessed."""
        if self.token is None or (given := _borne(headers)) is None:
            return None
        token = self.token
        try:
            self.guesses.is_right(address_of(scope), lambda: token.is_told(given))
        except TooManyError as error:
            return problem(429, TOO_MANY, {"Retry-After": str(error.seconds)})
        return None

    def _secured(self, scope: Scope, send: Send, origin: str | None) -> Send:
        """Return a response with the headers that keep a browser from doing with it what it should not."""
        is_data = scope["path"].startswith(origins.PATHS)
        said = _COMMON | {"Content-Security-Policy": _NOTHING if is_data else _PAGE}
        if origin is not None:
            said |= origins.told(origin)
        if self.origins and is_data:
            said["Vary"] = "Origin"

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = ((name.lower().encode(), value.encode()) for name, value in said.items())
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in there)]
            await send(message)

        return secured


def _from_elsewhere(scope: Scope, headers: Headers, host: str) -> Response | None:
    refused = problem(403, "Another site may not ask this server for anything.")
    for origin in headers.getlist("origin"):
        scheme, _, netloc = origin.partition("://")
        if scheme not in ("http", "https") or netloc.lower() != host.lower():
            return refused
    site, opened = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode") == "navigate"
    # A link that somebody follows to the page is no request of the other site, as long as it tells and changes nothing.
    followed = opened and scope["method"] == "GET" and scope["path"] == "/"
    return refused if site not in (None, "same-origin", "none") and not followed else None


def _bounded(receive: Receive) -> Receive:
    """Return a request whose body ends where it is too long, even if it does not say how long it is."""
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > LARGEST_BODY:
            raise HTTPException(413, f"A request has at most {LARGEST_BODY} bytes.")
        return message

    return bounded
