"""The status of the library, as by ``songspace status``, and updates."""

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
    """Status of the library, with one page of its failures."""

    failed: int = described("Number of files that could not be read; failures is one page of them.")
    ready: bool = described("True if there is a space to answer queries.")
    words: bool = described("True if the encoder knows words, so that /search can be used.")
    sound: bool = described("True if songs can be played and similarities explained: false for imported vectors.")
    version: str


@answer
class Health:
    """The server answers."""

    status: Literal["ok"]
    version: str


@router.get("/status", response_model=Status)
def status(query: Annotated[questions.FailuresQuery, Query()], request: Request) -> Response:
    """Return the size of the library, and failures with reasons."""
    with service_of(request).at() as at:
        held = holdings(View(at.library))
        status = Status(
            held.summary,
            held.away,
            held.failures[query.offset : query.offset + query.limit],
            failed=len(held.failures),
            ready=at.snapshot.space is not None,
            words=knows_words(at.library),
            sound=imported_from(at.library.catalog) is None,
            version=__version__,
        )
    return changing(request, status)


@router.get("/status/quality", response_model=Quality)
def status_quality(request: Request) -> Response:
    """Return the quality of the space and its hubs; computed once for each space."""
    service = service_of(request)

    def make(at: At) -> Any:
        return service.once("quality", at.snapshot.key, lambda: quality(at.view))

    return respond(request, make, heavy=True, most=None)  # it may take long, but once for each space


@router.get("/health", response_model=Health)
def health() -> Response:
    """Answer that the server is running."""
    return Document(Health("ok", __version__), headers={"Cache-Control": "no-store"})


_NOW = {"Cache-Control": "no-store"}


@answer
class Running:
    """A run on the library."""

    command: str = described("learn or update.")
    stage: str = described("Name of the stage, such as listening; empty at the beginning.")
    done: int = described("Finished steps of the stage.")
    total: int = described("All steps of the stage; 0 if unknown.")
    left: float | None = described("Seconds until the stage is done, if known.")
    left_in_all: float | None = described("Seconds until the run is done, if known.")
    began: float = described("Start of the run, in seconds since 1970.")
    here: bool = described("True if this server began the run, and can stop it.")


@answer
class Work:
    """Runs on the library, and marks of changes."""

    running: Running | None
    last: Outcome | None = described("Result of the last update that this server began.")
    snapshot: str = described("Digest of the space and its songs; it changes with them.")
    drawing: bool = described("True while a better map is computed.")


@router.get("/work", response_model=Work)
def work(request: Request) -> Response:
    """Return the progress of a running `learn` or `update`, and marks of changes."""
    return Document(_work(service_of(request)), headers=_NOW)


@router.post("/update", status_code=202, response_model=Work)
def update(request: Request) -> Response:
    """Begin an update of the library, as by ``songspace update``; /work gives its progress."""
    service = service_of(request)
    service.updates.begin()
    return Document(_work(service), 202, _NOW)


@router.delete("/update", status_code=202, response_model=Work)
def stop(request: Request) -> Response:
    """Stop the update that this server began; finished work is kept."""
    service = service_of(request)
    service.updates.stop()
    return Document(_work(service), 202, _NOW)


def _work(service: Service) -> Work:
    here, progress = service.updates.running, service.updates.progress()
    running = None if progress is None else Running(**asdict(progress), here=here)
    return Work(running, service.updates.last, service.snapshots.current().key, service.maps.drawing)
