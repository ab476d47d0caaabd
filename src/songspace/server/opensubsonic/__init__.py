"""The OpenSubsonic API at ``/rest``, for players.

It implements the parts of the published API (opensubsonic.netlify.app) for which songspace has data: browsing, search,
original or encoded sound, covers, lyrics, playlists, and the extension ``sonicSimilarity``. Calls have names with or
without ``.view``, and parameters in the address or in a form. Answers are in XML or, with ``f=json``, in JSON, but not
in a script (``jsonp``), which any web page could load. A wrong password gets status 200 and an error, as the protocol
demands; after several from one address, all requests from there get status 429 for a while.
"""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from songspace.errors import SongspaceError
from songspace.server.guesses import TOO_MANY, TooManyError, address_of
from songspace.server.opensubsonic import absent, browsing, likes, lyrics, playlists, queues, sonic, sound, system
from songspace.server.opensubsonic.call import Call, Handler, authenticate
from songspace.server.opensubsonic.envelope import (
    GENERIC,
    NOT_FOUND,
    UPGRADE,
    SubsonicError,
    is_classic,
    refuse,
    respond,
)
from songspace.server.problems import UnknownError
from songspace.server.service import service_of

PATHS = ("/rest/",)
"""Prefixes of paths whose handlers check passwords themselves."""

HANDLERS: dict[str, Handler] = {
    **system.HANDLERS,
    **browsing.HANDLERS,
    **sound.HANDLERS,
    **lyrics.HANDLERS,
    **playlists.HANDLERS,
    **queues.HANDLERS,
    **likes.HANDLERS,
    **sonic.HANDLERS,
    **absent.HANDLERS,
}

_MOST_PARAMETERS = 20_000

router = APIRouter(include_in_schema=False)


@router.api_route("/rest/{name}", methods=["GET", "HEAD", "POST"])
async def rest(name: str, request: Request) -> Response:
    """Answer a call."""
    pairs = request.url.query
    form = (await request.body()).decode("utf-8", "replace") if request.method == "POST" else ""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        given: dict[str, list[str]] = {}
        for text in (pairs, form if kind == "application/x-www-form-urlencoded" else ""):
            for key, value in parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS):
                given.setdefault(key, []).append(value)
    except ValueError:
        return refuse(SubsonicError(GENERIC, f"A call has at most {_MOST_PARAMETERS} parameters."), "xml")
    format = (given.get("f") or ("xml",))[0]
    if format not in ("xml", "json"):
        return refuse(SubsonicError(GENERIC, "Answers are in xml or json."), "json" if format == "jsonp" else "xml")
    return await run_in_threadpool(_answer, name.removesuffix(".view"), request, given, format)


def _answer(name: str, request: Request, given: dict[str, list[str]], format: str) -> Response:
    service, address = service_of(request), address_of(request.scope)
    classic = is_classic((given.get("v") or ("",))[0])
    try:
        if name == "getOpenSubsonicExtensions":
            answered = system.extensions(service)
            return answered if isinstance(answered, Response) else respond(answered, format, classic=classic)
        user = authenticate(service, given, address)
        if name not in HANDLERS:
            return refuse(SubsonicError(UPGRADE, "songspace has no such call."), format)
        with service.at() as at:
            answered = HANDLERS[name](Call(request, service, at, given, user))
    except TooManyError as error:
        refused = refuse(SubsonicError(GENERIC, TOO_MANY), format, status=429)
        refused.headers["Retry-After"] = str(error.seconds)
        return refused
    except SubsonicError as failure:
        return refuse(failure, format)
    except UnknownError as error:
        return refuse(SubsonicError(NOT_FOUND, str(error)), format)
    except SongspaceError as error:
        return refuse(SubsonicError(GENERIC, str(error)), format)
    except Exception:
        logging.getLogger("uvicorn.error").exception("A call of /rest/%s failed", name)
        return refuse(SubsonicError(GENERIC, "Something went wrong in songspace: its log says what."), format)
    return answered if isinstance(answered, Response) else respond(answered, format, classic=classic)
