"""Compute the checksum of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_checksum(path: Path, algorithm: str) -> str:
    """Return the file's hexadecimal digest by ``algorithm``, 'sha256' or 'md5'."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
