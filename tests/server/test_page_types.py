"""What the page expects is what the API says that it answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"


def test_the_types_of_the_page_are_those_of_the_openapi_document() -> None:
    spec = importlib.util.spec_from_file_location("answer_types", WEB / "answer_types.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (WEB / "src" / "answers.ts").read_text(encoding="utf-8") == module.current(), "run web/answer_types.py"
