"""Secrets in the files that git tracks, by detect-secrets, without the harmless ones of .secrets.baseline."""

from __future__ import annotations

import contextlib
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection

BASELINE = ".secrets.baseline"


def unknown_secrets(repository: Path, files: list[str]) -> list[str]:
    """Return a sentence for each secret that the baseline does not hold.

    Detectors and excluded files are the baseline's.
    """
    # detect-secrets compares paths as text, so that they must be relative here too.
    with contextlib.chdir(repository):
        known = baseline.load(baseline.load_from_file(BASELINE), BASELINE)
        found = SecretsCollection()
        for name in files:
            found.scan_file(name)
    return [
        f"{name}:{secret.line_number} may hold a secret ({secret.type}). Take it out and change it where it is valid. "
        f"If it is not a secret, write {BASELINE} again with `make secrets-baseline`."
        for name, secret in sorted(found - known, key=lambda pair: (pair[0], pair[1].line_number))
    ]
