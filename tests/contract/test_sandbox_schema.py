"""schemathesis against the sandbox's own schema: no server error, and no reply that breaks the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pipeline.sandbox.schemas import LOOSE_PICTURE, PICTURE
from tests.contract.emulated import DIALECTS, KEYS, Caller, emulated, picture

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 4}


@pytest.fixture(params=DIALECTS)
def server(request: pytest.FixtureRequest) -> Iterator[Caller]:
    with emulated(request.param, queue=100_000, slots=1000, imagine_seconds=0, upscale_seconds=0) as caller:
        yield caller


def with_known(schema: Any, known: dict[str, list[str]]) -> Any:
    """The schema, with texts that the server knows in place of any that fits a pattern."""
    if isinstance(schema, list):
        return [with_known(one, known) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(pattern := schema.get("pattern"), str) and pattern in known:
        return {"enum": known[pattern]}
    return {key: value if key == "components" else with_known(value, known) for key, value in schema.items()}


def test_no_request_breaks_the_server_or_its_schema(server: Caller) -> None:
    grid, described = server.made("imagine", prompt="a fox"), server.made("describe", base64=picture())
    buttons = [button["customId"] for task in (grid, described) for button in task.get("buttons", ())]
    pictures = [picture(), picture("gold"), "data:image/png;base64,aGVsbG8="]
    known = {
        "^[0-9]{16}$": [grid["id"], described["id"], "1111111111111111"],
        "^MJ::": [*buttons, "MJ::JOB", "MJ::JOB::upsample::1", "MJ::CustomZoom::x"],
        PICTURE["pattern"]: pictures,
        LOOSE_PICTURE["pattern"]: pictures,
    }
    raw = server.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(with_known(raw, known))
    schema.config.update(base_url=str(server.client.base_url))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} == set(raw["paths"])
    for operation in operations:
        for mode, examples in EXAMPLES.items():
            with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no field
                every(operation, mode, examples, server)


def every(operation: Any, mode: GenerationMode, examples: int, server: Caller) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        response = case.call(headers=KEYS[server.dialect])
        # An OpenAPI document cannot say that a status comes with JSON or with nothing.
        unknown = case.path == "/mj/task/{id}/fetch" and response.status_code == 200 and not response.content
        if not unknown:
            case.validate_response(response, checks=CHECKS)

    holds()


def test_the_schema_is_a_page_too(server: Caller) -> None:
    reply = server.client.get("/docs")
    paths = server.client.get("/openapi.json").json()["paths"]
    assert reply.headers["content-type"].startswith("text/html")
    assert all(path in reply.text for path in paths)
    assert "<script" not in reply.text
