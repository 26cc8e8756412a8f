"""Store immutable snapshots in HDFS.

Ingest writes a snapshot and its manifest to a temporary folder, checks it, then renames the folder. Each ingest has a
folder of its own, and none removes another's before the snapshot is there. So two ingests of one batch at a time, such
as a try that was marked failed and its retry, cannot mix their files. The first rename wins.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hdfs import HdfsError, InsecureClient

from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import DOCUMENTATION, DataFile, FileFacts, verified_stream
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.sources.feedback import PREFIX

LOGGER = logging.getLogger(__name__)
RAW_ROOT = "/marquee/raw"
MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
READ_ONLY = "444"


@dataclass(frozen=True)
class StoredSnapshot:
    """Hold a snapshot's manifest as HDFS stores it, and its SHA-256."""

    manifest: dict[str, Any]
    manifest_sha256: str


def snapshot_path(dataset: str, batch_id: str) -> str:
    """Return the HDFS folder of a batch's raw snapshot."""
    return f"{RAW_ROOT}/{dataset}/{batch_id}"


def content_sha256(facts: list[FileFacts]) -> str:
    """Return one digest of all files' names, lengths and digests.

    Equal content has an equal digest.
    """
    lines = [f"{fact.sha256} {fact.bytes} {fact.name}\n" for fact in sorted(facts, key=lambda fact: fact.name)]
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def read_manifest(client: InsecureClient, dataset: str, batch_id: str) -> StoredSnapshot | None:
    """Return the manifest of a batch's snapshot, or None if it has no snapshot."""
    path = f"{snapshot_path(dataset, batch_id)}/{MANIFEST}"
    if client.status(path, strict=False) is None:
        return None
    with client.read(path) as reader:
        content: bytes = reader.read()
    return StoredSnapshot(json.loads(content), hashlib.sha256(content).hexdigest())


def find_same_content(client: InsecureClient, dataset: str, content: str) -> str | None:
    """Return the earliest batch whose own folder stores this content, or None."""
    root = f"{RAW_ROOT}/{dataset}"
    if client.status(root, strict=False) is None:
        return None
    names: list[str] = client.list(root)
    for batch_id in sorted(name for name in names if not name.startswith(".")):
        stored = read_manifest(client, dataset, batch_id)
        if stored is not None and stored.manifest["content_sha256"] == content:
            stored_in = str(stored.manifest["stored_in"]).rsplit("/", 1)[1]
            if stored_in == batch_id:
                return batch_id
    return None


def store_snapshot(
    client: InsecureClient,
    dataset: str,
    batch_id: str,
    files: Sequence[DataFile],
    facts: list[FileFacts],
    provenance: dict[str, object],
    licence: str,
) -> StoredSnapshot:
    """Store the files and a manifest as the batch's snapshot; return it.

    If HDFS already has a snapshot of this batch with the same content, the function returns that and changes nothing.
    It does so too if the feedback has lost rows since then: an account was deleted, or a rating changed later. Other
    content is an error, because snapshots never change. If an earlier batch of the data set stores the same
    content, the files are not stored again: the manifest's ``stored_in`` names that batch's folder. A run that is
    killed leaves nothing under the final name. The next run starts from the beginning, and removes what is left at its end.
    """
    content = content_sha256(facts)
    final = snapshot_path(dataset, batch_id)
    existing = read_manifest(client, dataset, batch_id)
    if existing is not None:
        if existing.manifest["content_sha256"] != content and not _differs_by_lost_feedback(existing, facts):
            raise IngestError(
                f"{final} already holds other content, and snapshots never change. Use a new batch id, "
                "or give the archive that this batch was made from."
            )
        LOGGER.info("%s is already stored, and stays as it is", final)
        _remove_partial(client, dataset, batch_id)
        return existing
    same = find_same_content(client, dataset, content)
    stored_in = final if same is None else snapshot_path(dataset, same)
    manifest: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "dataset": dataset,
        "batch_id": batch_id,
        "stored_in": stored_in,
        "content_sha256": content,
        "layout": layout_of(files),
        "files": [fact.as_dict() for fact in facts],
        "source": provenance,
        "licence": licence,
    }
    content_bytes = (json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")
    attempt = f"{RAW_ROOT}/{dataset}/.{batch_id}.{uuid.uuid4().hex}.partial"
    try:
        client.makedirs(attempt)
        if same is None:
            members = {file.name: file.member for file in files}
            for fact in facts:
                _write_file(client, f"{attempt}/{fact.name}", members[fact.name], fact)
        else:
            LOGGER.info("The source is unchanged since batch %s; its files are not stored again", same)
        client.write(f"{attempt}/{MANIFEST}", data=content_bytes, permission=READ_ONLY)
        # The client's own rename would move the folder into a target that exists.
        client._rename(attempt, destination=final, renameoptions="NONE")
    except HdfsError as error:
        raise _refusal(client, final, error) from error
    _remove_partial(client, dataset, batch_id)
    return StoredSnapshot(manifest, hashlib.sha256(content_bytes).hexdigest())


def _differs_by_lost_feedback(existing: StoredSnapshot, facts: list[FileFacts]) -> bool:
    """Return whether new files are the stored ones but for rows of feedback.

    No file of feedback has more rows than the stored one.
    """
    stored = {file["name"]: file for file in existing.manifest["files"]}
    new = {fact.name: fact.as_dict() for fact in facts}
    others = [{name: file for name, file in files.items() if not name.startswith(PREFIX)} for files in (stored, new)]
    if others[0] != others[1]:
        return False
    feedback = [name for name in new if name.startswith(PREFIX)]
    return all(name in stored and new[name]["rows"] <= stored[name]["rows"] for name in feedback)


def _refusal(client: InsecureClient, final: str, error: HdfsError) -> IngestError:
    """Return what HDFS's refusal means."""
    if client.status(final, strict=False) is not None:
        return IngestError(
            f"{final} appeared while this ingest worked. If it has a manifest, run again: equal content is taken as it is. "
            "If it has none, check its content and remove it.",
            may_pass=True,
        )
    return IngestError(
        f"HDFS refused to store {final}: {str(error).splitlines()[0]}. Fix that and run again.", may_pass=True
    )


def _remove_partial(client: InsecureClient, dataset: str, batch_id: str) -> None:
    """Remove what other ingests of the batch left; its snapshot is there."""
    root = f"{RAW_ROOT}/{dataset}"
    for name in client.list(root):
        if name.startswith(f".{batch_id}."):
            client.delete(f"{root}/{name}", recursive=True)


def layout_of(files: Sequence[DataFile]) -> dict[str, dict[str, str]]:
    """Return each role's file in this snapshot, with its layout and encoding.

    If feedback joined the role, the file is a pattern that matches both files in Hadoop, e.g. ``*ratings.csv``.
    """
    found: dict[str, dict[str, str]] = {}
    for file in sorted(files, key=lambda file: (not file.name.startswith(PREFIX), file.name)):
        if file.role != DOCUMENTATION:
            name = f"*{file.name}" if file.role in found else file.name
            found[file.role] = {"file": name, "layout": file.layout, "encoding": file.encoding}
    return found


def _write_file(client: InsecureClient, path: str, member: Member, fact: FileFacts) -> None:
    client.write(path, data=verified_stream(member, fact), permission=READ_ONLY)
    stored = int(client.status(path)["length"])
    if stored != fact.bytes:
        raise IngestError(
            f"HDFS holds {stored} bytes of {path}, but ingest sent {fact.bytes}. Run again.", may_pass=True
        )
