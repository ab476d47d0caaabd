"""MkDocs hooks of the reference: the HTTP API, made from its OpenAPI document, and small mends of all pages."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI

from songspace import __version__
from songspace.server import api
from songspace.server.problems import Problem

_MARK = "<!-- routes -->"
_NO_DESCRIPTION = re.compile(r'–\s*<div class="doc-md-description">\s*</div>')


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the routes where a page asks for them."""
    return markdown.replace(_MARK, reference(document())) if _MARK in markdown else markdown


def on_page_content(html: str, **_: Any) -> str:
    """Leave out the dash before a description that is not there."""
    return _NO_DESCRIPTION.sub("", html)


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the native API; no library is needed for that."""
    app = FastAPI(title="songspace", version=__version__)
    app.include_router(api.router())
    found = app.openapi()
    found["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    return _inlined(found, found["components"]["schemas"])


def _inlined(value: Any, schemas: dict[str, Any]) -> Any:
    """Put plain types, such as enumerations, in the place of references to them; objects have places of their own."""
    if isinstance(value, list):
        return [_inlined(each, schemas) for each in value]
    if not isinstance(value, dict):
        return value
    name = str(value.get("$ref", "")).rpartition("/")[2]
    if name and "properties" not in schemas[name]:
        return schemas[name]
    return {key: _inlined(each, schemas) for key, each in value.items()}


def reference(document: dict[str, Any]) -> str:
    """Return Markdown: each route with its parameters, then each object that is answered or sent."""
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(
                _route(f"{method.upper()} {path.removeprefix(api.PREFIX)}", operation)
            )
    schemas = document["components"]["schemas"]
    objects = [_object(name, schema) for name, schema in sorted(schemas.items()) if "properties" in schema]
    parts = [f"## {tag.capitalize()}\n\n{''.join(routes)}" for tag, routes in groups.items()]
    return "".join(parts) + "## Objects\n\n" + "".join(objects)


def _route(title: str, operation: dict[str, Any]) -> str:
    said = f"### `{title}`\n\n{operation.get('description', operation['summary'])}\n\n"
    rows = [
        (each["name"], _type(each["schema"]), _default(each), _cell(each))
        for each in operation.get("parameters", ())
        if each["in"] != "header"
    ]
    if rows:
        said += "| parameter | type | default | |\n|---|---|---|---|\n"
        said += "".join(f"| `{name}` | {kind} | {default} | {text} |\n" for name, kind, default, text in rows) + "\n"
    bodies = [_type(body["schema"]) for body in operation.get("requestBody", {}).get("content", {}).values()]
    if bodies:
        said += f"Send: {', '.join(bodies)}.\n\n"
    for status, response in operation["responses"].items():
        if status < "300":
            kinds = [_type(body.get("schema", {})) for body in response.get("content", {}).values()]
            kinds = [kind for kind in kinds if kind != "anything"]
            said += f"Answer {status}: {', '.join(kinds) or response['description']}.\n\n"
    return said


def _object(name: str, schema: dict[str, Any]) -> str:
    rows = [f"| `{key}` | {_type(value)} | {_cell(value)} |\n" for key, value in schema["properties"].items()]
    text = schema.get("description", "").partition("\n\n")[0]  # behind it stand the fields, once more
    return f"### {name} {{ #{_anchor(name)} }}\n\n{text}\n\n| field | type | |\n|---|---|---|\n{''.join(rows)}\n"


def _anchor(name: str) -> str:
    return f"object-{name.lower()}"


def _cell(value: dict[str, Any]) -> str:
    return " ".join(value.get("description", "").replace("|", "\\|").split())


def _default(parameter: dict[str, Any]) -> str:
    if parameter.get("required"):
        return "required"
    default = parameter["schema"].get("default")
    return "" if default in (None, "", []) else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    if "anyOf" in schema:
        kinds = dict.fromkeys(_type(each) for each in schema["anyOf"] if each.get("type") != "null")
        return " or ".join(kinds)
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', schema.get('prefixItems', [{}])[0]))}"
    return str(schema.get("type", "anything"))
