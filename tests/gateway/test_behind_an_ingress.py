"""The gateway behind a proxy: whom it believes about a client's address and scheme. Both are Debian's nginx."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.local_server import local_server

from .conftest import Gateway, Start, free_ports, wait_for

# Of the loopback network. The ingress asks the gateway from the first one.
INGRESS, OUTER, ADA, BOB, EVE = "127.0.0.10", "127.0.0.11", "127.0.0.21", "127.0.0.22", "127.0.0.23"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
CONFIGURATION = """
daemon off; pid "{folder}/{name}.pid"; error_log stderr warn; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path "{folder}/body"; proxy_temp_path "{folder}/proxy"; fastcgi_temp_path "{folder}/unused";
  uwsgi_temp_path "{folder}/unused"; scgi_temp_path "{folder}/unused";
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {upstream};
      proxy_bind {address};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For {forwarded};
      proxy_set_header X-Forwarded-Proto https;
    }}
  }}
}}
"""


class Echo(BaseHTTPRequestHandler):
    """A service that says which client and scheme the gateway names."""

    def do_GET(self) -> None:
        named = [self.headers["X-Forwarded-For"], self.headers["X-Forwarded-Proto"]]
        body = json.dumps(named).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def proxy(folder: Path, upstream: str, address: str, forwarded: str = "$remote_addr") -> Iterator[str]:
    """Run an nginx that asks an upstream from an address; yield its own address."""
    (port,) = free_ports(1)
    name = f"proxy-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    file, log = folder / f"{name}.conf", folder / f"{name}.log"
    given = {"folder": folder, "name": name, "port": port, "upstream": upstream}
    file.write_text(CONFIGURATION.format(**given, address=address, forwarded=forwarded), encoding="utf-8")
    assert NGINX
    with log.open("wb") as output:
        process = subprocess.Popen([NGINX, "-e", "stderr", "-c", str(file)], stdout=output, stderr=output)
        try:
            wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def ask(url: str, client: str, path: str = "/v1/popular", method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """Return status and body of a request that a client sends from its address."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20, source_address=(client, 0))
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def trusting(start: Start) -> Iterator[Gateway]:
    """Return a gateway that believes the ingress, before a service that says whom it names."""
    with local_server(Echo) as echo:
        yield start(services=False, MARQUEE_API_PORT=echo.rpartition(":")[2], MARQUEE_GATEWAY_PROXIES=INGRESS)


def test_behind_a_trusted_proxy_each_client_has_a_limit_of_its_own(start: Start, tmp_path: Path) -> None:
    gateway = start(services=False, MARQUEE_GATEWAY_RATE="2", MARQUEE_GATEWAY_PROXIES=INGRESS)
    with proxy(tmp_path / "ingress", gateway.url, INGRESS) as ingress:
        assert 429 in [ask(ingress, ADA)[0] for _ in range(12)]
        assert ask(ingress, BOB)[0] == 503
    time.sleep(1.5)
    asked = [json.loads(line) for line in gateway.log.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
    assert {row["address"] for row in asked if row["path"] == "/v1/popular"} == {ADA, BOB}


def test_signing_in_is_limited_by_client_too(start: Start, tmp_path: Path) -> None:
    gateway = start(services=False, MARQUEE_GATEWAY_SIGN_IN_RATE="2", MARQUEE_GATEWAY_PROXIES=INGRESS)
    with proxy(tmp_path / "ingress", gateway.url, INGRESS) as ingress:
        assert [ask(ingress, ADA, "/accounts/v1/login", "POST")[0] for _ in range(4)] == [503] * 3 + [429]
        assert ask(ingress, BOB, "/accounts/v1/login", "POST")[0] == 503


def test_without_the_setting_all_clients_of_a_proxy_share_a_limit(start: Start, tmp_path: Path) -> None:
    gateway = start(services=False, MARQUEE_GATEWAY_RATE="2")
    with proxy(tmp_path / "ingress", gateway.url, INGRESS) as ingress:
        assert 429 in [ask(ingress, ADA)[0] for _ in range(12)]
        assert 429 in [ask(ingress, BOB)[0] for _ in range(3)]


def test_the_service_behind_is_told_the_client_and_its_scheme(trusting: Gateway, tmp_path: Path) -> None:
    with proxy(tmp_path / "ingress", trusting.url, INGRESS) as ingress:
        assert json.loads(ask(ingress, ADA)[1]) == [ADA, "https"]
    assert json.loads(ask(trusting.url, BOB)[1]) == [BOB, "http"]


def test_nobody_else_is_believed(trusting: Gateway) -> None:
    """Who reaches the gateway past the ingress is who it is, whatever it says."""
    for claim in (ADA, f"{ADA}, {BOB}", INGRESS, "::1", "unknown", "", "x" * 300):
        answer = ask(trusting.url, EVE, X_Forwarded_For=claim, X_Forwarded_Proto="https", Forwarded=f"for={ADA}")
        assert json.loads(answer[1]) == [EVE, "http"], claim


@pytest.mark.parametrize(
    ("claim", "named"),
    [
        # The ingress appends the address of who asked it, here the client: what the client wrote before does not count.
        (f"{BOB}, {ADA}", ADA),
        (f"{BOB},{ADA}", ADA),
        (f"{INGRESS}, {ADA}", ADA),
        (f"unknown, {ADA}", ADA),
        (f"{BOB}:4711, {ADA}:4712", ADA),
        ("2001:db8::7", "2001:db8::7"),
        (f"{ADA}, {INGRESS}", ADA),
        # What is no address leaves the proxy's own.
        ("unknown", INGRESS),
        (f"{ADA}, <script>", INGRESS),
        ("", INGRESS),
        (f"{ADA}, 127.0.0.300", INGRESS),
        # Its value is the header as nginx joins it: the last line counts.
        (", ".join([BOB] * 40 + [ADA]), ADA),
    ],
)
def test_of_a_trusted_proxys_header_the_last_address_that_is_no_proxy_counts(
    trusting: Gateway, claim: str, named: str
) -> None:
    answer = ask(trusting.url, INGRESS, X_Forwarded_For=claim)
    assert json.loads(answer[1])[0] == named


def test_two_proxies_in_a_row_are_both_skipped(start: Start, tmp_path: Path) -> None:
    appended = "$proxy_add_x_forwarded_for"
    with local_server(Echo) as echo, ExitStack() as running:
        trusted = f"{INGRESS} 127.0.0.11/32 2001:db8::/32"
        gateway = start(services=False, MARQUEE_API_PORT=echo.rpartition(":")[2], MARQUEE_GATEWAY_PROXIES=trusted)
        ingress = running.enter_context(proxy(tmp_path / "ingress", gateway.url, INGRESS, appended))
        outer = running.enter_context(proxy(tmp_path / "outer", ingress, OUTER, appended))
        assert json.loads(ask(outer, ADA, X_Forwarded_For=BOB)[1]) == [ADA, "https"]


@pytest.mark.parametrize(
    ("scheme", "named"), [("https", "https"), ("http", "http"), ("ftp", "http"), ("https,http", "http")]
)
def test_a_scheme_is_one_of_two(trusting: Gateway, scheme: str, named: str) -> None:
    answer = ask(trusting.url, INGRESS, X_Forwarded_For=ADA, X_Forwarded_Proto=scheme)
    assert json.loads(answer[1]) == [ADA, named]
