"""How the library is; as ``songspace status``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace import __version__
from songspace.answers.answer import answer, told
from songspace.answers.meaning import knows_words
from songspace.answers.state import Holdings, Quality, holdings, quality
from songspace.answers.view import View
from songspace.library.imported import imported_from
from songspace.server import questions
from songspace.server.service import At, Document, changing, respond, service_of

router = APIRouter(tags=["status"])


@answer
class Status(Holdings):
    """How the library is, with one page of its failures."""

    failed: int = told("How many files could not be read, of which failures is one page.")
    ready: bool = told("Whether there is a space, so that questions are answered.")
    words: bool = told("Whether the encoder knows words, so that /search is answered.")
    sound: bool = told("Whether songs can be heard, and explained by: not where vectors were imported.")
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
