"""Test sources that are no files: queries of real databases, as snapshots."""

import json
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from marquee.ingest.connections import find_connection
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.__main__ import main as inspect
from marquee.ingest.own_data.snapshots.ingest import ingest_data
from marquee.ingest.own_data.sources import databases
from marquee.ingest.own_data.sources.queries import fetch_queries

from tests.postgresql import running_postgresql

FIRST, SECOND, THIRD = "20261123T190000", "20261124T190000", "20261125T190000"
ROOT = "/marquee/raw/my-shop"
PASSWORD = "correct-horse-battery"
QUERY = "SELECT id, user_id, item_id, rating, rated_at FROM ratings"
TABLE = (
    "CREATE TABLE ratings (id {serial}, user_id VARCHAR(40) NOT NULL, item_id BIGINT NOT NULL, rating NUMERIC(3,1), "
    "rated_at TIMESTAMP)"
)
ROWS = [
    (f"u{number % 7}", 100 + number % 11, (number % 9 + 1) / 2, f"2026-{number % 12 + 1:02}-15 10:00:00")
    for number in range(60)
]
MAPPING = """\
version = 1
[ratings]
query = "SELECT * FROM ratings"
[ratings.columns]
user = "user_id"
item = "item_id"
value = "rating"
time = "rated_at"
[items]
query = "SELECT item_id, title FROM items"
[items.columns]
item = "item_id"
title = "title"
[ids]
user = "text"
item = "integer"
[time]
unit = "iso"
"""
Execute = Callable[..., list[Any]]
Store = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with running_postgresql() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Execute:
    """Make the shop's database and its connection in Airflow; return what executes SQL in it."""

    def execute(sql: str, rows: list[tuple[Any, ...]] | None = None) -> list[Any]:
        with closing(connect()) as connection, closing(connection.cursor()) as cursor:
            if rows is None:
                cursor.execute(sql)
            else:
                cursor.executemany(sql.replace("%s", mark), rows)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
            return found

    def connect() -> Any:
        if request.param == "sqlite":
            return sqlite3.connect(tmp_path / "shop.db")
        return psycopg2.connect(host=folder, user="postgres", dbname="postgres")

    mark, serial = "?", "INTEGER PRIMARY KEY"
    given: dict[str, Any] = {"conn_type": "sqlite", "host": str(tmp_path / "shop.db"), "password": PASSWORD}
    if request.param == "postgresql":
        folder = request.getfixturevalue("postgresql")
        mark, serial = "%s", "BIGSERIAL PRIMARY KEY"
        given |= {"conn_type": "postgres", "host": folder, "login": "postgres", "schema": "postgres"}
        execute("DROP TABLE IF EXISTS ratings; DROP TABLE IF EXISTS items")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(given))
    execute(TABLE.format(serial=serial))
    execute("CREATE TABLE items (item_id BIGINT, title VARCHAR(80))")
    add(execute, ROWS)
    execute("INSERT INTO items VALUES (%s, %s)", [(100, "Tea: green, 50%"), (101, "Cup")])
    return execute


def add(execute: Execute, rows: list[tuple[Any, ...]]) -> None:
    execute("INSERT INTO ratings (user_id, item_id, rating, rated_at) VALUES (%s, %s, %s, %s)", rows)


@pytest.fixture
def store(memory_hdfs: Any, tmp_path: Path) -> Store:
    def run(batch_id: str = FIRST, **more: Any) -> dict[str, Any]:
        given = {"dataset": "my-shop", "source": "shop", "query": QUERY, "archive": None, "mapping": None, "limit": 0.2}
        return ingest_data(memory_hdfs, batch_id=batch_id, cache_dir=tmp_path / "cache", **(given | more))

    return run


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING)
    return path


def lines(memory_hdfs: Any, batch_id: str = FIRST, name: str = "ratings.tsv") -> list[str]:
    content: str = memory_hdfs.files[f"{ROOT}/{batch_id}/{name}"].decode()
    return content.splitlines()


def snapshots(memory_hdfs: Any) -> list[str]:
    return [path for path in memory_hdfs.files if path.startswith(f"{ROOT}/")]


def test_a_query_is_ingested_as_it_is_proposed(shop: Execute, store: Store, memory_hdfs: Any) -> None:
    found = store()
    assert len(lines(memory_hdfs)) == 60
    assert {file["name"]: file["rows"] for file in found["files"]} == {
        "mapping.toml": None,
        "movies.tsv": 11,
        "ratings.tsv": 60,
    }
    assert found["own_data"] == {"times": True, "ids": "/marquee/ids/my-shop"}
    assert f'query = "{QUERY}"' in found["source"]["mapping"]


def test_a_mapping_names_the_queries_of_rows_and_items(
    shop: Execute, store: Store, memory_hdfs: Any, mapping: Path
) -> None:
    store(query=None, mapping=mapping)
    assert len(lines(memory_hdfs)) == 60
    titles = [line.split("\t")[1] for line in lines(memory_hdfs, name="movies.tsv")]
    assert titles[:2] == ["Tea: green, 50%", "Cup"]
    assert sorted(titles[2:]) == [str(number) for number in range(102, 111)]


def test_equal_rows_in_another_order_give_an_equal_snapshot(shop: Execute, store: Store, memory_hdfs: Any) -> None:
    first = store(query="SELECT user_id, item_id, rating, rated_at FROM ratings")
    shop("DELETE FROM ratings")
    add(shop, ROWS[::-1])
    second = store(SECOND, query="SELECT user_id, item_id, rating, rated_at FROM ratings")
    assert second["source"]["sha256"] == first["source"]["sha256"]
    assert second["content_sha256"] == first["content_sha256"]
    assert second["snapshot"] == f"{ROOT}/{FIRST}"


def test_a_rerun_takes_the_snapshot_as_it_is_though_the_source_went_on(
    shop: Execute, store: Store, memory_hdfs: Any
) -> None:
    first = store()
    add(shop, [("late", 100, 5, "2026-11-20 00:00:00")])
    assert store() == first
    with pytest.raises(IngestError, match="snapshots never change"):
        store(query="SELECT user_id, item_id FROM ratings")


def test_what_is_written_while_a_batch_is_read_is_not_in_it(
    shop: Execute, store: Store, memory_hdfs: Any, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = databases.Database.rows
    writers: list[threading.Thread] = []

    def rows(self: Any, query: str, *since: Any) -> Iterator[Any]:
        found = original(self, query, *since)
        yield next(found)
        if not writers:
            # SQLite's writer waits until the reading transaction has ended.
            writers.append(threading.Thread(target=add, args=(shop, [("late", 999, 5, "2026-11-20 00:00:00")])))
            writers[0].start()
            writers[0].join(0.5)
        yield from found

    monkeypatch.setattr(databases.Database, "rows", rows)
    # Read second, in the same transaction: the new item is not there either.
    mapping.write_text(
        MAPPING.replace("SELECT item_id, title FROM items", "SELECT DISTINCT item_id, 'x' AS title FROM ratings")
    )
    store(query=None, mapping=mapping)
    writers[0].join()
    assert len(lines(memory_hdfs)) == 60
    assert len(lines(memory_hdfs, name="movies.tsv")) == 11
    assert shop("SELECT COUNT(*) FROM ratings") == [(61,)]


def test_a_source_that_dies_half_way_leaves_no_half_snapshot(
    store: Store, memory_hdfs: Any, postgresql: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"conn_type": "postgres", "host": postgresql, "login": "postgres", "schema": "postgres"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(given))
    monkeypatch.setattr(databases, "ROWS_AT_A_TIME", 50)
    original = databases.Database.rows

    def rows(self: Any, query: str, *since: Any) -> Iterator[Any]:
        for number, row in enumerate(original(self, query, *since)):
            if number == 200:
                with closing(psycopg2.connect(host=postgresql, user="postgres", dbname="postgres")) as other:
                    other.cursor().execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                        "AND backend_type = 'client backend'"
                    )
            yield row

    monkeypatch.setattr(databases.Database, "rows", rows)
    query = "SELECT number AS user_id, number % 7 AS item_id FROM generate_series(1, 100000) AS number"
    with pytest.raises(
        IngestError, match=r"The source shop .postgres. cannot be read: .*terminat.*Run again"
    ) as caught:
        store(query=query)
    assert caught.value.may_pass
    assert not snapshots(memory_hdfs)
    assert not list((tmp_path / "cache").iterdir())


def test_a_query_cannot_change_the_source(shop: Execute, store: Store, memory_hdfs: Any) -> None:
    for query in (
        "DELETE FROM ratings",
        "WITH gone AS (DELETE FROM ratings RETURNING *) SELECT * FROM gone",
        "SELECT 1) AS x; COMMIT; DELETE FROM ratings; SELECT * FROM (SELECT 2",
        "SELECT 1; DELETE FROM ratings",
        "SELECT ')' AS a) AS x; COMMIT; DELETE FROM ratings; SELECT * FROM (SELECT 2",
        "SELECT 1 /* ( */) AS x; COMMIT; DELETE FROM ratings -- (",
        "SELECT '\\') AS x; COMMIT; DELETE FROM ratings; SELECT * FROM (SELECT '",
        "SELECT $$($$) AS x; COMMIT; DELETE FROM ratings -- ",
        "DROP TABLE ratings",
        "UPDATE ratings SET rating = 1",
    ):
        with pytest.raises(IngestError):
            store(query=query)
        assert shop("SELECT COUNT(*) FROM ratings") == [(60,)], query
    assert not snapshots(memory_hdfs)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "A database needs a query"),
        ("SELECT * FROM nothing", "(?i)nothing.*Correct the query and run again"),
        ("SELEC 1", "The query is 'SELEC 1'. Give one SELECT"),
        ("SELECT user_id, FROM ratings", "syntax"),
        ("SELECT user_id, item_id FROM ratings WHERE item_id < 0;", "returns no rows: 'SELECT user_id"),
        ("SELECT missing FROM ratings", "missing"),
        ("SELECT 1 AS a, 2 AS b", "No file has a user and an item in each row. Found: ratings.jsonl .a, b."),
    ],
)
def test_a_wrong_query_is_refused_for_good(
    shop: Execute, store: Store, memory_hdfs: Any, query: str, said: str
) -> None:
    with pytest.raises(IngestError, match=said) as caught:
        store(query=query)
    assert not caught.value.may_pass
    assert PASSWORD not in str(caught.value)
    assert not snapshots(memory_hdfs)


def test_two_columns_of_one_name_are_refused(postgresql: str, shop: Execute, store: Store) -> None:
    given = {"conn_type": "postgres", "host": postgresql, "login": "postgres"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_SHOP", json.dumps(given))
        with pytest.raises(IngestError, match=r"two columns named .a.\. Give each a name of its own by AS"):
            store(query="SELECT 1 AS a, 2 AS a")


def test_a_mapping_whose_columns_the_query_lacks_is_refused(
    shop: Execute, store: Store, memory_hdfs: Any, mapping: Path
) -> None:
    mapping.write_text(MAPPING.replace('"rating"', '"stars"'))
    said = "query of .ratings. has no column 'stars', which the mapping names as value. It has: id, user_id, item_id"
    with pytest.raises(IngestError, match=said):
        store(query=None, mapping=mapping)
    with pytest.raises(IngestError, match=r"another `query` in .ratings."):
        store(query=QUERY, mapping=mapping)
    assert not snapshots(memory_hdfs)


def test_a_colon_a_percent_and_a_comment_in_a_query_stay_what_they_are(
    shop: Execute, store: Store, memory_hdfs: Any
) -> None:
    store(query="SELECT user_id, item_id, 'a :b % c' AS title FROM ratings WHERE user_id LIKE 'u1%' -- :only one")
    assert {line.split("\t")[0] for line in lines(memory_hdfs)} == {"1"}


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (None, "Airflow has no connection 'shop'"),
        (
            {"conn_type": "sqlite", "host": "/nowhere/shop.db"},
            "names the SQLite file '/nowhere/shop.db', which is not there",
        ),
        ({"conn_type": "mongo", "host": "h"}, "of the kind 'mongo', which ingest cannot query"),
        ({"conn_type": "postgres", "host": "127.0.0.1", "port": 1}, "(?i)refused.*Run again when the database answers"),
        ({"conn_type": "mysql", "host": "127.0.0.1", "port": 1}, "(?i)refused.*Run again when the database answers"),
    ],
)
def test_a_wrong_connection_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any] | None, said: str
) -> None:
    if connection is not None:
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(connection | {"password": PASSWORD}))
    with pytest.raises(IngestError, match=said) as caught:
        store()
    assert PASSWORD not in str(caught.value)


def test_no_password_is_in_what_is_stored_or_logged(
    shop: Execute, store: Store, memory_hdfs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        found = store()
    assert PASSWORD not in json.dumps(found) + caplog.text
    assert all(PASSWORD.encode() not in content for content in memory_hdfs.files.values())


@pytest.mark.parametrize(
    "source",
    [
        "postgresql://me:secret-word@host/db",
        "s3://key:secret-word@bucket/x",
        "https://host/secret-word",
        "shop; secret-word",
        "hdfs://namenode:9000/x",
        "s3://",
        "hdfs:///../etc",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_its_login(store: Store, source: str) -> None:
    with pytest.raises(IngestError) as caught:
        store(source=source, query=None)
    assert "secret-word" not in str(caught.value)


def test_inspect_proposes_a_mapping_with_the_query_and_reads_it_again(
    shop: Execute, store: Store, memory_hdfs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proposed = tmp_path / "proposed.toml"
    assert inspect(["--source=shop", f"--query={QUERY}", f"--output={proposed}"]) == 0
    assert "Of 60 rows in the sample, 60 would be kept" in capsys.readouterr().out
    assert f'query = "{QUERY}"' in proposed.read_text()
    assert inspect(["--source=shop", f"--mapping={proposed}"]) == 0
    assert "Of 60 rows in the sample, 60 would be kept" in capsys.readouterr().out
    store(query=None, mapping=proposed)
    assert len(lines(memory_hdfs)) == 60
    assert inspect(["--source=shop"]) == 1
    assert "A database needs a query" in capsys.readouterr().err


# --- SINCE


def test_since_a_value_reads_only_rows_above_it(shop: Execute, store: Store, memory_hdfs: Any) -> None:
    found = store(since="id:50")
    assert len(lines(memory_hdfs)) == 10
    assert found["source"]["reached"] == {"until": "60", "rows": 60}
    store(SECOND, since="rated_at:2026-06-30")
    assert len(lines(memory_hdfs, SECOND)) == 30
    with pytest.raises(IngestError, match="no rows with id above 60"):
        store(THIRD, since="id:60")


@pytest.mark.parametrize("column", ["id", "rated_at"])
def test_since_a_column_goes_on_where_the_batch_before_ended(
    shop: Execute, store: Store, memory_hdfs: Any, column: str
) -> None:
    store(since=column)
    add(shop, [("new", 100, 5, "2027-01-01 00:00:00"), ("u1", 777, 1, "2027-01-02 00:00:00")])
    found = store(SECOND, since=column)
    assert found["source"]["rows"]["kept"] == 2
    assert found["source"]["goes_on_after"] == FIRST
    assert lines(memory_hdfs, SECOND)[:60] == lines(memory_hdfs)
    numbers = memory_hdfs.files["/marquee/ids/my-shop/00000001.tsv"].decode().splitlines()
    users = {line.split("\t")[2]: line.split("\t")[1] for line in numbers}
    assert [line.split("\t")[0] for line in lines(memory_hdfs, SECOND)[60:]] == ["8", users["u1"]]
    assert len(lines(memory_hdfs, SECOND, "movies.tsv")) == 12
    # Nothing new: the batch stands for the same content.
    third = store(THIRD, since=column)
    assert third["snapshot"] == f"{ROOT}/{SECOND}"


def test_since_reads_all_rows_again_if_some_came_late_or_were_deleted(
    shop: Execute, store: Store, memory_hdfs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store(since="rated_at")
    add(shop, [("late", 100, 5, "2026-01-01 00:00:00")])
    store(SECOND, since="rated_at")
    assert len(lines(memory_hdfs, SECOND)) == 61
    assert "Rows came late or were deleted" in caplog.text
    shop("DELETE FROM ratings WHERE user_id = 'u3'")
    store(THIRD, since="rated_at")
    assert len(lines(memory_hdfs, THIRD)) == shop("SELECT COUNT(*) FROM ratings")[0][0]


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("stars", "SINCE names the column 'stars', and the query has: id, user_id"),
        (":5", "SINCE is ':5'. Give a column"),
        ("id:", "SINCE is 'id:'. Give a column"),
        ("rated_at", "1 rows have no rated_at"),
    ],
)
def test_a_since_that_cannot_be_is_refused(
    shop: Execute, store: Store, memory_hdfs: Any, since: str, said: str
) -> None:
    add(shop, [("u1", 100, 5, None)])
    with pytest.raises(IngestError, match=said):
        store(since=since)
    assert not snapshots(memory_hdfs)


def test_query_and_since_need_a_source_and_a_source_needs_no_archive(store: Store, tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="QUERY and SINCE belong to a SOURCE"):
        store(source=None)
    with pytest.raises(IngestError, match="Both ARCHIVE and SOURCE"):
        store(archive=tmp_path)
    with pytest.raises(IngestError, match="QUERY is for a database"):
        store(source="s3://bucket/x")
    with pytest.raises(IngestError, match="is a data set of MovieLens"):
        store(dataset="ml-1m")


def test_memory_does_not_grow_with_the_rows(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "postgres", "host": postgresql, "login": "postgres"})
    )
    peaks = []
    for rows in (20_000, 200_000):
        query = f"SELECT number % 99 AS user_id, number % 7 AS item_id, 3 AS rating FROM generate_series(1, {rows}) AS number"
        tracemalloc.start()
        fetch_queries(find_connection("shop"), {"ratings": query}, None, tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + (4 << 20)
