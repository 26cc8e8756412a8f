"""The last line of a failed task's log."""

import logging
from types import SimpleNamespace

import pytest
from marquee.failures import explain_failure


@pytest.mark.parametrize(
    "error", ["This file has no ratings.", "This file has no ratings", "This file has no ratings.\nmore"]
)
def test_a_failed_task_says_its_reason_as_one_sentence(caplog: pytest.LogCaptureFixture, error: str) -> None:
    instance = SimpleNamespace(task_id="ingest_movielens", run_id="manual__1", try_number=2)
    with caplog.at_level(logging.ERROR, "airflow.task"):
        explain_failure({"ti": instance, "exception": ValueError(error)})
    assert (
        "Task ingest_movielens of run manual__1 failed at its last attempt, number 2: This file has no ratings. It published nothing."
        in caplog.text
    )
