"""Commands of the serving layer that take a task's own folders."""

from __future__ import annotations

from pathlib import Path

from shared import settings


def build_argv(batch_id: str, exports: Path, lineage: Path, output: Path) -> list[str]:
    """Returns the command that builds a publication from export files."""
    return [
        *(settings.SERVING_PYTHON, "-m", "serving.publications", "build"),
        *("--exports", str(exports), "--lineage", str(lineage), "--batch-id", batch_id, "--output", str(output)),
    ]
