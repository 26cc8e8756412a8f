"""Give each run a batch id of its own: a file in HDFS names the run that has it.

A run asks for the second of its date. If another run has that id, the run takes the next free second. HDFS renames a
file to a name only if the name is free, so that two runs never get one id. Nothing deletes a claim: a run that is
cleared, even years later, finds its own again and writes the same batch.
"""

from __future__ import annotations

import contextlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from hdfs import HdfsError

from marquee import settings
from marquee.cluster import hdfs

CLAIMS = f"{settings.RUNS}/batches"
SECONDS_TO_TRY = 3600


class NoFreeBatchIdError(RuntimeError):
    """Report that every second of an hour is another run's batch id."""


def claim_batch_id(client: Any, run: str, moment: datetime, written: str | None = None) -> str:
    """Return the batch id of a run, and claim it if the run has none yet.

    `run` names the run in the claim. `moment` is its date. `written` is the id of the batch that this run's ingest
    has written before, if it has. Batches that were written before claims existed have no claim: such a batch is free
    for that run alone.
    """
    for seconds in range(SECONDS_TO_TRY):
        batch_id = settings.stamp_of(moment + timedelta(seconds=seconds))
        holder = run_of(client, batch_id)
        if holder is None and (batch_id == written or not _has_data(client, batch_id)):
            holder = _claim(client, batch_id, run)
        if holder == run:
            return batch_id
    raise NoFreeBatchIdError(
        f"Run {run} gets no batch id: other runs have all of the {SECONDS_TO_TRY} seconds from "
        f"{settings.stamp_of(moment)} on. Start a run of another date."
    )


def run_of(client: Any, batch_id: str) -> str | None:
    """Return which DAG's run has a batch id, as `<dag> <run>`, or None."""
    return hdfs.text_of(client, f"{CLAIMS}/{batch_id}")


def _claim(client: Any, batch_id: str, run: str) -> str:
    """Claim a free id; return the run that has it, another one if that was faster."""
    # A file that is created under its final name is empty for a moment, and stays empty if this process dies then.
    fresh = f"{CLAIMS}/_{uuid.uuid4().hex}"
    client.write(fresh, data=run, encoding="utf-8")
    try:
        client.rename(fresh, f"{CLAIMS}/{batch_id}")
    except HdfsError:
        with contextlib.suppress(HdfsError):
            client.delete(fresh)
        holder = run_of(client, batch_id)
        if holder is None:
            raise
        return holder
    return run


def _has_data(client: Any, batch_id: str) -> bool:
    """Return whether HDFS has files of the batch that stay as long as it can be used."""
    datasets = client.list(settings.RAW) if client.status(settings.RAW, strict=False) is not None else []
    folders = (settings.MODELS, settings.PUBLICATIONS, *(f"{settings.RAW}/{dataset}" for dataset in datasets))
    return any(client.status(f"{folder}/{batch_id}", strict=False) is not None for folder in folders)
