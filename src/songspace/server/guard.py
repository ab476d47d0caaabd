"""Access control: the checks of every request, before anything else.

Every web page in a browser can send requests to a server on the same machine. So:

- the ``Host`` of a request must be a name of this machine (otherwise a page could give its own name the address of this
  machine, DNS rebinding, and read everything);
- its ``Origin``, if it has one, must be this server or one that the owner allowed, and the browser must not mark the
  request as sent by another site;
- a request that changes something needs a header that other pages cannot set without permission;
- paths behind a *door* need the token, and after several wrong ones a client has to wait.
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
"""Pages of other sites cannot send this header: browsers ask the server first, and it refuses."""

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
    """The secret that opens a door. It is compared in constant time, and never shown.

    Parameters
    ----------
    secret : str
    key : bytes
        Random secret for cookies. If cookies depended on the token alone, an attacker could compute the cookie of each
        guess, and wrong cookies are not counted.

    Raises
    ------
    SongspaceError
        If it is shorter than 16 characters, or a character cannot be sent in a header.
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
        """Value of the cookie that a browser keeps in place of the token; it changes with the token."""
        return hmac.new(self._key, self._secret, hashlib.sha256).hexdigest()

    def is_borne(self, headers: Headers) -> bool:
        """Return True if a request sends the token as ``Authorization: Bearer``."""
        given = _bearer(headers)
        return given is not None and self.equals(given)

    def equals(self, given: str) -> bool:
        """Return True if a text is the token."""
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._secret)

    def is_remembered(self, headers: Headers) -> bool:
        """Return True if a request has the cookie of the token."""
        try:
            kept = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return kept is not None and hmac.compare_digest(kept.value.encode("latin-1", "replace"), self.cookie.encode())


def _bearer(headers: Headers) -> str | None:
    """Return the secret of ``Authorization: Bearer``; None if there is none."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


Door = Callable[[Scope, Headers], bool]
"""A function that returns True if a request may pass; it guards all paths with a prefix."""


def names_of(host: str, more: Iterable[str] = ()) -> Callable[[str], bool]:
    """Return the test for host names that a server on ``host`` accepts.

    On this machine alone these are its loopback names. A server that others can reach also accepts all IP addresses
    (rebinding needs a name) and the names of the machine. ``more`` are further names.
    """
    known = {name.lower() for name in (host, *more)} | {*LOOPBACK}
    local = is_local(host)
    if not local:
        known |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}

    def is_accepted(name: str) -> bool:
        name = name.lower().rstrip(".")
        return name in known or (not local and _is_address(name))

    return is_accepted


def is_local(host: str) -> bool:
    """Return True if only this machine can reach a server that listens on an address."""
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
    is_name : callable
        Test for host names; see :func:`names_of`.
    doors : mapping of str to Door
        Doors, by the prefix of the paths behind them.
    open : frozenset of str
        Paths behind a door that need no token: they reveal nothing about the library.
    token : Token or None
    own : tuple of str
        Prefixes of paths without a door that allow changes: each request there sends a password, which a browser never
        does by itself.
    origins : frozenset of str
        Allowed origins of web pages; see :mod:`songspace.server.origins`.
    guesses : Guesses
        Recent wrong tokens, by address.
    proxies : Proxies
        Trusted proxies.
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
            if origin is not None:  # a browser sends cookies by itself, so they do not count
                scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"cookie"]}
                headers = Headers(scope=scope)
            send = self._secured(scope, send, origin)
            refusal = self._refusal(scope, headers, origin)
            await (self.app(scope, _bounded(receive), send) if refusal is None else refusal(scope, receive, send))

    def _refusal(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        hosts = headers.getlist("host")
        host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if host is None or not self.is_name(host[1] or host[2]):
            return problem(421, "This server does not answer to that name: start it with --allow-host to make it.")
        if origin is None and (refusal := _from_elsewhere(scope, headers, hosts[0])) is not None:
            return refusal
        if origin is not None and (preflight := origins.preflight(scope, headers)) is not None:
            return preflight
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
            if self.token is None:
                return problem(403, "Without a token (--token-file) only players may ask from other machines.")
            return problem(401, "This needs the server's token.", {"WWW-Authenticate": 'Bearer realm="songspace"'})
        has_token = self.token is not None and self.token.is_borne(headers)
        if scope["method"] not in _READING and not has_token and WRITE_HEADER not in headers:
            return problem(403, "All but GET needs the token, or the header X-Songspace: 1.")
        return None

    def _guess(self, scope: Scope, headers: Headers) -> Response | None:
        """Count a wrong token, and refuse an address with too many; cookies need no count, they cannot be guessed."""
        if self.token is None or (given := _bearer(headers)) is None:
            return None
        token = self.token
        try:
            self.guesses.is_right(address_of(scope), lambda: token.equals(given))
        except TooManyError as error:
            return problem(429, TOO_MANY, {"Retry-After": str(error.seconds)})
        return None

    def _secured(self, scope: Scope, send: Send, origin: str | None) -> Send:
        """Wrap ``send`` so that each response has the security headers."""
        is_data = scope["path"].startswith(origins.PATHS)
        added = _COMMON | {"Content-Security-Policy": _NOTHING if is_data else _PAGE}
        if origin is not None:
            added |= origins.answer_headers(origin)
        if self.origins and is_data:
            added["Vary"] = "Origin"

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                more = ((name.lower().encode(), value.encode()) for name, value in added.items())
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in present)]
            await send(message)

        return secured


def _from_elsewhere(scope: Scope, headers: Headers, host: str) -> Response | None:
    refused = problem(403, "Another site may not ask this server for anything.")
    for origin in headers.getlist("origin"):
        scheme, _, netloc = origin.partition("://")
        if scheme not in ("http", "https") or netloc.lower() != host.lower():
            return refused
    site, opened = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode") == "navigate"
    # A link from another site to the page is allowed: it reveals and changes nothing.
    followed = opened and scope["method"] == "GET" and scope["path"] == "/"
    return refused if site not in (None, "same-origin", "none") and not followed else None


def _bounded(receive: Receive) -> Receive:
    """Wrap ``receive`` so that a body that is too long raises an error, even without a length in the headers."""
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > LARGEST_BODY:
            raise HTTPException(413, f"A request has at most {LARGEST_BODY} bytes.")
        return message

    return bounded
