"""Every address of both services answers with a slash too many and in capital letters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from serving.accounts.application import create_app as create_accounts_app
from serving.recommendations.application import create_app as create_recommendation_app

VALUES = {"user": "7", "movie": "5", "genre": "Horror", "name": "20261123T190000"}


def addresses_of(app: Flask, method: str = "GET") -> list[str]:
    """The addresses of an application by its own map, with values for variables."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.methods and method in rule.methods]
    return [
        re.sub(r"<(?:\w+:)?(\w+)>", lambda found: VALUES.get(found[1], "5"), rule.rule)
        for rule in rules
        # Files are not typed, and the gateway shows no metrics.
        if rule.endpoint != "static" and not rule.rule.endswith("/metrics")
    ]


def capitals(address: str) -> str:
    """Capital letters, but not in what stands for a variable."""
    return "/".join(word if word in VALUES.values() else word.upper() for word in address.split("/"))


@pytest.fixture(params=["recommendations", "accounts"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    if request.param == "recommendations":
        return create_recommendation_app({"MARQUEE_PUBLICATION_STORE": str(tmp_path)})
    database = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    return create_accounts_app({"MARQUEE_ACCOUNTS_SECRET": "s" * 32, "MARQUEE_ACCOUNTS_DATABASE": database})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_each_address_leads_to_itself_with_its_query_and_its_method(app: Flask, method: str) -> None:
    client = app.test_client()
    addresses = addresses_of(app, method)
    assert len(addresses) >= (10 if method == "GET" else 0)
    for address in set(addresses) - {"/"}:
        for spelling in {f"{address}/", f"{address}//", capitals(address), f"{capitals(address)}/"} - {address, "//"}:
            answer = client.open(f"{spelling}?q=a%26b&r=%C3%A9", method=method)
            # The recommendation API has always answered with one slash more, as it does without.
            if answer.status_code != 308 and app.url_map.strict_slashes is False and spelling == f"{address}/":
                continue
            assert answer.status_code == 308, (method, spelling)
            led = answer.headers["Location"].removeprefix("http://localhost")
            if "//" not in led:
                assert led in (f"{address}?q=a%26b&r=%C3%A9", f"{address}/?q=a%26b&r=%C3%A9"), spelling


def test_what_does_not_exist_is_still_not_found(app: Flask) -> None:
    client = app.test_client()
    for path in ("/nothing", "/nothing/", "/accountx", "/v1/popularx/", "/V1", "/account/static/none", "/docs/x"):
        assert client.get(path).status_code == 404, path


def test_a_redirect_stays_here_and_holds_no_line_end(app: Flask) -> None:
    client = app.test_client()
    for path in ("//evil.example/DOCS", "/\\evil.example/DOCS", "/DOCS/?a=%0d%0aX:y", "/Docs?\u20ac"):
        answer = client.get(path)
        location = answer.headers.get("Location", "/").removeprefix("http://localhost")
        assert location.startswith("/")
        assert not location.startswith(("//evil", "/\\"))
        assert "\n" not in location


def test_guessed_addresses_of_the_account_pages_lead_there(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    client = create_accounts_app(
        {"MARQUEE_ACCOUNTS_SECRET": "s" * 32, "MARQUEE_ACCOUNTS_DATABASE": database}
    ).test_client()
    for path in ("/account/", "/Account", "/accounts", "/accounts/", "/ACCOUNTS"):
        assert client.get(f"{path}?q=alien").headers["Location"] == "/account?q=alien"
