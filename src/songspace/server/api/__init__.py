"""The native JSON API, ``/api/v1``: one router for each group of routes."""

from __future__ import annotations

from fastapi import APIRouter

from songspace.server.api import geometry, likes, lists, maps, playlists, queue, session, songs, status
from songspace.server.problems import responses

PREFIX = "/api/v1"

OPEN = frozenset(f"{PREFIX}/{path}" for path in ("health", "session", "openapi.json", "docs"))
"""Paths without a token: they reveal nothing about the library."""


def router() -> APIRouter:
    """Return the router of the whole API."""
    whole = APIRouter(prefix=PREFIX, responses=responses(400, 401, 403, 404, 409, 413, 421, 422, 503))
    for part in (songs, lists, likes, geometry, maps, playlists, queue, status, session):
        whole.include_router(part.router)
    return whole
