"""The package of a commit has the same bytes each time, and a signature that others cannot make."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from infra.release.errors import ReleaseError
from infra.release.package import folder_of, keys_of, make_package, unpack, verified_manifest
from infra.release.signatures import make_keys, sign


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    (folder / "program.py").write_text("print('one')\n", encoding="ascii")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_the_same_commit_gives_the_same_bytes_on_two_machines(repository: Path, tmp_path: Path) -> None:
    one, two = (make_package(repository, tmp_path / name, "main") for name in ("one", "two"))
    for name in ("source.tar", "manifest.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    # Each machine has a key of its own.
    assert (one / "manifest.json.sig").read_bytes() != (two / "manifest.json.sig").read_bytes()


def test_only_the_owner_reads_the_private_key(repository: Path, tmp_path: Path) -> None:
    make_package(repository, tmp_path, "main")
    assert (keys_of(tmp_path) / "release.key").stat().st_mode & 0o777 == 0o600


def test_a_package_is_unpacked_after_its_signature_and_bytes_were_checked(repository: Path, tmp_path: Path) -> None:
    make_package(repository, tmp_path, "main")
    unpack(tmp_path, git(repository, "rev-parse", "main"), tmp_path / "here")
    assert (tmp_path / "here" / "program.py").read_text(encoding="ascii") == "print('one')\n"


def test_a_manifest_that_another_key_signed_is_refused(repository: Path, tmp_path: Path) -> None:
    folder = make_package(repository, tmp_path, "main")
    make_keys(tmp_path / "other")
    sign(folder / "manifest.json", tmp_path / "other")
    with pytest.raises(ReleaseError, match="is not by the key"):
        verified_manifest(tmp_path, folder.name)


def test_a_package_under_the_name_of_another_commit_is_refused(repository: Path, tmp_path: Path) -> None:
    folder = make_package(repository, tmp_path, "main")
    folder.rename(folder_of(tmp_path, "f" * 40))
    with pytest.raises(ReleaseError, match="is the manifest of another commit"):
        verified_manifest(tmp_path, "f" * 40)


def test_without_a_public_key_nothing_is_trusted(repository: Path, tmp_path: Path) -> None:
    folder = make_package(repository, tmp_path, "main")
    (keys_of(tmp_path) / "release.pub").unlink()
    with pytest.raises(ReleaseError, match="Copy it from the machine that signs"):
        verified_manifest(tmp_path, folder.name)


def test_the_manifest_names_the_bills_of_materials_and_images_that_were_made_before(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "sbom").mkdir()
    (tmp_path / "sbom" / "serving.json").write_text("{}", encoding="ascii")
    commit = git(repository, "rev-parse", "main")
    folder_of(tmp_path, commit).mkdir(parents=True)
    (folder_of(tmp_path, commit) / "images.json").write_text('{"serving": "sha256:1"}', encoding="ascii")
    manifest = json.loads((make_package(repository, tmp_path, "main") / "manifest.json").read_text(encoding="ascii"))
    assert manifest["images"] == {"serving": "sha256:1"}
    assert manifest["materials"] == {"serving.json": hashlib.sha256(b"{}").hexdigest()}
