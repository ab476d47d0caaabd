"""Connections over which nothing comes: they are closed, so that they keep nobody from being answered."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

SLOWEST = 15.0
"""Seconds within which a whole request has to come, from when it could."""

MOST = 512
"""Connections at once; who comes then is told to try again (503)."""

LONGEST_HEADERS = 2**16
"""Bytes before the body of a request; who sends more is not listened to (400)."""


class Connection(H11Protocol):
    """uvicorn's, which lets a client take as long as it likes to ask its first question, or to go on with a next one.

    How long an answer takes is not limited: a browser reads a song as slowly as it plays.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        self._look_again(SLOWEST)

    def on_response_complete(self) -> None:
        self._waiting_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look_again(self, after: float) -> None:
        self._next_look = self.loop.call_later(after, self._look)

    def _look(self) -> None:
        left = self._waiting_since + SLOWEST - self.loop.time()
        is_waiting = self.cycle is None or self.cycle.response_complete or self.cycle.more_body
        if is_waiting and left <= 0:
            self.transport.abort()
        else:
            self._look_again(left if left > 0 else SLOWEST)


def settings() -> dict[str, Any]:
    """Return what uvicorn is told about connections."""
    return {
        "http": Connection,
        "ws": "none",
        "proxy_headers": False,  # it would believe every program of this machine; see songspace.server.proxies
        "limit_concurrency": MOST,
        "h11_max_incomplete_event_size": LONGEST_HEADERS,
        "timeout_keep_alive": 5,
        "timeout_graceful_shutdown": 3,
    }
