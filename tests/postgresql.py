"""A PostgreSQL of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a server on a socket in a temporary folder, yield the folder, and end both."""
    (*_, binaries) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="marquee-postgresql-"))
    owner: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses root
        shutil.chown(folder, "postgres", "postgres")
        owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    initdb = [*owner, str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-N"]
    subprocess.run([*initdb, "-E", "UTF8", "--locale=C"], cwd=folder, check=True, capture_output=True)
    server = [*owner, str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*server, "-c", "listen_addresses="], cwd=folder, stdout=log, stderr=log)
    try:
        ready = [str(binaries / "pg_isready"), "-q", "-h", str(folder), "-U", "postgres"]
        deadline = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text())
            time.sleep(0.05)
        yield str(folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        shutil.rmtree(folder)
