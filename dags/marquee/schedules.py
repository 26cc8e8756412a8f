"""When the DAGs start by themselves."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable

# Airflow takes False for 10 % of the interval: a DAG that is switched on at 05:00 would run again for 03:00, and one
# that is switched on on Sunday evening would run for Sunday morning. Zero would lose the very first night where the
# DAG's file is parsed between 03:00:00 and the start of that night's run.
SWITCHED_ON_AT_MOST = timedelta(minutes=2)


def cron(expression: str) -> CronTriggerTimetable:
    """Return a cron expression's times, in UTC, from when a DAG is switched on.

    DAGs have no start_date: with one, Airflow starts the last run that was missed at once.
    """
    return CronTriggerTimetable(expression, timezone="UTC", run_immediately=SWITCHED_ON_AT_MOST)
