"""Test the order of a load: statements, tables in place, partitions."""

from types import SimpleNamespace
from typing import Any

import pytest


def loading(rendered: Any, monkeypatch: pytest.MonkeyPatch, fails: bool) -> tuple[Any, list[str]]:
    """Returns the load task, with what it does written down in order."""
    task = rendered("load_warehouse")
    done: list[str] = []

    def statements(operator: Any, context: Any) -> None:
        done.append("statements")
        assert all(sql.strip() for sql in operator.sql)
        if fails:
            raise RuntimeError("Tez has no memory")

    monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: None)
    monkeypatch.setattr("marquee.operators.hive_load.SQLExecuteQueryOperator.execute", statements)
    monkeypatch.setattr(
        "marquee.cluster.partitions.start_load", lambda client, batch, tables, log: done.append(f"start {batch}")
    )
    monkeypatch.setattr("marquee.cluster.partitions.commit_load", lambda client, batch, tables: done.append("commit"))
    hook = SimpleNamespace(run=lambda sql: done.append(f"{len(sql)} partitions"))
    monkeypatch.setattr(task, "get_db_hook", lambda: hook)
    return task, done


def test_a_load_runs_its_statements_then_puts_the_tables_in_place_then_makes_them_readable(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, done = loading(rendered, monkeypatch, fails=False)
    task.execute(context)
    assert done == ["start 20261123T190000", "statements", "commit", "13 partitions"]


def test_a_load_that_fails_puts_nothing_in_place(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, done = loading(rendered, monkeypatch, fails=True)
    with pytest.raises(RuntimeError):
        task.execute(context)
    assert done == ["start 20261123T190000", "statements"]
