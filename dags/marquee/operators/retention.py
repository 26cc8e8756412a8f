"""Drop the batches that the warehouse does not keep, with all that they left."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import jinja2
from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs, partitions
from marquee.cluster.attempts import Attempt
from marquee.cluster.hive import HiveStatements
from marquee.operators import batches
from marquee.operators.batches import FAMILIES, Family
from marquee.operators.program import ProgramOperator


class DropOldBatchesOperator(ProgramOperator):
    """Drop the batches of each DAG that are neither recent nor protected.

    `argv` is the program of publication stores, which tells what each of `stores` holds. Snapshots and publications of
    ratings stay.
    """

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "attempt")

    def __init__(self, *, stores: Sequence[Path], keep: int, attempt: str = settings.ATTEMPT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stores = list(stores)
        self.keep = keep
        self.attempt = attempt
        self._attempt: Attempt | None = None
        self._statements: HiveStatements | None = None

    def listing(self, store: Path) -> list[str]:
        """Return the command that lists a store's publications as JSON."""
        return [*self.argv, "list", "--json", "--store", str(store)]

    def ledger(self, store: Path) -> list[str]:
        """Return the command that prints a store's ledger, a JSON object a line."""
        return [*self.argv, "ledger", "--store", str(store)]

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the batches that were dropped, kept and protected."""
        client = hdfs.client()
        self._attempt = Attempt(client, self.log, f"{settings.ATTEMPTS}/{self.task_id}", self.attempt, {})
        self._attempt.begin()
        self._statements = HiveStatements(self.log)
        held, protected = self._published()
        all_written: set[str] = set()
        all_dropped: list[str] = []
        for family in FAMILIES:
            written = batches.written_batches(client, family)
            protected |= batches.batches_of_latest_runs(client, written)
            dropped = batches.batches_to_drop(written, protected, self.keep)
            for batch_id in dropped:
                self.log.info("Dropping batch %s of %s.", batch_id, family.dag_id)
                self._drop_tables(client, family, batch_id, self._attempt, self._statements)
                self._drop_files(client, family, batch_id, held)
            all_written |= set(written)
            all_dropped += dropped
        self._attempt.commit()
        return {
            "dropped": sorted(all_dropped),
            "kept": sorted(all_written - set(all_dropped)),
            "protected": sorted(protected & all_written),
        }

    def on_kill(self) -> None:
        """Stop before the next statement or batch."""
        if self._attempt is not None:
            self._attempt.abandon()
        if self._statements is not None:
            self._statements.stop()
        super().on_kill()

    def _published(self) -> tuple[set[str], set[str]]:
        """Return all publications of the stores, and those that protect their batches."""
        held: set[str] = set()
        protected: set[str] = set()
        for store in self.stores:
            publications = json.loads(self.run(self.listing(store)))
            ledger = [json.loads(line) for line in self.run_for_lines(self.ledger(store))]
            held |= {row["publication"] for row in publications}
            protected |= batches.protected_batches(publications, ledger)
        return held, protected

    def _drop_tables(
        self, client: Any, family: Family, batch_id: str, attempt: Attempt, statements: HiveStatements
    ) -> None:
        """Drop the partitions from Hive, and the files of loads that did not end."""
        made = any(client.status(f"{settings.WAREHOUSE}/{table}", strict=False) for table in family.tables)
        sql = [
            jinja2.Template((settings.HQL / f"{name}.hql").read_text(encoding="utf-8")).render(
                table=table, batch_id=batch_id
            )
            for name, tables in (
                ("drop_partition", (*family.staging, *family.scored, *family.loaded)),
                ("drop_attempts", family.loaded),
            )
            for table in tables
        ]
        # Without a folder of a table, no run of the DAG has come to create the tables.
        statements.run(sql if made else [], attempt.check)
        attempt.check()
        for folder in partitions.all_loaded(client, batch_id, family.loaded):
            client.delete(folder, recursive=True)
        client.delete(f"{settings.ATTEMPTS}/{family.loading}/{batch_id}", recursive=True)

    def _drop_files(self, client: Any, family: Family, batch_id: str, held: Collection[str]) -> None:
        """Drop the batch's files, table folders last: a rerun finds a stopped drop."""
        for folder in batches.cleaned(client, family, batch_id):
            client.delete(folder, recursive=True)
        client.delete(f"{settings.EXPORTS}/{batch_id}", recursive=True)
        shutil.rmtree(settings.DATA_DOCS / batch_id, ignore_errors=True)
        if family.private:
            client.delete(f"{settings.MODELS}/{batch_id}", recursive=True)
            if batch_id not in held:
                client.delete(f"{settings.PUBLICATIONS}/{batch_id}", recursive=True)
        if family.raw is not None:
            drop_local_export(settings.REVIEW_FEEDBACK, batch_id)
            for folder in batches.partial_snapshots(client, family.raw, batch_id):
                client.delete(folder, recursive=True)
            if batch_id not in batches.snapshots_of_others(client, family.raw).values():
                client.delete(f"{settings.RAW}/{family.raw}/{batch_id}", recursive=True)
        for table in family.tables:
            client.delete(partitions.partition(table, batch_id), recursive=True)


def drop_local_export(folder: Path, batch_id: str) -> None:
    """Remove a batch's export of texts, while no export program works.

    The export leaves its name at once, so that a killed task leaves no half of one.
    """
    if not folder.exists():
        return
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / batch_id).exists():
            removed = folder / f".{batch_id}.removed"
            (folder / batch_id).rename(removed)
            shutil.rmtree(removed)
