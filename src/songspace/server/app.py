"""The application: all routes, behind the guard.

Each API (the native one at ``/api/v1``, AudioMuse's at ``/api/``, OpenSubsonic at ``/rest/``) has a router of its own.
Clients of OpenSubsonic send a user's password instead of the token; its module checks it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Scope

from songspace import __version__
from songspace.errors import SongspaceError
from songspace.library import Home
from songspace.server import api, audiomuse, opensubsonic
from songspace.server.documents import BUILT, add_page
from songspace.server.guard import Guard, Token, is_local, names_of
from songspace.server.origins import checked_origins
from songspace.server.problems import Problem, add_handlers
from songspace.server.proxies import Proxies
from songspace.server.service import Service
from songspace.server.user import cookie_key, read_user


def create_app(
    home: str | os.PathLike[str] | Home | None = None,
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    allowed_hosts: Iterable[str] = (),
    allowed_origins: Iterable[str] = (),
    proxies: Iterable[str] = (),
    keeps_history: bool = True,
    page: Path = BUILT,
    every: float = 1.0,
) -> Guard:
    """Return the server of a library, as an ASGI application.

    Parameters
    ----------
    home : path or Home, optional
        By default ``$SONGSPACE_HOME`` or the user's data folder.
    token : str, optional
        Secret that requests must send. Without it, only requests from this machine are answered.
    host : str
        Address on which the server will listen; it decides the host names that the server accepts.
    allowed_hosts : iterable of str
        More host names to accept.
    allowed_origins : iterable of str
        Origins of web pages elsewhere that may use the APIs, such as ``https://player.example``.
    proxies : iterable of str
        Addresses and networks of trusted proxies: their ``X-Forwarded-For`` is used.
    keeps_history : bool
        False to write no plays, skips, stars and ratings.
    page : Path
        Folder of the built page.
    every : float
        Seconds between two checks for a new space.

    Raises
    ------
    SongspaceError
        If there is no library; if the token is too short; if others can reach the address, and there is neither a token
        nor a user; if others can read the user's file; if an origin or a proxy is invalid.
    """
    where = home if isinstance(home, Home) else Home(Path(home).absolute()) if home is not None else Home.default()
    secret = None if token is None else Token(token, cookie_key(where.cookies))
    user = read_user(where.user)  # a defect of the file is reported now, not at the first request
    if secret is None and not is_local(host) and user is None:
        raise SongspaceError(
            f"Others can reach {host}, so they have to bring a token: write one into a file that only you can read, "
            "and give --token-file FILE (or SONGSPACE_TOKEN). For players alone, `songspace user NAME` is enough."
        )
    origins, before = checked_origins(allowed_origins), Proxies(proxies)
    service = Service(where, token=secret, keeps_history=keeps_history, every=every)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="songspace",
        version=__version__,
        description="The songs of a library, similar songs, and playlists. Songs are named by their ids.",
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    add_handlers(app)
    app.include_router(api.router())
    app.include_router(audiomuse.router)
    app.include_router(opensubsonic.router)
    add_page(app, page)
    _describe_problems(app)

    local = is_local(host)

    def by_token(scope: Scope, headers: Headers) -> bool:
        if secret is None:  # with a user but no token, other machines can only use the API for players
            return local
        return secret.is_borne(headers) or secret.is_remembered(headers)

    opened = api.OPEN | audiomuse.OPEN
    return Guard(
        app,
        names_of(host, allowed_hosts),
        {"/api/": by_token},
        opened,
        secret,
        own=opensubsonic.PATHS,
        origins=origins,
        guesses=service.guesses,
        proxies=before,
    )


def _describe_problems(app: FastAPI) -> None:
    """Add to the OpenAPI document the schema of problems, and the token."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            document = original()
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{}, {"token": []}]
            for operations in document["paths"].values():
                for operation in operations.values():
                    validation = operation["responses"].get("422", {}).get("content", {})
                    validation.pop("application/json", None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
