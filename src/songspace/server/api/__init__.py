"""The native JSON API, ``/api/v1``: a router for each kind of question."""

from __future__ import annotations

from fastapi import APIRouter

from songspace.server.api import geometry, lists, maps, playlists, session, songs, status
from songspace.server.problems import responses

PREFIX = "/api/v1"

OPEN = frozenset(f"{PREFIX}/{path}" for path in ("health", "session", "openapi.json", "docs"))
"""What needs no token, for it tells nothing of the library."""


def router() -> APIRouter:
    """Return all of it."""
    whole = APIRouter(prefix=PREFIX, responses=responses(400, 401, 403, 404, 409, 413, 421, 422, 503))
    for part in (songs, lists, geometry, maps, playlists, status, session):
        whole.include_router(part.router)
    return whole
