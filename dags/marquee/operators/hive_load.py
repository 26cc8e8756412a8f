"""Load a batch into the warehouse as one Hive task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs, partitions


class LoadOperator(SQLExecuteQueryOperator):  # type: ignore[misc] # the provider is untyped
    """Run Hive statements that write the tables' attempts; put all tables in place.

    Then it adds the partitions, which makes the tables readable. A statement can render to nothing, because the data
    set has no such file. The operator leaves it out.
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
        """Load all tables or none."""
        client = hdfs.client()
        partitions.start_load(client, self.batch_id, self.tables, self.log)
        self.sql: list[str] = [statement for statement in self.sql if statement.strip()]
        super().execute(context)
        partitions.commit_load(client, self.batch_id, self.tables)
        self.get_db_hook().run(self.add_partitions)
