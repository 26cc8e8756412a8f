"""Check a publication's two files against its manifest, and open its database read-only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from serving.publications.format import (
    APPLICATION_ID,
    DATABASE_NAME,
    MANIFEST_NAME,
    RECOMMENDATIONS,
    Kind,
    PublicationError,
    sha256_of,
)
from serving.publications.manifest import Manifest


def open_database(folder: Path) -> sqlite3.Connection:
    """Return a connection to a publication's database, which no program may change.

    SQLite takes no locks on it. Threads may share the connection, since SQLite is compiled to run its calls in turn.
    """
    address = f"{(folder / DATABASE_NAME).absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)


def verify_folder(folder: Path, publication: str) -> Manifest:
    """Return a publication's manifest after checking its files.

    The checks are size, SHA-256 and, of lists, the database header. A model is not opened: opening runs its code. Raises
    PublicationError that names the file and its fault.
    """
    manifest = read_manifest(folder, publication)
    database = folder / manifest.kind.data_file
    try:
        size = database.stat().st_size
        if size != manifest.size_bytes:
            raise PublicationError(
                f"{database} has {size} bytes instead of {manifest.size_bytes}. Pull the publication again."
            )
        digest = sha256_of(database)
    except OSError as error:
        raise PublicationError(f"{database} cannot be read: {error.strerror}. Pull the publication again.") from None
    if digest != manifest.sha256:
        raise PublicationError(
            f"{database} has SHA-256 {digest} instead of {manifest.sha256}. Pull the publication again."
        )
    if manifest.kind != RECOMMENDATIONS:
        return manifest
    try:
        with closing(open_database(folder)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            schema = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise PublicationError(
            f"{database} is not a readable database: {error}. Build the publication again."
        ) from None
    version = manifest.schema_version
    if (application, schema) != (APPLICATION_ID, version):
        raise PublicationError(f"{database} is not a publication of schema version {version}. Build it again.")
    return manifest


def check_kind(manifest: Manifest, wanted: Kind) -> None:
    """Raise PublicationError if a publication is of another kind."""
    if manifest.kind != wanted:
        raise PublicationError(
            f"{manifest.batch_id} is of kind {manifest.kind.name}, not {wanted.name}. Each kind has a store of its own: "
            "give the other store's folder."
        )


def read_manifest(folder: Path, publication: str) -> Manifest:
    """Return the manifest in `folder`.

    Raises PublicationError if it cannot be read or is of another publication.
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = Manifest.from_json(path.read_bytes(), str(path))
    except OSError as error:
        raise PublicationError(f"{path} cannot be read: {error.strerror}. Pull {publication} first.") from None
    if manifest.batch_id != publication:
        raise PublicationError(f"{path} belongs to {manifest.batch_id}, not to {publication}. Pull it again.")
    return manifest
