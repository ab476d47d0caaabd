"""What works on the library, and how far it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.server import answers
from songspace.server.service import Answer, Service, service_of

router = APIRouter(tags=["work"])

_NOW = {"Cache-Control": "no-store"}


@router.get("/work", response_model=answers.Work)
def work(request: Request) -> Response:
    """Whether `learn` or `update` is at work, how far it is, and whether there is something new to be seen."""
    return Answer(_told(service_of(request)), headers=_NOW)


@router.post("/update", status_code=202, response_model=answers.Work)
def update(request: Request) -> Response:
    """Begin to take in what is new, changed, moved or gone, as ``songspace update``: /work tells how far it is."""
    service = service_of(request)
    service.updates.begin()
    return Answer(_told(service), 202, _NOW)


@router.delete("/update", status_code=202, response_model=answers.Work)
def stop(request: Request) -> Response:
    """Stop the update that was begun here: what it has finished is kept."""
    service = service_of(request)
    service.updates.stop()
    return Answer(_told(service), 202, _NOW)


def _told(service: Service) -> dict[str, Any]:
    here, last = service.updates.running, service.updates.last
    found = service.updates.progress()
    return {
        "running": None if found is None else asdict(found) | {"here": here},
        "last": None if last is None else last._asdict(),
        "snapshot": service.snapshots.current().key,
        "drawing": service.maps.drawing,
    }
