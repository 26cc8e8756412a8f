"""Running a cleaning job in this process, as mrjob's inline runner does."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest


@pytest.fixture
def clean(tmp_path):
    """Return a function that cleans ``content`` and returns its output rows, sorted by byte offset."""

    def run(job_class, content: bytes, *arguments: str, name: str = "ratings.csv") -> list[tuple[str, ...]]:
        source = tmp_path / name
        source.write_bytes(content)
        output = tmp_path / "output"
        job = job_class([str(source), "-r", "inline", "--output-dir", str(output), *arguments])
        job.sandbox()
        job.run_job()
        lines = b"".join(part.read_bytes() for part in sorted(Path(output).glob("part-*"))).decode().splitlines()
        return sorted((tuple(line.split("\t")) for line in lines), key=lambda row: int(row[2]))

    return run


@pytest.fixture
def raw():
    """Return a function that writes raw bytes as the quarantine does."""
    return lambda line: base64.b64encode(line).decode()
