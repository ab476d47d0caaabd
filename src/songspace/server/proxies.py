"""Proxies that stand before this server: whose word about where a request comes from is believed.

Anybody can write ``X-Forwarded-For`` into a request. It counts only if the one who hands the request on was named by
the server's owner, and then only as far as it was written by proxies that were named: each appends the address from
which it was asked, so that the list is read from its end, and what stands before the first address that is none of
theirs was written by whoever asked.
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

_MOST = 32  # proxies one behind another
_PORT = re.compile(r"\[([0-9A-Fa-f:.%]+)\](?::\d+)?|([0-9.]+):\d+")


class Proxies:
    """The proxies that were named.

    Parameters
    ----------
    named : iterable of str
        IP addresses and networks.

    Raises
    ------
    SongspaceError
        If one is neither.

    Examples
    --------
    >>> proxies = Proxies(["10.0.0.0/8"])
    >>> told = Headers({"x-forwarded-for": "1.2.3.4, 192.168.1.7, 10.0.0.2"})
    >>> proxies.behind("10.0.0.1", told), proxies.behind("192.168.1.9", told)
    ('192.168.1.7', '192.168.1.9')
    """

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._networks = tuple(_network(text) for text in named)

    def behind(self, peer: str, headers: Headers) -> str:
        """Return the address of whoever asked, where ``peer`` handed it on."""
        asked = _address(peer)
        if asked is None or not self._are(asked):
            return peer
        told = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for text in islice(reversed(told), _MOST):
            found = _address(text)
            if found is None:  # what is no address, was not asked from there
                break
            asked = found
            if not self._are(asked):
                break
        return str(asked)

    def seen(self, scope: Scope, headers: Headers) -> Scope:
        """Return a request as the first of the proxies saw it: where it came from, and whether by HTTPS."""
        peer, port = scope.get("client") or ("", 0)
        at = _address(peer)
        if at is None or not self._are(at):
            return scope
        seen: Scope = {**scope, "client": (self.behind(peer, headers), port)}
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return {**seen, "scheme": scheme} if scheme in ("http", "https") else seen

    def _are(self, address: _Address) -> bool:
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
    """Return an address, which some write with a port."""
    text = text.strip()
    if found := _PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
