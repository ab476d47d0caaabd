"""Schemathesis: whatever the OpenAPI document allows, and what it does not, is answered as the document says."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from songspace.server.app import create_app

load_all_checks()

HELD = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_the_document_says(
    served_home: Path, mode: GenerationMode, request: pytest.FixtureRequest
) -> None:
    app = create_app(served_home, allowed_hosts=["testserver"])  # as Schemathesis calls it
    request.addfinalizer(app.app.state.service.close)  # type: ignore[attr-defined]  # it may have begun an update
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    asked = set()
    for operation in operations:

        @settings(max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            asked.add(case.operation.label)
            case.call_and_validate(headers={"X-Songspace": "1"}, checks=HELD)

        # Where there is nothing to fill in, nothing can be filled in wrongly.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            holds()
    assert len(asked) > (20 if mode is GenerationMode.POSITIVE else 15)
