"""Which tests a push runs."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.hooks import pre_push
from infra.hooks.install import HookError, install_pre_push
from infra.hooks.pre_push import ALWAYS, FOLDERS, chosen_tests

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        (["docs/runbook.md", "README.md"], ["tests/contracts"]),
        (["hql/load_ratings.hql"], ["tests/contracts", "tests/hql"]),
        (["dags/marquee/tasks.py", "tests/dags/test_tasks.py"], ["tests/contracts", "tests/dags"]),
        (["serving/accounts/domain/ratings.py"], ["tests/accounts", "tests/contracts"]),
        (["serving/web/problems.py"], ["tests/contracts", "tests/serving"]),
        (["infra/control/status.py", "mr_jobs/x.py"], ["tests/contracts", "tests/infra_control", "tests/mr_jobs"]),
        (["infra/release/git.py"], ["tests/contracts", "tests/infra_release"]),
        ([], ["tests/contracts"]),
    ],
)
def test_a_change_runs_the_tests_of_its_folder_and_the_contracts(changed: list[str], tests: list[str]) -> None:
    assert chosen_tests(changed) == tests


@pytest.mark.parametrize(
    "name", ["Makefile", "requirements/dev.txt", "pyproject.toml", "tests/conftest.py", "tests/gone/x.py", "infra/x.py"]
)
def test_what_concerns_all_runs_all(name: str) -> None:
    assert chosen_tests(["hql/x.hql", name]) is None


def test_each_folder_of_the_table_exists_with_its_tests() -> None:
    for code, tests in FOLDERS.items():
        assert (REPOSITORY / code).is_dir(), code
        assert (REPOSITORY / tests).is_dir(), tests
    assert (REPOSITORY / ALWAYS).is_dir()


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str) -> str:
    (folder / name).write_text(name, encoding="ascii")
    git(folder, "add", name)
    git(folder, "commit", "-q", "-m", f"add {name}")
    return git(folder, "rev-parse", "HEAD")


def test_a_push_changes_what_its_commits_change_and_a_deleted_branch_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    first, _, third = (commit(tmp_path, name) for name in ("a", "b", "c"))
    monkeypatch.setattr(pre_push, "REPOSITORY", tmp_path)
    none = "0" * 40
    changed = pre_push.changed_by
    assert changed([f"refs/heads/main {third} refs/heads/main {first}"]) == ["b", "c"]
    assert changed([f"refs/heads/main {third} refs/heads/main {none}"]) == ["a", "b", "c"]
    assert changed([f"(delete) {none} refs/heads/main {third}"]) == []
    git(tmp_path, "update-ref", "refs/remotes/origin/main", first)
    assert changed([f"refs/heads/new {third} refs/heads/new {none}"]) == ["b", "c"]


def test_git_runs_the_hook_and_a_failed_test_stops_the_push(tmp_path: Path) -> None:
    checkout, other = tmp_path / "checkout", tmp_path / "other.git"
    git(tmp_path, "init", "-q", "-b", "main", str(checkout))
    git(tmp_path, "init", "-q", "--bare", str(other))
    for folder in ("infra/hooks", "infra/control"):
        (checkout / folder).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", str(REPOSITORY / folder), str(checkout / folder)], check=True)
    # The target test-fast of this checkout says what it was asked for, and fails while the file `red` is there.
    recipe = "test-fast:\n\t@echo tests: $(TESTS)\n\t@test ! -e red\n"
    (checkout / "Makefile").write_text(recipe, encoding="ascii")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "all")
    git(checkout, "push", "-q", str(other), "main")
    install_pre_push(checkout)
    (checkout / "hql").mkdir()
    commit(checkout, "hql/x.hql")
    (checkout / "red").touch()
    push = ["git", "-C", str(checkout), "push", str(other), "main"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    stopped = subprocess.run(push, env=environ, capture_output=True, text=True, check=False)
    assert stopped.returncode != 0
    assert "tests: tests/contracts tests/hql" in stopped.stdout + stopped.stderr
    (checkout / "red").unlink()
    pushed = subprocess.run(push, env=environ, capture_output=True, text=True, check=False)
    assert pushed.returncode == 0, pushed.stderr
    assert git(other, "rev-parse", "main") == git(checkout, "rev-parse", "HEAD")


def test_a_hook_of_another_program_is_kept(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    hook = install_pre_push(tmp_path)
    assert install_pre_push(tmp_path) == hook
    hook.write_text("#!/bin/sh\n", encoding="ascii")
    with pytest.raises(HookError, match="is a hook of another program"):
        install_pre_push(tmp_path)
