"""Test when the DAGs start by themselves, by Airflow's own timetable."""

from datetime import datetime
from typing import Any

import pytest


def first_run(bag: Any, dag_id: str, now: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return when the DAG starts for the first time if it is switched on `now`."""
    import airflow.timetables.trigger
    import pendulum
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction

    monkeypatch.setattr(airflow.timetables.trigger, "utcnow", lambda: pendulum.parse(now))
    dag = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[dag_id]))
    timetable = getattr(dag.timetable, "_timetable", dag.timetable)
    following = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(dag.start_date, None, catchup=dag.catchup)
    )
    when: datetime = following.run_after
    return when.isoformat()[:16]


@pytest.mark.parametrize(
    ("dag_id", "switched_on", "first"),
    [
        ("build_recommendations", "2026-11-29T02:50", "2026-11-29T03:00"),
        ("build_recommendations", "2026-11-29T03:00:10", "2026-11-29T03:00"),
        ("build_recommendations", "2026-11-29T03:09", "2026-11-30T03:00"),
        ("build_recommendations", "2026-11-29T05:20", "2026-11-30T03:00"),
        ("build_movie_sentiment", "2026-11-29T06:30", "2026-11-30T05:00"),
        ("tune_als", "2026-11-29T20:00", "2026-12-06T06:00"),
        ("train_sentiment", "2026-11-29T20:00", "2026-12-06T07:00"),
        ("watch_sentiment", "2026-11-29T20:24", "2026-11-29T21:20"),
    ],
)
def test_a_dag_that_is_switched_on_after_its_hour_waits_for_the_next(
    bag: Any, dag_id: str, switched_on: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_run(bag, dag_id, switched_on, monkeypatch) == first
