"""The commit in the lineage: known wherever it can be, and else with the reason."""

import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from marquee.code_version import git_commit


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.check_output(
        ["git", *settings, "-C", str(folder), *words], text=True, stderr=subprocess.DEVNULL
    ).strip()


@pytest.fixture(autouse=True)
def no_commit_of_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARQUEE_GIT_COMMIT", raising=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "file").write_text("1", encoding="ascii")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    git(folder, "tag", "-a", "v1", "-m", "v1")
    return folder


@pytest.fixture
def no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_a_clean_and_a_changed_checkout_differ(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_commit(checkout) == commit
    (checkout / "file").write_text("2", encoding="ascii")
    assert git_commit(checkout) == f"{commit}-dirty"


def test_a_detached_head_and_a_shallow_clone_have_a_commit(checkout: Path, tmp_path: Path) -> None:
    first = git(checkout, "rev-parse", "HEAD")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "y")
    second = git(checkout, "rev-parse", "HEAD")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{checkout}", "shallow")
    assert git_commit(tmp_path / "shallow") == second
    git(checkout, "checkout", "-q", first)
    assert git_commit(checkout) == first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_the_commit_of_another_users_checkout_is_read(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    for path in (checkout, checkout / ".git"):
        shutil.chown(path, 12345, 12345)
    refused = subprocess.run(["git", "-C", str(checkout), "log"], capture_output=True, text=True, check=False)
    assert "dubious ownership" in refused.stderr
    assert git_commit(checkout) == commit


def test_a_callers_git_variables_name_no_other_repository(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert git_commit(checkout) == commit


@pytest.mark.parametrize("packed", [False, True])
def test_without_git_the_files_name_the_commit(
    checkout: Path, packed: bool, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    if packed:
        git(checkout, "pack-refs", "--all")
        assert not (checkout / ".git" / "refs" / "heads" / "main").exists()
    request.getfixturevalue("no_git")
    with caplog.at_level(logging.WARNING):
        assert git_commit(checkout) == f"{commit}-unchecked"
    assert caplog.messages == [f"Whether files differ from commit {commit} is not known: git is not installed."]


def test_without_git_a_worktree_and_a_detached_head_have_a_commit(
    checkout: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    git(checkout, "worktree", "add", "-q", "-b", "other", str(tmp_path / "worktree"))
    git(checkout, "checkout", "-q", "--detach")
    assert git_commit(tmp_path / "worktree") == commit
    request.getfixturevalue("no_git")
    assert git_commit(tmp_path / "worktree") == f"{commit}-unchecked"
    assert git_commit(checkout) == f"{commit}-unchecked"


def test_an_export_is_unknown_with_the_reason_even_below_another_checkout(
    checkout: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export = checkout / "export"
    export.mkdir()
    reason = f"{export} is no checkout, and MARQUEE_GIT_COMMIT names no commit"
    with caplog.at_level(logging.WARNING):
        assert git_commit(export) == f"unknown ({reason})"
    assert caplog.messages == [f"The commit of the code is unknown: {reason}."]


def test_an_images_commit_is_taken_and_its_unknown_is_explained(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_GIT_COMMIT", "0123456")
    assert git_commit(checkout) == "0123456"
    monkeypatch.setenv("MARQUEE_GIT_COMMIT", "unknown")
    assert git_commit(Path("/opt/marquee")) == (
        "unknown (/opt/marquee is no checkout, and MARQUEE_GIT_COMMIT names no commit)"
    )


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("HEAD", "ref: refs/heads/none\n", "and the files of .git name no commit)"),
        ("HEAD", "ref: HEAD\n", "and the files of .git name no commit)"),
        ("HEAD", "rubbish\n", "and the files of .git name no commit)"),
    ],
)
def test_damaged_files_are_unknown_with_the_reason(checkout: Path, name: str, content: str, expected: str) -> None:
    (checkout / ".git" / name).write_text(content, encoding="ascii")
    found = git_commit(checkout)
    assert found.startswith("unknown (git fails: fatal: ")
    assert found.endswith(expected)


def test_a_link_of_a_worktree_that_leads_nowhere_is_unknown_with_the_reason(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    (checkout / ".git").write_text("gitdir: /nowhere\n", encoding="ascii")
    assert git_commit(checkout) == (
        "unknown (git fails: fatal: not a git repository: /nowhere, and the files of .git name no commit)"
    )


def test_a_head_that_is_not_text_is_unknown_with_the_reason(checkout: Path) -> None:
    (checkout / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert git_commit(checkout).endswith("and the files of .git are not text)")
