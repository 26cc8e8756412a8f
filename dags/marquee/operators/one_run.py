"""Let one run of a DAG work at a time, whatever started it.

`max_active_runs` holds back scheduled and manual runs, but Airflow counts the runs of each backfill separately.
A run's first task therefore writes the run's id into a file in HDFS. It waits while the file names another run that is
still running. It is a setup task: clearing any other task of a run runs it again before that task.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseSensorOperator, Context

from marquee.cluster import hdfs


class OneRunSensor(BaseSensorOperator):
    """Wait for the run's turn without holding a worker.

    Its pool has one slot, so that no other run writes the file between this task's read and its write.
    """

    template_fields = ("holder_file",)

    def __init__(self, *, holder_file: str, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", **kwargs)
        self.holder_file = holder_file

    def poke(self, context: Context) -> bool:
        """Return whether it is this run's turn."""
        client = hdfs.client()
        run_id = context["run_id"]
        holder = self._holder(client)
        if holder not in (None, run_id):
            running = context["ti"].get_dr_count(dag_id=self.dag_id, run_ids=[holder], states=["running"])
            if running:
                self.log.info("Run %s is still running. This run waits until it ends.", holder)
                return False
        client.write(self.holder_file, data=run_id, encoding="utf-8", overwrite=True)
        return True

    def _holder(self, client: Any) -> str | None:
        if client.status(self.holder_file, strict=False) is None:
            return None
        with client.read(self.holder_file, encoding="utf-8") as reader:
            holder: str = reader.read()
        return holder or None
