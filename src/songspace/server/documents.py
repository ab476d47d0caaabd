"""Pages for a browser: the built page, or a plain one if it is missing, and the documentation of the API.

FastAPI's own documentation loads scripts from another server. This one is a plain list without scripts.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from songspace import __version__
from songspace.server.api import PREFIX
from songspace.server.service import service_of

BUILT = Path(__file__).with_name("page")
"""Folder of the built page, if this songspace came with one."""


def add_page(app: FastAPI, built: Path = BUILT) -> None:
    """Add the page at ``/``, and the documentation of the API."""

    @app.get(f"{PREFIX}/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(_document("The API of songspace", _operations(app.openapi())))

    if (built / "index.html").is_file():
        app.mount("/", StaticFiles(directory=built, html=True), name="page")
        return

    @app.get("/", include_in_schema=False)
    def plain(request: Request) -> Response:
        service = service_of(request)
        count = "" if service.token is not None else f"{len(service.snapshots.current().listed):,} songs are here. "
        return HTMLResponse(
            _document(
                "songspace",
                f"<p>{count}This songspace {escape(__version__)} came without its page; the API answers all the same."
                f'</p><ul><li><a href="{PREFIX}/docs">The operations of the API</a></li>'
                f'<li><a href="{PREFIX}/openapi.json">The same for programs, as OpenAPI</a></li></ul>',
            )
        )


def _document(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>'


def _operations(document: dict[str, Any]) -> str:
    """Return all operations of an OpenAPI document as HTML."""
    parts = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(operation.get('description', ''))}</p>")
            parameters = [_parameter(one) for one in operation.get("parameters", ())]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if name := body.get("$ref", "").rpartition("/")[2]:
                schema = document["components"]["schemas"][name]
                needed = schema.get("required", ())
                parameters += [
                    _parameter({"name": field, "in": "body", "required": field in needed, "schema": about})
                    for field, about in schema["properties"].items()
                ]
            parts.append(f"<ul>{''.join(parameters)}</ul>" if parameters else "")
    return "".join(parts)


def _parameter(one: dict[str, Any]) -> str:
    schema = one.get("schema", {})
    description = one.get("description") or schema.get("description") or ""
    default = f", otherwise {schema['default']}" if "default" in schema else ""
    needed = "needed" if one.get("required") else f"may be left out{default}"
    text = f" ({one['in']}, {needed}){': ' if description else ''}{description}"
    return f"<li><code>{escape(one['name'])}</code>{escape(text)}</li>"
