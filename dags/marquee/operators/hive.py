"""Run Hive statements as tasks; a task that is stopped ends its statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context

from marquee import settings
from marquee.cluster import hdfs, partitions, yarn
from marquee.cluster.attempts import Attempt
from marquee.cluster.hive import HiveStatements


class HiveOperator(BaseOperator):
    """Run statements, one after the other, in one HiveServer2 session.

    A statement can render to nothing, because the data set has no such file. The operator leaves it out.
    """

    template_fields: Sequence[str] = ("sql", "batch_id", "attempt")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}

    def __init__(
        self, *, sql: Sequence[str], batch_id: str = settings.BATCH_ID, attempt: str = settings.ATTEMPT, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sql = list(sql)
        self.batch_id = batch_id
        self.attempt = attempt
        self._statements: HiveStatements | None = None
        self._attempt: Attempt | None = None

    def execute(self, context: Context) -> None:
        """Run all statements."""
        self.run(self.sql)

    def run(self, statements: Sequence[str]) -> None:
        """Run statements; before each, check that this try is still the current one."""
        if self._statements is None:
            task_tag, own_tag = yarn.application_tag(self.batch_id, self.task_id), yarn.attempt_tag(self.attempt)
            # An earlier try's statement fails with its application.
            yarn.kill_applications(task_tag, self.log)
            self._statements = HiveStatements(self.log, (task_tag, own_tag))
        check = self._attempt.check if self._attempt else lambda: None
        self._statements.run([statement for statement in statements if statement.strip()], check)

    def on_kill(self) -> None:
        """Give up the output and end the statement, which would otherwise go on."""
        if self._attempt is not None:
            self._attempt.abandon()
        if self._statements is not None:
            self._statements.stop()
            yarn.kill_applications(yarn.attempt_tag(self.attempt), self.log)


class LoadOperator(HiveOperator):
    """Run statements that write the tables' attempts; put all tables in place.

    Then it adds the partitions, which makes the tables readable.
    """

    template_fields: Sequence[str] = (*HiveOperator.template_fields, "add_partitions")

    def __init__(self, *, tables: Sequence[str], add_partitions: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tables = list(tables)
        self.add_partitions = list(add_partitions)

    def execute(self, context: Context) -> None:
        """Load all tables or none."""
        client = hdfs.client()
        targets = {table: partitions.partition(table, self.batch_id) for table in self.tables}
        folder = f"{settings.ATTEMPTS}/{self.task_id}/{self.batch_id}"
        self._attempt = Attempt(client, self.log, folder, self.attempt, targets)
        self._attempt.begin()
        self._remove(client, partitions.all_loaded(client, self.batch_id, self.tables))
        self.run(self.sql)
        for table in self.tables:
            loaded = partitions.loaded(table, self.batch_id, self.attempt)
            if client.status(loaded, strict=False) is None:
                # The data set has no such file.
                self._attempt.collect_empty(table)
            else:
                self._attempt.collect(table, loaded)
        # Late statements of other tries wrote them. A later try's are not among them: it would refuse the commit.
        left = partitions.all_loaded(client, self.batch_id, self.tables)
        self._attempt.commit()
        self._attempt = None
        self._remove(client, left)
        self.run(self.add_partitions)

    def _remove(self, client: Any, folders: Sequence[str]) -> None:
        for folder in folders:
            client.delete(folder, recursive=True)


class ExportOperator(HiveOperator):
    """Run statements that write tables to folders; put all folders in place."""

    def __init__(self, *, tables: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tables = list(tables)

    def execute(self, context: Context) -> None:
        """Export all tables or none."""
        exports = f"{settings.EXPORTS}/{self.batch_id}"
        targets = {table: f"{exports}/{table}" for table in self.tables}
        self._attempt = Attempt(hdfs.client(), self.log, f"{exports}/_attempts", self.attempt, targets)
        self._attempt.begin()
        self.run(self.sql)
        for table in self.tables:
            self._attempt.collect(table, f"{self._attempt.work}/{table}")
        self._attempt.commit()
