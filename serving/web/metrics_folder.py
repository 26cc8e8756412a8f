"""The folder in which the processes of a server add up their metrics."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_NAME = "PROMETHEUS_MULTIPROC_DIR"


def metrics_folder() -> Path:
    """Return the folder of metrics, and make it.

    PROMETHEUS_MULTIPROC_DIR names it. Without the variable it is a temporary folder, which is removed when this process
    ends. The metrics library reads the variable when it is imported, so call this before.
    """
    if folder := os.environ.get(_NAME):
        chosen = Path(folder)
        chosen.mkdir(parents=True, exist_ok=True)
        return chosen
    temporary = Path(tempfile.mkdtemp(prefix="marquee-metrics-"))
    os.environ[_NAME] = str(temporary)
    atexit.register(_remove, temporary, os.getpid())
    return temporary


def _remove(folder: Path, owner: int) -> None:
    # The workers, which are forked from the owner, may end before it.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
