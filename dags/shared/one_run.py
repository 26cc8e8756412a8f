"""Lets one run of a DAG work at a time, whatever started it.

`max_active_runs` holds back scheduled and manual runs, but Airflow counts the runs of each backfill apart. So a run's
first task writes the run's id into a file in HDFS, and waits while the run that is named there is still running. It is a
setup task: clearing any other task of a run runs it again before that task.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseSensorOperator, Context

from shared.operators import hdfs_client


class OneRunSensor(BaseSensorOperator):
    """Waits for its turn, without holding a worker; the pool of one slot makes reading and writing the file one step."""

    template_fields = ("holder_file",)

    def __init__(self, *, holder_file: str, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", **kwargs)
        self.holder_file = holder_file

    def poke(self, context: Context) -> bool:
        """Return whether it is this run's turn."""
        client = hdfs_client()
        run_id = context["run_id"]
        holder = self._holder(client)
        if holder not in (None, run_id):
            running = context["ti"].get_dr_count(dag_id=self.dag_id, run_ids=[holder], states=["running"])
            if running:
                self.log.info("Run %s is at work; this one waits for it to end.", holder)
                return False
        client.write(self.holder_file, data=run_id, encoding="utf-8", overwrite=True)
        return True

    def _holder(self, client: Any) -> str | None:
        if client.status(self.holder_file, strict=False) is None:
            return None
        with client.read(self.holder_file, encoding="utf-8") as reader:
            holder: str = reader.read()
        return holder or None
