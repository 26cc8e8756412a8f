"""Read SOURCE: where rows are that no local file holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marquee.ingest.errors import IngestError

DATABASE, S3, HDFS = "database", "s3", "hdfs"
CONNECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
FORMS = "a connection's id with QUERY, s3://connection@bucket/folder, or hdfs:///folder"


@dataclass(frozen=True)
class Address:
    """Describe a source: a database's connection, or a folder or file in a storage.

    ``path`` is the bucket and the key in S3, and absolute in HDFS. Without ``connection``, HDFS is the platform's, and S3
    takes the credentials of the machine.
    """

    kind: str
    connection: str
    path: str = ""

    def __str__(self) -> str:
        """Return the address as a person writes it, which has no password."""
        if self.kind == DATABASE:
            return self.connection
        return f"{self.kind}://{self.connection + '@' if self.connection else ''}{self.path}"


def parse_source(text: str) -> Address:
    """Return the address; raise IngestError for one with a password, without it."""
    scheme, found, rest = text.partition("://")
    if not found:
        if CONNECTION.fullmatch(text) is None:
            raise IngestError(f"SOURCE is no address of a source. Give {FORMS}.")
        return Address(DATABASE, text)
    connection, _, path = rest.rpartition("@")
    if ":" in connection or scheme not in (S3, HDFS):
        raise IngestError(
            "SOURCE cannot hold a login, and only s3:// and hdfs:// are addresses. Keep the login in a connection of Airflow, "
            f"and give {FORMS}."
        )
    if connection and CONNECTION.fullmatch(connection) is None:
        raise IngestError(f"{connection[:80]!r} is no id of a connection of Airflow. Give {FORMS}.")
    if scheme == HDFS and not path.startswith("/"):
        raise IngestError(f"{scheme}://{path[:80]} names a host. The connection knows it: give hdfs:///folder.")
    if ".." in path.split("/") or not path.strip("/") or not path.isprintable():
        raise IngestError(f"SOURCE names no folder or file of {scheme}. Give {FORMS}.")
    return Address(scheme, connection, "/" + path.strip("/") if scheme == HDFS else path.strip("/"))
