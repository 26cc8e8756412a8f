"""The running gateway takes new settings by a reload of nginx, which breaks no request."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from infra.control.lifecycle import StartError, write_instance
from infra.control.machine.listeners import MARK
from infra.control.secrets import private_write
from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisord import keep_digest, log_path
from infra.control.variables import process_environment

_SECONDS = 20
# The longest that the gateway waits for an API.
_DRAIN_SECONDS = 30


def reload_gateway(settings: Settings) -> None:
    """Have the running gateway take its settings again.

    Returns once new workers serve and the earlier ones have answered. Raises StartError, and then the gateway keeps the
    settings that it has.
    """
    file, process = settings.instance / "conf" / "gateway" / "nginx.conf", settings.instance / "run" / "gateway.pid"
    if not process.is_file() or not file.is_file():
        raise StartError("The gateway does not run. Start the platform with `make up`.")
    before, master = file.read_text(encoding="utf-8"), int(process.read_text(encoding="ascii"))
    workers = _children(master)
    variables = process_environment(settings)
    write_instance(settings)
    command = ["infra/services/gateway/gateway.sh", "-t"]
    checked = subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        private_write(file, before)
        raise StartError(
            f"nginx refuses the new configuration. It keeps the one it has. It says: {checked.stderr.strip()}"
        )
    try:
        os.kill(master, signal.SIGHUP)
    except ProcessLookupError:
        raise StartError("The gateway does not run. Start the platform with `make up`.") from None
    _wait(lambda: bool(_children(master) - workers), _SECONDS)
    if not _children(master) - workers:
        raise StartError(
            f"nginx did not take the new configuration within {_SECONDS} s. Read {log_path(settings, 'gateway')}."
        )
    # Earlier workers still answer what they began. Who asked for the reload may stop what they ask.
    _wait(lambda: not _children(master) & workers, _DRAIN_SECONDS)
    keep_digest(settings, variables | {MARK: str(settings.instance)})


def _wait(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def _children(process: int) -> set[int]:
    """Return the processes whose parent it is."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # A program's name may hold blanks and parentheses.
            parent = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == process:
            found.add(int(stat.parent.name))
    return found
