"""Songs that are encoded while they are sent, a limited number at once.

Sending a song takes as long as its client reads it, but its encoder works only when the client has room for more; in
between it occupies no thread, so slow clients do not block others.

An MP3 has a constant bit rate, so that its length is known before, and any part of it can be asked for: it is encoded
from a little before. A part is as long as it has to be, with the frames of the whole at the same places, but not with
the same bytes (:class:`songspace.audio.transcoding.Frames` says why). So these responses have no entity tag, and a part
is not given to a player that asks for one of the same version (``If-Range``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BufferedReader
from time import monotonic
from typing import Any

import anyio
from anyio import CapacityLimiter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from songspace.audio.transcoding import ENCODINGS, Frames, Transcoder, frames_of
from songspace.errors import AudioError, SongspaceError
from songspace.server.media import ByteRange, part_of
from songspace.server.problems import BusyError, problem

MOST = 24
"""Most songs that are open at once."""


class Streams:
    """The songs that are being encoded and sent.

    Parameters
    ----------
    most : int
        Most songs that are open at once. For one more, the song is ended whose client has read nothing for longest.
    patience : float
        Seconds for which a client may read nothing without being ended.
    """

    def __init__(self, most: int = MOST, *, patience: float = 10.0) -> None:
        self._most, self._patience = most, patience
        self._open: set[EncodedSong] = set()
        self._working: CapacityLimiter | None = None

    @property
    def working(self) -> CapacityLimiter:
        """Limit of encoders that work at once: all cores but one, which is left for other requests."""
        if self._working is None:  # a limiter needs a running event loop
            self._working = CapacityLimiter(max(1, (os.cpu_count() or 1) - 1))
        return self._working

    def enter(self, song: EncodedSong) -> None:
        """Add a song.

        Raises
        ------
        BusyError
            If there are too many.
        """
        if len(self._open) >= self._most:
            slowest = max(self._open, key=lambda other: other.waiting)
            if slowest.waiting <= self._patience:
                raise BusyError("Too many songs are being encoded for others: try again in a moment.")
            slowest.end()
        self._open.add(song)

    def leave(self, song: EncodedSong) -> None:
        """Remove a song."""
        self._open.discard(song)


class EncodedSong(Response):
    """A response with a song in another format, from some second on.

    Parameters
    ----------
    file : binary file
        It is closed at the end.
    streams : Streams
    format : str
        One of :data:`songspace.audio.transcoding.ENCODINGS`.
    refuse : callable
        Returns the response for a SongspaceError before the first byte; later errors end the song.
    part : (float or None, float or None)
        Start and end of the song in the file, in seconds; None is the start or end of the file.
    start : float
        Second of the song at which to begin.
    kilobits : int, optional
        Largest bit rate, in kilobits per second.
    body : bool
        False to send the headers alone.
    frames : Frames, optional
        The frames of the song from ``start`` on, if its bit rate is constant; without them, it has no length.
    wanted : ByteRange, optional
        The part of it that is sent.
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
        frames: Frames | None = None,
        wanted: ByteRange | None = None,
    ) -> None:
        self._file, self._streams, self._refuse, self._body = file, streams, refuse, body
        begins, ends = part
        begin, length = (0, None) if wanted is None else (wanted.begin, wanted.length)
        self._transcoder = Transcoder(
            file,
            format,
            start=(begins or 0.0) + start,
            end=ends,
            kilobits=kilobits,
            frames=frames,
            begin=begin,
            length=length,
        )
        self._since: float | None = None
        self.status_code, self.background = 200, None
        media_type = ENCODINGS[format].format.media_type
        headers = {"Accept-Ranges": "none", "Cache-Control": "no-store", "Content-Type": media_type}
        if frames is not None:
            headers |= {"Accept-Ranges": "bytes", "Content-Length": str(frames.size if length is None else length)}
        if frames is not None and wanted is not None:
            self.status_code = 206
            headers["Content-Range"] = f"bytes {begin}-{begin + wanted.length - 1}/{frames.size}"
        self.init_headers(headers)

    @property
    def waiting(self) -> float:
        """Seconds for which the client has read nothing."""
        return 0.0 if self._since is None else monotonic() - self._since

    def end(self) -> None:
        """Stop encoding; the client gets the bytes that are on their way."""
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
        if self._body and self._transcoder.is_short:  # it was ended: the connection is closed before the end of it
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _more(self) -> bytes | None:
        """Return the next bytes, empty if there are none yet; None at the end, also if the song was ended."""
        return await anyio.to_thread.run_sync(self._transcoder.more, limiter=self._streams.working)


def encoded(
    file: BufferedReader,
    streams: Streams,
    format: str,
    refuse: Callable[[SongspaceError], Response],
    *,
    seconds: float,
    headers: Mapping[str, str],
    start: float = 0.0,
    kilobits: int | None = None,
    **given: Any,
) -> Response:
    """Return the response with a song in another format, or with the part in the ``Range`` header where it has parts.

    Parameters
    ----------
    file, streams, format, refuse, start, kilobits, given
        As for :class:`EncodedSong`.
    seconds : float
        Duration of the song.
    headers : mapping of str to str
        Headers of the request, by their names in lower case.
    """
    frames, wanted = None, None
    if start < seconds:
        with suppress(AudioError):  # the response says so
            frames = frames_of(file, format, seconds - start, kilobits=kilobits)
    if frames is not None and "if-range" not in headers:
        try:
            wanted = part_of(headers.get("range"), frames.size)
        except ValueError:
            file.close()
            return problem(416, f"The song has only {frames.size} bytes.", {"Content-Range": f"bytes */{frames.size}"})
    return EncodedSong(
        file, streams, format, refuse, start=start, kilobits=kilobits, frames=frames, wanted=wanted, **given
    )
