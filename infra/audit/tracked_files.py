"""The files that git tracks."""

from __future__ import annotations

import subprocess
from pathlib import Path


def tracked_files(repository: Path) -> list[str]:
    """Return the paths that git tracks, relative to the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if (repository / name).is_file()]
