"""Test the DAG's schedule, and that the store understands its commands."""

from typing import Any

import pytest


def test_the_dag_follows_each_publication_and_starts_unasked(bag: Any) -> None:
    dag = bag.dags["drop_old_batches"]
    assert [asset.name for asset in dag.timetable.asset_condition.objects] == ["live_recommendations"]
    assert dag.is_paused_upon_creation is False
    assert [task.task_id for task in dag.tasks] == ["prune_publications", "drop_old_batches"]
    assert dag.get_task("drop_old_batches").upstream_task_ids == {"prune_publications"}
    for word in ("Purpose", "Rerun rule", "Triage"):
        assert word in dag.doc_md


def test_the_publication_store_understands_how_it_is_pruned(bag: Any) -> None:
    from serving.publications.__main__ import build_parser

    options = build_parser().parse_args(bag.dags["drop_old_batches"].get_task("prune_publications").argv[3:])
    assert (options.command, options.keep, options.actor, options.dry_run) == ("prune", 7, "airflow", False)


@pytest.mark.parametrize("argument", ["list", "ledger"])
def test_the_publication_store_understands_what_retention_asks(bag: Any, argument: str) -> None:
    from serving.publications.__main__ import build_parser

    task = bag.dags["drop_old_batches"].get_task("drop_old_batches")
    argv = task.argv if argument == "list" else task.ledger_argv
    options = build_parser().parse_args(argv[3:])
    assert (options.command, getattr(options, "json", True)) == (argument, True)
