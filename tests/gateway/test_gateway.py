"""The gateway as it is rendered and as Debian's nginx runs it, before both services."""

from __future__ import annotations

import gzip
import json
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

from infra.control.rendering import render
from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisor import Supervisor
from infra.control.supervisord import log_path, write_configuration
from infra.control.variables import environment

from .conftest import Gateway, Start, free_ports, listens


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
    lines = gateway.log.read_text(encoding="utf-8").splitlines()
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
    plain = Gateway(gateway.url.replace("https", "http"), None, gateway.log).ask("/v1/movies/5?limit=1")
    assert (plain.status, plain.headers["Location"]) == (308, f"{gateway.url}/v1/movies/5?limit=1")
    old = ssl.create_default_context(cafile=str(chain))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert Gateway(gateway.url, old, gateway.log).ask("/gateway/health").status == 200


def test_requests_are_in_the_log_that_supervisor_rotates_and_in_no_other(tmp_path: Path) -> None:
    port, api = free_ports(2)
    numbers = {"MARQUEE_GATEWAY_PORT": str(port), "MARQUEE_API_PORT": str(api)}
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), **numbers})
    for folder in ("run", "logs", "tmp"):
        (chosen.instance / folder).mkdir(parents=True)
    variables = environment(chosen)
    render(chosen, variables)
    program = Path(sys.executable).parent / "supervisord"
    command = [str(program), "-c", str(write_configuration(chosen))]
    subprocess.run(command, cwd=REPOSITORY, env=os.environ | variables, check=True)
    supervisor = Supervisor(chosen)
    try:
        supervisor.start("gateway")
        gateway = Gateway(f"http://127.0.0.1:{port}", None, log_path(chosen, "gateway"))
        deadline = time.monotonic() + 20
        while not listens(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert gateway.ask("/v1/movies/5?limit=1").status == 503
        while "/v1/movies/5" not in gateway.log.read_text(encoding="utf-8") and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        supervisor.shut_down()
    (line,) = [line for line in gateway.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    assert {"path": "/v1/movies/5", "status": 503}.items() <= json.loads(line).items()
    assert {path.name for path in (chosen.instance / "logs").iterdir()} == {"gateway.log", "supervisord.log"}


def test_nginx_finds_the_rendered_configuration_good(tmp_path: Path) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    for folder in ("run", "logs", "tmp"):
        (chosen.instance / folder).mkdir(parents=True)
    variables = os.environ | environment(chosen)
    render(chosen, environment(chosen))
    checked = subprocess.run(
        ["infra/services/gateway/gateway.sh", "-t"],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    text = (chosen.instance / "conf" / "gateway" / "nginx.conf").read_text(encoding="utf-8")
    assert "listen 127.0.0.1:8090;" in text
    assert text.count("server 127.0.0.1:8001 max_fails=0;") == 3
