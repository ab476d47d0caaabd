"""How the library is, as ``songspace status``, and what works on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace import __version__
from songspace.answers.answer import answer, described
from songspace.answers.meaning import knows_words
from songspace.answers.state import Holdings, Quality, holdings, quality
from songspace.answers.view import View
from songspace.library.learnt import imported_from
from songspace.server import questions
from songspace.server.service import At, Document, Service, changing, respond, service_of
from songspace.server.work import Outcome

router = APIRouter(tags=["status"])


@answer
class Status(Holdings):
    """How the library is, with one page of its failures."""

    failed: int = described("How many files could not be read, of which failures is one page.")
    ready: bool = described("Whether there is a space, so that questions are answered.")
    words: bool = described("Whether the encoder knows words, so that /search is answered.")
    sound: bool = described("Whether songs can be heard, and explained by: not where vectors were imported.")
    version: str


@answer
class Health:
    """The server answers."""

    status: Literal["ok"]
    version: str


@router.get("/status", response_model=Status)
def status(query: Annotated[questions.FailuresQuery, Query()], request: Request) -> Response:
    """How much there is, and what failed and why."""
    with service_of(request).at() as at:
        found = holdings(View(at.library))
        status = Status(
            found.summary,
            found.away,
            found.failures[query.offset : query.offset + query.limit],
            failed=len(found.failures),
            ready=at.snapshot.space is not None,
            words=knows_words(at.library),
            sound=imported_from(at.library.catalog) is None,
            version=__version__,
        )
    return changing(request, status)


@router.get("/status/quality", response_model=Quality)
def status_quality(request: Request) -> Response:
    """How good the space is, and the hubs; worked out once for each space."""
    service = service_of(request)

    def make(at: At) -> Any:
        return service.once("quality", at.snapshot.key, lambda: quality(at.view))

    return respond(request, make, heavy=True, most=None)  # once for each space, however long that takes


@router.get("/health", response_model=Health)
def health() -> Response:
    """Whether the server answers."""
    return Document(Health("ok", __version__), headers={"Cache-Control": "no-store"})


_NOW = {"Cache-Control": "no-store"}


@answer
class Running:
    """A run that works on the library."""

    command: str = described("learn or update.")
    stage: str = described("What it does, as listening; empty at the beginning.")
    done: int = described("How much of the stage is done.")
    total: int = described("How much there is to do in this stage; 0 where that is not known.")
    left: float | None = described("Seconds until the stage is done, as far as can be told.")
    left_in_all: float | None = described("Seconds until all of it is done, as far as can be told.")
    began: float = described("Seconds since 1970.")
    here: bool = described("Whether it was begun here, so that it can be stopped here.")


@answer
class Work:
    """What works on the library, and what has changed for whoever looks at it."""

    running: Running | None
    last: Outcome | None = described("What came of the last update that was begun here.")
    snapshot: str = described("Changes with the space, its songs and what is known of them.")
    drawing: bool = described("Whether a better map is in the making.")


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
