"""Rubbish in each operation: every number and text is bounded where it comes in, and no answer is a defect."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import PASSWORD, SignedIn, SignIn

V1 = "/accounts/v1"
# As JSON has them: some are no JSON, and Python's own parser takes them.
NUMBERS = [
    *(
        "1180591620717411303424",
        "-1",
        "-0",
        "1e400",
        "-1e400",
        "1e-400",
        "NaN",
        "Infinity",
        "-Infinity",
        "0.1",
        "4.50000001",
    ),
    *("true", "false", "null", '"4"', '"\u0664"', "[4]", "{}", "0x4", "1_0", "+4", "04", "4.", ".5", "9" * 5000),
]
# As parameters have them.
WORDS = [
    *(
        str(2**70),
        "-1",
        "-0",
        "1e400",
        "NaN",
        "inf",
        "1.0",
        "True",
        "\u0664",
        "\u00b2",
        "",
        " ",
        "0x4",
        "1_0",
        "+4",
        "9" * 5000,
    ),
    *("\x00", "\ud7ff", "\u202e", "a" * 5000, "'; DROP TABLE users; --", "%", "\\", "{{7*7}}"),
]


def no_defect(answer: Any) -> None:
    """Whether an answer refuses as problem documents or OAuth2 do."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    body = answer.get_json()
    assert body.get("status") == answer.status_code or set(body) == {"error", "error_description"}
    assert "Traceback" not in answer.text


@pytest.fixture
def admin(sign_in: SignIn) -> SignedIn:
    return sign_in("Root", role="admin")


def raw(who: SignedIn, method: str, path: str, text: str) -> Any:
    headers = {"Authorization": f"Bearer {who.access_token}", "Content-Type": "application/json"}
    return who.client.open(path, method=method, data=text.encode("utf-8", "surrogatepass"), headers=headers)


def test_a_rating_that_is_no_number_of_half_stars_is_refused(admin: SignedIn) -> None:
    for number in NUMBERS:
        no_defect(raw(admin, "PUT", admin.own("/ratings/1"), f'{{"rating": {number}}}'))


def test_a_year_that_is_none_is_refused(admin: SignedIn) -> None:
    for number in [*NUMBERS, "2026.0", "2.026e3", "1869", "2101"]:
        if number == "null":
            continue
        no_defect(raw(admin, "POST", f"{V1}/movies", f'{{"title": "Kettles", "release_year": {number}}}'))


@pytest.mark.parametrize("number", ["4", "4.0", "0.5", "5e0", "45e-1"])
def test_a_number_of_half_stars_is_taken_however_it_is_written(admin: SignedIn, number: str) -> None:
    answer = raw(admin, "PUT", admin.own("/ratings/1"), f'{{"rating": {number}}}')
    assert (answer.status_code, answer.get_json()["rating"]) == (201, float(number))


@pytest.mark.parametrize("path", ["/movies", "/users", "/ratings", "own"])
def test_a_parameter_that_is_no_number_in_its_bounds_is_refused(admin: SignedIn, path: str) -> None:
    address = admin.own("/ratings") if path == "own" else V1 + path
    for name in ("limit", "after"):
        for word in WORDS:
            no_defect(admin.request("GET", f"{address}?{name}={quote(word.encode('utf-8', 'surrogatepass'))}"))


@pytest.mark.parametrize("path", ["/movies/{}", "/users/{}", "/users/{}/ratings/1", "/clients/{}", "/users/{}/export"])
def test_an_id_that_is_none_is_refused(admin: SignedIn, path: str) -> None:
    for word in [*WORDS, "2147483648", "0", "00", "01"]:
        if not word.strip():
            continue  # another address
        address = V1 + path.format(quote(word.encode("utf-8", "surrogatepass"), safe=""))
        for method in ("GET", "PUT", "DELETE"):
            no_defect(raw(admin, method, address, "{}"))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.sampled_from([2**70, -0.0, "\x00"])
)
ANYTHING = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3)
)
BODIES = [
    ("POST", f"{V1}/users", ("name", "password")),
    ("POST", f"{V1}/login", ("name", "password")),
    ("POST", f"{V1}/refresh", ("refresh_token",)),
    ("POST", f"{V1}/movies", ("title", "release_year", "genres")),
    ("PUT", f"{V1}/movies/1", ("title", "release_year", "genres")),
    ("POST", f"{V1}/clients", ("name", "scopes")),
    ("PUT", f"{V1}/users/1000000001/role", ("role",)),
    ("PUT", f"{V1}/users/1000000001/password", ("current_password", "new_password")),
    ("PUT", f"{V1}/users/1000000001/ratings/1", ("rating",)),
]


@pytest.mark.parametrize(("method", "path", "fields"), BODIES)
def test_whatever_a_body_holds_the_answer_is_no_defect(
    admin: SignedIn, method: str, path: str, fields: tuple[str, ...]
) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(body=st.one_of(ANYTHING, st.fixed_dictionaries(dict.fromkeys(fields, ANYTHING))))
    def check(body: Any) -> None:
        answer = raw(admin, method, path, json.dumps(body, ensure_ascii=True))
        if answer.status_code not in (200, 201, 204):
            no_defect(answer)

    check()


@pytest.mark.parametrize("path", ["/accounts/oauth/token", "/accounts/oauth/revoke"])
def test_whatever_a_form_holds_the_answer_is_no_defect(client: FlaskClient, path: str) -> None:
    names = ["grant_type", "username", "password", "refresh_token", "client_id", "client_secret", "scope", "token"]
    values = st.one_of(st.text(max_size=300), st.sampled_from(["password", "refresh_token", "client_credentials"]))

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        form=st.dictionaries(st.sampled_from(names), values),
        header=st.sampled_from(["", "Basic", "Basic !", "Basic eDp4"]),
    )
    def check(form: dict[str, str], header: str) -> None:
        given = {name: value.encode("utf-8", "surrogatepass") for name, value in form.items()}
        answer = client.post(path, data=given, headers={"Authorization": header} if header else {})
        if answer.status_code != 200:
            no_defect(answer)

    check()


NO_OBJECTS = [
    *(
        "",
        "{",
        "[]",
        "null",
        '"a"',
        "1",
        "\ud800",
        '{"name": "\\ud800"}',
        '{"a":' * 3000,
        "\ufeff{}",
        '{"name":"a","name":"b"}',
    ),
]


def test_a_body_that_is_no_object_is_refused(admin: SignedIn) -> None:
    for method, path, _ in BODIES:
        for text in NO_OBJECTS:
            no_defect(raw(admin, method, path, text))


@pytest.mark.parametrize("words", [WORDS[:12], WORDS[12:]])
def test_a_header_of_rubbish_is_no_defect(client: FlaskClient, words: list[str]) -> None:
    for word in words:
        _send_header(client, word)


def _send_header(client: FlaskClient, word: str) -> None:
    value = word.encode("latin-1", "replace").decode("latin-1").replace("\x00", "")
    for name in (
        "Authorization",
        "Idempotency-Key",
        "Content-Type",
        "User-Agent",
        "X-Forwarded-For",
        "Accept-Language",
        "Cookie",
    ):
        body = {"name": "A", "password": PASSWORD}
        answer = client.post(
            f"{V1}/users", data=json.dumps(body), headers={"Content-Type": "application/json", name: value}
        )
        no_defect(answer)


def test_rubbish_on_pages_is_no_defect(app: Flask, admin: SignedIn) -> None:
    for word in WORDS[::2]:
        _send_to_pages(app, word)


def _send_to_pages(app: Flask, word: str) -> None:
    browser = app.test_client()
    csrf = browser.get("/account/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    browser.post("/account/sign-in", data={"csrf_token": csrf, "name": "Root", "password": PASSWORD})
    given = word.encode("utf-8", "surrogatepass")
    for path in ("/sign-up", "/sign-in", "/password", "/delete", "/language", "/ratings/1"):
        names = ("name", "password", "stars", "current_password", "new_password", "language", "back")
        answer = browser.post(f"/account{path}", data={"csrf_token": csrf} | dict.fromkeys(names, given))
        assert answer.status_code < 500, path
        assert "Traceback" not in answer.text
    for name in ("q", "after"):
        answer = browser.get("/account", query_string={"q": "alien", name: given})
        assert answer.status_code == 200, name
