"""The accounts service over a database of its own, and those who ask it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.contracts.recorded_applications import Application, accounts_application, run_accounts
from tests.contracts.recording.exchanges import Asker
from tests.contracts.recording.publications import MOVIES, write_exports

PASSWORD, NEXT_PASSWORD = "seven green kettles", "eleven blue lanterns"
SECRET = "a secret of the recording, long enough"
ADMIN, ADA, BOB = 1_000_000_001, 1_000_000_002, 1_000_000_003
V1 = "/accounts/v1"


@dataclass
class Accounts:
    """A database with an administrator and a catalogue, and its service."""

    file: Path
    application: Application

    def change(self, statement: str) -> None:
        """Change the database behind the service's back."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(statement)


def accounts(work: Path, api: str = "http://127.0.0.1:9", **settings: str) -> Accounts:
    """Make a database by the program's own commands, and the service over it."""
    work.mkdir()
    database = f"sqlite:///{work / 'accounts.sqlite'}"
    exports = write_exports(work / "exports", {"movies": [*MOVIES]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_ACCOUNTS_DATABASE", database)
        patch.setenv("ADMIN_PASSWORD", PASSWORD)
        assert run_accounts(["migrate"]) == 0
        assert run_accounts(["load-catalogue", "--export", str(exports / "movies")]) == 0
        assert run_accounts(["create-admin", "--name", "Root", "--password-variable", "ADMIN_PASSWORD"]) == 0
    application = accounts_application(database, MARQUEE_ACCOUNTS_SECRET=SECRET, MARQUEE_API_URL=api, **settings)
    return Accounts(work / "accounts.sqlite", application)


class QuietHandler(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def served(application: Application) -> Iterator[str]:
    """Serve an application on the loopback address; yields its URL."""
    with make_server("127.0.0.1", 0, application, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Caller:
    """Asks with an access token."""

    def __init__(self, asker: Asker, name: str) -> None:
        self.asker, self.name, self.token = asker, name, ""

    def sign_in(self, note: str = "", password: str = PASSWORD, *, quiet: bool = False) -> dict[str, Any]:
        """Sign in, keep the access token and return the answer."""
        body = {"name": self.name, "password": password}
        given = self.asker.ask(f"POST {V1}/login", note or self.name, json_body=body, quiet=quiet).get_json()
        self.token = given["access_token"]
        found: dict[str, Any] = given
        return found

    def ask(self, line: str, note: str = "", body: Any = None) -> Any:
        """Ask as the caller."""
        note = f"{self.name}: {note}" if note else self.name
        return self.asker.ask(line, note, json_body=body, headers={"Authorization": f"Bearer {self.token}"})
