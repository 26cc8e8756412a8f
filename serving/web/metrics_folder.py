"""The folder in which the processes of a server add up their metrics, for both of the servers that can run an application."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_NAME = "PROMETHEUS_MULTIPROC_DIR"


def metrics_folder() -> Path:
    """Return the folder that PROMETHEUS_MULTIPROC_DIR names, else a temporary one, which goes when this process ends.

    The metrics library reads the variable when it is imported, which must be after this.
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
