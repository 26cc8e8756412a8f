"""Run an mrjob program on YARN as a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from marquee import settings
from marquee.cluster import hdfs, yarn
from marquee.operators.program import ProgramOperator


class MrJobOperator(ProgramOperator):
    """Run an mrjob program into an attempt directory, then rename the directory."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "source_file", "final_directory", "batch_id")

    def __init__(
        self, *, source_file: str, final_directory: str, batch_id: str = settings.BATCH_ID, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.source_file = source_file
        self.final_directory = final_directory
        self.batch_id = batch_id
        self._tag = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the output's directory, bytes and files; skip if there is no input."""
        client = hdfs.client()
        if not self.source_file:
            client.delete(self.final_directory, recursive=True)
            raise AirflowSkipException(f"The data set has no file for {self.task_id}.")
        self._tag = yarn.application_tag(self.batch_id, self.task_id)
        yarn.kill_applications(self._tag, self.log)
        parent, name = self.final_directory.rsplit("/", 1)
        attempt = f"{parent}/_attempt-{name}-{context['ti'].try_number}"
        client.delete(attempt, recursive=True)
        self.run(
            [*self.argv, "--output-dir", f"hdfs://{attempt}", "-D", f"mapreduce.job.tags={self._tag}", "--no-output"]
        )
        summary = client.content(attempt)
        hdfs.replace_directory(client, attempt, self.final_directory)
        return {"directory": self.final_directory, "bytes": summary["length"], "files": summary["fileCount"]}

    def on_kill(self) -> None:
        """Stop mrjob and its YARN application, which would otherwise go on."""
        super().on_kill()
        if self._tag:
            yarn.kill_applications(self._tag, self.log)
