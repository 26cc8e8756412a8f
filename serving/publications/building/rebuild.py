"""Build a publication again from its batch's exports, if HDFS still has them, and compare the bytes."""

from __future__ import annotations

import shlex
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from serving.publications.building.build import BuildOptions, build_publication
from serving.publications.format import OWN_IDS_SCHEMA_VERSION, SCHEMA_VERSION, PublicationError
from serving.publications.lineage import value_at
from serving.publications.manifest import Manifest
from serving.publications.transfer import WebHdfsSource, read_piece, web_hdfs_address

DEFAULT_EXPORTS = "/marquee/exports"


def rerun_command(manifest: Manifest) -> str:
    """Return the command that runs a publication's batch again from its snapshot.

    Only the run that made a batch can write it again, so a publication that does not name its run has its date alone.
    """
    if run_id := value_at(manifest.lineage, "airflow", "run_id"):
        return shlex.join(["python3", "-m", "infra.pipeline", "run", "--again", str(run_id)])
    moment = datetime.strptime(manifest.batch_id, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    command = ["python3", "-m", "infra.pipeline", "run", "--batch-date", moment.strftime("%Y-%m-%dT%H:%M:%SZ")]
    if dataset := value_at(manifest.lineage, "snapshot", "dataset"):
        command += ["--dataset", str(dataset)]
    if value_at(manifest.lineage, "snapshot", "source", "kind") in ("archive", "folder", "own data"):
        command += ["--archive", str(value_at(manifest.lineage, "snapshot", "source", "address"))]
    return shlex.join(command)


def rebuild(manifest: Manifest, address: str, user: str) -> dict[str, Any]:
    """Return how a publication compares with a new build from its exports.

    `address` is a NameNode's http address, with the folder of the exports if that is not /marquee/exports. The exports
    are in `address`/<batch_id>/<table>/. In the returned JSON data, `same` says whether the SHA-256 is the manifest's.
    Raises PublicationError if the exports are missing or the manifest is of another schema version.
    """
    if manifest.schema_version not in (SCHEMA_VERSION, OWN_IDS_SCHEMA_VERSION):
        commit = value_at(manifest.lineage, "git_commit") or "the commit that built it"
        raise PublicationError(
            f"{manifest.batch_id} is of schema version {manifest.schema_version}, but this program builds "
            f"{SCHEMA_VERSION}. To rebuild it, check out {commit}."
        )
    base = f"{web_hdfs_address(address, DEFAULT_EXPORTS)}/{manifest.batch_id}"
    with tempfile.TemporaryDirectory(prefix=f"rebuild-{manifest.batch_id}-") as folder:
        work = Path(folder)
        for table in manifest.rows:
            source = f"{base}/{table}" if table != "ids" else _dictionary(manifest, address)
            _fetch_table(WebHdfsSource(source, user), work / "exports" / table, manifest)
        # Allowing short lists decides which exports are refused. It changes no byte of the database.
        options = BuildOptions(full_lists=False)
        built = build_publication(work / "exports", manifest.lineage, manifest.batch_id, work / "built", options)
    return {
        "publication": manifest.batch_id,
        "same": built.sha256 == manifest.sha256,
        "sha256": manifest.sha256,
        "rebuilt_sha256": built.sha256,
        "rerun": rerun_command(manifest),
    }


def _dictionary(manifest: Manifest, address: str) -> str:
    """Return the address of the data set's dictionary, which only grows."""
    parts = urlsplit(address)
    folder = value_at(manifest.lineage, "snapshot", "own_data", "ids")
    return web_hdfs_address(f"{parts.scheme}://{parts.netloc}", str(folder))


def _fetch_table(source: WebHdfsSource, folder: Path, manifest: Manifest) -> None:
    print(f"Fetching {folder.name} ...", file=sys.stderr)
    folder.mkdir(parents=True)
    try:
        files = source.files()
    except PublicationError as error:
        raise PublicationError(
            f"The export of {folder.name} is not available. {error} Run the batch again: {rerun_command(manifest)}"
        ) from None
    for name, length in files.items():
        received = 0
        with source.open(name) as remote, (folder / name).open("wb") as file:
            while piece := read_piece(remote):
                received += file.write(piece)
        # Over HTTP, a connection that ends early looks like the end of the file.
        if received != length:
            raise PublicationError(
                f"{folder.name}/{name} arrived with {received} of {length} bytes. Run the command again."
            )
