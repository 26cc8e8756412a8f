"""Run a Spark job as a task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs, yarn


class SparkJobOperator(SparkSubmitOperator):  # type: ignore[misc] # the provider is untyped
    """Run spark-submit; the job's result file is the task's result.

    The connection says where the job runs: yarn, local[*] or spark://.
    """

    template_fields: Sequence[str] = (*SparkSubmitOperator.template_fields, "result_path", "batch_id")

    def __init__(self, *, result_path: str, batch_id: str = settings.BATCH_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result_path = result_path
        self.batch_id = batch_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the JSON object that the job wrote to `result_path`."""
        yarn.kill_applications(yarn.application_tag(self.batch_id, self.task_id), self.log)
        client = hdfs.client()
        client.delete(self.result_path)
        super().execute(context)
        with client.read(self.result_path, encoding="utf-8") as reader:
            result: dict[str, Any] = json.load(reader)
        self.log.info("%s", json.dumps(result, indent=1, sort_keys=True))
        return result

    def on_kill(self) -> None:
        """Stop spark-submit and its YARN application."""
        super().on_kill()
        yarn.kill_applications(yarn.application_tag(self.batch_id, self.task_id), self.log)
