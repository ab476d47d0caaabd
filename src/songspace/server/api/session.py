"""Sessions of browsers: a browser sends the token once, and gets a cookie that also works for pictures and sound."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.server.guard import COOKIE
from songspace.server.problems import problem, responses
from songspace.server.service import service_of

router = APIRouter(prefix="/session", tags=["session"])


@router.post("", status_code=204, responses=responses(401))
def enter(request: Request) -> Response:
    """Exchange the token, sent as ``Authorization: Bearer``, for a cookie that no script can read."""
    token = service_of(request).token
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    if token is None:
        return response
    if not token.is_borne(request.headers):
        return problem(401, "This is not the server's token.", {"WWW-Authenticate": 'Bearer realm="songspace"'})
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token.cookie, httponly=True, samesite="strict", path="/", secure=secure)
    return response


@router.delete("", status_code=204)
def leave(request: Request) -> Response:
    """Delete the cookie of the browser."""
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")
    return response
