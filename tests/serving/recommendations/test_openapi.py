from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from serving.recommendations.answers import problems
from serving.recommendations.application import create_app

DOCUMENT = create_app({"MARQUEE_PUBLICATION_STORE": "none"}).test_client().get("/openapi.json").get_json()
# What is for machines of another kind, or about the description itself.
NOT_DESCRIBED = {"/metrics", "/openapi.json", "/docs", "/", "/rate", "/statistics"}
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": DOCUMENT["components"]}


def test_the_description_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_application_has_just_the_addresses_that_are_described(client: FlaskClient) -> None:
    rules = [rule.rule for rule in client.application.url_map.iter_rules() if rule.endpoint != "static"]
    routes = {re.sub(r"<(\w+)>", r"{\1}", rule) for rule in rules}
    assert routes - NOT_DESCRIBED == set(DOCUMENT["paths"])


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=[path for _, path, _ in OPERATIONS])
def test_examples_and_real_answers_have_the_described_shape(
    client: FlaskClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    content = operation["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(content["example"], resolved(content["schema"]))
    address = path.format(
        user=1, movie=2 if path.startswith("/v1/users") else 5, name="20261123T190000", genre="Horror"
    )
    body = operation.get("requestBody", {"content": {"application/json": {}}})["content"]["application/json"]
    if body:
        jsonschema.validate(body["example"], resolved(body["schema"]))
    answer = client.open(address, method=method.upper(), json=body.get("example"))
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.get_json(), resolved(content["schema"]))


def test_each_kind_of_problem_is_described_somewhere_and_on_the_page(client: FlaskClient) -> None:
    described = {
        name
        for _, _, operation in OPERATIONS
        for answer in operation["responses"].values()
        for name in answer["content"].get("application/problem+json", {}).get("examples", {})
    }
    not_of_an_address = {"not-found", "method-not-allowed"}
    assert described | not_of_an_address == set(problems.KINDS)
    page = client.get("/docs").text
    for name in problems.KINDS:
        assert f'id="problem-{name}"' in page


@pytest.mark.parametrize("address", ["/docs", "/", "/rate?r5=5", "/statistics"])
def test_pages_load_nothing_from_other_hosts(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    loaded = re.findall(r"""(?:src|href|action)=["']([^"']+)""", response.text)
    assert loaded
    assert all(link.startswith(("/", "#", "data:,")) and not link.startswith("//") for link in loaded)
