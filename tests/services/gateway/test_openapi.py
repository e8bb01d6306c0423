"""The gateway does what its OpenAPI document says, whatever is sent to it (schemathesis).

With `--long` ten times as many requests.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.gateway import Sources
from tests.services.gateway.conftest import open_house

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


def examine(operation: APIOperation, url: str, examples: int) -> None:
    """Send `examples` requests that the document allows, or nearly so, and hold the answers against it."""

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        answer = case.call(base_url=url, timeout=60)
        case.validate_response(answer, checks=CHECKS)

    ask()


async def test_it_does_what_its_document_says(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """No request breaks it, and every answer is one that it has announced."""
    examples = 200 if request.config.getoption("--long") else 10
    sources = Sources(models=list, stats=dict, exposition=lambda: b"", sessions=tmp_path)
    async with open_house(sources) as house:
        document = (await house.client.get("/openapi.json")).json()
        schema = schemathesis.openapi.from_dict(document)
        operations = [found.ok() for found in schema.get_all_operations()]
        assert {operation.path for operation in operations} >= {"/health", "/ready", "/v1/events", "/v1/sessions"}
        for operation in operations:
            await asyncio.to_thread(examine, operation, house.url, examples)
        assert (await house.client.get("/health")).status_code == 200
