"""The operators behind the submit functions of shared.tasks: each replaces its own run-scoped output."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from airflow.providers.apache.hdfs.hooks.webhdfs import WebHDFSHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.branch import BranchMixIn
from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.exceptions import AirflowSkipException

from shared import partitions, settings, yarn
from shared.lineage import lineage_of
from shared.programs import ProgramError, RunningProgram, result_of
from shared.publishing import build_argv

XCOM_RETURN_KEY = "return_value"
# What `serving.publications activate` ends with when a pin or a newer live publication keeps the sound one back.
HELD_BACK = 3


def hdfs_client() -> Any:
    """Returns the hdfs client of connection `webhdfs_default`."""
    return WebHDFSHook(webhdfs_conn_id=settings.WEBHDFS_CONNECTION).get_conn()


def replace_directory(client: Any, attempt: str, final: str) -> None:
    """Puts the finished attempt directory in place of the run's earlier output, if there is any."""
    client.delete(final, recursive=True)
    client.makedirs(final.rsplit("/", 1)[0])
    client.rename(attempt, final)


def zipped_modules(folder: Path, archive: Path) -> Path:
    """Write the folder's Python modules into one archive: YARN takes a second for each file that it is given."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=archive.parent)
    with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as modules:
        for module in sorted(folder.glob("*.py")):
            modules.write(module, module.name)
    # Another attempt may be reading the archive of that name: it is replaced, not written over.
    Path(name).replace(archive)
    return archive


class ProgramOperator(BaseOperator):
    """Runs a program; the JSON object of its last line is the task's result. Stopping the task stops the program."""

    template_fields: Sequence[str] = ("argv", "environment")
    template_fields_renderers: ClassVar[dict[str, str]] = {"argv": "py", "environment": "json"}

    def __init__(self, *, argv: Sequence[str], environment: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.argv = list(argv)
        self.environment = environment or {}
        self._running: RunningProgram | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Returns the program's result."""
        return result_of(self.run(self.argv))

    def run(self, argv: Sequence[str]) -> str:
        """Runs one program to its end; returns the last line of its output."""
        return (self.run_for_lines(argv) or [""])[-1]

    def run_for_lines(self, argv: Sequence[str]) -> list[str]:
        """Runs one program to its end; returns the lines of its output that are not empty."""
        self._running = RunningProgram(argv, self.log, self.environment)
        return self._running.wait()

    def on_kill(self) -> None:
        """Stops the program and its children."""
        if self._running is not None:
            self._running.stop()


class DataDocsLink(BaseOperatorLink):
    """The button on a task that leads to the data docs of its batch."""

    name = "Data docs"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; Airflow asks when the task has ended, however it has ended."""
        return f"{settings.DATA_DOCS_URL}/{operator.batch_id}/index.html"


class ValidateOperator(ProgramOperator):
    """Runs expectations/validate.py; what it found is a click away, also when it failed."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "batch_id")
    operator_extra_links = (DataDocsLink(),)

    def __init__(self, *, batch_id: str = settings.BATCH_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id


class MrJobOperator(ProgramOperator):
    """Runs an mrjob program on YARN into an attempt directory, then renames that to the run's directory."""

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
        """Returns where the output lies, and its bytes and files. Skips where the data set has no such file."""
        client = hdfs_client()
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
        replace_directory(client, attempt, self.final_directory)
        return {"directory": self.final_directory, "bytes": summary["length"], "files": summary["fileCount"]}

    def on_kill(self) -> None:
        """Stops mrjob and the YARN application, which would go on without it."""
        super().on_kill()
        if self._tag:
            yarn.kill_applications(self._tag, self.log)


class LoadOperator(SQLExecuteQueryOperator):  # type: ignore[misc] # the provider is untyped
    """Runs Hive statements that write every table's attempt, then puts all of them in place and makes them readable.

    A statement that renders to nothing, because the data set has no such file, is left out.
    """

    template_fields: Sequence[str] = (*SQLExecuteQueryOperator.template_fields, "batch_id", "add_partitions")

    def __init__(
        self, *, tables: Sequence[str], add_partitions: Sequence[str], batch_id: str = settings.BATCH_ID, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.tables = list(tables)
        self.add_partitions = list(add_partitions)
        self.batch_id = batch_id

    def execute(self, context: Context) -> None:
        """Load wholly or not at all."""
        client = hdfs_client()
        partitions.start_load(client, self.batch_id, self.tables, self.log)
        self.sql: list[str] = [statement for statement in self.sql if statement.strip()]
        super().execute(context)
        partitions.commit_load(client, self.batch_id, self.tables)
        self.get_db_hook().run(self.add_partitions)


class SparkJobOperator(SparkSubmitOperator):  # type: ignore[misc] # the provider is untyped
    """spark-submit as the connection says (yarn, local[*], spark://); the job's result file is the task's result."""

    template_fields: Sequence[str] = (*SparkSubmitOperator.template_fields, "result_path", "batch_id")

    def __init__(self, *, result_path: str, batch_id: str = settings.BATCH_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result_path = result_path
        self.batch_id = batch_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Returns the JSON object that the job wrote to `result_path`."""
        yarn.kill_applications(yarn.application_tag(self.batch_id, self.task_id), self.log)
        client = hdfs_client()
        client.delete(self.result_path)
        self.py_files = str(zipped_modules(settings.SPARK_JOBS, settings.TEMPORARY / "spark_jobs.zip"))
        super().execute(context)
        with client.read(self.result_path, encoding="utf-8") as reader:
            result: dict[str, Any] = json.load(reader)
        self.log.info("%s", json.dumps(result, indent=1, sort_keys=True))
        return result

    def on_kill(self) -> None:
        """Stops spark-submit and its YARN application."""
        super().on_kill()
        yarn.kill_applications(yarn.application_tag(self.batch_id, self.task_id), self.log)


class BuildPublicationOperator(ProgramOperator):
    """Fetches the exports, builds the publication file with the serving runtime, and stores both in HDFS."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "batch_id")

    def __init__(self, *, batch_id: str = settings.BATCH_ID, **kwargs: Any) -> None:
        super().__init__(argv=[], **kwargs)
        self.batch_id = batch_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Returns the publication's place and the result of `serving.publications build`."""
        client = hdfs_client()
        settings.TEMPORARY.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"publication-{self.batch_id}-", dir=settings.TEMPORARY))
        try:
            (work / "exports").mkdir()
            for table in settings.PUBLISHED_TABLES:
                client.download(f"{settings.EXPORTS}/{self.batch_id}/{table}", str(work / "exports" / table))
            lineage = work / "lineage.json"
            lineage.write_text(json.dumps(lineage_of(context), indent=1, sort_keys=True), encoding="utf-8")
            built = work / "publication"
            result = result_of(self.run(build_argv(self.batch_id, work / "exports", lineage, built)))
            final = f"{settings.PUBLICATIONS}/{self.batch_id}"
            attempt = f"{settings.PUBLICATIONS}/_attempt-{self.batch_id}-{context['ti'].try_number}"
            client.delete(attempt, recursive=True)
            client.makedirs(attempt)
            for file in sorted(built.iterdir()):
                client.upload(f"{attempt}/{file.name}", str(file))
            replace_directory(client, attempt, final)
        finally:
            shutil.rmtree(work)
        return {"publication": final, **{name: result[name] for name in ("sha256", "bytes", "rows")}}


class DecidePromotionOperator(ProgramOperator, BranchMixIn):  # type: ignore[misc] # the provider is untyped
    """Runs the gate; goes on with `if_promoted`, else with `if_refused`. The decision is the task's result."""

    inherits_from_skipmixin = True

    def __init__(self, *, if_promoted: str, if_refused: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_promoted = if_promoted
        self.if_refused = if_refused

    def execute(self, context: Context) -> dict[str, Any]:
        """Returns the decision: `promoted` (bool), `reasons`, and what was compared."""
        decision = super().execute(context)
        # Branching ends the task by an exception, so that nothing returned after it would be kept.
        context["ti"].xcom_push(key=XCOM_RETURN_KEY, value=decision)
        self.do_branch(context, self.if_promoted if decision["promoted"] else self.if_refused)
        return decision


class ProgramSequenceOperator(ProgramOperator):
    """Runs a program and then others; what they say is put together in one result."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "following")

    def __init__(self, *, following: Sequence[Sequence[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.following = [list(argv) for argv in following]

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the results of all programs; of equal names, the last one's counts."""
        result = super().execute(context)
        for argv in self.following:
            result |= result_of(self.run(argv))
        return result


class PublishOperator(ProgramSequenceOperator):
    """Bring the publication into the serving store, make it live, and make its model the champion.

    A backfill only brings it. Where a pin or a newer live publication holds it back, it is brought and stays back.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Return what the programs said, and `made_live`."""
        if context["dag_run"].run_type == "backfill":
            self.log.info("This run is a backfill: its publication is stored; what is live stays live.")
            return {**ProgramOperator.execute(self, context), "made_live": False}
        try:
            return {**super().execute(context), "made_live": True}
        except ProgramError as error:
            if error.status != HELD_BACK:
                raise
            self.log.warning("%s", error)
            return {"made_live": False, "held_back": str(error)}
