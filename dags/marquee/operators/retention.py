"""Choose the batches that the warehouse keeps and drop the others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jinja2
from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs, partitions
from marquee.cluster.attempts import Attempt
from marquee.cluster.hive import HiveStatements
from marquee.operators.program import ProgramOperator

PARTITION = "batch_id="
# The ledger's actions that made a publication live. It can be rolled back to.
MADE_LIVE = {"activated", "rolled-back", "found-live"}
TABLES = (
    *(f"staging_{part}" for part in settings.PARTS),
    *(*settings.TOP_N_TABLES, *settings.WAREHOUSE_TABLES),
)


def loaded_batches(client: Any) -> dict[str, int]:
    """Return the warehouse's batches and their last write, in ms since 1970."""
    found: dict[str, int] = {}
    for table in (*settings.WAREHOUSE_TABLES, *settings.TOP_N_TABLES):
        folder = f"{settings.WAREHOUSE}/{table}"
        if client.status(folder, strict=False) is None:
            continue
        for name, status in client.list(folder, status=True):
            if name.startswith(PARTITION):
                batch_id = name.removeprefix(PARTITION)
                found[batch_id] = max(found.get(batch_id, 0), status["modificationTime"])
    return found


def batches_to_drop(written: Mapping[str, int], protected: Collection[str], keep: int) -> list[str]:
    """Return the batches to drop, the oldest first.

    They are all but the `keep` batches that were written last and the protected ones. The time of writing counts, not
    the batch id: a backfill of a distant date is a recent batch.
    """
    if keep < 1:
        raise ValueError(
            f"MARQUEE_BATCHES_KEPT is {keep}. The warehouse must keep at least one batch. Set it to 1 or more."
        )
    by_age = sorted(written, key=lambda batch_id: (written[batch_id], batch_id))
    return [batch_id for batch_id in by_age[:-keep] if batch_id not in protected]


def protected_batches(publications: Sequence[Mapping[str, Any]], ledger: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the store's publications that are or were live, or are pinned."""
    held = {row["publication"]: row for row in publications}
    once_live = {entry["publication"] for entry in ledger if entry["action"] in MADE_LIVE}
    return {name for name, row in held.items() if row["live"] or row["pinned"] or name in once_live}


class DropOldBatchesOperator(ProgramOperator):
    """Drop the batches that are neither recent nor protected from the warehouse.

    Snapshots and publications stay. The command `argv` lists the publications, and `ledger_argv` their ledger, as JSON.
    """

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "attempt")

    def __init__(
        self, *, ledger_argv: Sequence[str], keep: int, attempt: str = settings.ATTEMPT, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.ledger_argv = list(ledger_argv)
        self.keep = keep
        self.attempt = attempt
        self._attempt: Attempt | None = None
        self._statements: HiveStatements | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the batches that were dropped, kept and protected."""
        client = hdfs.client()
        self._attempt = Attempt(client, self.log, f"{settings.ATTEMPTS}/{self.task_id}", self.attempt, {})
        self._attempt.begin()
        self._statements = HiveStatements(self.log)
        publications = json.loads(self.run(self.argv))
        ledger = [json.loads(line) for line in self.run_for_lines(self.ledger_argv)]
        protected = protected_batches(publications, ledger)
        written = loaded_batches(client)
        dropped = batches_to_drop(written, protected, self.keep)
        for batch_id in dropped:
            self.log.info("Dropping batch %s.", batch_id)
            self._drop(client, batch_id, self._attempt, self._statements)
        self._attempt.commit()
        return {
            "dropped": dropped,
            "kept": sorted(set(written) - set(dropped)),
            "protected": sorted(protected & set(written)),
        }

    def on_kill(self) -> None:
        """Stop before the next statement or batch."""
        if self._attempt is not None:
            self._attempt.abandon()
        if self._statements is not None:
            self._statements.stop()
        super().on_kill()

    def _drop(self, client: Any, batch_id: str, attempt: Attempt, statements: HiveStatements) -> None:
        """Drop a batch, its table folders last, so that a rerun finds a stopped drop."""
        sql = [
            jinja2.Template((settings.HQL / f"{name}.hql").read_text(encoding="utf-8")).render(
                table=table, batch_id=batch_id
            )
            for name, tables in (("drop_partition", TABLES), ("drop_attempts", settings.WAREHOUSE_TABLES))
            for table in tables
        ]
        statements.run(sql, attempt.check)
        attempt.check()
        for folder in partitions.all_loaded(client, batch_id, settings.WAREHOUSE_TABLES):
            client.delete(folder, recursive=True)
        client.delete(f"{settings.ATTEMPTS}/load_warehouse/{batch_id}", recursive=True)
        if client.status(settings.CLEAN, strict=False) is not None:
            for dataset in client.list(settings.CLEAN):
                client.delete(f"{settings.CLEAN}/{dataset}/{batch_id}", recursive=True)
        client.delete(f"{settings.EXPORTS}/{batch_id}", recursive=True)
        shutil.rmtree(settings.DATA_DOCS / batch_id, ignore_errors=True)
        for table in (*settings.WAREHOUSE_TABLES, *settings.TOP_N_TABLES):
            client.delete(partitions.partition(table, batch_id), recursive=True)
