"""Test that a load killed at any call leaves the old batch or a complete new one."""

import json
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any

import pytest
from marquee.cluster import partitions

BATCH = "20261123T190000"
TABLES = ["ratings", "movies", "tags"]
OLD = {"ratings": "old ratings", "movies": "old movies", "tags": "old tags"}
NEW = {"ratings": "new ratings", "movies": "new movies", "tags": None}


class Killed(BaseException):
    """Stand for a kill: no handler may catch it."""


class Hdfs:
    """Map folders to their content; end the caller at the n-th changing call."""

    def __init__(self, content: dict[str, Any], kill_at: int | None = None) -> None:
        self.content = content
        self.changes = 0
        self.kill_at = kill_at

    def _change(self) -> None:
        if self.changes == self.kill_at:
            raise Killed
        self.changes += 1

    def status(self, path: str, strict: bool = True) -> dict[str, Any] | None:
        return {} if path in self.content else None

    def delete(self, path: str, recursive: bool = False) -> None:
        self._change()
        self.content.pop(path, None)

    def makedirs(self, path: str) -> None:
        self._change()
        self.content.setdefault(path, None)

    def rename(self, source: str, target: str) -> None:
        self._change()
        assert target not in self.content, "HDFS would move the folder into that one"
        self.content[target] = self.content.pop(source)

    def write(self, path: str, data: str, encoding: str, overwrite: bool) -> None:
        self._change()
        self.content[path] = data

    @contextmanager
    def read(self, path: str, encoding: str) -> Any:
        yield StringIO(self.content[path])


class Log:
    def warning(self, event: str, *arguments: Any) -> None: ...

    info = warning


def before_the_commit() -> dict[str, Any]:
    folders = {partitions.partition(table, BATCH): rows for table, rows in OLD.items()}
    return folders | {partitions.attempt(table, BATCH): rows for table, rows in NEW.items() if rows}


def batch_in(hdfs: Hdfs) -> dict[str, Any]:
    return {table: hdfs.content.get(partitions.partition(table, BATCH), "missing") for table in TABLES}


def load_again(hdfs: Hdfs) -> None:
    """Do what the task's next attempt does: begin, write every table again, commit."""
    hdfs.kill_at = None
    partitions.start_load(hdfs, BATCH, TABLES, Log())
    hdfs.content |= {partitions.attempt(table, BATCH): rows for table, rows in NEW.items() if rows}
    partitions.commit_load(hdfs, BATCH, TABLES)


def changes_of_a_commit() -> int:
    hdfs = Hdfs(before_the_commit())
    partitions.commit_load(hdfs, BATCH, TABLES)
    return hdfs.changes


def test_a_commit_replaces_every_table_and_empties_the_one_that_the_data_set_lacks() -> None:
    hdfs = Hdfs(before_the_commit())
    partitions.commit_load(hdfs, BATCH, TABLES)
    assert batch_in(hdfs) == NEW
    assert not any("_attempts" in path for path in hdfs.content)


@pytest.mark.parametrize("kill_at", range(changes_of_a_commit()))
def test_killed_at_any_call_the_batch_is_the_old_one_or_the_next_attempt_makes_it_the_new_one(kill_at: int) -> None:
    hdfs = Hdfs(before_the_commit(), kill_at)
    with suppress(Killed):
        partitions.commit_load(hdfs, BATCH, TABLES)
    committed = partitions.commit_file(BATCH) in hdfs.content
    if not committed:
        assert batch_in(hdfs) == (OLD if kill_at <= 1 else NEW)
    else:
        # The list of complete tables is there: beginning again finishes the earlier load before anything else.
        hdfs.kill_at = None
        partitions.start_load(hdfs, BATCH, [], Log())
        assert batch_in(hdfs) == NEW
    load_again(hdfs)
    assert batch_in(hdfs) == NEW


@pytest.mark.parametrize("again_at", range(changes_of_a_commit()))
def test_killed_twice_the_batch_becomes_whole_all_the_same(again_at: int) -> None:
    hdfs = Hdfs(before_the_commit(), kill_at=6)
    with suppress(Killed):
        partitions.commit_load(hdfs, BATCH, TABLES)
    hdfs.changes, hdfs.kill_at = 0, again_at
    with suppress(Killed):
        partitions.start_load(hdfs, BATCH, TABLES, Log())
    load_again(hdfs)
    assert batch_in(hdfs) == NEW


def test_a_load_that_was_stopped_before_its_commit_leaves_no_table_to_the_next_one() -> None:
    hdfs = Hdfs(before_the_commit() | {partitions.attempt("tags", BATCH): "tags of another data set"})
    partitions.start_load(hdfs, BATCH, TABLES, Log())
    assert batch_in(hdfs) == OLD
    assert not any(path.startswith(partitions.attempt("tags", BATCH)) for path in hdfs.content)


def test_the_commit_file_lists_the_tables_that_were_written() -> None:
    hdfs = Hdfs(before_the_commit(), kill_at=2)
    with pytest.raises(Killed):
        partitions.commit_load(hdfs, BATCH, TABLES)
    content = hdfs.content["/marquee/warehouse/_attempts/commit-20261123T190000.json"]
    assert json.loads(content) == {"ratings": True, "movies": True, "tags": False}
