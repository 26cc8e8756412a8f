"""Test the watch over the sentiment model: its wiring, its commands, and what starts a training."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MEASURED = {
    "publication": "20261121T030000",
    "model_version": "3",
    "languages": {"en": {"texts": 250, "accuracy": 0.8, "expected": 0.875}},
    "labelled": 7,
}
DECIDED = {"train": True, "cause": "accuracy-20261121T030000-1", "reason": 'The model\'s "accuracy" is low.'}
RESULTS = {
    "find_last_training": {"at": "2026-11-21T03:10:00+00:00"},
    "measure_feedback": MEASURED,
    "decide_retraining": DECIDED,
}


class TaskInstance(SimpleNamespace):
    """A task instance whose earlier tasks have succeeded."""

    def xcom_pull(self, task_ids: str) -> Any:
        return RESULTS[task_ids]


@pytest.fixture
def watched(bag: Any) -> Any:
    """Return a function that returns a copy of a task, rendered."""

    def render(task_id: str) -> Any:
        task = copy.copy(bag.dags["watch_sentiment"].get_task(task_id))
        task.render_template_fields({"ti": TaskInstance(), "dag": bag.dags["watch_sentiment"]})
        return task

    return render


def test_it_runs_hourly_one_at_a_time_and_starts_unasked(bag: Any) -> None:
    dag = bag.dags["watch_sentiment"]
    assert (dag.timetable.expression, dag.max_active_runs, dag.catchup) == ("20 * * * *", 1, False)
    assert dag.is_paused_upon_creation is False
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "find_last_training": set(),
        "measure_feedback": {"find_last_training"},
        "decide_retraining": {"measure_feedback"},
        "start_training": {"decide_retraining"},
    }
    for word in ("Purpose", "What holds it back", "Rerun rule", "Triage"):
        assert word in dag.doc_md


def test_the_program_that_measures_understands_its_command(watched: Any) -> None:
    from serving.reviews.measure_feedback import arguments

    argv = watched("measure_feedback").argv
    assert argv[1:3] == ["-m", "serving.reviews.measure_feedback"]
    assert arguments().parse_args(argv[3:]).labelled_since.isoformat() == "2026-11-21T03:10:00+00:00"


def test_the_programs_of_the_watch_understand_their_commands(watched: Any) -> None:
    from serving.reviews.watching.__main__ import arguments

    first = arguments().parse_args(watched("find_last_training").argv[3:])
    assert (first.command, first.tracking_uri) == ("last-training", "http://127.0.0.1:5000")
    argv = watched("decide_retraining").argv
    assert argv[1:3] == ["-m", "serving.reviews.watching"]
    found = arguments().parse_args(argv[3:])
    assert (found.command, found.measured) == ("decide", MEASURED)
    assert (found.least_feedback, found.drop, found.least_labelled, found.pause_hours) == (200, 0.03, 500, 24.0)


def test_the_limits_of_the_settings_are_those_of_the_program_and_of_the_alert() -> None:
    from marquee import settings

    from serving.reviews.watching.decision import Limits

    limits = Limits()
    expected = {
        "FEEDBACK": limits.least_feedback,
        "DROP": limits.drop,
        "LABELLED": limits.least_labelled,
        "PAUSE_HOURS": limits.pause.total_seconds() / 3600,
    }
    pipeline = tomllib.loads((REPOSITORY / "infra/control/settings.toml").read_text(encoding="utf-8"))["The pipeline"]
    for (name, value), option in zip(expected.items(), settings.RETRAINING_LIMITS.values(), strict=True):
        assert float(option) == float(pipeline[f"MARQUEE_SENTIMENT_RETRAIN_{name}"]["default"]) == value
    assert pipeline["MARQUEE_SENTIMENT_WATCH_SCHEDULE"]["default"] == settings.SENTIMENT_WATCH_SCHEDULE
    rules = (REPOSITORY / "infra/monitoring/rules/reviews_alerts.yml").read_text(encoding="utf-8")
    alert = rules.split("alert: FeedbackAccuracyLow")[1].split("labels:")[0]
    assert re.findall(r">= ([\d.]+)", alert) == [str(limits.drop), str(limits.least_feedback)]


def test_a_training_is_named_after_its_cause_so_that_no_cause_starts_two(watched: Any) -> None:
    from airflow.sdk.exceptions import DagRunTriggerException

    task = watched("start_training")
    assert (task.trigger_dag_id, task.skip_when_already_exists, task.reset_dag_run) == ("train_sentiment", True, False)
    with pytest.raises(DagRunTriggerException) as started:
        task.execute({"ti": TaskInstance()})
    assert started.value.dag_run_id == "watch__accuracy-20261121T030000-1"
    assert started.value.conf["cause"] == DECIDED["reason"]


@pytest.mark.parametrize(
    ("train", "works", "chosen"), [(True, 0, "start_training"), (False, 0, None), (True, 1, None), (False, 1, None)]
)
def test_a_training_starts_if_it_is_due_and_none_works(
    watched: Any, monkeypatch: pytest.MonkeyPatch, train: bool, works: int, chosen: str | None
) -> None:
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    task = watched("decide_retraining")
    monkeypatch.setattr(task, "run", lambda _argv: json.dumps(DECIDED | {"train": train}))
    kept: dict[str, Any] = {}
    taken: list[str | None] = []

    def count(dag_id: str, states: list[str]) -> int:
        assert (dag_id, states) == ("train_sentiment", ["queued", "running"])
        return works

    def branch(_context: Any, way: str | None) -> None:
        taken.append(way)
        raise DownstreamTasksSkipped(tasks=["start_training"])

    monkeypatch.setattr(task, "do_branch", branch)
    ti = TaskInstance(get_dr_count=count, xcom_push=lambda key, value: kept.update({key: value}))
    with pytest.raises(DownstreamTasksSkipped):
        task.execute({"ti": ti})
    assert taken == [chosen]
    decision = kept["return_value"]
    assert decision["train"] == (chosen is not None)
    assert decision["reason"].endswith("A training works or waits already." if train and works else "is low.")
