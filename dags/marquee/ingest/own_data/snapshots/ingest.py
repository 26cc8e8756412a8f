"""Store a person's own data as the raw snapshot of a batch.

The snapshot holds rows with small integers for ids (see dictionary.py), the items, and the mapping that the archive was
read by. So another mapping is another snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping as Parameters
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

from marquee.ingest.datasets import DATASETS, movielens_named
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.snapshots.from_source import Request, ingest_source
from marquee.ingest.own_data.snapshots.storing import Reading, check_name, mapping_of, store_rows, working_folder
from marquee.ingest.pipeline import check_batch_id, ingest
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.sources.checksums import file_checksum


def own_data_of(params: Parameters[str, Any]) -> str | None:
    """Return the own data that a run's parameters name, or None for MovieLens."""
    name = str(params["dataset"])
    return None if movielens_named(name, params.get("mapping")) else name


def ingest_data(
    client: InsecureClient,
    *,
    dataset: str,
    batch_id: str,
    cache_dir: Path,
    archive: str | Path | None,
    mapping: str | Path | None,
    limit: float,
    feedback: Path | None = None,
    source: str | None = None,
    query: str | None = None,
    since: str | None = None,
) -> dict[str, Any]:
    """Store MovieLens's or own data as a raw snapshot; return its description."""
    given: dict[str, Any] = {"dataset": dataset, "batch_id": batch_id, "cache_dir": cache_dir, "feedback": feedback}
    rules = Path(mapping) if mapping else None
    if source:
        if archive:
            raise IngestError("Both ARCHIVE and SOURCE are given, and a batch has one source. Leave one of them out.")
        return ingest_source(client, request=Request.of(source, query, since), mapping=rules, limit=limit, **given)
    if query or since:
        raise IngestError(
            "QUERY and SINCE belong to a SOURCE. Give SOURCE too: the id of a connection, s3://... or hdfs://..."
        )
    if movielens_named(dataset, mapping):
        return ingest(client, archive=archive or None, **given)
    if not archive:
        check_name(dataset)
        raise IngestError(
            f"There is no data set {dataset!r}. Choose one of: {', '.join(DATASETS)}. For data of your own, "
            "give ARCHIVE=path or SOURCE too."
        )
    return ingest_own_data(client, archive=Path(archive), mapping=rules, limit=limit, **given)


def ingest_own_data(
    client: InsecureClient,
    *,
    dataset: str,
    batch_id: str,
    cache_dir: Path,
    archive: Path,
    mapping: Path | None,
    limit: float,
    feedback: Path | None = None,
) -> dict[str, Any]:
    """Store an archive as the raw snapshot of ``batch_id``; return its description.

    It has the keys of ``marquee.ingest.pipeline.ingest``, and ``own_data``: whether rows have times, and the dictionary's
    folder in HDFS. ``mapping`` is a file that a person wrote; without one the proposal of `make inspect` counts.
    Raise IngestError for what cannot be read, and if more than ``limit`` of the rows break a rule.
    """
    check_batch_id(batch_id)
    check_name(dataset)
    members = open_members(archive)
    rules, text = mapping_of(members, mapping)
    with working_folder(cache_dir) as folder:
        # The manifest must not depend on the machine's folders: a rerun on another machine gives the same bytes.
        origin: dict[str, object] = {
            "kind": "own data",
            "address": archive.name,
            "sha256": None if archive.is_dir() else file_checksum(archive, "sha256"),
        }
        reading = Reading(members, rules, text, limit)
        return store_rows(client, dataset, batch_id, reading, origin, folder, feedback)
