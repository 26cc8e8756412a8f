"""Rebuild a publication from the exports of its batch that are still in HDFS, and compare the bytes."""

from __future__ import annotations

import shlex
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.publications.build import BuildOptions, build_publication
from serving.publications.format import SCHEMA_VERSION, Manifest, PublicationError
from serving.publications.transfer import WebHdfsSource, read_piece, web_hdfs_address

DEFAULT_EXPORTS = "/marquee/exports"


def rerun_command(manifest: Manifest) -> str:
    """Return the command that runs the pipeline again for the publication's batch, from its snapshot on."""
    moment = datetime.strptime(manifest.batch_id, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    command = ["python3", "-m", "infra.pipeline", "run", "--batch-date", moment.strftime("%Y-%m-%dT%H:%M:%SZ")]
    snapshot = manifest.lineage.get("snapshot")
    snapshot = snapshot if isinstance(snapshot, dict) else {}
    if dataset := snapshot.get("dataset"):
        command += ["--dataset", str(dataset)]
    source = snapshot.get("source")
    if isinstance(source, dict) and source.get("kind") in ("archive", "folder"):
        command += ["--archive", str(source.get("address"))]
    return shlex.join(command)


def rebuild(manifest: Manifest, address: str, user: str) -> dict[str, Any]:
    """Build the publication anew from `address`/<batch_id>/<table>/ and compare it with its manifest.

    `address` is a NameNode's http address, with the folder of the exports if that is not /marquee/exports. Returns JSON
    data: `same` says whether the SHA-256 is the manifest's. Raises PublicationError if the exports are not there or the
    manifest is of another schema version.
    """
    if manifest.schema_version != SCHEMA_VERSION:
        raise PublicationError(
            f"{manifest.batch_id} is of schema version {manifest.schema_version} and this program builds "
            f"{SCHEMA_VERSION}: check out {manifest.lineage.get('git_commit', 'the commit that built it')} to rebuild it."
        )
    base = f"{web_hdfs_address(address, DEFAULT_EXPORTS)}/{manifest.batch_id}"
    with tempfile.TemporaryDirectory(prefix=f"rebuild-{manifest.batch_id}-") as folder:
        work = Path(folder)
        for table in manifest.rows:
            _fetch_table(WebHdfsSource(f"{base}/{table}", user), work / "exports" / table, manifest)
        # Whether short lists were allowed decides what is refused, and no byte of what is built.
        options = BuildOptions(full_lists=False)
        built = build_publication(work / "exports", manifest.lineage, manifest.batch_id, work / "built", options)
    return {
        "publication": manifest.batch_id,
        "same": built.sha256 == manifest.sha256,
        "sha256": manifest.sha256,
        "rebuilt_sha256": built.sha256,
        "rerun": rerun_command(manifest),
    }


def _fetch_table(source: WebHdfsSource, folder: Path, manifest: Manifest) -> None:
    print(f"Fetching {folder.name} ...", file=sys.stderr)
    folder.mkdir(parents=True)
    try:
        files = source.files()
    except PublicationError as error:
        raise PublicationError(
            f"The export of {folder.name} is not to be had ({error}) Run the batch again: {rerun_command(manifest)}"
        ) from None
    for name, length in files.items():
        received = 0
        with source.open(name) as remote, (folder / name).open("wb") as file:
            while piece := read_piece(remote):
                received += file.write(piece)
        # HTTP lets a connection that ended early pass for the end of the file.
        if received != length:
            raise PublicationError(f"{folder.name}/{name} arrived with {received} of {length} bytes: try again.")
