"""The description: valid, complete, and what the application really does."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.accounts.application import create_app
from serving.accounts.domain import problems

from ..conftest import SECRET, SignIn
from .test_access import MATRIX, endpoints_of

# What is for machines of another kind, or about the description itself, or a page.
NOT_DESCRIBED = re.compile(r"GET /accounts/(metrics|openapi\.json|docs)|\w+ /account/.*|\w+ /account")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/accounts/openapi.json").get_json()
    return found


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_the_application_has_just_the_addresses_that_are_described(app: Flask, document: dict[str, Any]) -> None:
    described = {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}
    assert {name for name in endpoints_of(app) if not NOT_DESCRIBED.fullmatch(name)} == described


def test_who_may_call_an_address_is_described(document: dict[str, Any]) -> None:
    for endpoint, row in MATRIX.items():
        method, path = endpoint.split(" ")
        if path in document["paths"]:
            assert ("security" in document["paths"][path][method.lower()]) == (row.nobody == 401 != row.owner), endpoint


def test_each_kind_of_problem_is_described_somewhere_and_on_the_page(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    described = {
        name
        for operations in document["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
        for name in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    assert described | {"method-not-allowed"} == set(problems.KINDS)
    page = client.get("/accounts/docs").text
    for name in problems.KINDS:
        assert f'id="problem-{name}"' in page
    loaded = re.findall(r"""(?:src|href|action)=["']([^"']+)""", page)
    assert loaded
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in loaded)


def test_examples_of_bodies_have_the_described_shape(document: dict[str, Any]) -> None:
    seen = 0
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None:
                jsonschema.validate(body["example"], {**body["schema"], "components": document["components"]})
                seen += 1
    assert seen == 9


def test_no_answer_tells_paths_or_traces(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.accounts.domain.movies.find_movies", lambda *_: 1 / 0)
    answer = client.get("/accounts/v1/movies")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert not re.search(r"Traceback|File|/serving|ZeroDivision", answer.text)


def test_without_a_database_the_answer_is_503_and_the_process_alive() -> None:
    settings = {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_SERVING_LOG_LEVEL": "error"}
    app = create_app({**settings, "MARQUEE_ACCOUNTS_DATABASE": "postgresql+psycopg://127.0.0.1:9/x"})
    client = app.test_client()
    assert client.get("/accounts/health").get_json() == {"status": "alive"}
    for path in ("/accounts/ready", "/accounts/v1/movies"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["type"]) == (503, "/accounts/docs#problem-unavailable")
        assert answer.headers["Retry-After"] == "30"
    app.extensions["marquee-engine"].dispose()


def test_ready_says_whether_the_tables_are_of_this_version(database_url: str) -> None:
    settings = {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_SERVING_LOG_LEVEL": "error"}
    app = create_app({**settings, "MARQUEE_ACCOUNTS_DATABASE": database_url})
    answer = app.test_client().get("/accounts/ready")
    assert (answer.status_code, answer.get_json()["detail"]) == (
        503,
        "The tables are of another version: migrate the database.",
    )
    app.extensions["marquee-engine"].dispose()


@pytest.mark.parametrize("path", ["/accounts/health", "/accounts/docs", "/accounts/v1/me", "/nowhere"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])


def test_metrics_tell_the_methods_that_the_api_has_apart_and_no_made_up_ones(client: FlaskClient) -> None:
    for method in ("PUT", "DELETE", "BREW"):
        client.open("/accounts/v1/users/1000000001/ratings/1", method=method)
    text = client.get("/accounts/metrics").text
    route = "/accounts/v1/users/<id:user>/ratings/<movie:movie>"
    for method in ("PUT", "DELETE"):
        assert f'marquee_http_requests_total{{method="{method}",route="{route}",status="401"}}' in text
    assert 'marquee_http_requests_total{method="other",route="unmatched",status="405"}' in text
    assert "BREW" not in text


def test_generated_requests_find_no_defect_and_no_answer_that_is_not_described(app: Flask, sign_in: SignIn) -> None:
    admin = sign_in("Root", role="admin")
    schema = schemathesis.openapi.from_wsgi("/accounts/openapi.json", app)
    # Refused forms have answers of their own shape, and without the session or the account all the rest is refused.
    chosen = schema.exclude(path_regex="oauth|logout|/users/{user}$|sessions|/role")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    statuses: dict[str, set[int]] = {}
    for operation in chosen.get_all_operations():

        @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            if "user" in (case.path_parameters or {}):
                case.path_parameters["user"] = admin.user_id
            response = case.call(headers={"Authorization": f"Bearer {admin.access_token}"})
            statuses.setdefault(case.operation.label, set()).add(response.status_code)
            case.validate_response(response, checks=checks)

        check()
    assert len(statuses) == 22
    # Signed in throughout: nothing was tested only up to its refusal.
    assert {label for label, found in statuses.items() if found & {401, 403}} == {
        "POST /accounts/v1/login",
        "POST /accounts/v1/refresh",
        "PUT /accounts/v1/users/{user}/password",
    }
