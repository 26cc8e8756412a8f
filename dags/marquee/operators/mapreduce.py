"""Run an mrjob program on YARN as a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from marquee import settings
from marquee.cluster import hdfs, yarn
from marquee.cluster.attempts import Attempt
from marquee.operators.program import ProgramOperator

OUTPUT = "output"


class MrJobOperator(ProgramOperator):
    """Run an mrjob program into the try's own folder, then rename the folder."""

    template_fields: Sequence[str] = (
        *ProgramOperator.template_fields,
        *("source_file", "final_directory", "batch_id", "attempt"),
    )

    def __init__(
        self,
        *,
        source_file: str,
        final_directory: str,
        batch_id: str = settings.BATCH_ID,
        attempt: str = settings.ATTEMPT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_file = source_file
        self.final_directory = final_directory
        self.batch_id = batch_id
        self.attempt = attempt
        self._attempt: Attempt | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the output's directory, bytes and files; skip if there is no input."""
        client = hdfs.client()
        parent, name = self.final_directory.rsplit("/", 1)
        targets = {OUTPUT: self.final_directory}
        self._attempt = Attempt(client, self.log, f"{parent}/_attempts/{name}", self.attempt, targets)
        self._attempt.begin()
        tag = yarn.application_tag(self.batch_id, self.task_id)
        yarn.kill_applications(tag, self.log)
        if not self.source_file:
            client.delete(self.final_directory, recursive=True)
            self._attempt.abandon()
            raise AirflowSkipException(f"The data set has no file for {self.task_id}.")
        output, tags = f"{self._attempt.work}/{OUTPUT}", f"{tag},{yarn.attempt_tag(self.attempt)}"
        self.run([*self.argv, "--output-dir", f"hdfs://{output}", "-D", f"mapreduce.job.tags={tags}", "--no-output"])
        self._attempt.collect(OUTPUT, output)
        self._attempt.commit()
        summary = client.content(self.final_directory)
        return {"directory": self.final_directory, "bytes": summary["length"], "files": summary["fileCount"]}

    def on_kill(self) -> None:
        """Stop this try's YARN application, which would otherwise go on, and mrjob."""
        if self._attempt is not None:
            self._attempt.abandon()
            yarn.kill_applications(yarn.attempt_tag(self.attempt), self.log)
        super().on_kill()
