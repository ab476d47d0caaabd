"""How the library is; as ``songspace status``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from songspace import __version__
from songspace.answers.meaning import knows_words
from songspace.answers.state import holdings, quality
from songspace.answers.view import View
from songspace.library.learnt import imported_from
from songspace.server import answers, questions
from songspace.server.service import Answer, At, answer, changing, service_of

router = APIRouter(tags=["status"])


@router.get("/status", response_model=answers.Status)
def status(query: Annotated[questions.FailuresQuery, Query()], request: Request) -> Response:
    """How much there is, and what failed and why."""
    with service_of(request).at() as at:
        told = holdings(View(at.library))
        failures = told["failures"]
        told |= {
            "failures": failures[query.offset : query.offset + query.limit],
            "failed": len(failures),
            "ready": at.snapshot.space is not None,
            "words": knows_words(at.library),
            "sound": imported_from(at.library.catalog) is None,
            "version": __version__,
        }
    return changing(request, told)


@router.get("/status/quality", response_model=answers.Quality)
def status_quality(request: Request) -> Response:
    """How good the space is, and the hubs; worked out once for each space."""
    service = service_of(request)

    def make(at: At) -> Any:
        return service.once("quality", at.snapshot.key, lambda: quality(at.view))

    return answer(request, make, heavy=True, most=None)  # once for each space, however long that takes


@router.get("/health", response_model=answers.Health)
def health() -> Response:
    """Whether the server answers."""
    return Answer({"status": "ok", "version": __version__}, headers={"Cache-Control": "no-store"})
