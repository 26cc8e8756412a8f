"""What people and programs send to the gateway by mistake: other spellings of addresses, and too much."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from serving.accounts.application import create_app as create_accounts_app
from serving.recommendations.application import create_app as create_recommendation_app

from ..serving.web.test_addresses import addresses_of
from .conftest import Gateway, Start


def raw(gateway: Gateway, request: bytes) -> tuple[int, dict[str, str], Any]:
    """The answer to bytes as they are."""
    with socket.create_connection(("127.0.0.1", urlsplit(gateway.url).port or 0), timeout=20) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


TOO_MUCH = {
    "an address of 9,000 bytes": (get("/v1/movies?q=" + "x" * 9000), 414),
    "one of the accounts service": (get("/accounts/v1/movies?q=" + "x" * 9000), 414),
    "a header of 9,000 bytes": (get("/health", "Cookie: " + "x" * 9000), 431),
    "headers of 30,000 bytes": (get("/health", *(f"X-{n}: {'x' * 7500}" for n in range(4))), 431),
    "a header of the accounts service": (get("/account", "Cookie: " + "x" * 9000), 431),
    "no HTTP": (b"hello\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "NUL in the address": (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "two lengths": (get("/health", "Content-Length: 1", "Content-Length: 2"), 400),
    "a length that is no number": (get("/health", "Content-Length: " + "9" * 5000), 400),
    "a method that nobody has": (get("/health").replace(b"GET", b"TRACE", 1), 405),
}


def test_what_the_gateway_refuses_itself_is_a_problem_that_says_why(start: Start) -> None:
    gateway = start(services=False)
    for name, (request, status) in TOO_MUCH.items():
        answered, headers, body = raw(gateway, request)
        assert (answered, headers.get("content-type")) == (status, "application/problem+json"), (name, body)
        assert json.loads(body)["status"] == status


def test_what_the_gateway_lets_through_the_services_can_take(start: Start) -> None:
    gateway = start()
    line, fields = "x" * 7900, [f"X-{n}: {'x' * 7000}" for n in range(2)]
    for path, status in (
        ("/v1/movies?q=", 400),
        ("/v1/movies/", 400),
        ("/?user=", 400),
        ("/rate?q=", 200),
        ("/accounts/v1/movies?q=", 400),
        ("/account/sign-in?", 200),
    ):
        answered, _, body = raw(gateway, get(path + line, *fields))
        assert answered == status, (path, body)


def test_every_address_answers_in_other_spellings_through_the_gateway(
    start: Start, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gateway = start(MARQUEE_GATEWAY_RATE="2000")
    store = str(request.getfixturevalue("small_store").root)
    empty = f"sqlite:///{tmp_path_factory.mktemp('accounts') / 'none.sqlite'}"
    settings = {"MARQUEE_ACCOUNTS_SECRET": "s" * 32, "MARQUEE_ACCOUNTS_DATABASE": empty}
    addresses = [
        *addresses_of(create_recommendation_app({"MARQUEE_PUBLICATION_STORE": store})),
        *addresses_of(create_accounts_app(settings)),
        "/gateway/health",
    ]
    asked = 0
    for address in addresses:
        expected = gateway.ask(f"{address}?lang=ko").status
        # The pages of reviews say that the reviews service is away, which does not run here.
        assert expected not in (502, 504, *(() if "/reviews" in address else (503,))), address
        for spelling in (f"{address}/", address.upper(), address.title()):
            if spelling in ("//", address) or any(letter.isdigit() for letter in address):
                continue
            found = gateway.ask(f"{spelling}?lang=ko")
            if found.status == 308:
                assert found.headers["Location"] in (f"{address}?lang=ko", address), spelling
            else:
                assert found.status == expected, spelling
            asked += 1
    assert asked >= 40
    for path in ("/accounts", "/accounts/", "/Accounts", "/account/", "/ACCOUNT"):
        found = gateway.ask(f"{path}?q=x")
        assert (found.status, found.headers["Location"]) == (308, "/account?q=x"), path


@pytest.mark.parametrize("service", ["", "/accounts"])
def test_metrics_are_not_shown_in_any_spelling(start: Start, service: str) -> None:
    gateway = start()
    for path in (
        "/metrics",
        "/metrics/",
        "/METRICS",
        "/Metrics/",
        "//metrics",
        "/%6detrics",
        "/x/../metrics",
        "/metrics?x",
    ):
        assert gateway.ask(service + path).status == 404, path


def test_signing_in_is_limited_in_any_spelling(start: Start) -> None:
    gateway = start(MARQUEE_GATEWAY_SIGN_IN_RATE="2")
    for path in ("/accounts/v1/login/", "/ACCOUNTS/v1/LOGIN", "/account/Sign-In", "/accounts/oauth/token/"):
        # No other spelling signs in: it leads to the address that is limited.
        assert {gateway.ask(path, "POST", {}).status for _ in range(5)} == {308}, path
    assert [gateway.ask("//accounts//v1/login", "POST", {}).status for _ in range(4)][-1] == 429
