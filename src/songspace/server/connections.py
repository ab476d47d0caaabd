"""Limits for connections: idle and slow ones are closed, so that they do not block others."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

SLOWEST = 15.0
"""Seconds within which a whole request must arrive."""

MOST = 512
"""Largest number of connections at the same time; more get status 503."""

LONGEST_HEADERS = 2**16
"""Largest size of the headers of a request, in bytes; more get status 400."""


class Connection(H11Protocol):
    """A connection of uvicorn with a time limit for each request.

    The time of an answer is not limited: a browser may read a song as slowly as it plays.
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
    """Return the settings of uvicorn for connections."""
    return {
        "http": Connection,
        "ws": "none",
        "proxy_headers": False,  # uvicorn would trust all programs on this machine; see songspace.server.proxies
        "limit_concurrency": MOST,
        "h11_max_incomplete_event_size": LONGEST_HEADERS,
        "timeout_keep_alive": 5,
        "timeout_graceful_shutdown": 3,
    }
