"""Songs that are encoded while they are sent: few at once, and nobody who reads slowly keeps the others waiting.

A song takes as long as its listener takes to hear it, but its encoder works only for what there is room for on the way:
in between it holds no thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BufferedReader
from time import monotonic

import anyio
from anyio import CapacityLimiter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from songspace.audio.transcoding import ENCODINGS, Transcoder
from songspace.errors import SongspaceError
from songspace.server.problems import BusyError

MOST = 24
"""Songs that are open at once."""


class Streams:
    """Who is being sent a song that is encoded on the way.

    Parameters
    ----------
    most : int
        Songs that are open at once. Where one more comes, the one ends whose listener has taken nothing for longest.
    patience : float
        Seconds for which a listener may take nothing and be left alone.
    """

    def __init__(self, most: int = MOST, *, patience: float = 10.0) -> None:
        self._most, self._patience = most, patience
        self._open: set[EncodedSong] = set()
        self._working: CapacityLimiter | None = None

    @property
    def working(self) -> CapacityLimiter:
        """How many work at once: all of this machine's cores but one, which is for other questions."""
        if self._working is None:  # there is no limiter without a loop
            self._working = CapacityLimiter(max(1, (os.cpu_count() or 1) - 1))
        return self._working

    def enter(self, song: EncodedSong) -> None:
        """Take a place.

        Raises
        ------
        BusyError
            If there is none.
        """
        if len(self._open) >= self._most:
            slowest = max(self._open, key=lambda other: other.waiting)
            if slowest.waiting <= self._patience:
                raise BusyError("Too many songs are being encoded for others: try again in a moment.")
            slowest.end()
        self._open.add(song)

    def leave(self, song: EncodedSong) -> None:
        """Give the place back."""
        self._open.discard(song)


class EncodedSong(Response):
    """A song as another file, from some second on.

    Parameters
    ----------
    file : binary file
        It is closed afterwards.
    streams : Streams
    format : str
        One of :data:`songspace.audio.transcoding.ENCODINGS`.
    refuse : function of a SongspaceError, giving a Response
        How it is told that it cannot be done; after the first byte nothing is.
    part : (float or None, float or None)
        The part of the file that is the song, in seconds; None is the file's own beginning or end.
    start : float
        The second of the song at which to begin.
    kilobits : int, optional
        At most so many a second.
    body : bool
        Whether more is wanted than the headers.
    """

    def __init__(
        self,
        file: BufferedReader,
        streams: Streams,
        format: str,
        refuse: Callable[[SongspaceError], Response],
        *,
        part: tuple[float | None, float | None] = (None, None),
        start: float = 0.0,
        kilobits: int | None = None,
        body: bool = True,
    ) -> None:
        self._file, self._streams, self._refuse, self._body = file, streams, refuse, body
        begins, ends = part
        self._transcoder = Transcoder(file, format, start=(begins or 0.0) + start, end=ends, kilobits=kilobits)
        self._since: float | None = None
        self.status_code, self.background = 200, None
        media_type = ENCODINGS[format].format.media_type
        said = {"Accept-Ranges": "none", "Cache-Control": "no-store", "Content-Type": media_type}
        self.init_headers(said)

    @property
    def waiting(self) -> float:
        """Seconds for which the listener has taken nothing."""
        return 0.0 if self._since is None else monotonic() - self._since

    def end(self) -> None:
        """Do no more: what is on its way arrives, and then the song ends."""
        self._streams.leave(self)
        self._transcoder.close()
        self._file.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(until_gone)
                await self._send(scope, receive, send)
                group.cancel_scope.cancel()
        finally:
            self.end()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        piece: bytes | None = b""
        if self._body:
            try:
                self._streams.enter(self)
                while piece == b"":
                    piece = await self._more()
            except SongspaceError as error:
                await self._refuse(error)(scope, receive, send)
                return
        await send(head)
        while piece is not None and self._body:
            if piece:
                self._since = monotonic()
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                self._since = None
            piece = await self._more()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _more(self) -> bytes | None:
        """Return the next bytes, maybe none yet; None at the end, and where another listener has needed the place."""
        return await anyio.to_thread.run_sync(self._transcoder.more, limiter=self._streams.working)
