"""Own data from a database and from HDFS, read by the proposed mapping, and newer rows by SINCE."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hdfs import InsecureClient

from tests.e2e.own_data import back_to_movielens, check_accounts, check_lists, inspect, live, run
from tests.e2e.warehouse import airflow
from tests.postgresql import running_postgresql
from tests.sentiment_models import wait_until
from tests.shapes.every import SHAPES
from tests.shapes.tastes import OwnData, Rating, taste
from tests.stack import Stack

pytestmark = [pytest.mark.shapes, pytest.mark.stack, pytest.mark.timeout(7200)]
QUERY = "SELECT id, customer, product, stars, rated_at FROM ratings"
SHOP = "my-shop"


def test_parts_of_parquet_in_hdfs_with_times_of_1980_are_served(stack: Stack, first_run: str, tmp_path: Path) -> None:
    data, mapping = SHAPES["parquet"](tmp_path), tmp_path / "mapping.toml"
    client = InsecureClient(stack.variables["MARQUEE_WEBHDFS_URL"], user=stack.variables["MARQUEE_HDFS_USER"])
    client.delete("/own/orders", recursive=True)
    client.makedirs("/own")
    client.upload("/own/orders", str(data.archive))
    source = "--source=hdfs:///own/orders"
    assert "and 0 quarantined (0.0%)" in inspect(stack, mapping, source)
    with back_to_movielens(stack):
        seconds = run(stack, "my-parquet", source, f"--mapping={mapping}")
        publication, lineage = live(stack)
        assert lineage["snapshot"]["source"]["mapping"] == mapping.read_text(encoding="utf-8")
        check_lists(stack, data)
        check_accounts(stack, "my-parquet", data)
        print(f"my-parquet: {seconds:.0f} s", flush=True)
        ((first,),) = stack.hive(
            f"SELECT MIN(YEAR(FROM_UNIXTIME(rated_at))) FROM marquee.ratings WHERE batch_id = '{publication}'"
        )
        assert first == 1980


@pytest.fixture
def shop(stack: Stack) -> Iterator[Any]:
    """A database of a shop, with its connection in Airflow."""
    with running_postgresql() as folder, closing(psycopg2.connect(host=folder, user="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE ratings (id BIGSERIAL PRIMARY KEY, customer TEXT, product BIGINT, stars NUMERIC(2, 1), "
                "rated_at TIMESTAMPTZ)"
            )
            delete = ("airflow", "connections", "delete", "shop")
            stack.run("sh", "-c", '"$@" || true', "sh", *delete)
            uri = ("--conn-host", folder, "--conn-login", "postgres", "--conn-schema", "postgres")
            stack.run("airflow", "connections", "add", "shop", "--conn-type", "postgres", *uri)
            yield cursor
            stack.run(*delete)


def sell(shop: Any, data: OwnData, ratings: list[Rating]) -> None:
    rows = [(f"m\u00fcller/{one.user}", one.item, one.stars, one.time) for one in ratings]
    shop.executemany(
        "INSERT INTO ratings (customer, product, stars, rated_at) VALUES (%s, %s, %s, TO_TIMESTAMP(%s))", rows
    )
    for user, item, _, _ in rows:
        data.add(user, str(item))


def manifest(stack: Stack, batch: str) -> Any:
    client = InsecureClient(stack.variables["MARQUEE_WEBHDFS_URL"])
    with client.read(f"/marquee/raw/{SHOP}/{batch}/manifest.json", encoding="utf-8") as reader:
        return reader.read()


def clear_ingest(stack: Stack, run_id: str) -> None:
    """Clear the ingest of a run that has ended, and wait until it has run again."""
    api = airflow(stack)
    body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "include_downstream": False}

    def clear() -> None:
        address = "/dags/build_recommendations/clearTaskInstances"
        api._call("POST", address, {**body, "task_ids": ["ingest_movielens"]})

    def task() -> tuple[str | None, int]:
        (found,) = (task for task in api.tasks(run_id) if task["task_id"] == "ingest_movielens")
        return found["state"], found["try_number"]

    def has_run_again() -> bool:
        # See test_stopped_tasks.py: the scheduler may end the run before it sees what was cleared.
        if task()[0] is None and api.run(run_id)["state"] in ("success", "failed"):
            clear()
        return task() == ("success", before + 1)

    _, before = task()
    clear()
    wait_until("ingest has run again", has_run_again, seconds=300)
    wait_until("the run has ended", lambda: api.run(run_id)["state"] == "success", seconds=300)


def test_a_table_of_postgresql_is_read_once_and_then_its_newer_rows(
    stack: Stack, first_run: str, shop: Any, tmp_path: Path
) -> None:
    data, mapping = OwnData(tmp_path), tmp_path / "mapping.toml"
    ratings = sorted(taste().ratings, key=lambda one: one.time)
    # Everybody here rates about as often, so that a tenth more rows moves activity further than the drift check allows.
    most = len(ratings) * 49 // 50
    sell(shop, data, ratings[:most])
    assert "and 0 quarantined (0.0%)" in inspect(stack, mapping, "--source=shop", f"--query={QUERY}")
    given = ("--source=shop", f"--mapping={mapping}", "--since=id")
    with back_to_movielens(stack):
        print(f"{SHOP}: {run(stack, SHOP, *given):.0f} s", flush=True)
        first, _ = live(stack)
        check_lists(stack, data)
        check_accounts(stack, SHOP, data)

        sell(shop, data, ratings[most:])
        print(f"{SHOP}, newer rows: {run(stack, SHOP, *given):.0f} s", flush=True)
        second, lineage = live(stack)
        source = lineage["snapshot"]["source"]
        assert (source["goes_on_after"], source["rows"]["kept"]) == (first, len(ratings) - most)
        check_lists(stack, data)
        ((rows,),) = stack.hive(
            f"SELECT rows_in FROM marquee.row_accounting WHERE batch_id = '{second}' AND source_file = 'ratings.tsv'"
        )
        assert rows == len(ratings)

        stored = manifest(stack, second)
        sell(shop, data, ratings[:50])
        clear_ingest(stack, lineage["airflow"]["run_id"])
        assert manifest(stack, second) == stored
