"""The description: valid OpenAPI, complete, and what the application really does with right and wrong requests."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.reviews.application import create_app
from serving.reviews.domain import problems

from .conftest import SECRET, Accounts

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DESCRIPTION = create_app(
    {
        "MARQUEE_REVIEWS_DATABASE": "postgresql+psycopg://nobody@/none",
        "MARQUEE_SENTIMENT_STORE": "none",
        "MARQUEE_REVIEWS_SECRET": SECRET,
    }
).openapi()
OPERATIONS = [(path, method) for path, methods in DESCRIPTION["paths"].items() for method in methods]


def test_the_description_is_valid_openapi_and_has_all_operations() -> None:
    validate(DESCRIPTION)
    assert {f"{method.upper()} {path}" for path, method in OPERATIONS} == {
        "POST /v1/sentiment",
        "POST /v1/sentiment/batch",
        "POST /v1/sentiment/{prediction}/feedback",
        "POST /v1/sentiment/jobs",
        "GET /v1/sentiment/jobs/{job}",
        "DELETE /v1/sentiment/jobs/{job}",
        "GET /v1/sentiment/jobs/{job}/result",
        "GET /v1/movies/{movie}/reviews",
        "POST /v1/movies/{movie}/reviews",
        "GET /v1/movies/{movie}/reviews/mine",
        "GET /v1/movies/{movie}/sentiment",
        "GET /v1/reviews",
        "GET /v1/reviews/export",
        "GET /v1/reviews/{review}",
        "PUT /v1/reviews/{review}",
        "DELETE /v1/reviews/{review}",
        "PUT /v1/reviews/{review}/hidden",
        "DELETE /v1/reviews/{review}/hidden",
        "PUT /v1/reviews/{review}/helpful",
        "DELETE /v1/reviews/{review}/helpful",
        "GET /health",
        "GET /ready",
    }


def test_each_kind_of_problem_is_described_at_an_operation_and_in_the_text() -> None:
    described = {
        name
        for path, method in OPERATIONS
        for answer in DESCRIPTION["paths"][path][method]["responses"].values()
        for name in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    # A method that an address has not is no operation's answer, and a batch's refused text stands among its results.
    assert described == set(problems.KINDS) - {"method-not-allowed", "bad-text"}
    assert all(f'id="problem-{name}"' in DESCRIPTION["info"]["description"] for name in problems.KINDS)


def test_each_body_and_answer_has_an_example_that_its_schema_allows() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    store = {"components": {"schemas": schemas}}
    for name in ("SentimentRequest", "BatchRequest", "FeedbackRequest", "ReviewBody", "HiddenBody"):
        properties = schemas[name]["properties"]
        for field, schema in properties.items():
            found = schema.get("examples") or next(
                (part["examples"] for part in schema.get("anyOf", []) if "examples" in part), None
            )
            assert found, f"{name}.{field}"
            jsonschema.validate(found[0], {**schema, **store})


@pytest.fixture(scope="module")
def tokens(accounts: Accounts) -> dict[str, str]:
    return accounts.sign_in("Ada", "admin").headers


@pytest.fixture
def described(environment: dict[str, str]) -> Any:
    """The description as the application serves it; schemathesis starts the application."""
    app = create_app(environment | {"MARQUEE_REVIEWS_JOB_THREADS": "1"})
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_made_up_requests_are_answered_as_the_description_says(
    described: Any, tokens: dict[str, str], path: str, method: str, mode: GenerationMode
) -> None:
    operation = described[path][method.upper()]
    if mode is GenerationMode.NEGATIVE and not (operation.query or operation.path_parameters or operation.body):
        # Nothing can be wrong with a request that has no parameters.
        return

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case) -> None:
        response = case.call(headers=tokens)
        case.validate_response(response, checks=CHECKS)
        # An answer shows neither a path of the server nor a trace.
        assert "Traceback" not in response.text
        assert "/tmp/" not in response.text

    check()
