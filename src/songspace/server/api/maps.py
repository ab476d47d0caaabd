"""A place for every song."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.server import models
from songspace.server.service import Answer, At, answer, service_of

router = APIRouter(tags=["map"])


@router.get(
    "/map",
    response_model=models.Map,
    responses={202: {"model": models.Computing, "description": "It is being drawn: ask again."}},
)
def map_(query: Annotated[models.MapQuery, Query()], request: Request) -> Response:
    """The place of every song: by t-SNE as soon as it has been drawn, by PCA at once.

    While the map of a new space is drawn, songs that were in the one before are where they were, and new ones beside
    what they sound like.
    """

    def make(at: At) -> Any:
        view = at.view
        found = service_of(request).maps.points(view.space, query.method)
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
            "columns": {name: coded([getattr(song, name) for song in view.songs]) for name in query.column},
        }
        return told if settled else Answer(told, headers={"Cache-Control": "no-store"})

    return answer(request, make, heavy=True)


def coded(values: Sequence[str | int | None]) -> dict[str, Any]:
    """A column in brief: what there is, the most common first, and the number of it for each.

    Examples
    --------
    >>> coded(["b", None, "a", "b"])
    {'values': ['b', 'a'], 'codes': [0, -1, 1, 0]}
    """
    known = [value for value, _ in Counter(value for value in values if value is not None).most_common()]
    number = {value: place for place, value in enumerate(known)}
    return {"values": known, "codes": [-1 if value is None else number[value] for value in values]}
