"""A gateway as Debian's nginx runs it, before both services on their own servers."""

from __future__ import annotations

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.control.rendering import render
from infra.control.services import services as rows_of
from infra.control.settings import REPOSITORY, Settings
from infra.control.variables import environment
from serving.accounts.__main__ import main as accounts_program
from serving.reviews.__main__ import main as reviews_program

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


@dataclass
class Restartable:
    """A process behind the gateway, and how to start it again."""

    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]

    def restart(self) -> None:
        self.process = self.start()


@dataclass(frozen=True)
class Gateway:
    """A running gateway and how to ask it."""

    url: str
    context: ssl.SSLContext | None
    log: Path
    process: subprocess.Popen[bytes] | None = None
    reviews: Restartable | None = None

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


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        if listens(port):
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
    """Return a function that starts the gateway, by default with two services behind it.

    Words of `before` stand before its command. With `reviews`, variables of that service, it runs too.
    """
    store = request.getfixturevalue("small_store").root
    with ExitStack() as running:

        def launch(name: str, command: list[str], port: int, variables: dict[str, str]) -> subprocess.Popen[bytes]:
            path = tmp_path / f"{name}.log"
            # nginx opens it a second time: both must write at its end.
            log = running.enter_context(path.open("ab"))
            process = running.enter_context(
                subprocess.Popen(command, cwd=REPOSITORY, env=variables, stdout=log, stderr=log)
            )
            running.callback(process.send_signal, signal.SIGTERM)
            wait_for(port, process, path)
            return process

        def begin(
            *,
            services: bool = True,
            before: Sequence[str] = (),
            reviews: Mapping[str, str] | None = None,
            **settings: str,
        ) -> Gateway:
            gateway, api, accounts, reviews_port = free_ports(4)
            chosen = Settings.load(
                tmp_path / ".env",
                {
                    "MARQUEE_STATE": str(tmp_path),
                    "MARQUEE_GATEWAY_PORT": str(gateway),
                    "MARQUEE_API_PORT": str(api),
                    "MARQUEE_ACCOUNTS_PORT": str(accounts),
                    "MARQUEE_REVIEWS_PORT": str(reviews_port),
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
                gunicorn = ["gunicorn", "-c", "serving/accounts/gunicorn.conf.py"]
                for name, module, port in (
                    ("recommendations", ["serving.recommendations.server"], api),
                    ("accounts", [*gunicorn, "serving.accounts.application:create_app()"], accounts),
                ):
                    metrics = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / f"{name}-metrics")}
                    launch(name, [sys.executable, "-m", *module], port, variables | metrics)
            reviewing = None
            if reviews is not None:
                (row,) = [row for row in rows_of(chosen) if row.name == "reviews"]
                chosen_for_it = variables | row.environment | reviews
                monkeypatch.setenv("MARQUEE_REVIEWS_DATABASE", chosen_for_it["MARQUEE_REVIEWS_DATABASE"])
                monkeypatch.setenv("MARQUEE_REVIEWS_CLIENT_SECRET", chosen_for_it["MARQUEE_REVIEWS_CLIENT_SECRET"])
                assert reviews_program(["migrate"]) == 0
                client = ["create-client", "--id", "reviews", "--scope", "users:read"]
                assert accounts_program([*client, "--secret-variable", "MARQUEE_REVIEWS_CLIENT_SECRET"]) == 0
                command = [sys.executable, "-m", "serving.reviews", "serve"]
                begin_reviews = partial(launch, "reviews", command, reviews_port, chosen_for_it)
                reviewing = Restartable(begin_reviews, begin_reviews())
            process = launch("gateway", [*before, "infra/services/gateway/gateway.sh"], gateway, variables)
            context = None
            if certificate := settings.get("MARQUEE_GATEWAY_CERTIFICATE"):
                context = ssl.create_default_context(cafile=certificate)
            scheme = "https" if context else "http"
            return Gateway(f"{scheme}://127.0.0.1:{gateway}", context, tmp_path / "gateway.log", process, reviewing)

        yield begin
