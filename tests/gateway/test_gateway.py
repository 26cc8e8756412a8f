"""The gateway as it is rendered and as Debian's nginx runs it, before both services as gunicorn runs them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from infra.control.environment import environment, render
from infra.control.settings import REPOSITORY, Settings
from serving.accounts.__main__ import main as accounts_program

from ..serving.conftest import build_from, small_store

__all__ = ["build_from", "small_store"]  # fixtures that are asked for by name


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class Gateway:
    """A running gateway and how to ask it."""

    url: str
    context: ssl.SSLContext | None
    folder: Path

    def ask(self, path: str, method: str = "GET", data: Any = None, **headers: str) -> Answer:
        body = data if data is None or isinstance(data, bytes) else json.dumps(data).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        asked = urllib.request.Request(
            self.url + path,
            data=body,
            method=method,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPSHandler(context=self.context))
        try:
            with opener.open(asked, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on {port}: {log.read_text()}")


Start = Callable[..., Gateway]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True)
    return chain, key


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Return a function that starts the gateway, by default with both services behind it."""
    store = request.getfixturevalue("small_store").root
    with ExitStack() as running:

        def launch(name: str, command: list[str], port: int, variables: dict[str, str]) -> None:
            path = tmp_path / f"{name}.log"
            log = running.enter_context(path.open("wb"))
            process = running.enter_context(
                subprocess.Popen(command, cwd=REPOSITORY, env=variables, stdout=log, stderr=log)
            )
            running.callback(process.send_signal, signal.SIGTERM)
            wait_for(port, process, path)

        def begin(*, services: bool = True, **settings: str) -> Gateway:
            gateway, api, accounts = free_ports(3)
            chosen = Settings.load(
                tmp_path / ".env",
                {
                    "MARQUEE_STATE": str(tmp_path),
                    "MARQUEE_GATEWAY_PORT": str(gateway),
                    "MARQUEE_API_PORT": str(api),
                    "MARQUEE_ACCOUNTS_PORT": str(accounts),
                    **settings,
                },
            )
            for folder in ("run", "logs", "tmp"):
                (chosen.instance / folder).mkdir(parents=True, exist_ok=True)
            variables = os.environ | environment(chosen)
            variables["MARQUEE_ACCOUNTS_DATABASE"] = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
            variables["MARQUEE_PUBLICATION_STORE"] = str(store)
            render(chosen, environment(chosen))
            if services:
                monkeypatch.setenv("MARQUEE_ACCOUNTS_DATABASE", variables["MARQUEE_ACCOUNTS_DATABASE"])
                assert accounts_program(["migrate"]) == 0
                assert accounts_program(["load-catalogue", "--store", str(store)]) == 0
                for name, application, port in (
                    ("serving", "serving.recommendations", api),
                    ("serving/accounts", "serving.accounts.application", accounts),
                ):
                    gunicorn = ["-m", "gunicorn", "-c", f"{name}/gunicorn.conf.py", f"{application}:create_app()"]
                    metrics = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / application)}
                    launch(application, [sys.executable, *gunicorn], port, variables | metrics)
            launch("gateway", ["infra/gateway/gateway.sh"], gateway, variables)
            context = None
            if certificate := settings.get("MARQUEE_GATEWAY_CERTIFICATE"):
                context = ssl.create_default_context(cafile=certificate)
            scheme = "https" if context else "http"
            return Gateway(f"{scheme}://127.0.0.1:{gateway}", context, chosen.instance)

        yield begin


def test_one_origin_serves_pages_and_both_apis(start: Start) -> None:
    gateway = start()
    assert gateway.ask("/v1/movies/5").data["movie"]["title"] == "Alien"
    assert gateway.ask("/accounts/v1/movies/5").data["title"] == "Alien"
    assert gateway.ask("/health").status == gateway.ask("/accounts/health").status == 200
    assert gateway.ask("/gateway/health").data == {"status": "alive"}
    for page in ("/", "/docs", "/accounts/docs"):
        assert gateway.ask(page).headers.get_content_type() == "text/html"
    for path in ("/metrics", "/accounts/metrics", "/gateway/problems/unavailable", "/gateway/"):
        assert gateway.ask(path).status == 404, path
    # What the services say comes through.
    unknown = gateway.ask("/v1/movies/77")
    assert (unknown.status, unknown.headers.get_content_type()) == (404, "application/problem+json")
    big = gateway.ask("/accounts/v1/users", "POST", b" " * 65_537)
    assert (big.status, big.headers.get_content_type(), big.data["status"]) == (413, "application/problem+json", 413)
    assert "nginx/" not in str(big.headers) + str(unknown.headers)
    # Data are compressed once; pages of the accounts service, which hold secrets, are not.
    zipped = gateway.ask("/accounts/openapi.json", Accept_Encoding="gzip")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(zipped.body)) == gateway.ask("/accounts/openapi.json").data
    zipped = gateway.ask("/openapi.json", Accept_Encoding="gzip")
    assert json.loads(gzip.decompress(zipped.body)) == gateway.ask("/openapi.json").data
    # A client's claim to be another address does not reach the limits of signing in.
    wrong = {"name": "Ada", "password": "wrong kettles"}
    statuses = [
        gateway.ask("/accounts/v1/login", "POST", wrong, X_Forwarded_For=f"192.0.2.{turn}").status for turn in range(11)
    ]
    assert statuses == [401] * 10 + [429]
    # The request id is the gateway's, and its log is JSON.
    assert gateway.ask("/health", X_Request_ID="mine").headers["X-Request-ID"] != "mine"
    time.sleep(1.5)
    lines = (gateway.folder / "logs" / "gateway-access.log").read_text(encoding="utf-8").splitlines()
    assert {"path": "/v1/movies/77", "status": 404}.items() <= next(
        json.loads(line) for line in lines if "/77" in line
    ).items()


def test_too_many_requests_of_one_address_are_refused(start: Start) -> None:
    gateway = start(services=False, MARQUEE_GATEWAY_RATE="2")
    statuses = [gateway.ask("/health").status for _ in range(8)]
    assert statuses[:3] == [503] * 3
    assert 429 in statuses
    refused = next(answer for answer in iter(lambda: gateway.ask("/health"), None) if answer.status == 429)
    assert (refused.headers["Retry-After"], refused.data["title"]) == ("5", "Too many requests")


def test_signing_in_has_a_limit_of_its_own_and_looking_does_not_count(start: Start) -> None:
    gateway = start(services=False, MARQUEE_GATEWAY_SIGN_IN_RATE="2")
    assert [gateway.ask("/account/sign-in").status for _ in range(5)] == [503] * 5
    statuses = [gateway.ask(path, "POST", {}).status for path in ["/accounts/v1/login", "/accounts/oauth/token"] * 3]
    assert statuses == [503] * 3 + [429] * 3
    assert gateway.ask("/accounts/v1/movies").status == 503


def test_without_its_services_the_gateway_says_so_and_is_alive(start: Start) -> None:
    gateway = start(services=False)
    assert gateway.ask("/gateway/health").status == 200
    for path in ("/v1/popular", "/accounts/v1/movies", "/account/sign-in"):
        answer = gateway.ask(path)
        assert (answer.status, answer.headers.get_content_type()) == (503, "application/problem+json")
        assert (answer.data["status"], answer.headers["Retry-After"]) == (503, "5")


def test_with_a_certificate_it_speaks_tls_and_sends_plain_requests_there(
    start: Start, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    gateway = start(MARQUEE_GATEWAY_CERTIFICATE=str(chain), MARQUEE_GATEWAY_KEY=str(key))
    answer = gateway.ask("/v1/movies/5")
    assert (answer.status, answer.headers["Strict-Transport-Security"]) == (200, "max-age=31536000")
    plain = Gateway(gateway.url.replace("https", "http"), None, gateway.folder).ask("/v1/movies/5?limit=1")
    assert (plain.status, plain.headers["Location"]) == (308, f"{gateway.url}/v1/movies/5?limit=1")
    old = ssl.create_default_context(cafile=str(chain))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert Gateway(gateway.url, old, gateway.folder).ask("/gateway/health").status == 200


def test_nginx_finds_the_rendered_configuration_good(tmp_path: Path) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    for folder in ("run", "logs", "tmp"):
        (chosen.instance / folder).mkdir(parents=True)
    variables = os.environ | environment(chosen)
    render(chosen, environment(chosen))
    checked = subprocess.run(
        ["infra/gateway/gateway.sh", "-t"], cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    text = (chosen.instance / "conf" / "gateway" / "nginx.conf").read_text(encoding="utf-8")
    assert "listen 127.0.0.1:8090;" in text
    assert "upstream accounts { server 127.0.0.1:8001;" in text
