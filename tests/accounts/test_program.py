"""`python -m serving.accounts` and the gunicorn settings, as they are run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY
from serving.accounts.__main__ import main
from serving.accounts.database.engine import open_database, transactions
from serving.accounts.domain.clients import client_with_secret

from ..serving.conftest import build_from, small_store
from .conftest import PASSWORD, SECRET

__all__ = ["build_from", "small_store"]  # fixtures that a test here asks for by name


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    monkeypatch.setenv("MARQUEE_ACCOUNTS_DATABASE", database_url)
    return database_url


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status, and what was written: the last line of output, or the error."""
    status = main(list(arguments))
    written = capsys.readouterr()
    return status, written.out.splitlines()[-1] if status == 0 else written.err


@pytest.mark.usefixtures("database")
def test_a_database_is_prepared_by_commands_that_may_run_again(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    store = str(request.getfixturevalue("small_store").root)
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    admin = ("create-admin", "--name", "Root", "--password-variable", "ADMIN_PASSWORD")
    assert run(capsys, "migrate") == (0, '{"revision": "head"}')
    assert run(capsys, *admin) == (0, '{"user_id": 1000000001, "created": true}')
    assert run(capsys, *admin) == (0, '{"user_id": 1000000001, "created": false}')
    assert run(capsys, "load-catalogue", "--store", store) == (0, '{"loaded": "20261123T190000"}')
    assert run(capsys, "load-catalogue", "--store", store) == (0, '{"loaded": null}')
    (tmp_path / "movies").mkdir()
    (tmp_path / "movies" / "000000_0").write_text("1\tToy Story\t1995\tComedy\n", encoding="utf-8")
    exported = run(capsys, "load-catalogue", "--export", str(tmp_path / "movies"))
    assert exported == (0, '{"source": "movies", "movies": 1}')
    assert run(capsys, "migrate", "--down-to", "base") == (0, '{"revision": "base"}')


@pytest.mark.usefixtures("database")
def test_what_goes_wrong_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    main(["migrate"])
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)
    admin = ("create-admin", "--name", "Root", "--password-variable", "ADMIN_PASSWORD")
    assert run(capsys, *admin) == (1, "accounts: ADMIN_PASSWORD is not set. Put the administrator's password there.\n")
    monkeypatch.setenv("ADMIN_PASSWORD", "admin")
    assert run(capsys, *admin) == (1, "accounts: The password has 5 characters; give at least 8.\n")
    nothing = run(capsys, "load-catalogue", "--store", str(tmp_path))
    assert nothing == (1, f"accounts: {tmp_path} has nothing published. Run the pipeline first (`make run`).\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_gunicorn_serves_with_workers_that_follow_the_live_publication(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    main(["migrate"])
    port = free_port()
    environment = {
        **os.environ,
        "MARQUEE_ACCOUNTS_SECRET": SECRET,
        "MARQUEE_ACCOUNTS_PORT": str(port),
        "MARQUEE_PUBLICATION_STORE": str(request.getfixturevalue("small_store").root),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "TMPDIR": str(tmp_path / "temporary"),
    }
    (tmp_path / "temporary").mkdir()
    command = ["gunicorn", "-c", "serving/accounts/gunicorn.conf.py", "serving.accounts.application:create_app()"]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", *command], cwd=REPOSITORY, env=environment, stdout=log, stderr=log
        ) as server,
    ):
        try:
            deadline = time.monotonic() + 60
            ready: dict[str, object] = {}
            # One worker writes the movies, and any other may answer before it has read them.
            expected = {"status": "ready", "catalogue": "20261123T190000", "movies": 6}
            while ready != expected and time.monotonic() < deadline:
                assert server.poll() is None, (tmp_path / "log").read_text()
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/ready") as answer:
                        ready = json.load(answer)
                except OSError:
                    time.sleep(0.1)
            assert ready == expected, (tmp_path / "log").read_text()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/metrics") as answer:
                assert (
                    'marquee_http_requests_total{method="GET",route="/accounts/ready",status="200"}'
                    in answer.read().decode()
                )
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    assert list((tmp_path / "temporary").iterdir()) == [], "the server left something behind"


@pytest.mark.usefixtures("database")
def test_a_programs_client_is_made_and_given_another_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    command = ("create-client", "--id", "reviews", "--scope", "users:read", "--secret-variable", "CLIENT_SECRET")
    assert run(capsys, "migrate")[0] == 0
    factory = transactions(open_database(database_url))
    for secret in ("the first secret of 32 characters", "the second secret of 32 characters"):
        monkeypatch.setenv("CLIENT_SECRET", secret)
        assert run(capsys, *command) == (0, '{"client_id": "reviews", "scopes": ["users:read"]}')
        assert client_with_secret(factory, "reviews", secret) is not None
    assert client_with_secret(factory, "reviews", "the first secret of 32 characters") is None
    factory.kw["bind"].dispose()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("client_id", "secret", "why"),
    [
        ("reviews", "short", "CLIENT_SECRET has fewer than 32 characters."),
        ("reviews", "", "CLIENT_SECRET has fewer than 32 characters."),
        *((name, "x" * 32, "is no client's id.") for name in ("", "a b", "a" * 41, "\u00e9", "a:b")),
    ],
)
def test_a_clients_id_and_secret_that_are_none_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, client_id: str, secret: str, why: str
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", secret)
    command = ("create-client", "--id", client_id, "--scope", "users:read", "--secret-variable", "CLIENT_SECRET")
    status, error = run(capsys, *command)
    assert status == 1
    assert why in error
