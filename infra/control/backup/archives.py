"""A backup's files: archives of folders, and the manifest with their SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from infra.control.backup.programs import BackupError

MANIFEST = "manifest.json"


def archive_folder(folder: Path, archive: Path) -> None:
    """Write a folder to a tar file.

    A running pipeline renames and deletes unfinished files meanwhile. Files that vanish are left out.
    """
    with tarfile.open(archive, "w") as tar:
        for parent, folders, files in os.walk(folder):
            for path in (Path(parent, name) for name in sorted(folders + files)):
                with contextlib.suppress(FileNotFoundError):
                    tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file into a new folder."""
    folder.mkdir(parents=True, mode=0o700)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="tar")


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256, which is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write the manifest of a backup: these facts, and each file's SHA-256."""
    manifest = facts | {"files": {path.name: sha256_of(path) for path in sorted(folder.iterdir())}}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def verify(folder: Path) -> dict[str, str]:
    """Return the backup's files with their SHA-256.

    Raises BackupError for a file that is missing or has changed.
    """
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(
            f"{folder} is not a whole backup ({error}). Give the folder that `make backup` named."
        ) from None
    for name, digest in files.items():
        if not (folder / name).is_file():
            raise BackupError(f"{folder} lacks {name}. Use another backup.")
        if sha256_of(folder / name) != digest:
            raise BackupError(f"{folder / name} has changed since it was written. Use another backup.")
    return files
