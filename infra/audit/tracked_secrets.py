"""Secrets in the files that git tracks, by detect-secrets, less those that .secrets.baseline knows for harmless."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection

BASELINE = ".secrets.baseline"


def tracked_files(repository: Path) -> list[str]:
    """Returns the paths that git tracks, relative to the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if (repository / name).is_file()]


def unknown_secrets(repository: Path, files: list[str]) -> list[str]:
    """Returns a sentence for each secret that the baseline does not hold; detectors and excluded files are the baseline's."""
    # detect-secrets compares paths as they were given.
    with contextlib.chdir(repository):
        known = baseline.load(baseline.load_from_file(BASELINE), BASELINE)
        found = SecretsCollection()
        for name in files:
            found.scan_file(name)
    return [
        f"{name}:{secret.line_number} may hold a secret ({secret.type}): take it out and change it where it is valid, or, "
        f"where it is none, write {BASELINE} anew with `make secrets-baseline`."
        for name, secret in sorted(found - known, key=lambda pair: (pair[0], pair[1].line_number))
    ]
