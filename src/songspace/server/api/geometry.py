"""Geometry of genres, artists and albums, as by ``songspace geometry``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.geometry import (
    BetweenAnswer,
    Kind,
    RegionsAnswer,
    YearsAnswer,
    find_regions,
    find_way,
    find_years,
    labelled,
    regions_answer,
    way_answer,
    years_answer,
)
from songspace.server import questions
from songspace.server.service import At, respond

router = APIRouter(prefix="/geometry", tags=["geometry"])


@router.get("/{kind}", response_model=RegionsAnswer)
def regions(kind: Kind, query: Annotated[questions.RegionsQuery, Query()], request: Request) -> Response:
    """Return the widths of regions, their neighbours and their overlaps."""

    def make(at: At) -> Any:
        labels = labelled(at.view, kind)
        return regions_answer(labels, find_regions(labels, most=query.most))

    return respond(request, make, heavy=True)


@router.get("/{kind}/between", response_model=BetweenAnswer)
def between(kind: Kind, query: Annotated[questions.BetweenQuery, Query()], request: Request) -> Response:
    """Return the songs and regions between two regions."""

    def make(at: At) -> Any:
        return way_answer(*find_way(labelled(at.view, kind), query.a, query.b, most=query.most))

    return respond(request, make, heavy=True)


@router.get("/{kind}/years", response_model=YearsAnswer)
def years(kind: Kind, query: Annotated[questions.YearsQuery, Query()], request: Request) -> Response:
    """Return the path of an artist through the years, and the nearest genres, artists or albums at each station."""

    def make(at: At) -> Any:
        labels = labelled(at.view, kind, needed=False)
        return years_answer(labels, find_years(labels, query.artist))

    return respond(request, make, heavy=True)
