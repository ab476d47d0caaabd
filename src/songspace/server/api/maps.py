"""A place for every song."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers import traits
from songspace.categories import printable
from songspace.library import Song
from songspace.server import answers, questions
from songspace.server.guard import is_local
from songspace.server.service import Answer, At, Service, answer, service_of

router = APIRouter(tags=["map"])


@router.get(
    "/map",
    response_model=answers.Map,
    responses={202: {"model": answers.Computing, "description": "It is being drawn: ask again."}},
)
def map_(query: Annotated[questions.MapQuery, Query()], request: Request) -> Response:
    """The place of every song: by t-SNE as soon as it has been drawn, by PCA at once.

    While the map of a new space is drawn, songs that were in the one before are where they were, and new ones beside
    what they sound like.
    """

    def make(at: At) -> Any:
        view, service = at.view, service_of(request)
        found = service.maps.points(view.space, query.method)
        if isinstance(found, float):
            waiting = {"state": "computing", "method": query.method, "seconds": round(found, 1)}
            return Answer(waiting, 202, {"Retry-After": "2", "Cache-Control": "no-store"})
        points, settled = found
        told: dict[str, Any] = {
            "state": "ready",
            "method": query.method,
            "snapshot": at.snapshot.key,
            "settled": settled,
            "ids": view.space.ids.tolist(),
            "x": [round(x, 4) for x in points[:, 0].tolist()],
            "y": [round(y, 4) for y in points[:, 1].tolist()],
            "columns": {name: coded(column(service, at, name)) for name in query.column},
        }
        return told if settled else Answer(told, headers={"Cache-Control": "no-store"})

    return _packed(request, answer(request, make, heavy=True))


def _told(song: Song, column: str) -> Any:
    """What a column says of a song; a song that has no title is called as its file."""
    said = getattr(song, column)
    return printable(Path(song.path).stem) if column == "title" and said is None else said


def _packed(request: Request, made: Response) -> Response:
    """A map compressed, if it leaves the machine: of 100,000 songs a quarter of 4 MB, for 30 ms of work."""
    made.headers["Vary"] = "Accept-Encoding"
    near = request.client is None or is_local(request.client.host)
    accepted = [name.strip() for name in request.headers.get("accept-encoding", "").lower().split(",")]
    if made.status_code == 200 and not near and "gzip" in accepted:
        made.body = gzip.compress(bytes(made.body), compresslevel=1, mtime=0)
        made.headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(made.body))})
    return made


def column(service: Service, at: At, name: str) -> Sequence[str | float | None]:
    """What is told of each song; what takes long is worked out once for a snapshot."""
    view = at.view
    made: dict[str, Callable[[], Sequence[str | float | None]]] = {
        "group": lambda: traits.groups(view),
        "isolation": lambda: traits.isolation(view.space).round(3).tolist(),
        "hubness": lambda: traits.hubness(view.space).tolist(),
    }
    if name not in made:
        return [_told(song, name) for song in view.songs]
    told: Sequence[str | float | None] = service.once(name, at.snapshot.key, made[name])
    return told


def coded(values: Sequence[str | float | None]) -> dict[str, Any]:
    """A column in brief: what there is, the most common first, and the number of it for each.

    Examples
    --------
    >>> coded(["b", None, "a", "b"])
    {'values': ['b', 'a'], 'codes': [0, -1, 1, 0]}
    """
    known = [value for value, _ in Counter(value for value in values if value is not None).most_common()]
    number = {value: place for place, value in enumerate(known)}
    return {"values": known, "codes": [-1 if value is None else number[value] for value in values]}
