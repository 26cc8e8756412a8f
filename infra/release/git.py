"""What git says of the checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.release.errors import ReleaseError


def git(repository: Path, *arguments: str) -> str:
    """Return what a git command prints.

    Raises ReleaseError with git's own last line.
    """
    # Where another user owns the checkout, git refuses to read it.
    command = ["git", "-c", f"safe.directory={repository.resolve()}", "-C", str(repository), *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ReleaseError(f"git can't be run: {error.strerror}. Install it (apt-get install git).") from error
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
        raise ReleaseError(f"git {arguments[0]} failed: {last}.")
    return ended.stdout.strip()


def commit_of(repository: Path, version: str) -> str:
    """Return the commit that a tag, a branch or a commit's id means.

    Raises ReleaseError where there is none.
    """
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}")
    except ReleaseError as error:
        raise ReleaseError(
            f"There is no version {version!r} in this checkout. Give a tag, a branch or a commit that `git log` shows."
        ) from error
