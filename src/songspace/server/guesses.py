"""Limits for wrong passwords and tokens: after several of them, an address has to wait."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

MOST = 20
"""Wrong attempts from an address within :data:`WITHIN`; players ask for several covers before they show an error."""

WITHIN = 60.0
"""Seconds."""

REMEMBERED = 2**16
"""Number of addresses that are remembered; beyond that, the one with the oldest wrong attempt is dropped."""

TOO_MANY = "Too many wrong passwords or tokens came from this address: try again in a minute."


class TooManyError(Exception):
    """An address has to wait for ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(TOO_MANY)
        self.seconds = seconds


class Guesses:
    """Recent wrong attempts, by address.

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
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()  # the oldest comes first
        self._judging = threading.Lock()

    def is_right(self, address: str, judge: Callable[[], bool]) -> bool:
        """Return True if an attempt from an address is right, and count it if it is wrong.

        Attempts are judged one after another, so that many at the same time do not get more tries.

        Parameters
        ----------
        address : str
        judge : callable
            Compares, and returns True or False. It must be fast: all others wait for it.

        Raises
        ------
        TooManyError
            If too many attempts from there were wrong. The attempt is not judged then, so that its result is not
            revealed.
        """
        with self._judging:
            if seconds := self._wait(address):
                raise TooManyError(seconds)
            right = judge()
            if not right:
                self._note(address)
            return right

    def wait(self, address: str) -> int:
        """Return the seconds that an address has to wait; 0 if it may try."""
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
    """Return the address that a request comes from; for IPv6 the network, for one client can use all of it."""
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
