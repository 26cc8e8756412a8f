"""Samples of PostgreSQL: its connections, and the sizes of its databases."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2

from infra.monitoring.exporter.sources.http import SECONDS
from infra.monitoring.exporter.sources.samples import Sample


def read_postgres(host: str, port: int, user: str, password: str) -> Iterator[Sample]:
    """Yield connections and sizes of the databases.

    Any role that may log in sees them. Raises psycopg2.Error.
    """
    connection = psycopg2.connect(
        host=host, port=port, user=user, password=password, dbname="postgres", connect_timeout=int(SECONDS)
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'max_connections'")
            [(allowed,)] = cursor.fetchall()
            yield Sample("marquee_postgres_max_connections", allowed)
            cursor.execute(
                "SELECT datname, pg_database_size(datname), numbackends FROM pg_stat_database "
                "JOIN pg_database USING (datname) WHERE NOT datistemplate ORDER BY datname"
            )
            for database, size, connections in cursor.fetchall():
                yield Sample("marquee_postgres_database_bytes", size, {"database": database})
                yield Sample("marquee_postgres_connections", connections, {"database": database})
    finally:
        connection.close()
