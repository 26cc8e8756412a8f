"""Test the weekly search: one Spark job that changes nothing by itself."""

import argparse
import importlib
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def command(bag: Any, context: dict[str, Any]) -> list[str]:
    task = bag.dags["tune_als"].get_task("search_settings")
    task.render_template_fields(context | {"params": {"of_batch": "", "trials": 20, "seed": 7}})
    return task.application_args


def test_it_runs_weekly_one_at_a_time_and_never_catches_up(bag: Any) -> None:
    dag = bag.dags["tune_als"]
    assert (dag.timetable.expression, dag.max_active_runs, dag.catchup) == ("0 6 * * 0", 1, False)
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "wait_for_other_runs": set(),
        "search_settings": {"wait_for_other_runs"},
    }
    assert dag.get_task("search_settings").outlets == []
    for word in ("Purpose", "Rerun rule", "Triage", "Using a proposal"):
        assert word in dag.doc_md


def test_the_program_understands_its_command(command: list[str]) -> None:
    parser: argparse.ArgumentParser = importlib.import_module("search_settings").arguments()
    options = parser.parse_args(command)
    assert vars(options) | {"result": None, "tracking_uri": None} == vars(
        SimpleNamespace(
            batch_id="20261123T190000",
            of_batch="",
            database="marquee",
            tracking_uri=None,
            experiment="marquee-tuning",
            model_name="marquee-als",
            trials=20,
            seed=7,
            result=None,
        )
    )
