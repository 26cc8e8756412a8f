"""The files that git tracks, where git is missing or refuses."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.audit.tracked_files import tracked_files


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "file").touch()
    subprocess.run(["git", "-C", str(tmp_path), "add", "file"], check=True)
    return tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_another_users_checkout_is_read(checkout: Path) -> None:
    shutil.chown(checkout, 12345, 12345)
    assert tracked_files(checkout) == ["file"]


def test_an_export_ends_the_program_with_a_message(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as raised:
        tracked_files(tmp_path)
    assert str(raised.value).startswith("audit: git can't list the files: fatal: not a git repository")
    assert str(raised.value).endswith("Run the command in a checkout of git.")


def test_a_missing_git_ends_the_program_with_a_message(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    with pytest.raises(SystemExit) as raised:
        tracked_files(checkout)
    assert str(raised.value) == (
        "audit: git can't be run: No such file or directory. Install it (apt-get install git)."
    )


def test_no_file_is_tracked_that_git_is_told_to_ignore() -> None:
    """A JVM that crashes leaves its report where it was started, and `git add .` takes it along."""
    repository = Path(__file__).parents[2]
    listed = ["git", "-c", f"safe.directory={repository}", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(listed, cwd=repository, capture_output=True, text=True, check=True).stdout == ""
