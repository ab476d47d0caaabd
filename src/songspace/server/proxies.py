"""Trusted proxies in front of this server, and the address of the client behind them.

Every client can write ``X-Forwarded-For`` into a request. It counts only if the request comes from a proxy that the
owner named. Each proxy appends the address that it was asked from, so the list is read from its end; the first address
that is no named proxy is the client, and everything before it was written by the client.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from itertools import islice

from starlette.datastructures import Headers
from starlette.types import Scope

from songspace.errors import SongspaceError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST = 32  # proxies in a chain
_PORT = re.compile(r"\[([0-9A-Fa-f:.%]+)\](?::\d+)?|([0-9.]+):\d+")


class Proxies:
    """The trusted proxies.

    Parameters
    ----------
    named : iterable of str
        IP addresses and networks.

    Raises
    ------
    SongspaceError
        If one is invalid.

    Examples
    --------
    >>> proxies = Proxies(["10.0.0.0/8"])
    >>> headers = Headers({"x-forwarded-for": "1.2.3.4, 192.168.1.7, 10.0.0.2"})
    >>> proxies.behind("10.0.0.1", headers), proxies.behind("192.168.1.9", headers)
    ('192.168.1.7', '192.168.1.9')
    """

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._networks = tuple(_network(text) for text in named)

    def behind(self, peer: str, headers: Headers) -> str:
        """Return the address of the client of a request that came from ``peer``."""
        client = _address(peer)
        if client is None or not self._trust(client):
            return peer
        forwarded = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for text in islice(reversed(forwarded), _MOST):
            address = _address(text)
            if address is None:
                break
            client = address
            if not self._trust(client):
                break
        return str(client)

    def seen(self, scope: Scope, headers: Headers) -> Scope:
        """Return a request with the client and scheme that the first proxy saw."""
        peer, port = scope.get("client") or ("", 0)
        address = _address(peer)
        if address is None or not self._trust(address):
            return scope
        seen: Scope = {**scope, "client": (self.behind(peer, headers), port)}
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return {**seen, "scheme": scheme} if scheme in ("http", "https") else seen

    def _trust(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise SongspaceError(
            f"{text!r} is no address of a proxy: give its IP address, such as 127.0.0.1, or a network such as "
            "172.18.0.0/16."
        ) from None


def _address(text: str) -> _Address | None:
    """Parse an IP address, with or without a port; return None if it is invalid."""
    text = text.strip()
    if match := _PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
