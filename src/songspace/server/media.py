"""The files of songs: which may be sent, what they are, and parts of them.

Only a file that the catalog names is ever opened, and a request names a song by its number, never a path. What is found
there may be another file than the one that was listened to: whoever can write into the folder may have put a link to a
letter in its place, with the size and the date of the song. So a file is sent only if it is known by all that the
system says of it, or by its sound.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
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
_COARSEST = 3_000_000_000  # nanoseconds: no file system has coarser dates than two seconds
_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class Files:
    """The files of songs, each opened only if it is the one that was listened to.

    To know a file by its sound takes as long as to read it. So a file is known by its stamp (device, inode, size and
    both dates) where it lies in the library's folders and the catalog knows that very stamp. Otherwise (device numbers
    change when a machine starts, tags are edited, a link leads elsewhere) its sound is looked at once, and its stamp
    remembered.

    Parameters
    ----------
    most : int
        Files that are remembered.
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
            If it is not there, no ordinary file, or another one than that which was listened to; or if none was.
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
        """Return whether an open file holds the sound of a song."""
        stamp, identity = Stamp.of(os.fstat(file.fileno())), song.identity
        row = catalog.file(song.path)
        known = row is not None and song.id in row.songs and row.stamp == stamp
        if known and _is_in_its_folder(song.path, catalog):
            return True
        with self._changing:
            if (identity, stamp) in self._known:
                self._known.move_to_end((identity, stamp))
                return True
        found = identify(file)
        if song.start is not None:
            found = identity_of_part(found, song.start, song.end)
        file.seek(0)
        if found != identity:
            return False
        # What was written to a moment ago, or meanwhile, may be written to once more without another date.
        settled = stamp == Stamp.of(os.fstat(file.fileno())) and time.time_ns() - stamp.ctime_ns > _COARSEST
        if settled:
            with self._changing:
                self._known[identity, stamp] = None
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        return True


def _is_in_its_folder(path: str, catalog: Catalog) -> bool:
    """Return whether a path leads, through all links, to somewhere below the folder of the library that it names."""
    real = os.path.realpath(path)
    return any(is_inside(path, root) and is_inside(real, os.path.realpath(root)) for root in catalog.roots())


def media_type(begins: bytes) -> str:
    """Return the media type of a sound file by its first bytes; ``application/octet-stream`` if it is not known.

    Examples
    --------
    >>> media_type(b"fLaC..."), media_type(b"\\xff\\xfb\\x90..."), media_type(b"<html>")
    ('audio/flac', 'audio/mpeg', 'application/octet-stream')
    """
    format = by_content(begins)
    return format.media_type if format is not None else "application/octet-stream"


@dataclass(frozen=True)
class Asked:
    """A part of a file: ``length`` bytes from ``begin`` on."""

    begin: int
    length: int


def part(header: str | None, size: int) -> Asked | None:
    """Return what a ``Range`` header asks for: None for the whole file.

    A header that asks for several parts, or that nobody understands, is passed over, as RFC 9110 allows.

    Raises
    ------
    ValueError
        If the file has no such part.

    Examples
    --------
    >>> part("bytes=2-", 10), part("bytes=-3", 10), part("bytes=0-1,4-5", 10)
    (Asked(begin=2, length=8), Asked(begin=7, length=3), None)
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or (found[1] == found[2] == ""):
        return None
    if found[1] == "":
        length = min(int(found[2]), size)
        begin = size - length
    else:
        begin = int(found[1])
        last = min(int(found[2]) if found[2] else size - 1, size - 1)
        if found[2] and int(found[2]) < begin:
            return None
        length = last - begin + 1
    if length <= 0:
        raise ValueError(f"no bytes {header}")
    return Asked(begin, length)


def file_response(file: BinaryIO, headers: Mapping[str, str], *, method: str) -> Response:
    """Send a file or the part that is asked for; the file is closed afterwards.

    Parameters
    ----------
    file : binary file
    headers : mapping of str to str
        Of the request, by their names in lower case.
    method : str
        GET or HEAD.
    """
    known, tag = os.fstat(file.fileno()), entity_tag(file)
    said = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "ETag": tag,
        "Last-Modified": formatdate(known.st_mtime, usegmt=True),
    }
    if matches(headers.get("if-none-match"), tag):
        file.close()
        return Response(status_code=304, headers=said)
    if_range = headers.get("if-range")
    wanted = headers.get("range") if if_range in (None, tag, said["Last-Modified"]) else None
    try:
        asked = part(wanted, known.st_size)
    except ValueError:
        file.close()
        return problem(416, f"The file has only {known.st_size} bytes.", {"Content-Range": f"bytes */{known.st_size}"})
    said["Content-Type"] = media_type(file.read(64))
    if asked is None:
        return FilePart(file, Asked(0, known.st_size), 200, said, body=method != "HEAD")
    said["Content-Range"] = f"bytes {asked.begin}-{asked.begin + asked.length - 1}/{known.st_size}"
    return FilePart(file, asked, 206, said, body=method != "HEAD")


def entity_tag(file: BinaryIO) -> str:
    """Return what changes when a file does."""
    known = os.fstat(file.fileno())
    return f'"{known.st_ino:x}-{known.st_size:x}-{known.st_mtime_ns:x}"'


def matches(header: str | None, tag: str) -> bool:
    """Return whether an ``If-None-Match`` header holds an entity tag, compared weakly."""
    plain = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") == plain for one in (header or "").split(","))


class FilePart(Response):
    """A part of a file. Whoever reads slowly holds no thread, and whoever has gone stops it."""

    def __init__(self, file: BinaryIO, asked: Asked, status: int, headers: Mapping[str, str], *, body: bool) -> None:
        self._file, self._asked, self._body = file, asked, body
        self.status_code, self.background = status, None
        self.init_headers(dict(headers) | {"Content-Length": str(asked.length)})

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
        left = self._asked.length if self._body else 0
        self._file.seek(self._asked.begin)
        while left > 0:
            chunk = await anyio.to_thread.run_sync(self._file.read, min(left, CHUNK))
            if not chunk:  # somebody has cut the file off
                break
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
        if left or not self._body or not self._asked.length:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
