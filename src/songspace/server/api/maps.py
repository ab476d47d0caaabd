"""A place for every song."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.asking import traits
from songspace.server import models
from songspace.server.service import Answer, At, Service, answer, service_of

router = APIRouter(tags=["map"])


@router.get(
    "/map",
    response_model=models.Map,
    responses={202: {"model": models.Computing, "description": "It is being drawn: ask again."}},
)
def map_(query: Annotated[models.MapQuery, Query()], request: Request) -> Response:
    """The place of every song: by t-SNE as soon as it has been drawn for this space, by PCA at once."""

    def make(at: At) -> Any:
        view, service = at.view, service_of(request)
        points = service.maps.points(view.space, query.method)
        if isinstance(points, float):
            told = {"state": "computing", "method": query.method, "seconds": round(points, 1)}
            return Answer(told, 202, {"Retry-After": "2", "Cache-Control": "no-store"})
        return {
            "state": "ready",
            "method": query.method,
            "ids": view.space.ids.tolist(),
            "x": [round(x, 4) for x in points[:, 0].tolist()],
            "y": [round(y, 4) for y in points[:, 1].tolist()],
            "columns": {name: coded(column(service, at, name)) for name in query.column},
        }

    return answer(request, make, heavy=True)


def column(service: Service, at: At, name: str) -> Sequence[str | float | None]:
    """What is told of each song; what takes long is worked out once for a snapshot."""
    view = at.view
    made: dict[str, Callable[[], Sequence[str | float | None]]] = {
        "group": lambda: traits.groups(view),
        "isolation": lambda: traits.isolation(view.space).round(3).tolist(),
        "hubness": lambda: traits.hubness(view.space).tolist(),
    }
    if name not in made:
        return [getattr(song, name) for song in view.songs]
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
