"""What works on the library, and how far it is."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.answers.answer import answer, told
from songspace.server.service import Document, Service, service_of
from songspace.server.work import Outcome

router = APIRouter(tags=["work"])

_NOW = {"Cache-Control": "no-store"}


@answer
class Running:
    """A run that works on the library."""

    command: str = told("learn or update.")
    stage: str = told("What it does, as listening; empty at the beginning.")
    done: int = told("How much of the stage is done.")
    total: int = told("How much there is to do in this stage; 0 where that is not known.")
    left: float | None = told("Seconds until the stage is done, as far as can be told.")
    left_in_all: float | None = told("Seconds until all of it is done, as far as can be told.")
    began: float = told("Seconds since 1970.")
    here: bool = told("Whether it was begun here, so that it can be stopped here.")


@answer
class Work:
    """What works on the library, and what has changed for whoever looks at it."""

    running: Running | None
    last: Outcome | None = told("What came of the last update that was begun here.")
    snapshot: str = told("Changes with the space, its songs and what is known of them.")
    drawing: bool = told("Whether a better map is in the making.")


@router.get("/work", response_model=Work)
def work(request: Request) -> Response:
    """Whether `learn` or `update` is at work, how far it is, and whether there is something new to be seen."""
    return Document(_work(service_of(request)), headers=_NOW)


@router.post("/update", status_code=202, response_model=Work)
def update(request: Request) -> Response:
    """Begin to take in what is new, changed, moved or gone, as ``songspace update``: /work tells how far it is."""
    service = service_of(request)
    service.updates.begin()
    return Document(_work(service), 202, _NOW)


@router.delete("/update", status_code=202, response_model=Work)
def stop(request: Request) -> Response:
    """Stop the update that was begun here: what it has finished is kept."""
    service = service_of(request)
    service.updates.stop()
    return Document(_work(service), 202, _NOW)


def _work(service: Service) -> Work:
    here, found = service.updates.running, service.updates.progress()
    running = None if found is None else Running(**asdict(found), here=here)
    return Work(running, service.updates.last, service.snapshots.current().key, service.maps.drawing)
