"""`python3 -m infra.hooks.pre_push`: run the fast tests of what a push changes, as git's hook pre-push.

The tests of a file are those of the folder that mirrors its own, and the contracts always. A file of no such folder, such as the
Makefile or a lock, concerns all: then every fast test runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.control.settings import REPOSITORY

_NO_COMMIT = frozenset("0")
ALWAYS = "tests/contracts"
# The tests of a folder where they are not in tests/ under the same name.
FOLDERS = {
    "infra/control": "tests/infra_control",
    "infra/pipeline": "tests/infra_pipeline",
    "infra/monitoring": "tests/monitoring",
    "infra/audit": "tests/audit",
    "infra/release": "tests/infra_release",
    "infra/deploy/environments": "tests/infra_deploy",
    "infra/hooks": "tests/infra_hooks",
    "infra/services/gateway": "tests/gateway",
    "serving/accounts": "tests/accounts",
    "serving": "tests/serving",
    "dags": "tests/dags",
    "expectations": "tests/expectations",
    "hql": "tests/hql",
    "mr_jobs": "tests/mr_jobs",
    "spark_jobs": "tests/spark_jobs",
}
# What no test but a contract or the linter reads.
WITHOUT_TESTS = ("docs/", ".github/", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")


def chosen_tests(changed: Iterable[str], exists: Path = REPOSITORY) -> list[str] | None:
    """Return the folders and files of tests to run; None: all of them."""
    chosen = {ALWAYS}
    for name in changed:
        if name.startswith(WITHOUT_TESTS):
            continue
        if name.startswith("tests/"):
            folder = "/".join(name.split("/")[:2])
            if not (exists / folder).is_dir():
                return None
            chosen.add(folder)
            continue
        folder = next((tests for code, tests in FOLDERS.items() if name.startswith(f"{code}/")), "")
        if not folder:
            return None
        chosen.add(folder)
    return sorted(chosen)


def _git(*arguments: str) -> list[str]:
    ended = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"pre-push: git {arguments[0]} failed: {ended.stderr.strip()}. Nothing was pushed.")
    return ended.stdout.splitlines()


def changed_by(lines: Sequence[str]) -> list[str]:
    """Return the files that a push changes, from the lines that git gives its hook.

    A line is `local-ref local-id remote-ref remote-id`. A new branch is compared with what any remote has.
    """
    changed: set[str] = set()
    for line in lines:
        _, local, _, remote = line.split()
        if set(local) == _NO_COMMIT:
            continue
        known = set(remote) != _NO_COMMIT
        commits = [f"{remote}..{local}"] if known else [local, "--not", "--remotes"]
        changed.update(_git("log", "--format=", "--name-only", "--no-renames", *commits))
    return sorted(name for name in changed if name)


def main() -> int:
    """Run the tests and return their exit status."""
    changed = changed_by(sys.stdin.read().splitlines())
    if not changed:
        return 0
    tests = chosen_tests(changed)
    print(
        f"pre-push: {len(changed)} files changed, fast tests of {', '.join(tests) if tests else 'everything'}",
        flush=True,
    )
    # git's variables name the repository that is pushed, and tests make repositories of their own.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["make", "--no-print-directory", "test-fast", *([f"TESTS={' '.join(tests)}"] if tests else [])]
    return subprocess.run(command, cwd=REPOSITORY, env=variables, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
