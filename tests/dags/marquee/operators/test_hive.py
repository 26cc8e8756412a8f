"""Test that a load or an export replaces all of its tables, or none when it is stopped."""

import re
from typing import Any

import pytest
from marquee import settings
from marquee.cluster.attempts import SupersededError
from marquee.cluster.hive import HiveError

from tests.dags.hive_server import HiveServer
from tests.dags.memory_hdfs import MemoryHdfs

BATCH = "20261123T190000"
WAREHOUSE = "/marquee/warehouse"
TABLE = re.compile(r"INSERT OVERWRITE TABLE marquee_attempt\.(\w+) PARTITION \(batch_id = '(.+)'\)")
DIRECTORY = re.compile(r"INSERT OVERWRITE DIRECTORY '(.+)'")
EARLIER = {f"{WAREHOUSE}/{table}/batch_id={BATCH}/000000_0": "earlier" for table in settings.WAREHOUSE_TABLES}
EXPORTED = {f"/marquee/exports/{BATCH}/{table}/000000_0": "earlier" for table in settings.PUBLISHED_TABLES}


@pytest.fixture
def writes(hive: HiveServer, hdfs: MemoryHdfs, killed_tags: list[str]) -> Any:
    """Return a function that lets statements write their tables into HDFS, as Hive does."""
    for path, text in (EARLIER | EXPORTED).items():
        hdfs.put(path, text)

    def as_of(text: str) -> Any:
        def write(statement: str) -> None:
            if found := TABLE.search(statement):
                hdfs.put(f"{WAREHOUSE}/_attempts/{found[1]}/batch_id={found[2]}/000000_0", text)
            elif found := DIRECTORY.search(statement):
                hdfs.put(f"{found[1]}/000000_0", text)

        return write

    return as_of


def loaded(text: str) -> dict[str, str]:
    """Return the warehouse after a load of a data set without tags and users."""
    tables = set(settings.WAREHOUSE_TABLES) - {"tags", "users"}
    return {f"{WAREHOUSE}/{table}/batch_id={BATCH}/000000_0": text for table in tables}


def test_a_load_replaces_every_table_and_makes_the_partitions_readable_at_the_end(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any
) -> None:
    hive.run = writes("new")
    hdfs.put(f"{WAREHOUSE}/_attempts/ratings/batch_id={BATCH}/000000_0", "of a load that was killed")
    rendered("load_warehouse").execute(context)
    assert hdfs.files(WAREHOUSE) == loaded("new")
    assert hdfs.list(f"{WAREHOUSE}/tags/batch_id={BATCH}") == []
    added = [text for text in hive.statements if "ALTER TABLE marquee." in text and "LOCATION '/marquee/ware" in text]
    assert hive.statements[-13:] == added


def test_a_load_that_fails_puts_nothing_in_place(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any
) -> None:
    write = writes("new")

    def run_until_the_genres(statement: str) -> None:
        write(statement)
        if "marquee_attempt.movie_genres PARTITION" in statement:
            raise RuntimeError

    hive.run = run_until_the_genres
    with pytest.raises(HiveError, match="Tez has no memory"):
        rendered("load_warehouse").execute(context)
    assert EARLIER.items() <= hdfs.files(WAREHOUSE).items()
    assert not any("movie_statistics PARTITION" in text for text in hive.statements)


def test_a_load_that_is_stopped_cancels_its_statement_and_puts_nothing_in_place(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any, killed_tags: list[str]
) -> None:
    task, write = rendered("load_warehouse"), writes("new")

    def run(statement: str) -> None:
        write(statement)
        if "marquee_attempt.ratings PARTITION (batch_id = '" in statement and "INSERT" in statement:
            task.on_kill()

    hive.run, hive.endless = run, "OVERWRITE TABLE marquee_attempt.ratings "
    with pytest.raises(HiveError, match="stopped because its task was"):
        task.execute(context)
    assert hive.state_of("OVERWRITE TABLE marquee_attempt.ratings ") == "CANCELED_STATE"
    # The first one ends what an earlier try left; the tag of the task would end the next try's application too.
    assert killed_tags == ["marquee-20261123t190000-load_warehouse", "marquee-2-0199-cafe"]
    assert hive.settings == ["SET hive.query.tag=marquee-20261123t190000-load_warehouse,marquee-2-0199-cafe"]
    assert EARLIER.items() <= hdfs.files(WAREHOUSE).items()


def test_a_load_that_is_stopped_after_its_last_statement_puts_nothing_in_place(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any
) -> None:
    task, hive.run = rendered("load_warehouse"), writes("new")

    def stop_at_the_second_table(name: str, path: str) -> None:
        if name == "rename" and "/_attempts/movies/" in path:
            hdfs.before_change = lambda name, path: None
            task.on_kill()

    hdfs.before_change = stop_at_the_second_table
    with pytest.raises(SupersededError):
        task.execute(context)
    assert EARLIER.items() <= hdfs.files(WAREHOUSE).items()


@pytest.mark.parametrize("overtaken_at", ["ratings", "movie_ratings_by_year"])
def test_a_late_load_does_not_begin_another_statement_nor_replace_what_the_next_try_loaded(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any, overtaken_at: str
) -> None:
    late, next_try = rendered("load_warehouse"), rendered("load_warehouse")
    next_try.attempt = "3-0200-beef"
    next_try.sql = [text.replace("2-0199-cafe", "3-0200-beef") for text in late.sql]
    write = writes("late")

    def run(statement: str) -> None:
        if f"TABLE marquee_attempt.{overtaken_at} PARTITION (batch_id = '{BATCH}-2-" in statement:
            hive.run = writes("of the next try")
            next_try.execute(context)
            hive.statements.clear()
        write(statement)

    hive.run = run
    with pytest.raises(SupersededError, match="Try 2-0199-cafe was stopped, or a later try"):
        late.execute(context)
    assert hive.statements == []
    assert {path: text for path, text in hdfs.files(WAREHOUSE).items() if "_attempts" not in path} == loaded(
        "of the next try"
    )


def test_an_export_replaces_every_folder(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any
) -> None:
    hive.run = writes("new")
    rendered("export_tables").execute(context)
    assert hdfs.files("/marquee/exports") == dict.fromkeys(EXPORTED, "new")


def test_an_export_that_is_stopped_leaves_the_earlier_one(
    rendered: Any, context: dict[str, Any], hive: HiveServer, hdfs: MemoryHdfs, writes: Any
) -> None:
    task, write = rendered("export_tables"), writes("new")

    def run(statement: str) -> None:
        write(statement)
        if "row_accounting'" in statement:
            task.on_kill()

    hive.run = run
    with pytest.raises(HiveError):
        task.execute(context)
    assert EXPORTED.items() <= hdfs.files("/marquee/exports").items()
