"""Lists that are made: radio, path, order, mixes, suggestions, as the commands of these names make them; and what is
drawn on a map, along a line and from a region."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

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
from songspace.answers.suggestions import Suggestions, make_suggestions
from songspace.reporter import Reporter
from songspace.server import questions
from songspace.server.problems import NotReadyError
from songspace.server.service import At, respond, service_of

router = APIRouter(tags=["lists"])


class _Remarks(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@router.get("/radio", response_model=PlaylistAnswer)
def radio(query: Annotated[questions.RadioQuery, Query()], request: Request) -> Response:
    """Go on from some songs."""

    def make(at: At) -> Any:
        made = make_radio(at.view, at.songs(query.song), at.songs(query.minus), query.request())
        return made.answer(explain=query.explain)

    return respond(request, make, heavy=True)


@router.get("/path", response_model=PlaylistAnswer)
def path(query: Annotated[questions.PathQuery, Query()], request: Request) -> Response:
    """Lead from one song to another, by way of others."""

    def make(at: At) -> Any:
        songs = at.songs([query.start, *query.via, query.end])
        return make_path(at.view, songs, query.request()).answer(explain=query.explain)

    return respond(request, make, heavy=True)


@router.post("/order", response_model=RemarkedPlaylist)
def order(asked: questions.OrderAsked, request: Request) -> Response:
    """Put songs into an order that flows. It changes nothing; a list is too long for an address."""

    def make(at: At) -> Any:
        rows, remarks = at.rows(asked.songs), _Remarks()
        first, last = (None if id is None else at.snapshot.placed(id) for id in (asked.first, asked.last))
        made = arrange(
            at.view,
            lambda _: rows,
            asked.request(),
            title="In order",
            of="the list",
            first=first,
            last=last,
            loosen=asked.loosen,
            reporter=remarks,
        )
        return made.remarked(remarks.said, explain=asked.explain)

    return respond(request, make, heavy=True)


@router.post("/line", response_model=RemarkedPlaylist)
def line(asked: questions.LineAsked, request: Request) -> Response:
    """Follow a line that was drawn over the map. It changes nothing; a line is too long for an address."""

    def make(at: At) -> Any:
        found = service_of(request).maps.points(at.view.space, asked.method)
        if isinstance(found, float):
            raise NotReadyError("The map is still being drawn: try again in a moment.")
        among, remarks = at.rows(asked.songs) or None, _Remarks()
        made = make_line(at.view, found[0], asked.points, asked.request(), among=among, reporter=remarks)
        return made.remarked(remarks.said, explain=asked.explain)

    return respond(request, make, heavy=True)


@router.post("/mix", response_model=RemarkedPlaylist)
def mix(asked: questions.MixAsked, request: Request) -> Response:
    """Make a mix of some songs that shows all of them. It changes nothing; a region is too long for an address."""

    def make(at: At) -> Any:
        remarks = _Remarks()
        made = make_mix(at.view, at.rows(asked.songs), asked.request(), reporter=remarks)
        return made.remarked(remarks.said, explain=asked.explain)

    return respond(request, make, heavy=True)


@router.get("/mixes", response_model=Mixes)
def mixes(query: Annotated[questions.MixesQuery, Query()], request: Request) -> Response:
    """Cut the library into a handful of playlists with names."""

    def make(at: At) -> Any:
        made = make_mixes(at.view, query.request(), count=query.count)
        return Mixes([mix.answer() for mix in made], query.seed)

    return respond(request, make, heavy=True)


@router.post("/suggest", response_model=Suggestions)
def suggest(asked: questions.SuggestAsked, request: Request) -> Response:
    """Songs that fit a taste, or several, and why. It changes nothing; a taste is too long for an address."""

    def make(at: At) -> Any:
        liked, disliked = (list(dict.fromkeys(at.rows(ids))) for ids in (asked.like, asked.dislike))
        made = make_suggestions(at.view, liked, disliked, asked.ruling(), count=asked.count)
        return Suggestions([each.answer() for each in made])

    return respond(request, make, heavy=True)
