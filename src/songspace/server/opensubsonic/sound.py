"""Sound and covers."""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import quote

from starlette.responses import Response

from songspace.errors import AudioError
from songspace.library.pictures import read_cover
from songspace.server import media
from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import NOT_FOUND, Failure
from songspace.server.problems import UnknownError

_LOOKED_AT = 5  # songs of an album in which a cover is looked for


def _stream(call: Call) -> Answered:
    """The file as it is, or a part of it: ``maxBitRate``, ``format`` and ``timeOffset`` are passed over."""
    file = media.open_song(call.song(call.text("id")), call.at.library.catalog)
    return media.file_response(file, call.request.headers, method=call.request.method)


def _download(call: Call) -> Answered:
    song = call.song(call.text("id"))
    response = _stream(call)
    assert isinstance(response, Response)
    name = quote(os.path.basename(song.path), safe="", errors="replace")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return response


def _cover(call: Call) -> Answered:
    """The first cover in the files of a song, an album or an artist, in the size that it has there."""
    for song in call.songs_of(call.text("id"))[:_LOOKED_AT]:
        with suppress(UnknownError, AudioError), media.open_song(song, call.at.library.catalog) as file:
            said = {"Cache-Control": "private, no-cache", "ETag": media.entity_tag(file)}
            if media.matches(call.request.headers.get("if-none-match"), said["ETag"]):
                return Response(status_code=304, headers=said)
            if (found := read_cover(file)) is not None:
                return Response(found[0], headers=said, media_type=found[1])
    raise Failure(NOT_FOUND, "There is no cover in the files.")


HANDLERS: dict[str, Handler] = {
    "stream": _stream,
    "download": _download,
    "getCoverArt": _cover,
}
