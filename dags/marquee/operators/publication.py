"""Build a publication and make it live, as tasks."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs
from marquee.cluster.attempts import Attempt
from marquee.cluster.programs import ProgramError, result_of
from marquee.operators.lineage import lineage_of
from marquee.operators.program import ProgramOperator, ProgramSequenceOperator

# The exit status of `serving.publications activate` where a pin or a newer live publication holds this one back.
HELD_BACK = 3
PUBLICATION = "publication"


def build_argv(batch_id: str, exports: Path, lineage: Path, output: Path, own_data: bool = False) -> list[str]:
    """Return the command that builds a publication from export files.

    The catalogue of own data may be too small to fill all lists.
    """
    return [
        *(settings.SERVING_PYTHON, "-m", "serving.publications", "build"),
        *("--exports", str(exports), "--lineage", str(lineage), "--batch-id", batch_id, "--output", str(output)),
        *(["--allow-short-lists"] if own_data else []),
    ]


class BuildPublicationOperator(ProgramOperator):
    """Build the publication with the serving runtime and store it in HDFS."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "batch_id", "attempt")

    def __init__(self, *, batch_id: str = settings.BATCH_ID, attempt: str = settings.ATTEMPT, **kwargs: Any) -> None:
        super().__init__(argv=[], **kwargs)
        self.batch_id = batch_id
        self.attempt = attempt
        self._attempt: Attempt | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the publication's folder and the result of `serving.publications build`."""
        client = hdfs.client()
        final = f"{settings.PUBLICATIONS}/{self.batch_id}"
        folder = f"{settings.PUBLICATIONS}/_attempts/{self.batch_id}"
        self._attempt = Attempt(client, self.log, folder, self.attempt, {PUBLICATION: final})
        self._attempt.begin()
        settings.TEMPORARY.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"publication-{self.batch_id}-", dir=settings.TEMPORARY))
        try:
            (work / "exports").mkdir()
            for table in settings.PUBLISHED_TABLES:
                exported = f"{settings.EXPORTS}/{self.batch_id}/{table}"
                if client.list(exported):
                    client.download(exported, str(work / "exports" / table))
                else:
                    # Hive writes no file for a table without rows, as that of genres where no item has one.
                    (work / "exports" / table).mkdir()
            traced = lineage_of(context)
            own_data = traced["snapshot"].get("own_data")
            if own_data:
                client.download(own_data["ids"], str(work / "exports" / "ids"))
            lineage = work / "lineage.json"
            lineage.write_text(json.dumps(traced, indent=1, sort_keys=True), encoding="utf-8")
            built = work / "publication"
            result = result_of(self.run(build_argv(self.batch_id, work / "exports", lineage, built, bool(own_data))))
            uploaded = f"{self._attempt.work}/{PUBLICATION}"
            client.makedirs(uploaded)
            for file in sorted(built.iterdir()):
                client.upload(f"{uploaded}/{file.name}", str(file))
            self._attempt.collect(PUBLICATION, uploaded)
            self._attempt.commit()
        finally:
            shutil.rmtree(work)
        return {"publication": final, **{name: result[name] for name in ("sha256", "bytes", "rows")}}

    def on_kill(self) -> None:
        """Give up the output and stop the program."""
        if self._attempt is not None:
            self._attempt.abandon()
        super().on_kill()


class PublishOperator(ProgramSequenceOperator):
    """Copy the publication to the serving store and make it live.

    Then make its model the champion. A backfill only copies it. So does a run whose publication a pin or a newer live
    publication holds back.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the programs' results, and `made_live`."""
        if context["dag_run"].run_type == "backfill":
            self.log.info("This run is a backfill: its publication is stored, and the live publication stays live.")
            return {**ProgramOperator.execute(self, context), "made_live": False}
        try:
            return {**super().execute(context), "made_live": True}
        except ProgramError as error:
            if error.status != HELD_BACK:
                raise
            self.log.warning("%s", error)
            return {"made_live": False, "held_back": str(error)}
