"""No value of any operation or page ends in a defect, whatever it is: each is served or refused with a problem."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from flask.testing import FlaskClient

from serving.publications.store import PublicationStore
from serving.recommendations.answers.newcomer_request import NewcomerRequest, RatingBody
from serving.recommendations.application import create_app

NUMBERS = (
    str(2**63),
    str(2**70),
    "-1",
    "0",
    "1.0",
    "1e3",
    "1_000",
    "+1",
    " 1",
    "1 ",
    "\u0661",
    "NaN",
    "true",
    "0x1",
    "",
)
TEXTS = ("9" * 5000, "x" * 5000, "\x00", "a\x00b", "\n", "\u202e", "{name}", "%s", "'", "--", "../..", "1" * 11)
# Bytes that are no UTF-8: lone surrogates, and half a letter.
BYTES = (b"\xed\xa0\x80", b"\xff", b"\xc3")
TIMES = (
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-13-01",
    "24:00",
    "1e99",
    "-0001-01-01T00:00:00Z",
)
QUOTED = [quote(text, safe="") for text in (*NUMBERS, *TEXTS, *TIMES)] + [quote_from_bytes(one) for one in BYTES]
VALUES = {"user": "1", "movie": "5", "genre": "Horror", "name": "20261123T190000"}


@pytest.fixture
def client(small_store: PublicationStore) -> FlaskClient:
    return create_app({"MARQUEE_PUBLICATION_STORE": str(small_store.root)}).test_client()


def described(client: FlaskClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and parameter of all operations as they are declared."""
    for path, operations in client.get("/openapi.json").get_json()["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                yield method, path, parameter


def answered(answer: Any, what: str) -> None:
    """Fail unless an answer is served or a problem of the request."""
    assert answer.status_code in (200, 308, 400, 404, 405), what[:120]
    if answer.status_code >= 400 and "json" in answer.content_type:
        problem = answer.get_json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert len(problem["detail"]) < 2000, what[:120]
        assert "Traceback" not in answer.text


def test_no_parameter_of_any_operation_ends_in_a_defect(client: FlaskClient) -> None:
    asked = 0
    for method, path, parameter in described(client):
        values = VALUES if parameter["in"] == "query" else {**VALUES, parameter["name"]: "\0"}
        address = re.sub(r"\{(\w+)\}", lambda found, values=values: values[found[1]], path)
        for value in QUOTED:
            url = (
                f"{address}?{parameter['name']}={value}" if parameter["in"] == "query" else address.replace("\0", value)
            )
            answered(client.open(url, method=method.upper()), url)
            asked += 1
    assert asked >= 50 * len(QUOTED)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_a_number_in_the_digits_0_to_9_and_in_bounds(client: FlaskClient, number: str) -> None:
    for parameter in ("limit", "year_from", "year_to"):
        assert client.get(f"/v1/popular?{parameter}={quote(number)}").status_code == 400
    if number:
        for path in ("/v1/users/{}/recommendations", "/v1/movies/{}", "/v1/marts/movie_statistics/{}"):
            assert client.get(path.format(quote(number))).status_code == 400


BODY_VALUES = (
    *(
        2**31,
        2**63,
        2**70,
        10**400,
        -1,
        0,
        1.0,
        1e3,
        1.5,
        True,
        None,
        "1",
        "",
        "x" * 5000,
        "\0",
        "\ud800",
        [],
        {},
        [1],
        [[1]],
    ),
    *(float("nan"), float("inf"), "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "\u0661"),
)


def test_no_value_in_the_body_ends_in_a_defect(client: FlaskClient) -> None:
    good = {"ratings": [{"movie_id": 5, "rating": 4}]}
    bodies = [{**good, name: value} for name in NewcomerRequest.model_fields for value in BODY_VALUES]
    bodies += [
        {"ratings": [{**good["ratings"][0], name: value}]} for name in RatingBody.model_fields for value in BODY_VALUES
    ]
    bodies += [{**good, "exclude": [value]} for value in BODY_VALUES]
    bodies += [{**good, str(value): 1} for value in BODY_VALUES]
    raw = [json.dumps(body).encode() for body in bodies]
    raw += [b'{"ratings": 1' + b"0" * 5000 + b"}", b"[" * 60_000, b'{"limit": 1e400}', b"\xff", b"\x00", b"", b"NaN"]
    raw += [json.dumps(value).encode() for value in BODY_VALUES]
    for body in raw:
        answered(client.post("/v1/recommendations", data=body, content_type="application/json"), repr(body))


def test_no_value_of_a_page_ends_in_a_defect(client: FlaskClient) -> None:
    for page, names in {
        "/": ("user", "movie", "scope", "lang", "other"),
        "/rate": ("q", "r5", "r99999999999", "r" + "9" * 5000, "r%D9%A1", "r-1", "lang", "other"),
        "/statistics": ("genre", "lang", "user"),
    }.items():
        for name in names:
            for value in QUOTED:
                answer = client.get(f"{page}?{name}={value}")
                assert answer.status_code in (200, 400, 404), (page, name, value[:40])
                assert answer.content_type.startswith("text/html"), (page, name, value[:40])
