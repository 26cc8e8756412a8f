"""Test what a cleaning task replaces, and what a retry, a failure or a stop does."""

from typing import Any

import pytest
from marquee.cluster.programs import ProgramError


def test_a_cleaning_job_writes_an_attempt_and_then_replaces_the_runs_directory(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    task = rendered("mr_clean_ratings")
    commands = programs(task, "")
    batch = "/marquee/clean/movielens-embedded/20261123T190000"
    assert task.execute(context) == {"directory": f"{batch}/ratings", "bytes": 12, "files": 2}
    attempt = f"{batch}/_attempt-ratings-2"
    tag = "marquee-20261123t190000-mr_clean_ratings"
    assert commands[0][-5:-1] == ["--output-dir", f"hdfs://{attempt}", "-D", f"mapreduce.job.tags={tag}"]
    assert hdfs.calls == [
        ("kill", tag),
        ("delete", attempt),
        ("delete", f"{batch}/ratings"),
        ("makedirs", batch),
        ("rename", attempt, f"{batch}/ratings"),
    ]


def test_a_cleaning_job_that_fails_leaves_the_earlier_output(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    task = rendered("mr_clean_ratings")
    programs(task, ProgramError("no memory", 1))
    with pytest.raises(ProgramError):
        task.execute(context)
    assert [call[0] for call in hdfs.calls] == ["kill", "delete"]


def test_a_part_that_the_data_set_lacks_is_skipped_and_what_an_earlier_set_left_is_removed(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    task = rendered("mr_clean_tags")
    commands = programs(task)
    with pytest.raises(AirflowSkipException, match="has no file for mr_clean_tags"):
        task.execute(context)
    assert commands == []
    assert hdfs.calls == [("delete", "/marquee/clean/movielens-embedded/20261123T190000/tags")]


def test_a_cleaning_job_that_is_stopped_ends_its_yarn_application(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    task = rendered("mr_clean_movies")
    programs(task, "")
    task.execute(context)
    hdfs.calls.clear()
    task.on_kill()
    assert hdfs.calls == [("kill", "marquee-20261123t190000-mr_clean_movies")]
