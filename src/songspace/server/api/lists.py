"""New playlists: radio, path, order, mixes and suggestions, as by the commands of these names; and playlists along a
line or from a region on the map."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.likes import taste_with
from songspace.answers.mixes import Mixes, make_mixes
from songspace.answers.playlists import (
    PlaylistAnswer,
    RemarkedPlaylist,
    arrange,
    make_line,
    make_mix,
    make_path,
    make_radio,
)
from songspace.answers.sets import seeds_of
from songspace.answers.suggestions import Suggestions, make_suggestions
from songspace.reporter import Remarks
from songspace.server import questions
from songspace.server.problems import NotReadyError
from songspace.server.service import At, respond, service_of

router = APIRouter(tags=["lists"])


@router.get("/radio", response_model=PlaylistAnswer)
def radio(query: Annotated[questions.RadioQuery, Query()], request: Request) -> Response:
    """Return a radio from some songs, artists or albums."""

    def make(at: At) -> Any:
        wanted = query.request()
        seeds = [*at.songs(query.song), *seeds_of(at.view, [], query.artist, query.album, wanted)]
        made = make_radio(at.view, seeds, at.songs(query.minus), wanted)
        return made.answer(explain=query.explain)

    return respond(request, make, heavy=True)


@router.get("/path", response_model=PlaylistAnswer)
def path(query: Annotated[questions.PathQuery, Query()], request: Request) -> Response:
    """Return a path from one song to another, via others."""

    def make(at: At) -> Any:
        songs = at.songs([query.start, *query.via, query.end])
        return make_path(at.view, songs, query.request()).answer(explain=query.explain)

    return respond(request, make, heavy=True)


@router.post("/order", response_model=RemarkedPlaylist)
def order(body: questions.OrderBody, request: Request) -> Response:
    """Put songs into a smooth order. Nothing is changed; POST is used because a list is too long for an address."""

    def make(at: At) -> Any:
        rows, remarks = at.rows(body.songs), Remarks()
        first, last = (None if id is None else at.snapshot.placed(id) for id in (body.first, body.last))
        made = arrange(
            at.view,
            lambda _: rows,
            body.request(),
            title="In order",
            of="the list",
            first=first,
            last=last,
            loosen=body.loosen,
            reporter=remarks,
        )
        return made.remarked(remarks.sentences, explain=body.explain)

    return respond(request, make, heavy=True)


@router.post("/line", response_model=RemarkedPlaylist)
def line(body: questions.LineBody, request: Request) -> Response:
    """Return a playlist along a line on the map. Nothing is changed; a line is too long for an address."""

    def make(at: At) -> Any:
        points = service_of(request).maps.points(at.view.space, body.method)
        if isinstance(points, float):
            raise NotReadyError("The map is still being drawn: try again in a moment.")
        among, remarks = at.rows(body.songs) or None, Remarks()
        made = make_line(at.view, points[0], body.points, body.request(), among=among, reporter=remarks)
        return made.remarked(remarks.sentences, explain=body.explain)

    return respond(request, make, heavy=True)


@router.post("/mix", response_model=RemarkedPlaylist)
def mix(body: questions.MixBody, request: Request) -> Response:
    """Return a mix that represents some songs. Nothing is changed; a region is too long for an address."""

    def make(at: At) -> Any:
        remarks = Remarks()
        made = make_mix(at.view, at.rows(body.songs), body.request(), reporter=remarks)
        return made.remarked(remarks.sentences, explain=body.explain)

    return respond(request, make, heavy=True)


@router.get("/mixes", response_model=Mixes)
def mixes(query: Annotated[questions.MixesQuery, Query()], request: Request) -> Response:
    """Return the library as a few playlists with names."""

    def make(at: At) -> Any:
        made = make_mixes(at.view, query.request(), count=query.count)
        return Mixes([mix.answer() for mix in made], query.seed)

    return respond(request, make, heavy=True)


@router.post("/suggest", response_model=Suggestions)
def suggest(body: questions.SuggestBody, request: Request) -> Response:
    """Return songs that fit one or several tastes. Nothing is changed; a list is too long for an address."""

    def make(at: At) -> Any:
        liked, disliked = (list(dict.fromkeys(at.rows(ids))) for ids in (body.like, body.dislike))
        if not body.like:
            liked, disliked = taste_with(at.view, disliked)
        made = make_suggestions(at.view, liked, disliked, body.ruling(), count=body.count)
        return Suggestions([each.answer() for each in made])

    return respond(request, make, heavy=True)
