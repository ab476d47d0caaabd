"""Wrong passwords and tokens: after several from one address it has to wait, so that nobody tries them all."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

MOST = 20
"""Wrong ones from an address within :data:`WITHIN`; a player asks for several covers before it shows an error."""

WITHIN = 60.0
"""Seconds."""

REMEMBERED = 2**16
"""Addresses; beyond that, the one that was wrong longest ago is forgotten: nobody has to wait for others."""

TOO_MANY = "Too many wrong passwords or tokens came from this address: try again in a minute."


class TooManyError(Exception):
    """Nothing that comes from an address is looked at for so many ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(TOO_MANY)
        self.seconds = seconds


class Guesses:
    """Who was wrong lately.

    Examples
    --------
    >>> guesses = Guesses(most=2, clock=lambda: 0.0)
    >>> [guesses.is_right("192.168.1.7", lambda: False) for _ in range(2)]
    [False, False]
    >>> guesses.wait("192.168.1.7"), guesses.wait("192.168.1.8")
    (60, 0)
    """

    def __init__(self, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()  # the one that was wrong longest ago comes first
        self._judging = threading.Lock()

    def is_right(self, address: str, judge: Callable[[], bool]) -> bool:
        """Return whether what comes from an address is right.

        One after the other is judged, so that of many that come at once no more are looked at than of a row of them.

        Parameters
        ----------
        address : str
        judge : function giving bool
            Compares, and does nothing else: everybody waits for it.

        Raises
        ------
        TooManyError
            If too many from there were wrong. It is not looked at then, or who guesses would learn that it was right.
        """
        with self._judging:
            if seconds := self._wait(address):
                raise TooManyError(seconds)
            right = judge()
            if not right:
                self._note(address)
            return right

    def wait(self, address: str) -> int:
        """Seconds for which nothing that comes from there is looked at; 0, if it may try."""
        with self._judging:
            return self._wait(address)

    def _wait(self, address: str) -> int:
        times = self._wrong.get(address, [])
        return max(0, math.ceil(times[0] + WITHIN - self._clock())) if len(times) >= self._most else 0

    def _note(self, address: str) -> None:
        now = self._clock()
        self._wrong[address] = [*self._wrong.pop(address, []), now][-self._most :]
        while len(self._wrong) > REMEMBERED or next(iter(self._wrong.values()))[-1] < now - WITHIN:
            self._wrong.popitem(last=False)


def address_of(scope: Scope) -> str:
    """Return where a request comes from; of IPv6 the network, for whoever has one has all of its addresses."""
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
