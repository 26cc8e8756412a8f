"""Test the DAG's schedule, and that the store understands its commands."""

from typing import Any

import pytest


def test_the_dag_follows_each_publication_and_starts_unasked(bag: Any) -> None:
    dag = bag.dags["drop_old_batches"]
    condition = dag.timetable.asset_condition
    assert sorted(asset.name for asset in condition.objects) == [
        *("live_recommendations", "live_sentiment", "movie_sentiment")
    ]
    # Any of them starts it: one product's retention does not wait for the other's publication.
    assert type(condition).__name__.endswith("AssetAny")
    assert dag.is_paused_upon_creation is False
    assert sorted(task.task_id for task in dag.tasks) == ["drop_old_batches", "prune_models", "prune_publications"]
    assert dag.get_task("drop_old_batches").upstream_task_ids == {"prune_publications", "prune_models"}
    for word in ("Purpose", "Rerun rule", "Triage"):
        assert word in dag.doc_md


def test_each_announced_asset_is_made_by_a_task(bag: Any) -> None:
    made = {asset.name for dag in bag.dags.values() for task in dag.tasks for asset in task.outlets}
    assert made == {"live_recommendations", "live_sentiment", "movie_sentiment"}


@pytest.mark.parametrize(
    ("task_id", "store"),
    [("prune_publications", "/instance/data/serving"), ("prune_models", "/instance/data/sentiment")],
)
def test_the_publication_store_understands_how_it_is_pruned(bag: Any, task_id: str, store: str) -> None:
    from serving.publications.__main__ import build_parser

    options = build_parser().parse_args(bag.dags["drop_old_batches"].get_task(task_id).argv[3:])
    assert (options.command, options.keep, options.actor, options.dry_run) == ("prune", 7, "airflow", False)
    assert str(options.store) == store


@pytest.mark.parametrize("command", ["list", "ledger"])
def test_the_publication_store_understands_what_retention_asks(bag: Any, command: str) -> None:
    from serving.publications.__main__ import build_parser

    task = bag.dags["drop_old_batches"].get_task("drop_old_batches")
    assert [str(store) for store in task.stores] == ["/instance/data/serving", "/instance/data/sentiment"]
    for store in task.stores:
        argv = task.listing(store) if command == "list" else task.ledger(store)
        options = build_parser().parse_args(argv[3:])
        assert (options.command, getattr(options, "json", True), options.store) == (command, True, store)


def test_what_is_dropped_is_what_the_loads_write(bag: Any) -> None:
    from marquee.operators.batches import FAMILIES

    for family in FAMILIES:
        loading = bag.dags[family.dag_id].get_task(family.loading)
        assert tuple(loading.tables) == family.loaded
        statements = "\n".join(loading.sql)
        assert all(f"load_{table}.hql" in statements for table in family.staging)
