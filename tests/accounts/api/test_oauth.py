"""OAuth2 for API clients: RFC 6749 (password, client credentials, refresh) and RFC 7009 (revocation)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from ..conftest import PASSWORD, SignIn, on_both_databases


@pytest.fixture
def registered(sign_in: SignIn) -> dict[str, Any]:
    """A client that may write movies."""
    admin = sign_in("Root", role="admin")
    answer = admin.request("POST", "/accounts/v1/clients", {"name": "Catalogue", "scopes": ["movies:write"]})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.get_json()
    return found


def token(client: FlaskClient, **form: str) -> Any:
    return client.post("/accounts/oauth/token", data=form)


def credentials(registered: dict[str, Any]) -> dict[str, str]:
    return {name: registered[name] for name in ("client_id", "client_secret")}


def test_the_password_grant_gives_a_users_tokens(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    answer = token(client, grant_type="password", username="ada", password=PASSWORD)
    assert answer.headers["Cache-Control"] == "no-store"
    given = answer.get_json()
    assert set(given) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 600)
    me = client.get("/accounts/v1/me", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert me.get_json()["user_id"] == ada.user_id
    following = token(client, grant_type="refresh_token", refresh_token=given["refresh_token"]).get_json()
    assert following["refresh_token"] != given["refresh_token"]
    retry = token(client, grant_type="refresh_token", refresh_token=given["refresh_token"]).get_json()
    assert retry["refresh_token"] == following["refresh_token"]
    token(client, grant_type="refresh_token", refresh_token=following["refresh_token"])
    again = token(client, grant_type="refresh_token", refresh_token=given["refresh_token"])
    assert (again.status_code, again.get_json()["error"]) == (400, "invalid_grant")


@on_both_databases
@pytest.mark.parametrize("way", ["form", "basic"])
def test_a_client_signs_in_for_itself(client: FlaskClient, registered: dict[str, Any], way: str) -> None:
    if way == "form":
        answer = token(client, grant_type="client_credentials", **credentials(registered))
    else:
        answer = client.post(
            "/accounts/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(registered["client_id"], registered["client_secret"]),
        )
    given = answer.get_json()
    assert set(given) == {"access_token", "token_type", "expires_in", "scope"}
    assert given["scope"] == "movies:write"
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.post("/accounts/v1/movies", json={"title": "Kettles"}, headers=bearer).status_code == 201
    assert client.get("/accounts/v1/ratings", headers=bearer).status_code == 403


def test_a_client_gets_no_more_than_its_scopes(client: FlaskClient, registered: dict[str, Any]) -> None:
    answer = token(client, grant_type="client_credentials", scope="ratings:read", **credentials(registered))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password", "username": "Ada", "password": "wrong kettles"}, 400, "invalid_grant"),
        ({"grant_type": "password", "username": "Nobody", "password": PASSWORD}, 400, "invalid_grant"),
        ({"grant_type": "password", "username": "Ada", "password": PASSWORD, "scope": "x"}, 400, "invalid_scope"),
        ({"grant_type": "password", "username": "Ada", "password": PASSWORD, "client_id": "0"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "00", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "'; --", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
    ],
)
def test_refusals_are_those_of_the_standard(
    client: FlaskClient, sign_in: SignIn, form: dict[str, str], status: int, error: str
) -> None:
    sign_in()
    answer = token(client, **form)
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    ("token", {"json": {"grant_type": "password"}}, "Missing or not as described: grant_type."),
    ("token", {"data": {}}, "Missing or not as described: grant_type."),
    ("token", {"data": {"grant_type": ""}}, "Missing or not as described: grant_type."),
    (
        "token",
        {"data": {"grant_type": "password", "username": "a\0b", "password": PASSWORD}},
        "Missing or not as described: username.",
    ),
    ("token", {"data": {"grant_type": "password", "username": "Ada"}}, "Give username and password."),
    ("token", {"data": {"grant_type": "password", "password": PASSWORD}}, "Give username and password."),
    ("token", {"data": {"grant_type": "refresh_token", "refresh_token": ""}}, "Give refresh_token."),
    ("token", {"data": {"grant_type": ["password", "password"]}}, "A parameter is given more than once."),
    (
        "token",
        {"data": {"grant_type": "password"}, "query_string": {"username": "Ada"}},
        "Parameters belong in the body: the address takes none.",
    ),
    (
        "token",
        {"data": {"grant_type": "client_credentials", "client_secret": "x"}, "auth": ("00", "x")},
        "The client's secret belongs in the header or in the form, not in both.",
    ),
    ("revoke", {"data": {}}, "Missing or not as described: token."),
]


@pytest.mark.parametrize(("address", "given", "description"), MALFORMED)
def test_a_malformed_request_is_refused_as_the_standard_has_it(
    client: FlaskClient, address: str, given: dict[str, Any], description: str
) -> None:
    answer = client.post(f"/accounts/oauth/{address}", **given)
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert answer.get_json() == {"error": "invalid_request", "error_description": description}
    assert answer.headers["Cache-Control"] == "no-store"


def test_parameters_that_the_standard_does_not_know_are_ignored(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in()
    answer = token(client, grant_type="password", username="Ada", password=PASSWORD, audience="marquee", scope="")
    assert answer.status_code == 200
    revoked = client.post("/accounts/oauth/revoke", data={"token": answer.get_json()["access_token"], "reason": "x"})
    assert revoked.status_code == 200


def test_removing_a_client_ends_its_tokens(client: FlaskClient, registered: dict[str, Any], sign_in: SignIn) -> None:
    given = token(client, grant_type="client_credentials", **credentials(registered)).get_json()
    admin = sign_in("Root", register=False)
    listed = admin.request("GET", "/accounts/v1/clients").get_json()["items"]
    assert [(entry["client_id"], "client_secret" in entry) for entry in listed] == [(registered["client_id"], False)]
    assert admin.request("DELETE", f"/accounts/v1/clients/{registered['client_id']}").status_code == 204
    assert admin.request("DELETE", f"/accounts/v1/clients/{registered['client_id']}").status_code == 404
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.post("/accounts/v1/movies", json={"title": "Kettles"}, headers=bearer).status_code == 401
    again = token(client, grant_type="client_credentials", **credentials(registered))
    assert again.get_json()["error"] == "invalid_client"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_both(client: FlaskClient, sign_in: SignIn, which: str) -> None:
    ada = sign_in()
    assert client.post("/accounts/oauth/revoke", data={"token": getattr(ada, which)}).status_code == 200
    assert ada.request("GET", "/accounts/v1/me").status_code == 401
    refresh = token(client, grant_type="refresh_token", refresh_token=ada.refresh_token)
    assert refresh.get_json()["error"] == "invalid_grant"


def test_revoking_an_unknown_token_is_no_error_and_a_wrong_client_is(client: FlaskClient) -> None:
    assert client.post("/accounts/oauth/revoke", data={"token": "unknown"}).status_code == 200
    form = {"token": "unknown", "client_id": "00", "client_secret": "x"}
    assert client.post("/accounts/oauth/revoke", data=form).get_json()["error"] == "invalid_client"
