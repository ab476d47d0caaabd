"""Where genres, artists and albums lie; as ``songspace geometry``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace.answers.geometry.labelled import Kind, labelled
from songspace.answers.geometry.regions import find_regions, regions_facts
from songspace.answers.geometry.way import find_way, way_facts
from songspace.answers.geometry.years import find_years, years_facts
from songspace.server import answers, questions
from songspace.server.service import At, answer

router = APIRouter(prefix="/geometry", tags=["geometry"])


@router.get("/{kind}", response_model=answers.Regions)
def regions(kind: Kind, query: Annotated[questions.RegionsQuery, Query()], request: Request) -> Response:
    """How wide regions are, who is next to whom, and what overlaps."""

    def make(at: At) -> Any:
        asked = labelled(at.view, kind)
        return regions_facts(asked, find_regions(asked, most=query.most))

    return answer(request, make, heavy=True)


@router.get("/{kind}/between", response_model=answers.Between)
def between(kind: Kind, query: Annotated[questions.BetweenQuery, Query()], request: Request) -> Response:
    """What lies between two regions."""

    def make(at: At) -> Any:
        return way_facts(*find_way(labelled(at.view, kind), query.a, query.b, most=query.most))

    return answer(request, make, heavy=True)


@router.get("/{kind}/years", response_model=answers.Years)
def years(kind: Kind, query: Annotated[questions.YearsQuery, Query()], request: Request) -> Response:
    """An artist's way through the years, and which genres, artists or albums are near at each station."""

    def make(at: At) -> Any:
        asked = labelled(at.view, kind, needed=False)
        return years_facts(asked, find_years(asked, query.artist))

    return answer(request, make, heavy=True)
