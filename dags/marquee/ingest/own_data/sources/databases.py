"""Read the rows of a query of PostgreSQL, MySQL or SQLite.

All queries of a batch run in one transaction that only reads and sees one state of the database: what others write
meanwhile is not seen, and nothing can be changed.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from marquee.ingest.connections import Connection
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.sources.since import Mark, as_mark, as_parameter

ROWS_AT_A_TIME = 5_000
CONNECT_SECONDS = 15
LONGEST_QUERY = 20_000
# What a connection may say beyond host and login, by kind.
OPTIONS = {
    "postgres": ("sslmode", "sslrootcert", "sslcert", "sslkey", "options", "keepalives_idle"),
    "mysql": ("charset", "ssl_ca", "ssl_cert", "ssl_key"),
}
# Texts, quoted names and comments, in which brackets and semicolons end nothing. In some databases a backslash escapes a quote.
_OTHERS = r"|\"[^\"]*\"|`[^`]*`|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/"
TEXTS = (re.compile("'[^']*'" + _OTHERS, re.DOTALL), re.compile(r"'(?:[^'\\]|\\.)*'" + _OTHERS, re.DOTALL))
PASSING = re.compile(
    r"refused|timed? ?out|terminat|closed|lost connection|gone away|could not connect|can't connect|locked|deadlock"
    r"|starting up|shutting down|too many|temporar|reset by peer|name resolution|ssl syscall|no route",
    re.IGNORECASE,
)


class Database:
    """Read queries in one transaction, which `reading` opens."""

    def __init__(self, open_connection: sa.Connection, connection: Connection) -> None:
        """Take an open transaction."""
        self._open = open_connection
        self._connection = connection

    def columns(self, query: str) -> list[str]:
        """Return the names of a query's columns; raise IngestError if two are alike."""
        names = list(self._run(f"{selecting(query)} LIMIT 0").keys())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise IngestError(
                f"The query has two columns named {twice[0]!r}. Give each a name of its own by AS: {shown(query)}"
            )
        return names

    def rows(self, query: str, since: tuple[str, str] | None = None) -> Iterator[Sequence[Any]]:
        """Yield the rows, or those of which a column is above a value."""
        sql = selecting(query)
        if since is None:
            yield from self._fetched(self._run(sql))
            return
        column, value = since
        yield from self._fetched(self._run(f"{sql} WHERE {self._quoted(column)} > :mark", mark=as_parameter(value)))

    def first_rows(self, query: str, count: int) -> Iterator[Sequence[Any]]:
        """Yield the first rows that the database finds."""
        yield from self._fetched(self._run(f"{selecting(query)} LIMIT {count}"))

    def mark(self, query: str, column: str, value: str = "") -> tuple[Mark | None, int]:
        """Return the mark of all rows, and how many rows there are up to a value.

        The mark is None without rows. Raise IngestError if a row has no value in the column, as no mark would find it.
        """
        name = self._quoted(column)
        up_to = f"SUM(CASE WHEN {name} <= :mark THEN 1 ELSE 0 END)" if value else "0"
        sql = selecting(query, f"COUNT(*), COUNT({name}), MAX({name}), {up_to}")
        parameters = {"mark": as_parameter(value)} if value else {}
        (total, filled, greatest, before), *_ = self._fetched(self._run(sql, **parameters))
        if filled < total:
            raise IngestError(
                f"{total - filled} rows have no {column}, so that SINCE cannot say whether they are new. Name a column that "
                "each row has."
            )
        return (Mark(as_mark(greatest), total) if total else None), int(before or 0)

    def _quoted(self, name: str) -> str:
        return escaped(self._open.dialect.identifier_preparer.quote_identifier(name))

    def _run(self, sql: str, **parameters: Any) -> sa.CursorResult[Any]:
        with self._errors():
            return self._open.execute(sa.text(sql), parameters)

    def _fetched(self, result: sa.CursorResult[Any]) -> Iterator[Sequence[Any]]:
        with self._errors():
            for batch in result.partitions(ROWS_AT_A_TIME):
                yield from batch

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise refusal(error, self._connection, "Correct the query and run again.") from error


@contextmanager
def reading(connection: Connection) -> Iterator[Database]:
    """Open a transaction that only reads one state of the database, and end it."""
    engine = _engine(connection)
    try:
        opened = engine.connect()
    except SQLAlchemyError as error:
        advice = "Correct the connection in Airflow, or start the database."
        raise refusal(error, connection, advice) from error
    try:
        with opened:
            yield Database(_in_transaction(opened), connection)
    finally:
        engine.dispose()


def selecting(query: str, what: str = "*") -> str:
    """Return a SELECT over the rows of a query; a comment at its end stays its own."""
    return f"SELECT {what} FROM ({escaped(query)}\n) AS source_rows"  # noqa: S608 - the query is the person's own


def escaped(sql: str) -> str:
    r"""Return SQL in which SQLAlchemy takes no colon for the name of a parameter."""
    return re.sub(r"(?<!\\):", r"\\:", sql)


def checked_query(query: str) -> str:
    """Return the query without its last semicolon; raise IngestError for what is none."""
    text = query.strip().rstrip(";").strip()
    if any(_is_more_than_one(re.sub(of_text, "", text)) for of_text in TEXTS):
        raise IngestError(f"The query is more than one statement: {shown(query)}. Give one SELECT.")
    if (
        not text
        or len(text) > LONGEST_QUERY
        or "\0" in text
        or re.match(r"(select|with|values|table)\b|\(", text, re.I) is None
    ):
        raise IngestError(f"The query is {shown(query)}. Give one SELECT of at most {LONGEST_QUERY} letters.")
    return text


def _is_more_than_one(without_texts: str) -> bool:
    """Return whether a statement ends in the query, or the brackets around it would."""
    depth = 0
    for letter in without_texts:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0 or letter == ";":
            return True
    return False


def shown(query: str) -> str:
    """Return the beginning of a query on one line."""
    line = " ".join(query.split())
    return repr(line if len(line) <= 120 else f"{line[:117]}...")


def refusal(error: SQLAlchemyError, connection: Connection, advice: str) -> IngestError:
    """Return what the database's error means, without the connection's secrets."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    line = connection.without_secrets(" ".join(said.split())[:400]).rstrip(".")
    may_pass = bool(isinstance(error, DBAPIError) and (error.connection_invalidated or PASSING.search(said)))
    if may_pass:
        advice = "Nothing was stored. Run again when the database answers."
    return IngestError(
        f"The source {connection.name} ({connection.kind}) cannot be read: {line}. {advice}", may_pass=may_pass
    )


def _engine(connection: Connection) -> sa.Engine:
    options = {
        name: str(connection.extra[name]) for name in OPTIONS.get(connection.kind, ()) if name in connection.extra
    }
    if connection.kind == "sqlite":
        path = Path(connection.host or connection.schema)
        if not path.is_file():
            raise IngestError(
                f"The connection {connection.name} names the SQLite file {str(path)!r}, which is not there. Write its path "
                "as the connection's host."
            )
        return sa.create_engine("sqlite://", creator=lambda: _sqlite(path), poolclass=NullPool)
    if connection.kind not in OPTIONS:
        raise IngestError(
            f"The connection {connection.name} is of the kind {connection.kind!r}, which ingest cannot query. Give one of "
            "postgres, mysql or sqlite."
        )
    driver = {"postgres": "postgresql+psycopg2", "mysql": "mysql+pymysql"}[connection.kind]
    url = sa.URL.create(
        driver,
        connection.login or None,
        connection.password or None,
        connection.host or None,
        connection.port,
        connection.schema or None,
        options,
    )
    return sa.create_engine(
        url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": CONNECT_SECONDS}
    )


def _sqlite(path: Path) -> sqlite3.Connection:
    # Python begins a transaction only for changes; `_in_transaction` begins one for reading.
    return sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )


def _in_transaction(opened: sa.Connection) -> sa.Connection:
    streaming = {"stream_results": True, "max_row_buffer": ROWS_AT_A_TIME}
    if opened.dialect.name == "postgresql":
        return opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True, **streaming)
    if opened.dialect.name == "mysql":
        opened = opened.execution_options(isolation_level="REPEATABLE READ", **streaming)
        opened.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        return opened
    opened.exec_driver_sql("BEGIN")
    return opened.execution_options(**streaming)
