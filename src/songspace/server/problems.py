"""Errors as one clear sentence in ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from songspace.errors import SongspaceError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "2"
"""Seconds after which a client may try again when the server is busy."""


class Problem(BaseModel):
    """The reason why a request could not be answered."""

    type: str = Field(description="Always about:blank: the status gives the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="One sentence for a person.")


class UnknownError(SongspaceError):
    """Nothing has the given id."""


class NotReadyError(SongspaceError):
    """The library is not in the state that a query needs."""


class BusyError(SongspaceError):
    """The server has too many other requests."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response with a problem."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    content = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, {"Cache-Control": "no-store"} | dict(headers or {}), MEDIA_TYPE)


def refusal(error: SongspaceError) -> Response:
    """Return the response for an error, with the status that fits it."""
    if isinstance(error, BusyError):
        return problem(503, str(error), {"Retry-After": RETRY_AFTER})
    status = 404 if isinstance(error, UnknownError) else 409 if isinstance(error, NotReadyError) else 422
    return problem(status, str(error))


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of some statuses for the OpenAPI document."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in statuses}


def add_handlers(app: FastAPI) -> None:
    """Make an application answer with problems for all errors."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, SongspaceError)
        return refusal(error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        messages = []
        for one in error.errors()[:3]:  # without the input: it may be long, or a secret
            where = ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0])
            messages.append(f"{where[:100]}: {one['msg']}")
        return problem(422, "; ".join(messages) + ".")

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = str(error.detail)
        if error.status_code == 400:
            detail = "The body of the request cannot be read."
        elif error.status_code == 404:
            detail = "There is nothing here."
        elif error.status_code == 405:
            detail = f"{request.method} is not possible here."
        return problem(error.status_code, detail, error.headers)

    async def broken(request: Request, error: Exception) -> Response:
        return problem(500, "Something went wrong in songspace: its log says what.")

    app.add_exception_handler(SongspaceError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broken)
