"""The files of songs: checks before they are sent, and responses with whole files or parts.

Only files of the catalog are opened, and requests name songs by id, never by path. A path may hold another file than
the one that was heard: a person who can write into the folder may have replaced it by a link to a private file, with
the size and date of the song. So a file is sent only if its stamp or its sound is that of the song.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from io import BufferedReader
from typing import BinaryIO

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from songspace.errors import AudioError
from songspace.formats import by_content
from songspace.library import Catalog, Song
from songspace.library.identity import identify, identity_of_part
from songspace.library.learnt import imported_from
from songspace.library.scan import Stamp, is_inside
from songspace.plainfiles import open_plain
from songspace.server.problems import UnknownError, problem

CHUNK = 256 * 1024
COARSEST = 3_000_000_000
"""Nanoseconds within which a file may change twice with one date: no file system has coarser dates than two seconds."""

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class Files:
    """Opens the files of songs, if they are the ones that were heard.

    Checking the sound of a file means reading all of it. So a file inside the library's folders is accepted by its
    stamp (device, inode, size and both dates), if the catalog has the same one. Otherwise (device numbers change when a
    machine starts, tags are edited, a link leads elsewhere) its sound is checked once, and its stamp remembered.

    Parameters
    ----------
    most : int
        Number of files that are remembered.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._known: OrderedDict[tuple[bytes, Stamp], None] = OrderedDict()
        self._changing = threading.Lock()

    def open(self, song: Song, catalog: Catalog) -> BufferedReader:
        """Open the file of a song for reading.

        Raises
        ------
        UnknownError
            If it is missing, no ordinary file, or another one than was heard; or if the songs were imported.
        """
        if imported_from(catalog) is not None:
            raise UnknownError("The songs of this library were imported as vectors: their files are not played here.")
        gone = UnknownError(f"The file of song {song.id} is not there: run `songspace update`.")
        try:
            file = open_plain(song.path, links=True)
        except OSError:
            raise gone from None
        try:
            if not self._is(song, file, catalog):
                raise UnknownError(
                    f"The file of song {song.id} is not the one that was listened to: run `songspace update`."
                )
        except (OSError, AudioError):
            file.close()
            raise gone from None
        except BaseException:
            file.close()
            raise
        return file

    def _is(self, song: Song, file: BufferedReader, catalog: Catalog) -> bool:
        """Return True if an open file holds the sound of a song."""
        stamp, identity = Stamp.of(os.fstat(file.fileno())), song.identity
        row = catalog.file(song.path)
        known = row is not None and song.id in row.songs and row.stamp == stamp
        if known and stays_inside(song.path, catalog.roots()):
            return True
        with self._changing:
            if (identity, stamp) in self._known:
                self._known.move_to_end((identity, stamp))
                return True
        actual = identify(file)
        if song.start is not None:
            actual = identity_of_part(actual, song.start, song.end)
        file.seek(0)
        if actual != identity:
            return False
        # A file that was just written may be written again without a change of its dates.
        settled = stamp == Stamp.of(os.fstat(file.fileno())) and time.time_ns() - stamp.ctime_ns > COARSEST
        if settled:
            with self._changing:
                self._known[identity, stamp] = None
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        return True


def shared(catalog: Catalog) -> list[str]:
    """Return the folders whose files are sent: those of the library, or none if its songs were imported."""
    return catalog.roots() if imported_from(catalog) is None else []


def stays_inside(path: str, roots: Sequence[str]) -> bool:
    """Return True if a path, with all links followed, stays inside its folder of the library."""
    real = os.path.realpath(path)
    return any(is_inside(path, root) and is_inside(real, os.path.realpath(root)) for root in roots)


def open_beside(path: str, roots: Sequence[str]) -> BufferedReader:
    """Open a file that lies beside songs: a picture, or lyrics.

    Raises
    ------
    OSError
        If there is none, if it is no ordinary file, or if it is a link that leads out of the folders of the library.
    """
    if not stays_inside(path, roots):
        raise OSError("it leads out of the library")
    return open_plain(os.path.realpath(path))


def media_type(begins: bytes) -> str:
    """Return the media type of a sound file by its first bytes; ``application/octet-stream`` if it is unknown.

    Examples
    --------
    >>> media_type(b"fLaC..."), media_type(b"\\xff\\xfb\\x90..."), media_type(b"<html>")
    ('audio/flac', 'audio/mpeg', 'application/octet-stream')
    """
    format = by_content(begins)
    return format.media_type if format is not None else "application/octet-stream"


@dataclass(frozen=True)
class ByteRange:
    """A part of a file: ``length`` bytes from ``begin`` on."""

    begin: int
    length: int


def part_of(header: str | None, size: int) -> ByteRange | None:
    """Parse a ``Range`` header; None stands for the whole file.

    A header with several parts, or an invalid one, is ignored, as RFC 9110 allows.

    Raises
    ------
    ValueError
        If the file has no such part.

    Examples
    --------
    >>> part_of("bytes=2-", 10), part_of("bytes=-3", 10), part_of("bytes=0-1,4-5", 10)
    (ByteRange(begin=2, length=8), ByteRange(begin=7, length=3), None)
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or (match[1] == match[2] == ""):
        return None
    if match[1] == "":
        length = min(int(match[2]), size)
        begin = size - length
    else:
        begin = int(match[1])
        last = min(int(match[2]) if match[2] else size - 1, size - 1)
        if match[2] and int(match[2]) < begin:
            return None
        length = last - begin + 1
    if length <= 0:
        raise ValueError(f"no bytes {header}")
    return ByteRange(begin, length)


def file_response(file: BinaryIO, headers: Mapping[str, str], *, method: str) -> Response:
    """Return the response with a file, or with the part in the ``Range`` header; the file is closed afterwards.

    Parameters
    ----------
    file : binary file
    headers : mapping of str to str
        Headers of the request, by their names in lower case.
    method : str
        GET or HEAD.
    """
    status, tag = os.fstat(file.fileno()), entity_tag(file)
    added = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "ETag": tag,
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
    }
    if matches(headers.get("if-none-match"), tag):
        file.close()
        return Response(status_code=304, headers=added)
    if_range, size = headers.get("if-range"), status.st_size
    wanted = headers.get("range") if if_range in (None, tag, added["Last-Modified"]) else None
    try:
        requested = part_of(wanted, size)
    except ValueError:
        file.close()
        return problem(416, f"The file has only {size} bytes.", {"Content-Range": f"bytes */{size}"})
    added["Content-Type"] = media_type(file.read(64))
    if requested is None:
        return FilePart(file, ByteRange(0, size), 200, added, body=method != "HEAD")
    added["Content-Range"] = f"bytes {requested.begin}-{requested.begin + requested.length - 1}/{size}"
    return FilePart(file, requested, 206, added, body=method != "HEAD")


def entity_tag(file: BinaryIO) -> str:
    """Return the entity tag of a file; it changes with the file."""
    status = os.fstat(file.fileno())
    return f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"'


def matches(header: str | None, tag: str) -> bool:
    """Return True if an ``If-None-Match`` header holds an entity tag, by weak comparison."""
    plain = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") == plain for one in (header or "").split(","))


class FilePart(Response):
    """A part of a file. A slow client occupies no thread, and the response stops when the client has gone."""

    def __init__(self, file: BinaryIO, part: ByteRange, status: int, headers: Mapping[str, str], *, body: bool) -> None:
        self._file, self._part, self._body = file, part, body
        self.status_code, self.background = status, None
        self.init_headers(dict(headers) | {"Content-Length": str(part.length)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        with self._file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with anyio.create_task_group() as group:
                group.start_soon(until_gone)
                await self._send(send)
                group.cancel_scope.cancel()

    async def _send(self, send: Send) -> None:
        left = self._part.length if self._body else 0
        self._file.seek(self._part.begin)
        while left > 0:
            chunk = await anyio.to_thread.run_sync(self._file.read, min(left, CHUNK))
            if not chunk:  # the file was cut off
                break
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
        if left or not self._body or not self._part.length:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
