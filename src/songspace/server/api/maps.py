"""A place for every song."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers import traits
from songspace.answers.answer import answer, described
from songspace.categories import printable
from songspace.library import Song
from songspace.server import questions
from songspace.server.guard import is_local
from songspace.server.service import At, Document, Service, respond, service_of

router = APIRouter(tags=["map"])


@answer
class Coded:
    """A column in brief."""

    values: list[str | int | float] = described("What there is, the most common first.")
    codes: list[int] = described("For each song a place in values, or -1.")


@answer
class Map:
    """A place for every song of the space, from -1 to 1 across and upwards; a song stays about where it was before."""

    state: Literal["ready"]
    method: Literal["tsne", "pca"]
    snapshot: str = described("Changes with the space, its songs and what is known of them: see /work.")
    settled: bool = described("Whether it is the map of this space; if not, one from before, and it is drawn.")
    ids: list[int]
    x: list[float]
    y: list[float]
    columns: dict[str, Coded]


@answer
class Computing:
    """The map is being drawn: ask again."""

    state: Literal["computing"]
    method: Literal["tsne", "pca"]
    seconds: float = described("Since it was begun.", places=1)


@router.get(
    "/map",
    response_model=Map,
    responses={202: {"model": Computing, "description": "It is being drawn: ask again."}},
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
            waiting = Computing("computing", query.method, found)
            return Document(waiting, 202, {"Retry-After": "2", "Cache-Control": "no-store"})
        points, settled = found
        x, y = ([round(place, 4) for place in axis.tolist()] for axis in points.T)
        columns: dict[str, Coded] = {name: coded(column(service, at, name)) for name in query.column}
        drawn = Map("ready", query.method, at.snapshot.key, settled, view.space.ids.tolist(), x, y, columns)
        return drawn if settled else Document(drawn, headers={"Cache-Control": "no-store"})

    return _packed(request, respond(request, make, heavy=True))


def _told(song: Song, column: str) -> Any:
    """Return what a column says of a song; a song that has no title is called as its file."""
    said = getattr(song, column)
    return printable(Path(song.path).stem) if column == "title" and said is None else said


def _packed(request: Request, made: Response) -> Response:
    """Return a map compressed, if it leaves the machine: of 100,000 songs a quarter of 4 MB, for 30 ms of work."""
    made.headers["Vary"] = "Accept-Encoding"
    near = request.client is None or is_local(request.client.host)
    accepted = [name.strip() for name in request.headers.get("accept-encoding", "").lower().split(",")]
    if made.status_code == 200 and not near and "gzip" in accepted:
        made.body = gzip.compress(bytes(made.body), compresslevel=1, mtime=0)
        made.headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(made.body))})
    return made


def column(service: Service, at: At, name: str) -> Sequence[str | float | None]:
    """Return what is told of each song; what takes long is worked out once for a snapshot."""
    view = at.view
    made: dict[str, Callable[[], Sequence[str | float | None]]] = {
        "group": lambda: traits.groups(view),
        "isolation": lambda: traits.isolation(view.space).round(3).tolist(),
        "hubness": lambda: traits.hubness(view.space).tolist(),
    }
    if name not in made:
        return [_told(song, name) for song in view.songs]
    values: Sequence[str | float | None] = service.once(name, at.snapshot.key, made[name])
    return values


def coded(values: Sequence[str | float | None]) -> Coded:
    """Say a column in brief: what there is, the most common first, and the number of it for each.

    Examples
    --------
    >>> coded(["b", None, "a", "b"])
    Coded(values=['b', 'a'], codes=[0, -1, 1, 0])
    """
    known = [value for value, _ in Counter(value for value in values if value is not None).most_common()]
    number = {value: place for place, value in enumerate(known)}
    return Coded(known, [-1 if value is None else number[value] for value in values])
