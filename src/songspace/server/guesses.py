"""Wrong passwords and tokens: after several from one address it has to wait, so that nobody tries them all."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.types import Scope

MOST = 20
"""Wrong ones from an address within :data:`WITHIN`; a player asks for several covers before it shows an error."""

WITHIN = 60.0
"""Seconds."""

REMEMBERED = 4096
"""Addresses; beyond that, the one that was wrong longest ago is forgotten."""

TOO_MANY = "Too many wrong passwords or tokens came from this address: try again in a minute."


class Guesses:
    """Who was wrong lately.

    Examples
    --------
    >>> guesses = Guesses(most=2, clock=lambda: 0.0)
    >>> guesses.note("192.168.1.7"), guesses.wait("192.168.1.7")
    (None, 0)
    >>> guesses.note("192.168.1.7"), guesses.wait("192.168.1.7"), guesses.wait("192.168.1.8")
    (None, 60, 0)
    """

    def __init__(self, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._changing = threading.Lock()

    def note(self, address: str) -> None:
        """Something wrong came from there."""
        with self._changing:
            times = self._wrong.setdefault(address, deque(maxlen=self._most))
            times.append(self._clock())
            self._wrong.move_to_end(address)
            if len(self._wrong) > REMEMBERED:
                self._wrong.popitem(last=False)

    def wait(self, address: str) -> int:
        """Seconds for which nothing that comes from there is looked at; 0, if it may try."""
        with self._changing:
            times = self._wrong.get(address)
            if times is None or len(times) < self._most:
                return 0
            return max(0, math.ceil(times[0] + WITHIN - self._clock()))


def address_of(scope: Scope) -> str:
    """Where a request comes from; of IPv6 the network, for whoever has one has all of its addresses."""
    host: str = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
