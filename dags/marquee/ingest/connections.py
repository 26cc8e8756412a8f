"""Look up a connection of Airflow, by which ingest reads sources that are no files.

Airflow keeps connections and hides their passwords in its logs. A password is in no argument, manifest or log of ours.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from marquee.ingest.errors import IngestError

HIDDEN = "***"
SECRET_KEY = re.compile(r"pass|secret|token|key", re.IGNORECASE)


@dataclass(frozen=True)
class Connection:
    """Hold what a connection says; its text shows no password."""

    name: str
    kind: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    extra: dict[str, Any] = field(default_factory=dict, repr=False)

    def without_secrets(self, text: str) -> str:
        """Return text in which this connection's secrets are hidden."""
        secrets = [self.password, *(str(value) for key, value in self.extra.items() if SECRET_KEY.search(key))]
        for secret in secrets:
            # A secret of a letter or two would hide half of the message.
            if len(secret) > 3:
                text = text.replace(secret, HIDDEN)
        return text


def look_in_airflows_database() -> None:
    """Let this process, which Airflow did not start, find what Airflow's database has.

    A task asks Airflow instead, and has no access to the database.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def find_connection(name: str) -> Connection:
    """Return a connection by its id; raise IngestError if Airflow has none."""
    # Airflow takes seconds to import, and files need no connection.
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    try:
        found = BaseHook.get_connection(name)
    except AirflowException as error:
        raise IngestError(
            f"Airflow has no connection {name!r}. Add it in Airflow, under Admin and Connections, or name another in SOURCE."
        ) from error
    return Connection(
        name,
        str(found.conn_type or ""),
        str(found.host or ""),
        found.port,
        str(found.login or ""),
        str(found.password or ""),
        str(found.schema or ""),
        dict(found.extra_dejson),
    )
