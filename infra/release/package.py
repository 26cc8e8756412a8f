"""A package: the files of one commit, and a signed manifest with the digests of all that belongs to it.

The same commit gives the same bytes: git writes the commit's time into the archive, and the manifest holds no time of its own.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

from infra.release.errors import ReleaseError
from infra.release.git import commit_of, git
from infra.release.signatures import make_keys, sign, verify

ARCHIVE = "source.tar"
MANIFEST = "manifest.json"
# The folder of the bills of materials of a commit's images.
MATERIALS = "materials"


def digest(file: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def folder_of(state: Path, commit: str) -> Path:
    """Return the folder of a commit's package."""
    return state / "packages" / commit


def keys_of(state: Path) -> Path:
    """Return the folder of the keys."""
    return state / "keys"


def make_package(repository: Path, state: Path, version: str) -> Path:
    """Write the package of a version, sign it, and return its folder.

    Raises ReleaseError.
    """
    commit = commit_of(repository, version)
    folder = folder_of(state, commit)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / ARCHIVE
    git(repository, "archive", "--format=tar", f"--output={archive.resolve()}", commit)
    manifest = {
        "commit": commit,
        "tree": git(repository, "rev-parse", f"{commit}^{{tree}}"),
        "committed": git(repository, "log", "-1", "--format=%cI", commit),
        "archive": {"name": ARCHIVE, "sha256": digest(archive)},
        "materials": {
            path.name: digest(path)
            for materials in (state / "sbom", folder / MATERIALS)
            for path in sorted(materials.glob("*.json"))
        },
        "images": _images(folder),
    }
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    make_keys(keys_of(state))
    sign(path, keys_of(state))
    return folder


def _images(folder: Path) -> dict[str, str]:
    """Return the digests of the images that were built of this commit."""
    path = folder / "images.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def verified_manifest(state: Path, commit: str) -> dict[str, Any]:
    """Return the manifest of a package whose signature and bytes are right.

    Raises ReleaseError.
    """
    folder = folder_of(state, commit)
    path = folder / MANIFEST
    if not path.is_file():
        raise ReleaseError(f"There is no package of {commit[:12]}. Make it with `make package VERSION={commit[:12]}`.")
    verify(path, keys_of(state))
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        expected = manifest["archive"]["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path} can't be read: {error}. Make the package again.") from error
    if manifest.get("commit") != commit:
        raise ReleaseError(f"{path} is the manifest of another commit. Make the package again.")
    if not (folder / ARCHIVE).is_file() or digest(folder / ARCHIVE) != expected:
        raise ReleaseError(f"{folder / ARCHIVE} has other bytes than its manifest says. Make the package again.")
    return manifest


def unpack(state: Path, commit: str, target: Path) -> None:
    """Write the files of a verified package to a folder.

    Raises ReleaseError.
    """
    verified_manifest(state, commit)
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder_of(state, commit) / ARCHIVE) as archive:
        archive.extractall(target, filter="data")
