"""Let one run of a DAG work at a time, whatever started it, under its own batch id.

`max_active_runs` holds back scheduled and manual runs, but Airflow counts the runs of each backfill separately.
A run's first task therefore writes the run's id into a file in HDFS. It waits while the file names another run that is
still running. It is a setup task: clearing any other task of a run runs it again before that task.

When it is the run's turn, the task claims the run's batch id, which is its result.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseSensorOperator, Context
from airflow.sdk.bases.sensor import PokeReturnValue

from marquee import settings
from marquee.cluster import claims, hdfs

INGEST = "ingest_movielens"


class OneRunSensor(BaseSensorOperator):
    """Wait for the run's turn without holding a worker; return the run's batch id.

    Its pool has one slot, so that no other run writes the file between this task's read and its write.
    """

    template_fields = ("holder_file",)

    def __init__(self, *, holder_file: str, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", **kwargs)
        self.holder_file = holder_file

    def poke(self, context: Context) -> PokeReturnValue:
        """Return whether it is this run's turn, and its batch id."""
        client = hdfs.client()
        run_id = context["run_id"]
        holder = self._holder(client)
        if holder not in (None, run_id):
            running = context["ti"].get_dr_count(dag_id=self.dag_id, run_ids=[holder], states=["running"])
            if running:
                self.log.info("Run %s is still running. This run waits until it ends.", holder)
                return PokeReturnValue(False)
        client.write(self.holder_file, data=run_id, encoding="utf-8", overwrite=True)
        written = context["ti"].xcom_pull(task_ids=INGEST) or {}
        batch_id = claims.claim_batch_id(
            client, f"{self.dag_id} {run_id}", settings.moment_of(context["dag_run"]), written.get("batch_id")
        )
        self.log.info("This run has batch id %s.", batch_id)
        return PokeReturnValue(True, batch_id)

    def _holder(self, client: Any) -> str | None:
        return hdfs.text_of(client, self.holder_file) or None
