"""Write ``src/answers.ts``: what the API answers, as TypeScript, from its OpenAPI document.

    python web/answer_types.py

A test holds the file to the document, so that the page never expects what the server does not send.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("src") / "answers.ts"
_HEAD = "// What the API answers; written by ../answer_types.py from its OpenAPI document.\n"
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript(document: dict[str, Any]) -> str:
    """Return a type for each object and each choice that an OpenAPI document describes."""
    schemas = sorted(document["components"]["schemas"].items())
    return _HEAD + "".join(
        _interface(name, schema) if "properties" in schema else f"\nexport type {name} = {_type(schema)};\n"
        for name, schema in schemas
        if "properties" in schema or "enum" in schema
    )


def _interface(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    lines = []
    for key, value in schema["properties"].items():
        said = f" // {value['description']}" if "description" in value else ""
        spelled = key if key.isidentifier() else f'"{key}"'
        lines.append(f"  {spelled}{'' if key in required else '?'}: {_type(value)};{said}\n")
    return f"\nexport interface {name} {{\n{''.join(lines)}}}\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "const" in schema or "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"[{', '.join(map(_type, schema['prefixItems']))}]"
    if schema.get("type") == "array":
        item = _type(schema["items"])
        return f"({item})[]" if " " in item else f"{item}[]"
    if schema.get("type") == "object":
        return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
    return _PLAIN.get(schema.get("type", ""), "unknown")


def current() -> str:
    """Return what the file should hold."""
    from songspace.library import Catalog, Home
    from songspace.server.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        Catalog(home.catalog, write=True).close()
        guard = create_app(home)
        return typescript(guard.app.openapi())


if __name__ == "__main__":
    FILE.write_text(current(), encoding="utf-8")
