"""Sound and covers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from io import BufferedReader
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.server import media
from songspace.server.covers import cover_response
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import GENERIC, SubsonicError, refuse
from songspace.server.opensubsonic.shapes import CONVERTED, is_converted
from songspace.server.problems import RETRY_AFTER, BusyError
from songspace.server.streams import encoded

_FORMATS = {"mp3": "mp3", "opus": "opus", "ogg": "opus", "oga": "opus", "webm": "webm", "flac": "flac"}
_SAME = ("mp3", "opus", "webm")  # what is encoded in the format of the file, if no other is asked for
_COVERED = 1.125  # factor for covers and tags: a file of just maxBitRate is not encoded


def _stream(call: Call) -> Answered:
    """Return the file, or the song in another format from ``timeOffset`` on, or a part of these (``Range``).

    It is encoded if ``format`` is not the format of the file, if the file has more than ``maxBitRate``, if there is a
    ``timeOffset``, or if few players know the format of the file; and never for ``format=raw``. Without ``format``, a
    format that can be encoded stays as it is.
    """
    song, wanted = call.song(call.text("id")), call.text("format", "").strip().lower()
    most, start = call.number("maxBitRate", 0), _seconds(call)
    file, method = call.service.files.open(song, call.at.library.catalog), call.request.method
    suffix = os.path.splitext(song.path)[1].lower().removeprefix(".")
    as_it_is = wanted == suffix or (wanted == "" and not is_converted(song.path))
    whole = song.start is None  # for one song, the file of a whole album is not sent
    size = os.fstat(file.fileno()).st_size
    fits = most == 0 or size * 8 <= _COVERED * most * 1000 * max(song.duration, 1.0)
    if whole and (wanted == "raw" or (as_it_is and fits and not start)):
        return media.file_response(file, call.request.headers, method=method)
    format = _FORMATS.get(wanted or (suffix if suffix in _SAME else ""), CONVERTED)
    if most and format == "flac":  # it has as many bits as it takes
        format = CONVERTED
    return _encoded(call, song, file, format, start=start, kilobits=most or None)


def _encoded(call: Call, song: Song, file: BufferedReader, format: str, **how: Any) -> Response:
    """Return a song in another format.

    An MP3 has its length and parts, whether or not ``estimateContentLength`` is set: its bytes are counted, not
    estimated. Others have none, for nobody knows it, and a wrong length would break the response.
    """
    return encoded(
        file,
        call.service.streams,
        format,
        _refusal(call),
        seconds=song.duration,
        headers=call.request.headers,
        part=(song.start, song.end),
        body=call.request.method != "HEAD",
        **how,
    )


def _refusal(call: Call) -> Callable[[SongspaceError], Response]:
    def refused(error: SongspaceError) -> Response:
        busy = isinstance(error, BusyError)
        response = refuse(SubsonicError(GENERIC, str(error)), call.text("f", "xml"), status=503 if busy else 200)
        if busy:
            response.headers["Retry-After"] = RETRY_AFTER
        return response

    return refused


def _seconds(call: Call) -> float:
    """Return the second at which to begin; some players send fractions."""
    text = call.text("timeOffset", "0").strip()
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII):
        raise SubsonicError(GENERIC, "The parameter timeOffset is no number of seconds.")
    return float(text)


def _download(call: Call) -> Answered:
    song = call.song(call.text("id"))
    file, method = call.service.files.open(song, call.at.library.catalog), call.request.method
    response: Response
    if song.start is None:
        response, called = media.file_response(file, call.request.headers, method=method), os.path.basename(song.path)
    else:
        response, called = _encoded(call, song, file, CONVERTED), f"{song.name}.{CONVERTED}"
    response.headers["Content-Disposition"] = f"attachment; {_named(called)}"
    return response


def _named(name: str) -> str:
    """Return a name of a file for a header: in the old way where that can say it, for some clients read no other.

    Examples
    --------
    >>> _named("01 Sea.flac"), _named("Él.flac")
    ('filename="01 Sea.flac"', "filename*=UTF-8''%C3%89l.flac")
    """
    if re.fullmatch(r"[\w .,()+&'-]+", name, re.ASCII):
        return f'filename="{name}"'
    return f"filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _cover(call: Call) -> Answered:
    """Return the cover of a song, an album or an artist, made smaller if it is larger than ``size``."""
    size = call.number("size", 0)
    return cover_response(call.service, call.at, _pictured(call), call.request.headers, size=size or None)


def _pictured(call: Call) -> list[Song]:
    """Return the songs whose cover is meant: for an artist, those of the first album with a cover."""
    id = call.text("id")
    if id.startswith("al-"):
        return call.album(id).songs
    if id.startswith("ar-"):
        artist = call.artist(id)
        return artist.cover.songs if artist.cover is not None else []
    song = call.song(id)
    album = call.whole.album_of[song.id]
    return [song] if album.has_own_cover(song) else [song, *album.songs]


HANDLERS: dict[str, Handler] = {
    "stream": _stream,
    "download": _download,
    "getCoverArt": _cover,
}
