"""The files that git tracks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def tracked_files(repository: Path) -> list[str]:
    """Return the paths that git tracks, relative to the repository.

    Ends the program with a message where git can't say, as in an export without `.git`.
    """
    # Where another user owns the checkout, git refuses to read it.
    command = ["git", "-c", f"safe.directory={repository.resolve()}", "ls-files", "-z"]
    try:
        listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"audit: git can't be run: {error.strerror}. Install it (apt-get install git).")
    if listed.returncode != 0:
        sys.exit(f"audit: git can't list the files: {listed.stderr.strip()}. Run the command in a checkout of git.")
    return [name for name in listed.stdout.split("\0") if (repository / name).is_file()]
